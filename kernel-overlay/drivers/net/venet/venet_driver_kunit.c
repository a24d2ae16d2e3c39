// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of venet against a device that is made of KUnit: a connector and
 * a device in one, which obeys the ABI or does not, as the test says
 *
 * The device works in the doorbell, like a device behind a hypercall, or defers.
 * Frames of the tests have an EtherType of their own, so what the stack sends by
 * itself is told from them.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/ioq.h>
#include <linux/rtnetlink.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vbus_driver.h>
#include <net/busy_poll.h>
#include <uapi/linux/venet.h>

#include "venet.h"

#define FAKE_PROTO	0x88b5		/* for local experiments */
#define FAKE_MTU	9000
#define FAKE_RING	64
#define FAKE_FRAMES	1024
#define FAKE_PAIRS	10

static const u8 fake_mac[ETH_ALEN] = { 0x02, 0x56, 0x42, 0x55, 0x53, 0x01 };

struct fake;

/* Both views of a signal; the driver holds a reference to its own. */
struct fake_signal {
	struct shm_signal guest;
	struct shm_signal host;
	struct fake *fake;
	u32 id;
	bool made;
	bool held;
	struct completion released;
};

struct fake {
	struct kunit *test;
	struct vbus_proxy_device vdev;
	struct completion released;
	struct net_device *dev;
	bool added;
	bool stopped;

	struct venet_info info;
	u64 features;
	bool opened;
	int open_error;
	u32 mtu;
	u64 offloads;
	u8 mac[ETH_ALEN];
	struct venet_rx_mode rx_mode;
	bool refuses_filters;
	struct venet_coalesce coalesce;	/* of the last call */
	unsigned int coalesced;		/* calls */

	void *region[256];
	size_t region_len[256];
	struct fake_signal signal[VENET_REGION_RING(2 * FAKE_PAIRS)];
	struct ioq rx;
	struct ioq tx;
	struct ioq idle;		/* those of further pairs */
	u32 pairs;
	u32 max_slabs;			/* that there is memory for, if not 0 */

	bool defer;
	u8 *frame;			/* the last of ours that was sent */
	u32 frame_len;
	struct venet_desc frame_desc;
	unsigned int frames;
	u16 tx_flags;

	unsigned int bells;		/* of reception */
	struct sk_buff_head got;	/* what came up the stack */
};

static struct fake *to_fake(struct vbus_proxy_device *vdev)
{
	return container_of(vdev, struct fake, vdev);
}

/*
 * The device's side of transmission
 */

static bool fake_is_ours(const u8 *frame, u32 len)
{
	const struct ethhdr *eth = (const struct ethhdr *)frame;

	return len >= ETH_HLEN && eth->h_proto == htons(FAKE_PROTO);
}

/* Keep the frame if it is one of the test's. */
static void fake_keep_frame(struct fake *fake, u8 *frame, u32 len,
			    const struct venet_desc *meta)
{
	if (!fake_is_ours(frame, len)) {
		kfree(frame);
		return;
	}
	kfree(fake->frame);
	fake->frame = frame;
	fake->frame_len = len;
	fake->frame_desc = *meta;
	fake->frames++;
}

/* Copy one frame; its descriptors are read and not given back yet. */
static u32 fake_read_frame(struct fake *fake)
{
	u8 *frame = kzalloc(VENET_MAX_FRAME, GFP_ATOMIC);
	struct venet_desc meta = {};
	struct ioq_desc desc;
	u32 n = 0, len = 0;

	if (!frame)
		return 0;
	while (ioq_read(&fake->tx, &desc)) {
		u32 bytes = le32_to_cpu(desc.len);

		if (!n++)
			memcpy(&meta, desc.data, sizeof(meta));
		if (len + bytes <= VENET_MAX_FRAME)
			memcpy(frame + len,
			       phys_to_virt(le64_to_cpu(desc.addr)), bytes);
		len += bytes;
		if (!(desc.flags & cpu_to_le16(IOQ_DESC_F_NEXT)))
			break;
	}
	fake_keep_frame(fake, frame, len, &meta);
	return n;
}

static void fake_transmit(struct fake *fake)
{
	struct fake_signal *sig = &fake->signal[VENET_REGION_RING(1)];
	u32 n, i;

	do {
		while ((n = fake_read_frame(fake))) {
			for (i = 0; i < n; i++)
				ioq_answer(&fake->tx, i, 0, fake->tx_flags,
					   NULL, 0);
			ioq_give_back(&fake->tx, n);
			shm_signal_inject(&sig->host);
		}
	} while (shm_signal_enable(&sig->host) && ioq_pending(&fake->tx));
}

/*
 * Signals
 */

static void fake_doorbell(struct shm_signal *s)
{
	struct fake_signal *sig = container_of(s, struct fake_signal, guest);

	if (sig->id == VENET_REGION_RING(1) && !sig->fake->defer)
		fake_transmit(sig->fake);
}

static void fake_interrupt(struct shm_signal *s)
{
	struct fake_signal *sig = container_of(s, struct fake_signal, host);

	if (sig->id == VENET_REGION_RING(0))
		sig->fake->bells++;
	shm_signal_wakeup(&sig->guest, SHM_SIGNAL_ATOMIC);
}

static void fake_signal_release(struct shm_signal *s)
{
	complete(&container_of(s, struct fake_signal, guest)->released);
}

static void fake_host_signal_release(struct shm_signal *s)
{
}

static const struct shm_signal_ops fake_guest_ops = {
	.inject = fake_doorbell,
	.release = fake_signal_release,
};

static const struct shm_signal_ops fake_host_ops = {
	.inject = fake_interrupt,
	.release = fake_host_signal_release,
};

/*
 * The verbs
 */

static int fake_open(struct vbus_proxy_device *vdev, u32 version)
{
	struct fake *fake = to_fake(vdev);

	if (version != VENET_VERSION)
		return -EPROTONOSUPPORT;
	if (fake->open_error)
		return fake->open_error;
	fake->opened = true;
	fake->pairs = 0;
	memset(&fake->rx_mode, 0, sizeof(fake->rx_mode));
	return 0;
}

static void fake_close(struct vbus_proxy_device *vdev)
{
	struct fake *fake = to_fake(vdev);
	int i;

	fake->opened = false;
	memset(fake->region, 0, sizeof(fake->region));
	for (i = 0; i < ARRAY_SIZE(fake->signal); i++) {
		if (fake->signal[i].held)
			shm_signal_put(&fake->signal[i].guest);
		fake->signal[i].held = false;
	}
}

static struct ioq *fake_ring(struct fake *fake, u32 queue)
{
	switch (queue) {
	case VENET_QUEUE_RX(0):
		return &fake->rx;
	case VENET_QUEUE_TX(0):
		return &fake->tx;
	}
	return &fake->idle;
}

static int fake_queue_setup(struct fake *fake, struct venet_queue_setup *args)
{
	u32 queue = le32_to_cpu(args->queue);
	u32 id = VENET_REGION_RING(queue);
	struct venet_ring *ring = fake->region[id];

	if (!ring)
		return -ENOENT;
	return ioq_init(fake_ring(fake, queue), IOQ_CONSUMER, ring->desc,
			fake->region_len[id] - sizeof(*ring),
			le32_to_cpu(args->count));
}

static int fake_queue_start(struct fake *fake, struct venet_queue *args)
{
	if (args->queue == cpu_to_le32(VENET_QUEUE_TX(0)))
		fake_transmit(fake);
	return 0;
}

/* Are these addresses of one kind? */
static bool fake_addrs_ok(const u8 (*addrs)[ETH_ALEN], u32 n, bool group)
{
	while (n--)
		if (group ? !is_multicast_ether_addr(addrs[n]) :
			    !is_valid_ether_addr(addrs[n]))
			return false;
	return true;
}

/* As strict as the ABI lets a device be. */
static int fake_set_rx_mode(struct fake *fake, const struct venet_rx_mode *mode)
{
	u32 unicast = le16_to_cpu(mode->unicast);
	u32 n = unicast + le16_to_cpu(mode->multicast);

	if (n > VENET_MAX_ADDRS ||
	    !fake_addrs_ok(mode->addrs, unicast, false) ||
	    !fake_addrs_ok(mode->addrs + unicast, n - unicast, true) ||
	    memchr_inv(mode->addrs[n], 0, (VENET_MAX_ADDRS - n) * ETH_ALEN))
		return -EINVAL;
	if (fake->refuses_filters && n)
		return -EINVAL;
	fake->rx_mode = *mode;
	return 0;
}

static int fake_call(struct vbus_proxy_device *vdev, u32 func, void *data,
		     size_t len)
{
	struct fake *fake = to_fake(vdev);

	switch (func) {
	case VENET_CALL_INFO:
		memcpy(data, &fake->info, sizeof(fake->info));
		return 0;
	case VENET_CALL_NEGOTIATE:
		fake->features =
			le64_to_cpu(((struct venet_negotiate *)data)->features);
		return 0;
	case VENET_CALL_QUEUE_SETUP:
		return fake_queue_setup(fake, data);
	case VENET_CALL_QUEUE_START:
		return fake_queue_start(fake, data);
	case VENET_CALL_SET_MTU:
		fake->mtu = le32_to_cpu(((struct venet_mtu *)data)->mtu);
		return 0;
	case VENET_CALL_SET_MAC:
		memcpy(fake->mac, ((struct venet_mac *)data)->mac, ETH_ALEN);
		return 0;
	case VENET_CALL_SET_OFFLOADS:
		fake->offloads =
			le64_to_cpu(((struct venet_offloads *)data)->offloads);
		return 0;
	case VENET_CALL_PAIRS:
		fake->pairs = le32_to_cpu(((struct venet_pairs *)data)->pairs);
		return 0;
	case VENET_CALL_RX_MODE:
		return fake_set_rx_mode(fake, data);
	case VENET_CALL_COALESCE:
		memcpy(&fake->coalesce, data, sizeof(fake->coalesce));
		fake->coalesced++;
		return 0;
	case VENET_CALL_LINK:
		return 0;
	}
	return -EOPNOTSUPP;
}

static int fake_shm(struct vbus_proxy_device *vdev, u32 id,
		    const struct vbus_proxy_region *region,
		    struct shm_signal **signal)
{
	struct fake *fake = to_fake(vdev);
	struct fake_signal *sig;

	if (fake->max_slabs && id >= VENET_REGION_SLAB(fake->max_slabs))
		return -ENOMEM;
	fake->region[id] = region->vaddr;
	fake->region_len[id] = region->len;
	if (id == VENET_REGION_STATUS) {
		struct venet_status *status = region->vaddr;

		status->link = cpu_to_le32(VENET_LINK_UP);
		status->speed = cpu_to_le32(10000);
	}
	if (!signal)
		return 0;

	sig = &fake->signal[id];
	sig->fake = fake;
	sig->id = id;
	sig->made = true;
	sig->held = true;
	init_completion(&sig->released);
	shm_signal_init(&sig->guest, SHM_SIGNAL_GUEST,
			region->vaddr + region->signal_offset, &fake_guest_ops);
	shm_signal_init(&sig->host, SHM_SIGNAL_HOST,
			region->vaddr + region->signal_offset, &fake_host_ops);
	shm_signal_set_notifier(&sig->guest, region->notifier);
	*signal = shm_signal_get(&sig->guest);
	return 0;
}

static void fake_release(struct vbus_proxy_device *vdev)
{
	complete(&to_fake(vdev)->released);
}

static const struct vbus_proxy_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.call = fake_call,
	.shm = fake_shm,
	.release = fake_release,
};

/*
 * The device's side of reception
 */

/* What the device says about a frame; the tests change it. */
struct fake_rx {
	struct venet_desc desc;
	u32 nr;			/* buffers */
	u32 len[20];		/* bytes in each */
	u16 flags[20];
};

static void fake_rx_plan(struct fake_rx *plan, u32 bytes)
{
	u32 i, left = bytes;

	memset(plan, 0, sizeof(*plan));
	plan->nr = DIV_ROUND_UP(bytes, PAGE_SIZE);
	for (i = 0; i < plan->nr; i++) {
		plan->len[i] = min_t(u32, left, PAGE_SIZE);
		plan->flags[i] = i + 1 < plan->nr ? IOQ_DESC_F_NEXT : 0;
		left -= plan->len[i];
	}
	plan->desc.hdr.num_buffers = __cpu_to_virtio16(true, plan->nr);
}

static u8 fake_byte(u32 i)
{
	return i * 7 + (i >> 8);
}

static void fake_make_frame(u8 *frame, u32 bytes)
{
	struct ethhdr *eth = (struct ethhdr *)frame;
	u32 i;

	for (i = 0; i < bytes; i++)
		frame[i] = fake_byte(i);
	if (bytes < ETH_HLEN)
		return;
	ether_addr_copy(eth->h_dest, fake_mac);
	memset(eth->h_source, 0x02, ETH_ALEN);
	eth->h_proto = htons(FAKE_PROTO);
}

/* Hand a frame to the driver; false: it has posted too few buffers. */
static bool fake_deliver(struct fake *fake, const struct fake_rx *plan,
			 const u8 *frame)
{
	struct fake_signal *sig = &fake->signal[VENET_REGION_RING(0)];
	struct ioq_desc desc;
	u32 i, offset = 0;

	for (i = 0; i < plan->nr; i++) {
		u32 n = min_t(u32, plan->len[i], PAGE_SIZE);

		if (!ioq_read(&fake->rx, &desc)) {
			ioq_unread(&fake->rx, i);
			return false;
		}
		memcpy(fake->region[le32_to_cpu(desc.region)] +
		       le64_to_cpu(desc.addr), frame + offset, n);
		offset += n;
		ioq_answer(&fake->rx, i, plan->len[i], plan->flags[i],
			   i ? NULL : &plan->desc,
			   i ? 0 : sizeof(plan->desc));
	}
	ioq_give_back(&fake->rx, plan->nr);
	local_bh_disable();
	shm_signal_inject(&sig->host);
	local_bh_enable();
	return true;
}

/*
 * Making and unmaking
 */

static rx_handler_result_t fake_rx_handler(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct fake *fake = rcu_dereference(skb->dev->rx_handler_data);

	if (skb->protocol != htons(FAKE_PROTO))
		return RX_HANDLER_PASS;
	skb_push(skb, ETH_HLEN);
	skb_queue_tail(&fake->got, skb);
	return RX_HANDLER_CONSUMED;
}

static struct net_device *fake_find_netdev(struct fake *fake)
{
	struct net_device *dev, *found = NULL;

	rtnl_lock();
	for_each_netdev(&init_net, dev)
		if (dev->dev.parent == &fake->vdev.dev)
			found = dev;
	rtnl_unlock();
	return found;
}

static void fake_wait(bool (*done)(struct fake *fake), struct fake *fake)
{
	int i;

	for (i = 0; i < 50 && !done(fake); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(fake->test, done(fake));
}

static bool fake_carrier(struct fake *fake)
{
	return netif_carrier_ok(fake->dev);
}

static bool fake_no_carrier(struct fake *fake)
{
	return !netif_carrier_ok(fake->dev);
}

static int fake_up(struct fake *fake)
{
	int err;

	rtnl_lock();
	err = dev_open(fake->dev, NULL);
	rtnl_unlock();
	if (!err)
		fake_wait(fake_carrier, fake);
	return err;
}

static void fake_down(struct fake *fake)
{
	rtnl_lock();
	dev_close(fake->dev);
	rtnl_unlock();
}

static void fake_info_init(struct venet_info *info)
{
	*info = (struct venet_info) {
		.features = cpu_to_le64(VENET_FEATURE(VENET_F_HASH + 1) - 1),
		.mtu = cpu_to_le32(ETH_DATA_LEN),
		.min_mtu = cpu_to_le32(68),
		.max_mtu = cpu_to_le32(FAKE_MTU),
		.max_pairs = cpu_to_le32(1),
		.ring_min = cpu_to_le32(FAKE_RING),
		.ring_max = cpu_to_le32(FAKE_RING),
		.tx_descs = cpu_to_le32(MAX_SKB_FRAGS + 2),
		.rx_bufs = cpu_to_le32(MAX_SKB_FRAGS),
		.rx_buf_min = cpu_to_le32(256),
		.rx_buf_max = cpu_to_le32(65536),
		.max_frame = cpu_to_le32(VENET_MAX_FRAME),
		.max_slabs = cpu_to_le32(1),
		.max_slab_len = cpu_to_le32(VBUS_SHM_MAX_LEN),
	};
	ether_addr_copy(info->mac, fake_mac);
}

static int fake_add(struct fake *fake)
{
	static u32 id;
	int err;

	fake->vdev.ops = &fake_ops;
	fake->vdev.id = ++id;
	strscpy(fake->vdev.type, VENET_TYPE, sizeof(fake->vdev.type));
	init_completion(&fake->released);
	err = vbus_proxy_device_add(&fake->vdev, fake->test->priv);
	if (err)
		return err;
	fake->added = true;
	fake->dev = fake_find_netdev(fake);
	return 0;
}

static void fake_del(struct fake *fake)
{
	if (!fake->added)
		return;
	fake->added = false;
	vbus_proxy_device_del(&fake->vdev);
	KUNIT_EXPECT_TRUE(fake->test,
			  wait_for_completion_timeout(&fake->released, HZ));
}

static void fake_stop(struct fake *fake)
{
	int i;

	if (fake->stopped)
		return;
	fake->stopped = true;
	if (fake->dev) {
		rtnl_lock();
		netdev_rx_handler_unregister(fake->dev);
		rtnl_unlock();
	}
	skb_queue_purge(&fake->got);
	fake_del(fake);
	KUNIT_EXPECT_FALSE(fake->test, fake->opened);
	for (i = 0; i < ARRAY_SIZE(fake->signal); i++)
		if (fake->signal[i].made)
			KUNIT_EXPECT_TRUE(fake->test,
					  completion_done(&fake->signal[i].released));
	kfree(fake->frame);
}

/* For the test that ends early. */
static void fake_cleanup(void *data)
{
	fake_stop(data);
}

static struct fake *fake_new(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->test = test;
	skb_queue_head_init(&fake->got);
	fake_info_init(&fake->info);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, fake_cleanup, fake), 0);
	return fake;
}

/* Give it a driver, set it up, and let its frames land in fake->got. */
static void fake_run(struct kunit *test, struct fake *fake)
{
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, netdev_rx_handler_register(fake->dev,
							 fake_rx_handler,
							 fake), 0);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
}

static struct fake *fake_start(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	fake_run(test, fake);
	return fake;
}

static struct rtnl_link_stats64 fake_stats(struct fake *fake)
{
	struct rtnl_link_stats64 stats;

	dev_get_stats(fake->dev, &stats);
	return stats;
}

static u64 fake_stat(struct fake *fake, const char *name)
{
	const struct ethtool_ops *ops = fake->dev->ethtool_ops;
	int i, n = ops->get_sset_count(fake->dev, ETH_SS_STATS);
	u8 *names = kcalloc(n, ETH_GSTRING_LEN, GFP_KERNEL);
	u64 *data = kcalloc(n, sizeof(*data), GFP_KERNEL);
	u64 value = U64_MAX;

	if (names && data) {
		rtnl_lock();
		ops->get_strings(fake->dev, ETH_SS_STATS, names);
		ops->get_ethtool_stats(fake->dev, NULL, data);
		rtnl_unlock();
		for (i = 0; i < n; i++)
			if (!strcmp(names + i * ETH_GSTRING_LEN, name))
				value = data[i];
	}
	kfree(names);
	kfree(data);
	return value;
}

/* A frame of @bytes, @linear of them in the head and the rest in pages. */
static struct sk_buff *fake_skb(struct fake *fake, u32 bytes, u32 linear)
{
	struct sk_buff *skb = alloc_skb_with_frags(linear, bytes - linear, 0,
						   &(int){ 0 }, GFP_KERNEL);
	u8 *frame = kzalloc(bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(fake->test, skb);
	KUNIT_ASSERT_NOT_NULL(fake->test, frame);
	fake_make_frame(frame, bytes);
	skb_put(skb, linear);
	skb->data_len = bytes - linear;
	skb->len = bytes;
	skb_store_bits(skb, 0, frame, bytes);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = htons(FAKE_PROTO);
	skb->dev = fake->dev;
	kfree(frame);
	return skb;
}

static void fake_expect_sent(struct fake *fake, u32 bytes)
{
	u8 *frame = kunit_kzalloc(fake->test, bytes, GFP_KERNEL);

	fake_make_frame(frame, bytes);
	KUNIT_ASSERT_EQ(fake->test, fake->frame_len, bytes);
	KUNIT_EXPECT_EQ(fake->test, memcmp(fake->frame, frame, bytes), 0);
}

static void fake_expect_got(struct fake *fake, u32 bytes)
{
	u8 *frame = kunit_kzalloc(fake->test, bytes, GFP_KERNEL);
	u8 *got = kunit_kzalloc(fake->test, bytes, GFP_KERNEL);
	struct sk_buff *skb = skb_dequeue(&fake->got);

	KUNIT_ASSERT_NOT_NULL_MSG(fake->test, skb, "no frame of %u", bytes);
	fake_make_frame(frame, bytes);
	KUNIT_EXPECT_EQ(fake->test, skb->len, bytes);
	KUNIT_EXPECT_EQ(fake->test, skb_copy_bits(skb, 0, got, bytes), 0);
	KUNIT_EXPECT_EQ(fake->test, memcmp(got, frame, bytes), 0);
	kfree_skb(skb);
}

static bool fake_deliver_bytes(struct fake *fake, u32 bytes)
{
	u8 *frame = kzalloc(bytes, GFP_KERNEL);
	struct fake_rx plan;
	bool ok;

	fake_make_frame(frame, bytes);
	fake_rx_plan(&plan, bytes);
	ok = fake_deliver(fake, &plan, frame);
	kfree(frame);
	return ok;
}

/*
 * The tests
 */

static void venet_offers_what_the_device_offers(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct net_device *dev = fake->dev;

	KUNIT_EXPECT_TRUE(test, ether_addr_equal(dev->dev_addr, fake_mac));
	KUNIT_EXPECT_EQ(test, dev->mtu, ETH_DATA_LEN);
	KUNIT_EXPECT_EQ(test, dev->min_mtu, 68);
	KUNIT_EXPECT_EQ(test, dev->max_mtu, FAKE_MTU);
	KUNIT_EXPECT_EQ(test, fake->features,
			VENET_FEATURE(VENET_F_HASH + 1) - 1);
	KUNIT_EXPECT_TRUE(test, dev->features & NETIF_F_TSO);
	KUNIT_EXPECT_TRUE(test, dev->features & NETIF_F_TSO6);
	KUNIT_EXPECT_TRUE(test, dev->features & NETIF_F_HW_CSUM);
	KUNIT_EXPECT_TRUE(test, dev->features & NETIF_F_GSO_UDP_L4);
	fake_stop(fake);
}

static void venet_drops_features_without_their_condition(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	fake->info.features &=
		~cpu_to_le64(VENET_FEATURE(VENET_F_CSUM) |
			     VENET_FEATURE(VENET_F_MRG));
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	KUNIT_EXPECT_FALSE(test, fake->dev->features & NETIF_F_ALL_TSO);
	KUNIT_EXPECT_LE(test, fake->dev->max_mtu, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_FALSE(test,
			   fake->features & VENET_FEATURE(VENET_F_GUEST_TSO4));
	KUNIT_EXPECT_FALSE(test,
			   fake->features & VENET_FEATURE(VENET_F_HOST_ECN));
	fake_stop(fake);
}

static void venet_refuses_senseless_limits(struct kunit *test)
{
	size_t first = offsetof(struct venet_info, ring_min);
	static const u32 wrong[] = { 0, 3, U32_MAX };
	size_t i, j;

	for (i = 0; i < 2; i++) {	/* ring_min, ring_max */
		for (j = 0; j < ARRAY_SIZE(wrong); j++) {
			struct fake *fake = fake_new(test);
			__le32 *limit = (void *)&fake->info + first + 4 * i;

			*limit = cpu_to_le32(wrong[j]);
			KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
			KUNIT_EXPECT_NULL(test, fake->dev);
			fake_stop(fake);
		}
	}
}

/* One less than every device has to take. */
static void venet_refuses_short_chains(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	fake->info.tx_descs = cpu_to_le32(17);
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_EXPECT_NULL(test, fake->dev);
	fake_stop(fake);

	fake = fake_new(test);
	fake->info.tx_descs = cpu_to_le32(18);
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_EXPECT_NOT_NULL(test, fake->dev);
	fake_stop(fake);
}

/* Without a word for the offloads, no program can be attached. */
static void venet_tells_whether_programs_can_be(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	KUNIT_EXPECT_TRUE(test,
			  fake->dev->xdp_features & NETDEV_XDP_ACT_BASIC);
	fake_stop(fake);

	fake = fake_new(test);
	fake->info.features &=
		~cpu_to_le64(VENET_FEATURE(VENET_F_OFFLOADS));
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	KUNIT_EXPECT_EQ(test, (u32)fake->dev->xdp_features,
			(u32)(NETDEV_XDP_ACT_NDO_XMIT |
			      NETDEV_XDP_ACT_NDO_XMIT_SG));
	fake_stop(fake);
}

/* The administrator of the device has changed what it offers. */
static void venet_asks_again_what_is_offered(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	const __le64 all = fake->info.features;

	fake_down(fake);
	fake->info.features &=
		~cpu_to_le64(VENET_FEATURE(VENET_F_HOST_TSO4));
	KUNIT_EXPECT_EQ(test, fake_up(fake), -EINVAL);
	KUNIT_EXPECT_FALSE(test, fake->opened);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(fake->dev));

	/* More than there was is not used. */
	fake->info.features = all | cpu_to_le64(VENET_FEATURE(VENET_F_MQ));
	KUNIT_EXPECT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_EQ(test, fake->features, le64_to_cpu(all));
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
	fake_expect_got(fake, 1000);
	fake_stop(fake);
}

static struct fake *fake_start_filtering(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	fake->info.features |= cpu_to_le64(VENET_FEATURE(VENET_F_RX_MODE) |
					   VENET_FEATURE(VENET_F_VLAN));
	fake_run(test, fake);
	return fake;
}

/* What the device was told last; under RTNL nobody tells it anything. */
static void fake_expect_mode(struct fake *fake, u32 flags, int unicast,
			     const u8 *group)
{
	const struct venet_rx_mode *mode = &fake->rx_mode;
	bool found = false;
	u32 i, first;

	fake_down(fake);
	KUNIT_EXPECT_EQ(fake->test, fake_up(fake), 0);
	rtnl_lock();
	first = le16_to_cpu(mode->unicast);
	for (i = 0; i < le16_to_cpu(mode->multicast); i++)
		if (ether_addr_equal(mode->addrs[first + i], group))
			found = true;
	KUNIT_EXPECT_EQ(fake->test, le32_to_cpu(mode->flags), flags);
	KUNIT_EXPECT_EQ(fake->test, first, unicast);
	KUNIT_EXPECT_EQ(fake->test, found, !flags);
	rtnl_unlock();
}

/* Whoever adds an address says which list it goes to, and may be wrong. */
static void venet_sorts_addresses_by_kind(struct kunit *test)
{
	static const u8 none[ETH_ALEN] = {};
	static const u8 group[ETH_ALEN] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	static const u8 station[ETH_ALEN] = { 0x02, 1, 2, 3, 4, 5 };
	struct fake *fake = fake_start_filtering(test);
	u8 many[ETH_ALEN] = { 0x03, 9 };
	int i;

	KUNIT_EXPECT_EQ(test, dev_uc_add(fake->dev, group), 0);
	KUNIT_EXPECT_EQ(test, dev_mc_add(fake->dev, station), 0);
	KUNIT_EXPECT_EQ(test, dev_uc_add(fake->dev, none), 0);
	KUNIT_EXPECT_EQ(test, dev_mc_add(fake->dev, none), 0);
	fake_expect_mode(fake, 0, 1, group);

	for (i = 0; i < VENET_MAX_ADDRS; i++) {
		many[5] = i;
		KUNIT_EXPECT_EQ(test, dev_uc_add(fake->dev, many), 0);
	}
	fake_expect_mode(fake, VENET_RX_ALLMULTI, 1, group);
	many[0] = 0x02;
	for (i = 0; i < VENET_MAX_ADDRS; i++) {
		many[5] = i;
		KUNIT_EXPECT_EQ(test, dev_mc_add(fake->dev, many), 0);
	}
	fake_expect_mode(fake, VENET_RX_PROMISC, 0, group);
	fake_stop(fake);
}

/* An interface without its filters gets too much, and goes up. */
static void venet_goes_up_without_filters(struct kunit *test)
{
	static const u8 group[ETH_ALEN] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
	struct fake *fake = fake_start_filtering(test);

	KUNIT_EXPECT_EQ(test, dev_mc_add(fake->dev, group), 0);
	fake->refuses_filters = true;
	fake_expect_mode(fake, VENET_RX_PROMISC, 0, group);
	fake->refuses_filters = false;
	fake_expect_mode(fake, 0, 0, group);
	fake_stop(fake);
}

static void venet_configures_an_open_device(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct sockaddr addr = { .sa_family = ARPHRD_ETHER };

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_mtu(fake->dev, FAKE_MTU), 0);
	KUNIT_EXPECT_EQ(test, fake->mtu, FAKE_MTU);
	KUNIT_EXPECT_NE(test, dev_set_mtu(fake->dev, FAKE_MTU + 1), 0);

	ether_addr_copy(addr.sa_data, fake_mac);
	addr.sa_data[5] = 9;
	KUNIT_EXPECT_EQ(test, dev_set_mac_address(fake->dev, (void *)&addr,
						  NULL), 0);
	KUNIT_EXPECT_EQ(test, fake->mac[5], 9);

	fake->dev->wanted_features &= ~NETIF_F_RXCSUM;
	netdev_update_features(fake->dev);
	KUNIT_EXPECT_EQ(test, fake->offloads, 0);
	fake->dev->wanted_features |= NETIF_F_RXCSUM;
	netdev_update_features(fake->dev);
	KUNIT_EXPECT_TRUE(test, fake->offloads &
			  VENET_FEATURE(VENET_F_GUEST_CSUM));
	rtnl_unlock();
	fake_stop(fake);
}

static void venet_carrier_follows_the_device(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct venet_status *status = fake->region[VENET_REGION_STATUS];
	struct fake_signal *sig = &fake->signal[VENET_REGION_STATUS];

	WRITE_ONCE(status->link, 0);
	shm_signal_inject(&sig->host);
	fake_wait(fake_no_carrier, fake);
	WRITE_ONCE(status->link, cpu_to_le32(VENET_LINK_UP));
	shm_signal_inject(&sig->host);
	fake_wait(fake_carrier, fake);
	WRITE_ONCE(status->broken[0], cpu_to_le64(1));
	shm_signal_inject(&sig->host);
	fake_wait(fake_no_carrier, fake);
	fake_stop(fake);
}

static void venet_sends_all_sizes(struct kunit *test)
{
	static const u32 sizes[] = { 14, 60, 1514, 4096, 9014, 32768, 65000 };
	struct fake *fake = fake_start(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 linear = min_t(u32, sizes[i], 1000);

		fake->frames = 0;
		KUNIT_EXPECT_EQ(test,
				dev_direct_xmit(fake_skb(fake, sizes[i],
							 linear), 0),
				NETDEV_TX_OK);
		KUNIT_EXPECT_EQ(test, fake->frames, 1);
		fake_expect_sent(fake, sizes[i]);
	}
	/* The device worked in the doorbell: no interrupt was asked for. */
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "tx_armed"), 0);
	fake_stop(fake);
}

static void venet_passes_checksum_and_segmentation(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct sk_buff *skb = fake_skb(fake, 8000, 200);
	struct virtio_net_hdr_v1 *hdr = &fake->frame_desc.hdr;

	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + 34;
	skb->csum_offset = 16;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4 | SKB_GSO_TCP_ECN;
	skb_shinfo(skb)->gso_size = 1400;
	skb_shinfo(skb)->gso_segs = 6;
	local_bh_disable();
	HARD_TX_LOCK(fake->dev, netdev_get_tx_queue(fake->dev, 0),
		     smp_processor_id());
	fake->dev->netdev_ops->ndo_start_xmit(skb, fake->dev);
	HARD_TX_UNLOCK(fake->dev, netdev_get_tx_queue(fake->dev, 0));
	local_bh_enable();

	fake_expect_sent(fake, 8000);
	KUNIT_EXPECT_EQ(test, hdr->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	KUNIT_EXPECT_EQ(test, hdr->gso_type,
			VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	KUNIT_EXPECT_EQ(test, __virtio16_to_cpu(true, hdr->gso_size), 1400);
	KUNIT_EXPECT_EQ(test, __virtio16_to_cpu(true, hdr->csum_start), 34);
	KUNIT_EXPECT_EQ(test, __virtio16_to_cpu(true, hdr->csum_offset), 16);
	fake_stop(fake);
}

/* The header has segments only together with an open checksum. */
static void venet_has_whole_segments_cut(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct sk_buff *skb = fake_skb(fake, 8000, 200);

	skb->protocol = htons(ETH_P_IP);
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_size = 1400;
	skb_shinfo(skb)->gso_segs = 6;
	skb->ip_summed = CHECKSUM_PARTIAL;
	KUNIT_EXPECT_TRUE(test, netif_skb_features(skb) & NETIF_F_TSO);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	KUNIT_EXPECT_FALSE(test, netif_skb_features(skb) & NETIF_F_GSO_MASK);
	kfree_skb(skb);
	fake_stop(fake);
}

static bool fake_all_completed(struct fake *fake)
{
	return !netif_tx_queue_stopped(netdev_get_tx_queue(fake->dev, 0));
}

static bool fake_fill_ring(struct fake *fake)
{
	struct netdev_queue *txq = netdev_get_tx_queue(fake->dev, 0);
	int i;

	for (i = 0; i < FAKE_FRAMES; i++) {
		if (netif_xmit_frozen_or_drv_stopped(txq))
			return true;
		dev_direct_xmit(fake_skb(fake, 100, 100), 0);
	}
	return false;
}

static void venet_stops_when_the_ring_is_full(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	int round;

	for (round = 0; round < 5; round++) {
		fake->defer = true;
		KUNIT_EXPECT_TRUE(test, fake_fill_ring(fake));
		KUNIT_EXPECT_GT(test, fake_stat(fake, "tx_armed"), 0);
		fake->defer = false;
		local_bh_disable();
		fake_transmit(fake);
		local_bh_enable();
		fake_wait(fake_all_completed, fake);
	}
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "tx_stopped"), 5);
	fake_stop(fake);
}

static void venet_counts_what_the_device_refuses(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	fake->tx_flags = IOQ_DESC_F_ERROR;
	dev_direct_xmit(fake_skb(fake, 100, 100), 0);
	KUNIT_EXPECT_GE(test, fake_stats(fake).tx_errors, 1);
	fake_stop(fake);
}

static void venet_goes_down_with_frames_under_way(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	fake->defer = true;
	fake_fill_ring(fake);
	fake_down(fake);
	KUNIT_EXPECT_FALSE(test, fake->opened);
	/* They are among those that were sent. */
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "tx_dropped"), 0);
	fake->defer = false;
	KUNIT_EXPECT_EQ(test, fake_up(fake), 0);
	fake->frames = 0;
	dev_direct_xmit(fake_skb(fake, 100, 100), 0);
	KUNIT_EXPECT_EQ(test, fake->frames, 1);
	fake_stop(fake);
}

static void venet_leaves_when_the_device_is_gone(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	fake->defer = true;
	fake_fill_ring(fake);
	vbus_proxy_device_gone(&fake->vdev);
	rtnl_lock();
	netdev_rx_handler_unregister(fake->dev);
	rtnl_unlock();
	fake->dev = NULL;
	fake_stop(fake);
}

static void venet_sleeps_closed_and_wakes(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	const struct vbus_proxy_driver *drv =
		to_vbus_proxy_driver(fake->vdev.dev.driver);

	fake->defer = true;
	fake_fill_ring(fake);
	KUNIT_EXPECT_EQ(test, drv->suspend(&fake->vdev), 0);
	KUNIT_EXPECT_FALSE(test, fake->opened);
	fake->defer = false;
	KUNIT_EXPECT_EQ(test, drv->resume(&fake->vdev), 0);
	fake_wait(fake_carrier, fake);
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
	fake_expect_got(fake, 1000);
	fake->frames = 0;
	dev_direct_xmit(fake_skb(fake, 100, 100), 0);
	KUNIT_EXPECT_EQ(test, fake->frames, 1);

	/* It cannot open again: down, and up later. */
	KUNIT_EXPECT_EQ(test, drv->suspend(&fake->vdev), 0);
	fake->open_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, drv->resume(&fake->vdev), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, netif_running(fake->dev));
	fake->open_error = 0;
	KUNIT_EXPECT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
	fake_expect_got(fake, 1000);
	drv->shutdown(&fake->vdev);
	KUNIT_EXPECT_FALSE(test, fake->opened);
	fake_stop(fake);
}

static void venet_receives_all_sizes(struct kunit *test)
{
	static const u32 sizes[] = { 14, 60, 256, 257, 1514, 4096, 4097, 9014,
				     32768, 65000 };
	struct fake *fake = fake_start(test);
	int i, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake,
								   sizes[i]));
			fake_expect_got(fake, sizes[i]);
		}
	}
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "rx_copied"), 0);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).rx_errors, 0);
	fake_stop(fake);
}

static void venet_receives_while_nobody_reads(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	int i;

	for (i = 0; i < 3 * FAKE_FRAMES; i++)
		KUNIT_ASSERT_TRUE(test, fake_deliver_bytes(fake, 1500));
	KUNIT_EXPECT_GT(test, fake_stat(fake, "rx_copied"), 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&fake->got), 3 * FAKE_FRAMES);
	while (!skb_queue_empty(&fake->got))
		fake_expect_got(fake, 1500);

	/* What was read is there again. */
	i = fake_stat(fake, "rx_copied");
	for (; skb_queue_len(&fake->got) < 16;)
		KUNIT_ASSERT_TRUE(test, fake_deliver_bytes(fake, 1500));
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "rx_copied"), i);
	fake_stop(fake);
}

/* What is left of a slab always has room for the longest frame. */
static void venet_slab_keeps_room_for_a_frame(struct kunit *test)
{
	struct venet_slab slab = {};
	u32 nr, most;

	for (slab.count = 96; slab.count <= 896; slab.count += 32) {
		for (nr = 1; nr <= MAX_SKB_FRAGS; nr++) {
			slab.nr_out = 0;
			KUNIT_EXPECT_FALSE(test, venet_slab_tight(&slab, nr));
			while (!venet_slab_tight(&slab, nr))
				slab.nr_out++;
			most = slab.nr_out - 1 + nr;
			KUNIT_EXPECT_LE(test, most + VENET_SLAB_FRAME,
					slab.count);
			KUNIT_EXPECT_LE(test, slab.nr_out,
					slab.count - slab.count / 4);
		}
	}
}

static int fake_set_channels(struct fake *fake, u32 pairs)
{
	struct ethtool_channels channels = { .combined_count = pairs };
	int err;

	rtnl_lock();
	err = fake->dev->ethtool_ops->set_channels(fake->dev, &channels);
	rtnl_unlock();
	return err;
}

static struct fake *fake_new_pairs(struct kunit *test, u32 pairs)
{
	struct fake *fake = fake_new(test);

	fake->info.features |= cpu_to_le64(VENET_FEATURE(VENET_F_MQ));
	fake->info.max_pairs = cpu_to_le32(pairs);
	fake->info.max_slabs = cpu_to_le32(pairs);
	return fake;
}

/*
 * The smallest slab, while sockets keep what they got: @few short frames, then
 * long ones.
 */
static void fake_expect_longest(struct fake *fake, u32 few)
{
	struct kunit *test = fake->test;
	u32 i;

	for (i = 0; i < few; i++)
		KUNIT_ASSERT_TRUE(test, fake_deliver_bytes(fake, 1500));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE_MSG(test,
				      fake_deliver_bytes(fake, VENET_MAX_FRAME),
				      "%u long ones after %u", i, few);
	for (i = 0; i < few; i++)
		fake_expect_got(fake, 1500);
	while (!skb_queue_empty(&fake->got))
		fake_expect_got(fake, VENET_MAX_FRAME);
}

static void venet_has_buffers_for_the_longest_frame(struct kunit *test)
{
	struct fake *fake = fake_new_pairs(test, FAKE_PAIRS);
	u32 few;

	fake_run(test, fake);
	KUNIT_ASSERT_EQ(test, fake_set_channels(fake, FAKE_PAIRS), 0);
	fake_wait(fake_carrier, fake);
	KUNIT_EXPECT_EQ(test, fake->region_len[VENET_REGION_SLAB(0)],
			PAGE_SIZE * FAKE_RING * 3 / 2);
	for (few = 30; few < 80; few++)
		fake_expect_longest(fake, few);
	KUNIT_EXPECT_GT(test, fake_stat(fake, "rx_copied"), 0);
	fake_stop(fake);
}

/* A hash of a kind that is not known may be of anything. */
static void venet_takes_hashes_that_it_knows(struct kunit *test)
{
	static const struct {
		u16 report;
		u32 hash;
		bool l4;
	} hashes[] = {
		{ VIRTIO_NET_HASH_REPORT_NONE, 0, false },
		{ VIRTIO_NET_HASH_REPORT_IPv4, 77, false },
		{ VIRTIO_NET_HASH_REPORT_TCPv4, 77, true },
		{ VIRTIO_NET_HASH_REPORT_UDPv6_EX, 77, true },
		{ VIRTIO_NET_HASH_REPORT_UDPv6_EX + 1, 0, false },
		{ U16_MAX, 0, false },
	};
	struct fake *fake = fake_start(test);
	u8 *frame = kunit_kzalloc(test, 1000, GFP_KERNEL);
	struct fake_rx plan;
	struct sk_buff *skb;
	int i;

	fake_make_frame(frame, 1000);
	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		fake_rx_plan(&plan, 1000);
		plan.desc.hash = cpu_to_le32(77);
		plan.desc.hash_report = cpu_to_le16(hashes[i].report);
		KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
		skb = skb_dequeue(&fake->got);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, skb->hash, hashes[i].hash);
		KUNIT_EXPECT_EQ(test, !!skb->l4_hash, hashes[i].l4);
		kfree_skb(skb);
	}
	fake_stop(fake);
}

static int fake_gro_seen;

static struct sk_buff *fake_gro_receive(struct list_head *held,
					struct sk_buff *skb)
{
	fake_gro_seen++;
	return NULL;
}

static struct packet_offload fake_gro = {
	.type = cpu_to_be16(FAKE_PROTO),
	.callbacks.gro_receive = fake_gro_receive,
};

static void fake_gro_end(void *unused)
{
	dev_remove_offload(&fake_gro);
}

/* How many of @n frames that one poll finds GRO is asked about. */
static int fake_gro_asked(struct fake *fake, int n)
{
	static u8 frame[100];
	struct fake_rx plan;
	int i;

	fake_gro_seen = 0;
	fake_make_frame(frame, sizeof(frame));
	fake_rx_plan(&plan, sizeof(frame));
	local_bh_disable();
	for (i = 0; i < n; i++)
		fake_deliver(fake, &plan, frame);
	shm_signal_inject(&fake->signal[VENET_REGION_RING(0)].host);
	local_bh_enable();
	/* Or that the timer lets go. */
	for (i = 0; i < 100 && skb_queue_len(&fake->got) < n; i++)
		msleep(20);
	for (i = 0; i < n; i++)
		fake_expect_got(fake, sizeof(frame));
	KUNIT_EXPECT_TRUE(fake->test, skb_queue_empty(&fake->got));
	return fake_gro_seen;
}

/* With a timer it keeps frames from one poll to the next: it gets every one. */
static void venet_asks_gro_if_there_are_several(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	dev_add_offload(&fake_gro);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_gro_end,
							NULL), 0);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 0);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 0);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 3), 3);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 0);
	WRITE_ONCE(fake->dev->gro_flush_timeout, NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 1);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 1);
	WRITE_ONCE(fake->dev->gro_flush_timeout, 0);
	fake_gro_asked(fake, 1);
	KUNIT_EXPECT_EQ(test, fake_gro_asked(fake, 1), 0);
	fake_stop(fake);
}

#ifdef CONFIG_NET_RX_BUSY_POLL
/* Who polls in a loop, and what comes meanwhile. */
struct fake_busy {
	struct fake *fake;
	struct fake_rx plan;
	u8 frame[1000];
	u32 left;
	bool lost;
};

static bool fake_busy_end(void *arg, unsigned long start)
{
	struct fake_busy *busy = arg;

	if (!busy->left)
		return true;
	busy->left--;
	if (!fake_deliver(busy->fake, &busy->plan, busy->frame))
		busy->lost = true;
	return false;
}

/* Who polls is not interrupted, and who no longer does is. */
static void venet_is_silent_while_it_is_polled(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	struct fake_busy *busy = kunit_kzalloc(test, sizeof(*busy), GFP_KERNEL);
	struct napi_struct *napi;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, busy);
	napi = list_first_entry(&fake->dev->napi_list, struct napi_struct,
				dev_list);
	busy->fake = fake;
	fake_make_frame(busy->frame, sizeof(busy->frame));
	fake_rx_plan(&busy->plan, sizeof(busy->frame));
	for (i = 0; i < 5; i++) {
		fake->bells = 0;
		busy->left = 40;
		napi_busy_loop(napi->napi_id, fake_busy_end, busy, false, 8);
		KUNIT_EXPECT_FALSE(test, busy->lost);
		/* One was asked for before. */
		KUNIT_EXPECT_LE(test, fake->bells, 1);
		KUNIT_EXPECT_EQ(test, skb_queue_len(&fake->got), 40);
		skb_queue_purge(&fake->got);
		KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
		fake_expect_got(fake, 1000);
	}
	fake_stop(fake);
}
#else
static void venet_is_silent_while_it_is_polled(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_NET_RX_BUSY_POLL");
}
#endif

/* Buffers that hold nothing, or no more than headers, are posted again. */
static void venet_loses_no_empty_buffers(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	u8 *frame = kunit_kzalloc(test, 1000, GFP_KERNEL);
	struct fake_rx plan;
	int i;

	fake_make_frame(frame, 1000);
	for (i = 0; i < FAKE_FRAMES; i++) {
		fake_rx_plan(&plan, 3 * PAGE_SIZE);
		plan.len[0] = ETH_HLEN;
		plan.len[1] = 0;
		plan.len[2] = 1000 - ETH_HLEN;
		KUNIT_ASSERT_TRUE(test, fake_deliver(fake, &plan, frame));
		fake_expect_got(fake, 1000);
	}
	fake_stop(fake);
}

static void venet_frames_outlive_the_device(struct kunit *test)
{
	struct fake *fake = fake_start(test);

	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 9000));
	fake_down(fake);
	fake_expect_got(fake, 9000);
	fake_stop(fake);
}

static void venet_refuses_bad_headers(struct kunit *test)
{
	static const struct virtio_net_hdr_v1 bad[] = {
		{ .flags = 0x80 },
		{ .flags = VIRTIO_NET_HDR_F_RSC_INFO },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .flags = 1 },
		{ .gso_type = 0x7f, .flags = 1 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_ECN, .flags = 1 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .flags = 1,
		  .gso_size = 0 },
	};
	struct fake *fake = fake_start(test);
	u8 *frame = kunit_kzalloc(test, 1000, GFP_KERNEL);
	struct fake_rx plan;
	int i;

	fake_make_frame(frame, 1000);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_rx_plan(&plan, 1000);
		plan.desc.hdr = bad[i];
		plan.desc.hdr.num_buffers = __cpu_to_virtio16(true, 1);
		KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
		KUNIT_EXPECT_EQ(test, fake_stats(fake).rx_errors, i + 1);
	}
	fake_rx_plan(&plan, 1000);
	plan.desc.hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	plan.desc.hdr.csum_start = __cpu_to_virtio16(true, 999);
	KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
	plan.desc.hdr.csum_start = __cpu_to_virtio16(true, 0xffff);
	plan.desc.hdr.csum_offset = __cpu_to_virtio16(true, 0xffff);
	KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
	KUNIT_EXPECT_EQ(test, fake_stats(fake).rx_errors, i + 2);
	/* Too short, and a buffer that the device gives back unused. */
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 13));
	fake_rx_plan(&plan, 1);
	plan.len[0] = 0;
	plan.flags[0] = IOQ_DESC_F_ERROR;
	KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
	KUNIT_EXPECT_EQ(test, fake_stats(fake).rx_errors, i + 4);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&fake->got));

	/* None of it has broken the queue. */
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
	fake_expect_got(fake, 1000);
	fake_stop(fake);
}

/* One thing that no device may do to the ring of reception. */
struct venet_breach {
	const char *name;
	u32 bytes;
	u16 num_buffers;
	u32 len;		/* of the first buffer, if not 0 */
	int flags;		/* of the first buffer, if not negative */
};

static const struct venet_breach venet_breaches[] = {
	{ "no buffers", 100, 0, 0, -1 },
	{ "more buffers than it gave back", 100, 2, 0, -1 },
	{ "more buffers than any frame", 100, 0xffff, 0, -1 },
	{ "fewer buffers than the chain", 5000, 1, 0, -1 },
	{ "longer than posted", 100, 1, PAGE_SIZE + 1, -1 },
	{ "much longer than posted", 100, 1, U32_MAX, -1 },
	{ "chain without end", 100, 1, 0, IOQ_DESC_F_NEXT },
	{ "chain that ends early", 5000, 2, 0, 0 },
	{ "unknown flag", 100, 1, 0, 0x4000 },
	{ "error with data", 100, 1, 0, IOQ_DESC_F_ERROR },
	{ "error with chain", 100, 1, 0, IOQ_DESC_F_ERROR | IOQ_DESC_F_NEXT },
};

KUNIT_ARRAY_PARAM(venet_breach, venet_breaches, NULL);

static void venet_breach_kills_the_queue(struct kunit *test)
{
	const struct venet_breach *breach = test->param_value;
	struct fake *fake = fake_start(test);
	u8 *frame = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	struct fake_rx plan;

	fake_make_frame(frame, breach->bytes);
	fake_rx_plan(&plan, breach->bytes);
	plan.desc.hdr.num_buffers = __cpu_to_virtio16(true,
						      breach->num_buffers);
	if (breach->len)
		plan.len[0] = breach->len;
	if (breach->flags >= 0)
		plan.flags[0] = breach->flags;
	KUNIT_EXPECT_TRUE(test, fake_deliver(fake, &plan, frame));
	fake_wait(fake_no_carrier, fake);
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "broken_queues"), 1);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&fake->got));

	/* Down and up, and all is well. */
	fake_down(fake);
	KUNIT_EXPECT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_TRUE(test, fake_deliver_bytes(fake, 1000));
	fake_expect_got(fake, 1000);
	fake_stop(fake);
}

static void venet_rings_change_their_length(struct kunit *test)
{
	struct fake *fake = fake_new(test);
	struct ethtool_ringparam ring = {
		.rx_pending = 500,
		.tx_pending = 128,
	};

	fake->info.ring_max = cpu_to_le32(4096);
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test,
			fake->dev->ethtool_ops->set_ringparam(fake->dev, &ring,
							      NULL, NULL), 0);
	fake->dev->ethtool_ops->get_ringparam(fake->dev, &ring, NULL, NULL);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, ring.rx_pending, 512);
	KUNIT_EXPECT_EQ(test, ring.tx_pending, 128);
	KUNIT_EXPECT_EQ(test, fake->rx.mask, 511);
	KUNIT_EXPECT_EQ(test, fake->tx.mask, 127);
	fake_stop(fake);
}

static void fake_expect_coalesce(struct fake *fake, u32 usecs, u32 frames)
{
	KUNIT_EXPECT_EQ(fake->test, le32_to_cpu(fake->coalesce.usecs), usecs);
	KUNIT_EXPECT_EQ(fake->test, le32_to_cpu(fake->coalesce.frames), frames);
}

static int fake_set_coalesce(struct fake *fake, struct ethtool_coalesce *ec)
{
	int err;

	rtnl_lock();
	err = fake->dev->ethtool_ops->set_coalesce(fake->dev, ec, NULL, NULL);
	rtnl_unlock();
	return err;
}

static struct fake *fake_start_coalesce(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	fake->info.features |=
		cpu_to_le64(VENET_FEATURE(VENET_F_COALESCE));
	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	return fake;
}

static void venet_tells_how_long_to_wait(struct kunit *test)
{
	struct fake *fake = fake_start_coalesce(test);
	const struct ethtool_ops *ops = fake->dev->ethtool_ops;
	struct ethtool_coalesce ec = {
		.rx_coalesce_usecs = 100,
		.rx_max_coalesced_frames = 20,
	};
	unsigned int calls = fake->coalesced;

	fake_expect_coalesce(fake, 0, 0);
	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), 0);
	fake_expect_coalesce(fake, 100, 20);
	KUNIT_EXPECT_EQ(test, fake->coalesced, calls + 1);

	ec.rx_coalesce_usecs = VENET_MAX_USECS + 1;
	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake->coalesced, calls + 1);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops->get_coalesce(fake->dev, &ec, NULL, NULL), 0);
	KUNIT_EXPECT_EQ(test, ec.rx_coalesce_usecs, 100);
	KUNIT_EXPECT_EQ(test, ec.rx_max_coalesced_frames, 20);
	KUNIT_EXPECT_FALSE(test, ec.use_adaptive_rx_coalesce);

	/* Of one pair. */
	ec.rx_coalesce_usecs = 7;
	KUNIT_EXPECT_EQ(test, ops->set_per_queue_coalesce(fake->dev, 1, &ec),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, ops->set_per_queue_coalesce(fake->dev, 0, &ec), 0);
	fake_expect_coalesce(fake, 7, 20);
	KUNIT_EXPECT_EQ(test, ops->get_per_queue_coalesce(fake->dev, 1, &ec),
			-EINVAL);
	rtnl_unlock();

	/* A device that was opened anew is told again. */
	fake_down(fake);
	memset(&fake->coalesce, 0, sizeof(fake->coalesce));
	ec.rx_coalesce_usecs = 8;
	calls = fake->coalesced;
	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), 0);
	KUNIT_EXPECT_EQ(test, fake->coalesced, calls);
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	fake_expect_coalesce(fake, 8, 20);
	fake_stop(fake);
}

static void venet_needs_a_device_that_can_wait(struct kunit *test)
{
	struct fake *fake = fake_start(test);
	const struct ethtool_ops *ops = fake->dev->ethtool_ops;
	struct ethtool_coalesce ec = {};

	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), -EOPNOTSUPP);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops->get_coalesce(fake->dev, &ec, NULL, NULL),
			-EOPNOTSUPP);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, fake->coalesced, 0);
	fake_stop(fake);
}

/* A tenth of a second in which as many interrupts come, and the look at its end. */
static void fake_pass_interval(struct fake *fake, int signals, int company)
{
	struct venet *venet = netdev_priv(fake->dev);
	static u8 frame[100];
	struct fake_rx plan;
	int i;

	fake_make_frame(frame, sizeof(frame));
	fake_rx_plan(&plan, sizeof(frame));
	while (signals--) {
		local_bh_disable();
		for (i = 0; i < company; i++)
			fake_deliver(fake, &plan, frame);
		local_bh_enable();
		skb_queue_purge(&fake->got);
	}
	flush_delayed_work(&venet->adapt_work);
}

/*
 * Frames, @company of them for each interrupt, until the device has @waits. More
 * than one look is needed only where somebody else has RTNL.
 */
static bool fake_adapts(struct fake *fake, int company, bool waits)
{
	int looks;

	for (looks = 0; looks < 20 && !!fake->coalesce.usecs != waits; looks++)
		fake_pass_interval(fake, 100, company);
	return !!fake->coalesce.usecs == waits;
}

static void venet_lets_company_wait(struct kunit *test)
{
	struct fake *fake = fake_start_coalesce(test);
	const struct ethtool_ops *ops = fake->dev->ethtool_ops;
	struct ethtool_coalesce ec = { .use_adaptive_rx_coalesce = 1 };
	int i;

	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), 0);
	fake_expect_coalesce(fake, 0, fake->rx.mask / 4 + 1);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_TRUE(test, fake_adapts(fake, 4, true));
		KUNIT_EXPECT_TRUE(test, fake_adapts(fake, 1, false));
	}
	KUNIT_EXPECT_TRUE(test, fake_adapts(fake, 4, true));
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, ops->get_per_queue_coalesce(fake->dev, 0, &ec), 0);
	KUNIT_EXPECT_GT(test, ec.rx_coalesce_usecs, 0);
	KUNIT_EXPECT_EQ(test, ops->set_per_queue_coalesce(fake->dev, 0, &ec),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, ops->get_coalesce(fake->dev, &ec, NULL, NULL), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, ec.rx_coalesce_usecs, 0);
	KUNIT_EXPECT_TRUE(test, ec.use_adaptive_rx_coalesce);
	ec.use_adaptive_rx_coalesce = 0;
	KUNIT_EXPECT_EQ(test, fake_set_coalesce(fake, &ec), 0);
	fake_expect_coalesce(fake, 0, 0);
	fake_stop(fake);
}

static struct fake *fake_start_pairs(struct kunit *test, u32 pairs)
{
	struct fake *fake = fake_new_pairs(test, pairs);

	KUNIT_ASSERT_EQ(test, fake_add(fake), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake->dev);
	return fake;
}

static void venet_uses_as_many_pairs_as_it_is_told(struct kunit *test)
{
	struct fake *fake = fake_start_pairs(test, 4);

	KUNIT_EXPECT_EQ(test, fake_set_channels(fake, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_set_channels(fake, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_set_channels(fake, 4), 0);
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_EQ(test, fake->pairs, 4);
	KUNIT_EXPECT_EQ(test, fake->dev->real_num_tx_queues, 4);
	KUNIT_EXPECT_NOT_NULL(test, fake->region[VENET_REGION_SLAB(3)]);
	KUNIT_EXPECT_LE(test, fake->region_len[VENET_REGION_SLAB(3)],
			(size_t)SZ_2M);
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "tx3_packets"), 0);
	KUNIT_EXPECT_EQ(test, fake_set_channels(fake, 1), 0);
	KUNIT_EXPECT_EQ(test, fake->pairs, 0);
	KUNIT_EXPECT_EQ(test, fake->dev->real_num_tx_queues, 1);
	KUNIT_EXPECT_NULL(test, fake->region[VENET_REGION_SLAB(1)]);
	KUNIT_EXPECT_EQ(test, fake_stat(fake, "tx3_packets"), U64_MAX);
	fake_stop(fake);
}

/* Memory that may not be shared costs pairs, and not the interface. */
static void venet_makes_do_with_the_pairs_it_gets(struct kunit *test)
{
	struct fake *fake = fake_start_pairs(test, 4);

	KUNIT_EXPECT_EQ(test, fake_set_channels(fake, 4), 0);
	fake->max_slabs = 2;
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_EQ(test, fake->pairs, 2);
	KUNIT_EXPECT_EQ(test, fake->dev->real_num_tx_queues, 2);
	fake_down(fake);

	fake->max_slabs = 1;
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_EQ(test, fake->dev->real_num_tx_queues, 1);
	fake_down(fake);

	/* What is wanted has not changed. */
	fake->max_slabs = 0;
	KUNIT_ASSERT_EQ(test, fake_up(fake), 0);
	KUNIT_EXPECT_EQ(test, fake->pairs, 4);
	KUNIT_EXPECT_EQ(test, fake->dev->real_num_tx_queues, 4);
	fake_stop(fake);
}

static void venet_test_exit(void *parent)
{
	root_device_unregister(parent);
}

static int venet_test_init(struct kunit *test)
{
	struct device *parent = root_device_register("venet-kunit");

	if (IS_ERR(parent))
		return PTR_ERR(parent);
	test->priv = parent;
	return kunit_add_action_or_reset(test, venet_test_exit, parent);
}

static struct kunit_case venet_test_cases[] = {
	KUNIT_CASE(venet_offers_what_the_device_offers),
	KUNIT_CASE(venet_drops_features_without_their_condition),
	KUNIT_CASE(venet_refuses_senseless_limits),
	KUNIT_CASE(venet_refuses_short_chains),
	KUNIT_CASE(venet_tells_whether_programs_can_be),
	KUNIT_CASE(venet_asks_again_what_is_offered),
	KUNIT_CASE(venet_sorts_addresses_by_kind),
	KUNIT_CASE(venet_goes_up_without_filters),
	KUNIT_CASE(venet_configures_an_open_device),
	KUNIT_CASE(venet_carrier_follows_the_device),
	KUNIT_CASE(venet_sends_all_sizes),
	KUNIT_CASE(venet_passes_checksum_and_segmentation),
	KUNIT_CASE(venet_has_whole_segments_cut),
	KUNIT_CASE(venet_stops_when_the_ring_is_full),
	KUNIT_CASE(venet_counts_what_the_device_refuses),
	KUNIT_CASE(venet_goes_down_with_frames_under_way),
	KUNIT_CASE(venet_leaves_when_the_device_is_gone),
	KUNIT_CASE(venet_sleeps_closed_and_wakes),
	KUNIT_CASE(venet_receives_all_sizes),
	KUNIT_CASE(venet_receives_while_nobody_reads),
	KUNIT_CASE(venet_slab_keeps_room_for_a_frame),
	KUNIT_CASE(venet_has_buffers_for_the_longest_frame),
	KUNIT_CASE(venet_takes_hashes_that_it_knows),
	KUNIT_CASE(venet_asks_gro_if_there_are_several),
	KUNIT_CASE(venet_is_silent_while_it_is_polled),
	KUNIT_CASE(venet_loses_no_empty_buffers),
	KUNIT_CASE(venet_frames_outlive_the_device),
	KUNIT_CASE(venet_refuses_bad_headers),
	KUNIT_CASE_PARAM(venet_breach_kills_the_queue, venet_breach_gen_params),
	KUNIT_CASE(venet_rings_change_their_length),
	KUNIT_CASE(venet_tells_how_long_to_wait),
	KUNIT_CASE(venet_needs_a_device_that_can_wait),
	KUNIT_CASE(venet_lets_company_wait),
	KUNIT_CASE(venet_uses_as_many_pairs_as_it_is_told),
	KUNIT_CASE(venet_makes_do_with_the_pairs_it_gets),
	{}
};

static struct kunit_suite venet_test_suite = {
	.name = "venet_driver",
	.init = venet_test_init,
	.test_cases = venet_test_cases,
};

kunit_test_suite(venet_test_suite);

MODULE_DESCRIPTION("KUnit tests of the Virtual-Bus Ethernet driver");
MODULE_LICENSE("GPL");
/* What binds to the devices of the tests. */
MODULE_SOFTDEP("pre: venet");
