// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the network interface
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>

#include "tap.h"

/* The client's wishes reach the interface's features at most that often. */
#define TAP_FEATURES_DELAY	(HZ / 10)

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
	return vlan_features_check(skb, tap_mask(tap_from_netdev(dev),
						 features));
}

static const struct net_device_ops tap_netdev_ops = {
	.ndo_open = tap_ndo_open,
	.ndo_stop = tap_ndo_stop,
	.ndo_start_xmit = tap_xmit,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_mac_address = tap_ndo_set_mac,
	.ndo_change_mtu = tap_ndo_change_mtu,
	.ndo_fix_features = tap_ndo_fix_features,
	.ndo_features_check = tap_ndo_features_check,
};

/* ethtool -S: "in" is from the client, "out" is to it. */
static const char tap_counter_names[][ETH_GSTRING_LEN] = {
	"in_packets", "in_bytes", "in_dropped", "in_errors", "in_batches",
	"in_bells", "in_deferred", "in_faults", "in_broken",
	"out_packets", "out_bytes", "out_dropped", "out_batches", "out_bells",
	"out_full", "out_stalls", "out_broken",
};

static void tap_get_drvinfo(struct net_device *dev,
			    struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "venet-tap");
	strscpy(info->bus_info, vbus_device_name(tap_from_netdev(dev)->vdev));
}

static int tap_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(tap_counter_names) :
				     -EOPNOTSUPP;
}

static void tap_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, tap_counter_names, sizeof(tap_counter_names));
}

static void tap_get_ethtool_stats(struct net_device *dev,
				  struct ethtool_stats *stats, u64 *data)
{
	const struct venet_tap *tap = tap_from_netdev(dev);
	const struct tap_counters *in = &tap->in, *out = &tap->out;
	const u64 *counters[] = {
		&in->packets, &in->bytes, &in->dropped, &in->errors,
		&in->batches, &in->bells, &in->deferred, &in->faults,
		&in->broken,
		&out->packets, &out->bytes, &out->dropped, &out->batches,
		&out->bells, &out->full, &out->stalls, &out->broken,
	};
	int i;

	static_assert(ARRAY_SIZE(counters) == ARRAY_SIZE(tap_counter_names));
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		data[i] = READ_ONCE(*counters[i]);
}

static int tap_get_link_ksettings(struct net_device *dev,
				  struct ethtool_link_ksettings *cmd)
{
	cmd->base.speed = SPEED_10000;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	cmd->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static const struct ethtool_ops tap_ethtool_ops = {
	.get_drvinfo = tap_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = tap_get_sset_count,
	.get_strings = tap_get_strings,
	.get_ethtool_stats = tap_get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_link_ksettings = tap_get_link_ksettings,
};

static void tap_netdev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &tap_netdev_ops;
	dev->ethtool_ops = &tap_ethtool_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->min_mtu = TAP_MIN_MTU;
	dev->max_mtu = TAP_MAX_MTU;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
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
	tap_features_changed(tap);
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
	dev = alloc_netdev(sizeof(struct tap_port), tap->ifname,
			   strchr(tap->ifname, '%') ? NET_NAME_ENUM :
						      NET_NAME_USER,
			   tap_netdev_setup);
	if (!dev)
		return -ENOMEM;
	((struct tap_port *)netdev_priv(dev))->tap = tap;
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
	free_netdev(dev);
}

/* The interface has a carrier while the client has its link up. */
void tap_netdev_carrier(struct venet_tap *tap)
{
	const struct tap_conn *tc;
	struct net_device *dev;

	guard(mutex)(&tap->lock);
	dev = tap_netdev_locked(tap);
	if (!dev)
		return;
	tc = tap_conn_locked(tap);
	if (tc && READ_ONCE(tc->link))
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/* Does the queue above wait for buffers of the client's? */
bool tap_netdev_stopped(const struct venet_tap *tap)
{
	const struct net_device *dev;

	guard(rcu)();
	dev = rcu_dereference(tap->netdev);
	return dev && netif_tx_queue_stopped(netdev_get_tx_queue(dev, 0));
}

/* Let the queue above go on. Any context. */
void tap_netdev_wake(struct venet_tap *tap)
{
	struct netdev_queue *txq;
	struct net_device *dev;

	guard(rcu)();
	dev = rcu_dereference(tap->netdev);
	if (!dev)
		return;
	txq = netdev_get_tx_queue(dev, 0);
	if (netif_tx_queue_stopped(txq))
		netif_tx_wake_queue(txq);
}

/* The client's offloads have changed: never RTNL from its call. */
void tap_features_changed(struct venet_tap *tap)
{
	queue_delayed_work(tap_wq, &tap->features_work, TAP_FEATURES_DELAY);
}

void tap_features_work(struct work_struct *work)
{
	struct venet_tap *tap = container_of(to_delayed_work(work),
					     struct venet_tap, features_work);
	struct net_device *dev;

	rtnl_lock();
	/* It cannot be unregistered before RTNL is dropped. */
	scoped_guard(mutex, &tap->lock)
		dev = tap_netdev_locked(tap);
	if (dev)
		netdev_update_features(dev);
	rtnl_unlock();
}
