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
				 VENET_FEATURE(VENET_F_HASH) | \
				 VENET_FEATURE(VENET_F_MQ) | \
				 VENET_FEATURE(VENET_F_RX_MODE) | \
				 VENET_FEATURE(VENET_F_VLAN) | \
				 VENET_FEATURE(VENET_F_COALESCE))

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
	{ VENET_FEATURE(VENET_F_RX_MODE), VENET_FEATURE(VENET_F_MAC) },
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
	struct venet *venet = ioq->pair->venet;

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

/*
 * A poll that is over no longer owns the signal: by the time that we learn that
 * interrupts are put off, and a timer polls next, another CPU may be polling
 * and have enabled it. So it is not disabled then, which would cost that CPU
 * its interrupt, but the next poll does not enable it in the first place. That
 * goes on until a poll was the last one, which is made up for by one more.
 *
 * @deferred is written by who may not be the poll any more: when it is wrong,
 * there is an interrupt or a poll too much, and never one too few.
 */
static void venet_poll_end(struct venet_pair *pair, int done, bool quiet)
{
	struct napi_struct *napi = &pair->napi;

	venet_rx_gro_end(&pair->rx);
	if (likely(napi_complete_done(napi, done))) {
		if (unlikely(quiet)) {
			WRITE_ONCE(pair->rx.deferred, false);
			napi_schedule(napi);
		}
		return;
	}
	if (!napi_is_scheduled(napi))
		WRITE_ONCE(pair->rx.deferred, true);
}

static int venet_poll(struct napi_struct *napi, int budget)
{
	struct venet_pair *pair = container_of(napi, struct venet_pair, napi);
	bool quiet;
	int done;

	venet_tx_poll(&pair->tx, budget);
	if (!budget)
		return 0;

	quiet = READ_ONCE(pair->rx.deferred) ||
		test_bit(NAPI_STATE_IN_BUSY_POLL, &napi->state);
	done = venet_rx_poll(&pair->rx, budget, quiet);
	if (done < budget)
		venet_poll_end(pair, done, quiet);
	return done;
}

/*
 * Going up and down
 */

static int venet_pair_alloc(struct venet_pair *pair)
{
	int err;

	pair->tx.ioq.count = pair->venet->tx_count;
	pair->rx.ioq.count = pair->venet->rx_count;
	err = venet_tx_alloc(&pair->tx);
	return err ?: venet_rx_alloc(&pair->rx);
}

static void venet_pair_free(struct venet_pair *pair)
{
	venet_rx_free(&pair->rx);
	venet_tx_free(&pair->tx);
}

/*
 * Is there not enough memory, or may not more of it be shared? Then the pairs
 * that could be had have to do: see venet_up().
 */
static void venet_pair_failed(struct venet_pair *pair, int err)
{
	if ((err == -ENOMEM || err == -ENOSPC) && pair->index)
		pair->venet->nr_pairs = pair->index;
}

static int venet_alloc(struct venet *venet)
{
	u32 i, nr = venet->nr_pairs;
	int err;

	err = venet_status_alloc(venet);
	for (i = 0; !err && i < nr; i++) {
		err = venet_pair_alloc(&venet->pairs[i]);
		if (err)
			venet_pair_failed(&venet->pairs[i], err);
	}
	return err;
}

static void venet_free(struct venet *venet)
{
	u32 i;

	for (i = 0; i < venet->max_pairs; i++)
		venet_pair_free(&venet->pairs[i]);
	venet_status_free(venet);
}

static u64 venet_wanted_offloads(const struct venet *venet,
				 netdev_features_t features)
{
	u64 offloads = venet->features & VENET_OFFLOADS;

	/* A program does not see the header that offloads need. */
	if (rtnl_dereference(venet->xdp_prog))
		return 0;
	if (!(features & NETIF_F_RXCSUM))
		return 0;
	if (!(features & NETIF_F_GRO_HW))
		offloads &= VENET_FEATURE(VENET_F_GUEST_CSUM);
	return offloads;
}

/* The program that kept the device from its offloads is gone. */
void venet_restore_offloads(struct venet *venet)
{
	struct net_device *dev = venet->dev;
	int err;

	err = venet_set_offloads(venet,
				 venet_wanted_offloads(venet, dev->features));
	if (err)
		netdev_warn(dev, "cannot turn offloads on: %d\n", err);
}

/* What was configured while the device was closed. */
static int venet_configure(struct venet *venet)
{
	struct net_device *dev = venet->dev;
	int err = 0;

	if (venet_has(venet, VENET_F_MTU))
		err = venet_set_mtu(venet, dev->mtu);
	/* What the device would use may have changed since it was asked. */
	if (!err && venet_has(venet, VENET_F_MAC))
		err = venet_set_mac(venet, dev->dev_addr);
	if (!err && venet_has(venet, VENET_F_OFFLOADS))
		err = venet_set_offloads(venet,
					 venet_wanted_offloads(venet,
							       dev->features));
	if (!err)
		err = venet_coalesce_configure(venet);
	if (!err)
		venet_filter_configure(venet);
	return err;
}

static int venet_pair_share(struct venet_pair *pair)
{
	int err;

	err = venet_rx_share(&pair->rx);
	return err ?: venet_tx_share(&pair->tx);
}

static void venet_pair_unshare(struct venet_pair *pair)
{
	venet_ioq_unshare(&pair->tx.ioq);
	venet_ioq_unshare(&pair->rx.ioq);
}

/*
 * What the device offers may be changed while nobody has it open. More than
 * there was at probe is not used. Less cannot be: interfaces above this one
 * rely on it. The numbers are those of the device's feature_mask.
 */
static int venet_check_offer(struct venet *venet)
{
	struct venet_info info;
	u64 missing;
	int err;

	err = venet_get_info(venet->vdev, &info);
	if (err)
		return err;
	missing = venet->features & ~le64_to_cpu(info.features);
	if (!missing)
		return 0;
	netdev_err(venet->dev,
		   "the device no longer has features %#llx of %#llx; give them back or bind the driver anew\n",
		   missing, venet->features);
	return -EINVAL;
}

static int venet_share(struct venet *venet)
{
	u32 i, nr = venet->nr_pairs;
	int err;

	err = venet_check_offer(venet);
	if (!err)
		err = venet_negotiate(venet);
	if (!err)
		err = venet_status_share(venet);
	for (i = 0; !err && i < nr; i++) {
		err = venet_pair_share(&venet->pairs[i]);
		if (err)
			venet_pair_failed(&venet->pairs[i], err);
	}
	return err ?: venet_configure(venet);
}

static void venet_unshare(struct venet *venet)
{
	u32 i;

	venet_status_unshare(venet);
	for (i = 0; i < venet->max_pairs; i++)
		venet_pair_unshare(&venet->pairs[i]);
}

static int venet_pair_start(struct venet_pair *pair)
{
	int err;

	err = venet_ioq_start(&pair->rx.ioq);
	return err ?: venet_ioq_start(&pair->tx.ioq);
}

static int venet_start(struct venet *venet)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < venet->nr_pairs; i++)
		err = venet_pair_start(&venet->pairs[i]);
	if (!err && venet->nr_pairs > 1)
		err = venet_set_pairs(venet, venet->nr_pairs);
	return err ?: venet_set_link(venet, true);
}

/* What the netdev netlink family tells of a queue. */
static void venet_pair_set_napi(struct venet_pair *pair,
				struct napi_struct *napi)
{
	struct net_device *dev = pair->venet->dev;

	netif_queue_set_napi(dev, pair->index, NETDEV_QUEUE_TYPE_RX, napi);
	netif_queue_set_napi(dev, pair->index, NETDEV_QUEUE_TYPE_TX, napi);
}

/* While there is no poll, reception is ours: an interrupt may come any time. */
static void venet_poll_enable(struct venet *venet)
{
	u32 i;

	for (i = 0; i < venet->nr_pairs; i++) {
		venet_rx_refill(&venet->pairs[i].rx);
		napi_enable(&venet->pairs[i].napi);
		venet_pair_set_napi(&venet->pairs[i], &venet->pairs[i].napi);
	}
}

static void venet_poll_disable(struct venet *venet)
{
	u32 i;

	for (i = 0; i < venet->nr_pairs; i++) {
		napi_disable(&venet->pairs[i].napi);
		venet_pair_set_napi(&venet->pairs[i], NULL);
	}
}

/* The poll enables the signal of reception. */
static void venet_poll_all(struct venet *venet)
{
	u32 i;

	for (i = 0; i < venet->nr_pairs; i++)
		venet_schedule(&venet->pairs[i], SHM_SIGNAL_PROCESS);
}

static void venet_set_tx_open(struct venet *venet, bool open)
{
	u32 i;

	for (i = 0; i < venet->nr_pairs; i++)
		venet_tx_set_open(&venet->pairs[i].tx, open);
}

/* With as many pairs as there are in use now, or all or nothing. */
static int venet_try_up(struct venet *venet)
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
	venet_poll_enable(venet);
	err = venet_start(venet);
	if (err)
		goto err_poll;

	venet->opened = true;
	return 0;

err_poll:
	venet_poll_disable(venet);
err_close:
	vbus_proxy_close(venet->vdev);
	venet_unshare(venet);
	/* The status may have turned it on already. */
	netif_carrier_off(venet->dev);
err_free:
	venet_free(venet);
	return err;
}

/**
 * venet_up - open the device and let frames move
 * @venet: the device, closed
 *
 * Each pair shares memory, of which there may be a limit: if it does not do for
 * all the pairs that are wanted, it is tried again with those for which it did.
 *
 * Context: process, under RTNL.
 * Return: 0; -ENOMEM; or an error of a verb: -ENODEV when the device is gone,
 * -EINVAL when it does not offer any more what it did at probe.
 */
int venet_up(struct venet *venet)
{
	struct net_device *dev = venet->dev;
	u32 tried;
	int err;

	venet->nr_pairs = venet->want_pairs;
	do {
		tried = venet->nr_pairs;
		err = netif_set_real_num_queues(dev, tried, tried);
		if (!err)
			err = venet_try_up(venet);
	} while (err && venet->nr_pairs < tried);
	if (err)
		return err;

	if (venet->nr_pairs < venet->want_pairs)
		netdev_info(dev, "memory for %u of %u pairs of queues\n",
			    venet->nr_pairs, venet->want_pairs);
	venet_spread(venet);
	venet_set_tx_open(venet, true);
	netif_tx_wake_all_queues(dev);
	venet_status_start(venet);
	venet_poll_all(venet);
	return 0;
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

	/* First the poll and frames of XDP, which may wake the queues. */
	venet_poll_disable(venet);
	venet_set_tx_open(venet, false);
	netif_tx_disable(venet->dev);
	vbus_proxy_close(venet->vdev);
	venet_unshare(venet);
	netif_carrier_off(venet->dev);
	venet_free(venet);
}

/**
 * venet_reconfigure - change rings and pairs
 * @venet: the device, open or not
 * @rx: descriptors in a ring for reception
 * @tx: descriptors in a ring for transmission
 * @pairs: pairs of queues
 *
 * Close with what was, open with what is wanted, or what was, or not at all.
 *
 * Context: process, under RTNL.
 * Return: 0, or an error of venet_up().
 */
int venet_reconfigure(struct venet *venet, u32 rx, u32 tx, u32 pairs)
{
	bool opened = venet->opened;
	u32 old_rx = venet->rx_count;
	u32 old_tx = venet->tx_count;
	u32 old_pairs = venet->want_pairs;
	int err;

	venet_down(venet);
	venet->rx_count = rx;
	venet->tx_count = tx;
	venet->want_pairs = pairs;
	if (opened) {
		err = venet_up(venet);
	} else {
		err = netif_set_real_num_queues(venet->dev, pairs, pairs);
		if (!err)
			venet->nr_pairs = pairs;
	}
	if (!err)
		return 0;

	venet->rx_count = old_rx;
	venet->tx_count = old_tx;
	venet->want_pairs = old_pairs;
	if (opened && venet_up(venet))
		dev_close(venet->dev);
	return err;
}

/*
 * The operations of the interface
 */

static int venet_open(struct net_device *dev)
{
	return venet_up(netdev_priv(dev));
}

static int venet_stop(struct net_device *dev)
{
	venet_down(netdev_priv(dev));
	return 0;
}

static int venet_change_mtu(struct net_device *dev, int mtu)
{
	struct venet *venet = netdev_priv(dev);
	int err = 0;

	if (!venet_xdp_mtu_ok(rtnl_dereference(venet->xdp_prog), mtu))
		return -EINVAL;
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
	const netdev_features_t vlan = NETIF_F_HW_VLAN_CTAG_FILTER;
	struct venet *venet = netdev_priv(dev);
	u64 was = venet_wanted_offloads(venet, dev->features);
	u64 offloads = venet_wanted_offloads(venet, features);
	int err = 0;

	if (!venet->opened)
		return 0;
	if (offloads != was)
		err = venet_set_offloads(venet, offloads);
	if (!err && ((dev->features ^ features) & vlan))
		err = venet_filter_vlans(venet, features & vlan);
	if (err && offloads != was)
		venet_set_offloads(venet, was);
	return err;
}

/* What the device merges, a program would see as one frame. */
static netdev_features_t venet_fix_netdev_features(struct net_device *dev,
						   netdev_features_t features)
{
	struct venet *venet = netdev_priv(dev);

	if (rcu_access_pointer(venet->xdp_prog))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

static void venet_tx_timeout(struct net_device *dev, unsigned int txqueue)
{
	struct venet *venet = netdev_priv(dev);
	struct venet_pair *pair = &venet->pairs[txqueue];

	/* If the interrupt was lost, the poll finds what came back. */
	WRITE_ONCE(pair->tx.rung, true);
	atomic64_inc(&pair->tx.timeouts);
	napi_schedule(&pair->napi);
}

static void venet_add_tx_stats(struct rtnl_link_stats64 *stats,
			       const struct venet_tx_stats *tx)
{
	u64 packets, bytes, dropped, errors;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->syncp);
		packets = u64_stats_read(&tx->packets);
		bytes = u64_stats_read(&tx->bytes);
		dropped = u64_stats_read(&tx->dropped);
		errors = u64_stats_read(&tx->errors);
	} while (u64_stats_fetch_retry(&tx->syncp, start));
	stats->tx_packets += packets;
	stats->tx_bytes += bytes;
	stats->tx_dropped += dropped;
	stats->tx_errors += errors;
}

static void venet_add_rx_stats(struct rtnl_link_stats64 *stats,
			       const struct venet_rx_stats *rx)
{
	u64 packets, bytes, dropped, errors;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		packets = u64_stats_read(&rx->packets);
		bytes = u64_stats_read(&rx->bytes);
		dropped = u64_stats_read(&rx->dropped) +
			  u64_stats_read(&rx->xdp_refused);
		errors = u64_stats_read(&rx->errors);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
	stats->rx_packets += packets;
	stats->rx_bytes += bytes;
	stats->rx_dropped += dropped;
	stats->rx_errors += errors;
}

static void venet_get_stats64(struct net_device *dev,
			      struct rtnl_link_stats64 *stats)
{
	struct venet *venet = netdev_priv(dev);
	u32 i;

	for (i = 0; i < venet->max_pairs; i++) {
		venet_add_tx_stats(stats, &venet->pairs[i].tx.stats);
		venet_add_rx_stats(stats, &venet->pairs[i].rx.stats);
	}
}

/* The header has no word for segments whose checksums are complete. */
static netdev_features_t venet_features_check(struct sk_buff *skb,
					      struct net_device *dev,
					      netdev_features_t features)
{
	if (skb_is_gso(skb) && skb->ip_summed != CHECKSUM_PARTIAL)
		features &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, features);
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
	.ndo_features_check	= venet_features_check,
	.ndo_set_features	= venet_set_features,
	.ndo_fix_features	= venet_fix_netdev_features,
	.ndo_bpf		= venet_xdp,
	.ndo_xdp_xmit		= venet_xdp_xmit,
	.ndo_set_rx_mode	= venet_ndo_set_rx_mode,
	.ndo_vlan_rx_add_vid	= venet_ndo_vlan_add,
	.ndo_vlan_rx_kill_vid	= venet_ndo_vlan_kill,
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
	       le32_to_cpu(info->tx_descs) >= VENET_TX_DESCS_MIN &&
	       le32_to_cpu(info->rx_buf_min) <= PAGE_SIZE &&
	       le32_to_cpu(info->rx_buf_max) >= PAGE_SIZE &&
	       le32_to_cpu(info->max_slabs) >= 1 &&
	       le32_to_cpu(info->max_slab_len) >= VENET_SLAB_LEN &&
	       le32_to_cpu(info->max_frame) >= ETH_FRAME_LEN &&
	       le32_to_cpu(info->max_frame) <= VENET_MAX_FRAME;
}

/* Ask the device what it offers, and close it again. */
static int venet_ask(struct vbus_proxy_device *vdev, struct venet_info *info)
{
	int err;

	err = vbus_proxy_open(vdev, VENET_VERSION);
	if (err)
		return err;
	err = venet_get_info(vdev, info);
	vbus_proxy_close(vdev);
	if (err)
		return err;
	return venet_info_ok(info) ? 0 : -EPROTO;
}

/* How many pairs there may ever be: each needs a slab. */
static u32 venet_max_pairs(const struct venet_info *info)
{
	u32 pairs = min(le32_to_cpu(info->max_pairs),
			le32_to_cpu(info->max_slabs));

	if (!(le64_to_cpu(info->features) & VENET_FEATURE(VENET_F_MQ)))
		return 1;
	return clamp(pairs, 1, VENET_MAX_PAIRS);
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
	if (venet_has(venet, VENET_F_VLAN)) {
		dev->features |= NETIF_F_HW_VLAN_CTAG_FILTER;
		dev->hw_features |= NETIF_F_HW_VLAN_CTAG_FILTER;
	}
	if (venet_has(venet, VENET_F_RX_MODE))
		dev->priv_flags |= IFF_UNICAST_FLT;
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

	venet->rx_count = count;
	venet->tx_count = count;
}

static int venet_init_pairs(struct venet *venet)
{
	struct venet_pair *pair;
	u32 i;

	venet->max_pairs = venet->dev->num_tx_queues;
	venet->want_pairs = min3(venet->max_pairs, num_online_cpus(),
				 (u32)VENET_PAIRS_DEFAULT);
	venet->nr_pairs = venet->want_pairs;
	venet->pairs = kvzalloc_objs(*venet->pairs, venet->max_pairs);
	if (!venet->pairs)
		return -ENOMEM;
	for (i = 0; i < venet->max_pairs; i++) {
		pair = &venet->pairs[i];
		pair->venet = venet;
		pair->index = i;
		venet_rx_init(pair);
		venet_tx_init(pair);
		netif_napi_add(venet->dev, &pair->napi, venet_poll);
	}
	return netif_set_real_num_queues(venet->dev, venet->nr_pairs,
					 venet->nr_pairs);
}

static void venet_init(struct venet *venet, struct net_device *dev,
		       struct vbus_proxy_device *vdev,
		       const struct venet_info *info)
{
	venet->dev = dev;
	venet->vdev = vdev;
	venet->info = *info;
	venet->features = venet_fix_features(VENET_FEATURES &
					     le64_to_cpu(info->features));
	venet_status_init(venet);
	venet_filter_init(venet);
	venet_coalesce_init(venet);

	SET_NETDEV_DEV(dev, &vdev->dev);
	dev->netdev_ops = &venet_netdev_ops;
	dev->ethtool_ops = &venet_ethtool_ops;
	dev->stat_ops = &venet_stat_ops;
	dev->watchdog_timeo = VENET_WATCHDOG;
	dev->xdp_features = NETDEV_XDP_ACT_NDO_XMIT |
			    NETDEV_XDP_ACT_NDO_XMIT_SG;
	if (venet_xdp_possible(venet))
		dev->xdp_features |= NETDEV_XDP_ACT_BASIC |
				     NETDEV_XDP_ACT_REDIRECT |
				     NETDEV_XDP_ACT_RX_SG;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	/* netpoll transmits with interrupts off; a doorbell may sleep. */
	dev->priv_flags |= IFF_DISABLE_NETPOLL;
	vbus_proxy_set_drvdata(vdev, venet);
}

/* The polls are part of the pairs and leave with the interface. */
static void venet_destroy(struct net_device *dev)
{
	struct venet *venet = netdev_priv(dev);
	struct venet_pair *pairs = venet->pairs;

	venet_filter_exit(venet);
	venet_coalesce_exit(venet);
	free_netdev(dev);
	kvfree(pairs);
}

static int venet_probe(struct vbus_proxy_device *vdev)
{
	struct net_device *dev;
	struct venet_info info;
	struct venet *venet;
	int err;

	err = venet_ask(vdev, &info);
	if (err)
		return err;
	dev = alloc_etherdev_mq(sizeof(*venet), venet_max_pairs(&info));
	if (!dev)
		return -ENOMEM;
	venet = netdev_priv(dev);
	venet_init(venet, dev, vdev, &info);

	err = venet_init_pairs(venet);
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
	venet_destroy(dev);
	return err;
}

static void venet_remove(struct vbus_proxy_device *vdev)
{
	struct venet *venet = vbus_proxy_drvdata(vdev);

	unregister_netdev(venet->dev);
	venet_destroy(venet->dev);
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
