# SPDX-License-Identifier: GPL-2.0
# A machine that was started off any bus sees nothing, and costs nothing.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "a machine off any bus boots" start_vm a
check_is "it has no interface" "lo" "$(vm_run a 'ls /sys/class/net')"
check_is "its connector finds no bus" "" "$(vm_run a 'ls /sys/bus/vbus-proxy/devices 2>/dev/null')"
check_is "the connector's module is not kept" "" "$(vm_run a 'lsmod | grep "^vbus.kvm"')"
check_is "the bus has no members" "" "$(ls /sys/vbus/instances/b/members)"
check "the bus can be removed beside it" bash -c "rm $bus_dir/b/d && rmdir $bus_dir/b"

make_bus b && link_device b d
check "a guest without the driver boots" env VM_APPEND=lab.nomodules bash -c \
	". $LAB_TOP/scripts/lab/lib.sh; start_vm c --bus b"
check_is "and sees nothing" "lo" "$(vm_run c 'ls /sys/class/net')"
check "its driver can be loaded later" vm_run c 'modprobe -a vbus-kvm'
check "which finds the device" wait_for 20 has_nic c
check "the drivers can be removed" vm_run c 'rmmod venet && rmmod vbus-kvm && rmmod vbus-proxy'
check "and loaded again" vm_run c 'modprobe -a vbus-kvm'
check "which finds the device again" wait_for 20 has_nic c
check "and traffic flows" vm_addr c 10.0.0.2/24
check "both ways" ping -q -n -c 2 -i 0.2 -W 5 10.0.0.2
