# SPDX-License-Identifier: GPL-2.0
# results.tsv to one table in markdown: what matters of a kernel.
BEGIN { FS = "\t" }

FNR > 1 && $3 !~ /^load_/ && $2 == "idle" {
	if (!($3 in seen)) { seen[$3] = 1; rows[nr++] = $3 }
	instr[$3, $1] = $4
	exits[$3, $1] = $5
	sum[$3, $1] = $7
}

END {
	print "\n| workload | veth | vhost | vhost-napi0 | venet | exits: vhost | vhost-napi0 | venet | above veth, vhost's = 1 | with 1500 x exits |"
	print "|---|---|---|---|---|---|---|---|---|---|"
	for (r = 0; r < nr; r++) {
		row = rows[r]
		if (!((row, "veth") in instr) || !((row, "vhost") in instr) || !((row, "venet") in instr))
			continue
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", row,
			instr[row, "veth"], instr[row, "vhost"], instr[row, "vhost-napi0"], instr[row, "venet"],
			exits[row, "vhost"], exits[row, "vhost-napi0"], exits[row, "venet"],
			above(instr, row, "venet"), above(sum, row, "venet")
	}
}
