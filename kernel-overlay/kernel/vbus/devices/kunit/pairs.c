// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of venet-tap: several pairs of queues, and a client that keeps to
 * no rule
 */
#include <linux/delay.h>

#include "client.h"

static int h_pairs(struct hostile *h, u32 pairs)
{
	struct venet_pairs arg = { .pairs = cpu_to_le32(pairs) };

	return hc_call(h, VENET_CALL_PAIRS, &arg, sizeof(arg));
}

/* The host has got so many queues, and says that so many pairs are in use. */
static bool h_host_has_queues(struct hostile *h, u32 queues, u32 pairs)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (READ_ONCE(h->host.dev->real_num_tx_queues) != queues) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return test_port_pairs(&h->host) == pairs;
}

static void pairs_have_limits(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc desc;
	u32 i;

	/* Without the feature there is one pair and no such function. */
	hc_connect(test, h, ~H_MQ);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hc_shm(h, H_RX1), -EINVAL);
	KUNIT_EXPECT_EQ(test, hc_setup(h, VENET_QUEUE_RX(1), H_RING_COUNT),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_client_close(h->client, h->handle), 0);

	memset(hc_ring(h, H_TX), 0, H_RING_LEN);
	memset(hc_ring(h, H_RX), 0, H_RING_LEN);
	hc_connect(test, h, ~0ULL);
	KUNIT_EXPECT_EQ(test, hc_setup(h, VENET_QUEUE_RX(4), H_RING_COUNT),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, hc_setup(h, VENET_QUEUE_RX(3), H_RING_COUNT),
			-ENOENT);
	KUNIT_EXPECT_EQ(test,
			vbus_client_shm(h->client, h->handle,
					VENET_REGION_RING(VENET_QUEUE_RX(4)),
					&h->regions[H_RX1].shm,
					&h->regions[H_RX1].signal), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_pairs(h, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 1), 0);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 2), -EBUSY);

	KUNIT_ASSERT_EQ(test, hc_shm(h, H_RX1), 0);
	KUNIT_EXPECT_EQ(test, hc_shm(h, H_RX1), -EBUSY);
	KUNIT_ASSERT_EQ(test, hc_shm(h, H_TX1), 0);
	hc_start(test, h, VENET_QUEUE_RX(1));
	KUNIT_EXPECT_EQ(test, h_pairs(h, 2), -EBUSY);
	hc_start(test, h, VENET_QUEUE_TX(1));
	KUNIT_EXPECT_EQ(test, h_pairs(h, 2), 0);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 3), -EBUSY);
	KUNIT_EXPECT_TRUE(test, h_host_has_queues(h, 2, 2));

	/* The second ring works by itself, and breaks by itself. */
	desc = hc_good_desc(test, h, 500);
	i = 0;
	hc_publish(h, H_TX1, &i, &desc);
	hc_ring_bell(h, H_TX1, SHM_SIGNAL_PROCESS);
	test_frame_expect(test, test_port_receive(&h->host), 500, h->seq++);
	desc.flags = cpu_to_le16(IOQ_DESC_F_NEXT);
	hc_publish(h, H_TX1, &i, &desc);
	hc_ring_bell(h, H_TX1, SHM_SIGNAL_PROCESS);
	KUNIT_EXPECT_EQ(test, hc_broken(h), BIT_ULL(VENET_QUEUE_TX(1)));
	hc_expect_alive(test, h);

	/* A queue may stop under the device: its frames are lost. */
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_RESET,
				       VENET_QUEUE_RX(1)), 0);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, h_pairs(h, 1), 0);
	KUNIT_EXPECT_TRUE(test, h_host_has_queues(h, 2, 1));
	hc_expect_alive(test, h);
}

/*
 * Flows: the client's last frame says which pair gets the answer
 */

/* As a driver would start it. */
static void h_add_pair(struct kunit *test, struct hostile *h, u32 pair, int rx,
		       int tx)
{
	KUNIT_ASSERT_EQ(test, hc_shm(h, rx), 0);
	KUNIT_ASSERT_EQ(test, hc_shm(h, tx), 0);
	hc_start(test, h, VENET_QUEUE_RX(pair));
	hc_start(test, h, VENET_QUEUE_TX(pair));
}

/* A frame of the flow comes from the client. */
static void h_send_flow(struct kunit *test, struct hostile *h, int ring,
			u32 *pos, u16 port)
{
	struct sk_buff *skb = test_flow_frame(h->host.dev, port, false);
	struct ioq_desc desc = { .addr = cpu_to_le64(H_ADDR) };

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memcpy(h->mem, skb->data, skb->len);
	desc.len = cpu_to_le32(skb->len);
	kfree_skb(skb);
	hc_publish(h, ring, pos, &desc);
	hc_ring_bell(h, ring, SHM_SIGNAL_PROCESS);
	skb = test_port_receive(&h->host);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	kfree_skb(skb);
}

/* Which of @n buffers, one for each pair, has the answer? Or @n. */
static u32 h_answer_flow(struct kunit *test, struct hostile *h,
			 struct ioq_desc **bufs, u32 n, u16 port)
{
	struct sk_buff *skb = test_flow_frame(h->host.dev, port, true);
	unsigned long end = jiffies + TEST_TIMEOUT;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(skb), 0);
	while (time_before(jiffies, end)) {
		for (i = 0; i < n; i++)
			if (hc_is_back(h, bufs[i]))
				return i;
		msleep(20);
	}
	return n;
}

static struct ioq_desc *h_post_at(struct hostile *h, int ring, u32 *pos,
				  u32 page)
{
	struct ioq_desc desc = {
		.region = cpu_to_le32(VENET_REGION_SLAB(0)),
		.addr = cpu_to_le64(page * PAGE_SIZE),
		.len = cpu_to_le32(PAGE_SIZE),
	};

	return hc_publish(h, ring, pos, &desc);
}

/* A flow that goes to the second of two pairs, if only its hash counts. */
static u16 h_flow_of_pair_1(struct kunit *test, struct hostile *h)
{
	struct sk_buff *skb;
	u16 port;
	u32 hash;

	for (port = 1000; port < 1100; port++) {
		skb = test_flow_frame(h->host.dev, port, true);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		hash = __skb_get_hash_symmetric(skb);
		kfree_skb(skb);
		if (reciprocal_scale(hash, 2) == 1)
			return port;
	}
	KUNIT_FAIL(test, "no flow");
	return 0;
}

/*
 * The queues of a pair that is not in use go on: what the device put there
 * would be lost without anybody knowing. The flow is one that belongs to the
 * second.
 */
static void pairs_out_of_use_get_no_flow(struct kunit *test)
{
	static const int rings[] = { H_RX, H_RX1, H_RX2 };
	struct hostile *h = test->priv;
	u32 rx[ARRAY_SIZE(rings)] = {}, tx = 0, i;
	struct ioq_desc *bufs[ARRAY_SIZE(rings)];
	u16 port = h_flow_of_pair_1(test, h);

	hc_connect(test, h, ~0ULL);
	h_add_pair(test, h, 1, H_RX1, H_TX1);
	h_add_pair(test, h, 2, H_RX2, H_TX2);
	for (i = 0; i < ARRAY_SIZE(rings); i++)
		bufs[i] = h_post_at(h, rings[i], &rx[i], i);
	KUNIT_ASSERT_EQ(test, h_pairs(h, 3), 0);
	KUNIT_ASSERT_TRUE(test, h_host_has_queues(h, 3, 3));

	h_send_flow(test, h, H_TX2, &tx, port);
	KUNIT_EXPECT_EQ(test, h_answer_flow(test, h, bufs, 3, port), 2);
	bufs[2] = h_post_at(h, H_RX2, &rx[2], 2);
	KUNIT_ASSERT_EQ(test, h_pairs(h, 2), 0);
	KUNIT_ASSERT_TRUE(test, h_host_has_queues(h, 3, 2));
	KUNIT_EXPECT_EQ(test, h_answer_flow(test, h, bufs, 3, port), 1);
}

/* What waits on a queue above does not stay there when the pair goes. */
static void pairs_out_of_use_hold_no_frames(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 1);
	u16 port = h_flow_of_pair_1(test, h);
	struct ioq_desc *bufs[2];
	u32 rx0 = 0, rx1 = 0;

	hc_connect(test, h, ~0ULL);
	h_add_pair(test, h, 1, H_RX1, H_TX1);
	KUNIT_ASSERT_EQ(test, h_pairs(h, 2), 0);
	KUNIT_ASSERT_TRUE(test, h_host_has_queues(h, 2, 2));

	/* The client stops the ring ... */
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(test_flow_frame(h->host.dev, port,
							     true)), 0);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	KUNIT_ASSERT_EQ(test, h_pairs(h, 1), 0);
	KUNIT_ASSERT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_STOP,
				       VENET_QUEUE_RX(1)), 0);
	msleep(100);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out1_dropped"),
			1);

	/* ... or forgets it. */
	KUNIT_ASSERT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START,
				       VENET_QUEUE_RX(1)), 0);
	KUNIT_ASSERT_EQ(test, h_pairs(h, 2), 0);
	KUNIT_ASSERT_EQ(test, dev_queue_xmit(test_flow_frame(h->host.dev, port,
							     true)), 0);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	KUNIT_ASSERT_EQ(test, h_pairs(h, 1), 0);
	msleep(1500);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out1_dropped"),
			2);

	/* It is as good as new when it is in use again. */
	KUNIT_ASSERT_EQ(test, h_pairs(h, 2), 0);
	bufs[0] = h_post_at(h, H_RX, &rx0, 0);
	bufs[1] = h_post_at(h, H_RX1, &rx1, 1);
	KUNIT_EXPECT_EQ(test, h_answer_flow(test, h, bufs, 2, port), 1);
}

static struct kunit_case h_pair_cases[] = {
	KUNIT_CASE_SLOW(pairs_have_limits),
	KUNIT_CASE_SLOW(pairs_out_of_use_get_no_flow),
	KUNIT_CASE_SLOW(pairs_out_of_use_hold_no_frames),
	{}
};

static struct kunit_suite h_pair_suite = {
	.name = "venet-tap-pairs",
	.init = hc_init,
	.exit = hc_exit,
	.test_cases = h_pair_cases,
};

kunit_test_suite(h_pair_suite);
