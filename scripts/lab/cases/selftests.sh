# SPDX-License-Identifier: GPL-2.0
# The kernel's own selftests of the series, in the host.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
for test in membership kvm_hypercall local_net.sh sample.sh; do
	path=$LAB_SELFTESTS/$test
	if [ ! -x "$path" ]; then
		not_ok "selftest $test" "$path is not there"
		continue
	fi
	(cd "$LAB_SELFTESTS" && timeout "$(slow 200)" "$path") >"/tmp/$test.log" 2>&1
	rc=$?
	grep -E '^(not )?ok [0-9]+ ' "/tmp/$test.log" | while read -r line; do
		name="$test: $(sed -E 's/^(not )?ok [0-9]+ (- )?//; s/ *# SKIP.*//' <<<"$line")"
		case $line in
		*'# SKIP'*) skip "$name" "${line#*# SKIP}" ;;
		not*) not_ok "$name" "$(grep -a -B 12 -F -- "$line" "/tmp/$test.log" | head -n 12 | cut -c1-200)" ;;
		*) ok "$name" ;;
		esac
	done
	check_is "selftest $test ends well" 0 "$rc"
done
