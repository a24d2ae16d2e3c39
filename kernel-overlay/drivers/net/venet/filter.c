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

static void venet_filter_add(struct venet_rx_mode *mode, u32 *n,
			     const struct netdev_hw_addr_list *list)
{
	const struct netdev_hw_addr *ha;

	netdev_hw_addr_list_for_each(ha, list)
		ether_addr_copy(mode->addrs[(*n)++], ha->addr);
}

/* Under the lock of the interface's addresses. */
static void venet_filter_collect(struct net_device *dev,
				 struct venet_rx_mode *mode)
{
	u32 uc = netdev_uc_count(dev);
	u32 mc = netdev_mc_count(dev);
	u32 n = 0;

	if ((dev->flags & IFF_PROMISC) || uc > VENET_MAX_ADDRS) {
		mode->flags = cpu_to_le32(VENET_RX_PROMISC);
		return;
	}
	venet_filter_add(mode, &n, &dev->uc);
	mode->unicast = cpu_to_le16(uc);
	if ((dev->flags & IFF_ALLMULTI) || uc + mc > VENET_MAX_ADDRS) {
		mode->flags = cpu_to_le32(VENET_RX_ALLMULTI);
		return;
	}
	venet_filter_add(mode, &n, &dev->mc);
	mode->multicast = cpu_to_le16(mc);
}

static int venet_filter_addrs(struct venet *venet)
{
	struct venet_rx_mode *mode __free(kfree) = kzalloc_obj(*mode);

	if (!mode)
		return -ENOMEM;
	netif_addr_lock_bh(venet->dev);
	venet_filter_collect(venet->dev, mode);
	netif_addr_unlock_bh(venet->dev);
	return venet_set_rx_mode(venet, mode);
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

/* Tell a device that was just opened. */
int venet_filter_configure(struct venet *venet)
{
	int err = 0;

	venet->vlan_filter = false;
	if (venet_has(venet, VENET_F_RX_MODE))
		err = venet_filter_addrs(venet);
	if (!err && venet_has(venet, VENET_F_VLAN) &&
	    (venet->dev->features & NETIF_F_HW_VLAN_CTAG_FILTER))
		err = venet_filter_vlans(venet, true);
	return err;
}

static void venet_rx_mode_work(struct work_struct *work)
{
	struct venet *venet = container_of(work, struct venet, rx_mode_work);
	int err = 0;

	rtnl_lock();
	if (venet->opened)
		err = venet_filter_addrs(venet);
	rtnl_unlock();
	if (err && err != -ENODEV)
		netdev_warn(venet->dev, "cannot set filters: %d\n", err);
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
	if (err)
		__assign_bit(vid, venet->vlans, !use);
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
