# SPDX-License-Identifier: GPL-2.0
# One machine with four devices.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b
for i in 1 2 3 4; do
	make_device "d$i" && link_device b "d$i" && host_addr "d$i" "10.0.$i.1/24"
done
check "the guest boots" start_vm a --bus b -object memory-backend-ram,id=unused,size=4096
check "the fourth one comes" wait_for 20 has_nic a 4
check_is "it has four interfaces" 4 "$(for i in 1 2 3 4; do vm_nic a "$i"; done | wc -l)"
for i in 1 2 3 4; do
	check "interface $i gets an address" vm_addr a "10.0.$i.2/24" "$(vm_nic a "$i")"
	check "interface $i is reached" ping -q -n -c 2 -i 0.2 -W 5 "10.0.$i.2"
done
check "TCP over the last one" tcp_to_guest a 10.0.4.2 2000000
