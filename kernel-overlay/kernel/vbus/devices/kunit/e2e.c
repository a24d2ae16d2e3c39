// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices, end to end: frames between a
 * venet-tap device and the venet driver, through the local connector
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/hex.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <linux/vbus_local.h>
#include <linux/venet.h>
#include <net/net_namespace.h>
#include <net/netdev_queues.h>

#include "e2e.h"

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

int e2e_set_mtu(struct test_port *port, int mtu)
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

/*
 * The host's interface gets the queues that the guest uses a little after the
 * carrier. A flow may go to another one then, and overtake what is in the first.
 */
static bool e2e_followed(const struct e2e *e)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (READ_ONCE(e->host.dev->real_num_tx_queues) <
	       READ_ONCE(e->guest.dev->real_num_tx_queues)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

void e2e_up(struct kunit *test, struct e2e *e)
{
	KUNIT_ASSERT_EQ(test, test_port_up(&e->host), 0);
	KUNIT_ASSERT_EQ(test, test_port_up(&e->guest), 0);
	KUNIT_ASSERT_TRUE(test, test_port_carrier(&e->host, true));
	KUNIT_ASSERT_TRUE(test, test_port_carrier(&e->guest, true));
	KUNIT_ASSERT_TRUE(test, e2e_followed(e));
}

int e2e_init(struct kunit *test)
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

void e2e_exit(struct kunit *test)
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

void e2e_exchange(struct kunit *test, struct test_port *from,
		  struct test_port *to, u32 len, u32 seq, bool linear)
{
	struct sk_buff *skb = test_frame(from->dev, len, seq, linear);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	skb = test_port_receive(to);
	KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "len %u", len);
	test_frame_expect(test, skb, len, seq);
}

void e2e_both_ways(struct kunit *test, struct e2e *e, u32 len, u32 seq,
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

void e2e_exchange_tso(struct kunit *test, struct test_port *from,
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

/* The same from the host; the guest may merge what it gets. */
static void segments_for_the_guest_are_cut_too(struct kunit *test)
{
	const u32 hdrs = ETH_HLEN + sizeof(struct iphdr) +
			 sizeof(struct tcphdr);
	struct e2e *e = test->priv;
	struct sk_buff *skb = test_tso_frame(e->host.dev, hdrs + 3 * 1448, 1,
					     true);
	u32 got = 0;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	while (got < 3 * 1448) {
		skb = test_port_receive(&e->guest);
		KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "got %u", got);
		got += skb->len - hdrs;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, got, 3 * 1448);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_packets"), 3);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->host, "out_dropped"), 0);
}

/* The guest forwards what an interface has merged, whose checksums are done. */
static void segments_with_checksums_are_cut(struct kunit *test)
{
	const u32 hdrs = ETH_HLEN + sizeof(struct iphdr) +
			 sizeof(struct tcphdr);
	struct e2e *e = test->priv;
	struct sk_buff *skb = test_tso_frame(e->guest.dev, hdrs + 3 * 1448, 1,
					     true);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	for (i = 0; i < 3; i++) {
		skb = test_port_receive(&e->host);
		KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "segment %d", i);
		KUNIT_EXPECT_EQ(test, skb->len, hdrs + 1448);
		KUNIT_EXPECT_FALSE(test, skb_is_gso(skb));
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_errors"), 0);
}

/* @n frames at once, which the receiver sees only when all are on their way. */
void e2e_burst(struct kunit *test, struct test_port *from,
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

/* An interface's counters, as netlink has them, begin with it. */
static void e2e_expect_fresh_counters(struct kunit *test,
				      struct test_port *port)
{
	const struct netdev_stat_ops *ops = port->dev->stat_ops;
	struct netdev_queue_stats_rx rx;
	struct netdev_queue_stats_tx tx;

	rtnl_lock();
	ops->get_queue_stats_rx(port->dev, 0, &rx);
	ops->get_queue_stats_tx(port->dev, 0, &tx);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, rx.packets, 0);
	KUNIT_EXPECT_EQ(test, rx.bytes, 0);
	KUNIT_EXPECT_EQ(test, tx.packets, 0);
	KUNIT_EXPECT_EQ(test, tx.bytes, 0);
	KUNIT_EXPECT_GT(test, test_port_stat(test, port, "in_packets"), 0);
	KUNIT_EXPECT_GT(test, test_port_stat(test, port, "out_packets"), 0);
}

/* The host's side may come and go under the client. */
static void the_device_can_be_disabled(struct kunit *test)
{
	struct e2e *e = test->priv;

	e2e_both_ways(test, e, 1000, 0, true);
	test_port_exit(&e->host);
	KUNIT_EXPECT_EQ(test, test_store(&e->tb, "enabled", "0\n"), 0);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&e->guest, false));
	KUNIT_ASSERT_EQ(test, test_store(&e->tb, "enabled", "1\n"), 0);
	test_port_init(&e->host, test_tap_netdev(test, &e->tb));
	e2e_expect_fresh_counters(test, &e->host);
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

int e2e_set_pairs(struct e2e *e, u32 pairs)
{
	struct ethtool_channels channels = { .combined_count = pairs };
	struct net_device *dev = e->guest.dev;
	int err;

	rtnl_lock();
	err = dev->ethtool_ops->set_channels(dev, &channels);
	rtnl_unlock();
	return err;
}

/* Both ends use @pairs, and the host has queues for them a little later. */
void e2e_expect_pairs(struct kunit *test, struct e2e *e, u32 pairs)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	KUNIT_EXPECT_EQ(test, e->guest.dev->real_num_tx_queues, pairs);
	KUNIT_EXPECT_EQ(test, e->guest.dev->real_num_rx_queues, pairs);
	while (READ_ONCE(e->host.dev->real_num_tx_queues) < pairs &&
	       time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_GE(test, e->host.dev->real_num_tx_queues, pairs);
	KUNIT_EXPECT_EQ(test, test_port_pairs(&e->host), pairs);
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
	/* What an ended connection has sent counts no more. */
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

	/* A group may stand in the other list, by a mistake that is allowed. */
	KUNIT_EXPECT_EQ(test, dev_uc_add(dev, another), 0);
	e2e_expect_reaches(test, e, another, 0, true);
	test_port_down(&e->guest);
	e2e_up(test, e);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, another, 0));
	KUNIT_EXPECT_EQ(test, dev_uc_del(dev, another), 0);
	e2e_expect_reaches(test, e, another, 0, false);

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

#if IS_ENABLED(CONFIG_VLAN_8021Q)
static void e2e_filter_vlans(struct net_device *dev, bool filter)
{
	if (filter)
		dev->wanted_features |= NETIF_F_HW_VLAN_CTAG_FILTER;
	else
		dev->wanted_features &= ~NETIF_F_HW_VLAN_CTAG_FILTER;
	netdev_update_features(dev);
}

/* The stack takes its VLANs away when the filter goes, and brings them back. */
static void vlans_of_the_stack_follow_the_filter(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct net_device *dev = e->guest.dev;

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, vlan_vid_add(dev, htons(ETH_P_8021Q), 5), 0);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 6));

	rtnl_lock();
	e2e_filter_vlans(dev, false);
	/* One that the driver hears nothing of. */
	KUNIT_EXPECT_EQ(test, vlan_vid_add(dev, htons(ETH_P_8021Q), 7), 0);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 6));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 7));

	rtnl_lock();
	e2e_filter_vlans(dev, true);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 6));
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->broadcast, 7));

	rtnl_lock();
	vlan_vid_del(dev, htons(ETH_P_8021Q), 5);
	vlan_vid_del(dev, htons(ETH_P_8021Q), 7);
	rtnl_unlock();
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 5));
	KUNIT_EXPECT_FALSE(test, e2e_reaches(test, e, dev->broadcast, 7));
}
#else
static void vlans_of_the_stack_follow_the_filter(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_VLAN_8021Q");
}
#endif

/* The interface keeps its address, whatever the device would now give out. */
static void the_address_given_out_may_change(struct kunit *test)
{
	static const u8 other[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x77 };
	struct e2e *e = test->priv;
	struct net_device *dev = e->guest.dev;

	test_port_down(&e->guest);
	KUNIT_ASSERT_EQ(test, test_store(&e->tb, "client_mac",
					 "02:00:00:00:00:77\n"), 0);
	e2e_up(test, e);
	KUNIT_EXPECT_FALSE(test, ether_addr_equal(dev->dev_addr, other));
	e2e_expect_reaches(test, e, other, 0, false);
	KUNIT_EXPECT_TRUE(test, e2e_reaches(test, e, dev->dev_addr, 0));
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
	KUNIT_CASE_SLOW(segments_with_checksums_are_cut),
	KUNIT_CASE_SLOW(segments_for_the_guest_are_cut_too),
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
	KUNIT_CASE_SLOW(vlans_of_the_stack_follow_the_filter),
	KUNIT_CASE_SLOW(the_address_given_out_may_change),
	KUNIT_CASE_SLOW(a_known_hash_is_passed_on),
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
/* What binds to the devices of the tests, and what tells them of VLANs. */
MODULE_SOFTDEP("pre: venet 8021q");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
