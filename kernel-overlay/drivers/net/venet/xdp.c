// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: XDP
 *
 * A program needs room before the frame, may change it and pass it on to other
 * devices, and the slab is shared with the device: so while a program is
 * attached each frame is copied to pages of a page_pool first. What does not fit
 * the first page goes into fragments, if the program knows about those.
 *
 * The header of a frame says things that a program does not see and may make
 * untrue. So the device is told not to use it while a program is attached, and
 * what it had under way is dropped.
 *
 * XDP_TX and frames from other devices use the transmit queues that the stack
 * uses, under their locks, and are not counted against the queues' limits.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>

#include "venet.h"

/* Bytes of a frame in its first page. */
#define VENET_XDP_ROOM	(PAGE_SIZE - XDP_PACKET_HEADROOM - \
			 SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))

/**
 * struct venet_xdp_pos - a place in a frame that the device has delivered
 * @i: which buffer
 * @offset: where in it
 */
struct venet_xdp_pos {
	u32 i;
	u32 offset;
};

static void venet_xdp_count(struct venet_rx *rx, u64_stats_t *counter)
{
	u64_stats_update_begin(&rx->stats.syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&rx->stats.syncp);
}

/* Copy the next @len bytes; the frame has so many. */
static void venet_xdp_read(struct venet_rx *rx, const struct venet_frame *frame,
			   struct venet_xdp_pos *pos, void *to, u32 len)
{
	while (len) {
		u16 page = frame->buf[pos->i].page;
		const void *from = page_address(rx->slab.pages[page]);
		u32 n = min(len, frame->buf[pos->i].len - pos->offset);

		memcpy(to, from + pos->offset, n);
		to += n;
		len -= n;
		pos->offset += n;
		if (pos->offset == frame->buf[pos->i].len) {
			pos->i++;
			pos->offset = 0;
		}
	}
}

static bool venet_xdp_add_frag(struct venet_rx *rx, struct xdp_buff *xdp,
			       const struct venet_frame *frame,
			       struct venet_xdp_pos *pos, u32 len)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(xdp);
	struct page *page;

	if (!xdp_buff_has_frags(xdp)) {
		memset(shared, 0, offsetof(struct skb_shared_info, frags));
		xdp_buff_set_frags_flag(xdp);
	}
	if (shared->nr_frags == MAX_SKB_FRAGS)
		return false;
	page = page_pool_dev_alloc_pages(rx->page_pool);
	if (!page)
		return false;
	venet_xdp_read(rx, frame, pos, page_address(page), len);
	skb_frag_fill_page_desc(&shared->frags[shared->nr_frags++], page, 0,
				len);
	shared->xdp_frags_size += len;
	if (page_is_pfmemalloc(page))
		xdp_buff_set_frag_pfmemalloc(xdp);
	return true;
}

/* Copy a frame to pages of ours. */
static bool venet_xdp_copy(struct venet_rx *rx, struct xdp_buff *xdp,
			   const struct venet_frame *frame)
{
	u32 len = min_t(u32, frame->bytes, VENET_XDP_ROOM);
	struct page *page = page_pool_dev_alloc_pages(rx->page_pool);
	struct venet_xdp_pos pos = {};
	u32 left = frame->bytes - len;

	if (!page)
		return false;
	xdp_init_buff(xdp, PAGE_SIZE, &rx->xdp_rxq);
	xdp_prepare_buff(xdp, page_address(page), XDP_PACKET_HEADROOM, len,
			 true);
	venet_xdp_read(rx, frame, &pos, xdp->data, len);
	while (left) {
		len = min_t(u32, left, PAGE_SIZE);
		if (!venet_xdp_add_frag(rx, xdp, frame, &pos, len)) {
			xdp_return_buff(xdp);
			return false;
		}
		left -= len;
	}
	return true;
}

/* Make an skb of what the program has left; it has the pages. */
static struct sk_buff *venet_xdp_build(struct venet_rx *rx,
				       struct xdp_buff *xdp)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(xdp);
	bool has_frags = xdp_buff_has_frags(xdp);
	u32 nr_frags = has_frags ? shared->nr_frags : 0;
	u32 size = has_frags ? shared->xdp_frags_size : 0;
	u32 meta = xdp->data - xdp->data_meta;
	struct sk_buff *skb;
	u32 i;

	skb = napi_build_skb(xdp->data_hard_start, PAGE_SIZE);
	if (!skb) {
		venet_xdp_count(rx, &rx->stats.dropped);
		xdp_return_buff(xdp);
		return NULL;
	}
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (meta)
		skb_metadata_set(skb, meta);
	skb_shinfo(skb)->nr_frags = nr_frags;
	skb->len += size;
	skb->data_len += size;
	skb->truesize += nr_frags * PAGE_SIZE;
	for (i = 0; i < nr_frags; i++)
		if (page_is_pfmemalloc(skb_frag_page(&shared->frags[i])))
			skb->pfmemalloc = true;
	skb_mark_for_recycle(skb);
	skb_record_rx_queue(skb, rx->ioq.pair->index);
	skb->protocol = eth_type_trans(skb, rx->ioq.pair->venet->dev);
	return skb;
}

/* Send it back on the queue of the same pair; the doorbell comes later. */
static bool venet_xdp_tx(struct venet_rx *rx, struct xdp_buff *xdp)
{
	struct venet_pair *pair = rx->ioq.pair;
	struct netdev_queue *txq = netdev_get_tx_queue(pair->venet->dev,
						       pair->index);
	struct xdp_frame *frame = xdp_convert_buff_to_frame(xdp);
	bool sent;

	if (!frame)
		return false;
	__netif_tx_lock(txq, smp_processor_id());
	sent = venet_tx_frame(&pair->tx, frame);
	__netif_tx_unlock(txq);
	if (sent)
		rx->xdp_todo |= VENET_XDP_TX;
	return sent;
}

static bool venet_xdp_redirect(struct venet_rx *rx, struct xdp_buff *xdp,
			       struct bpf_prog *prog)
{
	if (xdp_do_redirect(rx->ioq.pair->venet->dev, xdp, prog))
		return false;
	rx->xdp_todo |= VENET_XDP_REDIRECT;
	return true;
}

/* Run the program. Return: what the stack shall have, or NULL. */
static struct sk_buff *venet_xdp_run(struct venet_rx *rx, struct xdp_buff *xdp,
				     struct bpf_prog *prog)
{
	struct net_device *dev = rx->ioq.pair->venet->dev;
	u32 act = bpf_prog_run_xdp(prog, xdp);

	venet_xdp_count(rx, &rx->stats.xdp_packets);
	switch (act) {
	case XDP_PASS:
		return venet_xdp_build(rx, xdp);
	case XDP_TX:
		if (!venet_xdp_tx(rx, xdp))
			goto aborted;
		venet_xdp_count(rx, &rx->stats.xdp_tx);
		return NULL;
	case XDP_REDIRECT:
		if (!venet_xdp_redirect(rx, xdp, prog))
			goto aborted;
		venet_xdp_count(rx, &rx->stats.xdp_redirects);
		return NULL;
	default:
		bpf_warn_invalid_xdp_action(dev, prog, act);
		fallthrough;
	case XDP_ABORTED:
aborted:
		trace_xdp_exception(dev, prog, act);
		fallthrough;
	case XDP_DROP:
		venet_xdp_count(rx, &rx->stats.xdp_drops);
		xdp_return_buff(xdp);
		return NULL;
	}
}

/* Does the program take it? Nothing may be left to do to it. */
static bool venet_xdp_takes(const struct venet_frame *frame,
			    const struct bpf_prog *prog)
{
	const struct virtio_net_hdr_v1 *hdr = &frame->desc.hdr;

	if ((hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || hdr->gso_type)
		return false;
	return frame->bytes <= VENET_XDP_ROOM || prog->aux->xdp_has_frags;
}

/**
 * venet_xdp_receive - let a program decide about a frame
 * @rx: where it came from
 * @frame: the frame, of a length that makes sense; its buffers stay the caller's
 * @prog: the program
 *
 * Context: the NAPI poll.
 * Return: what the stack shall have, or NULL.
 */
struct sk_buff *venet_xdp_receive(struct venet_rx *rx,
				  const struct venet_frame *frame,
				  struct bpf_prog *prog)
{
	struct xdp_buff xdp;

	if (!venet_xdp_takes(frame, prog)) {
		venet_xdp_count(rx, &rx->stats.xdp_refused);
		return NULL;
	}
	if (!venet_xdp_copy(rx, &xdp, frame)) {
		venet_xdp_count(rx, &rx->stats.dropped);
		return NULL;
	}
	venet_rx_received(rx, frame->bytes);
	return venet_xdp_run(rx, &xdp, prog);
}

/* At the end of a poll: what its frames have left to be done once. */
void venet_xdp_flush(struct venet_rx *rx)
{
	struct venet_pair *pair = rx->ioq.pair;

	if (rx->xdp_todo & VENET_XDP_REDIRECT)
		xdp_do_flush();
	if (rx->xdp_todo & VENET_XDP_TX)
		venet_tx_flush(&pair->tx);
	rx->xdp_todo = 0;
}

/* ndo_xdp_xmit: frames of other devices. Returns how many were taken. */
int venet_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames,
		   u32 flags)
{
	struct venet *venet = netdev_priv(dev);
	u32 i = smp_processor_id() % READ_ONCE(venet->nr_pairs);

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	return venet_tx_frames(&venet->pairs[i].tx, n, frames);
}

int venet_xdp_alloc(struct venet_rx *rx)
{
	struct venet_pair *pair = rx->ioq.pair;
	struct net_device *dev = pair->venet->dev;
	struct page_pool_params params = {
		.pool_size = rx->ioq.count,
		.nid = NUMA_NO_NODE,
		.dev = &dev->dev,
		.napi = &pair->napi,
	};
	struct page_pool *pool = page_pool_create(&params);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	rx->page_pool = pool;
	err = xdp_rxq_info_reg(&rx->xdp_rxq, dev, pair->index,
			       pair->napi.napi_id);
	return err ?: xdp_rxq_info_reg_mem_model(&rx->xdp_rxq,
						 MEM_TYPE_PAGE_POOL, pool);
}

/* Pages that are still under way keep the pool as long as they need it. */
void venet_xdp_free(struct venet_rx *rx)
{
	if (xdp_rxq_info_is_reg(&rx->xdp_rxq))
		xdp_rxq_info_unreg(&rx->xdp_rxq);
	if (rx->page_pool)
		page_pool_destroy(rx->page_pool);
	rx->page_pool = NULL;
}

/* Would a frame of that MTU be too long for the program? */
bool venet_xdp_mtu_ok(const struct bpf_prog *prog, unsigned int mtu)
{
	return !prog || prog->aux->xdp_has_frags ||
	       mtu + ETH_HLEN + VLAN_HLEN <= VENET_XDP_ROOM;
}

/* The device can be told not to use what a program does not see. */
bool venet_xdp_possible(const struct venet *venet)
{
	return !(venet->features & VENET_OFFLOADS) ||
	       venet_has(venet, VENET_F_OFFLOADS);
}

static int venet_xdp_check(struct venet *venet, const struct bpf_prog *prog,
			   struct netlink_ext_ack *extack)
{
	if (!venet_xdp_mtu_ok(prog, venet->dev->mtu)) {
		NL_SET_ERR_MSG_FMT(extack,
				   "MTU above %lu needs a program with fragments",
				   (unsigned long)(VENET_XDP_ROOM - ETH_HLEN -
						   VLAN_HLEN));
		return -EINVAL;
	}
	if (!venet_xdp_possible(venet)) {
		NL_SET_ERR_MSG(extack, "the device cannot turn its offloads off");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int venet_xdp_set(struct venet *venet, struct bpf_prog *prog,
			 struct netlink_ext_ack *extack)
{
	struct bpf_prog *old = rtnl_dereference(venet->xdp_prog);
	int err;

	err = prog ? venet_xdp_check(venet, prog, extack) : 0;
	/* Before the first frame that the program sees. */
	if (!err && prog && !old && venet->opened &&
	    venet_has(venet, VENET_F_OFFLOADS))
		err = venet_set_offloads(venet, 0);
	if (err)
		return err;

	rcu_assign_pointer(venet->xdp_prog, prog);
	if (old)
		bpf_prog_put(old);
	if (!prog && old && venet->opened && venet_has(venet, VENET_F_OFFLOADS))
		venet_restore_offloads(venet);
	/* It may be on its way out. */
	if (venet->dev->reg_state == NETREG_REGISTERED)
		netdev_update_features(venet->dev);
	return 0;
}

/* ndo_bpf. Under RTNL. */
int venet_xdp(struct net_device *dev, struct netdev_bpf *bpf)
{
	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	return venet_xdp_set(netdev_priv(dev), bpf->prog, bpf->extack);
}
