// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the local connector: a driver and a deviceclass made for it,
 * with nothing but the core, the connector and vbus-proxy between them
 *
 * The objects are used as configfs uses them, but are not in configfs; the test
 * is the bus's first holder.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vbus_driver.h>
#include <linux/vbus_local.h>
#include <linux/vmalloc.h>

#include "../vbus.h"
#include "local.h"

#define TEST_BUS	"kunit-local"
#define TEST_CLASS	"kunit-local-class"
#define TEST_TYPE	"kunit-local-type"
#define TEST_VERSION	3
#define TEST_REGION	5
#define TEST_LEN	(3 * PAGE_SIZE)
#define TEST_SIGNAL	256
#define TEST_ROUNDS	20

/* What the device's call() does. */
enum {
	TEST_INVERT,		/* data = ~data */
	TEST_REFUSE,		/* -EDOM */
	TEST_COPY_FROM,		/* struct test_copy */
	TEST_COPY_TO,		/* struct test_copy */
	TEST_WORK,		/* queue the work */
};

struct test_copy {
	u64 addr;
	u32 len;
	u8 data[2048];
};

struct local_test {
	struct vbus *bus;
	struct vbus_device *dev[2];
	bool attached;

	/* The driver. */
	struct vbus_proxy_device *vdev;
	unsigned int probes;
	unsigned int removes;
	struct shm_signal_notifier guest_notifier;
	struct shm_signal *guest;
	unsigned int guest_bells;
	spinlock_t guest_lock;	/* held where a real driver holds its own */
	void *mem;

	/* The device. */
	struct vbus_shm *shm;
	struct shm_signal *host;
	struct shm_signal_notifier host_notifier;
	spinlock_t host_lock;	/* held where a real device holds its own */
	enum shm_signal_context host_ctx;
	unsigned int host_bells;
	struct vbus_work work;
	struct completion worked;
	unsigned int works;
	unsigned int opens;
	unsigned int closes;
	unsigned int releases;
	unsigned int close_delay;
	bool closing;
	bool pingpong;
};

/* There is one test at a time. */
static struct local_test *t;

/*
 * The deviceclass
 */

static int dev_copy(struct vbus_connection *conn, struct test_copy *copy,
		    bool from)
{
	struct vbus_memctx *ctx = vbus_connection_memctx(conn);

	if (from)
		return ctx->ops->copy_from(ctx, copy->data, copy->addr,
					   copy->len);
	return ctx->ops->copy_to(ctx, copy->addr, copy->data, copy->len);
}

static bool dev_work(struct vbus_work *work)
{
	might_sleep();
	if (++t->works < TEST_ROUNDS)
		return true;
	complete(&t->worked);
	return false;
}

static int dev_queue_work(void)
{
	unsigned long flags;
	bool queued;

	spin_lock_irqsave(&t->host_lock, flags);
	queued = vbus_work_queue(&t->work);
	spin_unlock_irqrestore(&t->host_lock, flags);
	return queued ? 0 : -ENODEV;
}

static int dev_call(struct vbus_connection *conn, u32 func, void *data,
		    size_t len)
{
	size_t i;

	switch (func) {
	case TEST_INVERT:
		for (i = 0; i < len; i++)
			((u8 *)data)[i] ^= 0xff;
		return 0;
	case TEST_REFUSE:
		return -EDOM;
	case TEST_COPY_FROM:
	case TEST_COPY_TO:
		return dev_copy(conn, data, func == TEST_COPY_FROM);
	case TEST_WORK:
		return dev_queue_work();
	}
	return -EOPNOTSUPP;
}

static int dev_shm(struct vbus_connection *conn, u32 id, struct vbus_shm *shm,
		   struct shm_signal *signal)
{
	if (id != TEST_REGION)
		return -EINVAL;
	t->shm = vbus_shm_get(shm);
	if (signal) {
		t->host = shm_signal_get(signal);
		shm_signal_set_notifier(signal, &t->host_notifier);
	}
	return 0;
}

static void dev_close(struct vbus_connection *conn)
{
	t->closing = true;
	msleep(t->close_delay);
	vbus_shm_put(t->shm);
	shm_signal_put(t->host);
	t->shm = NULL;
	t->host = NULL;
	t->closes++;
}

static void dev_release(struct vbus_connection *conn)
{
	t->releases++;
}

static const struct vbus_connection_ops dev_connection_ops = {
	.call = dev_call,
	.shm = dev_shm,
	.close = dev_close,
	.release = dev_release,
};

static int dev_open(struct vbus_connection *conn, u32 version)
{
	if (version != TEST_VERSION)
		return -EPROTONOSUPPORT;
	vbus_connection_set_ops(conn, &dev_connection_ops, NULL);
	vbus_work_init(&t->work, conn, dev_work);
	t->opens++;
	return 0;
}

static int dev_create(struct vbus_device *dev)
{
	return 0;
}

static void dev_destroy(struct vbus_device *dev)
{
}

static const struct vbus_deviceclass_ops dev_ops = {
	.create = dev_create,
	.destroy = dev_destroy,
	.open = dev_open,
};

static struct vbus_deviceclass dev_class = {
	.name = TEST_CLASS,
	.type = TEST_TYPE,
	.owner = THIS_MODULE,
	.ops = &dev_ops,
};

/* As a device does: under a lock that the driver's answer must not need. */
static void dev_inject(void)
{
	spin_lock_bh(&t->host_lock);
	shm_signal_enable(t->host);
	shm_signal_inject(t->host);
	spin_unlock_bh(&t->host_lock);
}

static void host_bell(struct shm_signal_notifier *notifier,
		      enum shm_signal_context ctx)
{
	t->host_ctx = ctx;
	t->host_bells++;
	if (t->pingpong && t->host_bells < TEST_ROUNDS)
		dev_inject();
}

/*
 * The driver
 */

static void guest_bell(struct shm_signal_notifier *notifier,
		       enum shm_signal_context ctx)
{
	t->guest_bells++;
	if (t->pingpong) {
		shm_signal_enable(t->guest);
		shm_signal_inject(t->guest);
	}
}

static int drv_probe(struct vbus_proxy_device *vdev)
{
	t->probes++;
	t->vdev = vdev;
	return 0;
}

static void drv_remove(struct vbus_proxy_device *vdev)
{
	t->removes++;
	if (t->vdev == vdev)
		t->vdev = NULL;
}

static struct vbus_proxy_driver drv = {
	.type = TEST_TYPE,
	.probe = drv_probe,
	.remove = drv_remove,
	.driver.name = "kunit-local",
};

/*
 * The stage
 */

static struct vbus_device *make_device(struct kunit *test, const char *name)
{
	struct vbus_device *dev = vbus_device_create(name);

	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	KUNIT_ASSERT_EQ(test, vbus_device_set_type(dev, TEST_CLASS), 0);
	return dev;
}

static void attach(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vbus_local_attach(TEST_BUS), 0);
	t->attached = true;
}

static void detach(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vbus_local_detach(TEST_BUS), 0);
	t->attached = false;
}

static int local_init(struct kunit *test)
{
	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	spin_lock_init(&t->guest_lock);
	spin_lock_init(&t->host_lock);
	init_completion(&t->worked);
	t->guest_notifier.signal = guest_bell;
	t->host_notifier.signal = host_bell;
	t->mem = vzalloc(TEST_LEN);
	KUNIT_ASSERT_NOT_NULL(test, t->mem);

	t->bus = vbus_create(TEST_BUS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->bus));
	atomic_set(&t->bus->holders, 1);
	KUNIT_ASSERT_EQ(test, vbus_deviceclass_register(&dev_class), 0);
	KUNIT_ASSERT_EQ(test, vbus_proxy_driver_register(&drv), 0);
	t->dev[0] = make_device(test, "kunit-local-0");
	t->dev[1] = make_device(test, "kunit-local-1");
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev[0]), 0);
	attach(test);
	KUNIT_ASSERT_NOT_NULL(test, t->vdev);
	return 0;
}

static bool soon(bool (*what)(void))
{
	int i;

	for (i = 0; i < 500 && !what(); i++)
		msleep(20);
	return what();
}

static bool nothing_left(void)
{
	return !vbus_local_objects() && t->releases == t->opens;
}

static void drop_device(struct kunit *test, struct vbus_device *dev)
{
	vbus_device_destroy(dev);
	KUNIT_EXPECT_EQ(test, kref_read(&dev->kobj.kref), 1);
	kobject_put(&dev->kobj);
}

static void local_exit(struct kunit *test)
{
	if (t->attached)
		detach(test);
	KUNIT_EXPECT_TRUE(test, soon(nothing_left));
	KUNIT_EXPECT_EQ(test, t->closes, t->opens);
	KUNIT_EXPECT_EQ(test, t->removes, t->probes);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bus->holders), 1);

	drop_device(test, t->dev[0]);
	drop_device(test, t->dev[1]);
	vbus_proxy_driver_unregister(&drv);
	vbus_deviceclass_unregister(&dev_class);
	atomic_set(&t->bus->holders, 0);
	vbus_destroy(t->bus);
	KUNIT_EXPECT_EQ(test, kref_read(&t->bus->kobj.kref), 1);
	kobject_put(&t->bus->kobj);
	vfree(t->mem);
}

static void open_device(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(t->vdev, TEST_VERSION), 0);
}

static void share_memory(struct kunit *test, void *mem)
{
	struct vbus_proxy_region region = {
		.vaddr = mem,
		.len = TEST_LEN,
		.signal_offset = TEST_SIGNAL,
		.notifier = &t->guest_notifier,
		.name = "kunit",
		.cpu = -1,
	};

	KUNIT_ASSERT_EQ(test, vbus_proxy_shm(t->vdev, TEST_REGION, &region,
					     &t->guest), 0);
	KUNIT_ASSERT_NOT_NULL(test, t->guest);
	KUNIT_ASSERT_NOT_NULL(test, t->host);
}

/*
 * Attachments and hotplug
 */

static void bus_is_attached_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vbus_local_attach(TEST_BUS), -EEXIST);
	KUNIT_EXPECT_EQ(test, vbus_local_attach("no-such-bus"), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_local_detach("no-such-bus"), -ENOENT);
	KUNIT_EXPECT_GT(test, atomic_read(&t->bus->holders), 1);
	detach(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bus->holders), 1);
	KUNIT_EXPECT_EQ(test, vbus_local_detach(TEST_BUS), -ENOENT);
	attach(test);
	KUNIT_EXPECT_EQ(test, t->probes, 2);
}

static void device_bears_the_name_of_its_bus(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, dev_name(&t->vdev->dev),
			   "local-" TEST_BUS ".0");
	KUNIT_EXPECT_STREQ(test, t->vdev->type, TEST_TYPE);
}

static void link_adds_and_unlink_deletes(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev[1]), 0);
	KUNIT_ASSERT_EQ(test, vbus_local_settle(TEST_BUS), 0);
	KUNIT_EXPECT_EQ(test, t->probes, 2);
	KUNIT_EXPECT_EQ(test, t->removes, 0);

	vbus_unlink(t->bus, t->dev[0]);
	KUNIT_ASSERT_EQ(test, vbus_local_settle(TEST_BUS), 0);
	KUNIT_EXPECT_EQ(test, t->removes, 1);
}

static bool second_has_come(void)
{
	return t->probes == 2;
}

static void hotplug_needs_no_help(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev[1]), 0);
	KUNIT_EXPECT_TRUE(test, soon(second_has_come));
}

/* More devices than are asked for at a time. */
static void many_devices_are_listed(struct kunit *test)
{
	struct vbus_device *many[40];
	char name[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(many); i++) {
		snprintf(name, sizeof(name), "kunit-local-many-%d", i);
		many[i] = make_device(test, name);
		KUNIT_ASSERT_EQ(test, vbus_link(t->bus, many[i]), 0);
	}
	vbus_local_settle(TEST_BUS);
	KUNIT_EXPECT_EQ(test, t->probes, 1 + ARRAY_SIZE(many));
	for (i = 0; i < ARRAY_SIZE(many); i++)
		vbus_unlink(t->bus, many[i]);
	vbus_local_settle(TEST_BUS);
	KUNIT_EXPECT_EQ(test, t->removes, ARRAY_SIZE(many));
	for (i = 0; i < ARRAY_SIZE(many); i++)
		drop_device(test, many[i]);
}

static void unlink_under_open_device(struct kunit *test)
{
	open_device(test);
	share_memory(test, t->mem);
	vbus_unlink(t->bus, t->dev[0]);
	KUNIT_EXPECT_EQ(test, t->closes, 1);
	vbus_local_settle(TEST_BUS);
	KUNIT_EXPECT_EQ(test, t->removes, 1);
	KUNIT_EXPECT_NULL(test, t->vdev);
	shm_signal_put(t->guest);
}

static void relink_brings_the_device_back(struct kunit *test)
{
	open_device(test);
	vbus_unlink(t->bus, t->dev[0]);
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev[0]), 0);
	KUNIT_EXPECT_TRUE(test, soon(second_has_come));
	KUNIT_EXPECT_EQ(test, t->removes, 1);
	KUNIT_ASSERT_NOT_NULL(test, t->vdev);
	open_device(test);
	KUNIT_EXPECT_EQ(test, t->opens, 2);
}

static void detach_closes_open_device(struct kunit *test)
{
	open_device(test);
	share_memory(test, t->mem);
	shm_signal_put(t->guest);
	detach(test);
	KUNIT_EXPECT_EQ(test, t->closes, 1);
	KUNIT_EXPECT_EQ(test, t->removes, 1);
}

static int unlink_thread(void *dev)
{
	vbus_unlink(t->bus, dev);
	return 0;
}

static bool device_is_closing(void)
{
	return t->closing;
}

/* The driver frees its memory then. */
static void close_waits_for_an_end_that_is_under_way(struct kunit *test)
{
	struct vbus_proxy_device *vdev = t->vdev;
	struct task_struct *task;

	get_device(&vdev->dev);
	open_device(test);
	share_memory(test, t->mem);
	shm_signal_put(t->guest);
	t->close_delay = 200;
	task = kthread_create(unlink_thread, t->dev[0], "vbus-unlink");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	KUNIT_EXPECT_TRUE(test, soon(device_is_closing));
	vbus_proxy_close(vdev);
	KUNIT_EXPECT_EQ(test, t->closes, 1);
	kthread_stop_put(task);
	put_device(&vdev->dev);
}

/*
 * Verbs
 */

static void call_goes_there_and_back(struct kunit *test)
{
	u8 *data = kunit_kzalloc(test, VBUS_CALL_MAX, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	data[VBUS_CALL_MAX - 1] = 0x12;
	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_INVERT, data,
					      VBUS_CALL_MAX), 0);
	KUNIT_EXPECT_EQ(test, data[0], 0xff);
	KUNIT_EXPECT_EQ(test, data[VBUS_CALL_MAX - 1], 0xed);
}

static void errors_of_the_device_arrive(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(t->vdev, TEST_VERSION + 1),
			-EPROTONOSUPPORT);
	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_REFUSE, NULL, 0),
			-EDOM);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, 99, NULL, 0),
			-EOPNOTSUPP);
}

static void open_of_unlinked_device_fails(struct kunit *test)
{
	struct vbus_proxy_device *vdev = t->vdev;

	/* It may be deleted at the same time. */
	get_device(&vdev->dev);
	vbus_unlink(t->bus, t->dev[0]);
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(vdev, TEST_VERSION), -ENODEV);
	put_device(&vdev->dev);
}

static void region_is_the_drivers_memory(struct kunit *test)
{
	u8 byte = 0;

	open_device(test);
	share_memory(test, t->mem);
	KUNIT_EXPECT_EQ(test, t->shm->len, TEST_LEN);
	KUNIT_EXPECT_PTR_EQ(test, t->shm->vaddr, t->mem);

	((u8 *)t->mem)[TEST_LEN - 1] = 0x77;
	scoped_guard(rcu) {
		KUNIT_EXPECT_EQ(test, vbus_shm_read(t->shm, &byte,
						    TEST_LEN - 1, 1), 0);
		KUNIT_EXPECT_EQ(test, vbus_shm_write(t->shm, PAGE_SIZE - 4,
						     "boundary", 8), 0);
	}
	KUNIT_EXPECT_EQ(test, byte, 0x77);
	KUNIT_EXPECT_MEMEQ(test, t->mem + PAGE_SIZE - 4, "boundary", 8);
	shm_signal_put(t->guest);
}

static void region_id_is_used_once(struct kunit *test)
{
	struct vbus_proxy_region region = {
		.vaddr = t->mem,
		.len = TEST_LEN,
		.signal_offset = TEST_SIGNAL,
		.notifier = &t->guest_notifier,
		.name = "kunit",
		.cpu = -1,
	};
	struct shm_signal *s = NULL;

	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(t->vdev, TEST_REGION + 1,
					     &region, &s), -EINVAL);
	share_memory(test, t->mem);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(t->vdev, TEST_REGION, &region,
					     &s), -EBUSY);
	KUNIT_EXPECT_NULL(test, s);
	shm_signal_put(t->guest);
}

static void region_of_whole_pages_without_signal(struct kunit *test)
{
	struct vbus_proxy_region region = {
		.len = TEST_LEN,
		.signal_offset = VBUS_SHM_NO_SIGNAL,
	};

	region.vaddr = alloc_pages_exact(TEST_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, region.vaddr);
	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(t->vdev, TEST_REGION, &region,
					     NULL), 0);
	KUNIT_EXPECT_NULL(test, t->host);
	scoped_guard(rcu)
		vbus_shm_write(t->shm, 2 * PAGE_SIZE, "page", 4);
	KUNIT_EXPECT_MEMEQ(test, region.vaddr + 2 * PAGE_SIZE, "page", 4);
	vbus_proxy_close(t->vdev);
	free_pages_exact(region.vaddr, TEST_LEN);
}

/*
 * Memory by address
 */

static void addresses_reach_the_drivers_memory(struct kunit *test)
{
	struct test_copy *copy = kunit_kzalloc(test, sizeof(*copy),
					       GFP_KERNEL);
	u8 *mem = alloc_pages_exact(TEST_LEN, GFP_KERNEL | __GFP_ZERO);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	memset(mem + PAGE_SIZE - 1000, 0xa5, 2000);
	open_device(test);

	copy->addr = vbus_proxy_addr(virt_to_page(mem), PAGE_SIZE - 1000);
	copy->len = 2000;
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_COPY_FROM, copy,
					      sizeof(*copy)), 0);
	KUNIT_EXPECT_EQ(test, copy->data[0], 0xa5);
	KUNIT_EXPECT_EQ(test, copy->data[1999], 0xa5);
	KUNIT_EXPECT_EQ(test, copy->data[2000], 0);

	memset(copy->data, 0x3c, sizeof(copy->data));
	copy->len = 1001;
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_COPY_TO, copy,
					      sizeof(*copy)), 0);
	KUNIT_EXPECT_EQ(test, mem[PAGE_SIZE - 1001], 0);
	KUNIT_EXPECT_EQ(test, mem[PAGE_SIZE - 1000], 0x3c);
	KUNIT_EXPECT_EQ(test, mem[PAGE_SIZE], 0x3c);
	KUNIT_EXPECT_EQ(test, mem[PAGE_SIZE + 1], 0xa5);
	free_pages_exact(mem, TEST_LEN);
}

static void addresses_of_no_memory_are_refused(struct kunit *test)
{
	struct test_copy *copy = kunit_kzalloc(test, sizeof(*copy),
					       GFP_KERNEL);
	u64 bad[] = { U64_MAX, U64_MAX - 8, 1ULL << 62, BIT_ULL(51),
		      (u64)__pa_symbol(schedule) };
	int i;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	open_device(test);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		copy->addr = bad[i];
		copy->len = 16;
		KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_COPY_FROM,
						      copy, sizeof(*copy)),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_COPY_TO,
						      copy, sizeof(*copy)),
				-EFAULT);
	}
}

/*
 * Signals and work
 */

static void driver_rings_device_right_away(struct kunit *test)
{
	unsigned long flags;

	open_device(test);
	share_memory(test, t->mem);
	shm_signal_enable(t->host);
	spin_lock_irqsave(&t->guest_lock, flags);
	shm_signal_inject(t->guest);
	KUNIT_EXPECT_EQ(test, t->host_bells, 1);
	spin_unlock_irqrestore(&t->guest_lock, flags);
	KUNIT_EXPECT_EQ(test, t->host_ctx, SHM_SIGNAL_ATOMIC);
	shm_signal_put(t->guest);
}

static bool guest_was_rung(void)
{
	return t->guest_bells;
}

static void device_rings_driver_but_not_under_its_lock(struct kunit *test)
{
	open_device(test);
	share_memory(test, t->mem);
	shm_signal_enable(t->guest);
	spin_lock_bh(&t->host_lock);
	shm_signal_inject(t->host);
	KUNIT_EXPECT_EQ(test, t->guest_bells, 0);
	spin_unlock_bh(&t->host_lock);
	KUNIT_EXPECT_TRUE(test, soon(guest_was_rung));
	KUNIT_EXPECT_EQ(test, t->guest_bells, 1);
	shm_signal_put(t->guest);
}

static bool enough_rounds(void)
{
	return t->host_bells == TEST_ROUNDS;
}

static void each_answers_the_others_signal(struct kunit *test)
{
	open_device(test);
	share_memory(test, t->mem);
	t->pingpong = true;
	shm_signal_enable(t->guest);
	dev_inject();
	KUNIT_EXPECT_TRUE(test, soon(enough_rounds));
	KUNIT_EXPECT_EQ(test, t->guest_bells, TEST_ROUNDS);
	shm_signal_put(t->guest);
}

static void nobody_rings_after_close(struct kunit *test)
{
	struct shm_signal *host;

	open_device(test);
	share_memory(test, t->mem);
	host = shm_signal_get(t->host);
	shm_signal_enable(t->guest);
	shm_signal_enable(host);
	/* A bell is on its way when the device is closed. */
	local_bh_disable();
	shm_signal_inject(host);
	local_bh_enable();
	vbus_proxy_close(t->vdev);
	t->guest_bells = 0;

	shm_signal_enable(t->guest);
	shm_signal_inject(host);
	shm_signal_inject(t->guest);
	msleep(50);
	KUNIT_EXPECT_EQ(test, t->guest_bells, 0);
	KUNIT_EXPECT_EQ(test, t->host_bells, 0);
	shm_signal_put(t->guest);
	shm_signal_put(host);
}

/* The driver is sloppy: the attachment and its client are gone. */
static void signal_may_outlive_the_attachment(struct kunit *test)
{
	open_device(test);
	share_memory(test, t->mem);
	shm_signal_enable(t->host);
	detach(test);
	KUNIT_EXPECT_TRUE(test, shm_signal_inject(t->guest));
	KUNIT_EXPECT_EQ(test, t->host_bells, 0);
	shm_signal_put(t->guest);
}

static void work_runs_until_it_is_done(struct kunit *test)
{
	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_WORK, NULL, 0), 0);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&t->worked, 5 * HZ),
			0);
	KUNIT_EXPECT_EQ(test, t->works, TEST_ROUNDS);
}

static void detach_with_work_queued(struct kunit *test)
{
	open_device(test);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(t->vdev, TEST_WORK, NULL, 0), 0);
	detach(test);
	KUNIT_EXPECT_EQ(test, t->closes, 1);
}

static struct kunit_case local_cases[] = {
	KUNIT_CASE(bus_is_attached_once),
	KUNIT_CASE(device_bears_the_name_of_its_bus),
	KUNIT_CASE(link_adds_and_unlink_deletes),
	KUNIT_CASE(hotplug_needs_no_help),
	KUNIT_CASE(many_devices_are_listed),
	KUNIT_CASE(unlink_under_open_device),
	KUNIT_CASE(relink_brings_the_device_back),
	KUNIT_CASE(detach_closes_open_device),
	KUNIT_CASE(close_waits_for_an_end_that_is_under_way),
	KUNIT_CASE(call_goes_there_and_back),
	KUNIT_CASE(errors_of_the_device_arrive),
	KUNIT_CASE(open_of_unlinked_device_fails),
	KUNIT_CASE(region_is_the_drivers_memory),
	KUNIT_CASE(region_id_is_used_once),
	KUNIT_CASE(region_of_whole_pages_without_signal),
	KUNIT_CASE(addresses_reach_the_drivers_memory),
	KUNIT_CASE(addresses_of_no_memory_are_refused),
	KUNIT_CASE(driver_rings_device_right_away),
	KUNIT_CASE(device_rings_driver_but_not_under_its_lock),
	KUNIT_CASE(each_answers_the_others_signal),
	KUNIT_CASE(nobody_rings_after_close),
	KUNIT_CASE(signal_may_outlive_the_attachment),
	KUNIT_CASE(work_runs_until_it_is_done),
	KUNIT_CASE(detach_with_work_queued),
	{}
};

static struct kunit_suite local_suite = {
	.name = "vbus-local",
	.init = local_init,
	.exit = local_exit,
	.test_cases = local_cases,
};

kunit_test_suite(local_suite);

MODULE_DESCRIPTION("KUnit tests of the local connector");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
