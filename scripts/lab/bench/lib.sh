# SPDX-License-Identifier: GPL-2.0
# What the benchmark's cases have in common.
# shellcheck shell=bash disable=SC2154,SC2034

netbench=$LAB_SELFTESTS/netbench

# order NAME: the words of NAME=WORD,WORD... in LAB_ORDERS
order()
{
	tr ' ' '\n' <<<"${LAB_ORDERS:-}" | sed -n "s/^$1=//p" | tr ',' ' '
}

# Of the emulated clock, on which everything is fast, and waiting for a guest that spins
# is slow.
VM_TIMEOUT=3
VM_BOOT_TIME=6

scale=$(order scale)
scale=${scale:-100}

# record TEXT: a line for the results
record() { echo "$*" >>/out/bench.raw; }

# bury VM: it stands still, by the emulator's doing. Its last words are a note.
bury()
{
	local panic

	panic=$(vm_output "$1" | grep -a -m 1 -A 5 '^traps: PANIC\|^Oops\|^BUG') &&
		note "$1 panicked: $panic"
	expect_reports "$1"
	kill_vm "$1"
}

# No workload takes a second where every instruction is a nanosecond.
run_time=30
[ -z "${LAB_ICOUNT:-}" ] || run_time=1

# run_workload NAME MODE WORKLOAD SIZE OPERATIONS [OPTION...]: while it measures,
# nothing else may run in this machine, which has one processor. A guest that stands
# still is started anew by revive.
run_workload()
{
	local name=$1 mode=$2 workload=$3 size=$4 ops=$(($5 * scale / 100)) try

	shift 5
	for try in 1 2 3 4 5; do
		if timeout "$run_time" "$netbench" -k -r 3 -s "$size" -n "$ops" -u $((ops / 4)) "$@" \
			"$workload" "$server_addr" >/tmp/lines 2>/tmp/errors; then
			sed "s/^/path=$path mode=$mode name=$name /" /tmp/lines >>/out/bench.raw
			awk -f "$LAB_TOP/scripts/lab/bench/common.awk" \
				-f "$LAB_TOP/scripts/lab/bench/tsv.awk" <(tail -n 3 /out/bench.raw)
			return
		fi
		note "$path $name $mode: no result in try $try"
		revive "$mode" "$workload" || break
	done
	not_ok "$path $name $mode" "$(cat /tmp/errors)"
}
