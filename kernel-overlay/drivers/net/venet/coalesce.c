// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: how long received frames may wait for their interrupt
 *
 * It is the device that waits; here is what the administrator has said, for
 * each pair, and what to tell the device when he leaves it to us. For that,
 * each pair is looked at ten times a second: frames that come in company may
 * wait, ever longer, as long as they do not become fewer by it. Those that come
 * alone, such as answers, must not.
 *
 * All of it is under RTNL. The work that looks at the pairs must not wait for
 * it, and does so the next time.
 */
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "venet.h"

#define VENET_ADAPT_INTERVAL	(HZ / 10)

/* In an interval: with fewer interrupts there is nothing to be saved. */
#define VENET_ADAPT_SIGNALS	50

/* Intervals after which what has cost frames is tried again. */
#define VENET_ADAPT_REST	50

static const u16 venet_adapt_usecs[] = { 0, 8, 16, 32, 64, 128, 256 };

/*
 * For @frames with @signals since the last look: the level from now on. It goes
 * down at once and rises slowly.
 */
static u32 venet_adapt(struct venet_coalesce_rx *c, u64 frames, u64 signals)
{
	u64 last = c->last;
	bool rose = c->rose;

	c->last = frames;
	c->rose = false;
	if (c->rest)
		c->rest--;

	if (frames < 2 * signals || frames < VENET_ADAPT_SIGNALS) {
		c->level = 0;
	} else if (rose && frames < last - last / 8) {
		c->level--;
		c->rest = VENET_ADAPT_REST;
	} else if (!c->rest && signals >= VENET_ADAPT_SIGNALS &&
		   c->level < ARRAY_SIZE(venet_adapt_usecs) - 1) {
		c->level++;
		c->rose = true;
	}
	return c->level;
}

static u32 venet_coalesce_usecs(const struct venet_pair *pair)
{
	const struct venet_coalesce_rx *c = &pair->rx.coalesce;

	return pair->venet->adaptive ? venet_adapt_usecs[c->level] : c->usecs;
}

/* As many as leave the device buffers for those that come meanwhile. */
static u32 venet_coalesce_frames(const struct venet_pair *pair)
{
	return pair->venet->adaptive ? pair->venet->rx_count / 4 :
				       pair->rx.coalesce.frames;
}

static int venet_coalesce_tell(struct venet_pair *pair)
{
	return venet_set_coalesce(pair->venet, VENET_QUEUE_RX(pair->index),
				  venet_coalesce_usecs(pair),
				  venet_coalesce_frames(pair));
}

static u64 venet_coalesce_packets(const struct venet_rx *rx)
{
	unsigned int start;
	u64 packets;

	do {
		start = u64_stats_fetch_begin(&rx->stats.syncp);
		packets = u64_stats_read(&rx->stats.packets);
	} while (u64_stats_fetch_retry(&rx->stats.syncp, start));
	return packets;
}

static void venet_adapt_pair(struct venet_pair *pair)
{
	struct venet_coalesce_rx *c = &pair->rx.coalesce;
	unsigned long signals = READ_ONCE(pair->rx.signals);
	u64 packets = venet_coalesce_packets(&pair->rx);
	u32 level = c->level;

	if (venet_adapt(c, packets - c->was_packets,
			signals - c->was_signals) != level)
		venet_coalesce_tell(pair);
	c->was_packets = packets;
	c->was_signals = signals;
}

/* A guest that sleeps is not woken for this. */
static void venet_adapt_later(struct venet *venet)
{
	schedule_delayed_work(&venet->adapt_work, VENET_ADAPT_INTERVAL);
}

static void venet_adapt_work(struct work_struct *work)
{
	struct venet *venet = container_of(to_delayed_work(work), struct venet,
					   adapt_work);
	u32 i;

	if (!rtnl_trylock()) {
		venet_adapt_later(venet);
		return;
	}
	if (venet->opened && venet->adaptive) {
		for (i = 0; i < venet->nr_pairs; i++)
			venet_adapt_pair(&venet->pairs[i]);
		venet_adapt_later(venet);
	}
	rtnl_unlock();
}

/* From the shortest time again. */
static void venet_adapt_reset(struct venet_pair *pair)
{
	struct venet_coalesce_rx *c = &pair->rx.coalesce;

	c->level = 0;
	c->rest = 0;
	c->rose = false;
	c->last = 0;
	c->was_packets = venet_coalesce_packets(&pair->rx);
	c->was_signals = READ_ONCE(pair->rx.signals);
}

static int venet_coalesce_tell_all(struct venet *venet)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < venet->nr_pairs; i++) {
		venet_adapt_reset(&venet->pairs[i]);
		err = venet_coalesce_tell(&venet->pairs[i]);
	}
	if (!err && venet->adaptive)
		venet_adapt_later(venet);
	return err;
}

/* Tell a device that was just opened, which does not wait so far. */
int venet_coalesce_configure(struct venet *venet)
{
	if (!venet_has(venet, VENET_F_COALESCE))
		return 0;
	return venet_coalesce_tell_all(venet);
}

/*
 * What the administrator sees and sets
 */

static void venet_coalesce_show(const struct venet *venet,
				const struct venet_pair *pair,
				struct ethtool_coalesce *ec)
{
	ec->rx_coalesce_usecs = pair->rx.coalesce.usecs;
	ec->rx_max_coalesced_frames = pair->rx.coalesce.frames;
	ec->use_adaptive_rx_coalesce = venet->adaptive;
}

int venet_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
		       struct kernel_ethtool_coalesce *kernel_ec,
		       struct netlink_ext_ack *extack)
{
	struct venet *venet = netdev_priv(dev);

	if (!venet_has(venet, VENET_F_COALESCE))
		return -EOPNOTSUPP;
	venet_coalesce_show(venet, &venet->pairs[0], ec);
	return 0;
}

static int venet_coalesce_check(const struct venet *venet,
				const struct ethtool_coalesce *ec,
				struct netlink_ext_ack *extack)
{
	if (!venet_has(venet, VENET_F_COALESCE))
		return -EOPNOTSUPP;
	if (ec->rx_coalesce_usecs <= VENET_MAX_USECS)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "rx-usecs is at most %u", VENET_MAX_USECS);
	return -EINVAL;
}

static void venet_coalesce_take(struct venet *venet, u32 first, u32 end,
				const struct ethtool_coalesce *ec)
{
	for (; first < end; first++) {
		struct venet_coalesce_rx *c = &venet->pairs[first].rx.coalesce;

		c->usecs = ec->rx_coalesce_usecs;
		c->frames = ec->rx_max_coalesced_frames;
	}
}

/* The only error that is left is that the device is gone; then all is. */
int venet_change_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kernel_ec,
			  struct netlink_ext_ack *extack)
{
	struct venet *venet = netdev_priv(dev);
	int err;

	err = venet_coalesce_check(venet, ec, extack);
	if (err)
		return err;
	venet_coalesce_take(venet, 0, venet->max_pairs, ec);
	venet->adaptive = ec->use_adaptive_rx_coalesce;
	return venet->opened ? venet_coalesce_tell_all(venet) : 0;
}

/* With adaptation: how long it is right now. */
int venet_get_queue_coalesce(struct net_device *dev, u32 queue,
			     struct ethtool_coalesce *ec)
{
	struct venet *venet = netdev_priv(dev);
	const struct venet_pair *pair;

	if (!venet_has(venet, VENET_F_COALESCE))
		return -EOPNOTSUPP;
	if (queue >= venet->nr_pairs)
		return -EINVAL;
	pair = &venet->pairs[queue];
	venet_coalesce_show(venet, pair, ec);
	ec->rx_coalesce_usecs = venet_coalesce_usecs(pair);
	ec->rx_max_coalesced_frames = venet_coalesce_frames(pair);
	return 0;
}

/* Adaptation is for all pairs or none. */
int venet_change_queue_coalesce(struct net_device *dev, u32 queue,
				struct ethtool_coalesce *ec)
{
	struct venet *venet = netdev_priv(dev);
	int err;

	err = venet_coalesce_check(venet, ec, NULL);
	if (err)
		return err;
	if (queue >= venet->nr_pairs || venet->adaptive ||
	    ec->use_adaptive_rx_coalesce)
		return -EINVAL;
	venet_coalesce_take(venet, queue, queue + 1, ec);
	return venet->opened ? venet_coalesce_tell(&venet->pairs[queue]) : 0;
}

void venet_coalesce_init(struct venet *venet)
{
	INIT_DEFERRABLE_WORK(&venet->adapt_work, venet_adapt_work);
}

/* The interface is gone, so nobody queues it again. */
void venet_coalesce_exit(struct venet *venet)
{
	cancel_delayed_work_sync(&venet->adapt_work);
}
