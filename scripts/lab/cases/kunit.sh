# SPDX-License-Identifier: GPL-2.0
# The KUnit suites as modules, on several processors.
# shellcheck shell=bash disable=SC2154

# Those of the guest's connector want a guest: see isolation.sh.
suites=$(cd "/lib/modules/$(uname -r)" && find . -name '*_kunit.ko' ! -name 'vbus_kvm_*' -printf '%f\n' | sed 's/\.ko$//' | sort)
check "there are KUnit suites" test -n "$suites"
check "KUnit loads" modprobe kunit enable=1
for module in $suites; do
	check "$module loads" modprobe "$module"
done
for results in /sys/kernel/debug/kunit/*/results; do
	kunit_results "$(basename "$(dirname "$results")")" "$results"
done
ran=$(cat /sys/kernel/debug/kunit/*/results | grep -c -E "$kunit_result")
check "more than 250 cases have run" test "$ran" -gt 250
for module in $suites; do
	check "$module unloads" rmmod "$module"
done
check "what they needed unloads" modprobe -r venet venet-tap vbus-local
