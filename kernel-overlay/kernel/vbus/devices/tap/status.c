// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: what the client can read about the far end of its wire
 *
 * One work item writes the status region, so nobody else needs a lock for it or
 * for its signal: after a change at once, and for the counters once in a while
 * as long as there is traffic.
 */
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "tap.h"

#define TAP_STATUS_PERIOD	HZ
#define TAP_SPEED		10000

/* What the device writes in struct venet_status, between signal and rest. */
struct tap_status {
	__le32 link;
	__le32 speed;
	__le32 mtu;
	__le32 reserved32;
	__le64 broken[2];
	__le64 tx_packets;
	__le64 tx_bytes;
	__le64 tx_dropped;
	__le64 tx_errors;
	__le64 rx_packets;
	__le64 rx_bytes;
	__le64 rx_dropped;
};

static_assert(sizeof(struct tap_status) ==
	      offsetof(struct venet_status, reserved) -
	      offsetof(struct venet_status, link));
/* All of our queues are in the first word of those that are broken. */
static_assert(2 * TAP_PAIRS <= 64);
static_assert(offsetof(struct tap_status, rx_dropped) ==
	      offsetof(struct venet_status, rx_dropped) -
	      offsetof(struct venet_status, link));

static void tap_status_far_end(const struct venet_tap *tap,
			       struct tap_status *s)
{
	const struct net_device *dev = rcu_dereference(tap->netdev);
	bool up = dev && netif_running(dev);

	s->link = cpu_to_le32(up ? VENET_LINK_UP : 0);
	s->speed = cpu_to_le32(up ? TAP_SPEED : VENET_SPEED_UNKNOWN);
	s->mtu = cpu_to_le32(dev ? READ_ONCE(dev->mtu) : ETH_DATA_LEN);
}

static void tap_status_counters(const struct tap_conn *tc,
				struct tap_status *s)
{
	const struct tap_tally *base = &tc->base;
	struct tap_tally now;

	tap_tally_sum(tc->tap, &now);
	s->tx_packets = cpu_to_le64(now.in.packets - base->in.packets);
	s->tx_bytes = cpu_to_le64(now.in.bytes - base->in.bytes);
	s->tx_dropped = cpu_to_le64(now.in.dropped - base->in.dropped);
	s->tx_errors = cpu_to_le64(now.in.errors - base->in.errors);
	s->rx_packets = cpu_to_le64(now.out.packets - base->out.packets);
	s->rx_bytes = cpu_to_le64(now.out.bytes - base->out.bytes);
	s->rx_dropped = cpu_to_le64(now.out.dropped - base->out.dropped);
}

static __le64 tap_status_broken(const struct tap_conn *tc)
{
	u64 broken = 0;
	u32 i;

	for (i = 0; i < tc->max_pairs; i++) {
		const struct tap_pair *pair = &tc->pairs[i];

		if (READ_ONCE(pair->in.q.broken))
			broken |= BIT_ULL(pair->in.q.id);
		if (READ_ONCE(pair->out.q.broken))
			broken |= BIT_ULL(pair->out.q.id);
	}
	return cpu_to_le64(broken);
}

/* Write it all. Returns true when something but the counters has changed. */
static bool tap_status_write(struct tap_conn *tc, struct vbus_shm *shm)
{
	struct tap_status s = { .broken[0] = tap_status_broken(tc) };
	bool changed;

	guard(rcu)();
	tap_status_far_end(tc->tap, &s);
	tap_status_counters(tc, &s);
	if (vbus_shm_write(shm, offsetof(struct venet_status, link), &s,
			   sizeof(s))) {
		/* The region is suspended. */
		tap_status_counted(tc);
		return false;
	}
	changed = s.link != tc->told.link || s.mtu != tc->told.mtu ||
		  s.broken[0] != tc->told.broken;
	tc->told.link = s.link;
	tc->told.mtu = s.mtu;
	tc->told.broken = s.broken[0];
	return changed;
}

static void tap_status_work(struct work_struct *work)
{
	struct tap_conn *tc = container_of(to_delayed_work(work),
					   struct tap_conn, status_work);

	/* A region that could be written is there for the signal, too. */
	guard(rcu)();
	if (!tap_status_write(tc, tc->status))
		return;
	shm_signal_inject(tc->status_signal);
	vbus_shm_dirty(tc->status, offsetof(struct venet_status, signal.host),
		       sizeof(struct shm_signal_side));
}

/* Something other than the counters has changed, or may have. Any context. */
void tap_status_changed(struct tap_conn *tc)
{
	/* Pairs with the smp_store_release() in tap_status_attach(). */
	if (smp_load_acquire(&tc->status))
		mod_delayed_work(tap_wq, &tc->status_work, 0);
}

/* A counter has. Any context. */
void tap_status_counted(struct tap_conn *tc)
{
	/* Pairs with the smp_store_release() in tap_status_attach(). */
	if (smp_load_acquire(&tc->status) &&
	    !delayed_work_pending(&tc->status_work))
		queue_delayed_work(tap_wq, &tc->status_work, TAP_STATUS_PERIOD);
}

/* The status region: it stays until the connection ends. */
int tap_status_attach(struct tap_conn *tc, struct vbus_shm *shm,
		      struct shm_signal *signal)
{
	if (!signal || shm->len < sizeof(struct venet_status))
		return -EINVAL;
	if (tc->status)
		return -EBUSY;
	tc->status_signal = shm_signal_get(signal);
	tap_status_write(tc, shm);
	/* Pairs with the smp_load_acquire() in the two above. */
	smp_store_release(&tc->status, vbus_shm_get(shm));
	/* Something may have changed in between. */
	tap_status_changed(tc);
	return 0;
}

/* Undo it. Nobody else uses the connection. */
void tap_status_detach(struct tap_conn *tc)
{
	cancel_delayed_work_sync(&tc->status_work);
	if (!tc->status)
		return;
	shm_signal_put(tc->status_signal);
	vbus_shm_put(tc->status);
	tc->status_signal = NULL;
	tc->status = NULL;
}

void tap_status_init(struct tap_conn *tc)
{
	INIT_DELAYED_WORK(&tc->status_work, tap_status_work);
}
