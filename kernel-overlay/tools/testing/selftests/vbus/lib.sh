# SPDX-License-Identifier: GPL-2.0
# What the shell tests of Virtual-Bus share: KTAP, and a bus to play with.
# shellcheck shell=bash

ksft_skip=4
config=/sys/kernel/config/vbus
count=0
failed=0

# check NAME COMMAND...: one result
check()
{
	local name=$1

	shift
	count=$((count + 1))
	if "$@" >/dev/null 2>&1; then
		echo "ok $count $name"
	else
		echo "not ok $count $name"
		failed=$((failed + 1))
	fi
}

fails() { ! "$@"; }

# wait_for COMMAND...: until it succeeds, for ten seconds
wait_for()
{
	for _ in $(seq 100); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

need_root_and_vbus()
{
	if [ "$(id -u)" -ne 0 ] || [ ! -d "$config" ]; then
		echo "1..0 # SKIP needs root and $config"
		exit $ksft_skip
	fi
}

need_modules()
{
	local module

	for module; do
		if ! modprobe "$module" 2>/dev/null; then
			echo "1..0 # SKIP needs the module $module"
			exit $ksft_skip
		fi
	done
}

plan()
{
	echo "1..$count"
	[ "$failed" -eq 0 ]
}
