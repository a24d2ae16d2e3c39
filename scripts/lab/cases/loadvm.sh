# SPDX-License-Identifier: GPL-2.0
# The machine goes back to a snapshot (savevm, loadvm): its connections do not.
# The drive is for the snapshot alone. While the machine is stopped, nobody but the
# host could write to its memory.
# shellcheck shell=bash disable=SC2154,SC2016

# Each processor counts for itself, and sums are brought up to date once a second, or on demand.
pinned()
{
	cat /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_acquired/ { a = $2 } /^nr_foll_pin_released/ { r = $2 } END { print a - r }' /proc/vmstat
}
memory()
{
	rm -f /out/mem
	vm_monitor a "pmemsave 0 $((VM_MEM << 20)) \\\"/out/mem\\\"" >/dev/null
	mv /out/mem "/tmp/mem.$1"
}
differ() { ! cmp -s "/tmp/mem.$1" "/tmp/mem.$2"; }
send() { timeout 8 ping -q -f -c 500 -W 1 -s 1400 10.0.0.2 >/dev/null 2>&1; true; }
# says NAME COMMAND: the monitor has nothing to say to it
says()
{
	local answer

	if answer=$(vm_monitor a "$2"); then
		check_is "$1" "" "$answer"
	else
		not_ok "$1" "the monitor does not answer"
	fi
}
nic_index() { vm_run a "cat /sys/class/net/$(vm_nic a)/ifindex"; }
new_nic() { local now; now=$(nic_index) && [ "$now" -gt "$index" ]; }

# recovers HOW: by an interface that is new, and has no address
recovers()
{
	check "$1: it is the past" vm_run a '[ ! -e /tmp/future ]'
	check "$1: the interface is made anew" wait_for 40 new_nic
	check "$1: it takes its address" vm_addr a 10.0.0.2/24
	check "$1: traffic flows" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
	vm_run a 'echo >/tmp/future'
}

load venet-tap
guest_mem 128
start=$(pinned)
truncate -s 1M /tmp/disk
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b -drive if=none,id=disk,format=raw,file=/tmp/disk
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
ip neigh replace 10.0.0.2 lladdr "$(cat /sys/vbus/devices/d/client_mac)" dev "$(host_if d)" nud permanent
index=$(nic_index)
says "there is a drive for snapshots" 'snapshot_blkdev disk /tmp/snapshots qcow2'
send &
says "a snapshot under traffic" 'savevm s'
check "traffic flows after it" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
check_is "the interface has stayed" "$index" "$(nic_index)"
vm_run a 'echo >/tmp/future'

vm_monitor a stop
memory before
send
memory after
check "the host does write to a stopped machine" differ before after
send &
says "back to the snapshot" 'loadvm s'
memory before
send
memory after
check "not one byte is written to it" cmp /tmp/mem.before /tmp/mem.after
rm /tmp/mem.*
check_is "nothing of it is pinned" "$start" "$(pinned)"
vm_monitor a cont
recovers "a guest that does nothing"
check "TCP to it" tcp_to_guest a 10.0.0.2 1000000

vm_run a '(while :; do ping -f -s 1400 10.0.0.1 || ping -s 1400 10.0.0.1; done) >/dev/null 2>&1 &'
send &
says "back while it runs and sends" 'loadvm s'
recovers "running"

says "back for a driver that is bound anew" 'loadvm s'
vm_run a 'cd /sys/bus/vbus-proxy/drivers/venet && for i in *[0-9]*; do
	echo "$i" >unbind; echo "$i" >bind; done' || true
recovers "bound anew"

says "back for a machine that is reset" 'loadvm s'
check "the reset" vm_reset a
check "it has its interface again" vm_addr a 10.0.0.2/24
check "traffic flows again" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2

send &
vm_monitor a 'loadvm s' >/dev/null 2>&1 &
sleep 1
check "QEMU is killed meanwhile" kill_vm a
check "the link, the bus and the device can be removed" wait_for 20 bash -c \
	"rm -f $bus_dir/b/d && rmdir $bus_dir/b && rmdir $device_dir/d"
check "nothing is pinned any more" wait_for 10 bash -c "$(declare -f pinned); [ \$(pinned) -eq $start ]"
check "rmmod succeeds" wait_for 10 rmmod venet-tap
