# SPDX-License-Identifier: GPL-2.0
# What several of the programs here need.

# The line's KEY=VALUE words, in v.
function parse(	i, at)
{
	delete v
	for (i = 1; i <= NF; i++) {
		at = index($i, "=")
		v[substr($i, 1, at - 1)] = substr($i, at + 1)
	}
}

# What a path costs above veth, as a part of what vhost costs above it; or, where that
# is next to nothing, in percent of veth.
function above(what, row, path,	base)
{
	if (!((row, "veth") in what) || !((row, "vhost") in what) || !((row, path) in what))
		return "-"
	base = what[row, "vhost"] - what[row, "veth"]
	if (base < 0.1 * what[row, "veth"])
		return sprintf("%+.0f %% of veth", 100 * (what[row, path] / what[row, "veth"] - 1))
	return sprintf("%.2f", (what[row, path] - what[row, "veth"]) / base)
}
