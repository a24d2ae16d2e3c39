# SPDX-License-Identifier: GPL-2.0
# The kernel's own selftests of the series, in the host.
# shellcheck shell=bash

load venet-tap
for test in membership kvm_hypercall local_net.sh sample.sh; do
	selftest "$test" 200 "$test"
done
check "the sample's modules can go" rmmod vbus-echo-driver vbus-echo-device
