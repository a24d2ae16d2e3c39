# SPDX-License-Identifier: GPL-2.0
# results.tsv to tables in markdown.
BEGIN { FS = "\t" }

FNR == 1 {
	for (i = 1; i <= NF; i++)
		col[$i] = i
	next
}

$col["workload"] !~ /^load_/ {
	row = $col["workload"] ($col["mode"] == "busy" ? ", busy" : "")
	if (!(row in seen)) { seen[row] = 1; rows[nr++] = row }
	if (!($1 in known)) { known[$1] = 1; paths[np++] = $1 }
	instr[row, $1] = $col["instr_per_op"]
	sum[row, $1] = $col["instr_1500exits"]
	exits[row, $1] = $col["exits_per_op"]
	inj[row, $1] = $col["injections_per_op"]
	rate[row, $1] = $col["MB_per_Ginstr"]
}

function head(title,	p)
{
	printf "\n%s\n\n| workload |", title
	for (p = 0; p < np; p++) printf " %s |", paths[p]
	printf "\n|---|"
	for (p = 0; p < np; p++) printf "---|"
	printf "\n"
}

function table(title, what, format,	r, p)
{
	head(title)
	for (r = 0; r < nr; r++) {
		printf "| %s |", rows[r]
		for (p = 0; p < np; p++)
			if ((rows[r], paths[p]) in what)
				printf " " format " |", what[rows[r], paths[p]]
			else
				printf " - |"
		printf "\n"
	}
}

function ratios(title, what, floor,	r, p)
{
	head(title)
	for (r = 0; r < nr; r++) {
		printf "| %s |", rows[r]
		for (p = 0; p < np; p++)
			if (floor)
				printf " %s |", above(what, rows[r], paths[p])
			else if (((rows[r], paths[p]) in what) && ((rows[r], "vhost") in what))
				printf " %.2f |", what[rows[r], paths[p]] / what[rows[r], "vhost"]
			else
				printf " - |"
		printf "\n"
	}
}

END {
	table("Instructions per operation (stream: per write of 16 KiB)", instr, "%d")
	table("Exits per operation", exits, "%.3f")
	table("Interrupts injected per operation", inj, "%.3f")
	table("Instructions + 1500 x exits", sum, "%d")
	table("MB per 10^9 instructions", rate, "%.1f")
	ratios("Instructions, vhost = 1", instr, 0)
	ratios("Instructions above veth, vhost's = 1; where vhost is less than 10 % above veth, the difference to veth", instr, 1)
	ratios("Instructions + 1500 x exits above veth, vhost's = 1; as before", sum, 1)
}
