# SPDX-License-Identifier: GPL-2.0
# Two machines on two buses: neither can reach the other's device.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
for i in 1 2; do
	make_bus "b$i" && make_device "d$i" && link_device "b$i" "d$i" && host_addr "d$i" "10.0.$i.1/24"
	check "machine $i boots" start_vm "m$i" --bus "b$i"
	check "machine $i has its interface" vm_addr "m$i" "10.0.$i.2/24"
	check "and reaches the host" vm_run "m$i" "ping -q -c 1 -W 5 10.0.$i.1"
done
check_is "machine 1 has one interface" "" "$(vm_nic m1 2)"
check_is "machine 2 has one interface" "" "$(vm_nic m2 2)"
one=$(cat /sys/vbus/devices/d1/client_mac) two=$(cat /sys/vbus/devices/d2/client_mac)
check_is "machine 1 has its device's address" "$one" \
	"$(vm_run m1 "cat /sys/class/net/$(vm_nic m1)/address")"
check_is "machine 2 has its device's address" "$two" \
	"$(vm_run m2 "cat /sys/class/net/$(vm_nic m2)/address")"

# However a guest tries: the walk over dev-ids and handles with raw hypercalls.
probe=$LAB_SELFTESTS/kvm_hypercall
if [ -x "$probe" ]; then
	check "a walk over foreign numbers finds nothing" "$probe" -t a_foreign_guest_finds_nothing
else
	not_ok "a walk over foreign numbers finds nothing" "$probe is not built"
fi
check "the first machine still works" ping -q -n -c 1 -W 5 10.0.1.2
