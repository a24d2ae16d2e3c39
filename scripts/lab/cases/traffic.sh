# SPDX-License-Identifier: GPL-2.0
# A guest on a bus: found by modalias, pings of every size, TCP both ways.
# shellcheck shell=bash disable=SC2154,SC2016

check "venet-tap loads" load venet-tap
make_bus b && make_device d && link_device b d
check "the interface appears when it is enabled" host_addr d 10.0.0.1/24
host=$(host_if d)
check "a member's QEMU starts" start_vm a --bus b
check "the guest has an interface" wait_for 20 has_nic a
check_is "its driver was loaded by modalias" venet \
	"$(vm_run a 'basename "$(readlink /sys/class/net/$(ls /sys/class/net | grep -v lo)/device/driver)"')"
check "the guest's interface gets an address" vm_addr a 10.0.0.2/24
nic=$(vm_nic a)
ip link set "$host" mtu 9000
check "the guest's MTU goes to 9000" vm_run a "ip link set $nic mtu 9000"
check "there is a carrier" wait_for 10 grep -q 1 "/sys/class/net/$host/carrier"

for size in 0 1 18 56 255 256 257 1472 1473 4054 4096 8191 8972; do
	check "ping with $size bytes" ping -q -n -c 2 -i 0.2 -W 5 -M 'do' -s "$size" 10.0.0.2
done
check "ping from the guest" vm_run a 'ping -q -c 2 -W 5 10.0.0.1'
check "ping from the guest with 8972 bytes" vm_run a 'ping -q -c 2 -W 5 -s 8972 10.0.0.1'
check "TCP to the guest" tcp_to_guest a 10.0.0.2 20000000
check "TCP from the guest" tcp_to_host a 10.0.0.1 20000000
vm_run a "ip link set $nic mtu 1500" && ip link set "$host" mtu 1500
check "TCP to the guest, MTU 1500" tcp_to_guest a 10.0.0.2 5000000
check "TCP from the guest, MTU 1500" tcp_to_host a 10.0.0.1 5000000

stats=$(ethtool -S "$host" 2>&1 || true)
check "ethtool -i names the driver" grep -q venet <<<"$(ethtool -i "$host")"
check "ethtool -S has counters" grep -q -E 'packets|frames' <<<"$stats"
check "ethtool -k shows segmentation" grep -q 'tcp-segmentation-offload: on' <<<"$(ethtool -k "$host")"
check_is "nothing was refused as malformed" 0 \
	"$(cat "/sys/class/net/$host/statistics/rx_errors")"
check "the guest counts what it received" test "$(vm_run a "cat /sys/class/net/$nic/statistics/rx_bytes")" -gt 1000000
check "the link can be taken down" vm_run a "ip link set $nic down"
check "the host sees no carrier then" wait_for 10 grep -q 0 "/sys/class/net/$host/carrier"
check "and up again" vm_run a "ip link set $nic up"
check "with traffic" wait_for 10 ping -q -n -c 1 -W 1 10.0.0.2
check_fails "a bus with a machine cannot be removed" "Device or resource busy" \
	bash -c "rm $bus_dir/b/d; rmdir $bus_dir/b"
