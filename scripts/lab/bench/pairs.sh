# SPDX-License-Identifier: GPL-2.0
# Two guests that talk to each other through a bridge of the host.
# shellcheck shell=bash disable=SC2154,SC2016
#
# The client runs in a guest and cannot read KVM's counters: they are read around
# runs of N and of 3 N operations, and the difference belongs to 2 N.

. "$LAB_TOP/scripts/lab/bench/lib.sh"

exits() { cat /sys/kernel/debug/kvm/exits; }
injections() { cat /sys/kernel/debug/kvm/irq_injections; }
at_end() { if [ "$path" = veth ]; then ip netns exec "$1" "${@:2}"; else vm_run "$1" "${*:2}"; fi; }

port_veth()
{
	ip netns add "$1" && ip link add "p-$1" type veth peer name e netns "$1" &&
	ip -n "$1" addr add "$2/24" dev e && ip -n "$1" link set e up
}

port_vhost()
{
	start_vm "$1" -netdev "tap,id=n,ifname=p-$1,script=no,downscript=no,vhost=on" \
		-device "virtio-net-pci,netdev=n,romfile=,mac=52:54:00:00:00:${2##*.}" &&
	vm_addr "$1" "$2/24" "$(vm_run "$1" 'ls /sys/class/net | grep -v lo')"
}

port_venet()
{
	make_bus "$1" && make_device "$1" && link_device "$1" "$1" &&
	echo 1 >"/sys/vbus/devices/$1/enabled" &&
	ip link set "$(host_if "$1")" name "p-$1" &&
	start_vm "$1" --bus "$1" && vm_addr "$1" "$2/24"
}

plug() { ip link set "p-$1" master br0 up; }

# pair WORKLOAD SIZE OPERATIONS
pair()
{
	local ops=$(($3 * scale / 100)) before after few many

	before="$(exits) $(injections)"
	few=$(at_end "$a" "$client" -s "$2" -n "$ops" "$1" 10.0.4.12) || return
	after="$(exits) $(injections)"
	# shellcheck disable=SC2046,SC2086
	set -- "$1" "$2" "$ops" $before $after $(exits) $(injections)
	many=$(at_end "$a" "$client" -s "$2" -n $((3 * ops)) "$1" 10.0.4.12) || return
	many=${many%% kvm.*}
	record "path=$path mode=idle name=guests_$1 $many" \
		"kvm.exits=$((3 * ($(exits) - $8 - $6 + $4) / 2))" \
		"kvm.irq_injections=$((3 * ($(injections) - $9 - $7 + $5) / 2))"
	note "path=$path guests_$1 ${few##*bytes} ${many#* }"
}

pair_up()
{
	ip link add br0 type bridge && ip link set br0 up &&
	"port_$path" "$a" 10.0.4.11 && "port_$path" "$b" 10.0.4.12 &&
	plug "$a" && plug "$b" || return
	if [ "$path" = veth ]; then
		ip netns exec "$b" "$netbench" server >/dev/null 2>&1 &
	else
		vm_run "$b" "netbench server >/dev/null 2>&1 &"
	fi
	sleep 0.5
	at_end "$a" "$client" -n 20 udp_rr 10.0.4.12 >/dev/null
}

pair_down()
{
	local name

	ip link del br0
	stop_all_vms
	for name in "$a" "$b"; do
		ip netns del "$name"
		unlink_device "$name" "$name"
		drop_device "$name"
		drop_bus "$name"
	done
}

# Guests that stand still are not the path's fault, either: see run_workload.
pair_again()
{
	local name

	for name in "$a" "$b"; do
		[ ! -d "$vm_dir/$name" ] || bury "$name"
	done
	pair_down >/dev/null 2>&1
	pair_up >/tmp/errors 2>&1
}

# measure_pair WORKLOAD SIZE OPERATIONS
measure_pair()
{
	local try

	for try in 1 2 3 4 5; do
		if pair "$@" 2>/tmp/errors; then
			ok "two guests, $path: $1"
			return
		fi
		note "two guests, $path, $1: no result in try $try"
		pair_again || note "not up: $(tail -n 1 /tmp/errors)"
	done
	not_ok "two guests, $path: $1" "$(cat /tmp/errors)"
}

load vhost-net venet-tap bridge
paths=" $(order paths) "
[ -n "${paths// /}" ] || paths=' veth vhost venet '
for path in veth vhost venet; do
	[[ $paths == *" $path "* ]] || continue
	a=$path-a b=$path-b client=netbench
	[ "$path" != veth ] || client=$netbench
	pair_up >/tmp/errors 2>&1 || pair_again
	measure_pair udp_rr 64 1000
	measure_pair tcp_rr 64 1000
	measure_pair tcp_stream_to 16384 1280
	pair_down >/dev/null 2>&1
done
