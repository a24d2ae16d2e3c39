# SPDX-License-Identifier: GPL-2.0
# What streams copy: the kernel's symbols, sorted by address, the profiler's lines, and
# the results of the same run, a line for each piece that was marked.
#	awk -f copies.awk host.syms counts raw
#
# The emulator's instructions for each byte: memcpy 0.378, copies from and to the
# user 0.125. On hardware they are alike: the second figure is taken for both.
BEGIN { OFS = "\t"; costs["memcpy"] = 0.378; costs["user"] = 0.125 }

function kind(name)
{
	if (name == "memcpy" || name == "memcpy_orig")
		return "memcpy"
	return name == "rep_movs_alternative" ? "user" : ""
}

FNR == 1 { nr_file++ }

nr_file == 1 {
	if (last != "")
		to[last] = $1
	last = ""
	if (kind($3) != "") {
		last = $3
		from[$3] = $1
	}
	next
}

nr_file == 2 && $1 == "end" {
	piece++
	next
}

nr_file == 2 {
	for (name in from)
		if ($2 >= from[name] && $2 < to[name])
			spent[piece + 0, kind(name)] += $3
	next
}

{
	parse()
	if (!("ns" in v))
		next
	bytes = 0
	cost = v["ns"]
	for (k in costs) {
		bytes += spent[run + 0, k] / costs[k]
		cost -= spent[run + 0, k]
	}
	run++
	cost = (cost + 0.125 * bytes) / v["ops"]
	id = v["path"] OFS v["name"]
	if (!(id in best))
		order[n++] = id
	else if (cost >= best[id])
		next
	best[id] = cost
	line[id] = sprintf("%.2f\t%d\t%.1f", bytes / v["bytes"], cost, v["size"] * 1000 / cost)
}

END {
	print "path", "workload", "copies_per_byte", "instr_per_op", "MB_per_Ginstr"
	for (i = 0; i < n; i++)
		print order[i], line[order[i]]
}
