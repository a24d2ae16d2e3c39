#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The first process of the lab's host: runs the cases, one after the other, and
# powers off. Reads its orders from /out/env, leaves results and consoles in /out.
#
# The emulated SVM now and then gives a guest an interrupt while it has them off, and
# the guest stands still in a spinlock; this has been seen without Virtual-Bus, too. Or
# it loses one, and the guest sleeps with that in service. So a case that failed with a
# guest that does not answer, or that sleeps like this, is run once more, and says so:
# one that fails again has failed.
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
	timeout --foreground -k 5 "$(slow "${LAB_CASE_TIME:-360}")" \
		bash -c ". '$lab/lib.sh'; . '$2'" || not_ok "$1" "the case ended with exit code $?"
	stop_all_vms
	kill -KILL -1 2>/dev/null	# what the case left running; never process 1
	beat
	drop_everything || not_ok "$1 leaves nothing" "some bus or device cannot be removed"
	rm -rf /tmp/*
	found=$(new_reports) || not_ok "$1: the host's kernel is content" "$found"
	for console in /out/guests/"$1"-*.console; do
		[ -e "$console" ] && [ ! -e "$console.expected" ] || continue
		found=$(scan_log "$console") || not_ok "$1: the guest's kernel is content" "$console: $found"
	done
}

# The consoles of the first try are kept beside those of the second.
run_again()
{
	local console

	note "a guest stood still or lost an interrupt, $1 is run once more; the first time:"
	sed -n 's/^not ok/    &/p' /run/results
	for console in /out/guests/"$1"-*.console; do
		[ ! -e "$console" ] || mv "$console" "$console.first"
		rm -f "$console.expected"
	done
	run_case "$1" "$2" >/run/results 2>&1
}

seen=0
mkdir -p /run/vm
echo 1 >/proc/sys/kernel/printk_devkmsg 2>/dev/null
new_reports || not_ok "the host boots without complaint"
# shellcheck disable=SC2153 # from /out/env
for file in $LAB_CASES; do
	name=$(basename "$file" .sh)
	echo "== $name"
	rm -f "$hung"
	run_case "$name" "$file" >/run/results 2>&1
	if [ -e "$hung" ] && grep -q '^not ok' /run/results; then
		run_again "$name" "$file"
	fi
	cat /run/results
	echo "$name" >>/out/finished
done
leaks
: >/out/done
