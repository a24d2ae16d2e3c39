// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: transmission
 *
 * A device that works in the doorbell has copied the frames when the doorbell
 * returns, so we take descriptors back right there and complete the frames: no
 * interrupt. Only when some are still out, because the device has deferred,
 * an interrupt is asked for, and the NAPI poll goes on.
 *
 * While the transmit queue's lock is free, one of these holds: nothing is with
 * the device; or its signal is enabled; or the poll is scheduled. So a queue
 * that stopped because its ring was full is always woken.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <linux/virtio_net.h>

#include "venet.h"

static struct venet *venet_of_tx(const struct venet_tx *tx)
{
	return tx->ioq.pair->venet;
}

static struct netdev_queue *venet_txq(const struct venet_tx *tx)
{
	return netdev_get_tx_queue(venet_of_tx(tx)->dev,
				   tx->ioq.pair->index);
}

static void venet_tx_count(struct venet_tx *tx, u64_stats_t *counter)
{
	u64_stats_update_begin(&tx->stats.syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&tx->stats.syncp);
}

static bool venet_tx_full(const struct venet_tx *tx)
{
	return ioq_space(&tx->ioq.q) < tx->max_descs;
}

/* Are descriptors with the device? */
static bool venet_tx_out(const struct venet_tx *tx)
{
	return tx->ioq.q.head != tx->ioq.q.tail;
}

static void venet_tx_reclaim_frame(struct venet_tx *tx, u32 slot)
{
	struct xdp_frame *frame = tx->frames[slot];

	if (likely(!frame))
		return;
	tx->frames[slot] = NULL;
	xdp_return_frame(frame);
}

/* Complete what the device has given back. */
static void venet_tx_reclaim(struct venet_tx *tx, int budget)
{
	struct ioq *q = &tx->ioq.q;
	unsigned int packets = 0, bytes = 0;
	struct ioq_done done;

	for (;;) {
		u32 slot = ioq_index(q, q->tail);
		struct sk_buff *skb = tx->skbs[slot];

		if (!ioq_take_back(q, &done, NULL))
			break;
		if (done.flags & cpu_to_le16(IOQ_DESC_F_ERROR))
			venet_tx_count(tx, &tx->stats.errors);
		if (!skb) {
			venet_tx_reclaim_frame(tx, slot);
			continue;
		}
		tx->skbs[slot] = NULL;
		packets++;
		bytes += skb->len;
		napi_consume_skb(skb, budget);
	}
	if (packets)
		netdev_tx_completed_queue(venet_txq(tx), packets, bytes);
	if (unlikely(q->broken))
		venet_broken(&tx->ioq, "bad descriptor from the device");
}

static void venet_tx_disarm(struct venet_tx *tx)
{
	if (!tx->armed)
		return;
	tx->armed = false;
	shm_signal_disable(tx->ioq.signal);
}

/* An interrupt is asked for; what came back in between is not signalled. */
static void venet_tx_arm(struct venet_tx *tx, int budget)
{
	if (tx->armed)
		return;
	tx->armed = true;
	venet_tx_count(tx, &tx->stats.armed);
	if (shm_signal_enable(tx->ioq.signal))
		venet_tx_reclaim(tx, budget);
}

/* Make what must hold when the lock is dropped. */
static void venet_tx_settle(struct venet_tx *tx, int budget)
{
	struct netdev_queue *txq = venet_txq(tx);

	venet_tx_reclaim(tx, budget);
	if (unlikely(tx->ioq.q.broken))
		return;
	if (venet_tx_out(tx))
		venet_tx_arm(tx, budget);
	if (!venet_tx_out(tx))
		venet_tx_disarm(tx);
	if (netif_tx_queue_stopped(txq) && !venet_tx_full(tx))
		netif_tx_wake_queue(txq);
}

/* The doorbell. In it, or later, the device works on all that is published. */
static void venet_tx_kick(struct venet_tx *tx)
{
	if (shm_signal_inject(tx->ioq.signal))
		venet_tx_count(tx, &tx->stats.doorbells);
	venet_tx_settle(tx, 0);
}

static void venet_tx_fill(struct venet_tx *tx, u32 n, u64 addr, u32 len,
			  bool last, const struct venet_desc *meta)
{
	struct ioq *q = &tx->ioq.q;
	u32 slot = ioq_index(q, q->head + n);
	struct ioq_desc desc = {
		.flags = last ? 0 : cpu_to_le16(IOQ_DESC_F_NEXT),
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le32(len),
		.cookie = cpu_to_le64(slot),
	};

	if (meta)
		memcpy(desc.data, meta, sizeof(*meta));
	ioq_fill(q, n, &desc);
}

/*
 * Fill as many descriptors as a frame has pieces: @len bytes at @data, and the
 * fragments in @shared. Return: how many.
 */
static u32 venet_tx_fill_frame(struct venet_tx *tx, const void *data, u32 len,
			       const struct skb_shared_info *shared, u32 frags,
			       const struct venet_desc *meta)
{
	u32 i;

	venet_tx_fill(tx, 0, vbus_proxy_addr(virt_to_page(data),
					     offset_in_page(data)),
		      len, !frags, meta);
	for (i = 0; i < frags; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		venet_tx_fill(tx, i + 1,
			      vbus_proxy_addr(skb_frag_page(frag),
					      skb_frag_off(frag)),
			      skb_frag_size(frag), i + 1 == frags, NULL);
	}
	return frags + 1;
}

static void venet_tx_publish(struct venet_tx *tx, struct sk_buff *skb,
			     const struct venet_desc *meta)
{
	const struct skb_shared_info *shared = skb_shinfo(skb);
	struct ioq *q = &tx->ioq.q;
	u32 n = venet_tx_fill_frame(tx, skb->data, skb_headlen(skb), shared,
				    shared->nr_frags, meta);

	tx->skbs[ioq_index(q, q->head + n - 1)] = skb;
	ioq_publish(q, n);
}

/* Can the device have it? Return: false when the frame must be dropped. */
static bool venet_tx_prepare(struct venet_tx *tx, struct sk_buff *skb,
			     struct venet_desc *meta)
{
	u32 max_frame = le32_to_cpu(venet_of_tx(tx)->info.max_frame);

	if (skb->len < VENET_MIN_FRAME || skb->len > max_frame)
		return false;
	if (skb_shinfo(skb)->nr_frags >= tx->max_descs && skb_linearize(skb))
		return false;

	memset(meta, 0, sizeof(*meta));
	return !virtio_net_hdr_from_skb(skb,
					(struct virtio_net_hdr *)&meta->hdr,
					true, false, 0);
}

static void venet_tx_drop(struct venet_tx *tx, struct sk_buff *skb)
{
	venet_tx_count(tx, &tx->stats.dropped);
	dev_kfree_skb_any(skb);
}

/* Count a frame and tell whether now is the time for the doorbell. */
static bool venet_tx_sent(struct venet_tx *tx, unsigned int bytes, bool more)
{
	struct netdev_queue *txq = venet_txq(tx);

	u64_stats_update_begin(&tx->stats.syncp);
	u64_stats_inc(&tx->stats.packets);
	u64_stats_add(&tx->stats.bytes, bytes);
	u64_stats_update_end(&tx->stats.syncp);

	if (venet_tx_full(tx)) {
		netif_tx_stop_queue(txq);
		venet_tx_count(tx, &tx->stats.stopped);
	}
	return __netdev_tx_sent_queue(txq, bytes, more);
}

netdev_tx_t venet_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct venet *venet = netdev_priv(dev);
	struct venet_tx *tx = &venet->pairs[skb_get_queue_mapping(skb)].tx;
	bool kick = !netdev_xmit_more();
	unsigned int bytes = skb->len;
	struct venet_desc meta;

	if (unlikely(!tx->open || tx->ioq.q.broken)) {
		venet_tx_drop(tx, skb);
		return NETDEV_TX_OK;
	}
	if (unlikely(venet_tx_full(tx))) {
		netif_tx_stop_queue(venet_txq(tx));
		venet_tx_kick(tx);
		return NETDEV_TX_BUSY;
	}

	if (likely(venet_tx_prepare(tx, skb, &meta))) {
		skb_tx_timestamp(skb);
		venet_tx_publish(tx, skb, &meta);
		kick = venet_tx_sent(tx, bytes, !kick);
	} else {
		venet_tx_drop(tx, skb);
	}
	if (kick)
		venet_tx_kick(tx);
	return NETDEV_TX_OK;
}

/* Go on where the device had deferred. */
void venet_tx_poll(struct venet_tx *tx, int budget)
{
	struct netdev_queue *txq = venet_txq(tx);

	if (!READ_ONCE(tx->armed) && !READ_ONCE(tx->rung))
		return;

	__netif_tx_lock(txq, smp_processor_id());
	if (READ_ONCE(tx->rung)) {
		WRITE_ONCE(tx->rung, false);
		tx->armed = false;
	}
	venet_tx_settle(tx, budget);
	__netif_tx_unlock(txq);
}

/* From here on frames may be sent, or none is being sent any more. */
void venet_tx_set_open(struct venet_tx *tx, bool open)
{
	struct netdev_queue *txq = venet_txq(tx);

	__netif_tx_lock_bh(txq);
	tx->open = open;
	__netif_tx_unlock_bh(txq);
}

/*
 * Frames of XDP
 */

static void venet_tx_publish_frame(struct venet_tx *tx, struct xdp_frame *frame)
{
	const struct skb_shared_info *shared =
		xdp_get_shared_info_from_frame(frame);
	u32 frags = xdp_frame_has_frags(frame) ? shared->nr_frags : 0;
	struct ioq *q = &tx->ioq.q;
	u32 n = venet_tx_fill_frame(tx, frame->data, frame->len, shared, frags,
				    NULL);

	tx->frames[ioq_index(q, q->head + n - 1)] = frame;
	ioq_publish(q, n);
}

/*
 * Queue a frame, under the transmit queue's lock. venet_tx_flush() or another
 * doorbell has to follow. Return: false when it is still the caller's.
 */
bool venet_tx_frame(struct venet_tx *tx, struct xdp_frame *frame)
{
	u32 max_frame = le32_to_cpu(venet_of_tx(tx)->info.max_frame);
	u32 len = xdp_get_frame_len(frame);

	if (!tx->open || tx->ioq.q.broken || len < VENET_MIN_FRAME ||
	    len > max_frame)
		return false;
	if (xdp_frame_has_frags(frame) &&
	    xdp_get_shared_info_from_frame(frame)->nr_frags >= tx->max_descs)
		return false;
	if (venet_tx_full(tx)) {
		venet_tx_kick(tx);
		if (venet_tx_full(tx))
			return false;
	}
	venet_tx_publish_frame(tx, frame);
	/* The queue is the stack's as well, and it moves. */
	txq_trans_cond_update(venet_txq(tx));

	u64_stats_update_begin(&tx->stats.syncp);
	u64_stats_inc(&tx->stats.packets);
	u64_stats_add(&tx->stats.bytes, len);
	u64_stats_inc(&tx->stats.xdp_xmit);
	u64_stats_update_end(&tx->stats.syncp);
	return true;
}

/* Queue frames and ring. Return: how many of them, the first ones, were taken. */
int venet_tx_frames(struct venet_tx *tx, int n, struct xdp_frame **frames)
{
	struct netdev_queue *txq = venet_txq(tx);
	int i;

	__netif_tx_lock(txq, smp_processor_id());
	for (i = 0; i < n; i++)
		if (!venet_tx_frame(tx, frames[i]))
			break;
	if (i)
		venet_tx_kick(tx);
	__netif_tx_unlock(txq);
	return i;
}

/* The doorbell for frames that were queued. */
void venet_tx_flush(struct venet_tx *tx)
{
	struct netdev_queue *txq = venet_txq(tx);

	__netif_tx_lock(txq, smp_processor_id());
	if (tx->open)
		venet_tx_kick(tx);
	__netif_tx_unlock(txq);
}

int venet_tx_alloc(struct venet_tx *tx)
{
	struct venet *venet = venet_of_tx(tx);

	tx->max_descs = min_t(u32, MAX_SKB_FRAGS + 1,
			      le32_to_cpu(venet->info.tx_descs));
	tx->armed = false;
	tx->rung = false;
	tx->skbs = kcalloc(tx->ioq.count, sizeof(*tx->skbs), GFP_KERNEL);
	tx->frames = kcalloc(tx->ioq.count, sizeof(*tx->frames), GFP_KERNEL);
	if (!tx->skbs || !tx->frames)
		return -ENOMEM;
	return venet_ioq_alloc(&tx->ioq);
}

/* The device is closed: what it still had is lost, and was counted as sent. */
static void venet_tx_drop_all(struct venet_tx *tx)
{
	u32 i;

	for (i = 0; i < tx->ioq.count; i++) {
		dev_kfree_skb_any(tx->skbs[i]);
		venet_tx_reclaim_frame(tx, i);
	}
	netdev_tx_reset_queue(venet_txq(tx));
}

void venet_tx_free(struct venet_tx *tx)
{
	if (tx->skbs && tx->frames)
		venet_tx_drop_all(tx);
	kfree(tx->skbs);
	tx->skbs = NULL;
	kfree(tx->frames);
	tx->frames = NULL;
	venet_ioq_free(&tx->ioq);
}

int venet_tx_share(struct venet_tx *tx)
{
	return venet_ioq_share(&tx->ioq, "tx");
}

static void venet_tx_signal(struct shm_signal_notifier *notifier,
			    enum shm_signal_context ctx)
{
	struct venet_tx *tx = container_of(notifier, struct venet_tx,
					   ioq.notifier);

	WRITE_ONCE(tx->rung, true);
	venet_schedule(tx->ioq.pair, ctx);
}

void venet_tx_init(struct venet_pair *pair)
{
	struct venet_tx *tx = &pair->tx;

	tx->ioq.pair = pair;
	tx->ioq.id = VENET_QUEUE_TX(pair->index);
	tx->ioq.notifier.signal = venet_tx_signal;
	u64_stats_init(&tx->stats.syncp);
}
