# SPDX-License-Identifier: GPL-2.0
# A storm of administration by many processes at a time, then nothing is left.
# shellcheck shell=bash

STRESS=$(slow 20)
export STRESS
selftest storm 180 stress.sh
