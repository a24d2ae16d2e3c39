# SPDX-License-Identifier: GPL-2.0
# venet-tap in a bridge: two guests on two buses, flooding, VLANs, tc, a router.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
check "a bridge" ip link add br0 type bridge
ip addr add 10.0.0.1/24 dev br0
ip link set br0 up
for i in 1 2; do
	make_bus "b$i" && make_device "d$i" && link_device "b$i" "d$i"
	echo 1 >"/sys/vbus/devices/d$i/enabled"
	check "interface $i joins the bridge" ip link set "$(host_if "d$i")" master br0 up
	check "guest $i boots" start_vm "g$i" --bus "b$i"
	check "guest $i gets an address" vm_addr "g$i" "10.0.0.1$i/24"
done
one=$(host_if d1) two=$(host_if d2)
forwarding() { [ "$(bridge -o link show dev "$1" | grep -c 'state forwarding')" -eq 1 ]; }
check "both ports forward" wait_for 30 forwarding "$two"
check "the host reaches guest 1" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.11
check "and guest 2" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.12
check "guest 1 reaches guest 2" vm_run g1 'ping -q -c 3 -W 5 10.0.0.12'
check "with packets of 1500 bytes" vm_run g1 'ping -q -c 3 -W 5 -s 1472 10.0.0.12'
check "the bridge knows guest 1's address" grep -q "$(cat /sys/vbus/devices/d1/client_mac)" <<<"$(bridge fdb show dev "$one")"

# From guest to guest, segments stay whole all the way.
vm_run g2 'rm -f /tmp/sum; mkfifo /tmp/idle; (nc -l -p 5001 <>/tmp/idle | sha256sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &'
sleep 0.5
want=$(vm_run g1 'head -c 5000000 /dev/urandom >/tmp/data; nc 10.0.0.12 5001 </tmp/data >/dev/null; sha256sum </tmp/data')
check_is "TCP from guest 1 to guest 2" "$want" \
	"$(vm_run g2 'for i in $(seq 100); do [ -e /tmp/sum ] && break; usleep 100000; done; cat /tmp/sum')"

# What is for others stays away from a guest that does not want it.
stat_of() { ethtool -S "$1" | awk -v name="$2:" '$1 == name { print $2 }'; }
filtered=$(stat_of "$two" out_filtered)
ip neigh replace 10.0.0.99 lladdr 02:00:00:00:00:99 dev br0
ping -q -n -c 5 -i 0.2 -W 1 10.0.0.99 >/dev/null 2>&1 || true
check "flooded frames are filtered" test "$(stat_of "$two" out_filtered)" -ge $((filtered + 5))
nic=$(vm_nic g2)
vm_run g2 "ip link set $nic promisc on"
sleep 1
filtered=$(stat_of "$two" out_filtered)
ping -q -n -c 5 -i 0.2 -W 1 10.0.0.99 >/dev/null 2>&1 || true
check_is "not when it is promiscuous" "$filtered" "$(stat_of "$two" out_filtered)"
vm_run g2 "ip link set $nic promisc off"

# A VLAN between the guests, through the bridge.
for i in 1 2; do
	check "guest $i has a VLAN" vm_run "g$i" "modprobe 8021q; ip link add link $(vm_nic "g$i") name v5 type vlan id 5 &&
		ip addr add 10.5.0.1$i/24 dev v5 && ip link set v5 up"
done
check "they reach each other there" vm_run g1 'for i in 1 2 3 4 5; do ping -q -c 1 -W 2 10.5.0.12 && exit; done; false'
check "with packets of 1500 bytes" vm_run g1 'ping -q -c 3 -W 5 -s 1472 10.5.0.12'

# Queueing disciplines and policing, as on any interface.
check "a qdisc is attached" tc qdisc replace dev "$two" root fq_codel
check "frames go through it" vm_run g1 'ping -q -c 5 -i 0.1 10.0.0.12'
check "and are counted there" bash -c "[ \"\$(tc -s qdisc show dev $two | sed -n 's/.* \([0-9]*\) pkt.*/\1/p' | head -n 1)\" -ge 5 ]"
check "it is removed" tc qdisc del dev "$two" root

# Ports leave and come back under traffic; guests die.
check "a port leaves the bridge" ip link set "$one" nomaster
check "and comes back" ip link set "$one" master br0
check "traffic goes on" wait_for 40 vm_run g1 'ping -q -c 1 -W 1 10.0.0.12'
check "a guest dies" kill_vm g1
no_carrier() { grep -q 0 "/sys/class/net/$1/carrier"; }
check "its port has no carrier" wait_for 10 no_carrier "$one"
check "the other guest is still reached" ping -q -n -c 2 -i 0.2 -W 5 10.0.0.12
ip link set "$two" nomaster
ip link set "$one" nomaster
ip link del br0

# Through a router, with the MTU of a tunnel on the way.
ip addr add 10.2.0.1/24 dev "$two"
vm_run g2 "ip addr flush dev $nic; ip addr add 10.2.0.2/24 dev $nic; ip route add default via 10.2.0.1"
ip netns add far
ip link add far0 type veth peer name far1
ip link set far1 netns far
ip addr add 10.3.0.1/24 dev far0
ip link set far0 mtu 1400 up
ip netns exec far ip addr add 10.3.0.2/24 dev far1
ip netns exec far ip link set far1 mtu 1400 up
ip netns exec far ip route add default via 10.3.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
check "the guest is routed" vm_run g2 'ping -q -c 2 -W 5 10.3.0.2'
check "packets of 1400 bytes" vm_run g2 'ping -q -c 2 -W 5 -s 1372 10.3.0.2'
check "larger ones in fragments" vm_run g2 'ping -q -c 2 -W 5 -s 1472 10.3.0.2 || ping -q -c 2 -W 5 -s 1472 10.3.0.2'
[ -p /tmp/idle ] || mkfifo /tmp/idle
ip netns exec far bash -c 'busybox nc -l -p 5002 <>/tmp/idle | sha256sum >/tmp/far.sum' &
sleep 0.5
want=$(vm_run g2 'head -c 2000000 /dev/urandom >/tmp/data; nc 10.3.0.2 5002 </tmp/data >/dev/null; sha256sum </tmp/data')
wait_for 20 test -s /tmp/far.sum
check_is "TCP through the router, cut to 1400 bytes" "$want" "$(cat /tmp/far.sum)"
ip netns del far
