# SPDX-License-Identifier: GPL-2.0
# Interrupts with every kind of destination, also what KVM cannot look up at once.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
tracing=/sys/kernel/tracing
mountpoint -q "$tracing" || mount -t tracefs trace "$tracing"

# How often the host had to raise an interrupt from a work item.
deferred()
{
	grep -c 'workqueue_execute_start:.*deferred_work' "$tracing/trace"
}

selftest interrupts 150 kvm_interrupts
echo 1 >"$tracing/events/workqueue/workqueue_execute_start/enable"
echo >"$tracing/trace"
selftest "one table" 150 kvm_interrupts -v flat_both
check_is "a logical destination is found at once" 0 "$(deferred)"
selftest "mixed formats" 150 kvm_interrupts -v mixed_both
check "one in mixed formats takes the long way" test "$(deferred)" -ge 3
echo 0 >"$tracing/events/workqueue/workqueue_execute_start/enable"
