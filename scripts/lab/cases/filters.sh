# SPDX-License-Identifier: GPL-2.0
# Which frames reach a guest, and what each side counts: addresses, groups, all.
# shellcheck shell=bash disable=SC2154,SC2016

. "$LAB_TOP/scripts/lab/initrd.sh"

load venet-tap
make_bus b && make_device d && link_device b d
check "the interface appears" host_addr d 10.0.0.1/24
host=$(host_if d)
# busybox prefers its own ip to any but /bin/ip.
check "an initrd with ip and qstats" initrd_with "$(command -v ip)" "$LAB_SELFTESTS/qstats"
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2 VM_INITRD=/tmp/initrd
check "a guest boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2

stat_of() { ethtool -S "$1" | awk -v name="$2:" '$1 == name { print $2 }'; }
received() { vm_run a "cat /sys/class/net/$nic/statistics/rx_packets"; }
# Ten frames to IP at MAC; then how many more came than before: seen by the guest,
# and by the host's filter.
frames_to()
{
	local seen kept

	ip neigh replace 10.0.0.99 lladdr "$1" nud permanent dev "$host"
	seen=$(received) kept=$(stat_of "$host" out_filtered)
	ping -q -n -c 10 -i 0.05 -W 1 10.0.0.99 >/dev/null 2>&1 || true
	echo "$(($(received) - seen)) $(($(stat_of "$host" out_filtered) - kept))"
}
arrive() { read -r seen kept <<<"$(frames_to "$1")"; [ "$seen" -ge 10 ] || { echo "guest saw $seen, filter took $kept"; return 1; }; }
stay_away() { read -r seen kept <<<"$(frames_to "$1")"; [ "$kept" -ge 10 ] && [ "$seen" -lt 10 ] || { echo "guest saw $seen, filter took $kept"; return 1; }; }
set_nic() { vm_run a "/bin/ip $* dev $nic" && sleep 0.5; }

own=$(vm_run a "cat /sys/class/net/$nic/address")
check "its own address arrives" arrive "$own"
check "broadcast arrives" arrive ff:ff:ff:ff:ff:ff
check "another station's stays away" stay_away 02:00:00:00:00:99
check "a group's stays away" stay_away 01:00:5e:01:02:03
check "the guest joins the group" set_nic maddr add 01:00:5e:01:02:03
check "then it arrives" arrive 01:00:5e:01:02:03
check "another group's stays away" stay_away 01:00:5e:01:02:04
check "the guest's link goes down and up" vm_run a "ip link set $nic down && ip link set $nic up"
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check "the group still arrives" arrive 01:00:5e:01:02:03
check "the guest leaves it" set_nic maddr del 01:00:5e:01:02:03
check "then it stays away" stay_away 01:00:5e:01:02:03

check "all groups" vm_run a "/bin/ip link set $nic allmulticast on; sleep 1"
check "any group arrives" arrive 01:00:5e:01:02:04
check "another station's does not" stay_away 02:00:00:00:00:99
check "no more" vm_run a "/bin/ip link set $nic allmulticast off; sleep 1"
check "the group stays away" stay_away 01:00:5e:01:02:04
check "promiscuous" vm_run a "ip link set $nic promisc on; sleep 1"
check "everything arrives" arrive 02:00:00:00:00:99
check "groups as well" arrive 01:00:5e:01:02:04
check "the guest says it" vm_run a "/bin/ip link show $nic | grep -q PROMISC"
check "no more" vm_run a "ip link set $nic promisc off; sleep 1"
check "another station's stays away" stay_away 02:00:00:00:00:99

# More groups than the device's list has, then fewer.
groups() { vm_run a "for i in \$(seq 0 139); do /bin/ip maddr $1 01:00:5e:02:00:\$(printf %02x \$i) dev $nic || exit; done; sleep 1"; }
check "140 groups" groups add
check "each arrives" arrive 01:00:5e:02:00:8b
check "and those that it did not join" arrive 01:00:5e:01:02:04
check "none" groups del
check "they stay away" stay_away 01:00:5e:02:00:8b

# IPv6 finds a neighbour by a group that comes and goes with the address.
ip -6 addr add fd00::1/64 dev "$host" nodad
check "an address of IPv6" vm_run a "/bin/ip -6 addr add fd00::2:3 dev $nic nodad && /bin/ip -6 route add fd00::/64 dev $nic; sleep 1"
check "its neighbour is found" wait_for 10 ping -q -n -c 1 -W 2 fd00::2:3
check "another MAC address" vm_run a "ip link set $nic address 02:00:00:00:12:34; sleep 1"
check "is reached" arrive 02:00:00:00:12:34
check "the old one is not" stay_away "$own"

# Each side counts the same, by each way of asking.
ip neigh del 10.0.0.99 dev "$host"
check "traffic" tcp_to_guest a 10.0.0.2 2000000
check "the other way" tcp_to_host a 10.0.0.1 2000000
sleep 1
value() { tr ' ' '\n' | awk -F= -v name="$1" '$1 == name { n += $2 } END { print n + 0 }'; }
same() { [ "$(vm_run a "/bin/ip -s -s link show $nic" | awk '/RX:/ { getline; print $2; exit }')" = "$(vm_run a "qstats $nic" | value rx_packets)" ]; }
check "ip -s and netdev netlink count the same" wait_for 10 same
sums() { [ "$(vm_run a "qstats $nic queue" | value rx_packets)" = "$(vm_run a "qstats $nic" | value rx_packets)" ] &&
	[ "$(vm_run a "qstats $nic queue" | value tx_bytes)" = "$(vm_run a "qstats $nic" | value tx_bytes)" ]; }
check "the queues make up the whole" wait_for 10 sums
check_is "there are two of each kind" 4 "$(vm_run a "qstats $nic queue" | grep -c queue=)"
host_same() { [ "$("$LAB_SELFTESTS/qstats" "$host" | value tx_packets)" = "$(ip -s link show "$host" | awk '/TX:/ { getline; print $2; exit }')" ]; }
check "the same on the host" wait_for 10 host_same
check "the host sent what the guest received" bash -c "[ \$(($("$LAB_SELFTESTS/qstats" "$host" | value tx_packets) - $(vm_run a "qstats $nic" | value rx_packets))) -le 20 ]"
# Less queues, and nothing is lost of what they counted.
was=$(vm_run a "qstats $nic" | value rx_packets)
check "the link goes down and up" vm_run a "ip link set $nic down && ip link set $nic up"
check "the counters go on" test "$(vm_run a "qstats $nic" | value rx_packets)" -ge "$was"
check "the host's drops are told" bash -c "ethtool -S $host | grep -q out_dropped"
check_is "nothing was malformed" 0 "$(cat "/sys/class/net/$host/statistics/rx_errors")"
