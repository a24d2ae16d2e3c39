# SPDX-License-Identifier: GPL-2.0
# The KUnit suites as modules, on several processors under every checker.
# shellcheck shell=bash

suites=$(cd "/lib/modules/$(uname -r)" && find . -name '*_kunit.ko' -printf '%f\n' | sed 's/\.ko$//' | sort)
if [ -z "$suites" ]; then
	skip "KUnit suites as modules" "this kernel has none (the debug kernel does)"
	exit 0
fi
check "KUnit loads" modprobe kunit
for module in $suites; do
	check "$module loads" modprobe "$module"
done
for results in /sys/kernel/debug/kunit/*/results; do
	suite=$(basename "$(dirname "$results")")
	grep -E '^    (    )?(not )?ok [0-9]+ ' "$results" | while read -r line; do
		name=${line#*ok [0-9]* }
		case $line in
		*'# SKIP'*) skip "$suite: $name" "by the suite itself" ;;
		*not\ ok*) not_ok "$suite: $name" "see dmesg" ;;
		*) ok "$suite: $name" ;;
		esac
	done
done
for module in $suites; do
	check "$module unloads" rmmod "$module"
done
