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
 * The transmit queue's lock: venet_tx, its ring and signal.
 * Being the NAPI poll: venet_rx, its ring and signal, the slab.
 * Notifiers take no lock.
 */
#ifndef _NET_VENET_H
#define _NET_VENET_H

#include <linux/ioq.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/vbus_driver.h>
#include <linux/workqueue.h>
#include <uapi/linux/venet.h>

/* Descriptors in a ring, and bytes in the slab: all stays below 4 MiB. */
#define VENET_RING_MIN		64
#define VENET_RING_MAX		512
#define VENET_RING_DEFAULT	256
#define VENET_SLAB_LEN		(3584UL << 10)

/* Frames up to this many bytes are copied out of the slab. */
#define VENET_RX_COPY		256

/* What is copied of longer ones to find the end of their headers. */
#define VENET_RX_PULL		128

struct venet;

/**
 * struct venet_ioq - a ring that is shared with the device
 * @venet: where it belongs
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
	struct venet *venet;
	u32 id;
	u32 count;
	bool dead;
	struct ioq q;
	struct venet_ring *ring;
	size_t ring_len;
	struct shm_signal *signal;
	struct shm_signal_notifier notifier;
	char name[IFNAMSIZ + 8];
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
};

/**
 * struct venet_tx - transmission
 * @ioq: the ring
 * @skbs: by slot: the frame that ends in the slot's descriptor, or NULL
 * @max_descs: the most descriptors for one frame
 * @armed: an interrupt was asked for, and none has been handled since
 * @rung: there was an interrupt; set by the notifier
 * @timeouts: times that the queue was stopped for too long
 * @stats: counters
 */
struct venet_tx {
	struct venet_ioq ioq;
	struct sk_buff **skbs;
	u32 max_descs;
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
 * @packets: frames handed to the stack
 * @bytes: bytes in them
 * @dropped: frames lost for want of memory
 * @errors: frames with a header or a length that makes no sense
 * @copied: frames that were copied although they are long, because too much of
 *	the slab was in use
 * @doorbells: times that the device had asked for buffers and was called
 */
struct venet_rx_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t dropped;
	u64_stats_t errors;
	u64_stats_t copied;
	u64_stats_t doorbells;
};

/**
 * struct venet_rx - reception
 * @ioq: the ring
 * @slots: by slot: index of the page that was posted there
 * @slab: the pages
 * @stats: counters
 */
struct venet_rx {
	struct venet_ioq ioq;
	u16 *slots;
	struct venet_slab slab;
	struct venet_rx_stats stats;
};

/**
 * struct venet - one device
 * @dev: its network interface
 * @vdev: its place on the bus
 * @features: what was negotiated; fixed at probe
 * @info: what the device offers, as it was at probe
 * @opened: the device is open and everything shared with it exists
 * @napi: polls both directions
 * @tx: transmission
 * @rx: reception
 * @status: the status region, or NULL
 * @status_signal: its signal
 * @status_notifier: what its interrupt runs
 * @status_name: name of its interrupt
 * @status_work: takes over what the status says
 * @broken: times that a queue was found broken
 */
struct venet {
	struct net_device *dev;
	struct vbus_proxy_device *vdev;
	u64 features;
	struct venet_info info;
	bool opened;
	struct napi_struct napi;
	struct venet_tx tx;
	struct venet_rx rx;
	struct venet_status *status;
	struct shm_signal *status_signal;
	struct shm_signal_notifier status_notifier;
	char status_name[IFNAMSIZ + 8];
	struct delayed_work status_work;
	atomic64_t broken;
};

static inline bool venet_has(const struct venet *venet, unsigned int feature)
{
	return venet->features & VENET_FEATURE(feature);
}

/* main.c */
int venet_up(struct venet *venet);
void venet_down(struct venet *venet);
void venet_broken(struct venet_ioq *ioq, const char *why);

/* control.c */
int venet_get_info(struct venet *venet, struct venet_info *info);
int venet_negotiate(struct venet *venet);
int venet_queue_setup(struct venet *venet, u32 queue, u32 count);
int venet_queue_start(struct venet *venet, u32 queue);
int venet_set_link(struct venet *venet, bool up);
int venet_set_mtu(struct venet *venet, u32 mtu);
int venet_set_mac(struct venet *venet, const u8 *mac);
int venet_set_offloads(struct venet *venet, u64 offloads);

/* queue.c */
int venet_ioq_alloc(struct venet_ioq *ioq);
void venet_ioq_free(struct venet_ioq *ioq);
int venet_ioq_share(struct venet_ioq *ioq, const char *suffix);
void venet_ioq_unshare(struct venet_ioq *ioq);
int venet_ioq_start(struct venet_ioq *ioq);
void venet_schedule(struct venet *venet, enum shm_signal_context ctx);

/* slab.c */
int venet_slab_alloc(struct venet_slab *slab);
void venet_slab_free(struct venet_slab *slab);
bool venet_slab_get(struct venet_slab *slab, u16 *index);
void venet_slab_put(struct venet_slab *slab, u16 index);
void venet_slab_lend(struct venet_slab *slab, u16 index);
bool venet_slab_tight(const struct venet_slab *slab);

/* rx.c */
int venet_rx_alloc(struct venet_rx *rx);
void venet_rx_free(struct venet_rx *rx);
int venet_rx_share(struct venet_rx *rx);
void venet_rx_refill(struct venet_rx *rx);
int venet_rx_poll(struct venet_rx *rx, int budget);
void venet_rx_init(struct venet *venet);

/* tx.c */
int venet_tx_alloc(struct venet_tx *tx);
void venet_tx_free(struct venet_tx *tx);
int venet_tx_share(struct venet_tx *tx);
void venet_tx_init(struct venet *venet);
netdev_tx_t venet_xmit(struct sk_buff *skb, struct net_device *dev);
void venet_tx_poll(struct venet_tx *tx, int budget);

/* status.c */
int venet_status_alloc(struct venet *venet);
void venet_status_free(struct venet *venet);
int venet_status_share(struct venet *venet);
void venet_status_start(struct venet *venet);
void venet_status_unshare(struct venet *venet);
void venet_status_init(struct venet *venet);
u32 venet_status_speed(const struct venet *venet);

/* ethtool.c */
extern const struct ethtool_ops venet_ethtool_ops;
extern const struct netdev_stat_ops venet_stat_ops;

#endif /* _NET_VENET_H */
