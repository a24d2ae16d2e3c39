// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: frames for the client
 *
 * ndo_start_xmit() copies them into buffers that the client has posted. The lock
 * of the interface's transmit queue is the lock of the ring of that number. No
 * skb outlives the call: it has been copied, or dropped, or the queue above keeps
 * it because buffers ran out. Then the client's next buffers ring. But skbs are
 * somebody's, who may wait for them: so when a client has not posted a fair share
 * of its ring within a second, nothing waits for it any more, and frames that find
 * no buffer are dropped until it has. Bells alone change nothing in that.
 *
 * The same lock covers @hungry, @stalled and @taken; the timer takes it, too. So
 * the queue above is stopped only while the timer is pending, or has expired and
 * waits for the lock, and what it decides is seen by the next frame. The bell may
 * not take it, and does not touch them: it wakes the queue, no more.
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/highmem.h>
#include <linux/if_vlan.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>

#include "tap.h"
#include "trace.h"

/* How long the queue above waits for buffers. */
#define TAP_OUT_PATIENCE	HZ

/* What a descriptor says about its buffer: checked, for once and for all. */
static bool tap_out_check(const struct tap_conn *tc,
			  const struct ioq_desc *desc, struct tap_buf *buf)
{
	u32 slab = le32_to_cpu(desc->region) - VENET_REGION_SLAB(0);
	u64 offset = le64_to_cpu(desc->addr);
	u64 end;

	if (desc->flags || desc->reserved || slab >= TAP_SLABS)
		return false;
	/* Pairs with the smp_store_release() in tap_shm_slab(). */
	buf->shm = smp_load_acquire(&tc->slabs[array_index_nospec(slab,
								  TAP_SLABS)]);
	buf->len = le32_to_cpu(desc->len);
	if (!buf->shm || buf->len < TAP_BUF_MIN || buf->len > TAP_BUF_MAX ||
	    check_add_overflow(offset, (u64)buf->len, &end) ||
	    end > buf->shm->len)
		return false;
	buf->offset = array_index_nospec((size_t)offset, buf->shm->len);
	return true;
}

/*
 * Read as many buffers as a frame of @len bytes needs. Returns their number;
 * -ENOSPC when the client has not posted enough; -EMSGSIZE when the frame is
 * too long for what it posts; -EIO when it posts nonsense. With an error none
 * is kept.
 */
static int tap_out_reserve(struct tap_out *out, u32 len)
{
	const struct tap_conn *tc = out->q.tc;
	u32 ring = out->q.ring.mask + 1;
	int max = tap_has(tc, VENET_F_MRG) ? min(TAP_OUT_BUFS, ring) : 1;
	struct ioq_desc desc;
	u32 room = 0;
	int n, err;

	for (n = 0; room < len; n++) {
		err = -EMSGSIZE;
		if (n == max)
			goto unread;
		err = -ENOSPC;
		if (!ioq_read(&out->q.ring, &desc))
			goto unread;
		if (!tap_out_check(tc, &desc, &out->bufs[n])) {
			tap_queue_break(&out->q, "bad buffer");
			return -EIO;
		}
		room += out->bufs[n].len;
	}
	return n;

unread:
	ioq_unread(&out->q.ring, n);
	return err;
}

/* Copy @len bytes at @pos of the frame into a buffer, page by page. */
static int tap_out_copy(const struct tap_buf *buf, const struct sk_buff *skb,
			u32 pos, u32 len)
{
	size_t at = buf->offset;
	u32 left = len;
	int err = 0;

	if (!vbus_shm_live(buf->shm))
		return -EAGAIN;
	while (left && !err) {
		u32 n = min_t(u32, left, PAGE_SIZE - offset_in_page(at));
		void *page = kmap_local_page(buf->shm->pages[at >> PAGE_SHIFT]);

		err = skb_copy_bits(skb, pos, page + offset_in_page(at), n);
		kunmap_local(page);
		at += n;
		pos += n;
		left -= n;
	}
	vbus_shm_dirty(buf->shm, buf->offset, len);
	return err;
}

/* Fill @n buffers and answer their descriptors; nothing is given back yet. */
static int tap_out_fill(struct tap_out *out, const struct sk_buff *skb,
			const struct venet_desc *vd, int n)
{
	u32 pos = 0;
	int i, err;

	for (i = 0; i < n; i++) {
		u32 len = min(out->bufs[i].len, skb->len - pos);
		bool last = i == n - 1;

		err = tap_out_copy(&out->bufs[i], skb, pos, len);
		if (err)
			return err;
		pos += len;
		ioq_answer(&out->q.ring, i, len, last ? 0 : IOQ_DESC_F_NEXT,
			   vd, i ? 0 : sizeof(*vd));
	}
	return 0;
}

/* How many buffers a client that is alive posts after they ran out. */
static u32 tap_out_fair_share(const struct tap_out *out)
{
	return (out->q.ring.mask + 1) / 4;
}

/* @n buffers were filled of a ring that was empty before. */
static void tap_out_fed(struct tap_out *out, int n)
{
	out->taken += n;
	if (out->taken < tap_out_fair_share(out))
		return;
	out->hungry = false;
	out->stalled = false;
}

/* Copy one frame to the client. Returns 0 or the reason why it cannot be. */
static int tap_out_deliver(struct tap_out *out, struct sk_buff *skb)
{
	u64 offloads = READ_ONCE(out->q.tc->offloads);
	struct venet_desc vd;
	int n, err;

	n = tap_out_reserve(out, skb->len);
	if (n < 0)
		return n;
	skb_tx_timestamp(skb);
	err = tap_hdr_from_skb(offloads, skb, n, &vd);
	if (!err && tap_has(out->q.tc, VENET_F_HASH))
		tap_hdr_hash(skb, &vd);
	if (!err)
		err = tap_out_fill(out, skb, &vd, n);
	if (err) {
		ioq_unread(&out->q.ring, n);
		return err;
	}
	tap_queue_give_back(&out->q, n);
	WRITE_ONCE(out->unsignalled, out->unsignalled + 1);
	if (unlikely(out->hungry))
		tap_out_fed(out, n);
	return 0;
}

static void tap_out_flush(struct tap_out *out)
{
	if (!out->unsignalled || !tap_queue_usable(&out->q))
		return;
	WRITE_ONCE(out->unsignalled, 0);
	tap_queue_inject(&out->q);
}

/*
 * Buffers have run out: wait for the bell. The time for that runs from when they
 * did so first, and again when there was a fair share of them in between. Not to
 * be called once it is over: then nobody would start the queue.
 */
static void tap_out_stop(struct tap_out *out, struct netdev_queue *txq)
{
	netif_tx_stop_queue(txq);
	tap_count(&out->q.counters->full, 1);
	if (!out->hungry) {
		out->hungry = true;
		out->taken = 0;
		mod_timer(&out->stall, jiffies + TAP_OUT_PATIENCE);
	}
	/* What the client posts from here on rings, and wakes the queue. */
	tap_queue_enable(&out->q);
}

/*
 * Returns 0; -EBUSY when the frame has to wait for buffers; another error when
 * it is lost.
 */
static int tap_out_frame(struct tap_out *out, struct sk_buff *skb,
			 struct netdev_queue *txq)
{
	int err = tap_out_deliver(out, skb);

	if (err != -ENOSPC)
		return err;
	if (out->stalled) {
		/* A fair share is one of buffers at a time. */
		out->taken = 0;
		return -ENOBUFS;
	}
	tap_out_flush(out);
	tap_out_stop(out, txq);
	err = tap_out_deliver(out, skb);
	if (err == -ENOSPC)
		return -EBUSY;
	netif_tx_start_queue(txq);
	return err;
}

/* Stop before the next frame finds nothing, rather than hand it back. */
static void tap_out_look_ahead(struct tap_out *out, struct netdev_queue *txq)
{
	if (ioq_pending(&out->q.ring) || READ_ONCE(out->q.broken) ||
	    out->stalled)
		return;
	tap_out_flush(out);
	tap_out_stop(out, txq);
	if (ioq_pending(&out->q.ring))
		netif_tx_start_queue(txq);
}

/* Is the frame longer than the client wants it? Segments are cut to fit. */
static bool tap_out_too_long(const struct tap_conn *tc,
			     const struct sk_buff *skb)
{
	u32 hdr = ETH_HLEN;

	if (skb_is_gso(skb))
		return false;
	if (eth_type_vlan(skb->protocol))
		hdr += VLAN_HLEN;
	return skb->len > READ_ONCE(tc->mtu) + hdr;
}

static bool tap_out_usable(const struct tap_out *out)
{
	return READ_ONCE(out->q.tc->link) && tap_queue_usable(&out->q) &&
	       !READ_ONCE(out->q.broken);
}

static int tap_out_try(struct tap_out *out, struct sk_buff *skb,
		       struct netdev_queue *txq)
{
	if (!tap_out_usable(out))
		return -ENETDOWN;
	if (skb->len < VENET_MIN_FRAME || tap_out_too_long(out->q.tc, skb))
		return -EMSGSIZE;
	return tap_out_frame(out, skb, txq);
}

static int tap_out_xmit(struct tap_out *out, struct sk_buff *skb,
			struct netdev_queue *txq)
{
	struct tap_counters *counters = out->q.counters;
	int err = 0;

	if (!tap_filter_passes(out->q.tc, skb)) {
		tap_count(&counters->filtered, 1);
		goto flush;
	}
	err = tap_out_try(out, skb, txq);
	if (!err) {
		tap_count(&counters->packets, 1);
		tap_count(&counters->bytes, skb->len);
		dev_sw_netstats_tx_add(skb->dev, 1, skb->len);
		tap_out_look_ahead(out, txq);
	} else if (err != -EBUSY) {
		tap_count(&counters->dropped, 1);
	}
flush:
	if (netif_xmit_stopped(txq) ||
	    (!netdev_xmit_more() && !tap_coalesce(out)))
		tap_out_flush(out);
	if (err != -EBUSY)
		tap_status_counted(out->q.tc);
	return err;
}

/**
 * tap_xmit - ndo_start_xmit of the interface
 * @skb: a frame
 * @dev: the interface
 *
 * Context: softirqs off, the transmit lock held.
 * Return: NETDEV_TX_OK when @skb was consumed; NETDEV_TX_BUSY when the queue
 * was stopped and has to keep it.
 */
netdev_tx_t tap_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct venet_tap *tap = tap_from_netdev(dev);
	struct netdev_queue *txq = skb_get_tx_queue(dev, skb);
	u32 queue = skb_get_queue_mapping(skb);
	struct tap_conn *tc;
	int err = -ENETDOWN;

	guard(rcu)();
	tc = rcu_dereference(tap->conn);
	if (tc && queue < tc->max_pairs)
		err = tap_out_xmit(&tc->pairs[queue].out, skb, txq);
	if (err == -EBUSY)
		return NETDEV_TX_BUSY;
	if (err) {
		DEV_STATS_INC(dev, tx_dropped);
		kfree_skb(skb);
	} else {
		consume_skb(skb);
	}
	return NETDEV_TX_OK;
}

/* There is no interface, and so no lock: nobody else is here. RCU read side. */
void tap_out_drained(struct tap_out *out)
{
	tap_out_flush(out);
}

/* Signal what has not been, from process context. */
void tap_out_announce(struct tap_out *out)
{
	struct netdev_queue *txq;

	guard(rcu)();
	txq = tap_netdev_txq(out->q.tc->tap, out->q.pair);
	if (txq) {
		__netif_tx_lock_bh(txq);
		tap_out_flush(out);
		__netif_tx_unlock_bh(txq);
	}
}

/*
 * What a burst left unannounced because the ring was suspended when it ended: the
 * bell may not take the lock of the queue above, so this does it.
 */
static bool tap_out_work(struct vbus_work *work)
{
	tap_out_announce(container_of(work, struct tap_out, work));
	return false;
}

/*
 * The client's bell: it says that it has posted buffers after it ran out. Or the
 * connector's: the ring is back. Between the frame that was not announced and
 * that lies a grace period, so what is read here is not from before.
 */
static void tap_out_signal(struct shm_signal_notifier *notifier,
			   enum shm_signal_context ctx)
{
	struct tap_out *out = container_of(notifier, struct tap_out, q.notifier);

	if (unlikely(READ_ONCE(out->unsignalled)))
		vbus_work_queue(&out->work);
	tap_netdev_wake(out->q.tc->tap, out->q.pair);
}

/*
 * Is there a fair share of buffers by now, with those that were filled? Where
 * there was little to send, they are still in the ring.
 */
static bool tap_out_replenished(struct tap_out *out)
{
	u32 missing = tap_out_fair_share(out) - out->taken;
	struct ioq_desc desc;
	u32 n = 0;

	if (!tap_queue_usable(&out->q))
		return false;
	while (n < missing && ioq_read(&out->q.ring, &desc))
		n++;
	ioq_unread(&out->q.ring, n);
	return n == missing;
}

/*
 * The time is over. It may be that nothing waits above right now, because a bell
 * has just woken the queue, or because there was nothing to send; then the next
 * frame that finds no buffer does not.
 */
static void tap_out_judge(struct tap_out *out, struct netdev_queue *txq)
{
	const struct venet_tap *tap = out->q.tc->tap;

	if (tap_out_replenished(out))
		out->hungry = false;
	else
		out->stalled = true;
	if (!netif_tx_queue_stopped(txq))
		return;
	if (out->stalled) {
		tap_count(&out->q.counters->stalls, 1);
		trace_venet_tap_stall(tap->vdev);
	}
	netif_tx_wake_queue(txq);
}

static void tap_out_stall(struct timer_list *timer)
{
	struct tap_out *out = container_of(timer, struct tap_out, stall);
	struct netdev_queue *txq;

	guard(rcu)();
	txq = tap_netdev_txq(out->q.tc->tap, out->q.pair);
	if (!txq) {
		/* Nothing waits without an interface. There may be one again. */
		mod_timer(&out->stall, jiffies + TAP_OUT_PATIENCE);
		return;
	}
	__netif_tx_lock(txq, smp_processor_id());
	/* While we waited for the lock, there was enough, and all is gone. */
	if (out->hungry && !timer_pending(&out->stall))
		tap_out_judge(out, txq);
	__netif_tx_unlock(txq);
}

/* The queue was started: what waits above may come. */
void tap_out_started(struct tap_out *out)
{
	tap_netdev_wake(out->q.tc->tap, out->q.pair);
}

/*
 * The queue was stopped: what waits above comes, and is dropped. No frame gets
 * as far as what is reset here before the queue is started again.
 */
void tap_out_stopped(struct tap_out *out)
{
	timer_delete_sync(&out->stall);
	cancel_work_sync(&out->wait);
	WRITE_ONCE(out->unsignalled, 0);
	out->hungry = false;
	out->stalled = false;
	tap_netdev_wake(out->q.tc->tap, out->q.pair);
}

void tap_out_init(struct tap_out *out, struct tap_conn *tc, u32 pair)
{
	tap_queue_init(&out->q, tc, pair, VENET_QUEUE_RX(pair),
		       &tc->tap->tallies[pair].out, tap_out_signal);
	timer_setup(&out->stall, tap_out_stall, 0);
	vbus_work_init(&out->work, tc->conn, tap_out_work);
	INIT_WORK(&out->wait, tap_coalesce_work);
}
