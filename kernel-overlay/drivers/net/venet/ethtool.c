// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: what the administrator sees and sets with ethtool, and the statistics
 * per queue of the netdev netlink family
 */
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <net/netdev_queues.h>

#include "venet.h"

static void venet_get_drvinfo(struct net_device *dev,
			      struct ethtool_drvinfo *info)
{
	struct venet *venet = netdev_priv(dev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&venet->vdev->dev),
		sizeof(info->bus_info));
}

static int venet_get_link_ksettings(struct net_device *dev,
				    struct ethtool_link_ksettings *cmd)
{
	struct venet *venet = netdev_priv(dev);

	cmd->base.speed = venet->opened ? venet_status_speed(venet) :
					  SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

/*
 * Counters: ours per direction, then the device's as its status tells
 */

#define VENET_STAT(_struct, _prefix, _field) \
	{ _prefix #_field, offsetof(struct _struct, _field) }

struct venet_stat {
	char name[ETH_GSTRING_LEN];
	size_t offset;
};

static const struct venet_stat venet_tx_stat[] = {
	VENET_STAT(venet_tx_stats, "tx_", packets),
	VENET_STAT(venet_tx_stats, "tx_", bytes),
	VENET_STAT(venet_tx_stats, "tx_", dropped),
	VENET_STAT(venet_tx_stats, "tx_", errors),
	VENET_STAT(venet_tx_stats, "tx_", doorbells),
	VENET_STAT(venet_tx_stats, "tx_", armed),
	VENET_STAT(venet_tx_stats, "tx_", stopped),
};

static const struct venet_stat venet_rx_stat[] = {
	VENET_STAT(venet_rx_stats, "rx_", packets),
	VENET_STAT(venet_rx_stats, "rx_", bytes),
	VENET_STAT(venet_rx_stats, "rx_", dropped),
	VENET_STAT(venet_rx_stats, "rx_", errors),
	VENET_STAT(venet_rx_stats, "rx_", copied),
	VENET_STAT(venet_rx_stats, "rx_", doorbells),
};

static const struct venet_stat venet_device_stat[] = {
	VENET_STAT(venet_status, "device_", tx_packets),
	VENET_STAT(venet_status, "device_", tx_bytes),
	VENET_STAT(venet_status, "device_", tx_dropped),
	VENET_STAT(venet_status, "device_", tx_errors),
	VENET_STAT(venet_status, "device_", rx_packets),
	VENET_STAT(venet_status, "device_", rx_bytes),
	VENET_STAT(venet_status, "device_", rx_dropped),
};

static const char venet_own_stat[][ETH_GSTRING_LEN] = {
	"tx_timeouts",
	"broken_queues",
};

#define VENET_NR_STATS	(ARRAY_SIZE(venet_tx_stat) + \
			 ARRAY_SIZE(venet_rx_stat) + \
			 ARRAY_SIZE(venet_device_stat) + \
			 ARRAY_SIZE(venet_own_stat))

static int venet_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? VENET_NR_STATS : -EOPNOTSUPP;
}

static void venet_stat_names(u8 **data, const struct venet_stat *stat,
			     size_t n)
{
	while (n--)
		ethtool_puts(data, stat++->name);
}

static void venet_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	int i;

	if (sset != ETH_SS_STATS)
		return;
	venet_stat_names(&data, venet_tx_stat, ARRAY_SIZE(venet_tx_stat));
	venet_stat_names(&data, venet_rx_stat, ARRAY_SIZE(venet_rx_stat));
	venet_stat_names(&data, venet_device_stat,
			 ARRAY_SIZE(venet_device_stat));
	for (i = 0; i < ARRAY_SIZE(venet_own_stat); i++)
		ethtool_puts(&data, venet_own_stat[i]);
}

/* Read a consistent set of our own counters. */
static u64 *venet_stat_read(u64 *data, const void *stats,
			    const struct u64_stats_sync *syncp,
			    const struct venet_stat *stat, size_t n)
{
	unsigned int start;
	size_t i;

	do {
		start = u64_stats_fetch_begin(syncp);
		for (i = 0; i < n; i++)
			data[i] = u64_stats_read(stats + stat[i].offset);
	} while (u64_stats_fetch_retry(syncp, start));
	return data + n;
}

static u64 *venet_stat_read_device(u64 *data, const struct venet_status *status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(venet_device_stat); i++) {
		const __le64 *counter = (const void *)status +
					venet_device_stat[i].offset;

		*data++ = status ? le64_to_cpu(READ_ONCE(*counter)) : 0;
	}
	return data;
}

static void venet_get_ethtool_stats(struct net_device *dev,
				    struct ethtool_stats *stats, u64 *data)
{
	struct venet *venet = netdev_priv(dev);

	data = venet_stat_read(data, &venet->tx.stats, &venet->tx.stats.syncp,
			       venet_tx_stat, ARRAY_SIZE(venet_tx_stat));
	data = venet_stat_read(data, &venet->rx.stats, &venet->rx.stats.syncp,
			       venet_rx_stat, ARRAY_SIZE(venet_rx_stat));
	data = venet_stat_read_device(data, venet->status);
	*data++ = atomic64_read(&venet->tx.timeouts);
	*data++ = atomic64_read(&venet->broken);
}

static void venet_get_queue_stats_rx(struct net_device *dev, int idx,
				     struct netdev_queue_stats_rx *stats)
{
	struct venet *venet = netdev_priv(dev);
	const struct venet_rx_stats *rx = &venet->rx.stats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->syncp);
		stats->packets = u64_stats_read(&rx->packets);
		stats->bytes = u64_stats_read(&rx->bytes);
		stats->alloc_fail = u64_stats_read(&rx->dropped);
	} while (u64_stats_fetch_retry(&rx->syncp, start));
}

static void venet_get_queue_stats_tx(struct net_device *dev, int idx,
				     struct netdev_queue_stats_tx *stats)
{
	struct venet *venet = netdev_priv(dev);
	const struct venet_tx_stats *tx = &venet->tx.stats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->syncp);
		stats->packets = u64_stats_read(&tx->packets);
		stats->bytes = u64_stats_read(&tx->bytes);
		stats->stop = u64_stats_read(&tx->stopped);
	} while (u64_stats_fetch_retry(&tx->syncp, start));
}

/* Nothing was counted outside of the queues. */
static void venet_get_base_stats(struct net_device *dev,
				 struct netdev_queue_stats_rx *rx,
				 struct netdev_queue_stats_tx *tx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	tx->packets = 0;
	tx->bytes = 0;
	tx->stop = 0;
}

const struct netdev_stat_ops venet_stat_ops = {
	.get_queue_stats_rx	= venet_get_queue_stats_rx,
	.get_queue_stats_tx	= venet_get_queue_stats_tx,
	.get_base_stats		= venet_get_base_stats,
};

/*
 * Rings
 */

static u32 venet_ring_min(const struct venet *venet)
{
	return max_t(u32, VENET_RING_MIN, le32_to_cpu(venet->info.ring_min));
}

static u32 venet_ring_max(const struct venet *venet)
{
	return min_t(u32, VENET_RING_MAX, le32_to_cpu(venet->info.ring_max));
}

static void venet_get_ringparam(struct net_device *dev,
				struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kernel_ring,
				struct netlink_ext_ack *extack)
{
	struct venet *venet = netdev_priv(dev);

	ring->rx_max_pending = venet_ring_max(venet);
	ring->tx_max_pending = venet_ring_max(venet);
	ring->rx_pending = venet->rx.ioq.count;
	ring->tx_pending = venet->tx.ioq.count;
}

/*
 * Close with the old lengths, open with the new ones, or the old ones again, or
 * not at all.
 */
static int venet_resize(struct venet *venet, u32 rx, u32 tx)
{
	bool opened = venet->opened;
	u32 old_rx = venet->rx.ioq.count;
	u32 old_tx = venet->tx.ioq.count;
	int err;

	venet_down(venet);
	venet->rx.ioq.count = rx;
	venet->tx.ioq.count = tx;
	err = opened ? venet_up(venet) : 0;
	if (!err)
		return 0;

	venet->rx.ioq.count = old_rx;
	venet->tx.ioq.count = old_tx;
	if (venet_up(venet))
		dev_close(venet->dev);
	return err;
}

static int venet_set_ringparam(struct net_device *dev,
			       struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kernel_ring,
			       struct netlink_ext_ack *extack)
{
	struct venet *venet = netdev_priv(dev);
	u32 min = venet_ring_min(venet);

	if (ring->rx_pending < min || ring->tx_pending < min) {
		NL_SET_ERR_MSG_FMT(extack, "a ring has at least %u descriptors",
				   min);
		return -EINVAL;
	}
	return venet_resize(venet, roundup_pow_of_two(ring->rx_pending),
			    roundup_pow_of_two(ring->tx_pending));
}

static void venet_get_channels(struct net_device *dev,
			       struct ethtool_channels *channels)
{
	channels->max_combined = 1;
	channels->combined_count = 1;
}

const struct ethtool_ops venet_ethtool_ops = {
	.get_drvinfo		= venet_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= venet_get_link_ksettings,
	.get_sset_count		= venet_get_sset_count,
	.get_strings		= venet_get_strings,
	.get_ethtool_stats	= venet_get_ethtool_stats,
	.get_ringparam		= venet_get_ringparam,
	.set_ringparam		= venet_set_ringparam,
	.get_channels		= venet_get_channels,
	.get_ts_info		= ethtool_op_get_ts_info,
};
