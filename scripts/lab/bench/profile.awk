# SPDX-License-Identifier: GPL-2.0
# Instructions by function: the two kallsyms, sorted by address, then the plugin's
# lines without "end", sorted by address too. Addresses are compared as text: all have 16 digits.
#	awk -f profile.awk host.syms guest.syms counts
FNR == 1 { nr_file++ }
nr_file <= 2 {
	side = nr_file == 1 ? "host" : "guest"
	addr[side, n[side]] = $1
	name[side, n[side]++] = $3 ($4 == "" ? "" : " " $4)
	next
}
{
	side = $1
	if ($2 < "ffff800000000000") {
		total[side, "(user)"] += $3
	} else {
		while (at[side] + 1 < n[side] && addr[side, at[side] + 1] <= $2)
			at[side]++
		total[side, name[side, at[side] + 0]] += $3
	}
	all[side] += $3
}
END {
	for (key in total) {
		split(key, part, SUBSEP)
		printf "%s %d %.2f%% %s\n", part[1], total[key],
			100 * total[key] / (all["host"] + all["guest"]), part[2]
	}
	printf "host %d - (all)\nguest %d - (all)\n", all["host"], all["guest"]
}
