# SPDX-License-Identifier: GPL-2.0
# The lab itself: a guest boots under the host's KVM, obeys and goes away.
# shellcheck shell=bash disable=SC2154,SC2016

check "a guest boots" start_vm a
check_is "a guest runs commands" "guest" "$(vm_run a hostname)"
check_is "a guest's exit code arrives" 3 "$(vm_run a 'exit 3'; echo $?)"
check_is "output arrives byte for byte" "$(printf 'a\n\nb')" "$(vm_run a 'printf "a\n\nb"')"
check_is "the monitor answers" "VM status: running" "$(vm_monitor a 'info status')"
check "a guest survives a reset" vm_reset a
check_is "and obeys after it" 2 "$(vm_run a 'echo $((1 + 1))')"
check_is "a VM off any bus has no NIC" "lo" "$(vm_run a 'ls /sys/class/net')"
stop_vm a
check "QEMU is gone" test ! -e /run/vm/a
