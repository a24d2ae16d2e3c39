# SPDX-License-Identifier: GPL-2.0
# Memory slots that go and come back under traffic, and memory that is not there.
# shellcheck shell=bash

load venet-tap
selftest memory 150 kvm_memory
