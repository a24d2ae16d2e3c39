// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the verbs of a connection, as in include/uapi/linux/venet.h
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tap.h"
#include "trace.h"

static_assert(sizeof(struct venet_desc) == sizeof_field(struct ioq_desc, data));
static_assert(TAP_IN_DESCS >= 18);

/* What the device offers now: the administrator may have masked some of it. */
static u64 tap_offered(const struct tap_conn *tc)
{
	return vbus_device_features(tc->tap->vdev) & TAP_FEATURES;
}

static u32 tap_far_mtu(const struct venet_tap *tap)
{
	const struct net_device *dev;

	guard(rcu)();
	dev = rcu_dereference(tap->netdev);
	return dev ? READ_ONCE(dev->mtu) : ETH_DATA_LEN;
}

static int tap_call_info(struct tap_conn *tc, void *data)
{
	struct venet_info *info = data;

	if (memchr_inv(info, 0, sizeof(*info)))
		return -EINVAL;
	info->features = cpu_to_le64(tap_offered(tc));
	scoped_guard(mutex, &tc->tap->lock)
		ether_addr_copy(info->mac, tc->tap->client_mac);
	info->mtu = cpu_to_le32(tap_far_mtu(tc->tap));
	info->min_mtu = cpu_to_le32(TAP_MIN_MTU);
	info->max_mtu = cpu_to_le32(TAP_MAX_MTU);
	info->max_pairs = cpu_to_le32(tc->max_pairs);
	info->ring_min = cpu_to_le32(TAP_RING_MIN);
	info->ring_max = cpu_to_le32(TAP_RING_MAX);
	info->tx_descs = cpu_to_le32(TAP_IN_DESCS);
	info->rx_bufs = cpu_to_le32(TAP_OUT_BUFS);
	info->rx_buf_min = cpu_to_le32(TAP_BUF_MIN);
	info->rx_buf_max = cpu_to_le32(TAP_BUF_MAX);
	info->max_frame = cpu_to_le32(VENET_MAX_FRAME);
	info->max_slabs = cpu_to_le32(TAP_SLABS);
	info->max_slab_len = cpu_to_le32(VBUS_SHM_MAX_LEN);
	return 0;
}

#define F(_f)	VENET_FEATURE(VENET_F_##_f)

/* A feature, and what it needs: one of @any, and @all. */
static const struct {
	u64 feature;
	u64 any;
	u64 all;
} tap_needs[] = {
	{ F(HOST_TSO4),  F(CSUM),		     0 },
	{ F(HOST_TSO6),  F(CSUM),		     0 },
	{ F(HOST_ECN),   F(HOST_TSO4) | F(HOST_TSO6),   0 },
	{ F(HOST_USO),   F(CSUM),		     0 },
	{ F(GUEST_TSO4), F(GUEST_CSUM),		     F(MRG) },
	{ F(GUEST_TSO6), F(GUEST_CSUM),		     F(MRG) },
	{ F(GUEST_ECN),  F(GUEST_TSO4) | F(GUEST_TSO6), 0 },
	{ F(GUEST_USO),  F(GUEST_CSUM),		     F(MRG) },
	{ F(RX_MODE),    F(MAC),		     0 },
};

#undef F

static bool tap_features_consistent(u64 features)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tap_needs); i++) {
		if (!(features & tap_needs[i].feature))
			continue;
		if (!(features & tap_needs[i].any) ||
		    (features & tap_needs[i].all) != tap_needs[i].all)
			return false;
	}
	return true;
}

static void tap_set_offloads(struct tap_conn *tc, u64 offloads)
{
	WRITE_ONCE(tc->offloads, offloads);
	tap_client_changed(tc->tap);
}

static int tap_call_negotiate(struct tap_conn *tc, void *data)
{
	const struct venet_negotiate *neg = data;
	u64 features = le64_to_cpu(neg->features);

	if (tc->negotiated)
		return -EBUSY;
	if (memchr_inv(neg->reserved, 0, sizeof(neg->reserved)) ||
	    (features & ~tap_offered(tc)) || !tap_features_consistent(features))
		return -EINVAL;
	if (features & VENET_FEATURE(VENET_F_MQ)) {
		tc->flows = tap_flows_alloc();
		if (!tc->flows)
			return -ENOMEM;
	}
	tc->features = features;
	tc->negotiated = true;
	tap_set_offloads(tc, features & VENET_OFFLOADS);
	return 0;
}

/* How many pairs the client may use. */
static u32 tap_usable_pairs(const struct tap_conn *tc)
{
	return tap_has(tc, VENET_F_MQ) ? tc->max_pairs : 1;
}

static struct tap_queue *tap_queue_find(struct tap_conn *tc, u32 id)
{
	u32 queues = 2 * tap_usable_pairs(tc);
	struct tap_pair *pair;

	if (id >= queues)
		return NULL;
	id = array_index_nospec(id, queues);
	pair = &tc->pairs[id / 2];
	return id == VENET_QUEUE_RX(id / 2) ? &pair->out.q : &pair->in.q;
}

/* The other way round. */
static bool tap_queue_is_in(const struct tap_queue *q)
{
	return q->id == VENET_QUEUE_TX(q->pair);
}

static struct tap_in *tap_queue_in(struct tap_queue *q)
{
	return container_of(q, struct tap_in, q);
}

static struct tap_out *tap_queue_out(struct tap_queue *q)
{
	return container_of(q, struct tap_out, q);
}

static int tap_call_setup(struct tap_conn *tc, void *data)
{
	const struct venet_queue_setup *setup = data;
	struct tap_queue *q = tap_queue_find(tc, le32_to_cpu(setup->queue));

	if (!q || memchr_inv(setup->reserved, 0, sizeof(setup->reserved)))
		return -EINVAL;
	return tap_queue_setup(q, le32_to_cpu(setup->count));
}

static struct tap_queue *tap_call_queue(struct tap_conn *tc,
					const struct venet_queue *arg)
{
	if (memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return NULL;
	return tap_queue_find(tc, le32_to_cpu(arg->queue));
}

static int tap_call_start(struct tap_conn *tc, void *data)
{
	struct tap_queue *q = tap_call_queue(tc, data);
	int err = q ? tap_queue_start(q) : -EINVAL;

	if (err)
		return err;
	if (tap_queue_is_in(q))
		tap_in_started(tap_queue_in(q));
	else
		tap_out_started(tap_queue_out(q));
	return 0;
}

static int tap_call_stop(struct tap_conn *tc, void *data)
{
	struct tap_queue *q = tap_call_queue(tc, data);
	int err = q ? tap_queue_stop(q) : -EINVAL;

	if (!err && !tap_queue_is_in(q))
		tap_out_stopped(tap_queue_out(q));
	return err;
}

static int tap_call_reset(struct tap_conn *tc, void *data)
{
	struct tap_queue *q = tap_call_queue(tc, data);
	int err = q ? tap_queue_reset(q) : -EINVAL;

	if (!err && !tap_queue_is_in(q))
		tap_out_stopped(tap_queue_out(q));
	return err;
}

static bool tap_pair_running(const struct tap_pair *pair)
{
	return pair->in.q.state == TAP_QUEUE_RUNNING &&
	       pair->out.q.state == TAP_QUEUE_RUNNING;
}

static int tap_call_link(struct tap_conn *tc, void *data)
{
	const struct venet_link *link = data;
	u32 up = le32_to_cpu(link->up);

	if (up > 1 || memchr_inv(link->reserved, 0, sizeof(link->reserved)))
		return -EINVAL;
	if (up && !tap_pair_running(&tc->pairs[0]))
		return -EBUSY;
	WRITE_ONCE(tc->link, up);
	tap_netdev_carrier(tc->tap);
	return 0;
}

static int tap_call_mtu(struct tap_conn *tc, void *data)
{
	const struct venet_mtu *arg = data;
	u32 mtu = le32_to_cpu(arg->mtu);

	if (mtu < TAP_MIN_MTU || mtu > TAP_MAX_MTU ||
	    memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	WRITE_ONCE(tc->mtu, mtu);
	return 0;
}

static int tap_call_mac(struct tap_conn *tc, void *data)
{
	const struct venet_mac *arg = data;

	if (!is_valid_ether_addr(arg->mac) ||
	    memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	return tap_filter_set_mac(tc, arg->mac);
}

static int tap_call_rx_mode(struct tap_conn *tc, void *data)
{
	return tap_filter_set_mode(tc, data);
}

static int tap_call_vlan(struct tap_conn *tc, void *data)
{
	return tap_filter_set_vlans(tc, data);
}

static int tap_call_coalesce(struct tap_conn *tc, void *data)
{
	const struct venet_coalesce *arg = data;
	struct tap_queue *q = tap_queue_find(tc, le32_to_cpu(arg->queue));

	if (!q || tap_queue_is_in(q) || arg->reserved)
		return -EINVAL;
	return tap_coalesce_set(tap_queue_out(q), le32_to_cpu(arg->usecs),
				le32_to_cpu(arg->frames));
}

static int tap_call_offloads(struct tap_conn *tc, void *data)
{
	const struct venet_offloads *arg = data;
	u64 offloads = le64_to_cpu(arg->offloads);
	u64 rest = tc->features & ~VENET_OFFLOADS;

	if (arg->reserved || (offloads & ~(tc->features & VENET_OFFLOADS)) ||
	    !tap_features_consistent(offloads | rest))
		return -EINVAL;
	tap_set_offloads(tc, offloads);
	return 0;
}

static int tap_call_pairs(struct tap_conn *tc, void *data)
{
	const struct venet_pairs *arg = data;
	u32 pairs = le32_to_cpu(arg->pairs);
	u32 i;

	if (!pairs || pairs > tap_usable_pairs(tc) ||
	    memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	for (i = 0; i < pairs; i++)
		if (!tap_pair_running(&tc->pairs[i]))
			return -EBUSY;
	/* Pairs with the smp_load_acquire() in tap_flow_pair(): tc->flows. */
	smp_store_release(&tc->nr_pairs, pairs);
	tap_client_changed(tc->tap);
	return 0;
}

/* Indexed by function: what it takes, and the feature that it needs. */
static const struct {
	int (*fn)(struct tap_conn *tc, void *data);
	size_t len;
	u64 feature;
} tap_calls[] = {
	[VENET_CALL_INFO] = {
		tap_call_info, sizeof(struct venet_info),
	},
	[VENET_CALL_NEGOTIATE] = {
		tap_call_negotiate, sizeof(struct venet_negotiate),
	},
	[VENET_CALL_QUEUE_SETUP] = {
		tap_call_setup, sizeof(struct venet_queue_setup),
	},
	[VENET_CALL_QUEUE_START] = {
		tap_call_start, sizeof(struct venet_queue),
	},
	[VENET_CALL_QUEUE_STOP] = {
		tap_call_stop, sizeof(struct venet_queue),
	},
	[VENET_CALL_QUEUE_RESET] = {
		tap_call_reset, sizeof(struct venet_queue),
	},
	[VENET_CALL_LINK] = {
		tap_call_link, sizeof(struct venet_link),
	},
	[VENET_CALL_SET_MTU] = {
		tap_call_mtu, sizeof(struct venet_mtu),
		VENET_FEATURE(VENET_F_MTU),
	},
	[VENET_CALL_SET_MAC] = {
		tap_call_mac, sizeof(struct venet_mac),
		VENET_FEATURE(VENET_F_MAC),
	},
	[VENET_CALL_SET_OFFLOADS] = {
		tap_call_offloads, sizeof(struct venet_offloads),
		VENET_FEATURE(VENET_F_OFFLOADS),
	},
	[VENET_CALL_PAIRS] = {
		tap_call_pairs, sizeof(struct venet_pairs),
		VENET_FEATURE(VENET_F_MQ),
	},
	[VENET_CALL_RX_MODE] = {
		tap_call_rx_mode, sizeof(struct venet_rx_mode),
		VENET_FEATURE(VENET_F_RX_MODE),
	},
	[VENET_CALL_VLAN] = {
		tap_call_vlan, sizeof(struct venet_vlan),
		VENET_FEATURE(VENET_F_VLAN),
	},
	[VENET_CALL_COALESCE] = {
		tap_call_coalesce, sizeof(struct venet_coalesce),
		VENET_FEATURE(VENET_F_COALESCE),
	},
};

static bool tap_call_early(u32 func)
{
	return func == VENET_CALL_INFO || func == VENET_CALL_NEGOTIATE;
}

static int tap_call(struct vbus_connection *conn, u32 func, void *data,
		    size_t len)
{
	struct tap_conn *tc = vbus_connection_priv(conn);

	if (func >= ARRAY_SIZE(tap_calls))
		return -EOPNOTSUPP;
	func = array_index_nospec(func, ARRAY_SIZE(tap_calls));
	if (!tap_calls[func].fn)
		return -EOPNOTSUPP;
	if (len != tap_calls[func].len)
		return -EINVAL;

	guard(mutex)(&tc->lock);
	if (!tc->negotiated && !tap_call_early(func))
		return -EBUSY;
	if (tap_calls[func].feature & ~tc->features)
		return -EOPNOTSUPP;
	return tap_calls[func].fn(tc, data);
}

static int tap_shm_slab(struct tap_conn *tc, u32 n, struct vbus_shm *shm,
			struct shm_signal *signal)
{
	if (signal)
		return -EINVAL;
	n = array_index_nospec(n, TAP_SLABS);
	if (tc->slabs[n])
		return -EBUSY;
	/* Pairs with the smp_load_acquire() in tap_out_check(). */
	smp_store_release(&tc->slabs[n], vbus_shm_get(shm));
	return 0;
}

static int tap_shm_ring(struct tap_conn *tc, u32 queue, struct vbus_shm *shm,
			struct shm_signal *signal)
{
	struct tap_queue *q = tap_queue_find(tc, queue);

	return q ? tap_queue_attach(q, shm, signal) : -EINVAL;
}

static int tap_shm(struct vbus_connection *conn, u32 id, struct vbus_shm *shm,
		   struct shm_signal *signal)
{
	struct tap_conn *tc = vbus_connection_priv(conn);

	guard(mutex)(&tc->lock);
	if (!tc->negotiated)
		return -EBUSY;
	if (id >= VENET_REGION_SLAB(0) && id < VENET_REGION_SLAB(TAP_SLABS))
		return tap_shm_slab(tc, id - VENET_REGION_SLAB(0), shm, signal);
	if (id >= VENET_REGION_RING(0))
		return tap_shm_ring(tc, id - VENET_REGION_RING(0), shm, signal);
	if (id != VENET_REGION_STATUS || !tap_has(tc, VENET_F_STATUS))
		return -EINVAL;
	return tap_status_attach(tc, shm, signal);
}

/* The interface lets go of the connection. */
static void tap_unpublish(struct tap_conn *tc)
{
	struct venet_tap *tap = tc->tap;
	u32 i;

	WRITE_ONCE(tc->link, false);
	for (i = 0; i < tc->max_pairs; i++) {
		WRITE_ONCE(tc->pairs[i].in.q.running, false);
		WRITE_ONCE(tc->pairs[i].out.q.running, false);
	}
	scoped_guard(mutex, &tap->lock)
		rcu_assign_pointer(tap->conn, NULL);
	tap_netdev_carrier(tap);
	synchronize_rcu();
	for (i = 0; i < tc->max_pairs; i++)
		tap_out_stopped(&tc->pairs[i].out);
	tap_client_changed(tap);
}

static void tap_close(struct vbus_connection *conn)
{
	struct tap_conn *tc = vbus_connection_priv(conn);
	u32 i;

	tap_unpublish(tc);
	tap_status_detach(tc);
	for (i = 0; i < tc->max_pairs; i++) {
		tap_queue_detach(&tc->pairs[i].in.q);
		tap_queue_detach(&tc->pairs[i].out.q);
	}
	for (i = 0; i < TAP_SLABS; i++) {
		vbus_shm_put(tc->slabs[i]);
		tc->slabs[i] = NULL;
	}
	trace_venet_tap_close(tc->tap->vdev);
}

static void tap_release(struct vbus_connection *conn)
{
	struct tap_conn *tc = vbus_connection_priv(conn);

	mutex_destroy(&tc->lock);
	kvfree(tc->flows);
	tap_filter_free(tc);
	kvfree(tc);
}

static const struct vbus_connection_ops tap_connection_ops = {
	.call = tap_call,
	.shm = tap_shm,
	.close = tap_close,
	.release = tap_release,
};

static struct tap_conn *tap_conn_create(struct vbus_connection *conn,
					struct venet_tap *tap)
{
	const u32 max_pairs = tap->max_pairs;
	struct tap_conn *tc;
	u32 i;

	tc = kvzalloc_flex(*tc, pairs, max_pairs, GFP_KERNEL_ACCOUNT);
	if (!tc)
		return NULL;
	tc->max_pairs = max_pairs;
	tc->nr_pairs = 1;
	tc->tap = tap;
	tc->conn = conn;
	mutex_init(&tc->lock);
	tc->mtu = TAP_MAX_MTU;
	for (i = 0; i < max_pairs; i++) {
		tap_in_init(&tc->pairs[i].in, tc, i);
		tap_out_init(&tc->pairs[i].out, tc, i);
	}
	tap_status_init(tc);
	return tc;
}

/**
 * tap_open - a client opens the device
 * @conn: its connection
 * @version: of the ABI
 *
 * Context: may sleep.
 * Return: 0; -EPROTONOSUPPORT for an ABI that is not ours; -EBUSY when a client
 * has opened the device; -ENOMEM.
 */
int tap_open(struct vbus_connection *conn, u32 version)
{
	struct vbus_interface *intf = vbus_connection_interface(conn);
	struct vbus_device *vdev = vbus_interface_device(intf);
	struct venet_tap *tap = vbus_device_priv(vdev);
	struct tap_conn *tc;

	if (version != VENET_VERSION)
		return -EPROTONOSUPPORT;
	tc = tap_conn_create(conn, tap);
	if (!tc)
		return -ENOMEM;
	scoped_guard(mutex, &tap->lock) {
		if (tap_conn_locked(tap)) {
			kvfree(tc);
			return -EBUSY;
		}
		ether_addr_copy(tc->mac, tap->client_mac);
		/* Nothing counts without a connection. */
		tap_tally_sum(tap, &tc->base);
		vbus_connection_set_ops(conn, &tap_connection_ops, tc);
		rcu_assign_pointer(tap->conn, tc);
	}
	trace_venet_tap_open(vdev);
	return 0;
}
