# SPDX-License-Identifier: GPL-2.0
# What counts as a complaint of a kernel; sourced on both sides of the lab.
# shellcheck shell=bash

# What a kernel prints when one of its checkers, or its own sense, has a finding.
kernel_reports='(^|\] )WARNING: |BUG: |kernel BUG|KASAN|UBSAN|KFENCE|KCSAN|ODEBUG: '
kernel_reports+='|INFO: (task|rcu|trying|possible|inconsistent)|rcu: .*(stall|starved)'
kernel_reports+='|general protection fault|Oops|Kernel panic|unable to handle|double fault'
kernel_reports+='|soft lockup|hard LOCKUP|kmemleak: [1-9][0-9]* new|refcount_t: '
kernel_reports+='|(list|plist)_(add|del) ?corruption|DEBUG_LOCKS_WARN|scheduling while atomic'
kernel_reports+='|sleeping function called|unregister_netdevice: waiting|Call Trace:'
kernel_reports+='|oom-killer|leaked [0-9]'

# scan_log FILE: prints what the kernel complained about; fails if it did.
scan_log()
{
	! grep -a -n -m 20 -E "$kernel_reports" "$1"
}

# crash_of FILE: its kernel's last words, from the first complaint to the end
crash_of()
{
	local first

	first=$(scan_log "$1" | head -n 1) || true
	tail -n "+${first%%:*}" "$1"
}

# is_stray FILE: whether that kernel crashed far from anything of ours
is_stray()
{
	crash_of "$1" | grep -q -a -E 'unable to handle|Oops|general protection|double fault|Kernel panic' &&
	! crash_of "$1" | grep -v 'Modules linked in' |
		grep -a -E 'vbus|venet|ioq|shm_signal|tap_|KASAN|refcount_t|_(add|del) ?corruption' >/dev/null
}
