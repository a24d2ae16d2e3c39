// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: the network interface of a "virtual-ethernet" device
 *
 * See venet.h for lifetime and locking, include/uapi/linux/venet.h for what
 * driver and device agree on.
 */
#include <linux/etherdevice.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/netdev_queues.h>

#include "venet.h"

#define VENET_WATCHDOG		(5 * HZ)

/* What this driver knows to use. */
#define VENET_FEATURES		(VENET_FEATURE(VENET_F_CSUM) | \
				 VENET_FEATURE(VENET_F_GUEST_CSUM) | \
				 VENET_FEATURE(VENET_F_HOST_TSO4) | \
				 VENET_FEATURE(VENET_F_HOST_TSO6) | \
				 VENET_FEATURE(VENET_F_HOST_ECN) | \
				 VENET_FEATURE(VENET_F_HOST_USO) | \
				 VENET_FEATURE(VENET_F_GUEST_TSO4) | \
				 VENET_FEATURE(VENET_F_GUEST_TSO6) | \
				 VENET_FEATURE(VENET_F_GUEST_ECN) | \
				 VENET_FEATURE(VENET_F_GUEST_USO) | \
				 VENET_FEATURE(VENET_F_MRG) | \
				 VENET_FEATURE(VENET_F_STATUS) | \
				 VENET_FEATURE(VENET_F_MTU) | \
				 VENET_FEATURE(VENET_F_MAC) | \
				 VENET_FEATURE(VENET_F_OFFLOADS) | \
				 VENET_FEATURE(VENET_F_HASH))

/* A feature, and those of which it needs at least one. */
static const struct {
	u64 feature;
	u64 needs;
} venet_needs[] = {
	{ VENET_FEATURE(VENET_F_HOST_TSO4), VENET_FEATURE(VENET_F_CSUM) },
	{ VENET_FEATURE(VENET_F_HOST_TSO6), VENET_FEATURE(VENET_F_CSUM) },
	{ VENET_FEATURE(VENET_F_HOST_USO), VENET_FEATURE(VENET_F_CSUM) },
	{ VENET_FEATURE(VENET_F_HOST_ECN),
	  VENET_FEATURE(VENET_F_HOST_TSO4) | VENET_FEATURE(VENET_F_HOST_TSO6) },
	{ VENET_FEATURE(VENET_F_GUEST_TSO4), VENET_FEATURE(VENET_F_MRG) },
	{ VENET_FEATURE(VENET_F_GUEST_TSO6), VENET_FEATURE(VENET_F_MRG) },
	{ VENET_FEATURE(VENET_F_GUEST_USO), VENET_FEATURE(VENET_F_MRG) },
	{ VENET_FEATURE(VENET_F_GUEST_TSO4),
	  VENET_FEATURE(VENET_F_GUEST_CSUM) },
	{ VENET_FEATURE(VENET_F_GUEST_TSO6),
	  VENET_FEATURE(VENET_F_GUEST_CSUM) },
	{ VENET_FEATURE(VENET_F_GUEST_USO),
	  VENET_FEATURE(VENET_F_GUEST_CSUM) },
	{ VENET_FEATURE(VENET_F_GUEST_ECN),
	  VENET_FEATURE(VENET_F_GUEST_TSO4) |
	  VENET_FEATURE(VENET_F_GUEST_TSO6) },
};

/* Drop features until each has what it needs. */
static u64 venet_fix_features(u64 features)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(venet_needs); i++)
		if (!(features & venet_needs[i].needs))
			features &= ~venet_needs[i].feature;
	return features;
}

/*
 * A queue is of no use any more. From the poll, or under the transmit queue's
 * lock.
 */
void venet_broken(struct venet_ioq *ioq, const char *why)
{
	struct venet *venet = ioq->venet;

	if (ioq->dead)
		return;
	ioq->dead = true;
	ioq_break(&ioq->q);
	atomic64_inc(&venet->broken);
	/* The work that may be turning the carrier on right now looks again. */
	netif_carrier_off(venet->dev);
	schedule_delayed_work(&venet->status_work, 0);
	if (net_ratelimit())
		netdev_err(venet->dev,
			   "queue %u is broken: %s; set the link down and up\n",
			   ioq->id, why);
}

static int venet_poll(struct napi_struct *napi, int budget)
{
	struct venet *venet = container_of(napi, struct venet, napi);
	int done;

	venet_tx_poll(&venet->tx, budget);
	if (!budget)
		return 0;

	done = venet_rx_poll(&venet->rx, budget);
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

/*
 * Going up and down
 */

static int venet_alloc(struct venet *venet)
{
	int err;

	err = venet_status_alloc(venet);
	if (!err)
		err = venet_tx_alloc(&venet->tx);
	if (!err)
		err = venet_rx_alloc(&venet->rx);
	return err;
}

static void venet_free(struct venet *venet)
{
	venet_rx_free(&venet->rx);
	venet_tx_free(&venet->tx);
	venet_status_free(venet);
}

static u64 venet_wanted_offloads(const struct venet *venet,
				 netdev_features_t features)
{
	u64 offloads = venet->features & VENET_OFFLOADS;

	if (!(features & NETIF_F_RXCSUM))
		return 0;
	if (!(features & NETIF_F_GRO_HW))
		offloads &= VENET_FEATURE(VENET_F_GUEST_CSUM);
	return offloads;
}

/* What was configured while the device was closed. */
static int venet_configure(struct venet *venet)
{
	struct net_device *dev = venet->dev;
	int err = 0;

	if (venet_has(venet, VENET_F_MTU))
		err = venet_set_mtu(venet, dev->mtu);
	if (!err && venet_has(venet, VENET_F_MAC) &&
	    !ether_addr_equal(dev->dev_addr, venet->info.mac))
		err = venet_set_mac(venet, dev->dev_addr);
	if (!err && venet_has(venet, VENET_F_OFFLOADS))
		err = venet_set_offloads(venet,
					 venet_wanted_offloads(venet,
							       dev->features));
	return err;
}

static int venet_share(struct venet *venet)
{
	int err;

	err = venet_negotiate(venet);
	if (!err)
		err = venet_status_share(venet);
	if (!err)
		err = venet_rx_share(&venet->rx);
	if (!err)
		err = venet_tx_share(&venet->tx);
	if (!err)
		err = venet_configure(venet);
	return err;
}

static void venet_unshare(struct venet *venet)
{
	venet_status_unshare(venet);
	venet_ioq_unshare(&venet->tx.ioq);
	venet_ioq_unshare(&venet->rx.ioq);
}

static int venet_start(struct venet *venet)
{
	int err;

	err = venet_ioq_start(&venet->rx.ioq);
	if (!err)
		err = venet_ioq_start(&venet->tx.ioq);
	if (!err)
		err = venet_set_link(venet, true);
	return err;
}

/**
 * venet_up - open the device and let frames move
 * @venet: the device, closed
 *
 * Context: process, under RTNL.
 * Return: 0; -ENOMEM; or an error of a verb: -ENODEV when the device is gone,
 * -EINVAL when it does not offer any more what it did at probe.
 */
int venet_up(struct venet *venet)
{
	int err;

	err = venet_alloc(venet);
	if (err)
		goto err_free;
	err = vbus_proxy_open(venet->vdev, VENET_VERSION);
	if (err)
		goto err_free;
	err = venet_share(venet);
	if (err)
		goto err_close;
	/* While there is no poll: an interrupt may come at any time. */
	venet_rx_refill(&venet->rx);
	napi_enable(&venet->napi);
	err = venet_start(venet);
	if (err)
		goto err_napi;

	venet->opened = true;
	netif_wake_queue(venet->dev);
	venet_status_start(venet);
	/* The poll enables the signal of reception. */
	venet_schedule(venet, SHM_SIGNAL_PROCESS);
	return 0;

err_napi:
	napi_disable(&venet->napi);
err_close:
	vbus_proxy_close(venet->vdev);
	venet_unshare(venet);
err_free:
	venet_free(venet);
	return err;
}

/**
 * venet_down - stop frames and close the device
 * @venet: the device, open or not
 *
 * Works the same when the device is gone: nothing here waits for it.
 *
 * Context: process, under RTNL.
 */
void venet_down(struct venet *venet)
{
	if (!venet->opened)
		return;
	venet->opened = false;

	/* First the poll, which may wake the queue. */
	napi_disable(&venet->napi);
	netif_tx_disable(venet->dev);
	vbus_proxy_close(venet->vdev);
	venet_unshare(venet);
	netif_carrier_off(venet->dev);
	venet_free(venet);
}

/*
 * The operations of the interface
 */

static int venet_open(struct net_device *dev)
{
	struct venet *venet = netdev_priv(dev);
	int err = venet_up(venet);

	if (err)
		return err;
	netif_queue_set_napi(dev, 0, NETDEV_QUEUE_TYPE_RX, &venet->napi);
	netif_queue_set_napi(dev, 0, NETDEV_QUEUE_TYPE_TX, &venet->napi);
	return 0;
}

static int venet_stop(struct net_device *dev)
{
	netif_queue_set_napi(dev, 0, NETDEV_QUEUE_TYPE_RX, NULL);
	netif_queue_set_napi(dev, 0, NETDEV_QUEUE_TYPE_TX, NULL);
	venet_down(netdev_priv(dev));
	return 0;
}

static int venet_change_mtu(struct net_device *dev, int mtu)
{
	struct venet *venet = netdev_priv(dev);
	int err = 0;

	if (venet->opened && venet_has(venet, VENET_F_MTU))
		err = venet_set_mtu(venet, mtu);
	if (!err)
		WRITE_ONCE(dev->mtu, mtu);
	return err;
}

static int venet_set_mac_address(struct net_device *dev, void *p)
{
	struct venet *venet = netdev_priv(dev);
	struct sockaddr *addr = p;
	int err;

	err = eth_prepare_mac_addr_change(dev, p);
	if (!err && venet->opened && venet_has(venet, VENET_F_MAC))
		err = venet_set_mac(venet, addr->sa_data);
	if (!err)
		eth_commit_mac_addr_change(dev, p);
	return err;
}

static int venet_set_features(struct net_device *dev,
			      netdev_features_t features)
{
	struct venet *venet = netdev_priv(dev);
	u64 was = venet_wanted_offloads(venet, dev->features);
	u64 offloads = venet_wanted_offloads(venet, features);

	if (offloads == was || !venet->opened)
		return 0;
	return venet_set_offloads(venet, offloads);
}

static void venet_tx_timeout(struct net_device *dev, unsigned int txqueue)
{
	struct venet *venet = netdev_priv(dev);

	/* If the interrupt was lost, the poll finds what came back. */
	WRITE_ONCE(venet->tx.rung, true);
	atomic64_inc(&venet->tx.timeouts);
	napi_schedule(&venet->napi);
}

static void venet_get_stats64(struct net_device *dev,
			      struct rtnl_link_stats64 *stats)
{
	struct venet *venet = netdev_priv(dev);
	const struct venet_tx_stats *tx = &venet->tx.stats;
	const struct venet_rx_stats *rx = &venet->rx.stats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->syncp);
		stats->tx_packets = u64_stats_read(&tx->packets);
		stats->tx_bytes = u64_stats_read(&tx->bytes);
		stats->tx_dropped = u64_stats_read(&tx->dropped);
		stats->tx_errors = u64_stats_read(&tx->errors);
	} while (u64_stats_fetch_retry(&tx->syncp, start));
	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		stats->rx_packets = u64_stats_read(&rx->packets);
		stats->rx_bytes = u64_stats_read(&rx->bytes);
		stats->rx_dropped = u64_stats_read(&rx->dropped);
		stats->rx_errors = u64_stats_read(&rx->errors);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
}

static const struct net_device_ops venet_netdev_ops = {
	.ndo_open		= venet_open,
	.ndo_stop		= venet_stop,
	.ndo_start_xmit		= venet_xmit,
	.ndo_tx_timeout		= venet_tx_timeout,
	.ndo_get_stats64	= venet_get_stats64,
	.ndo_change_mtu		= venet_change_mtu,
	.ndo_set_mac_address	= venet_set_mac_address,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_features	= venet_set_features,
};

/*
 * Coming and going
 */

/* Is it possible to work within what the device says are its limits? */
static bool venet_info_ok(const struct venet_info *info)
{
	u32 min = le32_to_cpu(info->ring_min);
	u32 max = le32_to_cpu(info->ring_max);

	return is_power_of_2(min) && is_power_of_2(max) && min <= max &&
	       min <= VENET_RING_MAX && max >= VENET_RING_MIN &&
	       le32_to_cpu(info->tx_descs) >= 1 &&
	       le32_to_cpu(info->rx_buf_min) <= PAGE_SIZE &&
	       le32_to_cpu(info->rx_buf_max) >= PAGE_SIZE &&
	       le32_to_cpu(info->max_slabs) >= 1 &&
	       le32_to_cpu(info->max_slab_len) >= VENET_SLAB_LEN &&
	       le32_to_cpu(info->max_frame) >= ETH_FRAME_LEN &&
	       le32_to_cpu(info->max_frame) <= VENET_MAX_FRAME;
}

/* Ask the device what it offers, and close it again. */
static int venet_ask(struct venet *venet)
{
	int err;

	err = vbus_proxy_open(venet->vdev, VENET_VERSION);
	if (err)
		return err;
	err = venet_get_info(venet, &venet->info);
	vbus_proxy_close(venet->vdev);
	if (err)
		return err;
	if (!venet_info_ok(&venet->info))
		return -EPROTO;

	venet->features = venet_fix_features(VENET_FEATURES &
					     le64_to_cpu(venet->info.features));
	return 0;
}

static netdev_features_t venet_netdev_features(const struct venet *venet)
{
	netdev_features_t features = NETIF_F_SG | NETIF_F_HIGHDMA;

	if (venet_has(venet, VENET_F_CSUM))
		features |= NETIF_F_HW_CSUM;
	if (venet_has(venet, VENET_F_HOST_TSO4))
		features |= NETIF_F_TSO;
	if (venet_has(venet, VENET_F_HOST_TSO6))
		features |= NETIF_F_TSO6;
	if (venet_has(venet, VENET_F_HOST_ECN))
		features |= NETIF_F_TSO_ECN;
	if (venet_has(venet, VENET_F_HOST_USO))
		features |= NETIF_F_GSO_UDP_L4;
	if (venet_has(venet, VENET_F_GUEST_CSUM))
		features |= NETIF_F_RXCSUM;
	if (venet->features & VENET_OFFLOADS &
	    ~VENET_FEATURE(VENET_F_GUEST_CSUM))
		features |= NETIF_F_GRO_HW;
	return features;
}

static void venet_init_features(struct venet *venet)
{
	const netdev_features_t rx = NETIF_F_RXCSUM | NETIF_F_GRO_HW;
	netdev_features_t features = venet_netdev_features(venet);
	struct net_device *dev = venet->dev;

	dev->features |= features | NETIF_F_GSO_ROBUST;
	dev->vlan_features = features & ~rx;
	if (!venet_has(venet, VENET_F_OFFLOADS))
		features &= ~rx;
	dev->hw_features |= features & ~NETIF_F_HIGHDMA;
	netif_set_tso_max_size(dev, min_t(u32, GSO_LEGACY_MAX_SIZE,
					  le32_to_cpu(venet->info.max_frame)));
}

/* Frames of the largest MTU fit one buffer where a frame gets only one. */
static void venet_init_mtu(struct venet *venet)
{
	const struct venet_info *info = &venet->info;
	struct net_device *dev = venet->dev;
	u32 mtu = le32_to_cpu(info->mtu);
	u32 frame = le32_to_cpu(info->max_frame);

	if (!venet_has(venet, VENET_F_MRG))
		frame = min_t(u32, frame, PAGE_SIZE);
	dev->min_mtu = clamp(le32_to_cpu(info->min_mtu), ETH_MIN_MTU,
			     ETH_DATA_LEN);
	dev->max_mtu = min(le32_to_cpu(info->max_mtu),
			   frame - ETH_HLEN - VLAN_HLEN);
	dev->max_mtu = clamp(dev->max_mtu, dev->min_mtu, ETH_MAX_MTU);
	dev->mtu = clamp(mtu, dev->min_mtu, dev->max_mtu);
}

static void venet_init_mac(struct venet *venet)
{
	if (is_valid_ether_addr(venet->info.mac))
		eth_hw_addr_set(venet->dev, venet->info.mac);
	else
		eth_hw_addr_random(venet->dev);
}

static void venet_init_rings(struct venet *venet)
{
	u32 count = clamp_t(u32, VENET_RING_DEFAULT,
			    le32_to_cpu(venet->info.ring_min),
			    le32_to_cpu(venet->info.ring_max));

	venet->rx.ioq.count = count;
	venet->tx.ioq.count = count;
}

static void venet_init(struct venet *venet, struct net_device *dev,
		       struct vbus_proxy_device *vdev)
{
	venet->dev = dev;
	venet->vdev = vdev;
	venet_rx_init(venet);
	venet_tx_init(venet);
	venet_status_init(venet);
	netif_napi_add(dev, &venet->napi, venet_poll);

	SET_NETDEV_DEV(dev, &vdev->dev);
	dev->netdev_ops = &venet_netdev_ops;
	dev->ethtool_ops = &venet_ethtool_ops;
	dev->stat_ops = &venet_stat_ops;
	dev->watchdog_timeo = VENET_WATCHDOG;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	/* netpoll transmits with interrupts off; a doorbell may sleep. */
	dev->priv_flags |= IFF_DISABLE_NETPOLL;
	vbus_proxy_set_drvdata(vdev, venet);
}

static int venet_probe(struct vbus_proxy_device *vdev)
{
	struct net_device *dev;
	struct venet *venet;
	int err;

	dev = alloc_etherdev(sizeof(*venet));
	if (!dev)
		return -ENOMEM;
	venet = netdev_priv(dev);
	venet_init(venet, dev, vdev);

	err = venet_ask(venet);
	if (err)
		goto err_free;
	venet_init_features(venet);
	venet_init_mtu(venet);
	venet_init_mac(venet);
	venet_init_rings(venet);

	netif_carrier_off(dev);
	err = register_netdev(dev);
	if (err)
		goto err_free;
	return 0;

err_free:
	free_netdev(dev);
	return err;
}

static void venet_remove(struct vbus_proxy_device *vdev)
{
	struct venet *venet = vbus_proxy_drvdata(vdev);

	unregister_netdev(venet->dev);
	free_netdev(venet->dev);
}

/* Close the device under an interface that stays as it is. */
static void venet_detach(struct venet *venet)
{
	rtnl_lock();
	netif_device_detach(venet->dev);
	venet_down(venet);
	rtnl_unlock();
}

static void venet_shutdown(struct vbus_proxy_device *vdev)
{
	venet_detach(vbus_proxy_drvdata(vdev));
}

static int venet_suspend(struct vbus_proxy_device *vdev)
{
	venet_detach(vbus_proxy_drvdata(vdev));
	return 0;
}

/* An interface that cannot go up again is down, and may be tried later. */
static int venet_resume(struct vbus_proxy_device *vdev)
{
	struct venet *venet = vbus_proxy_drvdata(vdev);
	int err = 0;

	rtnl_lock();
	if (netif_running(venet->dev))
		err = venet_up(venet);
	if (err)
		dev_close(venet->dev);
	netif_device_attach(venet->dev);
	rtnl_unlock();
	return err;
}

static struct vbus_proxy_driver venet_driver = {
	.type		= VENET_TYPE,
	.probe		= venet_probe,
	.remove		= venet_remove,
	.shutdown	= venet_shutdown,
	.suspend	= venet_suspend,
	.resume		= venet_resume,
	.driver		= {
		.name	= KBUILD_MODNAME,
	},
};
module_vbus_proxy_driver(venet_driver);

MODULE_DESCRIPTION("Virtual-Bus Ethernet driver");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vbus:" VENET_TYPE);
