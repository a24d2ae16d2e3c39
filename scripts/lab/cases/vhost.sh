# SPDX-License-Identifier: GPL-2.0
# virtio-net with vhost-net works beside venet, in the same machine.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
modprobe -q vhost-net || true
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b \
	-netdev tap,id=n,ifname=tap0,script=no,downscript=no,vhost=on \
	-device virtio-net-pci,netdev=n,romfile=
ip addr add 10.0.9.1/24 dev tap0 && ip link set tap0 up
check "the bus's interface gets an address" vm_addr a 10.0.0.2/24
virtio=$(vm_run a 'for i in /sys/class/net/*; do
	[ "$(basename "$(readlink "$i/device/driver")")" = virtio_net ] && basename "$i"; done')
check "so does virtio's" vm_addr a 10.0.9.2/24 "$virtio"
check "ping over the bus" ping -q -n -c 3 -i 0.2 -W 5 10.0.0.2
check "ping over vhost-net" ping -q -n -c 3 -i 0.2 -W 5 10.0.9.2
check "TCP over the bus" tcp_to_guest a 10.0.0.2 2000000
check "TCP over vhost-net" tcp_to_guest a 10.0.9.2 2000000
