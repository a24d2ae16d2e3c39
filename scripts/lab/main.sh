#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The first process of the lab's host: runs the cases, one after the other, and
# powers off. Reads its orders from /out/env, leaves results and consoles in /out.
#
# QEMU's emulated processors lose interrupts, and give others twice. The first: the flag
# of a pending one is cleared, without any lock, while another thread sets it. The second:
# VMRUN leaves the vector of an injected interrupt behind, and if QEMU's other threads
# want the processor before the next exit, that vector is delivered once more, wherever
# the guest is and whether it has interrupts on or off. Then the guest stands still in a
# spinlock, jumps to nowhere, sleeps with an interrupt in service, or is a second late.
# Both are there without Virtual-Bus, too. So a case that failed is run anew, up to
# $tries times in all, and says so. Not if a kernel complained of anything but a crash
# far from ours: such a case has failed.
set -u
stty -F /dev/ttyS1 raw -echo
exec </dev/null >/dev/ttyS1 2>&1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
export LC_ALL=C.UTF-8
set -a
# shellcheck disable=SC1091 # made by scripts/boot
. /out/env
set +a
lab=$LAB_TOP/scripts/lab
. "$lab/reports.sh"
. "$lab/lib.sh"
cd /tmp || exit

power_off()
{
	sync
	busybox poweroff -f
}
trap power_off EXIT

# What the kernel has said since the last look.
new_reports()
{
	dmesg >/run/dmesg.now
	tail -n +$((seen + 1)) /run/dmesg.now >/run/dmesg.new
	seen=$(wc -l </run/dmesg.now)
	scan_log /run/dmesg.new
}

leaks()
{
	local found

	[ -e /sys/kernel/debug/kmemleak ] || return 0
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	found=$(head -n 40 /sys/kernel/debug/kmemleak)
	[ -z "$found" ] || not_ok "no leak in the host" "$found"
}

# Tell scripts/boot that we go on. With a clock that counts instructions, nothing
# may run beside what is measured.
beat()
{
	[ -z "$LAB_ICOUNT" ] || return
	while sleep 5; do : >/out/beat; done &
	disown
}

run_case()
{
	local found console

	beat
	export LAB_CASE=$1
	timeout --foreground -k 5 "$(slow "${LAB_CASE_TIME:-600}")" \
		bash -c ". '$lab/lib.sh'; . '$2'" || not_ok "$1" "the case ended with exit code $?"
	stop_all_vms
	kill -KILL -1 2>/dev/null	# what the case left running; never process 1
	beat
	drop_everything || not_ok "$1 leaves nothing" "some bus or device cannot be removed"
	rm -rf /tmp/*
	if ! found=$(new_reports); then
		not_ok "$1: the host's kernel is content" "$found"
		touch "$guilty"
	fi
	for console in /out/guests/"$1"-*.console; do
		[ -e "$console" ] && [ ! -e "$console.expected" ] || continue
		if ! found=$(scan_log "$console"); then
			not_ok "$1: the guest's kernel is content" "$console: $found"
			is_chance "$console" || touch "$guilty"
		fi
	done
}

# A debug kernel knows better: what it reports is no chance. One that stood still
# for so long that its watchdogs bark has met the emulator.
is_chance()
{
	[ -z "$LAB_GUEST_LEAKS" ] || return 1
	[ -e "$hung" ] || is_stray "$1"
}

may_try_again()
{
	[ "$try" -lt "$tries" ] && [ ! -e "$guilty" ] && grep -q '^not ok' /run/results
}

# The consoles of a try that failed are kept beside those of the next.
say_why()
{
	local console

	note "$1 is run anew, $(why_again); try $try was:"
	sed -n 's/^not ok/    &/p' /run/results
	for console in /out/guests/"$1"-*.console; do
		[ ! -e "$console" ] || mv "$console" "$console.$try"
		rm -f "$console.expected"
	done
}

why_again()
{
	if [ -e "$hung" ]; then
		echo "a guest stood still or lost an interrupt"
	else
		echo "and has failed if it fails again"
	fi
}

guilty=/run/guilty	# a kernel complained of what is no chance
seen=0 tries=3
[ -z "$LAB_ICOUNT" ] || tries=1
mkdir -p /run/vm
echo 1 >/proc/sys/kernel/printk_devkmsg 2>/dev/null
new_reports || not_ok "the host boots without complaint"
# shellcheck disable=SC2153 # from /out/env
for file in $LAB_CASES; do
	name=$(basename "$file" .sh)
	echo "== $name"
	try=0 began=$SECONDS
	while
		try=$((try + 1))
		rm -f "$hung" "$guilty"
		run_case "$name" "$file" >/run/results 2>&1
		may_try_again
	do
		say_why "$name"
		echo "$name" >>/out/again
	done
	cat /run/results
	note "$name took $((SECONDS - began)) s"
	echo "$name" >>/out/finished
done
leaks
: >/out/done
