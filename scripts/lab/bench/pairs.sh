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

load vhost-net venet-tap bridge
for path in veth vhost venet; do
	a=$path-a b=$path-b client=netbench
	[ "$path" != veth ] || client=$netbench
	ip link add br0 type bridge && ip link set br0 up
	if ! { "port_$path" "$a" 10.0.4.11 && "port_$path" "$b" 10.0.4.12 &&
	       plug "$a" && plug "$b"; } >/tmp/errors 2>&1; then
		not_ok "two guests, $path" "$(tail -n 3 /tmp/errors)"
		break
	fi
	if [ "$path" = veth ]; then
		ip netns exec "$b" "$netbench" server >/dev/null 2>&1 &
	else
		vm_run "$b" "netbench server >/dev/null 2>&1 &"
	fi
	sleep 0.5
	at_end "$a" "$client" -n 20 udp_rr 10.0.4.12 >/dev/null
	check "two guests, $path: UDP" pair udp_rr 64 1000
	check "two guests, $path: TCP" pair tcp_rr 64 1000
	check "two guests, $path: stream" pair tcp_stream_to 16384 1280
	ip link del br0
	stop_all_vms
	ip netns del "$a" 2>/dev/null
	ip netns del "$b" 2>/dev/null
done
