# SPDX-License-Identifier: GPL-2.0
# A hard reset under receive traffic: not a byte is written to the guest after it.
# The machine is stopped meanwhile, so that nobody but the host can write.
# shellcheck shell=bash disable=SC2154,SC2016

memory()
{
	rm -f /out/mem
	vm_monitor a "pmemsave 0 $((VM_MEM << 20)) \\\"/out/mem\\\"" >/dev/null
	sha256sum </out/mem
	rm -f /out/mem
}
send() { timeout 8 ping -q -f -c 500 -W 1 -s 1400 10.0.0.2 >/dev/null 2>&1; true; }

load venet-tap
guest_mem 128
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
ip neigh replace 10.0.0.2 lladdr "$(cat /sys/vbus/devices/d/client_mac)" dev "$(host_if d)" nud permanent

vm_monitor a stop
before=$(memory)
send
check "the host does write to a stopped machine" test "$before" != "$(memory)"
boots=$(vm_boots a)
vm_monitor a system_reset
before=$(memory)
send
check_is "after the reset not one byte is written" "$before" "$(memory)"
vm_monitor a cont
check "the machine comes up again" wait_vm a $((boots + 1))
check "it has its interface again" vm_addr a 10.0.0.2/24
check "traffic flows again" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2

send &
check "a reset under way" vm_reset a
check "the interface is there" vm_addr a 10.0.0.2/24
check "and works" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
