# SPDX-License-Identifier: GPL-2.0
# The interrupt is moved, and a guest CPU goes away and comes back, under traffic.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
VM_CPUS=2 check "a guest with two CPUs boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
irqs=$(vm_run a "grep -i -E 'venet|vbus' /proc/interrupts | cut -d: -f1")
check "the interrupts are listed" test -n "$irqs"
ping -q -f -s 200 10.0.0.2 >/dev/null 2>&1 &
flood=$!
for cpu in 1 0 1 0 1 0; do
	check "the interrupts move to CPU $cpu" vm_run a \
		"for irq in $(echo "$irqs" | tr '\n' ' '); do echo $cpu >/proc/irq/\$irq/smp_affinity_list || exit; done"
	check "traffic goes on at CPU $cpu" ping -q -n -c 5 -i 0.05 -W 5 10.0.0.2
done
vm_run a "for irq in $(echo "$irqs" | tr '\n' ' '); do echo 1 >/proc/irq/\$irq/smp_affinity_list; done; ping -q -c 1 10.0.0.1"
for round in 1 2 3; do
	check "round $round: CPU 1 goes offline" vm_run a 'echo 0 >/sys/devices/system/cpu/cpu1/online'
	check "round $round: traffic goes on" ping -q -n -c 5 -i 0.05 -W 5 10.0.0.2
	check "round $round: CPU 1 comes back" vm_run a 'echo 1 >/sys/devices/system/cpu/cpu1/online'
	check "round $round: traffic goes on again" ping -q -n -c 5 -i 0.05 -W 5 10.0.0.2
done
kill "$flood"
check "TCP afterwards" tcp_to_guest a 10.0.0.2 2000000
