# SPDX-License-Identifier: GPL-2.0
# QEMU is killed under traffic: nothing stays behind.
# shellcheck shell=bash disable=SC2154,SC2016

pinned()
{
	cat /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_acquired/ { a = $2 } /^nr_foll_pin_released/ { r = $2 } END { print a - r }' /proc/vmstat
}

load venet-tap
start=$(pinned)
for round in 1 2 3; do
	make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
	check "round $round: the guest boots" start_vm a --bus b
	check "round $round: it has its interface" vm_addr a 10.0.0.2/24
	check "round $round: its memory is pinned" test "$(pinned)" -gt "$start"
	ping -q -f -s 1400 10.0.0.2 >/dev/null 2>&1 &
	flood=$!
	vm_run a '(ping -f -s 1400 10.0.0.1 || ping -s 1400 10.0.0.1) >/dev/null 2>&1 &'
	sleep 1
	check "round $round: QEMU is killed" kill_vm a
	check "round $round: the link can be removed" timeout "$(slow 20)" rm "$bus_dir/b/d"
	check "round $round: so can the bus" wait_for 10 rmdir "$bus_dir/b"
	check "round $round: so can the device" rmdir "$device_dir/d"
	kill "$flood" 2>/dev/null
	check "round $round: nothing is pinned any more" wait_for 10 bash -c "$(declare -f pinned); [ \$(pinned) -eq $start ]"
done
check "rmmod succeeds" wait_for 10 rmmod venet-tap
check_is "its deviceclass is gone" "" "$(find /sys/vbus/deviceclass -name venet-tap)"
check_is "no bus is left" "" "$(ls /sys/vbus/instances)"
