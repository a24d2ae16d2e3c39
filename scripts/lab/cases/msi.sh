# SPDX-License-Identifier: GPL-2.0
# Interrupts with every kind of destination, also what KVM cannot look up at once.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
log=/tmp/kvm_interrupts.log
tracing=/sys/kernel/tracing
mountpoint -q "$tracing" || mount -t tracefs trace "$tracing"
if [ ! -x "$LAB_SELFTESTS/kvm_interrupts" ]; then
	not_ok "selftest kvm_interrupts" "it is not built"
	exit
fi

# run_tests PREFIX [ARG...]
run_tests()
{
	local prefix=$1 rc line name

	shift
	timeout "$(slow 150)" "$LAB_SELFTESTS/kvm_interrupts" "$@" >"$log" 2>&1
	rc=$?
	grep -E '^(not )?ok [0-9]+ ' "$log" | while read -r line; do
		name="$prefix: $(sed -E 's/^(not )?ok [0-9]+ (- )?//; s/ *# SKIP.*//' <<<"$line")"
		case $line in
		*'# SKIP'*) skip "$name" "${line#*# SKIP}" ;;
		not*) not_ok "$name" "$(grep -B 8 -F -- "$line" "$log" | cut -c1-200)" ;;
		*) ok "$name" ;;
		esac
	done
	check_is "$prefix: all of them ran" 0 "$rc"
}

# How often the host had to raise an interrupt from a work item.
deferred()
{
	grep -c 'workqueue_execute_start:.*deferred_work' "$tracing/trace"
}

run_tests interrupts
echo 1 >"$tracing/events/workqueue/workqueue_execute_start/enable"
echo >"$tracing/trace"
run_tests "one table" -v flat_both
check_is "a logical destination is found at once" 0 "$(deferred)"
run_tests "mixed formats" -v mixed_both
check "one in mixed formats takes the long way" test "$(deferred)" -ge 3
echo 0 >"$tracing/events/workqueue/workqueue_execute_start/enable"
