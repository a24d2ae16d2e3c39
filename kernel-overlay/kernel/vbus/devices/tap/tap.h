/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * venet-tap: an Ethernet device whose other end is a network interface here
 *
 * "In" is what comes from the client's driver, its transmission; "out" is what
 * goes to it, its reception. The ABI is include/uapi/linux/venet.h.
 *
 * Lifetime
 *
 *	struct venet_tap	with the device: create() to destroy()
 *	  struct net_device	while an administrator has it enabled
 *	  struct tap_conn	one client's connection: open() to release()
 *
 * Neither of the inner two holds the other: the client may come and go while
 * the interface is there, and the interface while the client is. They find each
 * other through tap->netdev and tap->conn, which the data paths read under RCU.
 * Who takes one of them away clears the pointer, waits for a grace period, and
 * then nobody uses it any more.
 *
 * A queue works while its @running is set; both data paths look at it within
 * the RCU critical section in which they touch the ring, the regions and the
 * signal. So clearing it and a grace period stop the queue, too.
 *
 * Locks, outermost first
 *
 *	tap->admin	what the administrator does: enabled, the interface
 *	  RTNL
 *	tc->lock	one verb of a connection at a time
 *	  tap->lock	tap->conn, tap->netdev, addresses, name; held shortly
 *
 * The verbs never take RTNL or tap->admin, and never wait for who does. Regions,
 * features and queues belong to tc->lock and, in close(), to the closing task.
 *
 * The ring of a queue, its signal and its counters belong to one at a time: in:
 * to who has set that queue's TAP_IN_BUSY; out: to the lock of the interface's
 * transmit queue of the same number. No two queues share a lock: the answer to a
 * frame that came in may go out before the call that brought it in has returned.
 */
#ifndef _VENET_TAP_H
#define _VENET_TAP_H

#include <linux/cache.h>
#include <linux/if_ether.h>
#include <linux/ioq.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/shm_signal.h>
#include <linux/timer.h>
#include <linux/vbus.h>
#include <linux/venet.h>
#include <linux/workqueue.h>

/* How the interface is called unless the administrator has another wish. */
#define TAP_IFNAME		"venet%d"

#define TAP_MIN_MTU		ETH_MIN_MTU
#define TAP_MAX_MTU		9000

/* Limits that venet_info announces; the module may be told of fewer pairs. */
#define TAP_PAIRS		16
#define TAP_RING_MIN		8
#define TAP_RING_MAX		4096
#define TAP_IN_DESCS		20	/* for one frame from the driver */
#define TAP_OUT_BUFS		17	/* for one frame to the driver */
#define TAP_BUF_MIN		1536
#define TAP_BUF_MAX		65536
#define TAP_SLABS		16

#define TAP_FEATURES	(VENET_FEATURE(VENET_F_CSUM) | \
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

struct tap_conn;
struct tap_filter;
struct tap_flows;

/**
 * struct tap_counters - what happened on one direction of a device
 * @packets: frames that got through
 * @bytes: bytes in them
 * @dropped: frames lost for want of something
 * @errors: frames that broke a rule and were refused
 * @batches: times that descriptors were given back
 * @bells: signals that the client had asked for
 * @deferred: in: times that the connector's worker had to go on
 * @faults: in: times that memory of the client's was not present
 * @full: out: times that buffers ran out
 * @stalls: out: times that they did so for too long
 * @filtered: out: frames that the client does not want
 * @broken: times that the client broke the queue
 *
 * They count since the device was created. Each has one writer at a time, and is
 * read at any time: where a long has 32 bits, a reader may see half of a change
 * once every four billion. That is for statistics, and nothing else is done with
 * them, so it is not worth a sequence count for each frame.
 */
struct tap_counters {
	u64 packets;
	u64 bytes;
	u64 dropped;
	u64 errors;
	u64 batches;
	u64 bells;
	u64 deferred;
	u64 faults;
	u64 full;
	u64 stalls;
	u64 filtered;
	u64 broken;
} ____cacheline_aligned_in_smp;

/**
 * struct tap_tally - what happened on both directions of a pair
 * @in: what comes from the client
 * @out: what goes to it
 */
struct tap_tally {
	struct tap_counters in;
	struct tap_counters out;
};

/**
 * struct venet_tap - a device
 * @vdev: the core's side of it
 * @admin: serializes @enabled and who makes or removes the interface
 * @lock: protects the pointers, addresses and the name
 * @netdev: the interface while enabled
 * @conn: the connection while a client has opened the device
 * @follow_work: brings the interface's carrier, features and queues in line with
 *	the client's
 * @down_at: when the interface last lost its carrier, in 64 bit jiffies
 * @tallies: by pair: its counters
 * @bases: by pair: what they were when the interface was made
 * @enabled: what the administrator wants
 * @max_pairs: how many pairs a client may use; the interface has as many queues
 * @client_mac: the address that the client is told to use
 * @host_mac: the interface's address
 * @ifname: its name, or a pattern for it
 */
struct venet_tap {
	struct vbus_device *vdev;
	struct mutex admin;	/* outside RTNL */
	struct mutex lock;	/* inside everything */
	struct net_device __rcu *netdev;
	struct tap_conn __rcu *conn;
	struct delayed_work follow_work;
	u64 down_at;
	struct tap_tally tallies[TAP_PAIRS];
	struct tap_tally bases[TAP_PAIRS];
	bool enabled;
	u32 max_pairs;
	u8 client_mac[ETH_ALEN];
	u8 host_mac[ETH_ALEN];
	char ifname[IFNAMSIZ];
};

/**
 * enum tap_queue_state - how far the driver has brought a queue
 * @TAP_QUEUE_NONE: the device knows no ring
 * @TAP_QUEUE_READY: it knows the ring and does not look at it
 * @TAP_QUEUE_RUNNING: it works
 */
enum tap_queue_state {
	TAP_QUEUE_NONE,
	TAP_QUEUE_READY,
	TAP_QUEUE_RUNNING,
};

/**
 * struct tap_queue - what both directions have
 * @tc: the connection
 * @id: its number in the ABI
 * @pair: number of the pair that it is in
 * @state: under tc->lock
 * @running: the data path may use it; see above
 * @broken: the client broke the ring; until reset
 * @ring: our view of it
 * @shm: the region of the ring, once registered
 * @signal: the signal in it
 * @notifier: what the client's bell calls
 * @counters: the device's
 */
struct tap_queue {
	struct tap_conn *tc;
	u32 id;
	u32 pair;
	enum tap_queue_state state;
	bool running;
	bool broken;
	struct ioq ring;
	struct vbus_shm *shm;
	struct shm_signal *signal;
	struct shm_signal_notifier notifier;
	struct tap_counters *counters;
};

/**
 * struct tap_seg - a piece of a frame in the client's memory
 * @addr: where
 * @len: bytes
 */
struct tap_seg {
	u64 addr;
	u32 len;
};

/* tap_in.flags */
#define TAP_IN_BUSY	0	/* somebody works on the ring */
#define TAP_IN_AGAIN	1	/* and should look once more */

/**
 * struct tap_in - frames from the client
 * @q: the queue
 * @flags: TAP_IN_*
 * @work: goes on where the doorbell may not
 * @faults: in a row, without a frame getting through
 * @rung_at: when the client's bell last rang, in ns of this CPU's clock
 * @taken: bytes that had come by then
 * @sent: bytes that had gone out on the same pair
 * @streak: bells in a row, soon after each other, that were not answered in kind
 * @gathered: frames that the worker has found since
 * @segs: of the frame in hand
 */
struct tap_in {
	struct tap_queue q;
	unsigned long flags;
	struct vbus_work work;
	unsigned int faults;
	u64 rung_at;
	u64 taken;
	u64 sent;
	unsigned int streak;
	unsigned int gathered;
	struct tap_seg segs[TAP_IN_DESCS];
} ____cacheline_aligned_in_smp;

/**
 * struct tap_buf - a receive buffer of the client's
 * @shm: the slab that it is in
 * @offset: where
 * @len: bytes
 */
struct tap_buf {
	struct vbus_shm *shm;
	u32 offset;
	u32 len;
};

/**
 * struct tap_out - frames for the client
 * @q: the queue
 * @unsignalled: frames whose buffers were given back since the last signal
 * @hungry: buffers ran out, and since then too few have come
 * @stalled: they ran out too long ago: drop instead of waiting; @hungry, too
 * @taken: buffers that were filled meanwhile
 * @stall: when that will be
 * @work: announces what a burst could not
 * @usecs: how long frames may wait for their signal; 0: not at all
 * @frames: how many may; 0: any number
 * @wait: ends that
 * @bufs: of the frame in hand
 */
struct tap_out {
	struct tap_queue q;
	u32 unsignalled;
	bool hungry;
	bool stalled;
	u32 taken;
	u32 usecs;
	u32 frames;
	struct timer_list stall;
	struct vbus_work work;
	struct work_struct wait;
	struct tap_buf bufs[TAP_OUT_BUFS];
} ____cacheline_aligned_in_smp;

/**
 * struct tap_pair - a queue of each direction
 * @in: frames from the client
 * @out: frames for it
 */
struct tap_pair {
	struct tap_in in;
	struct tap_out out;
};

/**
 * struct tap_conn - a client's connection
 * @tap: the device
 * @conn: the core's side of it
 * @lock: one verb at a time
 * @negotiated: features are agreed on
 * @features: which
 * @offloads: those of VENET_OFFLOADS that the client accepts now
 * @mtu: the client's
 * @link: the client has its link up
 * @mac: the client's address
 * @filter: which frames it wants, or NULL: all; changed under @lock
 * @slabs: registered memory of receive buffers; each is set once
 * @status: the status region, or NULL
 * @status_signal: the signal in it
 * @status_work: writes it
 * @told: the words that were last written there
 * @base: the counters of all pairs when the connection began
 * @flows: which pair a flow was last seen on; set once, with VENET_F_MQ
 * @nr_pairs: frames are spread over that many
 * @max_pairs: how many pairs there are
 * @pairs: the pairs
 */
struct tap_conn {
	struct venet_tap *tap;
	struct vbus_connection *conn;
	struct mutex lock;	/* around each verb */
	bool negotiated;
	u64 features;
	u64 offloads;
	u32 mtu;
	bool link;
	u8 mac[ETH_ALEN];
	struct tap_filter __rcu *filter;
	struct vbus_shm *slabs[TAP_SLABS];
	struct vbus_shm *status;
	struct shm_signal *status_signal;
	struct delayed_work status_work;
	struct {
		__le32 link;
		__le32 mtu;
		__le64 broken;
	} told;
	struct tap_tally base;
	struct tap_flows *flows;
	u32 nr_pairs;
	u32 max_pairs;
	struct tap_pair pairs[] __counted_by(max_pairs);
};

/**
 * struct tap_port - what an interface knows
 * @tap: the device
 */
struct tap_port {
	struct venet_tap *tap;
};

static inline struct venet_tap *tap_from_netdev(const struct net_device *dev)
{
	return ((struct tap_port *)netdev_priv(dev))->tap;
}

static inline bool tap_has(const struct tap_conn *tc, unsigned int feature)
{
	return tc->features & VENET_FEATURE(feature);
}

static inline struct tap_conn *tap_conn_locked(struct venet_tap *tap)
{
	return rcu_dereference_protected(tap->conn,
					 lockdep_is_held(&tap->lock));
}

static inline struct net_device *tap_netdev_locked(struct venet_tap *tap)
{
	return rcu_dereference_protected(tap->netdev,
					 lockdep_is_held(&tap->lock));
}

static inline void tap_count(u64 *counter, u64 n)
{
	WRITE_ONCE(*counter, *counter + n);
}

/* main.c */
#if IS_ENABLED(CONFIG_KUNIT)
extern unsigned int venet_tap_max_pairs;
#endif
extern struct workqueue_struct *tap_wq;

void tap_tally_sum(const struct venet_tap *tap, struct tap_tally *sum);
void tap_tally_rebase(struct venet_tap *tap);

/* attr.c */
extern const struct attribute_group *tap_groups[];

/* netdev.c */
int tap_netdev_register(struct venet_tap *tap);
void tap_netdev_unregister(struct venet_tap *tap);
void tap_netdev_carrier(struct venet_tap *tap);
struct netdev_queue *tap_netdev_txq(const struct venet_tap *tap, u32 queue);
void tap_netdev_wake(struct venet_tap *tap, u32 queue);
void tap_client_changed(struct venet_tap *tap);
void tap_follow_work(struct work_struct *work);

/* connection.c */
int tap_open(struct vbus_connection *conn, u32 version);

/* queue.c */
void tap_queue_init(struct tap_queue *q, struct tap_conn *tc, u32 pair, u32 id,
		    struct tap_counters *counters,
		    void (*signal)(struct shm_signal_notifier *notifier,
				   enum shm_signal_context ctx));
int tap_queue_attach(struct tap_queue *q, struct vbus_shm *shm,
		     struct shm_signal *signal);
void tap_queue_detach(struct tap_queue *q);
int tap_queue_setup(struct tap_queue *q, u32 count);
int tap_queue_start(struct tap_queue *q);
int tap_queue_stop(struct tap_queue *q);
int tap_queue_reset(struct tap_queue *q);
bool tap_queue_usable(const struct tap_queue *q);
void tap_queue_break(struct tap_queue *q, const char *why);
void tap_queue_give_back(struct tap_queue *q, u32 n);
void tap_queue_inject(struct tap_queue *q);
bool tap_queue_enable(struct tap_queue *q);

/* receive.c */
void tap_in_init(struct tap_in *in, struct tap_conn *tc, u32 pair);
void tap_in_started(struct tap_in *in);

/* send.c */
void tap_out_init(struct tap_out *out, struct tap_conn *tc, u32 pair);
void tap_out_started(struct tap_out *out);
void tap_out_stopped(struct tap_out *out);
void tap_out_announce(struct tap_out *out);
void tap_out_drained(struct tap_out *out);
netdev_tx_t tap_xmit(struct sk_buff *skb, struct net_device *dev);

/* coalesce.c */
int tap_coalesce_set(struct tap_out *out, u32 usecs, u32 frames);
bool tap_coalesce(struct tap_out *out);
void tap_coalesce_work(struct work_struct *work);

/* filter.c */
int tap_filter_set_mac(struct tap_conn *tc, const u8 *mac);
int tap_filter_set_mode(struct tap_conn *tc, const struct venet_rx_mode *mode);
int tap_filter_set_vlans(struct tap_conn *tc, const struct venet_vlan *vlan);
void tap_filter_free(struct tap_conn *tc);
bool tap_filter_passes(const struct tap_conn *tc, const struct sk_buff *skb);

/* flow.c */
struct tap_flows *tap_flows_alloc(void);
void tap_flow_seen(const struct tap_conn *tc, struct sk_buff *skb, u32 pair);
u32 tap_flow_pair(const struct tap_conn *tc, const struct sk_buff *skb);

/* header.c */
int tap_hdr_check(const struct tap_conn *tc, const struct venet_desc *vd,
		  u32 len);
bool tap_hdr_matches(const struct venet_desc *vd, __be16 protocol);
int tap_hdr_to_skb(const struct venet_desc *vd, struct sk_buff *skb);
int tap_hdr_from_skb(u64 offloads, struct sk_buff *skb, unsigned int bufs,
		     struct venet_desc *vd);
void tap_hdr_hash(const struct sk_buff *skb, struct venet_desc *vd);
netdev_features_t tap_hdr_features(u64 offloads);

/* status.c */
int tap_status_attach(struct tap_conn *tc, struct vbus_shm *shm,
		      struct shm_signal *signal);
void tap_status_detach(struct tap_conn *tc);
void tap_status_init(struct tap_conn *tc);
void tap_status_changed(struct tap_conn *tc);
void tap_status_counted(struct tap_conn *tc);

#endif /* _VENET_TAP_H */
