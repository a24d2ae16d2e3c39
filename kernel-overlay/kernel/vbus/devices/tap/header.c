// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the header of a frame, in both directions
 *
 * What the client writes there decides where the kernel looks for headers and
 * how it cuts frames up, so all of it is checked before any helper sees it.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/string.h>
#include <linux/virtio_net.h>

#include "tap.h"

#define TAP_GSO_TYPE(_type)	((_type) & ~VIRTIO_NET_HDR_GSO_ECN)

static_assert(offsetof(struct virtio_net_hdr_v1, csum_offset) ==
	      offsetof(struct virtio_net_hdr, csum_offset));

/* The feature that lets the client send frames of @gso_type. */
static int tap_gso_feature(u8 gso_type)
{
	switch (TAP_GSO_TYPE(gso_type)) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return VENET_F_HOST_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return VENET_F_HOST_TSO6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return VENET_F_HOST_USO;
	}
	return -1;
}

static int tap_gso_check(const struct tap_conn *tc,
			 const struct virtio_net_hdr_v1 *hdr)
{
	bool ecn = hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN;
	int feature = tap_gso_feature(hdr->gso_type);

	if (feature < 0 || !tap_has(tc, feature))
		return -EINVAL;
	if (ecn && (feature == VENET_F_HOST_USO ||
		    !tap_has(tc, VENET_F_HOST_ECN)))
		return -EINVAL;
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || !hdr->gso_size)
		return -EINVAL;
	return 0;
}

static int tap_csum_check(const struct tap_conn *tc,
			  const struct virtio_net_hdr_v1 *hdr, u32 len)
{
	u32 start = __virtio16_to_cpu(true, hdr->csum_start);
	u32 offset = __virtio16_to_cpu(true, hdr->csum_offset);

	if (!tap_has(tc, VENET_F_CSUM))
		return -EINVAL;
	if (start < ETH_HLEN || start + offset + sizeof(__sum16) > len)
		return -EINVAL;
	return 0;
}

/**
 * tap_hdr_check - does a header from the client keep to the rules?
 * @tc: the connection
 * @vd: our copy of the header
 * @len: bytes in the frame
 *
 * Return: 0, or -EINVAL if the frame is to be refused.
 */
int tap_hdr_check(const struct tap_conn *tc, const struct venet_desc *vd,
		  u32 len)
{
	const struct virtio_net_hdr_v1 *hdr = &vd->hdr;
	int err;

	if (hdr->num_buffers || vd->hash || vd->hash_report ||
	    vd->reserved16 || vd->reserved[0] || vd->reserved[1] ||
	    vd->reserved[2])
		return -EINVAL;
	if (hdr->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return -EINVAL;
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		err = tap_csum_check(tc, hdr, len);
		if (err)
			return err;
	}
	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return 0;
	return tap_gso_check(tc, hdr);
}

/**
 * tap_hdr_to_skb - put a checked header into an skb
 * @vd: the header
 * @skb: the whole frame, from its Ethernet header on; may be pulled
 *
 * Return: 0, or -EINVAL if frame and header do not go together.
 */
int tap_hdr_to_skb(const struct venet_desc *vd, struct sk_buff *skb)
{
	struct virtio_net_hdr hdr = {
		.flags = vd->hdr.flags,
		.gso_type = vd->hdr.gso_type,
		.gso_size = vd->hdr.gso_size,
		.csum_start = vd->hdr.csum_start,
		.csum_offset = vd->hdr.csum_offset,
	};

	return virtio_net_hdr_to_skb(skb, &hdr, true);
}

/**
 * tap_hdr_matches - is a frame to be cut up what it says it is?
 * @vd: the header
 * @protocol: of the frame
 *
 * What is inside a VLAN is left to who cuts it up.
 *
 * Return: true if it is, or is not to be cut up.
 */
bool tap_hdr_matches(const struct venet_desc *vd, __be16 protocol)
{
	return vd->hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE ||
	       eth_type_vlan(protocol) ||
	       virtio_net_hdr_match_proto(protocol, vd->hdr.gso_type);
}

/* What an interface may send to a client that accepts @offloads. */
netdev_features_t tap_hdr_features(u64 offloads)
{
	netdev_features_t features = 0;

	if (!(offloads & VENET_FEATURE(VENET_F_GUEST_CSUM)))
		return 0;
	features |= NETIF_F_HW_CSUM;
	if (offloads & VENET_FEATURE(VENET_F_GUEST_TSO4))
		features |= NETIF_F_TSO;
	if (offloads & VENET_FEATURE(VENET_F_GUEST_TSO6))
		features |= NETIF_F_TSO6;
	if (offloads & VENET_FEATURE(VENET_F_GUEST_ECN))
		features |= NETIF_F_TSO_ECN;
	if (offloads & VENET_FEATURE(VENET_F_GUEST_USO))
		features |= NETIF_F_GSO_UDP_L4;
	return features;
}

/*
 * The stack has asked tap_features_check() about each frame, so this is for
 * those that were on their way when the client changed its mind.
 */
static int tap_hdr_legal(u64 offloads, struct sk_buff *skb)
{
	bool partial = skb->ip_summed == CHECKSUM_PARTIAL;

	if (skb_is_gso(skb) &&
	    (!partial ||
	     !net_gso_ok(tap_hdr_features(offloads),
			 skb_shinfo(skb)->gso_type & ~SKB_GSO_DODGY)))
		return -EOPNOTSUPP;
	if (partial && !(offloads & VENET_FEATURE(VENET_F_GUEST_CSUM)))
		return skb_checksum_help(skb);
	return 0;
}

/* What the hash of a frame was made of, as VIRTIO calls it. */
static u16 tap_hash_report(const struct sk_buff *skb)
{
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	u32 offset = skb_network_offset(skb);
	u8 buf, *protocol;

	if (!v6 && skb->protocol != htons(ETH_P_IP))
		return VIRTIO_NET_HASH_REPORT_NONE;
	offset += v6 ? offsetof(struct ipv6hdr, nexthdr) :
		       offsetof(struct iphdr, protocol);
	protocol = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	switch (protocol ? *protocol : 0) {
	case IPPROTO_TCP:
		return v6 ? VIRTIO_NET_HASH_REPORT_TCPv6 :
			    VIRTIO_NET_HASH_REPORT_TCPv4;
	case IPPROTO_UDP:
		return v6 ? VIRTIO_NET_HASH_REPORT_UDPv6 :
			    VIRTIO_NET_HASH_REPORT_UDPv4;
	}
	return VIRTIO_NET_HASH_REPORT_NONE;
}

/**
 * tap_hdr_hash - tell the client the hash of a frame
 * @skb: the frame
 * @vd: the header, made by tap_hdr_from_skb()
 *
 * A hash that the stack has is passed on; none is computed for it.
 */
void tap_hdr_hash(const struct sk_buff *skb, struct venet_desc *vd)
{
	u16 report = skb->l4_hash ? tap_hash_report(skb) :
				    VIRTIO_NET_HASH_REPORT_NONE;

	if (report == VIRTIO_NET_HASH_REPORT_NONE)
		return;
	vd->hash = cpu_to_le32(skb->hash);
	vd->hash_report = cpu_to_le16(report);
}

/**
 * tap_hdr_from_skb - make the header of a frame for the client
 * @offloads: what the client accepts
 * @skb: the frame; its checksum may be filled in
 * @bufs: how many buffers it fills
 * @vd: the header
 *
 * Return: 0, or an error if the client does not accept the frame.
 */
int tap_hdr_from_skb(u64 offloads, struct sk_buff *skb, unsigned int bufs,
		     struct venet_desc *vd)
{
	struct virtio_net_hdr hdr;
	int err;

	err = tap_hdr_legal(offloads, skb);
	if (err)
		return err;
	err = virtio_net_hdr_from_skb(skb, &hdr, true,
				      offloads &
				      VENET_FEATURE(VENET_F_GUEST_CSUM), 0);
	if (err)
		return err;
	*vd = (struct venet_desc) {
		.hdr.flags = hdr.flags,
		.hdr.gso_type = hdr.gso_type,
		.hdr.hdr_len = hdr.hdr_len,
		.hdr.gso_size = hdr.gso_size,
		.hdr.csum_start = hdr.csum_start,
		.hdr.csum_offset = hdr.csum_offset,
		.hdr.num_buffers = __cpu_to_virtio16(true, bufs),
	};
	return 0;
}
