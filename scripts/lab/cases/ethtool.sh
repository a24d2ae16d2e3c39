# SPDX-License-Identifier: GPL-2.0
# What ethtool and ip show and set, in a guest and on the host.
# shellcheck shell=bash disable=SC2154,SC2016

. "$LAB_TOP/scripts/lab/initrd.sh"
load venet-tap
echo 4 >/sys/module/venet_tap/parameters/max_pairs
make_bus b && make_device d && link_device b d
echo 0 >/sys/module/venet_tap/parameters/max_pairs
check "the interface appears" host_addr d 10.0.0.1/24
host=$(host_if d)
check "an initrd with ethtool" initrd_with "$(command -v ethtool)"
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2 VM_INITRD=/tmp/initrd
check "a guest boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
et() { vm_run a "ethtool $1 $nic ${2:-}"; }
has() { grep -q -z -E "$1"; }

check "-i in the guest" has 'driver: venet.*supports-statistics: yes' <<<"$(et -i)"
check "-i on the host" has 'driver: venet-tap.*bus-info: d' <<<"$(ethtool -i "$host")"
check "speed and link" has 'Speed: 10000Mb/s.*Link detected: yes' <<<"$(et '')"
check "-T works" has 'Capabilities' <<<"$(et -T)"

# Pairs.
check "-l" has 'Combined:[^0-9]*4.*Combined:[^0-9]*2' <<<"$(et -l)"
for n in 4 1 3; do
	check "-L combined $n" et -L "combined $n"
	check "-l says so" has "hardware settings.*Combined:[^0-9]*$n" <<<"$(et -l)"
	check "frames flow" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
done
check_fails "-L combined 5 is refused" "" et -L 'combined 5'
check_fails "-L rx 1 is refused" "" et -L 'rx 1'
check "TCP on three pairs" tcp_to_guest a 10.0.0.2 2000000

# Rings.
check "-G" et -G 'rx 512 tx 128'
check "-g says so" has 'hardware settings.*RX:[^0-9]*512.*TX:[^0-9]*128' <<<"$(et -g)"
check "TCP on those" tcp_to_guest a 10.0.0.2 2000000
check_fails "-G rx 1 is refused" "" et -G 'rx 1'
check_fails "-G rx 100000 is refused" "" et -G 'rx 100000'
check "frames still flow" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2

# Offloads, one after the other off and on again, with traffic.
for feature in tx rx sg tso gso gro rx-gro-hw rx-vlan-filter tx-udp-segmentation; do
	check "-K $feature off" et -K "$feature off"
	check "TCP both ways without" bash -c ". '$LAB_TOP/scripts/lab/lib.sh'; tcp_to_guest a 10.0.0.2 500000 && tcp_to_host a 10.0.0.1 500000"
	check "-K $feature on" et -K "$feature on"
done
check "-K tx on again takes segmentation along" et -K 'tx on tso on gso on sg on'
check "the host follows" bash -c "ethtool -k $host | grep -q 'tcp-segmentation-offload: on'"
for feature in tx tso gso gro; do
	check "the host's -K $feature off" ethtool -K "$host" "$feature" off
	check "TCP both ways without" bash -c ". '$LAB_TOP/scripts/lab/lib.sh'; tcp_to_guest a 10.0.0.2 500000 && tcp_to_host a 10.0.0.1 500000"
	check "the host's -K $feature on" ethtool -K "$host" "$feature" on
done

# Statistics: each queue's make up the whole, unless something came meanwhile.
# The whole has what queues counted that are not there now, so all have to be.
check "-L combined 4 for the statistics" et -L 'combined 4'
check "TCP on four pairs" tcp_to_guest a 10.0.0.2 500000
adds_up() { "${@:2}" | awk -v name="$1" '$1 == name "_packets:" { all = $2 }
	$1 ~ "^" name "[0-9]+_packets:$" { sum += $2 } END { exit !all || all != sum }'; }
check "-S rx of the queues is rx in all" wait_for 30 adds_up rx et -S
device_counts() { et -S | grep -q 'device_tx_packets: [1-9]'; }
check "the device's counters are there" wait_for 10 device_counts
check "the same on the host" wait_for 30 adds_up in ethtool -S "$host"
check "ip -s counts" has 'RX:.*TX:' <<<"$(ip -s link show "$host")"

# Addresses and MTU.
check "another MAC address" vm_run a "ip link set $nic address 02:00:00:00:12:34"
ip neigh flush dev "$host"
check "is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check "is what the host sees" grep -q '02:00:00:00:12:34' <<<"$(ip neigh show dev "$host")"
check "MTU 9000" vm_run a "ip link set $nic mtu 9000"
ip link set "$host" mtu 9000
check "is used" ping -q -n -c 2 -i 0.2 -W 5 -M 'do' -s 8972 10.0.0.2
check_fails "MTU 9001 is refused" "" vm_run a "ip link set $nic mtu 9001"

# Interrupts that wait.
quickest() { ping -q -c 5 -i 0.3 -W 5 10.0.0.2 | sed -n 's|.* = \([0-9]*\).*|\1|p'; }
shows() { has "$1" <<<"$(et -c)"; }
check "-c: nothing waits at first" shows 'Adaptive RX: off.*rx-usecs:[^0-9]*0'
check "-C rx-usecs" et -C 'rx-usecs 10000 rx-frames 64'
check "-c says so" shows 'rx-usecs:[^0-9]*10000.*rx-frames:[^0-9]*64'
check "a frame that comes alone waits that long" test "$(quickest)" -ge 10
check_fails "-C rx-usecs 10001 is refused" "" et -C 'rx-usecs 10001'
check_fails "-C tx-usecs is refused" "" et -C 'tx-usecs 10'
check "-c is as before" shows 'rx-usecs:[^0-9]*10000.*rx-frames:[^0-9]*64'
check "-Q sets one queue" vm_run a "ethtool -Q $nic queue_mask 0x1 --coalesce rx-usecs 100"
check "TCP both ways" bash -c ". '$LAB_TOP/scripts/lab/lib.sh'; tcp_to_guest a 10.0.0.2 2000000 && tcp_to_host a 10.0.0.1 2000000"
check "-L keeps it" et -L 'combined 2'
check "-c says so" shows 'rx-usecs:[^0-9]*100'
check "-C adaptive-rx on" et -C 'adaptive-rx on'
check "TCP both ways with it" bash -c ". '$LAB_TOP/scripts/lab/lib.sh'; tcp_to_guest a 10.0.0.2 2000000 && tcp_to_host a 10.0.0.1 2000000"
check "-C off" et -C 'adaptive-rx off rx-usecs 0 rx-frames 0'
check "-c: nothing waits" shows 'Adaptive RX: off.*rx-usecs:[^0-9]*0'

# NAPI in threads, and interrupts put off.
check "threaded NAPI" vm_run a "echo 1 >/sys/class/net/$nic/threaded && ps | grep -q 'napi/$nic'"
check "TCP with it" tcp_to_guest a 10.0.0.2 2000000
vm_run a "echo 0 >/sys/class/net/$nic/threaded"
check "deferred interrupts" vm_run a "echo 2 >/sys/class/net/$nic/napi_defer_hard_irqs && echo 200000 >/sys/class/net/$nic/gro_flush_timeout"
check "TCP with them" tcp_to_guest a 10.0.0.2 2000000
check "busy polling" vm_run a 'echo 50 >/proc/sys/net/core/busy_read; echo 50 >/proc/sys/net/core/busy_poll'
check "TCP with that" tcp_to_guest a 10.0.0.2 2000000
check "nothing was lost" test "$(et -S | awk '$1 == "rx_errors:" || $1 == "tx_errors:" || $1 == "broken_queues:" { n += $2 } END { print n }')" -eq 0
