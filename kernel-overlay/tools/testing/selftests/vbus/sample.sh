#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The sample device and its driver, joined by the local connector.
cd "$(dirname "$0")" || exit
. ./lib.sh

bus=selftest-sample-$$
local=/sys/devices/vbus-local

cleanup()
{
	echo "$bus" 2>/dev/null >"$local/detach"
	rm -f "$config/instances/$bus/$bus"
	rmdir "$config/instances/$bus" "$config/devices/$bus"
}

said() { dmesg | tail -n 20 | grep -q "vbus-echo local-$bus.0: $1"; }

echo "TAP version 13"
need_root_and_vbus
need_modules vbus-local vbus-echo-device vbus-echo-driver
trap cleanup EXIT
mkdir "$config/instances/$bus" "$config/devices/$bus"
check "the class is there" bash -c "echo echo >$config/devices/$bus/type"
check "the device goes on the bus" ln -s "$config/devices/$bus" "$config/instances/$bus/"
check "its interface has the type" grep -q '^echo$' "/sys/vbus/instances/$bus/devices/0/type"
check "the bus is attached" bash -c "echo $bus >$local/attach"
check "the driver has found the device" \
	wait_for test -e "/sys/bus/vbus-proxy/drivers/vbus-echo/local-$bus.0"
check "the call was answered" wait_for said "call: HELLO"
check "shared memory was answered" wait_for said "shm: after 41 comes 42"
check "the link can be removed under the driver" rm "$config/instances/$bus/$bus"
check "the driver loses the device" \
	wait_for test ! -e "/sys/bus/vbus-proxy/drivers/vbus-echo/local-$bus.0"
plan
