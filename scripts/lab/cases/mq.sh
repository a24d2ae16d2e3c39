# SPDX-License-Identifier: GPL-2.0
# Several pairs of queues: one for each vCPU, flows that stay on theirs, -L.
# shellcheck shell=bash disable=SC2154,SC2016

count_queues() { find "/sys/class/net/$1/queues/" -name 'tx-*' | wc -l; }

# Another case may have loaded it as it is by default.
modprobe -q -r venet-tap
check "venet-tap loads with four pairs" modprobe venet-tap max_pairs=4
make_bus b && make_device d && link_device b d
check "the interface appears" host_addr d 10.0.0.1/24
host=$(host_if d)
check_is "the host has one queue without a guest" 1 "$(count_queues "$host")"

# shellcheck disable=SC2034 # of start_vm
VM_CPUS=2
check "a guest with two processors boots" start_vm a --bus b
check "its interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
check_is "it has two pairs" 2 "$(vm_run a "ls -d /sys/class/net/$nic/queues/tx-* | wc -l")"
host_queues() { [ "$(count_queues "$host")" -eq "$1" ]; }
check "so has the host" wait_for 10 host_queues 2
channels() { ethtool -l "$host" | grep -q -z "maximums:.*Combined:[^0-9]*4.*hardware settings:.*Combined:[^0-9]*$1"; }
check "ethtool -l says so" wait_for 10 channels 2
check_is "each ring has an interrupt" 4 "$(vm_run a "grep -c -E '$nic-[rt]x-[01]' /proc/interrupts")"
check_is "each processor sends on its pair" "1 2" \
	"$(vm_run a "cat /sys/class/net/$nic/queues/tx-0/xps_cpus /sys/class/net/$nic/queues/tx-1/xps_cpus" | tr '\n' ' ' | sed 's/ $//')"

# A stream that runs on one processor of the guest is answered there.
rx_of() { vm_run a "awk '/$nic-rx-$1/ { print \$2 + \$3 }' /proc/interrupts"; }
check "pings" ping -q -n -c 3 -i 0.2 -W 5 10.0.0.2
for cpu in 0 1; do
	other=$((1 - cpu)) was=$(rx_of $((1 - cpu))) mine=$(rx_of "$cpu")
	check "pings from processor $cpu" vm_run a "taskset $((1 << cpu)) ping -q -c 20 -i 0.1 10.0.0.1"
	mine=$(($(rx_of "$cpu") - mine)) was=$(($(rx_of "$other") - was))
	check "its answers come there: $mine interrupts here, $was there" test "$mine" -gt $((2 * was))
done
check "TCP to the guest" tcp_to_guest a 10.0.0.2 10000000
check "TCP from the guest" tcp_to_host a 10.0.0.1 10000000
for i in 1 2 3 4; do
	tcp_to_guest a 10.0.0.2 300000 >/dev/null || not_ok "stream $i" "differs"
done
ok "short streams"
check "both pairs of the guest have received" vm_run a \
	"[ \$(cat /proc/interrupts | awk '/$nic-rx-0/ { print \$2 + \$3 }') -gt 0 ] && [ \$(cat /proc/interrupts | awk '/$nic-rx-1/ { print \$2 + \$3 }') -gt 0 ]"
check "the link goes down and up with both" vm_run a "ip link set $nic down && ip link set $nic up"
check "the host still has two queues" wait_for 10 host_queues 2
check "with traffic" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check "the guest ends" stop_vm a
check "ethtool -l says that one pair is in use" wait_for 10 channels 1
check "the host keeps its queues" host_queues 2

# shellcheck disable=SC2034 # of start_vm
VM_CPUS=4
# Memory that may not be locked costs pairs, and not the interface.
qemu=$LAB_QEMU
may_lock() { LAB_QEMU="setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock prlimit --memlock=$1 $qemu"; }
pairs_of() { vm_run c "ls -d /sys/class/net/$1/queues/tx-* | wc -l"; }

may_lock $((3 << 20))
check "a guest whose QEMU may lock 3 MiB boots" start_vm c --bus b
check "its interface gets an address" vm_addr c 10.0.0.2/24
check_is "it has one pair in use" 1 "$(pairs_of "$(vm_nic c)")"
check "it says so" vm_run c "dmesg | grep 'memory for 1 of 2 pairs'"
check "it works" ping -q -n -c 3 -i 0.2 -W 5 10.0.0.2
check "it ends" stop_vm c

# The usual limit does for two interfaces.
make_device e && link_device b e
# The other cases want what is there by default.
echo 0 >/sys/module/venet_tap/parameters/max_pairs
check "the second device's interface appears" host_addr e 10.0.1.1/24
may_lock $((8 << 20))
check "a guest whose QEMU may lock 8 MiB boots" start_vm c --bus b
nics() { [ "$(vm_run c "ls /sys/class/net" | grep -c -v lo)" -eq 2 ]; }
check "with two interfaces" wait_for 30 nics
for nic in $(vm_run c "ls /sys/class/net" | grep -v lo); do
	check "$nic goes up" vm_run c "ip link set $nic up"
	check_is "with two pairs" 2 "$(pairs_of "$nic")"
done
