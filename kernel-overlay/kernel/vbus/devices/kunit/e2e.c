// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices, end to end: frames between a
 * venet-tap device and the venet driver, through the local connector
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/hex.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/vbus_local.h>
#include <linux/venet.h>
#include <net/net_namespace.h>
#include <net/xdp.h>

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

static int e2e_set_pairs(struct e2e *e, u32 pairs)
{
	struct ethtool_channels channels = { .combined_count = pairs };
	struct net_device *dev = e->guest.dev;
	int err;

	rtnl_lock();
	err = dev->ethtool_ops->set_channels(dev, &channels);
	rtnl_unlock();
	return err;
}

/* Both ends have @pairs queues, the host's a little later. */
static void e2e_expect_pairs(struct kunit *test, struct e2e *e, u32 pairs)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	KUNIT_EXPECT_EQ(test, e->guest.dev->real_num_tx_queues, pairs);
	KUNIT_EXPECT_EQ(test, e->guest.dev->real_num_rx_queues, pairs);
	while (READ_ONCE(e->host.dev->real_num_tx_queues) != pairs &&
	       time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_EQ(test, e->host.dev->real_num_tx_queues, pairs);
	KUNIT_EXPECT_GE(test, e->host.dev->real_num_rx_queues, pairs);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->host, true));
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->guest, true));
}

static void pairs_come_and_go(struct kunit *test)
{
	static const u32 pairs[] = { 4, 2, 3, 1, 4, 1 };
	struct e2e *e = test->priv;
	int i;

	KUNIT_EXPECT_EQ(test, e2e_set_pairs(e, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, e2e_set_pairs(e, 5), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, pairs[i]), 0);
		e2e_expect_pairs(test, e, pairs[i]);
		e2e_both_ways(test, e, 1000, i, true);
		e2e_burst(test, &e->host, &e->guest, 97, 200);
		e2e_burst(test, &e->guest, &e->host, 97, 200);
	}
	/* It outlives the interface's going down, and needs it not to be up. */
	test_port_down(&e->guest);
	KUNIT_EXPECT_EQ(test, e2e_set_pairs(e, 2), 0);
	e2e_up(test, e);
	e2e_expect_pairs(test, e, 2);
	e2e_both_ways(test, e, 1000, i, true);
}

/* The queue that a frame of the flow comes in on, at the host. */
static int e2e_send_flow(struct kunit *test, struct e2e *e, u16 port, u32 queue)
{
	struct sk_buff *skb = test_flow_frame(e->guest.dev, port, false);
	int rx_queue;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_direct_xmit(skb, queue), NET_XMIT_SUCCESS);
	skb = test_port_receive(&e->host);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	rx_queue = skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : -1;
	kfree_skb(skb);
	return rx_queue;
}

/* The same for the answer, at the guest. */
static int e2e_answer_flow(struct kunit *test, struct e2e *e, u16 port,
			   u32 *hash)
{
	struct sk_buff *skb = test_flow_frame(e->host.dev, port, true);
	int rx_queue;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	*hash = __skb_get_hash_symmetric(skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(&e->guest);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	rx_queue = skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : -1;
	kfree_skb(skb);
	return rx_queue;
}

static void a_flow_is_answered_on_its_pair(struct kunit *test)
{
	struct e2e *e = test->priv;
	u32 i, hash, queue;

	KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, 4), 0);
	e2e_expect_pairs(test, e, 4);
	/* One that the host does not know goes where its hash says. */
	for (i = 0; i < 16; i++) {
		queue = e2e_answer_flow(test, e, 100 + i, &hash);
		KUNIT_EXPECT_EQ(test, queue, reciprocal_scale(hash, 4));
	}
	for (i = 0; i < 64; i++) {
		KUNIT_EXPECT_EQ(test, e2e_send_flow(test, e, 1000 + i, i % 4),
				i % 4);
		KUNIT_EXPECT_EQ(test,
				e2e_answer_flow(test, e, 1000 + i, &hash),
				i % 4);
	}
	/* It moves when the client moves it. */
	KUNIT_EXPECT_EQ(test, e2e_send_flow(test, e, 1000, 3), 3);
	KUNIT_EXPECT_EQ(test, e2e_answer_flow(test, e, 1000, &hash), 3);
	/* Each end counts them where they were. */
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "in3_packets"),
			17);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx3_packets"),
			17);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out3_packets"),
			test_port_stat(test, &e->guest, "rx3_packets"));
	/* When it has been silent for long, it is forgotten. */
	queue = !reciprocal_scale(hash, 4);
	KUNIT_EXPECT_EQ(test, e2e_send_flow(test, e, 1000, queue), queue);
	msleep(3500);
	KUNIT_EXPECT_EQ(test, e2e_answer_flow(test, e, 1000, &hash),
			reciprocal_scale(hash, 4));
	/* A pair that is not there any more is not used. */
	KUNIT_EXPECT_EQ(test, e2e_send_flow(test, e, 1000, 3), 3);
	KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, 2), 0);
	e2e_expect_pairs(test, e, 2);
	KUNIT_EXPECT_EQ(test, e2e_answer_flow(test, e, 1000, &hash),
			reciprocal_scale(hash, 2));
}

/* Does a frame from the host to @addr, in VLAN @vid if any, reach the guest? */
static bool e2e_reaches(struct kunit *test, struct e2e *e, const u8 *addr,
			u16 vid)
{
	u64 filtered = test_port_stat(test, &e->host, "out_filtered");
	struct sk_buff *skb = test_frame(e->host.dev, 200, 1, true);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	ether_addr_copy(eth_hdr(skb)->h_dest, addr);
	if (vid)
		skb = vlan_insert_tag_set_proto(skb, htons(ETH_P_8021Q), vid);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	if (test_port_stat(test, &e->host, "out_filtered") != filtered)
		return false;
	skb = test_port_receive(&e->guest);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	kfree_skb(skb);
	return true;
}

/* The driver tells the device a little later. */
static void e2e_expect_reaches(struct kunit *test, struct e2e *e,
			       const u8 *addr, u16 vid, bool reaches)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (e2e_reaches(test, e, addr, vid) != reaches &&
	       time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_EQ_MSG(test, e2e_reaches(test, e, addr, vid), reaches,
			    "%pM in VLAN %u", addr, vid);
}

static void unwanted_frames_stay_away(struct kunit *test)
{
	static const u8 other[ETH_ALEN] = { 0x02, 1, 2, 3, 4, 5 };
	static const u8 group[ETH_ALEN] = { 0x03, 1, 2, 3, 4, 5 };
	static const u8 another[ETH_ALEN] = { 0x03, 1, 2, 3, 4, 6 };
	struct e2e *e = test->priv;
	struct net_device *dev = e->guest.dev;
	struct sockaddr_storage mac = { .ss_family = ARPHRD_ETHER };
	u8 many[ETH_ALEN] = { 0x05 };
	int i;

	e2e_expect_reaches(test, e, other, 0, false);
	e2e_expect_reaches(test, e, group, 0, false);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->dev_addr, 0));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 0));

	KUNIT_EXPECT_EQ(test, dev_uc_add(dev, other), 0);
	KUNIT_EXPECT_EQ(test, dev_mc_add(dev, group), 0);
	e2e_expect_reaches(test, e, other, 0, true);
	e2e_expect_reaches(test, e, group, 0, true);
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, another, 0));
	/* Also after the device was closed and opened. */
	test_port_down(&e->guest);
	e2e_up(test, e);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, other, 0));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, another, 0));
	KUNIT_EXPECT_EQ(test, dev_uc_del(dev, other), 0);
	e2e_expect_reaches(test, e, other, 0, false);

	/* More groups than the device's list has. */
	for (i = 0; i < VENET_MAX_ADDRS; i++) {
		many[5] = i;
		KUNIT_EXPECT_EQ(test, dev_mc_add(dev, many), 0);
	}
	e2e_expect_reaches(test, e, another, 0, true);
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, other, 0));

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_promiscuity(dev, 1), 0);
	rtnl_unlock();
	e2e_expect_reaches(test, e, other, 0, true);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_promiscuity(dev, -1), 0);
	rtnl_unlock();
	e2e_expect_reaches(test, e, other, 0, false);

	/* Its own address may change. */
	memcpy(mac.__data, other, ETH_ALEN);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_mac_address(dev, (void *)&mac, NULL), 0);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, other, 0));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_dropped"), 0);
}

static void unwanted_vlans_stay_away(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct net_device *dev = e->guest.dev;
	const struct net_device_ops *ops = dev->netdev_ops;

	e2e_expect_reaches(test, e, dev->broadcast, 5, false);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 0));
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops->ndo_vlan_rx_add_vid(dev, htons(ETH_P_8021Q),
						       5), 0);
	KUNIT_EXPECT_EQ(test, ops->ndo_vlan_rx_add_vid(dev, htons(ETH_P_8021Q),
						       4095), 0);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 4095));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 6));
	test_port_down(&e->guest);
	e2e_up(test, e);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 6));

	/* The administrator may turn it off: ethtool -K rx-vlan-filter. */
	rtnl_lock();
	dev->wanted_features &= ~NETIF_F_HW_VLAN_CTAG_FILTER;
	netdev_update_features(dev);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 6));
	rtnl_lock();
	dev->wanted_features |= NETIF_F_HW_VLAN_CTAG_FILTER;
	netdev_update_features(dev);
	KUNIT_EXPECT_EQ(test, ops->ndo_vlan_rx_kill_vid(dev, htons(ETH_P_8021Q),
							5), 0);
	rtnl_unlock();
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 4095));
}

static void a_known_hash_is_passed_on(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct sk_buff *skb = test_flow_frame(e->host.dev, 1000, true);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_set_hash(skb, 0x12345678, PKT_HASH_TYPE_L4);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(&e->guest);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->hash, 0x12345678);
	KUNIT_EXPECT_TRUE(test, skb->l4_hash);
	kfree_skb(skb);

	/* One that was not made of ports is none. */
	skb = test_frame(e->host.dev, 200, 1, true);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_set_hash(skb, 0x12345678, PKT_HASH_TYPE_L4);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(&e->guest);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_FALSE(test, skb->l4_hash);
	kfree_skb(skb);
}

/*
 * Programs of XDP, made of instructions
 */

static struct bpf_prog *e2e_xdp_prog(struct kunit *test,
				     const struct bpf_insn *insns, u32 n,
				     bool frags)
{
	struct bpf_prog *prog = bpf_prog_alloc(bpf_prog_size(n), 0);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, prog);
	prog->len = n;
	memcpy(prog->insnsi, insns, n * sizeof(*insns));
	prog->type = BPF_PROG_TYPE_XDP;
	prog->aux->xdp_has_frags = frags;
	/* One is the test's. */
	atomic64_set(&prog->aux->refcnt, 1);
	prog = bpf_prog_select_runtime(prog, &err);
	KUNIT_ASSERT_EQ(test, err, 0);
	return prog;
}

static int e2e_xdp_set(struct e2e *e, struct bpf_prog *prog)
{
	struct netdev_bpf bpf = { .command = XDP_SETUP_PROG, .prog = prog };
	int err;

	if (prog)
		atomic64_inc(&prog->aux->refcnt);
	rtnl_lock();
	err = e->guest.dev->netdev_ops->ndo_bpf(e->guest.dev, &bpf);
	rtnl_unlock();
	if (err && prog)
		atomic64_dec(&prog->aux->refcnt);
	return err;
}

/* One that always gives the same answer. */
static struct bpf_prog *e2e_xdp_answer(struct kunit *test, u32 answer,
				       bool frags)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, answer),
		BPF_EXIT_INSN(),
	};

	return e2e_xdp_prog(test, insns, ARRAY_SIZE(insns), frags);
}

static void e2e_xdp_attach(struct kunit *test, struct e2e *e,
			   struct bpf_prog *prog)
{
	KUNIT_ASSERT_EQ(test, e2e_xdp_set(e, prog), 0);
}

static void e2e_xdp_detach(struct kunit *test, struct e2e *e,
			   struct bpf_prog *prog)
{
	KUNIT_EXPECT_EQ(test, e2e_xdp_set(e, NULL), 0);
	synchronize_net();
	bpf_prog_free(prog);
}

/* Bytes after the Ethernet header, around the ends of pages. */
static const u32 e2e_xdp_payloads[] = {
	46, 100, 1500, 3400, 3490, 3500, 3506, 3507, 3520, 4096, 7600, 7602,
	7603, 8000, 9000,
};

static void programs_pass_frames(struct kunit *test)
{
	struct bpf_prog *prog = e2e_xdp_answer(test, XDP_PASS, true);
	struct e2e *e = test->priv;
	int i;

	e2e_xdp_attach(test, e, prog);
	KUNIT_EXPECT_FALSE(test, e->guest.dev->features & NETIF_F_GRO_HW);
	for (i = 0; i < ARRAY_SIZE(e2e_xdp_payloads); i++)
		e2e_both_ways(test, e, ETH_HLEN + e2e_xdp_payloads[i], i,
			      i & 1);
	e2e_burst(test, &e->host, &e->guest, 200, 1000);
	KUNIT_EXPECT_EQ(test,
			test_port_stat(test, &e->guest, "rx_xdp_packets"),
			200 + ARRAY_SIZE(e2e_xdp_payloads));
	/* It stays over going down, pairs and rings. */
	test_port_down(&e->guest);
	e2e_up(test, e);
	KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, 2), 0);
	e2e_expect_pairs(test, e, 2);
	e2e_both_ways(test, e, 9000, 1, true);
	KUNIT_EXPECT_EQ(test,
			test_port_stat(test, &e->guest, "rx_xdp_packets"),
			201 + ARRAY_SIZE(e2e_xdp_payloads));
	e2e_xdp_detach(test, e, prog);
	KUNIT_EXPECT_TRUE(test, e->guest.dev->features & NETIF_F_GRO_HW);
	e2e_both_ways(test, e, 9000, 2, true);
	e2e_exchange_tso(test, &e->host, &e->guest, 65535, true);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "rx_dropped"), 0);
}

static void programs_drop_frames(struct kunit *test)
{
	static const u32 answers[] = { XDP_DROP, XDP_ABORTED, 77 };
	struct e2e *e = test->priv;
	struct bpf_prog *prog;
	u64 drops;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		prog = e2e_xdp_answer(test, answers[i], true);
		e2e_xdp_attach(test, e, prog);
		drops = test_port_stat(test, &e->guest, "rx_xdp_drops");
		for (j = 0; j < 600; j++) {
			struct sk_buff *skb = test_frame(e->host.dev, 5000, j,
							 true);

			KUNIT_ASSERT_NOT_NULL(test, skb);
			dev_queue_xmit(skb);
			if (!(j % 50))
				msleep(20);
		}
		msleep(100);
		KUNIT_EXPECT_TRUE(test, skb_queue_empty(&e->guest.frames));
		KUNIT_EXPECT_EQ(test,
				test_port_stat(test, &e->guest,
					       "rx_xdp_drops"), drops + 600);
		e2e_xdp_detach(test, e, prog);
		e2e_both_ways(test, e, 5000, 1, true);
	}
}

static void programs_send_frames_back(struct kunit *test)
{
	struct bpf_prog *prog = e2e_xdp_answer(test, XDP_TX, true);
	struct e2e *e = test->priv;
	u32 i, len;

	e2e_xdp_attach(test, e, prog);
	for (i = 0; i < ARRAY_SIZE(e2e_xdp_payloads); i++) {
		len = ETH_HLEN + e2e_xdp_payloads[i];
		e2e_exchange(test, &e->host, &e->host, len, i, true);
	}
	/* Not more than its ring for transmission takes at once. */
	e2e_burst(test, &e->host, &e->host, 50, 4500);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "rx_xdp_tx"),
			50 + ARRAY_SIZE(e2e_xdp_payloads));
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&e->guest.frames));
	/* Together with what the stack sends. */
	e2e_exchange(test, &e->guest, &e->host, 1000, 1, true);
	e2e_xdp_detach(test, e, prog);
}

/* The room before the frame is the program's, for what it tells the stack. */
static void programs_tell_and_change(struct kunit *test)
{
	const struct bpf_insn insns[] = {
		BPF_LDX_MEM(BPF_SIZEOF(void *), BPF_REG_2, BPF_REG_1,
			    offsetof(struct xdp_buff, data)),
		BPF_ST_MEM(BPF_B, BPF_REG_2, 20, 0xaa),
		BPF_ALU64_IMM(BPF_SUB, BPF_REG_2, 4),
		BPF_ST_MEM(BPF_W, BPF_REG_2, 0, 0x1234),
		BPF_STX_MEM(BPF_SIZEOF(void *), BPF_REG_1, BPF_REG_2,
			    offsetof(struct xdp_buff, data_meta)),
		BPF_MOV64_IMM(BPF_REG_0, XDP_PASS),
		BPF_EXIT_INSN(),
	};
	struct e2e *e = test->priv;
	struct bpf_prog *prog = e2e_xdp_prog(test, insns, ARRAY_SIZE(insns),
					     true);
	struct sk_buff *skb;
	u8 byte = 0;

	e2e_xdp_attach(test, e, prog);
	skb = test_frame(e->host.dev, 6000, 1, true);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(&e->guest);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->len, 6000);
	KUNIT_EXPECT_EQ(test, skb_copy_bits(skb, 20, &byte, 1), 0);
	KUNIT_EXPECT_EQ(test, byte, 0xaa);
	KUNIT_EXPECT_EQ(test, skb_metadata_len(skb), 4);
	KUNIT_EXPECT_EQ(test, *(u32 *)(skb_metadata_end(skb) - 4), 0x1234);
	kfree_skb(skb);
	e2e_xdp_detach(test, e, prog);
}

/* One that takes a page only goes with an MTU that fits it. */
static void programs_without_fragments_limit_the_mtu(struct kunit *test)
{
	struct bpf_prog *prog = e2e_xdp_answer(test, XDP_PASS, false);
	struct e2e *e = test->priv;

	KUNIT_EXPECT_EQ(test, e2e_xdp_set(e, prog), -EINVAL);
	KUNIT_EXPECT_EQ(test, e2e_set_mtu(&e->guest, 3000), 0);
	e2e_xdp_attach(test, e, prog);
	KUNIT_EXPECT_EQ(test, e2e_set_mtu(&e->guest, 9000), -EINVAL);
	e2e_both_ways(test, e, 3000, 1, true);
	e2e_xdp_detach(test, e, prog);
	KUNIT_EXPECT_EQ(test, e2e_set_mtu(&e->guest, 9000), 0);
}

/* What XDP of another device redirects. */
static struct xdp_frame *e2e_xdp_frame(struct kunit *test,
				       const struct sk_buff *skb)
{
	struct page *page = dev_alloc_page();
	struct xdp_frame *frame;

	KUNIT_ASSERT_NOT_NULL(test, page);
	frame = page_address(page);
	memset(frame, 0, sizeof(*frame));
	frame->data = page_address(page) + XDP_PACKET_HEADROOM;
	frame->len = skb->len;
	frame->headroom = XDP_PACKET_HEADROOM - sizeof(*frame);
	frame->frame_sz = PAGE_SIZE;
	skb_copy_bits(skb, 0, frame->data, skb->len);
	return frame;
}

static void frames_of_other_devices_are_sent(struct kunit *test)
{
	struct e2e *e = test->priv;
	const struct net_device_ops *ops = e->guest.dev->netdev_ops;
	struct xdp_frame *frame;
	struct sk_buff *skb;
	u32 i, sent = 0;

	for (i = 0; i < 1000; i++) {
		skb = test_frame(e->guest.dev, 1000, i, true);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		frame = e2e_xdp_frame(test, skb);
		kfree_skb(skb);
		local_bh_disable();
		sent = ops->ndo_xdp_xmit(e->guest.dev, 1, &frame,
					 XDP_XMIT_FLUSH);
		local_bh_enable();
		KUNIT_ASSERT_EQ(test, sent, 1);
		skb = test_port_receive(&e->host);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		test_frame_expect(test, skb, 1000, i);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_xdp_xmit"),
			1000);

	/* Not while it is closed: then they are still their owner's. */
	test_port_down(&e->guest);
	skb = test_frame(e->guest.dev, 1000, 0, true);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	frame = e2e_xdp_frame(test, skb);
	kfree_skb(skb);
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, ops->ndo_xdp_xmit(e->guest.dev, 1, &frame, 0), 0);
	KUNIT_EXPECT_EQ(test, ops->ndo_xdp_xmit(e->guest.dev, 1, &frame, 2),
			-EINVAL);
	local_bh_enable();
	xdp_return_frame(frame);
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
	KUNIT_CASE_SLOW(pairs_come_and_go),
	KUNIT_CASE_SLOW(a_flow_is_answered_on_its_pair),
	KUNIT_CASE_SLOW(unwanted_frames_stay_away),
	KUNIT_CASE_SLOW(unwanted_vlans_stay_away),
	KUNIT_CASE_SLOW(a_known_hash_is_passed_on),
	KUNIT_CASE_SLOW(programs_pass_frames),
	KUNIT_CASE_SLOW(programs_drop_frames),
	KUNIT_CASE_SLOW(programs_send_frames_back),
	KUNIT_CASE_SLOW(programs_tell_and_change),
	KUNIT_CASE_SLOW(programs_without_fragments_limit_the_mtu),
	KUNIT_CASE_SLOW(frames_of_other_devices_are_sent),
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
