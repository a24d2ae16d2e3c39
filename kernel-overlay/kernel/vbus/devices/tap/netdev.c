// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the network interface
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <net/netdev_queues.h>

#include "tap.h"

/* The client's wishes reach the interface at most that often. */
#define TAP_FOLLOW_DELAY	(HZ / 10)

/* And so often it may lose its carrier. */
#define TAP_CARRIER_INTERVAL	HZ

/* Tell the client, if there is one, that the far end has changed. */
static void tap_netdev_changed(const struct venet_tap *tap)
{
	struct tap_conn *tc;

	guard(rcu)();
	tc = rcu_dereference(tap->conn);
	if (tc)
		tap_status_changed(tc);
}

/* What the client accepts; everything while there is none. */
static netdev_features_t tap_netdev_accepts(const struct venet_tap *tap)
{
	const struct tap_conn *tc;

	guard(rcu)();
	tc = rcu_dereference(tap->conn);
	return tap_hdr_features(tc ? READ_ONCE(tc->offloads) : VENET_OFFLOADS);
}

static netdev_features_t tap_mask(const struct venet_tap *tap,
				  netdev_features_t features)
{
	netdev_features_t ours = tap_hdr_features(VENET_OFFLOADS);

	return features & (~ours | tap_netdev_accepts(tap));
}

/* How many pairs the client uses; one while there is none. */
static u32 tap_client_pairs(const struct venet_tap *tap)
{
	const struct tap_conn *tc;

	guard(rcu)();
	tc = rcu_dereference(tap->conn);
	return tc ? READ_ONCE(tc->nr_pairs) : 1;
}

static int tap_ndo_open(struct net_device *dev)
{
	/* It may have gone down while it waited for buffers. */
	netif_tx_start_all_queues(dev);
	tap_netdev_changed(tap_from_netdev(dev));
	return 0;
}

static int tap_ndo_stop(struct net_device *dev)
{
	tap_netdev_changed(tap_from_netdev(dev));
	return 0;
}

static int tap_ndo_set_mac(struct net_device *dev, void *addr)
{
	struct venet_tap *tap = tap_from_netdev(dev);
	int err = eth_mac_addr(dev, addr);

	if (err)
		return err;
	guard(mutex)(&tap->lock);
	ether_addr_copy(tap->host_mac, dev->dev_addr);
	return 0;
}

static int tap_ndo_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	tap_netdev_changed(tap_from_netdev(dev));
	return 0;
}

static netdev_features_t tap_ndo_fix_features(struct net_device *dev,
					      netdev_features_t features)
{
	return tap_mask(tap_from_netdev(dev), features);
}

/*
 * The features follow the client with a delay; what is sent must not. What the
 * client does not take, the stack then does in software.
 */
static netdev_features_t tap_ndo_features_check(struct sk_buff *skb,
						struct net_device *dev,
						netdev_features_t features)
{
	features = tap_mask(tap_from_netdev(dev), features);
	/* The header has no word for segments whose checksums are complete. */
	if (skb_is_gso(skb) && skb->ip_summed != CHECKSUM_PARTIAL)
		features &= ~NETIF_F_GSO_MASK;
	return vlan_features_check(skb, features);
}

/*
 * The queue that the client has sent the flow on. It may have changed how many
 * pairs it uses and the interface not have followed yet.
 */
static u16 tap_ndo_select_queue(struct net_device *dev, struct sk_buff *skb,
				struct net_device *sb_dev)
{
	const struct venet_tap *tap = tap_from_netdev(dev);
	const struct tap_conn *tc;
	u32 pair = 0;

	guard(rcu)();
	tc = rcu_dereference(tap->conn);
	if (tc)
		pair = tap_flow_pair(tc, skb);
	return pair < READ_ONCE(dev->real_num_tx_queues) ? pair : 0;
}

/* What the interface gets is the client's to filter: see tap_filter_passes(). */
static void tap_ndo_set_rx_mode(struct net_device *dev)
{
}

static const struct net_device_ops tap_netdev_ops = {
	.ndo_open = tap_ndo_open,
	.ndo_stop = tap_ndo_stop,
	.ndo_start_xmit = tap_xmit,
	.ndo_select_queue = tap_ndo_select_queue,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_rx_mode = tap_ndo_set_rx_mode,
	.ndo_set_mac_address = tap_ndo_set_mac,
	.ndo_change_mtu = tap_ndo_change_mtu,
	.ndo_fix_features = tap_ndo_fix_features,
	.ndo_features_check = tap_ndo_features_check,
};

#define TAP_STAT(_direction, _counter) \
	{ #_direction "_" #_counter, \
	  offsetof(struct tap_tally, _direction._counter) }

/* ethtool -S: "in" is from the client, "out" is to it. */
static const struct tap_stat {
	char name[ETH_GSTRING_LEN];
	size_t offset;
} tap_stats[] = {
	TAP_STAT(in, packets),
	TAP_STAT(in, bytes),
	TAP_STAT(in, dropped),
	TAP_STAT(in, errors),
	TAP_STAT(in, batches),
	TAP_STAT(in, bells),
	TAP_STAT(in, deferred),
	TAP_STAT(in, faults),
	TAP_STAT(in, broken),
	TAP_STAT(out, packets),
	TAP_STAT(out, bytes),
	TAP_STAT(out, dropped),
	TAP_STAT(out, batches),
	TAP_STAT(out, bells),
	TAP_STAT(out, full),
	TAP_STAT(out, stalls),
	TAP_STAT(out, filtered),
	TAP_STAT(out, broken),
};

static void tap_get_drvinfo(struct net_device *dev,
			    struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "venet-tap");
	strscpy(info->bus_info, vbus_device_name(tap_from_netdev(dev)->vdev));
}

/* All together, then each queue of the interface. */
static int tap_get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return (1 + dev->real_num_tx_queues) * ARRAY_SIZE(tap_stats);
}

/* "in_packets" of queue 3 is "in3_packets". */
static void tap_get_queue_strings(u8 **data, u32 queue)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tap_stats); i++) {
		const char *name = tap_stats[i].name;
		int prefix = strcspn(name, "_");

		ethtool_sprintf(data, "%.*s%u%s", prefix, name, queue,
				name + prefix);
	}
}

static void tap_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	u32 i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(tap_stats); i++)
		ethtool_puts(&data, tap_stats[i].name);
	for (i = 0; i < dev->real_num_tx_queues; i++)
		tap_get_queue_strings(&data, i);
}

static u64 *tap_get_tally(u64 *data, const struct tap_tally *tally)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tap_stats); i++) {
		const u64 *counter = (const void *)tally + tap_stats[i].offset;

		*data++ = READ_ONCE(*counter);
	}
	return data;
}

static void tap_get_ethtool_stats(struct net_device *dev,
				  struct ethtool_stats *stats, u64 *data)
{
	const struct venet_tap *tap = tap_from_netdev(dev);
	struct tap_tally sum;
	u32 i;

	tap_tally_sum(tap, &sum);
	data = tap_get_tally(data, &sum);
	for (i = 0; i < dev->real_num_tx_queues; i++)
		data = tap_get_tally(data, &tap->tallies[i]);
}

/*
 * Of the netdev netlink family. They count since the interface was made, as those
 * of rtnetlink do, and not since the device was, as those of ethtool.
 */
static void tap_get_queue_stats_rx(struct net_device *dev, int i,
				   struct netdev_queue_stats_rx *stats)
{
	const struct venet_tap *tap = tap_from_netdev(dev);
	const struct tap_counters *now = &tap->tallies[i].in;
	const struct tap_counters *base = &tap->bases[i].in;

	stats->packets = READ_ONCE(now->packets) - base->packets;
	stats->bytes = READ_ONCE(now->bytes) - base->bytes;
}

static void tap_get_queue_stats_tx(struct net_device *dev, int i,
				   struct netdev_queue_stats_tx *stats)
{
	const struct venet_tap *tap = tap_from_netdev(dev);
	const struct tap_counters *now = &tap->tallies[i].out;
	const struct tap_counters *base = &tap->bases[i].out;

	stats->packets = READ_ONCE(now->packets) - base->packets;
	stats->bytes = READ_ONCE(now->bytes) - base->bytes;
	stats->stop = READ_ONCE(now->full) - base->full;
}

/* What was counted on queues that are not there now. */
static void tap_get_base_stats(struct net_device *dev,
			       struct netdev_queue_stats_rx *rx,
			       struct netdev_queue_stats_tx *tx)
{
	struct netdev_queue_stats_rx in;
	struct netdev_queue_stats_tx out;
	u32 i;

	rx->packets = 0;
	rx->bytes = 0;
	tx->packets = 0;
	tx->bytes = 0;
	tx->stop = 0;
	for (i = dev->real_num_rx_queues; i < TAP_PAIRS; i++) {
		tap_get_queue_stats_rx(dev, i, &in);
		rx->packets += in.packets;
		rx->bytes += in.bytes;
	}
	for (i = dev->real_num_tx_queues; i < TAP_PAIRS; i++) {
		tap_get_queue_stats_tx(dev, i, &out);
		tx->packets += out.packets;
		tx->bytes += out.bytes;
		tx->stop += out.stop;
	}
}

static const struct netdev_stat_ops tap_stat_ops = {
	.get_queue_stats_rx = tap_get_queue_stats_rx,
	.get_queue_stats_tx = tap_get_queue_stats_tx,
	.get_base_stats = tap_get_base_stats,
};

static int tap_get_link_ksettings(struct net_device *dev,
				  struct ethtool_link_ksettings *cmd)
{
	cmd->base.speed = SPEED_10000;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

/* The client says how many it uses, and the interface may have more. */
static void tap_get_channels(struct net_device *dev,
			     struct ethtool_channels *channels)
{
	channels->max_combined = dev->num_tx_queues;
	channels->combined_count = tap_client_pairs(tap_from_netdev(dev));
}

static const struct ethtool_ops tap_ethtool_ops = {
	.get_drvinfo = tap_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = tap_get_sset_count,
	.get_strings = tap_get_strings,
	.get_ethtool_stats = tap_get_ethtool_stats,
	.get_channels = tap_get_channels,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_link_ksettings = tap_get_link_ksettings,
};

static void tap_netdev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &tap_netdev_ops;
	dev->ethtool_ops = &tap_ethtool_ops;
	dev->stat_ops = &tap_stat_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->min_mtu = TAP_MIN_MTU;
	dev->max_mtu = TAP_MAX_MTU;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_UNICAST_FLT;
	/* Checksums may be filled in; and a bell is not for disabled IRQs. */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_DISABLE_NETPOLL;
	dev->hw_features = NETIF_F_SG | tap_hdr_features(VENET_OFFLOADS);
	dev->features = dev->hw_features | NETIF_F_HIGHDMA | NETIF_F_FRAGLIST;
	dev->vlan_features = dev->features;
}

static void tap_netdev_publish(struct venet_tap *tap, struct net_device *dev)
{
	scoped_guard(mutex, &tap->lock)
		rcu_assign_pointer(tap->netdev, dev);
	tap_netdev_carrier(tap);
	tap_netdev_changed(tap);
	tap_client_changed(tap);
}

/**
 * tap_netdev_register - make the interface
 * @tap: the device, enabled by this
 *
 * In the network namespace of the caller.
 *
 * Context: tap->admin held; takes RTNL.
 * Return: 0; -ENOMEM; -EEXIST when the name is taken; or another error of
 * register_netdev().
 */
int tap_netdev_register(struct venet_tap *tap)
{
	struct net_device *dev;
	int err;

	lockdep_assert_held(&tap->admin);
	dev = alloc_netdev_mqs(sizeof(struct tap_port), tap->ifname,
			       strchr(tap->ifname, '%') ? NET_NAME_ENUM :
							  NET_NAME_USER,
			       tap_netdev_setup, tap->max_pairs, tap->max_pairs);
	if (!dev)
		return -ENOMEM;
	/* Not registered, so it cannot fail. */
	netif_set_real_num_queues(dev, 1, 1);
	((struct tap_port *)netdev_priv(dev))->tap = tap;
	tap_tally_rebase(tap);
	dev_net_set(dev, current->nsproxy->net_ns);
	eth_hw_addr_set(dev, tap->host_mac);
	netif_carrier_off(dev);
	err = register_netdev(dev);
	if (err) {
		free_netdev(dev);
		return err;
	}
	tap_netdev_publish(tap, dev);
	return 0;
}

/* Nobody transmits any more: what waits for a signal gets it now. */
static void tap_netdev_drained(struct venet_tap *tap)
{
	struct tap_conn *tc;
	u32 i;

	guard(mutex)(&tap->lock);
	guard(rcu)();
	tc = tap_conn_locked(tap);
	for (i = 0; tc && i < tc->max_pairs; i++)
		tap_out_drained(&tc->pairs[i].out);
}

/**
 * tap_netdev_unregister - remove the interface
 * @tap: the device, disabled by this
 *
 * Context: tap->admin held; takes RTNL.
 */
void tap_netdev_unregister(struct venet_tap *tap)
{
	struct net_device *dev;

	lockdep_assert_held(&tap->admin);
	scoped_guard(mutex, &tap->lock) {
		dev = tap_netdev_locked(tap);
		rcu_assign_pointer(tap->netdev, NULL);
	}
	tap_netdev_changed(tap);
	/* Waits until nobody uses what tap->netdev was. */
	unregister_netdev(dev);
	tap_netdev_drained(tap);
	free_netdev(dev);
}

/*
 * The interface has a carrier while the client has its link up. A bridge, say,
 * prints a line when it comes or goes: so a client that flaps takes it away once
 * in a while only, and it stays for those who are back by then. What is sent
 * meanwhile is dropped all the same: see tap_out_usable().
 */
void tap_netdev_carrier(struct venet_tap *tap)
{
	const u64 now = get_jiffies_64();
	const struct tap_conn *tc;
	struct net_device *dev;

	guard(mutex)(&tap->lock);
	dev = tap_netdev_locked(tap);
	if (!dev)
		return;
	tc = tap_conn_locked(tap);
	if (tc && READ_ONCE(tc->link)) {
		netif_carrier_on(dev);
	} else if (!netif_carrier_ok(dev)) {
		return;
	} else if (time_before64(now, tap->down_at + TAP_CARRIER_INTERVAL)) {
		/* It comes here again. */
		tap_client_changed(tap);
	} else {
		netif_carrier_off(dev);
		tap->down_at = now;
	}
}

/* The queue above, or NULL while there is no interface. RCU read side. */
struct netdev_queue *tap_netdev_txq(const struct venet_tap *tap, u32 queue)
{
	const struct net_device *dev = rcu_dereference(tap->netdev);

	return dev ? netdev_get_tx_queue(dev, queue) : NULL;
}

/* Let a queue above go on. Any context. */
void tap_netdev_wake(struct venet_tap *tap, u32 queue)
{
	struct netdev_queue *txq;

	guard(rcu)();
	txq = tap_netdev_txq(tap, queue);
	if (txq && netif_tx_queue_stopped(txq))
		netif_tx_wake_queue(txq);
}

/* What the client has or wants has changed: never RTNL from its call. */
void tap_client_changed(struct venet_tap *tap)
{
	queue_delayed_work(tap_wq, &tap->follow_work, TAP_FOLLOW_DELAY);
}

/*
 * Queues only get more. Of receive queues, a frame's is noted without a lock, and
 * must still be there when the stack looks at it. And taking transmit queues away
 * waits for grace periods under RTNL and forgets what the administrator has set
 * up on them: not to be had for a verb. Those that the client does not use now
 * get no frames from tap_ndo_select_queue(). They may be chosen otherwise, tc
 * does so; and frames may wait there from before. All are copied or dropped as
 * with any queue, since what starts a queue is there whether it is in use or not:
 * the bell, the timer, and that the client stops its ring.
 */
static void tap_follow_pairs(const struct venet_tap *tap,
			     struct net_device *dev)
{
	u32 pairs = tap_client_pairs(tap);

	if (pairs > dev->real_num_tx_queues &&
	    netif_set_real_num_queues(dev, pairs, pairs) && net_ratelimit())
		netdev_warn(dev, "cannot use %u queues\n", pairs);
}

void tap_follow_work(struct work_struct *work)
{
	struct venet_tap *tap = container_of(to_delayed_work(work),
					     struct venet_tap, follow_work);
	struct net_device *dev;

	tap_netdev_carrier(tap);
	rtnl_lock();
	/* It cannot be unregistered before RTNL is dropped. */
	scoped_guard(mutex, &tap->lock)
		dev = tap_netdev_locked(tap);
	if (dev) {
		tap_follow_pairs(tap, dev);
		netdev_update_features(dev);
	}
	rtnl_unlock();
}
