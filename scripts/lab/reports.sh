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
