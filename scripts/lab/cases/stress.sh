# SPDX-License-Identifier: GPL-2.0
# A storm of administration by many processes at a time, then nothing is left.
# shellcheck shell=bash disable=SC2154

path=$LAB_SELFTESTS/stress.sh
if [ ! -x "$path" ]; then
	not_ok "selftest stress.sh" "$path is not there"
	exit
fi
STRESS=$(slow 20) timeout "$(slow 180)" "$path" >/tmp/stress.log 2>&1
rc=$?
grep -E '^(not )?ok [0-9]+ ' /tmp/stress.log | while read -r line; do
	name="storm: ${line#*ok [0-9]* }"
	case $line in
	not*) not_ok "$name" "see $path" ;;
	*) ok "$name" ;;
	esac
done
check_is "the storm ends well" 0 "$rc"
