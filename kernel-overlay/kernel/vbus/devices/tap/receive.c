// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: frames from the client
 *
 * They are taken where the client's bell arrives, if that is a task: the client
 * is that task, so whoever sends much pays for it, and when the bell has been
 * answered the descriptors are the client's again. After a budget, and where
 * the bell may not sleep, the connector's worker goes on.
 *
 * Everything is copied before a descriptor is given back; nothing of the
 * client's memory ever sits in the host's stack. Memory that is not present
 * ends the pass: the core brings it in with nothing held and calls again.
 *
 * A bell never waits for another: who finds the ring taken leaves a note.
 */
#include <linux/etherdevice.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>

#include "tap.h"

/* One pass ends after so many frames or bytes. */
#define TAP_IN_FRAMES		64
#define TAP_IN_BYTES		(128 << 10)

/*
 * A bell so many ns after the last is soon, and so many are a stream; one byte
 * for so many is no answer; so many frames are worth the worker. Soon is what a
 * slow machine takes to answer a bell and to come with the next.
 */
#define TAP_IN_SOON		NSEC_PER_MSEC
#define TAP_IN_STREAK		4
#define TAP_IN_ACKS		8
#define TAP_IN_GATHERED		2

/* A frame up to this size is in one piece, a longer one has that much at hand. */
#define TAP_IN_LINEAR		2048
#define TAP_IN_HEAD		256

/* A frame whose memory is missing that often in a row is refused. */
#define TAP_IN_MAX_FAULTS	(2 * TAP_IN_DESCS)

/**
 * enum tap_in_result - how taking a frame, or a pass, ended
 * @TAP_IN_DONE: frame: taken, or refused for good; pass: the ring is empty
 * @TAP_IN_EMPTY: frame: there is none
 * @TAP_IN_FAULT: memory of the client's is not present
 * @TAP_IN_MORE: pass: somebody must go on
 */
enum tap_in_result {
	TAP_IN_DONE,
	TAP_IN_EMPTY,
	TAP_IN_FAULT,
	TAP_IN_MORE,
};

/**
 * struct tap_frame - the frame in hand
 * @descs: descriptors that were read for it
 * @len: bytes in it
 * @valid: it keeps to the rules so far
 * @vd: its header
 */
struct tap_frame {
	u32 descs;
	u32 len;
	bool valid;
	struct venet_desc vd;
};

/**
 * struct tap_pass - one pass over the ring
 * @skbs: the frames for the host
 * @frames: frames that were taken or refused
 * @bytes: bytes in them
 * @descs: descriptors to be given back
 */
struct tap_pass {
	struct list_head skbs;
	u32 frames;
	u32 bytes;
	u32 descs;
};

/* Add one descriptor to the frame. */
static void tap_in_add(struct tap_in *in, struct tap_frame *frame,
		       const struct ioq_desc *desc)
{
	struct tap_seg *seg = &in->segs[frame->descs];

	if (!frame->descs)
		memcpy(&frame->vd, desc->data, sizeof(frame->vd));
	frame->descs++;
	seg->addr = le64_to_cpu(desc->addr);
	seg->len = le32_to_cpu(desc->len);
	if (desc->region || desc->reserved || !seg->len ||
	    (desc->flags & ~cpu_to_le16(IOQ_DESC_F_NEXT)) ||
	    check_add_overflow(frame->len, seg->len, &frame->len))
		frame->valid = false;
}

/*
 * Read all descriptors of the next frame. They were published at once: one that
 * is missing in the middle, or a chain without end, breaks the ring.
 */
static bool tap_in_gather(struct tap_in *in, struct tap_frame *frame)
{
	struct ioq_desc desc;

	*frame = (struct tap_frame) { .valid = true };
	do {
		if (frame->descs == TAP_IN_DESCS) {
			tap_queue_break(&in->q, "chain without end");
			return false;
		}
		if (!ioq_read(&in->q.ring, &desc)) {
			if (frame->descs)
				tap_queue_break(&in->q, "chain without end");
			return false;
		}
		tap_in_add(in, frame, &desc);
	} while (desc.flags & cpu_to_le16(IOQ_DESC_F_NEXT));
	return true;
}

static bool tap_in_valid(const struct tap_in *in, const struct tap_frame *frame)
{
	return frame->valid && frame->len >= VENET_MIN_FRAME &&
	       frame->len <= VENET_MAX_FRAME &&
	       !tap_hdr_check(in->q.tc, &frame->vd, frame->len);
}

static struct sk_buff *tap_in_alloc_head(u32 len)
{
	u32 size = SKB_DATA_ALIGN(NET_SKB_PAD + NET_IP_ALIGN + len) +
		   SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	struct sk_buff *skb;
	void *data;

	data = napi_alloc_frag(size);
	if (!data)
		return NULL;
	skb = napi_build_skb(data, size);
	if (!skb) {
		skb_free_frag(data);
		return NULL;
	}
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, len);
	return skb;
}

/* Room for @len bytes more, in as few pieces as there can be. */
static bool tap_in_alloc_frags(struct sk_buff *skb, u32 len)
{
	struct page_frag *pfrag = &current->task_frag;
	int i = 0;

	while (len) {
		u32 n;

		if (i == MAX_SKB_FRAGS ||
		    !skb_page_frag_refill(min_t(u32, len, PAGE_SIZE), pfrag,
					  GFP_NOWAIT | __GFP_NOWARN))
			return false;
		n = min_t(u32, len, pfrag->size - pfrag->offset);
		get_page(pfrag->page);
		skb_add_rx_frag(skb, i++, pfrag->page, pfrag->offset, n, n);
		pfrag->offset += n;
		len -= n;
	}
	return true;
}

static struct sk_buff *tap_in_alloc(u32 len)
{
	u32 head = len <= TAP_IN_LINEAR ? len : TAP_IN_HEAD;
	struct sk_buff *skb;

	skb = tap_in_alloc_head(head);
	if (skb && !tap_in_alloc_frags(skb, len - head)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/* Where byte @pos of the frame goes, and how much fits there. */
static void *tap_in_room(struct sk_buff *skb, int *frag, u32 *pos, u32 *room)
{
	if (*frag < 0) {
		*room = skb_headlen(skb) - *pos;
		if (*room)
			return skb->data + *pos;
	} else {
		*room = skb_frag_size(&skb_shinfo(skb)->frags[*frag]) - *pos;
		if (*room)
			return skb_frag_address(&skb_shinfo(skb)->frags[*frag]) +
			       *pos;
	}
	++*frag;
	*pos = 0;
	*room = skb_frag_size(&skb_shinfo(skb)->frags[*frag]);
	return skb_frag_address(&skb_shinfo(skb)->frags[*frag]);
}

/* Copy all of the frame out of the client's memory. */
static int tap_in_copy(struct tap_in *in, const struct tap_frame *frame,
		       struct sk_buff *skb)
{
	struct vbus_connection *conn = in->q.tc->conn;
	struct vbus_memctx *ctx = vbus_connection_memctx(conn);
	u32 i, pos = 0;
	int frag = -1;

	for (i = 0; i < frame->descs; i++) {
		struct tap_seg seg = in->segs[i];

		while (seg.len) {
			u32 n;
			void *to = tap_in_room(skb, &frag, &pos, &n);

			n = min(n, seg.len);
			if (ctx->ops->copy_from(ctx, to, seg.addr, n)) {
				vbus_connection_fault(conn, seg.addr, seg.len,
						      false);
				return -EFAULT;
			}
			pos += n;
			seg.addr += n;
			seg.len -= n;
		}
	}
	return 0;
}

/* Say with the frame's first descriptor what became of it. */
static void tap_in_answer(struct tap_in *in, struct tap_pass *pass,
			  const struct tap_frame *frame, u16 flags)
{
	ioq_answer(&in->q.ring, pass->descs, 0, flags, NULL, 0);
	pass->descs += frame->descs;
	pass->frames++;
	pass->bytes += min(frame->len, VENET_MAX_FRAME);
	in->faults = 0;
}

static enum tap_in_result tap_in_refuse(struct tap_in *in,
					struct tap_pass *pass,
					const struct tap_frame *frame)
{
	tap_count(&in->q.counters->errors, 1);
	tap_in_answer(in, pass, frame, IOQ_DESC_F_ERROR);
	return TAP_IN_DONE;
}

static enum tap_in_result tap_in_drop(struct tap_in *in, struct tap_pass *pass,
				      const struct tap_frame *frame)
{
	tap_count(&in->q.counters->dropped, 1);
	tap_in_answer(in, pass, frame, 0);
	return TAP_IN_DONE;
}

static enum tap_in_result tap_in_fault(struct tap_in *in,
				       struct tap_pass *pass,
				       const struct tap_frame *frame)
{
	tap_count(&in->q.counters->faults, 1);
	if (++in->faults > TAP_IN_MAX_FAULTS)
		return tap_in_refuse(in, pass, frame);
	ioq_unread(&in->q.ring, frame->descs);
	return TAP_IN_FAULT;
}

/* The interface gets its queues a little later than the client uses them. */
static void tap_in_note_queue(const struct tap_in *in, struct sk_buff *skb,
			      const struct net_device *dev)
{
	if (in->q.pair < READ_ONCE(dev->real_num_rx_queues))
		skb_record_rx_queue(skb, in->q.pair);
	tap_flow_seen(in->q.tc, skb, in->q.pair);
}

/* Hand a complete frame to the host's side, or find that it does not hold. */
static enum tap_in_result tap_in_accept(struct tap_in *in,
					struct tap_pass *pass,
					const struct tap_frame *frame,
					struct sk_buff *skb,
					struct net_device *dev)
{
	if (tap_hdr_to_skb(&frame->vd, skb)) {
		kfree_skb(skb);
		return tap_in_refuse(in, pass, frame);
	}
	skb->protocol = eth_type_trans(skb, dev);
	if (!tap_hdr_matches(&frame->vd, skb->protocol)) {
		kfree_skb(skb);
		return tap_in_refuse(in, pass, frame);
	}
	tap_in_note_queue(in, skb, dev);
	list_add_tail(&skb->list, &pass->skbs);
	dev_sw_netstats_rx_add(dev, frame->len);
	tap_count(&in->q.counters->packets, 1);
	tap_count(&in->q.counters->bytes, frame->len);
	tap_in_answer(in, pass, frame, 0);
	return TAP_IN_DONE;
}

/* @dev is NULL while nobody here wants frames: then they are dropped. */
static enum tap_in_result tap_in_take(struct tap_in *in, struct tap_pass *pass,
				      struct net_device *dev)
{
	struct tap_frame frame;
	struct sk_buff *skb;

	if (!tap_in_gather(in, &frame))
		return TAP_IN_EMPTY;
	if (!tap_in_valid(in, &frame))
		return tap_in_refuse(in, pass, &frame);
	if (!dev)
		return tap_in_drop(in, pass, &frame);
	skb = tap_in_alloc(frame.len);
	if (!skb) {
		DEV_STATS_INC(dev, rx_dropped);
		return tap_in_drop(in, pass, &frame);
	}
	if (tap_in_copy(in, &frame, skb)) {
		kfree_skb(skb);
		return tap_in_fault(in, pass, &frame);
	}
	return tap_in_accept(in, pass, &frame, skb, dev);
}

static bool tap_pass_over(const struct tap_pass *pass)
{
	return pass->frames >= TAP_IN_FRAMES || pass->bytes >= TAP_IN_BYTES ||
	       (pass->frames && (need_resched() || signal_pending(current)));
}

/* The interface, if it takes frames. */
static struct net_device *tap_in_netdev(const struct tap_in *in)
{
	struct net_device *dev = rcu_dereference(in->q.tc->tap->netdev);

	return dev && netif_running(dev) ? dev : NULL;
}

/* A list is for many: for one frame it only costs. */
static void tap_in_hand_up(struct list_head *skbs)
{
	struct sk_buff *skb;

	if (!list_is_singular(skbs)) {
		netif_receive_skb_list(skbs);
		return;
	}
	skb = list_first_entry(skbs, struct sk_buff, list);
	skb_list_del_init(skb);
	netif_receive_skb(skb);
}

/*
 * One pass: within one RCU critical section, with softirqs off, by who has
 * TAP_IN_BUSY.
 */
static enum tap_in_result tap_in_pass(struct tap_in *in, bool deferred)
{
	struct tap_pass pass = { .skbs = LIST_HEAD_INIT(pass.skbs) };
	struct net_device *dev = tap_in_netdev(in);
	enum tap_in_result result;

	do {
		result = tap_in_take(in, &pass, dev);
	} while (result == TAP_IN_DONE && !tap_pass_over(&pass));

	if (deferred)
		WRITE_ONCE(in->gathered, in->gathered + pass.frames);
	if (pass.descs) {
		tap_queue_give_back(&in->q, pass.descs);
		tap_queue_inject(&in->q);
		tap_status_counted(in->q.tc);
	}
	tap_in_hand_up(&pass.skbs);
	if (result == TAP_IN_FAULT)
		return TAP_IN_FAULT;
	if (result == TAP_IN_DONE || tap_queue_enable(&in->q))
		return TAP_IN_MORE;
	return TAP_IN_DONE;
}

static enum tap_in_result tap_in_busy(struct tap_in *in, bool deferred)
{
	guard(rcu)();
	if (!tap_queue_usable(&in->q) || READ_ONCE(in->q.broken))
		return TAP_IN_DONE;
	return tap_in_pass(in, deferred);
}

/* Returns true when somebody must go on. Softirqs are off. */
static bool tap_in_try(struct tap_in *in, bool deferred)
{
	enum tap_in_result result;

	set_bit(TAP_IN_AGAIN, &in->flags);
	/*
	 * The note comes before the look at BUSY, and clearing BUSY before the
	 * look for a note: one of two that meet sees the other.
	 */
	smp_mb__after_atomic();
	if (test_and_set_bit_lock(TAP_IN_BUSY, &in->flags))
		return false;
	clear_bit(TAP_IN_AGAIN, &in->flags);
	/* The note is gone before the ring is looked at. */
	smp_mb__after_atomic();
	tap_count(&in->q.counters->deferred, deferred);
	result = tap_in_busy(in, deferred);
	clear_bit_unlock(TAP_IN_BUSY, &in->flags);
	/* Pairs with the first one, of somebody else. */
	smp_mb__after_atomic();
	return result != TAP_IN_DONE || test_bit(TAP_IN_AGAIN, &in->flags);
}

/* Who holds the ring is not kept from it by the softirqs that have come. */
static bool tap_in_run(struct tap_in *in, bool deferred)
{
	bool more;

	local_bh_disable();
	more = tap_in_try(in, deferred);
	local_bh_enable();
	return more;
}

/*
 * Was the last bell answered in kind? Who asks and waits for answers gets about
 * as much as it sends; who streams gets acknowledgements at most.
 */
static bool tap_in_unanswered(struct tap_in *in)
{
	const struct tap_pair *pair = &in->q.tc->pairs[in->q.pair];
	u64 taken = READ_ONCE(in->q.counters->bytes);
	u64 sent = READ_ONCE(pair->out.q.counters->bytes);
	bool unanswered = taken - READ_ONCE(in->taken) >
			  TAP_IN_ACKS * (sent - READ_ONCE(in->sent));

	WRITE_ONCE(in->taken, taken);
	WRITE_ONCE(in->sent, sent);
	return unanswered;
}

/* Count the bells in a row that look like a stream. */
static bool tap_in_streak(struct tap_in *in)
{
	bool unanswered = tap_in_unanswered(in);
	u64 now = local_clock();
	bool soon = now - READ_ONCE(in->rung_at) < TAP_IN_SOON;

	WRITE_ONCE(in->rung_at, now);
	if (!soon || !unanswered)
		WRITE_ONCE(in->streak, 0);
	else if (READ_ONCE(in->streak) < TAP_IN_STREAK)
		WRITE_ONCE(in->streak, in->streak + 1);
	return READ_ONCE(in->streak) == TAP_IN_STREAK;
}

/*
 * A client that rings again and again without an answer has more to send. Then
 * the bell is not answered at once: it stays off until the worker gets to the
 * ring, beside the client or when the client pauses, and takes all that has
 * gathered. If that was more than a frame, the next bell is the worker's too. A
 * guess: where it is wrong it costs what the worker costs.
 */
static bool tap_in_streams(struct tap_in *in)
{
	bool streak = tap_in_streak(in);
	bool gathered = READ_ONCE(in->gathered) >= TAP_IN_GATHERED;

	WRITE_ONCE(in->gathered, 0);
	return streak || gathered;
}

/* The client's bell. */
static void tap_in_signal(struct shm_signal_notifier *notifier,
			  enum shm_signal_context ctx)
{
	struct tap_in *in = container_of(notifier, struct tap_in, q.notifier);

	if (ctx == SHM_SIGNAL_PROCESS && tap_in_streams(in) &&
	    vbus_work_queue(&in->work))
		return;
	if (ctx == SHM_SIGNAL_ATOMIC || tap_in_run(in, false))
		vbus_work_queue(&in->work);
}

/*
 * Queued again rather than asked to be called again: where memory does not
 * exist the core does not call, and the frame has to be refused some time.
 */
static bool tap_in_work(struct vbus_work *work)
{
	if (tap_in_run(container_of(work, struct tap_in, work), true))
		vbus_work_queue(work);
	return false;
}

/* The queue was started: what is in the ring already was not rung for. */
void tap_in_started(struct tap_in *in)
{
	vbus_work_queue(&in->work);
}

void tap_in_init(struct tap_in *in, struct tap_conn *tc, u32 pair)
{
	tap_queue_init(&in->q, tc, pair, VENET_QUEUE_TX(pair),
		       &tc->tap->tallies[pair].in, tap_in_signal);
	vbus_work_init(&in->work, tc->conn, tap_in_work);
}
