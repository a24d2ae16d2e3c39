# SPDX-License-Identifier: GPL-2.0
# Dirty logging: the log of a machine being migrated has the host's writes.
# shellcheck shell=bash disable=SC2154,SC2016

load venet-tap
guest_mem 128
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "the guest boots" start_vm a --bus b
check "it has its interface" vm_addr a 10.0.0.2/24
check "traffic flows" ping -q -n -c 1 -W 5 10.0.0.2
vm_monitor a 'migrate_set_parameter max-bandwidth 1M' >/dev/null
check "a slow migration starts" vm_monitor a 'migrate -d exec:cat>/dev/null'
check "traffic flows meanwhile" ping -q -n -c 50 -i 0.05 -W 5 10.0.0.2
check "TCP meanwhile" tcp_to_guest a 10.0.0.2 2000000
check "it is under way" grep -q 'Migration status: active' <<<"$(vm_monitor a 'info migrate')"
check "it is cancelled" vm_monitor a migrate_cancel
check "traffic flows afterwards" ping -q -n -c 5 -i 0.05 -W 5 10.0.0.2
