# SPDX-License-Identifier: GPL-2.0
# Memory slots that go and come back under traffic, and memory that is not there.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
log=/tmp/kvm_memory.log
if [ ! -x "$LAB_SELFTESTS/kvm_memory" ]; then
	not_ok "selftest kvm_memory" "it is not built"
	exit
fi
timeout "$(slow 150)" "$LAB_SELFTESTS/kvm_memory" >"$log" 2>&1
rc=$?
grep -E '^(not )?ok [0-9]+ ' "$log" | while read -r line; do
	name="memory: $(sed -E 's/^(not )?ok [0-9]+ (- )?//; s/ *# SKIP.*//' <<<"$line")"
	case $line in
	*'# SKIP'*) skip "$name" "${line#*# SKIP}" ;;
	not*) not_ok "$name" "$(grep -B 8 -F -- "$line" "$log" | cut -c1-200)" ;;
	*) ok "$name" ;;
	esac
done
check_is "all of them ran" 0 "$rc"
