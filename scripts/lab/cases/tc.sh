# SPDX-License-Identifier: GPL-2.0
# tc on a venet-tap: qdiscs that queue, shape and drop, programs on what comes in.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
echo 4 >/sys/module/venet_tap/parameters/max_pairs
make_bus b && make_device d && link_device b d
echo 0 >/sys/module/venet_tap/parameters/max_pairs
check "the interface appears" host_addr d 10.0.0.1/24
host=$(host_if d)
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2
check "a guest boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2

sent_of() { tc -s qdisc show dev "$host" | sed -n 's/^ Sent [0-9]* bytes \([0-9]*\) pkt.*/\1/p' | head -n 1; }
drops_of() { tc -s qdisc show dev "$host" | sed -n 's/.*dropped \([0-9]*\),.*/\1/p' | head -n 1; }
kind_of() { tc qdisc show dev "$host" | awk '/ root / { print $2; exit }'; }
host_errors() { cat "/sys/class/net/$host/statistics/tx_errors"; }

# Without the administrator there is one qdisc for each queue of the guest.
check_is "several queues have mq" mq "$(kind_of)"
check_is "with a qdisc for each" 2 "$(tc qdisc show dev "$host" | grep -c 'parent :[1-9]')"

for qdisc in fq_codel 'pfifo limit 500' mq; do
	# shellcheck disable=SC2086 # options
	check "$qdisc" tc qdisc replace dev "$host" root $qdisc
	check_is "it is the root" "${qdisc%% *}" "$(kind_of)"
	check "TCP to the guest" tcp_to_guest a 10.0.0.2 3000000
	check "TCP from the guest" tcp_to_host a 10.0.0.1 3000000
	check "frames went through it" test "$(sent_of)" -gt 50
done

# A qdisc of a queue of its own.
tc qdisc replace dev "$host" root handle 1: mq
check "fq_codel for a queue" tc qdisc replace dev "$host" parent 1:1 fq_codel
check "TCP to the guest" tcp_to_guest a 10.0.0.2 1000000

# 16 Mbit/s: segments of 64 KiB are cut for it, and what arrives takes its time.
load sch_tbf
check "a shaper" tc qdisc replace dev "$host" root tbf rate 16mbit burst 20kb latency 400ms
start=$(date +%s%N)
check "TCP to the guest, shaped" tcp_to_guest a 10.0.0.2 3000000
took=$((($(date +%s%N) - start) / 1000000))
check "3 MB take 1.5 s or more: $took ms" test "$took" -ge 1400
check "TCP from the guest is not shaped" tcp_to_host a 10.0.0.1 3000000
check_is "the shaper drops, the interface has no errors" 0 "$(host_errors)"

# A queue that is too short drops, and counts it itself.
tc qdisc del dev "$host" root
check "a slow shaper with a short queue" tc qdisc replace dev "$host" root tbf rate 200kbit burst 3kb limit 5kb
for _ in $(seq 100); do
	printf '%01000d' 0 >/dev/udp/10.0.0.2/9
done 2>/dev/null
check "drops: $(drops_of)" test "$(drops_of)" -gt 10
tc qdisc replace dev "$host" root fq_codel

# Another qdisc under traffic.
tcp_to_guest a 10.0.0.2 20000000 >/tmp/tc.out 2>&1 &
pid=$!
for _ in 1 2 3 4 5; do
	for qdisc in mq fq_codel 'pfifo limit 50' 'tbf rate 1gbit burst 1mb latency 50ms'; do
		# shellcheck disable=SC2086 # options
		tc qdisc replace dev "$host" root $qdisc || not_ok "under traffic" "$qdisc"
		sleep 0.1
	done
done
check "TCP while they change" wait "$pid"
check "pairs change under a qdisc" tc qdisc replace dev "$host" root fq_codel
nic=$(vm_nic a)
check "the guest's link goes down and up" vm_run a "ip link set $nic down && ip link set $nic up"
check "it is still there" test "$(kind_of)" = fq_codel
check "with traffic" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
tc qdisc del dev "$host" root

# What comes in: a filter, if this kernel has any, and a program.
if tc qdisc add dev "$host" ingress 2>/dev/null; then
	check "a filter on what comes in" tc filter add dev "$host" ingress matchall action drop
	check_fails "nothing gets through" "" ping -q -n -c 2 -i 0.2 -W 1 10.0.0.2
	check "it goes" tc qdisc del dev "$host" ingress
else
	skip "a filter on what comes in" "this kernel has none (CONFIG_NET_CLS_ACT)"
fi
check "frames get through" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
"$LAB_SELFTESTS/xdp_load" "$host" drop generic >/tmp/xdp.log 2>&1 &
pid=$!
check "a program on what comes in" wait_for 5 grep -q attached /tmp/xdp.log
check_fails "nothing gets through" "" ping -q -n -c 2 -i 0.2 -W 1 10.0.0.2
kill "$pid"
check "it goes" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
"$LAB_SELFTESTS/xdp_load" "$host" pass generic >/tmp/xdp.log 2>&1 &
pid=$!
check "one that lets all pass" wait_for 5 grep -q attached /tmp/xdp.log
check "TCP from the guest" tcp_to_host a 10.0.0.1 3000000
check "TCP to the guest" tcp_to_guest a 10.0.0.2 3000000
kill "$pid"
check_is "nothing was malformed" 0 "$(cat "/sys/class/net/$host/statistics/rx_errors")"
