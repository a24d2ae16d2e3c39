/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * venet: driver for "virtual-ethernet" devices on a Virtual-Bus
 *
 * main.c	the netdev: probe, up, down, configuration
 * control.c	the device's functions
 * queue.c	a ring that is shared with the device
 * slab.c	the memory that the device receives into
 * rx.c, tx.c	frames
 * status.c	what the device tells: the carrier
 * affinity.c	which CPU uses which pair
 * filter.c	which frames are wanted
 * coalesce.c	how long frames may wait for their interrupt
 * xdp.c	programs that see frames first
 * ethtool.c	what the administrator asks
 *
 * Lifetime
 *
 * The device is open for as long as the interface is up: venet_up() to
 * venet_down(). All that is shared with the device is allocated before the one
 * and freed after the other has closed it, because only then does the device
 * no longer touch it. At probe the device is open for a moment, to learn what
 * it offers. A queue that the device broke stays dead until the interface goes
 * down and up.
 *
 * Locking
 *
 * RTNL: everything of the configuration; venet.opened.
 * The transmit queue's lock: that pair's venet_tx, its ring and signal.
 * Being the NAPI poll of a pair: its venet_rx, its ring and signal, its slab.
 * Notifiers take no lock. Pairs share nothing that moves.
 */
#ifndef _NET_VENET_H
#define _NET_VENET_H

#include <linux/cache.h>
#include <linux/if_vlan.h>
#include <linux/ioq.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/vbus_driver.h>
#include <linux/workqueue.h>
#include <net/xdp.h>
#include <uapi/linux/venet.h>

/*
 * Descriptors in a ring, bytes in all slabs of a device, and the pairs that it
 * uses unless asked for more: what it shares stays below 4 MiB then, and a VMM
 * may by default have 8 MiB locked.
 */
#define VENET_RING_MIN		64
#define VENET_RING_MAX		512
#define VENET_RING_DEFAULT	256
#define VENET_SLAB_LEN		(3584UL << 10)
#define VENET_PAIRS_DEFAULT	2

/* Frames up to this many bytes are copied out of the slab. */
#define VENET_RX_COPY		256

/* Pages for the longest frame. */
#define VENET_SLAB_FRAME	DIV_ROUND_UP(VENET_MAX_FRAME, PAGE_SIZE)

/* What is copied of longer ones to find the end of their headers. */
#define VENET_RX_PULL		128

struct bpf_prog;
struct ethtool_coalesce;
struct kernel_ethtool_coalesce;
struct netdev_bpf;
struct netlink_ext_ack;
struct page_pool;
struct venet;
struct venet_pair;
struct xdp_frame;

/**
 * struct venet_ioq - a ring that is shared with the device
 * @pair: where it belongs
 * @id: number of the queue
 * @count: descriptors in it
 * @dead: found broken, and said so
 * @q: our side of it
 * @ring: the shared memory
 * @ring_len: bytes in @ring
 * @signal: doorbell and interrupt
 * @notifier: what an interrupt runs
 * @name: of the interrupt
 */
struct venet_ioq {
	struct venet_pair *pair;
	u32 id;
	u32 count;
	bool dead;
	struct ioq q;
	struct venet_ring *ring;
	size_t ring_len;
	struct shm_signal *signal;
	struct shm_signal_notifier notifier;
	char name[IFNAMSIZ + 16];
};

/**
 * struct venet_tx_stats - what transmission counts
 * @syncp: written under the transmit queue's lock
 * @packets: frames handed to the device
 * @bytes: bytes in them
 * @dropped: frames that could not be handed over
 * @errors: frames that the device refused
 * @doorbells: times that the device was called
 * @armed: times that the device deferred and an interrupt was asked for
 * @stopped: times that the ring was full
 * @xdp_xmit: frames of XDP, also among @packets
 */
struct venet_tx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t errors;
	u64_stats_t doorbells;
	u64_stats_t armed;
	u64_stats_t stopped;
	u64_stats_t xdp_xmit;
};

/**
 * struct venet_tx - transmission
 * @ioq: the ring
 * @skbs: by slot: the frame that ends in the slot's descriptor, or NULL
 * @frames: by slot: the same for frames of XDP
 * @max_descs: the most descriptors for one frame
 * @open: the ring is there
 * @armed: an interrupt was asked for, and none has been handled since
 * @rung: there was an interrupt; set by the notifier
 * @timeouts: times that the queue was stopped for too long
 * @stats: counters
 */
struct venet_tx {
	struct venet_ioq ioq;
	struct sk_buff **skbs;
	struct xdp_frame **frames;
	u32 max_descs;
	bool open;
	bool armed;
	bool rung;
	atomic64_t timeouts;
	struct venet_tx_stats stats;
};

/**
 * struct venet_slab - pages that the device receives into
 * @pages: the pages
 * @vaddr: all of them, contiguous
 * @count: their number
 * @free: stack of indexes of the pages that nobody uses
 * @nr_free: how many are in it
 * @out: queue of indexes of the pages that are part of an skb
 * @out_head: index in @out, less its multiples of @count, of the next to enter
 * @nr_out: how many are in it
 */
struct venet_slab {
	struct page **pages;
	void *vaddr;
	u32 count;
	u16 *free;
	u32 nr_free;
	u16 *out;
	u32 out_head;
	u32 nr_out;
};

/**
 * struct venet_rx_stats - what reception counts
 * @syncp: written by the NAPI poll
 * @packets: frames handed to the stack or to a program
 * @bytes: bytes in them
 * @dropped: frames lost for want of memory
 * @errors: frames with a header or a length that makes no sense
 * @copied: frames that were copied although they are long, because too much of
 *	the slab was in use
 * @doorbells: times that the device had asked for buffers and was called
 * @xdp_refused: frames lost because a program could not be given them
 * @xdp_packets: frames that a program has seen
 * @xdp_drops: of those, the ones that it dropped or that went wrong
 * @xdp_tx: those that it sent back
 * @xdp_redirects: those that it sent elsewhere
 */
struct venet_rx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t errors;
	u64_stats_t copied;
	u64_stats_t doorbells;
	u64_stats_t xdp_refused;
	u64_stats_t xdp_packets;
	u64_stats_t xdp_drops;
	u64_stats_t xdp_tx;
	u64_stats_t xdp_redirects;
};

/**
 * struct venet_frame - a frame that the device has delivered
 * @desc: what the device put into its first descriptor
 * @bytes: in all of it
 * @nr: number of buffers
 * @buf: the pages, how many bytes are in each, and whether they are part of an
 *	skb by now
 */
struct venet_frame {
	struct venet_desc desc __aligned(8);
	u32 bytes;
	u32 nr;
	struct {
		u16 page;
		bool lent;
		u32 len;
	} buf[MAX_SKB_FRAGS];
};

/* venet_rx.xdp_todo */
#define VENET_XDP_TX		BIT(0)
#define VENET_XDP_REDIRECT	BIT(1)

/**
 * struct venet_coalesce_rx - how long frames may wait for their interrupt
 * @usecs: as the administrator has set it
 * @frames: likewise; 0: any number
 * @level: with adaptation: index of how long it is now
 * @rest: looks for which @level does not rise
 * @rose: it did at the last look
 * @was_packets: venet_rx_stats.packets at the last look
 * @was_signals: venet_rx.signals then
 * @last: frames between the two looks before
 */
struct venet_coalesce_rx {
	u32 usecs;
	u32 frames;
	u32 level;
	u32 rest;
	bool rose;
	u64 was_packets;
	u64 last;
	unsigned long was_signals;
};

/**
 * struct venet_rx - reception
 * @ioq: the ring
 * @slots: by slot: index of the page that was posted there
 * @slab: the pages
 * @page_pool: pages that a program gets frames in
 * @xdp_rxq: what it is told of where they came from
 * @xdp_todo: what the end of the poll has to do: VENET_XDP_*
 * @deferred: interrupts were put off when a poll was over; see venet_poll_end()
 * @gro_held: GRO may have a frame; of the poll
 * @signals: interrupts; a hint, for CPUs may count at the same time
 * @coalesce: how long frames may wait for one; under RTNL
 * @stats: counters
 */
struct venet_rx {
	struct venet_ioq ioq;
	u16 *slots;
	struct venet_slab slab;
	struct page_pool *page_pool;
	struct xdp_rxq_info xdp_rxq;
	u32 xdp_todo;
	bool deferred;
	bool gro_held;
	unsigned long signals;
	struct venet_coalesce_rx coalesce;
	struct venet_rx_stats stats;
};

/**
 * struct venet_pair - a queue of each direction, and the poll that serves both
 * @venet: where it belongs
 * @index: its number here, at the device and in the stack
 * @napi: the poll
 * @tx: transmission
 * @rx: reception
 */
struct venet_pair {
	struct venet *venet;
	u32 index;
	struct napi_struct napi;
	struct venet_tx tx;
	struct venet_rx rx;
} ____cacheline_aligned_in_smp;

/**
 * struct venet - one device
 * @dev: its network interface
 * @vdev: its place on the bus
 * @features: what was negotiated; fixed at probe
 * @info: what the device offers, as it was at probe
 * @opened: the device is open and everything shared with it exists
 * @rx_count: descriptors in each ring for reception
 * @tx_count: descriptors in each ring for transmission
 * @want_pairs: pairs of queues that shall be used
 * @nr_pairs: pairs that are used: fewer where memory cannot be had or shared
 * @spread_pairs: pairs that CPUs were last dealt out to
 * @max_pairs: pairs that there are
 * @pairs: the pairs; they and their counters stay from probe to remove
 * @status: the status region, or NULL
 * @status_signal: its signal
 * @status_notifier: what its interrupt runs
 * @status_name: name of its interrupt
 * @status_work: takes over what the status says
 * @broken: times that a queue was found broken
 * @rx_mode_work: tells the device which frames are wanted
 * @adaptive: how long frames wait for their interrupt follows from what comes
 * @adapt_work: sees to that
 * @vlans: the VLANs that are in use
 * @vlan_filter: the device was told to let only those through
 * @xdp_prog: the program that is attached; changed under RTNL
 */
struct venet {
	struct net_device *dev;
	struct vbus_proxy_device *vdev;
	u64 features;
	struct venet_info info;
	bool opened;
	u32 rx_count;
	u32 tx_count;
	u32 want_pairs;
	u32 nr_pairs;
	u32 spread_pairs;
	u32 max_pairs;
	struct venet_pair *pairs;
	struct venet_status *status;
	struct shm_signal *status_signal;
	struct shm_signal_notifier status_notifier;
	char status_name[IFNAMSIZ + 8];
	struct delayed_work status_work;
	atomic64_t broken;
	struct work_struct rx_mode_work;
	bool adaptive;
	struct delayed_work adapt_work;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	bool vlan_filter;
	struct bpf_prog __rcu *xdp_prog;
};

/*
 * With @nr pages more, would so much of the slab be out that what is left must
 * be kept for the ring? A socket that nobody reads may keep its pages for ever,
 * and then there must still be those for the longest frame.
 */
static inline bool venet_slab_tight(const struct venet_slab *slab, u32 nr)
{
	return slab->nr_out >= slab->count - slab->count / 4 ||
	       slab->nr_out + nr + VENET_SLAB_FRAME > slab->count;
}

static inline bool venet_has(const struct venet *venet, unsigned int feature)
{
	return venet->features & VENET_FEATURE(feature);
}

/* main.c */
int venet_up(struct venet *venet);
void venet_restore_offloads(struct venet *venet);
int venet_reconfigure(struct venet *venet, u32 rx, u32 tx, u32 pairs);
void venet_down(struct venet *venet);
void venet_broken(struct venet_ioq *ioq, const char *why);

/* affinity.c */
int venet_pair_cpu(const struct venet_pair *pair);
void venet_spread(struct venet *venet);

/* control.c */
int venet_get_info(struct vbus_proxy_device *vdev, struct venet_info *info);
int venet_negotiate(struct venet *venet);
int venet_queue_setup(struct venet *venet, u32 queue, u32 count);
int venet_queue_start(struct venet *venet, u32 queue);
int venet_set_link(struct venet *venet, bool up);
int venet_set_mtu(struct venet *venet, u32 mtu);
int venet_set_mac(struct venet *venet, const u8 *mac);
int venet_set_offloads(struct venet *venet, u64 offloads);
int venet_set_pairs(struct venet *venet, u32 pairs);
int venet_set_rx_mode(struct venet *venet, struct venet_rx_mode *mode);
int venet_set_vlans(struct venet *venet, struct venet_vlan *vlan);
int venet_set_coalesce(struct venet *venet, u32 queue, u32 usecs, u32 frames);

/* queue.c */
int venet_ioq_alloc(struct venet_ioq *ioq);
void venet_ioq_free(struct venet_ioq *ioq);
int venet_ioq_share(struct venet_ioq *ioq, const char *direction);
void venet_ioq_unshare(struct venet_ioq *ioq);
int venet_ioq_start(struct venet_ioq *ioq);
void venet_schedule(struct venet_pair *pair, enum shm_signal_context ctx);

/* slab.c */
int venet_slab_alloc(struct venet_slab *slab, size_t len);
void venet_slab_free(struct venet_slab *slab);
bool venet_slab_may_lend(struct venet_slab *slab, u32 nr);
bool venet_slab_get(struct venet_slab *slab, u16 *index);
void venet_slab_put(struct venet_slab *slab, u16 index);
void venet_slab_lend(struct venet_slab *slab, u16 index);

/* rx.c */
int venet_rx_alloc(struct venet_rx *rx);
void venet_rx_free(struct venet_rx *rx);
int venet_rx_share(struct venet_rx *rx);
void venet_rx_refill(struct venet_rx *rx);
void venet_rx_received(struct venet_rx *rx, u32 bytes);
int venet_rx_poll(struct venet_rx *rx, int budget, bool quiet);
void venet_rx_gro_end(struct venet_rx *rx);
void venet_rx_init(struct venet_pair *pair);

/* tx.c */
int venet_tx_alloc(struct venet_tx *tx);
void venet_tx_free(struct venet_tx *tx);
int venet_tx_share(struct venet_tx *tx);
void venet_tx_init(struct venet_pair *pair);
netdev_tx_t venet_xmit(struct sk_buff *skb, struct net_device *dev);
void venet_tx_poll(struct venet_tx *tx, int budget);
void venet_tx_set_open(struct venet_tx *tx, bool open);
bool venet_tx_frame(struct venet_tx *tx, struct xdp_frame *frame);
int venet_tx_frames(struct venet_tx *tx, int n, struct xdp_frame **frames);
void venet_tx_flush(struct venet_tx *tx);

/* status.c */
int venet_status_alloc(struct venet *venet);
void venet_status_free(struct venet *venet);
int venet_status_share(struct venet *venet);
void venet_status_start(struct venet *venet);
void venet_status_unshare(struct venet *venet);
void venet_status_init(struct venet *venet);
u32 venet_status_speed(const struct venet *venet);

/* filter.c */
void venet_filter_configure(struct venet *venet);
int venet_filter_vlans(struct venet *venet, bool filter);
void venet_filter_init(struct venet *venet);
void venet_filter_exit(struct venet *venet);
void venet_ndo_set_rx_mode(struct net_device *dev);
int venet_ndo_vlan_add(struct net_device *dev, __be16 proto, u16 vid);
int venet_ndo_vlan_kill(struct net_device *dev, __be16 proto, u16 vid);

/* coalesce.c */
int venet_coalesce_configure(struct venet *venet);
void venet_coalesce_init(struct venet *venet);
void venet_coalesce_exit(struct venet *venet);
int venet_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
		       struct kernel_ethtool_coalesce *kernel_ec,
		       struct netlink_ext_ack *extack);
int venet_change_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			  struct kernel_ethtool_coalesce *kernel_ec,
			  struct netlink_ext_ack *extack);
int venet_get_queue_coalesce(struct net_device *dev, u32 queue,
			     struct ethtool_coalesce *ec);
int venet_change_queue_coalesce(struct net_device *dev, u32 queue,
				struct ethtool_coalesce *ec);

/* xdp.c */
struct sk_buff *venet_xdp_receive(struct venet_rx *rx,
				  const struct venet_frame *frame,
				  struct bpf_prog *prog);
void venet_xdp_flush(struct venet_rx *rx);
int venet_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames,
		   u32 flags);
int venet_xdp_alloc(struct venet_rx *rx);
void venet_xdp_free(struct venet_rx *rx);
bool venet_xdp_possible(const struct venet *venet);
bool venet_xdp_mtu_ok(const struct bpf_prog *prog, unsigned int mtu);
int venet_xdp(struct net_device *dev, struct netdev_bpf *bpf);

/* ethtool.c */
extern const struct ethtool_ops venet_ethtool_ops;
extern const struct netdev_stat_ops venet_stat_ops;

#endif /* _NET_VENET_H */
