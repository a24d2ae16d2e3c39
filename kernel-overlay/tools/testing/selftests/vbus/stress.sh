#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything that an administrator can do to Virtual-Bus, by several processes at
# a time and without order: buses, devices, types, links, membership against fork
# and exit, the local connector, and modules that come and go. Whatever each of
# them is answered, at the end nothing is left and everything works.
#
# STRESS is how many seconds it takes.
cd "$(dirname "$0")" || exit
. ./lib.sh

: "${STRESS:=20}"
me=stress-$$
local=/sys/devices/vbus-local
module_dir=/sys/module

# again COMMAND...: until time is up
again()
{
	while [ "$SECONDS" -lt "$end" ]; do
		"$@"
	done
}

one_bus() { mkdir "$config/instances/$me-$1"; rmdir "$config/instances/$me-$1"; }

one_device()
{
	mkdir "$config/devices/$me-$1"
	echo venet-tap >"$config/devices/$me-$1/type"
	echo 1 >"/sys/vbus/devices/$me-$1/enabled"
	echo 0 >"/sys/vbus/devices/$me-$1/enabled"
	rmdir "$config/devices/$me-$1"
}

# one_link DEVICE BUS
one_link()
{
	ln -s "$config/devices/$me-$1" "$config/instances/$me-$2/l$1"
	rm "$config/instances/$me-$2/l$1"
}

# A member that forks, and children that exit while they are moved.
one_member()
{
	echo "$me-$1" >/proc/self/vbus
	(:)
	(exit 1) &
	echo 0 >"/proc/$!/vbus"
	echo "$me-$2" >/proc/self/vbus
	echo 0 >/proc/self/vbus
	wait $!
}

# Others that move it, too.
one_fight()
{
	local pid

	for pid; do
		echo "$me-1" >"/proc/$pid/vbus"
		echo "$me-2" >"/proc/$pid/vbus"
		echo 0 >"/proc/$pid/vbus"
	done
}

one_attachment() { echo "$me-$1" >"$local/attach"; echo "$me-$1" >"$local/detach"; }
one_attach() { echo "$me-$1" >"$local/attach"; }
one_reader() { cat /sys/vbus/instances/*/members/* /sys/vbus/instances/*/devices/*/type \
	/sys/vbus/devices/*/* "$config"/devices/*/* /proc/self/vbus; }
one_module() { modprobe -r "$1"; modprobe "$1"; }

storm()
{
	local member fight

	again one_bus 1 &
	again one_bus 2 &
	again one_device 1 &
	again one_device 2 &
	again one_link 1 1 &
	again one_link 2 1 &
	again one_link 1 2 &
	again one_member 1 2 &
	member=$!
	again one_member 2 1 &
	fight=$!
	again one_fight "$member" "$fight" &
	again one_attachment 1 &
	again one_attachment 2 &
	again one_attach 1 &
	again one_reader &
	again one_module venet-tap &
	again one_module vbus-local &
	wait
}

# What a process that was stopped in the middle has left.
tidy()
{
	local i

	for i in 1 2; do
		echo "$me-$i" >"$local/detach"
		rm -f "$config/instances/$me-$i"/l?
		rmdir "$config/devices/$me-$i"
	done
	for i in 1 2; do
		rmdir "$config/instances/$me-$i"
	done
}

# A bus with a device that this kernel uses itself, and then its module goes.
build_up()
{
	mkdir "$config/instances/$me-1" "$config/devices/$me-1" &&
		echo venet-tap >"$config/devices/$me-1/type" &&
		ln -s "$config/devices/$me-1" "$config/instances/$me-1/l1" &&
		echo "$me-1" >"$local/attach"
}

attached() { test -e "/sys/bus/vbus-proxy/devices/local-$me-1.0"; }
loaded() { test -e "$module_dir/$1"; }
nothing_left() { ! find /sys/vbus /sys/bus/vbus-proxy/devices "$config" -name "*$me*" | grep -q .; }

echo "TAP version 13"
need_root_and_vbus
need_modules vbus-local venet-tap venet
trap 'tidy >/dev/null 2>&1' EXIT
end=$((SECONDS + STRESS))
storm >/dev/null 2>&1
modprobe venet-tap
modprobe vbus-local
tidy >/dev/null 2>&1
check "nothing is left of the storm" nothing_left

for _ in 1 2 3; do
	check "everything can be built up" build_up
	check "the device is there" wait_for attached
	check "the class is in use" fails rmmod venet-tap
	check "the connector goes while it is attached" rmmod vbus-local
	check "and the device with it" fails attached
	check "the bus is free again" rm "$config/instances/$me-1/l1"
	check "so is the device" rmdir "$config/devices/$me-1"
	check "nobody holds the bus" rmdir "$config/instances/$me-1"
	check "the connector comes back" modprobe vbus-local
done
check "the class can go" rmmod venet-tap
check "nothing is left" nothing_left
plan
