# SPDX-License-Identifier: GPL-2.0
# A link is removed and made again under traffic, in both directions.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
ping -q -f -s 1400 10.0.0.2 >/dev/null 2>&1 &
flood=$!
vm_run a '(ping -s 1400 10.0.0.1 >/dev/null 2>&1; while :; do ping -c 1 10.0.0.1; done >/dev/null 2>&1) &'
for round in 1 2 3; do
	check "round $round: the link is removed" timeout "$(slow 20)" rm "$bus_dir/b/d"
	check "round $round: the guest's interface goes" wait_for 20 no_nic a
	check "round $round: the link is made again" link_device b d
	check "round $round: the interface comes back" wait_for 20 has_nic a
	check "round $round: it gets its address" vm_addr a 10.0.0.2/24
	check "round $round: traffic flows" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2
done
kill "$flood"

# A device that comes while the machine runs, and one that is swapped.
make_device e && link_device b e
check "a second device is found" wait_for 20 has_nic a 2
check "the device can be removed for good" bash -c "rm $bus_dir/b/e && rmdir $device_dir/e"
check "and is gone from the guest" wait_for 20 no_nic a 2
check "the first one still works" ping -q -n -c 1 -W 5 10.0.0.2
