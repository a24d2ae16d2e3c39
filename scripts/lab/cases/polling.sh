# SPDX-License-Identifier: GPL-2.0
# Who polls: threads, the reader of a socket, a timer; each with the work it does.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d
check "the interface appears" host_addr d 10.0.0.1/24
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2
check "a guest boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
"$LAB_SELFTESTS/netbench" server >/dev/null 2>&1 &
server=$!
both_ways() { tcp_to_guest a 10.0.0.2 "$1" && tcp_to_host a 10.0.0.1 "$1"; }
# WORKLOAD OPS [OPTION...]: the guest is the client
bench() { vm_run a "netbench -n $2 ${*:3} $1 10.0.0.1"; }
netstat_of() { vm_run a "awk -v name=$1 '/^TcpExt:/ { if (n) print \$n; else for (i = 1; i <= NF; i++) if (\$i == name) n = i }' /proc/net/netstat"; }
interrupts() { vm_run a "awk '/$nic-rx-/ { sum += \$2 + \$3 } END { print sum }' /proc/interrupts"; }
errors() { vm_run a "cat /sys/class/net/$nic/statistics/[rt]x_errors" | awk '{ n += $1 } END { print n }'; }

check "the workload runs" bench udp_rr 200

# Threads of NAPI.
check "threads are asked for" vm_run a "echo 1 >/sys/class/net/$nic/threaded"
threads=$(vm_run a "ps | awk '/\\[napi\\/$nic/ { print \$1 }'")
check_is "there is one for each pair" 2 "$(wc -w <<<"$threads")"
switches() { for t in $threads; do vm_run a "awk '/ctxt/ { n += \$2 } END { print n }' /proc/$t/status"; done | awk '{ n += $1 } END { print n }'; }
was=$(switches)
check "request and response" bench udp_rr 500
check "TCP both ways" both_ways 3000000
now=$(switches)
check "they do the work: switched to $((now - was)) times" test $((now - was)) -gt 500
check "the link goes down and up with them" vm_run a "ip link set $nic down && ip link set $nic up"
check "with traffic" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check "they stop under traffic" vm_run a "(netbench -n 3000 udp_rr 10.0.0.1 >/tmp/bench.log 2>&1; echo \$? >/tmp/bench.rc) &
	for i in 1 2 3 4 5 6; do usleep 100000; echo \$((i & 1)) >/sys/class/net/$nic/threaded; done
	for i in \$(seq 600); do [ -e /tmp/bench.rc ] && break; usleep 100000; done; grep -q '^0' /tmp/bench.rc"
check "threads are no more used" vm_run a "cat /sys/class/net/$nic/threaded | grep -q 0"
check "TCP both ways without" both_ways 1000000

# Each answer interrupts.
was=$(interrupts)
check "with interrupts" bench udp_rr 500
with=$(($(interrupts) - was))
check "many answers do: $with of 500" test "$with" -gt 50

# The reader of a socket polls. What it finds and what an interrupt brings is up to chance:
# an answer may be there when the doorbell returns.
was=$(netstat_of BusyPollRxPackets)
check "a socket that polls" bench udp_rr 500 -B 20000
now=$(netstat_of BusyPollRxPackets)
check "finds what it reads itself: $((now - was)) of 500" test $((now - was)) -gt 0
check "all sockets" vm_run a 'echo 20000 >/proc/sys/net/core/busy_read; echo 20000 >/proc/sys/net/core/busy_poll'
was=$(netstat_of BusyPollRxPackets)
check "TCP request and response" bench tcp_rr 500
now=$(netstat_of BusyPollRxPackets)
check "TCP finds what it reads: $((now - was)) of 500" test $((now - was)) -gt 0
check "TCP both ways" both_ways 3000000

# Interrupts put off, so that who polls is not interrupted.
vm_run a "echo 100 >/sys/class/net/$nic/napi_defer_hard_irqs; echo 2000000 >/sys/class/net/$nic/gro_flush_timeout"
was=$(interrupts)
check "with interrupts put off" bench udp_rr 500
without=$(($(interrupts) - was))
check "there are few: $without, not $with" test "$without" -lt "$with"
check "TCP both ways" both_ways 3000000
vm_run a 'echo 0 >/proc/sys/net/core/busy_read; echo 0 >/proc/sys/net/core/busy_poll'
check "without the reader a timer polls" bench udp_rr 200
check "TCP both ways" both_ways 1000000
vm_run a "echo 0 >/sys/class/net/$nic/gro_flush_timeout; echo 0 >/sys/class/net/$nic/napi_defer_hard_irqs"
check "interrupts are back" bench udp_rr 200
check "the link goes down and up" vm_run a "ip link set $nic down && ip link set $nic up"
check "with traffic" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check_is "nothing went wrong on the way" 0 "$(errors)"
kill "$server" 2>/dev/null || true
