# SPDX-License-Identifier: GPL-2.0
# Two machines on two buses: neither can reach the other's device, however it tries.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
tracing=/sys/kernel/tracing
mountpoint -q "$tracing" || mount -t tracefs trace "$tracing"
echo 1 >"$tracing/events/vbus/vbus_open/enable"

# The second bus has numbers that the first has not: its device comes after
# others that leave again, and its driver opens it more than once.
for i in 1 2; do
	make_bus "b$i" && make_device "d$i"
done
for i in 3 4 5; do
	make_device "d$i" && link_device b2 "d$i"
done
for i in 1 2; do
	link_device "b$i" "d$i" && host_addr "d$i" "10.0.$i.1/24"
done
for i in 3 4 5; do
	unlink_device b2 "d$i"
done
check "machine 2 boots" start_vm m2 --bus b2
check "it has an interface" wait_for 30 has_nic m2
check "its driver opens the device again and again" vm_run m2 \
	'for i in 1 2 3 4; do rmmod venet && modprobe venet || exit; done'
check "machine 2 has its interface" vm_addr m2 10.0.2.2/24
check "and reaches the host" vm_run m2 "ping -q -c 1 -W 5 10.0.2.1"
id=$(basename "$(dirname "$(ls -d /sys/vbus/instances/b2/devices/*/type)")")
handle=$(sed -n "s/.* vbus_open: .* id=$id .* handle=\([0-9]*\) err=0.*/\1/p" "$tracing/trace" | tail -n 1)
echo 0 >"$tracing/events/vbus/vbus_open/enable"
note "machine 2 has device $id open with handle $handle"
check "machine 1 boots" start_vm m1 --bus b1
check "machine 1 has its interface" vm_addr m1 10.0.1.2/24
check "and reaches the host" vm_run m1 "ping -q -c 1 -W 5 10.0.1.1"

check_is "machine 1 has one interface" "" "$(vm_nic m1 2)"
check_is "machine 2 has one interface" "" "$(vm_nic m2 2)"
for i in 1 2; do
	check_is "machine $i has its device's address" "$(cat "/sys/vbus/devices/d$i/client_mac")" \
		"$(vm_run "m$i" "cat /sys/class/net/$(vm_nic "m$i")/address")"
done

# The walk over dev-ids and handles, by a module in the first machine, while the
# second one's device is in use.
counters()
{
	local dir

	dir=/sys/class/net/$(host_if d2)/statistics
	cat "$dir"/{rx,tx}_{errors,dropped} | tr '\n' ' '
}

before=$(counters)
ping -n -i 0.02 10.0.2.2 >/tmp/ping.log 2>&1 &
ping=$!
VM_TIMEOUT=120 vm_run m1 "modprobe kunit enable=1; modprobe vbus_kvm_kunit foreign_ids=$id foreign_handles=$handle
	cat /sys/kernel/debug/kunit/vbus-kvm/results; dmesg | grep 'vbus-kvm: ' | tail -n 20" >/tmp/tap
kill -INT "$ping"
wait "$ping"
if grep -q '^ok\|^not ok' /tmp/tap; then
	kunit_results "a hostile guest" /tmp/tap
else
	not_ok "a hostile guest finds nothing" "the module does not run: $(head -c 500 /tmp/tap)"
fi
check_is "none was left out" 10 "$(grep -E "$kunit_result" /tmp/tap | grep -c -v SKIP)"
vm_run m1 "modprobe vbus_kvm_event_kunit; cat /sys/kernel/debug/kunit/vbus-kvm-events/results" >/tmp/tap
kunit_results "in a guest" /tmp/tap
check_is "all of it" 6 "$(grep -E "$kunit_result" /tmp/tap | grep -c -v SKIP)"
# The last one may be under way when ping ends.
read -r sent back < <(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' /tmp/ping.log)
check "machine 2's traffic did not notice" test "${sent:-0}" -gt 20 -a "$((${sent:-9} - ${back:-0}))" -le 1
note "$(grep 'packets transmitted' /tmp/ping.log)"
check_is "nor did its counters" "$before" "$(counters)"
check "the first machine still works" ping -q -n -c 1 -W 5 10.0.1.2
check "the second one, too" tcp_to_guest m2 10.0.2.2 300000

# The same as raw hypercalls, without a guest kernel.
probe=$LAB_SELFTESTS/kvm_hypercall
if [ -x "$probe" ]; then
	check "a walk over foreign numbers finds nothing" "$probe" -t a_foreign_guest_finds_nothing
else
	not_ok "a walk over foreign numbers finds nothing" "$probe is not built"
fi
