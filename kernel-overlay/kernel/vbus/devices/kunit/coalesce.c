// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of venet-tap: signals that the client has put off
 */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "client.h"

static int h_coalesce(struct hostile *h, u32 queue, u32 usecs, u32 frames)
{
	struct venet_coalesce arg = {
		.queue = cpu_to_le32(queue),
		.usecs = cpu_to_le32(usecs),
		.frames = cpu_to_le32(frames),
	};

	return hc_call(h, VENET_CALL_COALESCE, &arg, sizeof(arg));
}

/* The client has posted @n buffers, and sleeps. */
static void h_sleep(struct hostile *h, int n)
{
	struct venet_ring *ring = hc_ring(h, H_RX);
	struct ioq_desc desc = {
		.region = cpu_to_le32(VENET_REGION_SLAB(0)),
		.len = cpu_to_le32(PAGE_SIZE),
	};

	while (n--)
		hc_publish(h, H_RX, &h->rx, &desc);
	atomic_set(&h->regions[H_RX].rung, 0);
	WRITE_ONCE(ring->signal.guest.enabled,
		   cpu_to_le32(le32_to_cpu(ring->signal.guest.enabled) + 1));
}

static void h_frames(struct kunit *test, struct hostile *h, int n)
{
	struct sk_buff *skb;

	while (n--) {
		skb = test_frame(h->host.dev, 500, h->seq++, true);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, dev_queue_xmit(skb), 0);
	}
}

static int h_rung(struct hostile *h)
{
	return atomic_read(&h->regions[H_RX].rung);
}

static bool h_rings(struct hostile *h)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (!h_rung(h) && time_before(jiffies, end))
		msleep(20);
	return h_rung(h) == 1;
}

static void wishes_are_checked(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, VENET_QUEUE_TX(0), 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 2 * VENET_MAX_PAIRS, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, U32_MAX, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS + 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 0, U32_MAX, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, U32_MAX), 0);
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 0, 0, 1), 0);
}

static void without_the_feature_nothing_waits(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~VENET_FEATURE(VENET_F_COALESCE));
	KUNIT_EXPECT_EQ(test, h_coalesce(h, 0, 1, 1), -EOPNOTSUPP);
	h_sleep(h, 1);
	h_frames(test, h, 1);
	KUNIT_EXPECT_EQ(test, h_rung(h), 1);
}

/* On a machine that stands still now and then, some wait for nothing. */
static void a_signal_waits_and_comes(struct kunit *test)
{
	struct hostile *h = test->priv;
	int i, waited = 0;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 0), 0);
	for (i = 0; i < 10; i++) {
		h_sleep(h, 2);
		h_frames(test, h, 2);
		waited += !h_rung(h);
		KUNIT_EXPECT_TRUE(test, h_rings(h));
	}
	KUNIT_EXPECT_GT(test, waited, 0);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_packets"), 20);
}

static void enough_frames_do_not_wait(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 3), 0);
	h_sleep(h, 8);
	h_frames(test, h, 3);
	KUNIT_EXPECT_EQ(test, h_rung(h), 1);
	/* One that was put off, the work ends; there is nothing left for it. */
	msleep(50);
	KUNIT_EXPECT_EQ(test, h_rung(h), 1);
}

static void the_last_buffer_does_not_wait(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 0), 0);
	h_sleep(h, 3);
	h_frames(test, h, 3);
	KUNIT_EXPECT_EQ(test, h_rung(h), 1);
}

/* A client that looks anyway is told at once, which costs nothing. */
static void a_client_that_polls_is_told(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct shm_signal_side *side = &hc_ring(h, H_RX)->signal.host;
	__le32 was;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 0), 0);
	h_sleep(h, 8);
	WRITE_ONCE(hc_ring(h, H_RX)->signal.guest.enabled, 0);
	was = READ_ONCE(side->pending);
	h_frames(test, h, 1);
	KUNIT_EXPECT_NE(test, (__force u32)READ_ONCE(side->pending),
			(__force u32)was);
	KUNIT_EXPECT_EQ(test, h_rung(h), 0);
}

/* What waits does not outlive its queue, nor is it lost with the interface. */
static void what_waits_ends_with_the_queue(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 0), 0);
	h_sleep(h, 8);
	h_frames(test, h, 1);
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_STOP, 0), 0);
	h_sleep(h, 0);
	msleep(50);
	KUNIT_EXPECT_EQ(test, h_rung(h), 0);

	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, 0), 0);
	h_frames(test, h, 1);
	KUNIT_EXPECT_TRUE(test, h_rings(h));
	KUNIT_EXPECT_EQ(test, vbus_client_close(h->client, h->handle), 0);
}

static void what_waits_comes_when_the_interface_goes(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, h_coalesce(h, 0, VENET_MAX_USECS, 0), 0);
	h_sleep(h, 8);
	h_frames(test, h, 1);
	test_port_exit(&h->host);
	KUNIT_EXPECT_EQ(test, test_store(&h->tb, "enabled", "0\n"), 0);
	KUNIT_EXPECT_EQ(test, h_rung(h), 1);
	KUNIT_ASSERT_EQ(test, test_store(&h->tb, "enabled", "1\n"), 0);
	test_port_init(&h->host, test_tap_netdev(test, &h->tb));
}

static struct kunit_case h_coalesce_cases[] = {
	KUNIT_CASE_SLOW(wishes_are_checked),
	KUNIT_CASE_SLOW(without_the_feature_nothing_waits),
	KUNIT_CASE_SLOW(a_signal_waits_and_comes),
	KUNIT_CASE_SLOW(enough_frames_do_not_wait),
	KUNIT_CASE_SLOW(the_last_buffer_does_not_wait),
	KUNIT_CASE_SLOW(a_client_that_polls_is_told),
	KUNIT_CASE_SLOW(what_waits_ends_with_the_queue),
	KUNIT_CASE_SLOW(what_waits_comes_when_the_interface_goes),
	{}
};

static struct kunit_suite h_coalesce_suite = {
	.name = "venet-tap-coalesce",
	.init = hc_init,
	.exit = hc_exit,
	.test_cases = h_coalesce_cases,
};

kunit_test_suite(h_coalesce_suite);
