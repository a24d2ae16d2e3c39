# SPDX-License-Identifier: GPL-2.0
# MTUs from IPsec's to jumbo: what fits, what goes in fragments, UDP in segments.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d
check "the interface appears" host_addr d 10.0.0.1/24
host=$(host_if d)
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2
check "a guest boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
ip -6 addr add fd00::1/64 dev "$host" nodad
vm_run a "ip -6 addr add fd00::2/64 dev $nic"
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check "by IPv6" wait_for 10 ping -q -n -c 1 -W 1 fd00::2

# The host's MTU, and the guest's.
set_mtus() { ip link set "$host" mtu "$1" && vm_run a "ip link set $nic mtu $2"; }
whole() { ping -q -n -c 2 -i 0.2 -W 5 -M 'do' -s "$1" 10.0.0.2; }
pieces() { ping -q -n -c 2 -i 0.2 -W 5 -M dont -s "$1" "${2:-10.0.0.2}"; }
from_guest() { vm_run a "ping -q -c 2 -W 5 -s $1 10.0.0.1"; }

for mtu in 1280 1400 9000; do
	check "MTU $mtu" set_mtus "$mtu" "$mtu"
	check "$((mtu - 28)) bytes fit" whole $((mtu - 28))
	check_fails "one more does not" "" whole $((mtu - 27))
	for size in $((mtu - 27)) 20000 65507; do
		check "$size bytes in fragments" pieces "$size"
		check "from the guest" from_guest "$size"
	done
	check "IPv6 in fragments" pieces 20000 fd00::2
	check "TCP to the guest" tcp_to_guest a 10.0.0.2 2000000
	check "TCP from the guest" tcp_to_host a 10.0.0.1 2000000
done

# Two that differ: the host may send less than the guest takes, and not more.
for pair in '1400 9000' '9000 1400' '1500 1280'; do
	# shellcheck disable=SC2086 # two words
	check "MTUs $pair" set_mtus $pair
	check "1252 bytes" pieces 1252
	check "from the guest" from_guest 1252
	if [ "${pair% *}" -lt "${pair#* }" ]; then
		check "20000 bytes in fragments" pieces 20000
	else
		check_fails "frames longer than the guest's MTU are dropped" "" pieces 20000
	fi
	check "TCP to the guest" tcp_to_guest a 10.0.0.2 2000000
	check "TCP from the guest" tcp_to_host a 10.0.0.1 2000000
done

# Without what the interfaces do for the stack.
check "MTU 1400" set_mtus 1400 1400
for feature in gso tso tx; do
	ethtool -K "$host" "$feature" off
	check "TCP to the guest without $feature" tcp_to_guest a 10.0.0.2 1000000
	check "fragments as well" pieces 20000
done
ethtool -K "$host" tx on tso on gso on

# UDP in segments goes in one piece, and arrives as what it was.
# Datagrams that came, whoever wanted them.
udp_in() { vm_run a "awk '/^Udp: [0-9]/ { print \$2 + \$3 + \$4 }' /proc/net/snmp"; }
frames() { ethtool -S "$host" | awk '$1 == "out_packets:" { print $2 }'; }
vm_run a 'netbench server >/dev/null 2>&1 &'
sleep 1
was=$(udp_in) frames=$(frames)
check "UDP in segments" python3 - <<'END'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 103, 1200)	# UDP_SEGMENT
for _ in range(50):
    s.sendto(bytes(24000), ("10.0.0.2", 7001))
    time.sleep(0.02)
END
sleep 1
got=$(($(udp_in) - was)) frames=$(($(frames) - frames))
check "1000 of them reach the guest: $got" test "$got" -ge 990
check "they were $frames frames" test "$frames" -le 300

check_fails "MTU 60: refused" "" vm_run a "ip link set $nic mtu 60"
check_is "nothing was malformed" 0 "$(cat "/sys/class/net/$host/statistics/rx_errors")"
check_is "nor at the guest" 0 "$(vm_run a "cat /sys/class/net/$nic/statistics/rx_errors")"
