// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: reception
 *
 * The ring holds buffers, one page of the slab each; the device fills as many
 * as a frame needs. Short frames are copied out and their page is posted again
 * at once. Of longer ones only the headers are copied; the pages become
 * fragments of the skb and come back when it is freed. When too many are out,
 * all is copied.
 *
 * All of it runs in the NAPI poll, or while there is none. The device is not
 * trusted: a descriptor is copied out of the ring once, and that copy is
 * checked and used. What a page is, our own slots say and not the descriptor.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <linux/virtio_net.h>
#include <net/busy_poll.h>
#include <net/gro.h>

#include "venet.h"

static struct venet *venet_of_rx(const struct venet_rx *rx)
{
	return rx->ioq.pair->venet;
}

static void venet_rx_count(struct venet_rx *rx, u64_stats_t *counter)
{
	u64_stats_update_begin(&rx->stats.syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&rx->stats.syncp);
}

/* A frame goes to the stack, or to a program, whatever that makes of it. */
void venet_rx_received(struct venet_rx *rx, u32 bytes)
{
	u64_stats_update_begin(&rx->stats.syncp);
	u64_stats_inc(&rx->stats.packets);
	u64_stats_add(&rx->stats.bytes, bytes);
	u64_stats_update_end(&rx->stats.syncp);
}

/* Each pair has a slab of its own. */
static u32 venet_rx_region(const struct venet_rx *rx)
{
	return VENET_REGION_SLAB(rx->ioq.pair->index);
}

/* Post free pages in all of the ring that is empty. */
void venet_rx_refill(struct venet_rx *rx)
{
	struct ioq *q = &rx->ioq.q;
	u32 region = venet_rx_region(rx);
	u32 space = ioq_space(q);
	u32 n;

	for (n = 0; n < space; n++) {
		u16 page;

		if (!venet_slab_get(&rx->slab, &page))
			break;
		ioq_fill(q, n, &(struct ioq_desc){
			.region = cpu_to_le32(region),
			.addr = cpu_to_le64((u64)page << PAGE_SHIFT),
			.len = cpu_to_le32(PAGE_SIZE),
			.cookie = cpu_to_le64(page),
		});
		rx->slots[ioq_index(q, q->head + n)] = page;
	}
	if (!n)
		return;

	ioq_publish(q, n);
	if (shm_signal_inject(rx->ioq.signal))
		venet_rx_count(rx, &rx->stats.doorbells);
}

/*
 * Refilling in batches costs less. The device always has what it needs for the
 * longest frame.
 */
static bool venet_rx_wants_refill(const struct venet_rx *rx)
{
	return ioq_space(&rx->ioq.q) >= rx->ioq.count / 8;
}

/*
 * Take one buffer back, and what stands in its descriptor to @desc. Return: 1,
 * 0 when the device still has it, or -EPROTO when the device did with it what
 * it must not.
 */
static int venet_rx_take(struct venet_rx *rx, struct venet_frame *frame,
			 struct ioq_done *done, struct venet_desc *desc)
{
	struct ioq *q = &rx->ioq.q;
	u16 page = rx->slots[ioq_index(q, q->tail)];
	u32 len;

	if (!ioq_take_back(q, done, desc))
		return q->broken ? -EPROTO : 0;

	len = le32_to_cpu(done->len);
	frame->buf[frame->nr].page = page;
	frame->buf[frame->nr].lent = false;
	frame->buf[frame->nr].len = len;
	frame->bytes += len;
	frame->nr++;
	return len <= PAGE_SIZE ? 1 : -EPROTO;
}

static u32 venet_rx_max_buffers(const struct venet *venet)
{
	return venet_has(venet, VENET_F_MRG) ? MAX_SKB_FRAGS : 1;
}

/*
 * Take back all buffers of the next frame; the device has released the first
 * one last. A buffer that it found unusable comes alone and empty. Return: as
 * venet_rx_take().
 */
static int venet_rx_gather(struct venet_rx *rx, struct venet_frame *frame)
{
	struct ioq_done done;
	u32 i, nr;
	int ret;

	frame->nr = 0;
	frame->bytes = 0;

	ret = venet_rx_take(rx, frame, &done, &frame->desc);
	if (ret <= 0)
		return ret;
	if (done.flags == cpu_to_le16(IOQ_DESC_F_ERROR))
		return frame->bytes ? -EPROTO : 1;

	nr = __virtio16_to_cpu(true, frame->desc.hdr.num_buffers);
	if (!nr || nr > venet_rx_max_buffers(venet_of_rx(rx)))
		return -EPROTO;
	for (i = 1; ; i++) {
		__le16 next = cpu_to_le16(i < nr ? IOQ_DESC_F_NEXT : 0);

		if (done.flags != next)
			return -EPROTO;
		if (i == nr)
			return 1;
		if (venet_rx_take(rx, frame, &done, NULL) <= 0)
			return -EPROTO;
	}
}

/* Hand back the pages of a frame that no skb has. */
static void venet_rx_recycle(struct venet_rx *rx, struct venet_frame *frame)
{
	u32 i;

	for (i = 0; i < frame->nr; i++)
		if (!frame->buf[i].lent)
			venet_slab_put(&rx->slab, frame->buf[i].page);
}

static void *venet_rx_data(struct venet_rx *rx, const struct venet_frame *frame,
			   u32 i)
{
	return page_address(rx->slab.pages[frame->buf[i].page]);
}

/* Copy a piece of a buffer to new memory and attach that. */
static bool venet_rx_copy(struct sk_buff *skb, const void *src, u32 len)
{
	void *data = napi_alloc_frag(len);
	struct page *page;

	if (!data)
		return false;
	memcpy(data, src, len);
	page = virt_to_head_page(data);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page,
			data - page_address(page), len, len);
	return true;
}

/* Attach buffer @i from @offset on, or a copy of it. */
static bool venet_rx_attach(struct venet_rx *rx, struct venet_frame *frame,
			    struct sk_buff *skb, u32 i, u32 offset, bool copy)
{
	u16 page = frame->buf[i].page;
	u32 len = frame->buf[i].len - offset;

	if (!len)
		return true;
	if (copy)
		return venet_rx_copy(skb, venet_rx_data(rx, frame, i) + offset,
				     len);

	frame->buf[i].lent = true;
	venet_slab_lend(&rx->slab, page);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, rx->slab.pages[page],
			offset, len, PAGE_SIZE);
	return true;
}

/* An skb with room for @len bytes, and with no more memory than that takes. */
static struct sk_buff *venet_rx_alloc_skb(u32 len)
{
	u32 size = SKB_DATA_ALIGN(NET_SKB_PAD + NET_IP_ALIGN + len) +
		   SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *data = napi_alloc_frag(size);
	struct sk_buff *skb;

	if (!data)
		return NULL;
	skb = napi_build_skb(data, size);
	if (!skb) {
		skb_free_frag(data);
		return NULL;
	}
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	return skb;
}

static struct sk_buff *venet_rx_build_short(struct venet_rx *rx,
					    struct venet_frame *frame)
{
	struct sk_buff *skb = venet_rx_alloc_skb(frame->bytes);

	if (skb)
		skb_put_data(skb, venet_rx_data(rx, frame, 0), frame->bytes);
	return skb;
}

/*
 * The end of the headers is looked for in our copy of them. What was copied
 * beyond is copied in vain, so that no payload keeps GRO from merging pages. There
 * is room to pull the headers inside a tunnel, too.
 */
static struct sk_buff *venet_rx_build_long(struct venet_rx *rx,
					   struct venet_frame *frame)
{
	struct venet *venet = venet_of_rx(rx);
	u32 head = min_t(u32, frame->buf[0].len, VENET_RX_PULL);
	bool copy = !venet_slab_may_lend(&rx->slab, frame->nr);
	struct sk_buff *skb;
	u32 i;

	skb = venet_rx_alloc_skb(2 * VENET_RX_PULL);
	if (!skb)
		return NULL;
	memcpy(skb->data, venet_rx_data(rx, frame, 0), head);
	head = eth_get_headlen(venet->dev, skb->data, head);
	skb_put(skb, head);

	for (i = 0; i < frame->nr; i++) {
		if (!venet_rx_attach(rx, frame, skb, i, i ? 0 : head, copy)) {
			dev_kfree_skb(skb);
			return NULL;
		}
	}
	if (copy)
		venet_rx_count(rx, &rx->stats.copied);
	return skb;
}

static bool venet_rx_is_short(const struct venet_frame *frame)
{
	return frame->nr == 1 && frame->bytes <= VENET_RX_COPY;
}

/* Was the kind of segmentation negotiated? */
static bool venet_rx_gso_ok(const struct venet *venet, u8 gso_type)
{
	bool ecn = gso_type & VIRTIO_NET_HDR_GSO_ECN;

	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return venet_has(venet, VENET_F_GUEST_TSO4) &&
		       (!ecn || venet_has(venet, VENET_F_GUEST_ECN));
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return venet_has(venet, VENET_F_GUEST_TSO6) &&
		       (!ecn || venet_has(venet, VENET_F_GUEST_ECN));
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return venet_has(venet, VENET_F_GUEST_USO) && !ecn;
	default:
		return false;
	}
}

/* What virtio_net_hdr_to_skb() would take and the ABI does not allow. */
static bool venet_rx_hdr_ok(const struct venet *venet,
			    const struct virtio_net_hdr_v1 *hdr, u32 bytes)
{
	const u8 known = VIRTIO_NET_HDR_F_NEEDS_CSUM |
			 VIRTIO_NET_HDR_F_DATA_VALID;
	u32 start = __virtio16_to_cpu(true, hdr->csum_start);
	u32 offset = __virtio16_to_cpu(true, hdr->csum_offset);
	bool partial = hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	if (hdr->flags & ~known)
		return false;
	if (hdr->flags && !venet_has(venet, VENET_F_GUEST_CSUM))
		return false;
	if (partial && start + offset + sizeof(__sum16) > bytes)
		return false;
	return hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
	       (partial && venet_rx_gso_ok(venet, hdr->gso_type));
}

static void venet_rx_hash(const struct venet *venet, struct sk_buff *skb,
			  const struct venet_desc *desc)
{
	enum pkt_hash_types type;

	if (!venet_has(venet, VENET_F_HASH))
		return;

	switch (le16_to_cpu(desc->hash_report)) {
	case VIRTIO_NET_HASH_REPORT_TCPv4:
	case VIRTIO_NET_HASH_REPORT_TCPv6:
	case VIRTIO_NET_HASH_REPORT_TCPv6_EX:
	case VIRTIO_NET_HASH_REPORT_UDPv4:
	case VIRTIO_NET_HASH_REPORT_UDPv6:
	case VIRTIO_NET_HASH_REPORT_UDPv6_EX:
		type = PKT_HASH_TYPE_L4;
		break;
	case VIRTIO_NET_HASH_REPORT_IPv4:
	case VIRTIO_NET_HASH_REPORT_IPv6:
	case VIRTIO_NET_HASH_REPORT_IPv6_EX:
		type = PKT_HASH_TYPE_L3;
		break;
	default:
		return;
	}
	skb_set_hash(skb, le32_to_cpu(desc->hash), type);
}

/* Take over checksum, segmentation and hash; false: they make no sense. */
static bool venet_rx_meta(const struct venet_rx *rx, struct sk_buff *skb,
			  const struct venet_desc *desc)
{
	const struct virtio_net_hdr_v1 *hdr = &desc->hdr;
	const struct venet *venet = venet_of_rx(rx);

	if (!venet_rx_hdr_ok(venet, hdr, skb->len))
		return false;
	if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (virtio_net_hdr_to_skb(skb, (const struct virtio_net_hdr *)hdr,
				  true))
		return false;

	venet_rx_hash(venet, skb, desc);
	skb_record_rx_queue(skb, rx->ioq.pair->index);
	return true;
}

static bool venet_rx_length_ok(const struct venet *venet,
			       const struct venet_frame *frame)
{
	return frame->buf[0].len >= ETH_HLEN &&
	       frame->bytes <= le32_to_cpu(venet->info.max_frame);
}

/* Make an skb of a frame; NULL: counted as lost. */
static struct sk_buff *venet_rx_build(struct venet_rx *rx,
				      struct venet_frame *frame)
{
	struct venet *venet = venet_of_rx(rx);
	struct sk_buff *skb;

	if (!venet_rx_length_ok(venet, frame)) {
		venet_rx_count(rx, &rx->stats.errors);
		return NULL;
	}

	skb = venet_rx_is_short(frame) ? venet_rx_build_short(rx, frame) :
					 venet_rx_build_long(rx, frame);
	if (!skb) {
		venet_rx_count(rx, &rx->stats.dropped);
		return NULL;
	}
	if (!venet_rx_meta(rx, skb, &frame->desc)) {
		venet_rx_count(rx, &rx->stats.errors);
		dev_kfree_skb(skb);
		return NULL;
	}
	venet_rx_received(rx, frame->bytes);
	skb->protocol = eth_type_trans(skb, venet->dev);
	return skb;
}

/* A program decides what becomes of the frame, if one is attached. */
static struct sk_buff *venet_rx_make(struct venet_rx *rx,
				     struct venet_frame *frame)
{
	struct venet *venet = venet_of_rx(rx);
	struct bpf_prog *prog = rcu_dereference_bh(venet->xdp_prog);

	if (likely(!prog))
		return venet_rx_build(rx, frame);
	if (venet_rx_length_ok(venet, frame))
		return venet_xdp_receive(rx, frame, prog);
	venet_rx_count(rx, &rx->stats.errors);
	return NULL;
}

/* May GRO keep frames from one poll to the next, to merge them with later ones? */
static bool venet_rx_gro_keeps(const struct venet_rx *rx)
{
	return READ_ONCE(venet_of_rx(rx)->dev->gro_flush_timeout);
}

/*
 * GRO has nothing to merge a frame with that is @alone in its poll, and costs
 * more than all that is done here for such a frame. So it is not asked, unless
 * it keeps frames, or has an older one, which must not be overtaken.
 */
static void venet_rx_up(struct venet_rx *rx, struct sk_buff *skb, bool alone)
{
	struct napi_struct *napi = &rx->ioq.pair->napi;

	if (alone && !rx->gro_held && !venet_rx_gro_keeps(rx)) {
		skb_mark_napi_id(skb, napi);
		netif_receive_skb(skb);
	} else if (napi_gro_receive(napi, skb) == GRO_HELD) {
		rx->gro_held = true;
	}
}

/*
 * The poll is going to be over, and another CPU's may be the next: it must not
 * find a frame in GRO that is not in @gro_held, nor the other way round. When
 * nothing is kept, the end of the poll would have flushed all of it as well.
 */
void venet_rx_gro_end(struct venet_rx *rx)
{
	if (!rx->gro_held || venet_rx_gro_keeps(rx))
		return;
	napi_gro_flush(&rx->ioq.pair->napi, false);
	rx->gro_held = false;
}

static void venet_rx_deliver(struct venet_rx *rx, struct venet_frame *frame,
			     bool alone)
{
	struct sk_buff *skb = venet_rx_make(rx, frame);

	venet_rx_recycle(rx, frame);
	if (skb)
		venet_rx_up(rx, skb, alone);
}

/* Receive up to @budget frames, of which the @first one may be the only one. */
static int venet_rx_frames(struct venet_rx *rx, int budget, bool first)
{
	struct venet_frame frame;
	int done, ret;

	for (done = 0; done < budget; done++) {
		ret = venet_rx_gather(rx, &frame);
		if (ret == 0)
			break;
		if (ret < 0) {
			venet_rx_recycle(rx, &frame);
			venet_broken(&rx->ioq, "bad buffer from the device");
			break;
		}
		venet_rx_deliver(rx, &frame,
				 first && !done && !ioq_pending(&rx->ioq.q));
	}
	return done;
}

/*
 * Receive up to @budget frames. With less than that, the device has been asked
 * for a signal when there is more; or, @quiet, has not, and somebody polls again.
 */
int venet_rx_poll(struct venet_rx *rx, int budget, bool quiet)
{
	struct ioq *q = &rx->ioq.q;
	int done = 0;

	do {
		done += venet_rx_frames(rx, budget - done, !done);
		if (q->broken)
			break;
		if (venet_rx_wants_refill(rx))
			venet_rx_refill(rx);
	} while (done < budget && !quiet &&
		 shm_signal_enable(rx->ioq.signal) && ioq_pending(q));

	if (unlikely(rx->xdp_todo))
		venet_xdp_flush(rx);
	return done;
}

/*
 * A share of what the device may have, but so much more than the ring holds
 * that half as much may be out, as far as a device has to take that: it is less
 * where pages are large. The last pair of several that could not be had leaves
 * no more to the others, or they might not be had either.
 */
static size_t venet_rx_slab_len(const struct venet_rx *rx)
{
	size_t share = VENET_SLAB_LEN / venet_of_rx(rx)->want_pairs;
	size_t least = rx->ioq.count * PAGE_SIZE * 3 / 2;

	return PAGE_ALIGN(clamp_t(size_t, least, share, VENET_SLAB_LEN));
}

int venet_rx_alloc(struct venet_rx *rx)
{
	int err;

	rx->slots = kcalloc(rx->ioq.count, sizeof(*rx->slots), GFP_KERNEL);
	if (!rx->slots)
		return -ENOMEM;
	err = venet_slab_alloc(&rx->slab, venet_rx_slab_len(rx));
	if (!err)
		err = venet_xdp_alloc(rx);
	return err ?: venet_ioq_alloc(&rx->ioq);
}

/* The device is closed; all buffers are ours, wherever they were. */
void venet_rx_free(struct venet_rx *rx)
{
	venet_ioq_free(&rx->ioq);
	venet_xdp_free(rx);
	venet_slab_free(&rx->slab);
	kfree(rx->slots);
	rx->slots = NULL;
}

int venet_rx_share(struct venet_rx *rx)
{
	struct vbus_proxy_region slab = {
		.vaddr = rx->slab.vaddr,
		.len = (size_t)rx->slab.count << PAGE_SHIFT,
		.signal_offset = VBUS_SHM_NO_SIGNAL,
		.cpu = -1,
	};
	int err;

	err = vbus_proxy_shm(venet_of_rx(rx)->vdev, venet_rx_region(rx), &slab,
			     NULL);
	return err ?: venet_ioq_share(&rx->ioq, "rx");
}

static void venet_rx_signal(struct shm_signal_notifier *notifier,
			    enum shm_signal_context ctx)
{
	struct venet_rx *rx = container_of(notifier, struct venet_rx,
					   ioq.notifier);

	WRITE_ONCE(rx->signals, READ_ONCE(rx->signals) + 1);
	venet_schedule(rx->ioq.pair, ctx);
}

void venet_rx_init(struct venet_pair *pair)
{
	struct venet_rx *rx = &pair->rx;

	rx->ioq.pair = pair;
	rx->ioq.id = VENET_QUEUE_RX(pair->index);
	rx->ioq.notifier.signal = venet_rx_signal;
	u64_stats_init(&rx->stats.syncp);
}
