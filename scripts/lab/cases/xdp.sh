# SPDX-License-Identifier: GPL-2.0
# XDP in the guest's driver: PASS, DROP, TX, REDIRECT, also on large frames.
# shellcheck shell=bash disable=SC2154,SC2016

. "$LAB_TOP/scripts/lab/initrd.sh"

load venet-tap
make_bus b
for i in 1 2; do
	make_device "d$i" && link_device b "d$i" && host_addr "d$i" "10.0.$i.1/24"
	ip link set "$(host_if "d$i")" mtu 9000
done
loader=$LAB_SELFTESTS/xdp_load
[ -x "$loader" ] || { not_ok "the loader" "$loader is not built"; exit; }
initrd_with "$loader"
# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2 VM_INITRD=/tmp/initrd
check "a guest boots" start_vm a --bus b
check "it has two interfaces" wait_for 20 has_nic a 2
one=$(vm_nic a 1) two=$(vm_nic a 2)
[ "$(vm_run a "cat /sys/class/net/$one/address")" = "$(cat /sys/vbus/devices/d1/client_mac)" ] ||
	{ one=$(vm_nic a 2); two=$(vm_nic a 1); }
check "interface 1 gets an address" vm_addr a 10.0.1.2/24 "$one"
check "interface 2 gets an address" vm_addr a 10.0.2.2/24 "$two"
vm_run a "ip link set $one mtu 9000; ip link set $two mtu 9000"
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2

# attach IF ACTION...: until detach
attach()
{
	vm_run a "xdp_load $* >/tmp/xdp.log 2>&1 & echo \$! >/tmp/xdp.pid
		for i in \$(seq 50); do grep -q attached /tmp/xdp.log && exit; kill -0 \$(cat /tmp/xdp.pid) 2>/dev/null || break; usleep 100000; done
		cat /tmp/xdp.log; false"
}
detach() { vm_run a 'kill $(cat /tmp/xdp.pid); usleep 300000'; }
in_packets() { ethtool -S "$(host_if "$1")" | awk '$1 == "in_packets:" { print $2 }'; }
reach() { ping -q -n -c 3 -i 0.2 -W 5 -M 'do' -s "$1" 10.0.1.2; }

check_fails "no fragments, an MTU of 9000: refused" "" attach "$one" pass nofrags
check "PASS" attach "$one" pass
for size in 56 1472 3470 3480 3500 4096 8972; do
	check "ping with $size bytes" reach "$size"
done
check "TCP to the guest" tcp_to_guest a 10.0.1.2 5000000
check "TCP from the guest" tcp_to_host a 10.0.1.1 5000000
check "the other interface as well" ping -q -n -c 2 -i 0.2 -W 5 10.0.2.2
check "the link goes down and up with it" vm_run a "ip link set $one down && ip link set $one up"
check "with traffic" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2
check "it is detached" detach
check "segments come whole again" tcp_to_guest a 10.0.1.2 5000000

check "DROP" attach "$one" drop
check_fails "nothing gets through" "" ping -q -n -c 3 -i 0.2 -W 1 10.0.1.2
check "the other interface is not concerned" ping -q -n -c 2 -i 0.2 -W 5 10.0.2.2
check "it is detached" detach
check "frames get through again" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2

check "TX" attach "$one" tx
was=$(in_packets d1)
for size in 56 1472 8972; do
	ping -q -n -c 5 -i 0.1 -W 1 -s "$size" 10.0.1.2 >/dev/null 2>&1 || true
done
check "frames come back" test "$(in_packets d1)" -ge $((was + 15))
check "it is detached" detach
check "frames get through again" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2

check "REDIRECT to the other interface" attach "$one" redirect "$two"
was=$(in_packets d2)
for size in 56 1472 8972; do
	ping -q -n -c 5 -i 0.1 -W 1 -s "$size" 10.0.1.2 >/dev/null 2>&1 || true
done
check "frames leave there" test "$(in_packets d2)" -ge $((was + 15))
check "it is detached" detach
check "frames get through again" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2

check "REDIRECT under traffic of the other one" attach "$one" redirect "$two"
ping -q -n -f -c 2000 -W 1 10.0.1.2 >/dev/null 2>&1 &
check "TCP from the guest" tcp_to_host a 10.0.2.1 3000000
wait $! || true
check "the target goes down and up" vm_run a "ip link set $two down; usleep 200000; ip link set $two up; ip addr show $two | grep -q 10.0.2.2 || ip addr add 10.0.2.2/24 dev $two"
check "it is reached" wait_for 10 ping -q -n -c 1 -W 1 10.0.2.2
check "it is detached" detach

vm_run a "ip link set $one mtu 1500"
check "no fragments, an MTU of 1500" attach "$one" pass nofrags
check_fails "then no MTU of 9000" "" vm_run a "ip link set $one mtu 9000"
check "frames get through" wait_for 10 ping -q -n -c 1 -W 1 10.0.1.2
check "it is detached" detach
