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
	VENET_STAT(venet_tx_stats, "tx_", xdp_xmit),
};

static const struct venet_stat venet_rx_stat[] = {
	VENET_STAT(venet_rx_stats, "rx_", packets),
	VENET_STAT(venet_rx_stats, "rx_", bytes),
	VENET_STAT(venet_rx_stats, "rx_", dropped),
	VENET_STAT(venet_rx_stats, "rx_", errors),
	VENET_STAT(venet_rx_stats, "rx_", copied),
	VENET_STAT(venet_rx_stats, "rx_", doorbells),
	VENET_STAT(venet_rx_stats, "rx_", xdp_refused),
	VENET_STAT(venet_rx_stats, "rx_", xdp_packets),
	VENET_STAT(venet_rx_stats, "rx_", xdp_drops),
	VENET_STAT(venet_rx_stats, "rx_", xdp_tx),
	VENET_STAT(venet_rx_stats, "rx_", xdp_redirects),
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

#define VENET_NR_PAIR_STATS	(ARRAY_SIZE(venet_tx_stat) + \
				 ARRAY_SIZE(venet_rx_stat))

#define VENET_NR_STATS	(VENET_NR_PAIR_STATS + \
			 ARRAY_SIZE(venet_device_stat) + \
			 ARRAY_SIZE(venet_own_stat))

static int venet_get_sset_count(struct net_device *dev, int sset)
{
	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return VENET_NR_STATS + dev->real_num_tx_queues * VENET_NR_PAIR_STATS;
}

static void venet_stat_names(u8 **data, const struct venet_stat *stat,
			     size_t n)
{
	while (n--)
		ethtool_puts(data, stat++->name);
}

/* "tx_packets" of queue 3 is "tx3_packets". */
static void venet_queue_stat_names(u8 **data, int queue,
				   const struct venet_stat *stat, size_t n)
{
	for (; n--; stat++)
		ethtool_sprintf(data, "%.2s%d%s", stat->name, queue,
				stat->name + 2);
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
	for (i = 0; i < dev->real_num_tx_queues; i++) {
		venet_queue_stat_names(&data, i, venet_tx_stat,
				       ARRAY_SIZE(venet_tx_stat));
		venet_queue_stat_names(&data, i, venet_rx_stat,
				       ARRAY_SIZE(venet_rx_stat));
	}
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

static u64 *venet_stat_read_tx(u64 *data, const struct venet_tx_stats *stats)
{
	return venet_stat_read(data, stats, &stats->syncp, venet_tx_stat,
			       ARRAY_SIZE(venet_tx_stat));
}

static u64 *venet_stat_read_rx(u64 *data, const struct venet_rx_stats *stats)
{
	return venet_stat_read(data, stats, &stats->syncp, venet_rx_stat,
			       ARRAY_SIZE(venet_rx_stat));
}

/* The sum over all pairs that there ever were. */
static u64 *venet_stat_sum(u64 *data, const struct venet *venet)
{
	u64 one[VENET_NR_PAIR_STATS];
	size_t n;
	u32 i;

	memset(data, 0, sizeof(one));
	for (i = 0; i < venet->max_pairs; i++) {
		const struct venet_pair *pair = &venet->pairs[i];

		venet_stat_read_rx(venet_stat_read_tx(one, &pair->tx.stats),
				   &pair->rx.stats);
		for (n = 0; n < ARRAY_SIZE(one); n++)
			data[n] += one[n];
	}
	return data + ARRAY_SIZE(one);
}

static u64 venet_stat_timeouts(const struct venet *venet)
{
	u64 timeouts = 0;
	u32 i;

	for (i = 0; i < venet->max_pairs; i++)
		timeouts += atomic64_read(&venet->pairs[i].tx.timeouts);
	return timeouts;
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
	u32 i;

	data = venet_stat_sum(data, venet);
	data = venet_stat_read_device(data, venet->status);
	*data++ = venet_stat_timeouts(venet);
	*data++ = atomic64_read(&venet->broken);
	for (i = 0; i < dev->real_num_tx_queues; i++) {
		data = venet_stat_read_tx(data, &venet->pairs[i].tx.stats);
		data = venet_stat_read_rx(data, &venet->pairs[i].rx.stats);
	}
}

static void venet_get_queue_stats_rx(struct net_device *dev, int idx,
				     struct netdev_queue_stats_rx *stats)
{
	struct venet *venet = netdev_priv(dev);
	const struct venet_rx_stats *rx = &venet->pairs[idx].rx.stats;
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
	const struct venet_tx_stats *tx = &venet->pairs[idx].tx.stats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->syncp);
		stats->packets = u64_stats_read(&tx->packets);
		stats->bytes = u64_stats_read(&tx->bytes);
		stats->stop = u64_stats_read(&tx->stopped);
	} while (u64_stats_fetch_retry(&tx->syncp, start));
}

/* What was counted on queues that are not there now. */
static void venet_get_base_stats(struct net_device *dev,
				 struct netdev_queue_stats_rx *rx,
				 struct netdev_queue_stats_tx *tx)
{
	struct venet *venet = netdev_priv(dev);
	struct netdev_queue_stats_rx one_rx;
	struct netdev_queue_stats_tx one_tx;
	u32 i;

	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	tx->packets = 0;
	tx->bytes = 0;
	tx->stop = 0;
	for (i = dev->real_num_rx_queues; i < venet->max_pairs; i++) {
		venet_get_queue_stats_rx(dev, i, &one_rx);
		venet_get_queue_stats_tx(dev, i, &one_tx);
		rx->packets += one_rx.packets;
		rx->bytes += one_rx.bytes;
		rx->alloc_fail += one_rx.alloc_fail;
		tx->packets += one_tx.packets;
		tx->bytes += one_tx.bytes;
		tx->stop += one_tx.stop;
	}
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
	ring->rx_pending = venet->rx_count;
	ring->tx_pending = venet->tx_count;
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
	return venet_reconfigure(venet, roundup_pow_of_two(ring->rx_pending),
				 roundup_pow_of_two(ring->tx_pending),
				 venet->want_pairs);
}

static void venet_get_channels(struct net_device *dev,
			       struct ethtool_channels *channels)
{
	struct venet *venet = netdev_priv(dev);

	channels->max_combined = venet->max_pairs;
	channels->combined_count = venet->nr_pairs;
}

/* ethtool has seen that it is one at least and not more than there are. */
static int venet_set_channels(struct net_device *dev,
			      struct ethtool_channels *channels)
{
	struct venet *venet = netdev_priv(dev);

	if (channels->rx_count || channels->tx_count || channels->other_count)
		return -EINVAL;
	if (!channels->combined_count ||
	    channels->combined_count > venet->max_pairs)
		return -EINVAL;
	return venet_reconfigure(venet, venet->rx_count, venet->tx_count,
				 channels->combined_count);
}

const struct ethtool_ops venet_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS |
				     ETHTOOL_COALESCE_RX_MAX_FRAMES |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	.get_drvinfo		= venet_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= venet_get_link_ksettings,
	.get_sset_count		= venet_get_sset_count,
	.get_strings		= venet_get_strings,
	.get_ethtool_stats	= venet_get_ethtool_stats,
	.get_ringparam		= venet_get_ringparam,
	.set_ringparam		= venet_set_ringparam,
	.get_channels		= venet_get_channels,
	.set_channels		= venet_set_channels,
	.get_coalesce		= venet_get_coalesce,
	.set_coalesce		= venet_change_coalesce,
	.get_per_queue_coalesce	= venet_get_queue_coalesce,
	.set_per_queue_coalesce	= venet_change_queue_coalesce,
	.get_ts_info		= ethtool_op_get_ts_info,
};
