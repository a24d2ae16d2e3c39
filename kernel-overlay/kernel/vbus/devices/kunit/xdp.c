// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices, end to end: XDP
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/kthread.h>
#include <linux/rtnetlink.h>
#include <linux/venet.h>
#include <net/xdp.h>

#include "e2e.h"

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
	u64 drops, packets;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		prog = e2e_xdp_answer(test, answers[i], true);
		e2e_xdp_attach(test, e, prog);
		drops = test_port_stat(test, &e->guest, "rx_xdp_drops");
		packets = test_port_stat(test, &e->guest, "rx_packets");
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
		/* It has received them all the same, and lost none. */
		KUNIT_EXPECT_GE(test,
				test_port_stat(test, &e->guest, "rx_packets"),
				packets + 600);
		KUNIT_EXPECT_EQ(test,
				test_port_stat(test, &e->guest, "rx_dropped"),
				0);
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

/*
 * Frames of other devices, and frames that a program sends to another device
 */

/* Copy the bytes of @skb from @pos on to a page of the frame's own. */
static bool e2e_xdp_add_frag(struct xdp_frame *frame, const struct sk_buff *skb,
			     u32 pos, u32 len)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_frame(frame);
	struct page *page = dev_alloc_page();

	if (!page)
		return false;
	skb_copy_bits(skb, pos, page_address(page), len);
	skb_frag_fill_page_desc(&shared->frags[shared->nr_frags++], page, 0,
				len);
	shared->xdp_frags_size += len;
	frame->flags |= XDP_FLAGS_HAS_FRAGS;
	return true;
}

/* What XDP of another device redirects: up to @room bytes, and fragments. */
static struct xdp_frame *e2e_xdp_frame(struct kunit *test,
				       const struct sk_buff *skb, u32 room)
{
	struct page *page = dev_alloc_page();
	struct xdp_frame *frame;
	u32 pos, len;

	KUNIT_ASSERT_NOT_NULL(test, page);
	frame = page_address(page);
	memset(frame, 0, PAGE_SIZE);
	frame->data = page_address(page) + XDP_PACKET_HEADROOM;
	frame->len = min(skb->len, room);
	frame->headroom = XDP_PACKET_HEADROOM - sizeof(*frame);
	frame->frame_sz = PAGE_SIZE;
	skb_copy_bits(skb, 0, frame->data, frame->len);
	for (pos = frame->len; pos < skb->len; pos += len) {
		len = min_t(u32, skb->len - pos, PAGE_SIZE);
		KUNIT_ASSERT_TRUE(test,
				  e2e_xdp_add_frag(frame, skb, pos, len));
	}
	return frame;
}

static struct xdp_frame *e2e_xdp_make(struct kunit *test, struct e2e *e,
				      u32 len, u32 seq, u32 room)
{
	struct sk_buff *skb = test_frame(e->guest.dev, len, seq, true);
	struct xdp_frame *frame;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	frame = e2e_xdp_frame(test, skb, room);
	kfree_skb(skb);
	return frame;
}

/* As a device's poll does it. Return: how many were taken. */
static int e2e_xdp_xmit(struct net_device *dev, struct xdp_frame **frames,
			int n, u32 flags)
{
	int sent;

	local_bh_disable();
	rcu_read_lock();
	sent = dev->netdev_ops->ndo_xdp_xmit(dev, n, frames, flags);
	rcu_read_unlock();
	local_bh_enable();
	return sent;
}

static void frames_of_other_devices_are_sent(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct xdp_frame *frame;
	u32 i;

	for (i = 0; i < 1000; i++) {
		frame = e2e_xdp_make(test, e, 1000, i, 1000);
		KUNIT_ASSERT_EQ(test, e2e_xdp_xmit(e->guest.dev, &frame, 1,
						   XDP_XMIT_FLUSH), 1);
		test_frame_expect(test, test_port_receive(&e->host), 1000, i);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_xdp_xmit"),
			1000);

	/* Not while it is closed: then they are still their owner's. */
	test_port_down(&e->guest);
	frame = e2e_xdp_make(test, e, 1000, 0, 1000);
	KUNIT_EXPECT_EQ(test, e2e_xdp_xmit(e->guest.dev, &frame, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, e2e_xdp_xmit(e->guest.dev, &frame, 1, 2),
			-EINVAL);
	xdp_return_frame(frame);
}

static void frames_of_other_devices_have_fragments(struct kunit *test)
{
	static const struct {
		u32 len;
		u32 room;
	} frames[] = {
		{ 3001, 3000 }, { 4096, 100 }, { 9000, 3000 }, { 9014, 14 },
		{ 32768, 3500 }, { 65000, 3000 },
	};
	struct e2e *e = test->priv;
	struct xdp_frame *frame;
	u32 i, len;

	for (i = 0; i < 100; i++) {
		len = frames[i % ARRAY_SIZE(frames)].len;
		frame = e2e_xdp_make(test, e, len, i,
				     frames[i % ARRAY_SIZE(frames)].room);
		KUNIT_ASSERT_EQ(test, e2e_xdp_xmit(e->guest.dev, &frame, 1,
						   XDP_XMIT_FLUSH), 1);
		test_frame_expect(test, test_port_receive(&e->host), len, i);
	}
	/* One that no device could have: it is still its owner's. */
	frame = e2e_xdp_make(test, e, VENET_MAX_FRAME + 1, 0, 3000);
	KUNIT_EXPECT_EQ(test, e2e_xdp_xmit(e->guest.dev, &frame, 1, 0), 0);
	xdp_return_frame(frame);
}

#define E2E_XDP_MANY	100

static int e2e_set_rings(struct e2e *e, u32 count)
{
	struct ethtool_ringparam ring = {
		.rx_pending = count,
		.tx_pending = count,
	};
	struct net_device *dev = e->guest.dev;
	int err;

	rtnl_lock();
	err = dev->ethtool_ops->set_ringparam(dev, &ring, NULL, NULL);
	rtnl_unlock();
	return err;
}

/* While softirqs are off here nobody takes anything out of the ring. */
static void frames_of_other_devices_fill_the_ring(struct kunit *test)
{
	struct xdp_frame *frames[E2E_XDP_MANY];
	struct e2e *e = test->priv;
	u32 i, round, seq = 0;
	int sent, n;

	KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, 1), 0);
	KUNIT_ASSERT_EQ(test, e2e_set_rings(e, 64), 0);
	e2e_up(test, e);
	e2e_both_ways(test, e, 1000, 1, true);
	for (round = 0; round < 5; round++) {
		for (n = 0; n < E2E_XDP_MANY; n++)
			frames[n] = e2e_xdp_make(test, e, 500, seq + n, 500);
		sent = e2e_xdp_xmit(e->guest.dev, frames, n, XDP_XMIT_FLUSH);
		KUNIT_ASSERT_GT(test, sent, 0);
		KUNIT_EXPECT_LT(test, sent, 64);
		for (n = sent; n < E2E_XDP_MANY; n++)
			xdp_return_frame(frames[n]);
		for (i = 0; i < sent; i++)
			test_frame_expect(test, test_port_receive(&e->host),
					  500, seq + i);
		seq += sent;
		/* The stack shares the ring, and it was not left stopped. */
		e2e_exchange(test, &e->guest, &e->host, 1000, round, true);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_xdp_xmit"),
			seq);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "broken_queues"),
			0);
}

/**
 * struct e2e_xdp_sender - who sends while the interface changes
 * @dev: the interface
 * @sent: frames that it has taken
 * @refused: frames that it has not
 */
struct e2e_xdp_sender {
	struct net_device *dev;
	u64 sent;
	u64 refused;
};

static bool e2e_xdp_send_batch(struct e2e_xdp_sender *sender)
{
	struct xdp_frame *frames[16];
	struct page *page;
	int i, n, sent;

	for (n = 0; n < ARRAY_SIZE(frames); n++) {
		page = dev_alloc_page();
		if (!page)
			break;
		frames[n] = page_address(page);
		memset(frames[n], 0, PAGE_SIZE);
		frames[n]->data = page_address(page) + XDP_PACKET_HEADROOM;
		frames[n]->len = 200;
		frames[n]->headroom = XDP_PACKET_HEADROOM - sizeof(**frames);
		frames[n]->frame_sz = PAGE_SIZE;
	}
	sent = e2e_xdp_xmit(sender->dev, frames, n, XDP_XMIT_FLUSH);
	for (i = sent; i < n; i++)
		xdp_return_frame(frames[i]);
	sender->sent += sent;
	sender->refused += n - sent;
	return sent;
}

static int e2e_xdp_send(void *arg)
{
	struct e2e_xdp_sender *sender = arg;

	while (!kthread_should_stop()) {
		if (e2e_xdp_send_batch(sender))
			cond_resched();
		else
			usleep_range(50, 100);
	}
	return 0;
}

/*
 * What the stack sends: it must not be woken while there is no ring. Slowly, so
 * that a ring that nobody reads any more is not full before it goes.
 */
static int e2e_stack_send(void *arg)
{
	struct test_port *port = arg;
	struct sk_buff *skb;

	while (!kthread_should_stop()) {
		skb = test_frame(port->dev, 300, 1, true);
		if (skb)
			dev_queue_xmit(skb);
		usleep_range(100, 200);
	}
	return 0;
}

static void e2e_change(struct kunit *test, struct e2e *e)
{
	u32 i;

	for (i = 0; i < 24; i++) {
		KUNIT_EXPECT_EQ(test, e2e_set_rings(e, i & 1 ? 256 : 512), 0);
		msleep(20);
		if (i % 3 == 2)
			KUNIT_EXPECT_EQ(test, e2e_set_pairs(e, i % 2 + 1), 0);
		skb_queue_purge(&e->host.frames);
	}
}

/* Rings and pairs come and go under frames of XDP and of the stack. */
static void rings_change_under_frames_of_other_devices(struct kunit *test)
{
	struct e2e *e = test->priv;
	struct e2e_xdp_sender sender = { .dev = e->guest.dev };
	struct task_struct *xdp, *stack;

	KUNIT_ASSERT_EQ(test, e2e_set_pairs(e, 1), 0);
	xdp = kthread_run(e2e_xdp_send, &sender, "kunit-xdp");
	stack = kthread_run(e2e_stack_send, &e->guest, "kunit-stack");
	if (!IS_ERR(xdp) && !IS_ERR(stack))
		e2e_change(test, e);
	KUNIT_EXPECT_FALSE(test, IS_ERR(xdp));
	KUNIT_EXPECT_FALSE(test, IS_ERR(stack));
	if (!IS_ERR(xdp))
		kthread_stop(xdp);
	if (!IS_ERR(stack))
		kthread_stop(stack);
	KUNIT_EXPECT_GT(test, sender.sent, 0);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_xdp_xmit"),
			sender.sent);

	KUNIT_EXPECT_EQ(test, e2e_set_pairs(e, 1), 0);
	e2e_up(test, e);
	msleep(100);
	skb_queue_purge(&e->host.frames);
	e2e_both_ways(test, e, 1000, 1, true);
}

#ifdef CONFIG_BPF_SYSCALL
/* bpf_redirect(), of which only programs know the address. */
static u64 e2e_bpf_redirect(u64 ifindex, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct bpf_redirect_info *ri = bpf_net_ctx_get_ri();

	ri->tgt_index = ifindex;
	ri->flags = 0;
	ri->map_id = INT_MAX;
	ri->map_type = BPF_MAP_TYPE_UNSPEC;
	return XDP_REDIRECT;
}

static struct bpf_prog *e2e_xdp_redirect(struct kunit *test, int ifindex)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, ifindex),
		BPF_EMIT_CALL(e2e_bpf_redirect),
		BPF_EXIT_INSN(),
	};

	return e2e_xdp_prog(test, insns, ARRAY_SIZE(insns), true);
}

/* To the interface itself: what came from the host goes back there. */
static void programs_redirect_frames(struct kunit *test)
{
	struct e2e *e = test->priv;
	const u32 n = ARRAY_SIZE(e2e_xdp_payloads);
	struct bpf_prog *prog = e2e_xdp_redirect(test, e->guest.dev->ifindex);
	u32 i;

	e2e_xdp_attach(test, e, prog);
	for (i = 0; i < n; i++)
		e2e_exchange(test, &e->host, &e->host,
			     ETH_HLEN + e2e_xdp_payloads[i], i, true);
	/* Not more than its ring for transmission takes at once. */
	e2e_burst(test, &e->host, &e->host, 50, 4500);
	KUNIT_EXPECT_EQ(test,
			test_port_stat(test, &e->guest, "rx_xdp_redirects"),
			n + 50);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "tx_xdp_xmit"),
			n + 50);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&e->guest.frames));
	e2e_xdp_detach(test, e, prog);

	/* Where there is nothing the frame is lost, and its pages are not. */
	prog = e2e_xdp_redirect(test, INT_MAX);
	e2e_xdp_attach(test, e, prog);
	for (i = 0; i < 600; i++) {
		struct sk_buff *skb = test_frame(e->host.dev, 5000, i, true);

		KUNIT_ASSERT_NOT_NULL(test, skb);
		dev_queue_xmit(skb);
		if (!(i % 50))
			msleep(20);
	}
	msleep(100);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &e->guest, "rx_xdp_drops"),
			600);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&e->host.frames));
	e2e_xdp_detach(test, e, prog);
	e2e_both_ways(test, e, 5000, 1, true);
}
#else
static void programs_redirect_frames(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_BPF_SYSCALL");
}
#endif

static struct kunit_case e2e_xdp_cases[] = {
	KUNIT_CASE_SLOW(programs_pass_frames),
	KUNIT_CASE_SLOW(programs_drop_frames),
	KUNIT_CASE_SLOW(programs_send_frames_back),
	KUNIT_CASE_SLOW(programs_tell_and_change),
	KUNIT_CASE_SLOW(programs_without_fragments_limit_the_mtu),
	KUNIT_CASE_SLOW(programs_redirect_frames),
	KUNIT_CASE_SLOW(frames_of_other_devices_are_sent),
	KUNIT_CASE_SLOW(frames_of_other_devices_have_fragments),
	KUNIT_CASE_SLOW(frames_of_other_devices_fill_the_ring),
	KUNIT_CASE_SLOW(rings_change_under_frames_of_other_devices),
	{}
};

static struct kunit_suite e2e_xdp_suite = {
	.name = "venet-xdp",
	.init = e2e_init,
	.exit = e2e_exit,
	.test_cases = e2e_xdp_cases,
};

kunit_test_suite(e2e_xdp_suite);
