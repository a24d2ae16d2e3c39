# SPDX-License-Identifier: GPL-2.0
# The ways of a packet that the benchmark compares. Each is set up by up_PATH, which
# sets $server_addr, and taken down by down_PATH; serve starts the server at its far end.
#
#   loopback      one network stack
#   veth          two network stacks, one kernel: the floor
#   vhost         virtio-net-pci, MSI-X, vhost-net: what users run
#   vhost-napi0   the same, guest with virtio_net.napi_tx=0
#   user          virtio-net-pci, served by QEMU itself
#   venet         Virtual-Bus
# shellcheck shell=bash disable=SC2154,SC2016,SC2034

all_paths="loopback veth vhost vhost-napi0 user venet"
server_pid='' server_addr=''
VM_CPUS=$(order cpus)

# serve [OPTION...] [SERVICE...]: at the far end, with the options of netbench first
serve()
{
	local options=()

	while [[ ${1:-} == -* ]]; do
		options+=("$1")
		shift
	done
	case $path in
	loopback) "$netbench" "${options[@]}" server "$@" >/tmp/server.log 2>&1 & ;;
	veth) ip netns exec far "$netbench" "${options[@]}" server "$@" >/tmp/server.log 2>&1 & ;;
	*) vm_run "$path" "netbench ${options[*]} server $* >/tmp/server.log 2>&1 &"; return ;;
	esac
	server_pid=$!
}

unserve()
{
	case $path in
	loopback | veth)
		kill "$server_pid"
		wait "$server_pid" 2>/dev/null ;;
	*) vm_run "$path" 'killall netbench 2>/dev/null; usleep 100000' ;;
	esac
	true
}

up_loopback() { server_addr=127.0.0.1; }
down_loopback() { true; }

up_veth()
{
	ip netns add far &&
	ip link add near type veth peer name far netns far &&
	ip addr add 10.0.1.1/24 dev near && ip link set near up &&
	ip -n far addr add 10.0.1.2/24 dev far && ip -n far link set far up &&
	ip -n far link set lo up
	server_addr=10.0.1.2
}

down_veth() { ip netns del far; }

# virtio_up TAP-OPTION QUEUES NIC-OPTION: a guest whose only interface is virtio-net's
virtio_up()
{
	start_vm "$path" -netdev "tap,id=n,ifname=tap0,script=no,downscript=no,$1" \
		-device virtio-net-pci,netdev=n,romfile= || return
	ip addr add 10.0.2.1/24 dev tap0 && ip link set tap0 up &&
	vm_addr "$path" 10.0.2.2/24 "$(vm_run "$path" 'ls /sys/class/net | grep -v lo')"
	server_addr=10.0.2.2
}

up_vhost()
{
	load vhost-net && virtio_up vhost=on
}

up_vhost-napi0()
{
	load vhost-net && VM_APPEND=virtio_net.napi_tx=0 virtio_up vhost=on
}

up_user() { virtio_up vhost=off; }
down_vhost() { stop_vm "$path"; }
down_vhost-napi0() { stop_vm "$path"; }
down_user() { stop_vm "$path"; }

up_venet()
{
	load venet-tap && make_bus b && make_device d && link_device b d &&
	host_addr d 10.0.3.1/24 && start_vm "$path" --bus b && vm_addr "$path" 10.0.3.2/24
	server_addr=10.0.3.2
}

down_venet()
{
	stop_vm "$path"
	unlink_device b d
	drop_device d
	drop_bus b
}

# A first packet finds the way, so that the first of a measurement need not.
reachable()
{
	ping -q -n -c 2 -i 0.2 -W 5 "$server_addr"
}

# A guest that stands still is not the path's fault: see run_workload.
set_up()
{
	local try

	for try in 1 2 3 4 5; do
		if { "up_$path" && reachable; } >/tmp/errors 2>&1; then
			return
		fi
		note "$path: not up in try $try: $(tail -n 1 /tmp/errors)"
		[ ! -d "$vm_dir/$path" ] || bury "$path"
		"down_$path" >/dev/null 2>&1
	done
	return 1
}

# revive MODE WORKLOAD: a new guest in place of one that does not answer
revive()
{
	[ -d "$vm_dir/$path" ] || return
	bury "$path"
	"down_$path" >/dev/null 2>&1
	set_up || return
	if [ "$1" = busy ]; then
		serve -b "${2/_rr/_echo}"
	else
		serve
	fi
	sleep 0.3
}
