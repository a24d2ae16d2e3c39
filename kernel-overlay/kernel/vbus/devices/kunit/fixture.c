// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices: a bus, a device, and
 * interfaces whose frames are caught
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernfs.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/net_namespace.h>
#include <net/sch_generic.h>

#include "kunit.h"

/*
 * The bus
 */

/* Nothing but the tests shall send. */
static int test_quiet(int value)
{
	int old = 0;

#if IS_ENABLED(CONFIG_IPV6)
	old = init_net.ipv6.devconf_dflt->disable_ipv6;
	init_net.ipv6.devconf_dflt->disable_ipv6 = value;
#endif
	return old;
}

void test_bus_init(struct kunit *test, struct test_bus *tb)
{
	tb->no_ipv6 = test_quiet(1);
	tb->bus = vbus_create("kunit-venet");
	KUNIT_ASSERT_FALSE(test, IS_ERR(tb->bus));
	/* The first holder is who has it in configfs; here, the test. */
	atomic_set(&tb->bus->holders, 1);
	tb->max_pairs = venet_tap_max_pairs;
	venet_tap_max_pairs = 4;
	tb->dev = vbus_device_create("kunit-tap");
	KUNIT_ASSERT_FALSE(test, IS_ERR(tb->dev));
	KUNIT_ASSERT_EQ(test, vbus_device_set_type(tb->dev, "venet-tap"), 0);
	KUNIT_ASSERT_EQ(test, vbus_link(tb->bus, tb->dev), 0);
	tb->linked = true;
}

void test_bus_unlink(struct test_bus *tb)
{
	if (tb->linked)
		vbus_unlink(tb->bus, tb->dev);
	tb->linked = false;
}

/* Releases may be delayed, by design or by CONFIG_DEBUG_KOBJECT_RELEASE. */
static void test_last_ref(struct kunit *test, struct kobject *kobj)
{
	int i;

	for (i = 0; i < 100 && kref_read(&kobj->kref) > 1; i++)
		msleep(100);
	KUNIT_EXPECT_EQ(test, kref_read(&kobj->kref), 1);
	kobject_put(kobj);
}

void test_bus_exit(struct kunit *test, struct test_bus *tb)
{
	if (!IS_ERR_OR_NULL(tb->dev)) {
		test_bus_unlink(tb);
		vbus_device_destroy(tb->dev);
		test_last_ref(test, &tb->dev->kobj);
	}
	if (!IS_ERR_OR_NULL(tb->bus)) {
		KUNIT_EXPECT_EQ(test, atomic_read(&tb->bus->holders), 1);
		atomic_set(&tb->bus->holders, 0);
		vbus_destroy(tb->bus);
		test_last_ref(test, &tb->bus->kobj);
	}
	venet_tap_max_pairs = tb->max_pairs;
	test_quiet(tb->no_ipv6);
}

/* The files of the device, as sysfs would use them. */
static struct attribute *test_file(struct test_bus *tb, const char *file)
{
	struct kernfs_node *kn = kernfs_find_and_get(tb->dev->kobj.sd, file);
	struct attribute *attr = kn ? kn->priv : NULL;

	kernfs_put(kn);
	return attr;
}

bool test_has_file(struct test_bus *tb, const char *file)
{
	return test_file(tb, file);
}

int test_store(struct test_bus *tb, const char *file, const char *value)
{
	struct attribute *attr = test_file(tb, file);
	struct kobject *kobj = &tb->dev->kobj;
	ssize_t ret;

	if (!attr)
		return -ENOENT;
	ret = kobj->ktype->sysfs_ops->store(kobj, attr, value, strlen(value));
	return ret < 0 ? ret : ret == strlen(value) ? 0 : -EIO;
}

/* @buf has a page, as in sysfs; without the newline. */
void test_show(struct kunit *test, struct test_bus *tb, const char *file,
	       char *buf)
{
	struct attribute *attr = test_file(tb, file);
	struct kobject *kobj = &tb->dev->kobj;
	ssize_t ret;

	KUNIT_ASSERT_NOT_NULL(test, attr);
	ret = kobj->ktype->sysfs_ops->show(kobj, attr, buf);
	KUNIT_ASSERT_GT(test, ret, 0);
	KUNIT_ASSERT_EQ(test, buf[ret - 1], '\n');
	buf[ret - 1] = '\0';
}

/*
 * Interfaces
 */

static int test_port_catch(struct sk_buff *skb, struct net_device *dev,
			   struct packet_type *pt, struct net_device *orig)
{
	struct test_port *port = pt->af_packet_priv;

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NET_RX_DROP;
	skb_push(skb, skb->data - skb_mac_header(skb));
	skb_queue_tail(&port->frames, skb);
	wake_up(&port->wait);
	return NET_RX_SUCCESS;
}

static void test_port_add(struct test_port *port, struct packet_type *pt,
			  u16 type)
{
	pt->type = htons(type);
	pt->dev = port->dev;
	pt->func = test_port_catch;
	pt->af_packet_priv = port;
	dev_add_pack(pt);
}

/* Takes over the reference to @dev. */
void test_port_init(struct test_port *port, struct net_device *dev)
{
	port->dev = dev;
	skb_queue_head_init(&port->frames);
	init_waitqueue_head(&port->wait);
	test_port_add(port, &port->test, TEST_ETHERTYPE);
	test_port_add(port, &port->ip, ETH_P_IP);
}

void test_port_exit(struct test_port *port)
{
	if (!port->dev)
		return;
	dev_remove_pack(&port->test);
	dev_remove_pack(&port->ip);
	skb_queue_purge(&port->frames);
	dev_put(port->dev);
	port->dev = NULL;
}

int test_port_up(struct test_port *port)
{
	int err;

	rtnl_lock();
	err = dev_open(port->dev, NULL);
	rtnl_unlock();
	return err;
}

void test_port_down(struct test_port *port)
{
	rtnl_lock();
	dev_close(port->dev);
	rtnl_unlock();
}

/* Has linkwatch made the queue what the carrier says? */
static bool test_port_settled(const struct test_port *port, bool on)
{
	if (netif_carrier_ok(port->dev) != on)
		return false;
	return !on || !qdisc_tx_is_noop(port->dev);
}

bool test_port_carrier(struct test_port *port, bool on)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (!test_port_settled(port, on)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/* NULL when none comes. */
struct sk_buff *test_port_receive(struct test_port *port)
{
	wait_event_timeout(port->wait, !skb_queue_empty(&port->frames),
			   TEST_TIMEOUT);
	return skb_dequeue(&port->frames);
}

/* What ethtool -l says. */
u32 test_port_pairs(struct test_port *port)
{
	struct ethtool_channels channels = {};

	rtnl_lock();
	port->dev->ethtool_ops->get_channels(port->dev, &channels);
	rtnl_unlock();
	return channels.combined_count;
}

/* One of ethtool -S. */
u64 test_port_stat(struct kunit *test, struct test_port *port,
		   const char *name)
{
	const struct ethtool_ops *ops = port->dev->ethtool_ops;
	int i, n = ops->get_sset_count(port->dev, ETH_SS_STATS);
	u8 *names = kunit_kcalloc(test, n, ETH_GSTRING_LEN, GFP_KERNEL);
	u64 *data = kunit_kcalloc(test, n, sizeof(*data), GFP_KERNEL);
	struct ethtool_stats stats = { .n_stats = n };

	KUNIT_ASSERT_NOT_NULL(test, names);
	KUNIT_ASSERT_NOT_NULL(test, data);
	rtnl_lock();
	ops->get_strings(port->dev, ETH_SS_STATS, names);
	ops->get_ethtool_stats(port->dev, &stats, data);
	rtnl_unlock();
	for (i = 0; i < n; i++)
		if (!strcmp(names + i * ETH_GSTRING_LEN, name))
			return data[i];
	KUNIT_FAIL(test, "no counter %s", name);
	return 0;
}

/* The host's interface, referenced. */
struct net_device *test_tap_netdev(struct kunit *test, struct test_bus *tb)
{
	char *name = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct net_device *dev;

	KUNIT_ASSERT_NOT_NULL(test, name);
	test_show(test, tb, "ifname", name);
	dev = dev_get_by_name(&init_net, name);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	return dev;
}

/*
 * Frames: the bytes follow from length and number
 */

static u8 test_byte(u32 len, u32 seq, u32 pos)
{
	return (pos * 7) ^ (pos >> 8) ^ (seq * 31) ^ len;
}

static struct sk_buff *test_skb(struct net_device *dev, u32 len, bool linear)
{
	u32 head = linear ? len : min(len, 100U);
	struct sk_buff *skb;
	int err;

	if (linear) {
		skb = alloc_skb(LL_RESERVED_SPACE(dev) + len, GFP_KERNEL);
	} else {
		skb = alloc_skb_with_frags(LL_RESERVED_SPACE(dev) + head,
					   len - head, PAGE_ALLOC_COSTLY_ORDER,
					   &err, GFP_KERNEL);
	}
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_RESERVED_SPACE(dev));
	skb_put(skb, head);
	skb->data_len = len - head;
	skb->len = len;
	skb->dev = dev;
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	return skb;
}

static void test_fill(struct sk_buff *skb, u32 from, u32 seq)
{
	u32 pos;

	for (pos = from; pos < skb->len; pos++) {
		u8 byte = test_byte(skb->len, seq, pos);

		skb_store_bits(skb, pos, &byte, 1);
	}
}

static void test_eth_header(struct sk_buff *skb, u16 type)
{
	struct ethhdr *eth = eth_hdr(skb);

	/* To everybody, so that it is nobody's for another host. */
	eth_broadcast_addr(eth->h_dest);
	ether_addr_copy(eth->h_source, skb->dev->dev_addr);
	eth->h_proto = htons(type);
	skb->protocol = eth->h_proto;
}

struct sk_buff *test_frame(struct net_device *dev, u32 len, u32 seq,
			   bool linear)
{
	struct sk_buff *skb = test_skb(dev, len, linear);

	if (!skb)
		return NULL;
	test_eth_header(skb, TEST_ETHERTYPE);
	test_fill(skb, ETH_HLEN, seq);
	return skb;
}

/* A TCP segment of @len bytes in all, to be cut into pieces of 1448. */
struct sk_buff *test_tso_frame(struct net_device *dev, u32 len, u32 seq,
			       bool linear)
{
	const u32 hdrs = ETH_HLEN + sizeof(struct iphdr) +
			 sizeof(struct tcphdr);
	struct sk_buff *skb = test_skb(dev, len, linear);
	struct tcphdr *th;
	struct iphdr *iph;

	if (!skb)
		return NULL;
	test_eth_header(skb, ETH_P_IP);
	skb_set_transport_header(skb, ETH_HLEN + sizeof(*iph));
	iph = ip_hdr(skb);
	*iph = (struct iphdr) {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons(len - ETH_HLEN),
		.saddr = htonl(0xc0000201), .daddr = htonl(0xc0000202),
	};
	ip_send_check(iph);
	th = tcp_hdr(skb);
	*th = (struct tcphdr) {
		.source = htons(1000), .dest = htons(2000),
		.seq = htonl(seq), .doff = 5, .ack = 1,
	};
	th->check = ~csum_tcpudp_magic(iph->saddr, iph->daddr,
				       len - ETH_HLEN - sizeof(*iph),
				       IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = 1448;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len - hdrs, 1448);
	test_fill(skb, hdrs, seq);
	return skb;
}

/* A TCP frame of the flow that @port stands for, or of the way back. */
struct sk_buff *test_flow_frame(struct net_device *dev, u16 port, bool reply)
{
	struct sk_buff *skb = test_tso_frame(dev, 100, 1, true);

	if (!skb)
		return NULL;
	skb_shinfo(skb)->gso_size = 0;
	skb_shinfo(skb)->gso_type = 0;
	skb_shinfo(skb)->gso_segs = 0;
	tcp_hdr(skb)->source = htons(reply ? 1 : port);
	tcp_hdr(skb)->dest = htons(reply ? port : 1);
	if (reply)
		swap(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr);
	return skb;
}

static u32 test_headers(const struct sk_buff *skb)
{
	if (eth_hdr(skb)->h_proto == htons(TEST_ETHERTYPE))
		return ETH_HLEN;
	return ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr);
}

/* Is it what was sent, to the last byte? Frees it. */
void test_frame_expect(struct kunit *test, struct sk_buff *skb, u32 len,
		       u32 seq)
{
	u32 pos, bad = 0;
	u8 *data;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->len, len);
	data = kvmalloc(skb->len, GFP_KERNEL);
	if (data && !skb_copy_bits(skb, 0, data, skb->len)) {
		for (pos = test_headers(skb); pos < skb->len; pos++)
			bad += data[pos] != test_byte(len, seq, pos);
		KUNIT_EXPECT_EQ_MSG(test, bad, 0, "len %u seq %u", len, seq);
	} else {
		KUNIT_FAIL(test, "no memory");
	}
	kvfree(data);
	kfree_skb(skb);
}
