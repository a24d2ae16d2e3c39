# SPDX-License-Identifier: GPL-2.0
# wall.tsv to a table in markdown.
BEGIN { FS = "\t" }

FNR > 1 {
	row = $3 "\t" $1
	if (!(row in seen)) { seen[row] = 1; rows[nr++] = row }
	rate[row, $2] = $4
}

END {
	print "\nStreams in wall-clock time, MB/s\n"
	print "| workload | processors | veth | vhost | venet | venet / vhost |"
	print "|---|---|---|---|---|---|"
	for (r = 0; r < nr; r++) {
		row = rows[r]
		split(row, part, "\t")
		printf "| %s | %s | %s | %s | %s | %.2f |\n", part[1], part[2], rate[row, "veth"],
			rate[row, "vhost"], rate[row, "venet"], rate[row, "venet"] / rate[row, "vhost"]
	}
}
