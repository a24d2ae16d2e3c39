// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices, end to end: frames between a
 * venet-tap device and the venet driver, through the local connector
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/hex.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/vbus_local.h>
#include <net/net_namespace.h>

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

/* The interface that has the address that the device gives out. */
static struct net_device *e2e_guest_netdev(struct kunit *test, struct e2e *e)
{
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct net_device *dev, *found = NULL;
	u8 mac[ETH_ALEN];

	KUNIT_ASSERT_NOT_NULL(test, text);
	test_show(test, &e->tb, "client_mac", text);
	KUNIT_ASSERT_TRUE(test, mac_pton(text, mac));
	rtnl_lock();
	for_each_netdev(&init_net, dev) {
		if (ether_addr_equal(dev->dev_addr, mac)) {
			found = dev;
			dev_hold(found);
		}
	}
	rtnl_unlock();
	return found;
}

static int e2e_set_mtu(struct test_port *port, int mtu)
{
	int err;

	rtnl_lock();
	err = dev_set_mtu(port->dev, mtu);
	rtnl_unlock();
	return err;
}

static void e2e_find_guest(struct kunit *test, struct e2e *e)
{
	struct net_device *dev = e2e_guest_netdev(test, e);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	test_port_init(&e->guest, dev);
}

static void e2e_up(struct kunit *test, struct e2e *e)
{
	KUNIT_ASSERT_EQ(test, test_port_up(&e->host), 0);
	KUNIT_ASSERT_EQ(test, test_port_up(&e->guest), 0);
	KUNIT_ASSERT_TRUE(test, test_port_carrier(&e->host, true));
	KUNIT_ASSERT_TRUE(test, test_port_carrier(&e->guest, true));
}

static int e2e_init(struct kunit *test)
{
	struct e2e *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, e);
	test->priv = e;
	test_bus_init(test, &e->tb);
	KUNIT_ASSERT_EQ(test, test_store(&e->tb, "ifname", "kunit%d\n"), 0);
	KUNIT_ASSERT_EQ(test, test_store(&e->tb, "enabled", "1\n"), 0);
	test_port_init(&e->host, test_tap_netdev(test, &e->tb));
	KUNIT_ASSERT_EQ(test, vbus_local_attach("kunit-venet"), 0);
	e->attached = true;
	e2e_find_guest(test, e);
	KUNIT_ASSERT_EQ(test, e2e_set_mtu(&e->host, 9000), 0);
	KUNIT_ASSERT_EQ(test, e2e_set_mtu(&e->guest, 9000), 0);
	e2e_up(test, e);
	return 0;
}

static void e2e_exit(struct kunit *test)
{
	struct e2e *e = test->priv;

	if (!e)
		return;
	test_port_exit(&e->guest);
	test_port_exit(&e->host);
	if (e->attached)
		KUNIT_EXPECT_EQ(test, vbus_local_detach("kunit-venet"), 0);
	test_bus_exit(test, &e->tb);
}

static void e2e_exchange(struct kunit *test, struct test_port *from,
			 struct test_port *to, u32 len, u32 seq, bool linear)
{
	struct sk_buff *skb = test_frame(from->dev, len, seq, linear);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(to);
	KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "len %u", len);
	test_frame_expect(test, skb, len, seq);
}

static void e2e_both_ways(struct kunit *test, struct e2e *e, u32 len, u32 seq,
			  bool linear)
{
	e2e_exchange(test, &e->host, &e->guest, len, seq, linear);
	e2e_exchange(test, &e->guest, &e->host, len, seq, linear);
}

/* Bytes after the Ethernet header, around every edge that the code has. */
static void frames_of_every_size(struct kunit *test)
{
	static const u32 payloads[] = {
		1, 2, 45, 46, 47, 86, 87, 128, 241, 242, 243, 255, 256, 257,
		1499, 1500, 2033, 2034, 2035, 4081, 4082, 4083, 4096, 8178,
		8179, 8192, 8972, 8999, 9000,
	};
	struct e2e *e = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(payloads); i++) {
		e2e_both_ways(test, e, ETH_HLEN + payloads[i], 2 * i, true);
		e2e_both_ways(test, e, ETH_HLEN + payloads[i], 2 * i + 1,
			      false);
	}
}

static void e2e_exchange_tso(struct kunit *test, struct test_port *from,
			     struct test_port *to, u32 len, bool linear)
{
	struct sk_buff *skb = test_tso_frame(from->dev, len, 1, linear);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(to);
	KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "len %u", len);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_size, 1448);
	KUNIT_EXPECT_TRUE(test,
			  skb_shinfo(skb)->gso_type & SKB_GSO_TCPV4);
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_PARTIAL);
	test_frame_expect(test, skb, len, 1);
}

static void segments_up_to_64k_go_whole(struct kunit *test)
{
	static const u32 lens[] = {
		2000, 4096, 9000, 16384, 32768, 61441, 65535,
	};
	struct e2e *e = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		e2e_exchange_tso(test, &e->host, &e->guest, lens[i], true);
		e2e_exchange_tso(test, &e->host, &e->guest, lens[i], false);
		e2e_exchange_tso(test, &e->guest, &e->host, lens[i], true);
		e2e_exchange_tso(test, &e->guest, &e->host, lens[i], false);
	}
}

/* @n frames at once, which the receiver sees only when all are on their way. */
static void e2e_burst(struct kunit *test, struct test_port *from,
		      struct test_port *to, u32 n, u32 len)
{
	struct sk_buff_head burst;
	struct sk_buff *skb;
	u32 i;

	__skb_queue_head_init(&burst);
	for (i = 0; i < n; i++) {
		skb = test_frame(from->dev, len, i, true);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		__skb_queue_tail(&burst, skb);
	}
	local_bh_disable();
	while ((skb = __skb_dequeue(&burst)))
		dev_queue_xmit(skb);
	local_bh_enable();
	for (i = 0; i < n; i++) {
		skb = test_port_receive(to);
		KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "frame %u", i);
		test_frame_expect(test, skb, len, i);
	}
}

static void rings_wrap_in_order(struct kunit *test)
{
	struct e2e *e = test->priv;
	int i;

	for (i = 0; i < 20; i++) {
		e2e_burst(test, &e->host, &e->guest, 97, 200 + i);
		e2e_burst(test, &e->guest, &e->host, 97, 200 + i);
	}
}

/* More than a ring holds: the rest waits in the queue above, and comes. */
static void full_rings_lose_nothing(struct kunit *test)
{
	struct e2e *e = test->priv;
	u64 full = test_port_stat(test, &e->host, "out_full");

	e2e_burst(test, &e->host, &e->guest, 700, 300);
	KUNIT_EXPECT_GT(test, test_port_stat(test, &e->host, "out_full"), full);
	e2e_burst(test, &e->guest, &e->host, 700, 300);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_dropped"), 0);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_stalls"), 0);
}

/* Who is awake is not rung for. */
static void a_burst_rings_once(struct kunit *test)
{
	struct e2e *e = test->priv;
	u64 bells, batches, bytes;

	/* One of each first, so that both sides wait for a bell. */
	e2e_both_ways(test, e, 100, 0, true);
	msleep(50);

	bells = test_port_stat(test, &e->host, "out_bells");
	bytes = test_port_stat(test, &e->host, "out_bytes");
	e2e_burst(test, &e->host, &e->guest, 100, 100);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_bells"),
			bells + 1);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_bytes"),
			bytes + 100 * 100);

	batches = test_port_stat(test, &e->host, "in_batches");
	e2e_burst(test, &e->guest, &e->host, 100, 100);
	/* The driver's queue limits itself, so it is not quite one. */
	KUNIT_EXPECT_LE(test, test_port_stat(test, &e->host, "in_batches"),
			batches + 100 / 8);
}

static void the_interface_can_close_and_open_again(struct kunit *test)
{
	struct e2e *e = test->priv;
	int i;

	for (i = 0; i < 5; i++) {
		test_port_down(&e->guest);
		KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->host, false));
		e2e_up(test, e);
		e2e_both_ways(test, e, 1000, i, true);
	}
}

/* The host's side may come and go under the client. */
static void the_device_can_be_disabled(struct kunit *test)
{
	struct e2e *e = test->priv;

	test_port_exit(&e->host);
	KUNIT_EXPECT_EQ(test, test_store(&e->tb, "enabled", "0\n"), 0);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->guest, false));
	KUNIT_ASSERT_EQ(test, test_store(&e->tb, "enabled", "1\n"), 0);
	test_port_init(&e->host, test_tap_netdev(test, &e->tb));
	KUNIT_ASSERT_EQ(test, e2e_set_mtu(&e->host, 9000), 0);
	e2e_up(test, e);
	e2e_both_ways(test, e, 1000, 1, true);
}

static void the_host_going_down_is_seen(struct kunit *test)
{
	struct e2e *e = test->priv;

	test_port_down(&e->host);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->guest, false));
	e2e_up(test, e);
	e2e_both_ways(test, e, 1000, 1, true);
}

/* Sends as fast as it can until it is told to stop. */
static int e2e_sender(void *arg)
{
	struct test_port *port = arg;
	u32 i = 0;

	while (!kthread_should_stop()) {
		struct sk_buff *skb = test_frame(port->dev, 300, i++, true);

		if (skb)
			dev_queue_xmit(skb);
		if (!(i % 16))
			msleep(20);
	}
	return 0;
}

static void the_link_can_go_under_traffic(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct task_struct *host, *guest;
	int i;

	for (i = 0; i < 3; i++) {
		host = kthread_run(e2e_sender, &e->host, "kunit-host");
		guest = kthread_run(e2e_sender, &e->guest, "kunit-guest");
		KUNIT_ASSERT_FALSE(test, IS_ERR(host));
		KUNIT_ASSERT_FALSE(test, IS_ERR(guest));
		msleep(200);
		test_bus_unlink(&e->tb);
		KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->host, false));
		kthread_stop(guest);
		kthread_stop(host);

		test_port_exit(&e->guest);
		KUNIT_ASSERT_EQ(test, vbus_local_settle("kunit-venet"), 0);
		KUNIT_EXPECT_NULL(test, e2e_guest_netdev(test, e));
		KUNIT_ASSERT_EQ(test, vbus_link(e->tb.bus, e->tb.dev), 0);
		e->tb.linked = true;
		KUNIT_ASSERT_EQ(test, vbus_local_settle("kunit-venet"), 0);
		e2e_find_guest(test, e);
		e2e_up(test, e);
		skb_queue_purge(&e->host.frames);
		e2e_both_ways(test, e, 1000, i, true);
	}
}

static void attributes_are_checked(struct kunit *test)
{
	static const char * const bad_macs[] = {
		"", "\n", "02:00:00:00:00", "02:00:00:00:00:00:00",
		"01:00:00:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
		"02:00:00:00:00:0g", "02:00:00:00:00:01 ", "02-00-00-00-00-0",
	};
	static const char * const bad_names[] = {
		"a/b", "0123456789abcdef", "%s", "a%d%d", "%", "..", "a b",
	};
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct e2e *e = test->priv;
	struct test_bus *tb = &e->tb;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	/* While it is in use. */
	KUNIT_EXPECT_EQ(test, test_store(tb, "enabled", "1\n"), 0);
	KUNIT_EXPECT_EQ(test, test_store(tb, "enabled", "2\n"), -EINVAL);
	KUNIT_EXPECT_EQ(test, test_store(tb, "host_mac", "02:00:00:00:00:01"),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, test_store(tb, "client_mac", "02:00:00:00:00:01"),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, test_store(tb, "ifname", "kunit9\n"), -EBUSY);

	test_port_down(&e->guest);
	test_port_exit(&e->host);
	KUNIT_ASSERT_EQ(test, test_store(tb, "enabled", "0\n"), 0);
	for (i = 0; i < ARRAY_SIZE(bad_macs); i++) {
		KUNIT_EXPECT_EQ_MSG(test,
				    test_store(tb, "host_mac", bad_macs[i]),
				    -EINVAL, "'%s'", bad_macs[i]);
		KUNIT_EXPECT_EQ_MSG(test,
				    test_store(tb, "client_mac", bad_macs[i]),
				    -EINVAL, "'%s'", bad_macs[i]);
	}
	for (i = 0; i < ARRAY_SIZE(bad_names); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    test_store(tb, "ifname", bad_names[i]),
				    -EINVAL, "'%s'", bad_names[i]);

	KUNIT_EXPECT_EQ(test, test_store(tb, "host_mac", "02:00:00:00:00:01\n"),
			0);
	KUNIT_EXPECT_EQ(test,
			test_store(tb, "client_mac", "02:00:00:00:00:02\n"), 0);
	KUNIT_EXPECT_EQ(test, test_store(tb, "ifname", "kunit9\n"), 0);
	test_show(test, tb, "client_mac", buf);
	KUNIT_EXPECT_STREQ(test, buf, "02:00:00:00:00:02");
	KUNIT_EXPECT_EQ(test, test_store(tb, "enabled", "1\n"), 0);
	test_show(test, tb, "ifname", buf);
	KUNIT_EXPECT_STREQ(test, buf, "kunit9");
	test_port_init(&e->host, test_tap_netdev(test, tb));
	test_show(test, tb, "host_mac", buf);
	KUNIT_EXPECT_STREQ(test, buf, "02:00:00:00:00:01");
	KUNIT_EXPECT_EQ(test, e->host.dev->dev_addr[5], 1);
	/* An interface of that name is there now. */
	test_port_exit(&e->host);
	KUNIT_ASSERT_EQ(test, test_store(tb, "enabled", "0\n"), 0);
	KUNIT_EXPECT_EQ(test, test_store(tb, "ifname", "lo\n"), 0);
	KUNIT_EXPECT_EQ(test, test_store(tb, "enabled", "1\n"), -EEXIST);
	test_show(test, tb, "enabled", buf);
	KUNIT_EXPECT_STREQ(test, buf, "0");
	KUNIT_EXPECT_EQ(test, test_store(tb, "ifname", "\n"), 0);
	test_show(test, tb, "ifname", buf);
	KUNIT_EXPECT_STREQ(test, buf, "venet%d");
}

static struct kunit_case e2e_cases[] = {
	KUNIT_CASE_SLOW(frames_of_every_size),
	KUNIT_CASE_SLOW(segments_up_to_64k_go_whole),
	KUNIT_CASE_SLOW(rings_wrap_in_order),
	KUNIT_CASE_SLOW(full_rings_lose_nothing),
	KUNIT_CASE_SLOW(a_burst_rings_once),
	KUNIT_CASE_SLOW(the_interface_can_close_and_open_again),
	KUNIT_CASE_SLOW(the_device_can_be_disabled),
	KUNIT_CASE_SLOW(the_host_going_down_is_seen),
	KUNIT_CASE_SLOW(the_link_can_go_under_traffic),
	KUNIT_CASE_SLOW(attributes_are_checked),
	{}
};

static struct kunit_suite e2e_suite = {
	.name = "venet-e2e",
	.init = e2e_init,
	.exit = e2e_exit,
	.test_cases = e2e_cases,
};

kunit_test_suite(e2e_suite);

MODULE_DESCRIPTION("KUnit tests for the Virtual-Bus Ethernet devices");
MODULE_LICENSE("GPL");
/* What binds to the devices of the tests. */
MODULE_SOFTDEP("pre: venet");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
