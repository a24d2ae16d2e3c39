# SPDX-License-Identifier: GPL-2.0
# The host kernel's memory for buses, devices, and machines by their network.
# shellcheck shell=bash disable=SC2154,SC2016

. "$LAB_TOP/scripts/lab/bench/lib.sh"
few=100

# What the kernel has for itself, in KB: user memory and caches are left out.
kernel_kb()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '/^(SUnreclaim|SReclaimable|KernelStack|PageTables|Percpu|VmallocUsed):/ { kb += $2 } END { print kb }' /proc/meminfo
}

# kb_for NAME COUNT COMMAND...: the difference that it makes, per piece
kb_for()
{
	local name=$1 count=$2 before after

	shift 2
	before=$(kernel_kb)
	"$@" >/dev/null || not_ok "$name" "cannot be made"
	after=$(kernel_kb)
	awk -v n="$name" -v kb=$((after - before)) -v count="$count" \
		'BEGIN { printf "memory=%s kb=%.1f\n", n, kb / count }' | tee -a /out/bench.raw
}

buses() { local i; for i in $(seq $few); do make_bus "m$i"; done; }
devices() { local i; for i in $(seq $few); do make_device "m$i"; done; }
links() { local i; for i in $(seq $few); do link_device "m$i" "m$i"; done; }
plain_vm() { start_vm plain; }
vhost_vm() { start_vm vhost -netdev tap,id=n,script=no,downscript=no,vhost=on -device virtio-net-pci,netdev=n,romfile=; }
venet_vm() { start_vm venet --bus m1 && wait_for 20 has_nic venet; }
venet_up() { vm_addr venet 10.0.5.2/24; }

load venet-tap vhost-net
kb_for bus $few buses
kb_for venet-tap_device $few devices
kb_for link $few links
kb_for vm_without_network 1 plain_vm
kb_for vm_with_vhost 1 vhost_vm
kb_for vm_on_a_bus 1 venet_vm
echo 1 >/sys/vbus/devices/m1/enabled
kb_for venet_up 1 venet_up
note "pinned for the guest that is up: $(grep VmPin "/proc/$(vm_pid venet)/status")"
ok "memory"
