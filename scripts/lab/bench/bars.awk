# SPDX-License-Identifier: GPL-2.0
# results.tsv to an SVG: for each workload a bar for each path, vhost's = 1.
BEGIN { FS = "\t"; split("#9aa5b1 #6c7a89 #d9822b #e3b505 #b04a5a #2a7f62", color, " ") }

FNR > 1 && $3 !~ /^load_/ && $2 == "idle" {
	if (!($3 in seen)) { seen[$3] = 1; rows[nr++] = $3 }
	if (!($1 in known)) { known[$1] = 1; paths[np++] = $1 }
	cost[$3, $1] = $7
}

END {
	bar = 12; left = 150; scale = 420; gap = 14
	height = 60 + nr * (np * bar + gap)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n", height
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	printf "<text x=\"10\" y=\"16\" font-size=\"13\">%s</text>\n", title
	for (p = 0; p < np; p++) {
		printf "<rect x=\"%d\" y=\"26\" width=\"10\" height=\"10\" fill=\"%s\"/>", 10 + p * 110, color[p + 1]
		printf "<text x=\"%d\" y=\"35\">%s</text>\n", 24 + p * 110, paths[p]
	}
	y = 50
	for (r = 0; r < nr; r++) {
		printf "<text x=\"10\" y=\"%d\">%s</text>\n", y + np * bar / 2 + 4, rows[r]
		for (p = 0; p < np; p++) {
			if (((rows[r], paths[p]) in cost) && cost[rows[r], "vhost"]) {
				ratio = cost[rows[r], paths[p]] / cost[rows[r], "vhost"]
				width = scale * (ratio > 1.3 ? 1.3 : ratio)
				printf "<rect x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"%d\" fill=\"%s\"/>", left, y, width, bar - 2, color[p + 1]
				printf "<text x=\"%.0f\" y=\"%d\" font-size=\"9\">%.2f</text>\n", left + width + 4, y + 9, ratio
			}
			y += bar
		}
		y += gap
	}
	print "</svg>"
}
