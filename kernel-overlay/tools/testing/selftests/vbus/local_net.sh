#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Network traffic between a venet-tap interface and the driver behind the local
# connector, which sits in a network namespace of its own.
cd "$(dirname "$0")" || exit
. ./lib.sh

bus=selftest-net-$$
ns=vbus-$$
local=/sys/devices/vbus-local

cleanup()
{
	echo "$bus" 2>/dev/null >"$local/detach"
	ip netns del "$ns" 2>/dev/null
	rm -f "$config/instances/$bus/$bus"
	rmdir "$config/instances/$bus" "$config/devices/$bus"
}

# The driver's interface: the one whose device is on this bus.
driver_if()
{
	local dir

	for dir in "/sys/bus/vbus-proxy/devices/local-$bus.0/net"/*; do
		[ ! -e "$dir" ] || basename "$dir"
	done
}

has_driver_if() { [ -n "$(driver_if)" ]; }

echo "TAP version 13"
need_root_and_vbus
need_modules vbus-local venet-tap venet
trap cleanup EXIT
mkdir "$config/instances/$bus" "$config/devices/$bus"
echo venet-tap >"$config/devices/$bus/type"
ln -s "$config/devices/$bus" "$config/instances/$bus/"
check "the interface can be enabled" bash -c "echo 1 >/sys/vbus/devices/$bus/enabled"
host=$(cat "/sys/vbus/devices/$bus/ifname")
check "the bus is attached" bash -c "echo $bus >$local/attach"
check "the driver makes an interface" wait_for has_driver_if
guest=$(driver_if)
check "its address is the device's" \
	grep -q "$(cat "/sys/vbus/devices/$bus/client_mac")" "/sys/class/net/$guest/address"
ip netns add "$ns"
ip link set "$guest" netns "$ns"
ip -n "$ns" addr add 192.0.2.2/24 dev "$guest"
ip -n "$ns" link set "$guest" up
ip addr add 192.0.2.1/24 dev "$host"
ip link set "$host" up
check "there is a carrier" wait_for grep -q 1 "/sys/class/net/$host/carrier"
ip link set "$host" mtu 9000
ip -n "$ns" link set "$guest" mtu 9000
for size in 0 56 255 256 257 1472 4096 8972; do
	check "ping with $size bytes" \
		ping -q -n -c 3 -i 0.2 -W 5 -M "do" -s $size 192.0.2.2
	check "ping with $size bytes from the other side" \
		ip netns exec "$ns" ping -q -n -c 3 -i 0.2 -W 5 -M "do" -s $size 192.0.2.1
done
check "a flood of pings loses nothing" \
	bash -c "ping -q -n -f -c 2000 -s 1400 192.0.2.2 | grep -q ' 0% packet loss'"
check "no frame was malformed" grep -q '^0$' "/sys/class/net/$host/statistics/rx_errors"
check "the link can be removed under traffic" rm "$config/instances/$bus/$bus"
check "the driver's interface goes" wait_for fails ip -n "$ns" link show "$guest"
plan
