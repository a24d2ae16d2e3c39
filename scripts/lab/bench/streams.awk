# SPDX-License-Identifier: GPL-2.0
# copies.tsv to a table in markdown.
BEGIN { FS = "\t" }

FNR == 1 {
	print "\nStreams, every copied byte counted as 0.125 instructions\n"
	print "| workload | path | copies of each byte | instructions per write | MB per 10^9 instructions |"
	print "|---|---|---|---|---|"
	next
}

{ printf "| %s | %s | %s | %s | %s |\n", $2, $1, $3, $4, $5 }
