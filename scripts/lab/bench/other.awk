# SPDX-License-Identifier: GPL-2.0
# The results that are no traffic, as tables in markdown: memory, verbs.
BEGIN { nm = 0 }

{ parse() }

/^memory=/ {
	what[nm] = v["memory"]
	kb[nm++] = v["kb"]
}

/^verbs / {
	c = v["devices"] " devices, " v["buses"] " bus" (v["buses"] > 1 ? "es" : "")
	if (!(c in seen)) { seen[c] = 1; cols[nc++] = c }
	if (!(v["verb"] in known)) { known[v["verb"]] = 1; verbs[nv++] = v["verb"] }
	cost[v["verb"], c] = v["ns"]
}

END {
	if (nm) {
		print "\nThe host kernel's memory, KB each\n\n| for | KB |\n|---|---|"
		for (i = 0; i < nm; i++)
			printf "| %s | %s |\n", what[i], kb[i]
	}
	if (!nv)
		exit
	printf "\nInstructions of each verb, with the way into the host and back (\"nothing\")\n\n| verb |"
	for (c = 0; c < nc; c++)
		printf " %s |", cols[c]
	printf "\n|---|"
	for (c = 0; c < nc; c++)
		printf "---|"
	print ""
	for (i = 0; i < nv; i++) {
		printf "| %s |", verbs[i]
		for (c = 0; c < nc; c++)
			printf " %s |", cost[verbs[i], cols[c]]
		print ""
	}
}
