// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus Ethernet devices: a client that is made of
 * KUnit, connector and driver in one, whose every structure a test can write to
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "client.h"

static const u32 h_ids[H_ALL] = {
	VENET_REGION_STATUS,
	VENET_REGION_RING(VENET_QUEUE_RX(0)),
	VENET_REGION_RING(VENET_QUEUE_TX(0)),
	VENET_REGION_SLAB(0),
	VENET_REGION_RING(VENET_QUEUE_RX(1)),
	VENET_REGION_RING(VENET_QUEUE_TX(1)),
	VENET_REGION_RING(VENET_QUEUE_RX(2)),
	VENET_REGION_RING(VENET_QUEUE_TX(2)),
};

/*
 * A connector
 */

static int h_copy_from(struct vbus_memctx *ctx, void *dst, u64 addr, size_t len)
{
	struct hostile *h = container_of(ctx, struct hostile, memctx);

	if (addr < H_ADDR || addr > H_ADDR + H_MEM_LEN ||
	    len > H_ADDR + H_MEM_LEN - addr)
		return -EFAULT;
	if (atomic_dec_if_positive(&h->missing) >= 0)
		return -EFAULT;
	memcpy(dst, h->mem + (addr - H_ADDR), len);
	return 0;
}

static int h_fault_in(struct vbus_memctx *ctx, u64 addr, size_t len, bool write)
{
	struct hostile *h = container_of(ctx, struct hostile, memctx);

	might_sleep();
	atomic_inc(&h->faults);
	return h->fault_err;
}

static void h_memctx_release(struct vbus_memctx *ctx)
{
	atomic_dec(&container_of(ctx, struct hostile, memctx)->refs);
}

static const struct vbus_memctx_ops h_memctx_ops = {
	.copy_from = h_copy_from,
	.fault_in = h_fault_in,
	.release = h_memctx_release,
};

static void h_shm_release(struct vbus_shm *shm)
{
	atomic_dec(&container_of(shm, struct h_region, shm)->h->refs);
}

static const struct vbus_shm_ops h_shm_ops = {
	.release = h_shm_release,
};

static void h_signal_inject(struct shm_signal *s)
{
	atomic_inc(&container_of(s, struct h_region, signal)->rung);
}

static void h_signal_release(struct shm_signal *s)
{
	atomic_dec(&container_of(s, struct h_region, signal)->h->refs);
}

static const struct shm_signal_ops h_signal_ops = {
	.inject = h_signal_inject,
	.release = h_signal_release,
};

static bool h_queue_work(struct vbus_client *client, struct vbus_work *work)
{
	struct hostile *h = vbus_client_priv(client);
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	list_add_tail(&work->entry, &h->works);
	spin_unlock_irqrestore(&h->lock, flags);
	queue_work(system_unbound_wq, &h->worker);
	return true;
}

static struct vbus_work *h_next_work(struct hostile *h)
{
	struct vbus_work *work;

	spin_lock_irq(&h->lock);
	work = list_first_entry_or_null(&h->works, struct vbus_work, entry);
	if (work)
		list_del_init(&work->entry);
	spin_unlock_irq(&h->lock);
	return work;
}

static void h_worker(struct work_struct *worker)
{
	struct hostile *h = container_of(worker, struct hostile, worker);
	struct vbus_work *work;

	while ((work = h_next_work(h)))
		vbus_work_run(work);
}

const struct vbus_client_ops hc_client_ops = {
	.queue_work = h_queue_work,
};

/*
 * A driver
 */

int hc_call(struct hostile *h, u32 func, void *data, size_t len)
{
	return vbus_client_call(h->client, h->handle, func, data, len);
}

int hc_queue(struct hostile *h, u32 func, u32 queue)
{
	struct venet_queue arg = { .queue = cpu_to_le32(queue) };

	return hc_call(h, func, &arg, sizeof(arg));
}

int hc_setup(struct hostile *h, u32 queue, u32 count)
{
	struct venet_queue_setup arg = {
		.queue = cpu_to_le32(queue),
		.count = cpu_to_le32(count),
	};

	return hc_call(h, VENET_CALL_QUEUE_SETUP, &arg, sizeof(arg));
}

int hc_link(struct hostile *h, u32 up)
{
	struct venet_link arg = { .up = cpu_to_le32(up) };

	return hc_call(h, VENET_CALL_LINK, &arg, sizeof(arg));
}

int hc_negotiate(struct hostile *h, u64 features)
{
	struct venet_negotiate arg = { .features = cpu_to_le64(features) };

	return hc_call(h, VENET_CALL_NEGOTIATE, &arg, sizeof(arg));
}

u64 hc_features(struct hostile *h)
{
	struct venet_info info = {};

	hc_call(h, VENET_CALL_INFO, &info, sizeof(info));
	return le64_to_cpu(info.features);
}

int hc_shm(struct hostile *h, int i)
{
	struct h_region *r = &h->regions[i];

	return vbus_client_shm(h->client, h->handle, h_ids[i], &r->shm,
			       i == H_SLAB ? NULL : &r->signal);
}

static void h_region_init(struct kunit *test, struct hostile *h, int i,
			  size_t len)
{
	struct h_region *r = &h->regions[i];
	size_t at;

	r->h = h;
	vbus_shm_init(&r->shm, &h_shm_ops);
	r->shm.vaddr = vzalloc(len);
	KUNIT_ASSERT_NOT_NULL(test, r->shm.vaddr);
	for (at = 0; at < len; at += PAGE_SIZE)
		r->pages[at >> PAGE_SHIFT] = vmalloc_to_page(r->shm.vaddr + at);
	r->shm.pages = r->pages;
	r->shm.npages = len >> PAGE_SHIFT;
	r->shm.len = len;
	atomic_inc(&h->refs);
	shm_signal_init(&r->signal, SHM_SIGNAL_HOST, r->shm.vaddr,
			&h_signal_ops);
	atomic_inc(&h->refs);
}

struct venet_ring *hc_ring(struct hostile *h, int i)
{
	return h->regions[i].shm.vaddr;
}

struct ioq_desc *hc_slot(struct hostile *h, int i, u32 pos)
{
	return &hc_ring(h, i)->desc[pos % H_RING_COUNT];
}

void hc_start(struct kunit *test, struct hostile *h, u32 queue)
{
	KUNIT_ASSERT_EQ(test, hc_setup(h, queue, H_RING_COUNT), 0);
	KUNIT_ASSERT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, queue), 0);
}

/* From nothing to frames. */
void hc_connect(struct kunit *test, struct hostile *h, u64 mask)
{
	int i;

	KUNIT_ASSERT_EQ(test, vbus_client_open(h->client, 0, 0, VENET_VERSION,
					       &h->handle), 0);
	KUNIT_ASSERT_EQ(test, hc_negotiate(h, hc_features(h) & mask), 0);
	for (i = 0; i < H_REGIONS; i++)
		KUNIT_ASSERT_EQ(test, hc_shm(h, i), 0);
	hc_start(test, h, VENET_QUEUE_RX(0));
	hc_start(test, h, VENET_QUEUE_TX(0));
	KUNIT_ASSERT_EQ(test, hc_link(h, 1), 0);
	KUNIT_ASSERT_TRUE(test, test_port_carrier(&h->host, true));
}

int hc_init(struct kunit *test)
{
	struct hostile *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	test->priv = h;
	spin_lock_init(&h->lock);
	INIT_LIST_HEAD(&h->works);
	INIT_WORK(&h->worker, h_worker);
	h->mem = vmalloc(H_MEM_LEN);
	KUNIT_ASSERT_NOT_NULL(test, h->mem);
	test_bus_init(test, &h->tb);
	KUNIT_ASSERT_EQ(test, test_store(&h->tb, "ifname", "kunit%d\n"), 0);
	KUNIT_ASSERT_EQ(test, test_store(&h->tb, "enabled", "1\n"), 0);
	test_port_init(&h->host, test_tap_netdev(test, &h->tb));
	KUNIT_ASSERT_EQ(test, test_port_up(&h->host), 0);

	vbus_memctx_init(&h->memctx, &h_memctx_ops);
	atomic_inc(&h->refs);
	h->client = vbus_client_create(h->tb.bus, &hc_client_ops, &h->memctx, h);
	vbus_memctx_put(&h->memctx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(h->client));
	h_region_init(test, h, H_STATUS, PAGE_SIZE);
	h_region_init(test, h, H_RX, H_RING_LEN);
	h_region_init(test, h, H_TX, H_RING_LEN);
	h_region_init(test, h, H_SLAB, H_SLAB_LEN);
	h_region_init(test, h, H_RX1, H_RING_LEN);
	h_region_init(test, h, H_TX1, H_RING_LEN);
	h_region_init(test, h, H_RX2, H_RING_LEN);
	h_region_init(test, h, H_TX2, H_RING_LEN);
	return 0;
}

void hc_exit(struct kunit *test)
{
	struct hostile *h = test->priv;
	int i;

	if (!h)
		return;
	if (!IS_ERR_OR_NULL(h->client))
		vbus_client_destroy(h->client);
	flush_work(&h->worker);
	for (i = 0; i < H_ALL; i++) {
		if (!h->regions[i].h)
			continue;
		shm_signal_put(&h->regions[i].signal);
		vbus_shm_put(&h->regions[i].shm);
	}
	test_port_exit(&h->host);
	test_bus_exit(test, &h->tb);
	/* Nobody kept anything. */
	KUNIT_EXPECT_EQ(test, atomic_read(&h->refs), 0);
	for (i = 0; i < H_ALL; i++)
		vfree(h->regions[i].shm.vaddr);
	vfree(h->mem);
}

int hc_ring_bell(struct hostile *h, int i, enum shm_signal_context ctx)
{
	return vbus_client_signal(h->client, h->handle, h_ids[i], ctx);
}

/* What becomes of a descriptor: the ring has a page. */
struct ioq_done *hc_done(struct hostile *h, const struct ioq_desc *slot)
{
	u64 at = (unsigned long)slot & (H_RING_LEN - 1);
	u64 n = (at - sizeof(struct venet_ring)) / sizeof(*slot);

	return (struct ioq_done *)(slot - n + H_RING_COUNT) + n;
}

__le16 hc_turn(u32 pos)
{
	return cpu_to_le16(pos / H_RING_COUNT % 2 ? IOQ_TURN_ODD :
						    IOQ_TURN_EVEN);
}

/* Publish @desc, last its turn. */
struct ioq_desc *hc_publish(struct hostile *h, int i, u32 *pos,
			    const struct ioq_desc *desc)
{
	struct ioq_desc *slot = hc_slot(h, i, *pos);

	memcpy((u8 *)slot + sizeof(slot->turn), (u8 *)desc + sizeof(slot->turn),
	       sizeof(*slot) - sizeof(slot->turn));
	/* As a driver would: the turn is last. */
	smp_store_release(&slot->turn, hc_turn((*pos)++));
	return slot;
}

bool hc_is_back(struct hostile *h, const struct ioq_desc *slot)
{
	/* As a driver would: the turn is first. */
	return smp_load_acquire(&hc_done(h, slot)->turn) == slot->turn;
}

bool hc_back(struct hostile *h, const struct ioq_desc *slot)
{
	unsigned long end = jiffies + TEST_TIMEOUT;

	while (!hc_is_back(h, slot)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/* A descriptor with a frame that keeps to all rules. */
struct ioq_desc hc_good_desc(struct kunit *test, struct hostile *h,
			     u32 len)
{
	struct sk_buff *skb = test_frame(h->host.dev, len, h->seq, true);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memcpy(h->mem, skb->data, len);
	kfree_skb(skb);
	return (struct ioq_desc) {
		.addr = cpu_to_le64(H_ADDR),
		.len = cpu_to_le32(len),
	};
}

/* The queue works: a good frame arrives. */
void hc_expect_alive(struct kunit *test, struct hostile *h)
{
	struct ioq_desc desc = hc_good_desc(test, h, 500);
	struct ioq_desc *slot = hc_publish(h, H_TX, &h->tx, &desc);

	hc_ring_bell(h, H_TX, SHM_SIGNAL_PROCESS);
	KUNIT_EXPECT_TRUE(test, hc_back(h, slot));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(hc_done(h, slot)->flags), 0);
	test_frame_expect(test, test_port_receive(&h->host), 500, h->seq++);
}

u64 hc_broken(struct hostile *h)
{
	const struct venet_status *status = h->regions[H_STATUS].shm.vaddr;

	msleep(50);
	return le64_to_cpu(READ_ONCE(status->broken[0]));
}
