/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of the Virtual-Bus Ethernet devices, end to end: what the suites
 * share
 */
#ifndef _VENET_KUNIT_E2E_H
#define _VENET_KUNIT_E2E_H

#include "kunit.h"

/**
 * struct e2e - the whole path
 * @tb: bus and device
 * @attached: the bus is this kernel's
 * @host: the device's interface
 * @guest: the driver's interface
 */
struct e2e {
	struct test_bus tb;
	bool attached;
	struct test_port host;
	struct test_port guest;
};

int e2e_init(struct kunit *test);
void e2e_exit(struct kunit *test);
void e2e_up(struct kunit *test, struct e2e *e);
int e2e_set_mtu(struct test_port *port, int mtu);
void e2e_exchange(struct kunit *test, struct test_port *from,
		  struct test_port *to, u32 len, u32 seq, bool linear);
void e2e_both_ways(struct kunit *test, struct e2e *e, u32 len, u32 seq,
		   bool linear);
void e2e_exchange_tso(struct kunit *test, struct test_port *from,
		      struct test_port *to, u32 len, bool linear);
void e2e_burst(struct kunit *test, struct test_port *from,
	       struct test_port *to, u32 n, u32 len);
int e2e_set_pairs(struct e2e *e, u32 pairs);
void e2e_expect_pairs(struct kunit *test, struct e2e *e, u32 pairs);

#endif /* _VENET_KUNIT_E2E_H */
