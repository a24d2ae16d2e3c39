# SPDX-License-Identifier: GPL-2.0
# Every workload over every path, one line of key=value pairs for each round.
# shellcheck shell=bash disable=SC2154,SC2016
#
# LAB_ORDERS: "paths=P,P... workloads=W,W... scale=PERCENT busy=no profile=1"

. "$LAB_TOP/scripts/lab/bench/lib.sh"
. "$LAB_TOP/scripts/lab/bench/paths.sh"

# NAME MODE WORKLOAD SIZE OPERATIONS [OPTION...]
# Mode idle: the far end sleeps when it waits; busy: it spins in recv().
all_workloads='
udp_rr_1        idle udp_rr          1      1000
udp_rr_64       idle udp_rr          64     1000
udp_rr_64       busy udp_rr          64     1000
udp_rr_1024     idle udp_rr          1024   1000
tcp_rr          idle tcp_rr          64     1000
tcp_rr          busy tcp_rr          64     1000
tcp_crr         idle tcp_crr         64     200
tcp_stream_to   idle tcp_stream_to   16384  1280
tcp_stream_from idle tcp_stream_from 16384  1280
udp_flood_echo  idle udp_flood_echo  64     3200   -w 64
udp_flood_to    idle udp_flood_to    64     5000   -w 128
udp_flood_from  idle udp_flood_from  64     5000   -w 128
udp_sat_echo    idle udp_flood_echo  64     3200   -w 512
udp_sat_to      idle udp_flood_to    64     6400   -w 512
udp_sat_from    idle udp_flood_from  64     6400   -w 512
'

# The same flood, unanswered, at a packet in so many ns, for the curve of exits.
offered_load='200000 100000 50000 25000 16000 12000 8000'
load_line() { echo "load_$1_$2 idle udp_flood_$1 64 1000 -w 0 -g $2"; }

workload_lines()
{
	local gap

	echo "$all_workloads"
	[ -d "$vm_dir/$path" ] || return 0
	for gap in $offered_load; do
		load_line to "$gap"
		load_line from "$gap"
	done
}

is_wanted()
{
	case $1 in
	load_*) [[ -z $wanted || " $wanted " == *" load "* ]] ;;
	*) [[ -z $wanted || " $wanted " == *" $1 "* ]] ;;
	esac
}

# run_mode MODE SERVICE: of all workloads, or of those of one service, because
# spinning servers would share the processor
run_mode()
{
	local line

	if [ "$1" = busy ]; then
		serve -b "$2"
	else
		serve
	fi
	sleep 0.3
	while read -r -a line; do
		if [ "${line[1]:-}" = "$1" ] && [[ -z ${2:-} || $2 == "${line[2]/_rr/_echo}" ]] &&
		   is_wanted "${line[0]}"; then
			run_workload "${line[@]}"
		fi
	done < <(workload_lines)
	unserve
}

# For the profile. The guest's kernel is the host's, its modules are elsewhere.
symbols()
{
	grep -i ' t ' /proc/kallsyms >/out/host.syms
	grep -v '\[' /out/host.syms >/out/guest.syms
	[ ! -d "$vm_dir/$path" ] ||
		vm_run "$path" "grep -i ' t .*\[' /proc/kallsyms" >>/out/guest.syms
}

# A guest that spins and the QEMU that serves it would take turns in whole time slices.
has_busy() { [ "$busy" != no ] && [ "$path" != user ]; }

run_path()
{
	if ! set_up; then
		not_ok "$path" "cannot be set up: $(tail -n 3 /tmp/errors)"
		return
	fi
	run_mode idle ''
	if has_busy; then
		run_mode busy udp_echo
		run_mode busy tcp_echo
	fi
	[ -z "$profile" ] || symbols
	"down_$path"
	ok "$path"
}

paths=$(order paths)
paths=${paths:-$all_paths}
wanted=$(order workloads)
busy=$(order busy)
profile=$(order profile)
for path in $paths; do
	run_path
done
