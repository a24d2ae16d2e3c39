# SPDX-License-Identifier: GPL-2.0
# The guest suspends and resumes, to idle and to RAM.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2

check "devices suspend and resume" vm_run a \
	'echo devices >/sys/power/pm_test && echo freeze >/sys/power/state && echo none >/sys/power/pm_test'
check "traffic flows after it" wait_for 20 ping -q -n -c 1 -W 1 10.0.0.2

if [[ $(vm_run a 'cat /sys/power/state') != *mem* ]]; then
	skip "suspend to RAM" "the guest's firmware does not offer it"
else
	vm_run a '(sleep 1; echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state) >/dev/null 2>&1 &'
	check "the machine goes to sleep" wait_for 30 bash -c \
		". $LAB_TOP/scripts/lab/lib.sh; vm_monitor a 'info status' | grep -q suspended"
	check_fails "nobody answers" "" timeout 3 ping -q -n -c 1 -W 1 10.0.0.2
	vm_monitor a system_wakeup
	check "it runs again" wait_for 30 ping -q -n -c 1 -W 1 10.0.0.2
	check "and obeys" vm_run a true
fi
check "TCP afterwards" tcp_to_guest a 10.0.0.2 2000000
