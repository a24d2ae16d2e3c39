// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: which frames are wanted
 *
 * The device is told of addresses and VLANs all at once, as they are then: so
 * nothing has to be undone or remembered, and a device that was closed and
 * opened again learns it the same way. What does not fit its list is asked for
 * by asking for more than is wanted.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "venet.h"

static_assert(VLAN_N_VID == 8 * sizeof_field(struct venet_vlan, vids));

/*
 * Add the addresses of one kind that are in @list; none is no address. Return:
 * false when there is no room for all of them.
 */
static bool venet_filter_add(struct venet_rx_mode *mode, u32 *n,
			     const struct netdev_hw_addr_list *list, bool group)
{
	const struct netdev_hw_addr *ha;

	netdev_hw_addr_list_for_each(ha, list) {
		if (is_multicast_ether_addr(ha->addr) != group ||
		    is_zero_ether_addr(ha->addr))
			continue;
		if (*n == VENET_MAX_ADDRS)
			return false;
		ether_addr_copy(mode->addrs[(*n)++], ha->addr);
	}
	return true;
}

/*
 * Whoever adds an address says which list it goes to, and the stack does not
 * look; the device refuses all when one is not of its kind. When there is no
 * room for all of a kind, none of it is left. Return: how many were added, or
 * -1.
 */
static int venet_filter_add_kind(struct net_device *dev,
				 struct venet_rx_mode *mode, u32 n, bool group)
{
	u32 first = n;

	if (venet_filter_add(mode, &n, &dev->uc, group) &&
	    venet_filter_add(mode, &n, &dev->mc, group))
		return n - first;
	memset(mode->addrs[first], 0,
	       (VENET_MAX_ADDRS - first) * sizeof(mode->addrs[0]));
	return -1;
}

/* Under the lock of the interface's addresses. */
static void venet_filter_collect(struct net_device *dev,
				 struct venet_rx_mode *mode)
{
	int uc = -1, mc = -1;

	if (!(dev->flags & IFF_PROMISC))
		uc = venet_filter_add_kind(dev, mode, 0, false);
	if (uc < 0) {
		mode->flags = cpu_to_le32(VENET_RX_PROMISC);
		return;
	}
	mode->unicast = cpu_to_le16(uc);
	if (!(dev->flags & IFF_ALLMULTI))
		mc = venet_filter_add_kind(dev, mode, uc, true);
	if (mc < 0)
		mode->flags = cpu_to_le32(VENET_RX_ALLMULTI);
	else
		mode->multicast = cpu_to_le16(mc);
}

static void venet_filter_warn(struct venet *venet, const char *what, int err)
{
	/* A device that is gone takes its interface with it. */
	if (err && err != -ENODEV && net_ratelimit())
		netdev_warn(venet->dev, "cannot set filter of %s: %d\n", what,
			    err);
}

/*
 * An interface that gets too much works, and one that gets too little does not:
 * when the device refuses the addresses, all frames are asked for.
 */
static void venet_filter_addrs(struct venet *venet)
{
	struct venet_rx_mode *mode __free(kfree) = kzalloc_obj(*mode);
	int err = -ENOMEM;

	if (mode) {
		netif_addr_lock_bh(venet->dev);
		venet_filter_collect(venet->dev, mode);
		netif_addr_unlock_bh(venet->dev);
		err = venet_set_rx_mode(venet, mode);
	}
	venet_filter_warn(venet, "addresses", err);
	if (!mode || !err)
		return;
	*mode = (struct venet_rx_mode){
		.flags = cpu_to_le32(VENET_RX_PROMISC),
	};
	venet_set_rx_mode(venet, mode);
}

/* Those in use only, or all. */
int venet_filter_vlans(struct venet *venet, bool filter)
{
	struct venet_vlan *vlan __free(kfree) = kzalloc_obj(*vlan);
	unsigned int vid;
	int err;

	if (!vlan)
		return -ENOMEM;
	vlan->filter = cpu_to_le32(filter);
	if (filter)
		for_each_set_bit(vid, venet->vlans, VLAN_N_VID)
			vlan->vids[vid / 8] |= BIT(vid % 8);
	err = venet_set_vlans(venet, vlan);
	if (!err)
		venet->vlan_filter = filter;
	return err;
}

/*
 * Tell a device that was just opened, which lets all frames through so far. So
 * an interface that cannot tell it goes up all the same.
 */
void venet_filter_configure(struct venet *venet)
{
	venet->vlan_filter = false;
	if (venet_has(venet, VENET_F_RX_MODE))
		venet_filter_addrs(venet);
	if (venet_has(venet, VENET_F_VLAN) &&
	    (venet->dev->features & NETIF_F_HW_VLAN_CTAG_FILTER))
		venet_filter_warn(venet, "VLANs",
				  venet_filter_vlans(venet, true));
}

static void venet_rx_mode_work(struct work_struct *work)
{
	struct venet *venet = container_of(work, struct venet, rx_mode_work);

	rtnl_lock();
	if (venet->opened)
		venet_filter_addrs(venet);
	rtnl_unlock();
}

/* Softirqs are off and a lock is held: a call sleeps. */
void venet_ndo_set_rx_mode(struct net_device *dev)
{
	struct venet *venet = netdev_priv(dev);

	if (venet_has(venet, VENET_F_RX_MODE))
		schedule_work(&venet->rx_mode_work);
}

static int venet_filter_vlan(struct venet *venet, u16 vid, bool use)
{
	int err = 0;

	__assign_bit(vid, venet->vlans, use);
	/* When the filter has been turned off, VLANs are still taken away. */
	if (venet->opened && venet->vlan_filter)
		err = venet_filter_vlans(venet, true);
	/* One that was taken away is not put back: nobody would do it again. */
	if (err && use)
		__clear_bit(vid, venet->vlans);
	return err;
}

int venet_ndo_vlan_add(struct net_device *dev, __be16 proto, u16 vid)
{
	return venet_filter_vlan(netdev_priv(dev), vid, true);
}

int venet_ndo_vlan_kill(struct net_device *dev, __be16 proto, u16 vid)
{
	return venet_filter_vlan(netdev_priv(dev), vid, false);
}

void venet_filter_init(struct venet *venet)
{
	INIT_WORK(&venet->rx_mode_work, venet_rx_mode_work);
}

/* The interface is gone, so nobody queues it again. Not under RTNL. */
void venet_filter_exit(struct venet *venet)
{
	cancel_work_sync(&venet->rx_mode_work);
}
