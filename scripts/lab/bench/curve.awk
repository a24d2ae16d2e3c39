# SPDX-License-Identifier: GPL-2.0
# results.tsv to an SVG: exits per packet against packets offered in 10^9
# instructions, both axes logarithmic. Set way to "to" or "from".
BEGIN { FS = "\t"; split("#d9822b #e3b505 #b04a5a #2a7f62", color, " ") }

function log10(x) { return log(x) / log(10) }
function X(load) { return 60 + 600 * (log10(load) - 3.5) / 2 }
function Y(exits) { return 330 - 270 * (log10(exits < 0.001 ? 0.001 : exits) + 3) / 4 }

FNR > 1 && $3 ~ "^load_" way "_" && $1 != "veth" && $1 != "loopback" {
	split($3, part, "_")
	if (!($1 in known)) { known[$1] = 1; paths[np++] = $1 }
	points[$1] = points[$1] sprintf("%.1f,%.1f ", X(1e9 / part[3]), Y($5))
}

END {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"700\" height=\"380\" font-family=\"sans-serif\" font-size=\"11\">"
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	printf "<text x=\"10\" y=\"16\" font-size=\"13\">%s</text>\n", title
	for (e = 0.001; e < 20; e *= 10) {
		printf "<line x1=\"60\" x2=\"660\" y1=\"%.0f\" y2=\"%.0f\" stroke=\"#ddd\"/>", Y(e), Y(e)
		printf "<text x=\"10\" y=\"%.0f\">%g</text>\n", Y(e) + 4, e
	}
	for (l = 5000; l <= 200000; l *= 5)
		printf "<text x=\"%.0f\" y=\"348\">%d</text>\n", X(l) - 15, l
	print "<text x=\"220\" y=\"370\">packets offered in 10^9 instructions</text>"
	for (p = 0; p < np; p++) {
		printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>", color[p + 1], points[paths[p]]
		printf "<text x=\"%d\" y=\"35\" fill=\"%s\">%s</text>\n", 80 + p * 110, color[p + 1], paths[p]
	}
	print "</svg>"
}
