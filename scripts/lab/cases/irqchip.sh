# SPDX-License-Identifier: GPL-2.0
# Other interrupt controllers: split, xAPIC, microvm; and one that is refused.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24

try()
{
	local name=$1

	check "$name: the guest boots" start_vm a --bus b
	check "$name: it has its interface" vm_addr a 10.0.0.2/24
	check "$name: ping" ping -q -n -c 3 -i 0.2 -W 5 10.0.0.2
	check "$name: TCP to the guest" tcp_to_guest a 10.0.0.2 2000000
	check "$name: TCP from the guest" tcp_to_host a 10.0.0.1 2000000
	stop_vm a
}

VM_MACHINE=q35,kernel-irqchip=split try "split irqchip"
VM_CPU=$LAB_GUEST_CPU,-x2apic try "xAPIC"
VM_CPU=$LAB_GUEST_CPU,-x2apic VM_CPUS=2 try "xAPIC with two CPUs"
VM_MACHINE=pc try "i440fx"
