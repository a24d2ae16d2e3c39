/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit tests of the Virtual-Bus Ethernet devices: a client that is made of
 * KUnit
 */
#ifndef _VENET_KUNIT_CLIENT_H
#define _VENET_KUNIT_CLIENT_H

#include <linux/spinlock.h>
#include <linux/venet.h>

#include "kunit.h"

#define H_MQ		VENET_FEATURE(VENET_F_MQ)

#define H_RING_COUNT	16
#define H_RING_LEN	PAGE_SIZE
#define H_SLAB_LEN	(16 * PAGE_SIZE)
/* The client's memory: addresses in it start here. */
#define H_ADDR		0x100000
#define H_MEM_LEN	(128 << 10)

/* The regions of one pair, and those of further ones. */
enum {
	H_STATUS, H_RX, H_TX, H_SLAB,
	H_REGIONS,
	H_RX1 = H_REGIONS, H_TX1, H_RX2, H_TX2,
	H_ALL
};

/**
 * struct h_region - a region, and the host's view of its signal
 * @h: where it belongs
 * @shm: what the device gets
 * @pages: of it
 * @signal: what the device rings
 * @rung: how often it did
 */
struct h_region {
	struct hostile *h;
	struct vbus_shm shm;
	struct page *pages[16];
	struct shm_signal signal;
	atomic_t rung;
};

/**
 * struct hostile - the client
 * @tb: bus and device
 * @host: the device's interface
 * @memctx: the client's memory
 * @other: another client's
 * @mem: the client's memory
 * @missing: how many more copies find that it is not there
 * @fault_err: what faulting it in gives
 * @faults: how often that was done
 * @client: what the core knows
 * @handle: the connection
 * @regions: shared memory
 * @tx: next descriptor of the transmit ring
 * @rx: next one of the receive ring
 * @seq: number of the next frame
 * @refs: memctx, regions and signals that are not released
 * @lock: protects @works
 * @works: what the device has queued
 * @worker: runs them
 */
struct hostile {
	struct test_bus tb;
	struct test_port host;
	struct vbus_memctx memctx;
	struct vbus_memctx other;
	u8 *mem;
	atomic_t missing;
	int fault_err;
	atomic_t faults;
	struct vbus_client *client;
	u32 handle;
	struct h_region regions[H_ALL];
	u32 tx;
	u32 rx;
	u32 seq;
	atomic_t refs;
	spinlock_t lock;	/* works */
	struct list_head works;
	struct work_struct worker;
};

extern const struct vbus_client_ops hc_client_ops;

int hc_init(struct kunit *test);
void hc_exit(struct kunit *test);
void hc_connect(struct kunit *test, struct hostile *h, u64 mask);
int hc_call(struct hostile *h, u32 func, void *data, size_t len);
int hc_queue(struct hostile *h, u32 func, u32 queue);
int hc_setup(struct hostile *h, u32 queue, u32 count);
void hc_start(struct kunit *test, struct hostile *h, u32 queue);
int hc_link(struct hostile *h, u32 up);
int hc_negotiate(struct hostile *h, u64 features);
u64 hc_features(struct hostile *h);
int hc_shm(struct hostile *h, int i);
int hc_ring_bell(struct hostile *h, int i, enum shm_signal_context ctx);
struct venet_ring *hc_ring(struct hostile *h, int i);
struct ioq_desc *hc_slot(struct hostile *h, int i, u32 pos);
__le16 hc_turn(u32 pos);
struct ioq_desc *hc_publish(struct hostile *h, int i, u32 *pos,
			    const struct ioq_desc *desc);
struct ioq_done *hc_done(struct hostile *h, const struct ioq_desc *slot);
bool hc_is_back(struct hostile *h, const struct ioq_desc *slot);
bool hc_back(struct hostile *h, const struct ioq_desc *slot);
u64 hc_broken(struct hostile *h);
struct ioq_desc hc_good_desc(struct kunit *test, struct hostile *h,
			     u32 len);
void hc_expect_alive(struct kunit *test, struct hostile *h);

#endif /* _VENET_KUNIT_CLIENT_H */
