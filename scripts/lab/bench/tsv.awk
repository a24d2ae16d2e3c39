# SPDX-License-Identifier: GPL-2.0
# netbench's rounds to one line for each path, mode and workload: the best round,
# per packet or operation that arrived.
BEGIN { OFS = "\t" }

function value(key) { return (key in v) ? v[key] : 0 }

{
	parse()
	if (!("ns" in v))
		next
	id = v["path"] OFS v["mode"] OFS v["name"]
	done = v["ops"] - v["lost"]
	if (done <= 0)
		next
	cost = v["ns"] / done
	if (!(id in best))
		order[n++] = id
	else if (cost >= best[id])
		next
	best[id] = cost
	exits = value("kvm.exits") / done
	line[id] = sprintf("%d\t%.3f\t%.3f\t%d\t%.1f\t%.0f\t%d", cost, exits,
		value("kvm.irq_injections") / done, cost + 1500 * exits,
		v["bytes"] * 1000 / v["ns"], 1e9 / cost, v["lost"])
}

END {
	if (header)
		print "path", "mode", "workload", "instr_per_op", "exits_per_op",
			"injections_per_op", "instr_1500exits", "MB_per_Ginstr",
			"ops_per_Ginstr", "lost"
	for (i = 0; i < n; i++)
		print order[i], line[order[i]]
}
