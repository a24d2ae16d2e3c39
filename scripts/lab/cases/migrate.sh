# SPDX-License-Identifier: GPL-2.0
# A machine moves to another QEMU, on the bus and off it: its connections do not.
# shellcheck shell=bash disable=SC2154,SC2016

moved() { vm_monitor "$1" 'info migrate' | grep -q 'Migration status: completed'; }
runs() { vm_monitor "$1" 'info status' | grep -q 'VM status: running'; }
unbound() { vm_run "$1" 'for i in /sys/bus/vbus-proxy/devices/*; do [ -e "$i" ] && [ ! -e "$i/driver" ] && exit; done; false'; }
leave()
{
	vm_monitor "$1" 'migrate_set_parameter downtime-limit 5000' >/dev/null
	check "$1 is saved under traffic" vm_monitor "$1" 'migrate -d exec:cat>/tmp/state'
	check "$1 is saved as a whole" wait_for 90 moved "$1"
}
# arrive NAME [--bus BUS]
arrive()
{
	start_vm "$@" --no-wait -incoming 'exec:cat /tmp/state'
	check "$1 runs" wait_for 90 runs "$1"
	check "$1 obeys" vm_run "$1" true
}

load venet-tap
guest_mem 128
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
ping -q -f -s 1400 10.0.0.2 >/dev/null 2>&1 &
vm_run a '(while :; do ping -f -s 1400 10.0.0.1 || ping -s 1400 10.0.0.1 || sleep 1; done) >/dev/null 2>&1 &'

# The QEMU that it left still has the device.
leave a
arrive c --bus b
check "the device is another's: no interface" wait_for 40 unbound c
check "the guest has been told" wait_for 10 vm_run c 'dmesg | grep -q "venet.*error -16"'
check "nor has it one" no_nic c
check "the one that it left ends" stop_vm a
vm_run c 'cd /sys/bus/vbus-proxy && for i in devices/*; do echo "${i##*/}" >drivers/venet/bind; done'
check "bound anew it has its address" vm_addr c 10.0.0.2/24
check "traffic flows on the same bus" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
check "TCP to it" tcp_to_guest c 10.0.0.2 1000000

leave c
stop_vm c
arrive e
check "off any bus the interface goes" wait_for 40 no_nic e
check_fails "nobody answers" "" timeout 3 ping -q -n -c 1 -W 1 10.0.0.2

leave e
stop_vm e
arrive f --bus b
check "on the bus again it has its address" wait_for 60 vm_addr f 10.0.0.2/24
check "traffic flows again" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
check "TCP afterwards" tcp_to_guest f 10.0.0.2 1000000
check "QEMU is killed" kill_vm f
check "the link, the bus and the device can be removed" wait_for 20 bash -c \
	"rm -f $bus_dir/b/d && rmdir $bus_dir/b && rmdir $device_dir/d"
check "rmmod succeeds" wait_for 10 rmmod venet-tap
