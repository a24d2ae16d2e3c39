# SPDX-License-Identifier: GPL-2.0
# The VM's worker is no copy of the vCPU that it was made by, and can be placed.
# shellcheck shell=bash disable=SC2154,SC2016

# The topology in "props" has a "thread-id", too.
vcpu() { vm_qmp a '{"execute":"query-cpus-fast"}' | sed -n 's/"props": {[^}]*}//; s/.*"thread-id": \([0-9]*\).*/\1/p'; }
worker() { grep -l -s '^kvm-vbus-' /proc/"$(vm_pid a)"/task/*/comm | sed 's|.*task/\([0-9]*\)/comm|\1|'; }
cpus_of() { taskset -p "$1" | sed 's/.*: //'; }
policy_of() { chrt -p "$1" | sed -n 's/.*policy: //p'; }

load venet-tap
make_bus b && make_device d && link_device b d && host_addr d 10.0.0.1/24
check "a guest is prepared" start_vm a --bus b --no-wait -S
vcpu=$(vcpu)
check "its vCPU is bound to a processor" taskset -p -c 1 "$vcpu"
check "and made real-time" chrt -f -p 1 "$vcpu"
check_is "there is no worker yet" "" "$(worker)"
check "it starts" vm_monitor a cont
check "it boots" wait_vm a
check "it has its interface" vm_addr a 10.0.0.2/24
check "TCP from the guest" tcp_to_host a 10.0.0.1 3000000
check "TCP to the guest" tcp_to_guest a 10.0.0.2 3000000

worker=$(worker)
check "there is a worker" test -n "$worker"
check_is "the vCPU is where it was" "2 SCHED_FIFO" "$(cpus_of "$vcpu") $(policy_of "$vcpu")"
check_is "the worker is there, too" 2 "$(cpus_of "$worker")"
check_is "but is not real-time" SCHED_BATCH "$(policy_of "$worker")"

# Whoever knows better has the last word.
check "it can be placed" taskset -p -c 0 "$worker"
check "and be an ordinary task" chrt -o -p 0 "$worker"
check "TCP from the guest goes on" tcp_to_host a 10.0.0.1 3000000
check_is "it stays there" "1 SCHED_OTHER" "$(cpus_of "$worker") $(policy_of "$worker")"
check "the guest ends" stop_vm a
