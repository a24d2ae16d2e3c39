# SPDX-License-Identifier: GPL-2.0
# What each verb costs with many devices on a bus and with many buses.
# shellcheck shell=bash disable=SC2154,SC2016

. "$LAB_TOP/scripts/lab/bench/lib.sh"
verbs=$LAB_SELFTESTS/kvm_verbs
have=0

# The device that the verbs go to is the last that was linked. One mkdir for all:
# starting a thousand programs takes minutes here.
devices_up_to()
{
	local i new

	mapfile -t new < <(seq -f "$device_dir/v%.0f" $((have + 1)) "$1")
	mkdir "${new[@]}" || return
	for i in "${new[@]}"; do
		echo venet-tap >"$i/type" || return
	done
	ln -s -t "$bus_dir/b" "${new[@]}" || return
	have=$1
}

verbs_with()
{
	member b "$verbs" $((have - 1)) | while read -r line; do
		echo "verbs devices=$have buses=$1 $line" | tee -a /out/bench.raw
	done
}

load venet-tap
make_bus b
for count in 1 10 100 1000; do
	devices_up_to "$count" || not_ok "$count devices" "cannot be made"
	verbs_with 1
done
mapfile -t others < <(seq -f "$bus_dir/o%.0f" 999)
mkdir "${others[@]}" || not_ok "1000 buses" "cannot be made"
verbs_with 1000
rm "$bus_dir"/b/v* && rmdir "$device_dir"/v* "$bus_dir"/* && ok "verbs"
