// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: which frames the client wants
 *
 * A client that has said nothing gets all frames. What it says makes a new
 * filter that replaces the one before; the data path reads it under RCU. Its
 * size is fixed, so what a frame costs to look at is bounded.
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tap.h"

/**
 * struct tap_filter - which frames the client wants
 * @rcu: its end
 * @mac: its own address
 * @addressed: addresses count
 * @flags: VENET_RX_*
 * @unicast: how many of @addrs, at the beginning, are of stations
 * @addresses: how many there are
 * @tagged: VLANs count
 * @addrs: further addresses
 * @vids: one bit for each VLAN, little-endian
 */
struct tap_filter {
	struct rcu_head rcu;
	u8 mac[ETH_ALEN];
	bool addressed;
	bool tagged;
	u32 flags;
	u32 unicast;
	u32 addresses;
	u8 addrs[VENET_MAX_ADDRS][ETH_ALEN];
	u8 vids[VLAN_N_VID / 8];
};

static_assert(sizeof_field(struct tap_filter, vids) ==
	      sizeof_field(struct venet_vlan, vids));
static_assert(sizeof_field(struct tap_filter, addrs) ==
	      sizeof_field(struct venet_rx_mode, addrs));

static struct tap_filter *tap_filter_locked(struct tap_conn *tc)
{
	return rcu_dereference_protected(tc->filter,
					 lockdep_is_held(&tc->lock));
}

/* A copy of what there is, to be changed. */
static struct tap_filter *tap_filter_copy(struct tap_conn *tc)
{
	const struct tap_filter *old = tap_filter_locked(tc);
	struct tap_filter *new = kzalloc_obj(*new, GFP_KERNEL_ACCOUNT);

	if (!new)
		return NULL;
	if (old)
		*new = *old;
	ether_addr_copy(new->mac, tc->mac);
	return new;
}

static void tap_filter_replace(struct tap_conn *tc, struct tap_filter *new)
{
	struct tap_filter *old = tap_filter_locked(tc);

	rcu_assign_pointer(tc->filter, new);
	if (old)
		kfree_rcu(old, rcu);
}

/**
 * tap_filter_set_mac - the client has another address
 * @tc: the connection, locked
 * @mac: the address, checked
 *
 * Return: 0, or -ENOMEM with nothing changed.
 */
int tap_filter_set_mac(struct tap_conn *tc, const u8 *mac)
{
	struct tap_filter *new;

	if (tap_filter_locked(tc)) {
		new = tap_filter_copy(tc);
		if (!new)
			return -ENOMEM;
		ether_addr_copy(new->mac, mac);
		tap_filter_replace(tc, new);
	}
	ether_addr_copy(tc->mac, mac);
	return 0;
}

/* Are all addresses of their kind, and is the rest zero? */
static bool tap_filter_addrs_ok(const struct venet_rx_mode *mode, u32 unicast,
				u32 addresses)
{
	u32 i;

	if (addresses > VENET_MAX_ADDRS)
		return false;
	for (i = 0; i < addresses; i++)
		if (i < unicast ? !is_valid_ether_addr(mode->addrs[i]) :
				  !is_multicast_ether_addr(mode->addrs[i]))
			return false;
	return !memchr_inv((const u8 *)mode->addrs + i * ETH_ALEN, 0,
			   sizeof(mode->addrs) - i * ETH_ALEN);
}

/**
 * tap_filter_set_mode - the client says which addresses it wants
 * @tc: the connection, locked
 * @mode: as the client wrote it
 *
 * Return: 0; -EINVAL for what the ABI does not allow; -ENOMEM. With an error
 * nothing changes.
 */
int tap_filter_set_mode(struct tap_conn *tc, const struct venet_rx_mode *mode)
{
	u32 flags = le32_to_cpu(mode->flags);
	u32 unicast = le16_to_cpu(mode->unicast);
	u32 addresses = unicast + le16_to_cpu(mode->multicast);
	struct tap_filter *new;

	if ((flags & ~(VENET_RX_PROMISC | VENET_RX_ALLMULTI)) ||
	    memchr_inv(mode->reserved, 0, sizeof(mode->reserved)) ||
	    !tap_filter_addrs_ok(mode, unicast, addresses))
		return -EINVAL;
	new = tap_filter_copy(tc);
	if (!new)
		return -ENOMEM;
	new->addressed = true;
	new->flags = flags;
	new->unicast = unicast;
	new->addresses = addresses;
	memcpy(new->addrs, mode->addrs, sizeof(new->addrs));
	tap_filter_replace(tc, new);
	return 0;
}

/**
 * tap_filter_set_vlans - the client says which VLANs it wants
 * @tc: the connection, locked
 * @vlan: as the client wrote it
 *
 * Return: as tap_filter_set_mode().
 */
int tap_filter_set_vlans(struct tap_conn *tc, const struct venet_vlan *vlan)
{
	u32 filter = le32_to_cpu(vlan->filter);
	struct tap_filter *new;

	if (filter > 1 ||
	    memchr_inv(vlan->reserved, 0, sizeof(vlan->reserved)))
		return -EINVAL;
	new = tap_filter_copy(tc);
	if (!new)
		return -ENOMEM;
	new->tagged = filter;
	memcpy(new->vids, vlan->vids, sizeof(new->vids));
	tap_filter_replace(tc, new);
	return 0;
}

/* Nobody uses the connection any more. */
void tap_filter_free(struct tap_conn *tc)
{
	kfree(rcu_dereference_protected(tc->filter, true));
}

static bool tap_filter_lists(const struct tap_filter *filter, const u8 *addr,
			     u32 from, u32 to)
{
	for (; from < to; from++)
		if (ether_addr_equal(filter->addrs[from], addr))
			return true;
	return false;
}

static bool tap_filter_wants(const struct tap_filter *filter, const u8 *addr)
{
	if (!filter->addressed || ether_addr_equal(addr, filter->mac))
		return true;
	if (!is_multicast_ether_addr(addr))
		return tap_filter_lists(filter, addr, 0, filter->unicast);
	return (filter->flags & VENET_RX_ALLMULTI) ||
	       is_broadcast_ether_addr(addr) ||
	       tap_filter_lists(filter, addr, filter->unicast,
				filter->addresses);
}

/* The interface does not take tags out of frames. */
static bool tap_filter_wants_vlan(const struct tap_filter *filter,
				  const struct sk_buff *skb)
{
	const struct vlan_ethhdr *hdr;
	struct vlan_ethhdr buf;
	u16 vid;

	if (!filter->tagged || skb->protocol != htons(ETH_P_8021Q))
		return true;
	hdr = skb_header_pointer(skb, 0, sizeof(buf), &buf);
	if (!hdr)
		return false;
	vid = ntohs(hdr->h_vlan_TCI) & VLAN_VID_MASK;
	return !vid || (filter->vids[vid / 8] & BIT(vid % 8));
}

/**
 * tap_filter_passes - does the client want a frame?
 * @tc: the connection
 * @skb: the frame, from its Ethernet header on
 *
 * Context: RCU read side.
 * Return: true if it does.
 */
bool tap_filter_passes(const struct tap_conn *tc, const struct sk_buff *skb)
{
	const struct tap_filter *filter = rcu_dereference(tc->filter);
	u8 buf[ETH_ALEN] __aligned(2);
	const u8 *addr;

	if (!filter || (filter->flags & VENET_RX_PROMISC))
		return true;
	addr = skb_header_pointer(skb, 0, sizeof(buf), buf);
	return addr && tap_filter_wants(filter, addr) &&
	       tap_filter_wants_vlan(filter, skb);
}
