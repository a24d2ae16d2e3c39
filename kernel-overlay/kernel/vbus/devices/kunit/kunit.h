/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of the Virtual-Bus Ethernet devices: what the suites share
 */
#ifndef _VENET_KUNIT_H
#define _VENET_KUNIT_H

#include <kunit/test.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/wait.h>

#include "../../vbus.h"

/* The module's parameter. */
extern unsigned int venet_tap_max_pairs;

/* Frames of the tests, told apart from what else an interface sends. */
#define TEST_ETHERTYPE	0x88b5
#define TEST_TIMEOUT	(10 * HZ)

/**
 * struct test_bus - a bus with a venet-tap device
 * @bus: the bus
 * @dev: the device
 * @linked: it is on the bus
 * @no_ipv6: the system's setting before
 * @max_pairs: the module's setting before
 */
struct test_bus {
	struct vbus *bus;
	struct vbus_device *dev;
	bool linked;
	int no_ipv6;
	unsigned int max_pairs;
};

/**
 * struct test_port - an interface that frames are sent from and arrive at
 * @dev: the interface, referenced
 * @test: what catches frames of TEST_ETHERTYPE
 * @ip: what catches IPv4
 * @frames: what was caught, from the Ethernet header on
 * @wait: for @frames
 */
struct test_port {
	struct net_device *dev;
	struct packet_type test;
	struct packet_type ip;
	struct sk_buff_head frames;
	wait_queue_head_t wait;
};

void test_bus_init(struct kunit *test, struct test_bus *tb);
void test_bus_exit(struct kunit *test, struct test_bus *tb);
void test_bus_unlink(struct test_bus *tb);
int test_store(struct test_bus *tb, const char *file, const char *value);
void test_show(struct kunit *test, struct test_bus *tb, const char *file,
	       char *buf);
bool test_has_file(struct test_bus *tb, const char *file);

void test_port_init(struct test_port *port, struct net_device *dev);
void test_port_exit(struct test_port *port);
int test_port_up(struct test_port *port);
void test_port_down(struct test_port *port);
bool test_port_carrier(struct test_port *port, bool on);
struct sk_buff *test_port_receive(struct test_port *port);
u32 test_port_pairs(struct test_port *port);
u64 test_port_stat(struct kunit *test, struct test_port *port,
		   const char *name);

struct net_device *test_tap_netdev(struct kunit *test, struct test_bus *tb);
struct sk_buff *test_frame(struct net_device *dev, u32 len, u32 seq,
			   bool linear);
struct sk_buff *test_tso_frame(struct net_device *dev, u32 len, u32 seq,
			       bool linear);
struct sk_buff *test_flow_frame(struct net_device *dev, u16 port, bool reply);
void test_frame_expect(struct kunit *test, struct sk_buff *skb, u32 len,
		       u32 seq);

#endif /* _VENET_KUNIT_H */
