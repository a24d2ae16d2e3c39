# SPDX-License-Identifier: GPL-2.0
# The host as a router between guests: both protocols, MTUs that differ, namespaces.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
for i in 1 2; do
	make_bus "b$i" && make_device "d$i" && link_device "b$i" "d$i"
	check "interface $i appears" host_addr "d$i" "10.0.$i.1/24"
	ip -6 addr add "fd00:$i::1/64" dev "$(host_if "d$i")" nodad
	check "guest $i boots" start_vm "g$i" --bus "b$i"
	check "guest $i gets an address" vm_addr "g$i" "10.0.$i.2/24"
	vm_run "g$i" "ip -6 addr add fd00:$i::2/64 dev $(vm_nic "g$i")
		ip route add default via 10.0.$i.1; ip -6 route add default via fd00:$i::1"
done
one=$(host_if d1) two=$(host_if d2)
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

# stream FROM TO ADDR BYTES: the same bytes at both ends
stream()
{
	local want got

	vm_run "$2" 'rm -f /tmp/sum; [ -p /tmp/idle ] || mkfifo /tmp/idle
		(nc -l -p 5001 <>/tmp/idle | sha256sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &'
	sleep 0.5
	want=$(VM_TIMEOUT=120 vm_run "$1" "head -c $4 /dev/urandom >/tmp/data; nc $3 5001 </tmp/data >/dev/null; sha256sum </tmp/data")
	got=$(vm_run "$2" 'for i in $(seq 100); do [ -e /tmp/sum ] && break; usleep 100000; done; cat /tmp/sum')
	[ "$want" = "$got" ] || { echo "sent $want, arrived $got"; return 1; }
}

reaches() { vm_run "$1" "for i in 1 2 3 4 5; do ping -q -c 2 -W 2 -s $3 $2 && exit; done; false"; }
stat_of() { ethtool -S "$1" | awk -v name="$2:" '$1 == name { print $2 }'; }
# Bytes of a frame that went out, on the average since BYTES and PACKETS.
mean_out() { echo $((($(stat_of "$1" out_bytes) - $2) / ($(stat_of "$1" out_packets) - $3 + 1))); }

for size in 0 56 1472; do
	check "guest 1 reaches guest 2 with $size bytes" reaches g1 10.0.2.2 "$size"
	check "guest 2 reaches guest 1 with $size bytes" reaches g2 10.0.1.2 "$size"
	check "by IPv6 as well" reaches g1 fd00:2::2 "$size"
done
check "TCP from guest 1 to guest 2" stream g1 g2 10.0.2.2 5000000
vm_run g2 'netbench server >/dev/null 2>&1 &'
bytes=$(stat_of "$two" out_bytes) packets=$(stat_of "$two" out_packets)
check "TCP of long writes" wait_for 20 vm_run g1 'netbench -s 16384 -n 300 tcp_stream_to 10.0.2.2'
mean=$(mean_out "$two" "$bytes" "$packets")
check "segments stay whole on the way: $mean bytes a frame" test "$mean" -gt 3000
check "TCP the other way" stream g2 g1 10.0.1.2 5000000
check "TCP by IPv6" stream g1 g2 fd00:2::2 3000000
check "the router counts what it forwards" test "$(awk '/^Ip: [0-9]/ { print $7 }' /proc/net/snmp)" -gt 100

# Nothing that a guest sends is passed on when the router does not want to.
echo 0 >/proc/sys/net/ipv4/ip_forward
check_fails "a host that is no router passes nothing on" "" vm_run g1 'ping -q -c 2 -W 1 10.0.2.2'
echo 1 >/proc/sys/net/ipv4/ip_forward

# One side with large frames, the other with those of a tunnel.
ip link set "$one" mtu 9000
vm_run g1 "ip link set $(vm_nic g1) mtu 9000"
ip link set "$two" mtu 1400
vm_run g2 "ip link set $(vm_nic g2) mtu 1400"
for size in 1372 1373 1472 4000 8972 20000; do
	check "$size bytes from MTU 9000 to MTU 1400" reaches g1 10.0.2.2 "$size"
	check "$size bytes from MTU 1400 to MTU 9000" reaches g2 10.0.1.2 "$size"
done
check "IPv6 in fragments" reaches g1 fd00:2::2 8000
check "TCP from MTU 9000 to MTU 1400" stream g1 g2 10.0.2.2 3000000
check "TCP from MTU 1400 to MTU 9000" stream g2 g1 10.0.1.2 3000000
check "TCP by IPv6 from MTU 9000 to MTU 1400" stream g1 g2 fd00:2::2 2000000
for dev in "$one" "$two"; do
	check_is "$dev: nothing was malformed" 0 "$(cat "/sys/class/net/$dev/statistics/rx_errors")"
done

# The interface in a namespace of its own: a router in a container.
check "a namespace" ip netns add far
check "guest 2's interface goes there" ip link set "$two" netns far
check_fails "it is not here any more" "" test -e "/sys/class/net/$two"
ip link add up0 type veth peer name up1
ip link set up1 netns far
ip addr add 10.9.0.1/24 dev up0
ip link set up0 up
ip netns exec far bash -c "ip addr add 10.9.0.2/24 dev up1; ip link set up1 up; ip link set lo up
	ip addr add 10.0.2.1/24 dev $two; ip link set $two up; ip route add default via 10.9.0.1
	echo 1 >/proc/sys/net/ipv4/ip_forward"
ip route add 10.0.2.0/24 via 10.9.0.2
check "the namespace reaches guest 2" wait_for 20 ip netns exec far ping -q -n -c 1 -W 1 10.0.2.2
check "guest 1 does, through both routers" reaches g1 10.0.2.2 56
check "TCP through both" stream g1 g2 10.0.2.2 2000000
check_is "the device still says its interface's name" "$two" "$(host_if d2)"
check "the guest's link goes down and up" vm_run g2 "n=$(vm_nic g2); ip link set \$n down && ip link set \$n up && ip route add default via 10.0.2.1"
check "the carrier is back in the namespace" wait_for 20 ip netns exec far ping -q -n -c 1 -W 1 10.0.2.2
check "the interface's queues follow there" ip netns exec far ethtool -S "$two"

# The namespace ends, and the interface comes home.
check "the namespace ends" ip netns del far
check "the interface is back" wait_for 20 test -e "/sys/class/net/$two"
ip route flush 10.0.2.0/24
ip addr add 10.0.2.1/24 dev "$two"
ip link set "$two" mtu 1400 up
check "guest 2 is reached again" wait_for 20 ping -q -n -c 1 -W 1 10.0.2.2

# It may also be taken away while it is elsewhere.
ip netns add far
ip link set "$two" netns far
check "it is disabled in a namespace" bash -c 'echo 0 >/sys/vbus/devices/d2/enabled'
check_fails "and gone from it" "" ip netns exec far ip link show "$two"
check "it is enabled again, here" host_addr d2 10.0.2.1/24
check "with traffic" wait_for 20 ping -q -n -c 1 -W 1 10.0.2.2
check "a guest ends" stop_vm g1
ip netns del far
ip link del up0 2>/dev/null || true
