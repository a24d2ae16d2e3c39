// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of Virtual-Bus clients: every verb with every argument out of
 * range, twice, after close and from a foreign client; every way in which a
 * connection can end; works, faults and regions; and after each test that
 * what was opened was closed and released once, and no reference is left.
 *
 * One deviceclass and two connectors (two clients of one bus) that count what
 * happens to them. The connector's worker is the test itself: it runs works
 * when it wants to.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "connection.h"

#define CT_VERSION	1
/* A version of the device that takes neither calls nor memory. */
#define CT_VERSION_DUMB	2
/* One that it does not open before it is told to. */
#define CT_VERSION_SLOW	3

/* Regions, of which the first has a signal. */
#define CT_REGION	7
#define CT_REGION_MUTE	0xfffffffe
#define CT_REGION_BAD	9

#define CT_ADDR		0x123456789000ULL
#define CT_LEN		300

/* Long enough for what must happen, and for what must not. */
#define CT_SOON		(10 * HZ)
#define CT_WHILE	(HZ / 10)

enum ct_func {
	CT_INVERT,		/* inverts what it was given */
	CT_REFUSE,
	CT_BLOCK,		/* returns when it is told to */
};

struct ct;
struct ct_region;

/* The device's side of a connection. */
struct ct_conn {
	struct ct *t;
	struct vbus_work work;
	struct shm_signal_notifier notifier;
	struct vbus_shm *shm;
	struct shm_signal *signal;
	bool in_call;
	atomic_t in_work;
};

/* The connector: a client, its memory and its list of works. */
struct ct_connector {
	struct ct *t;
	struct vbus_client *client;
	struct vbus_memctx memctx;
	bool memctx_gone;
	bool going;
	spinlock_t lock;		/* the list */
	struct list_head works;
	struct completion changed;
	struct completion dropped;
	u32 dropped_handle;
	int dropped_close;
	int n_dropped;
};

struct ct {
	struct vbus_deviceclass dc;
	struct vbus *bus;
	struct vbus_device *dev;
	struct ct_connector c[2];

	atomic_t opens, closes, releases;
	struct completion entered;
	struct completion go;
	u32 handle;
	struct ct_region *region;
	bool closed_in_call;
	struct ct_conn *last;

	/* What the device's notifier and work do, and have done. */
	int rings;
	int runs;
	int more;
	bool requeue;
	enum shm_signal_context ctx;
	u64 addr;
	atomic_t produced;
	int consumed;
	bool run_twice, queued_twice;
	bool stop;

	/* The client's memory: there after so many faults, if ever. */
	int missing;
	int move;
	bool no_memory;
	bool slow_memory;
	bool to_write;
	int faults;
	bool wrote;

	int shms, signals;
};

/* create() knows nothing but the device; there is one test at a time. */
static struct ct *ct_current;

/*
 * The device
 */

/* Reach for the client's memory, as a device does that has work to do. */
static bool ct_reach(struct ct *t, struct vbus_connection *conn)
{
	struct vbus_memctx *ctx = vbus_connection_memctx(conn);
	char buf[CT_LEN];

	if (!ctx->ops->copy_from(ctx, buf, t->addr, sizeof(buf)))
		return true;

	vbus_connection_fault(conn, t->addr, sizeof(buf), t->to_write);

	return false;
}

static void ct_notify(struct shm_signal_notifier *notifier,
		      enum shm_signal_context ctx)
{
	struct ct_conn *dc = container_of(notifier, struct ct_conn, notifier);

	dc->t->rings++;
	dc->t->ctx = ctx;
	ct_reach(dc->t, dc->work.conn);
}

static bool ct_work(struct vbus_work *work)
{
	struct ct_conn *dc = container_of(work, struct ct_conn, work);
	struct ct *t = dc->t;

	if (atomic_inc_return(&dc->in_work) != 1)
		t->run_twice = true;
	t->runs++;
	t->consumed = atomic_read(&t->produced);
	if (t->requeue) {
		t->requeue = false;
		vbus_work_queue(work);
		vbus_work_queue(work);
	}
	ct_reach(t, work->conn);
	atomic_dec(&dc->in_work);

	return t->more && t->more--;
}

static int ct_call(struct vbus_connection *conn, u32 func, void *data,
		   size_t len)
{
	struct ct_conn *dc = vbus_connection_priv(conn);
	struct ct *t = dc->t;
	u8 *p = data;

	switch (func) {
	case CT_INVERT:
		while (len--)
			*p++ ^= 0xff;
		return 0;
	case CT_BLOCK:
		WRITE_ONCE(dc->in_call, true);
		complete(&t->entered);
		wait_for_completion(&t->go);
		WRITE_ONCE(dc->in_call, false);
		return 0;
	default:
		return -EPERM;
	}
}

static int ct_shm(struct vbus_connection *conn, u32 id, struct vbus_shm *shm,
		  struct shm_signal *signal)
{
	struct ct_conn *dc = vbus_connection_priv(conn);

	if (id == CT_REGION_BAD)
		return -EPERM;
	if (id != CT_REGION)
		return 0;

	dc->shm = vbus_shm_get(shm);
	if (signal) {
		dc->signal = shm_signal_get(signal);
		shm_signal_set_notifier(signal, &dc->notifier);
	}

	return 0;
}

static void ct_close(struct vbus_connection *conn)
{
	struct ct_conn *dc = vbus_connection_priv(conn);

	if (READ_ONCE(dc->in_call))
		dc->t->closed_in_call = true;
	atomic_inc(&dc->t->closes);
	if (dc->signal)
		shm_signal_set_notifier(dc->signal, NULL);
	shm_signal_put(dc->signal);
	vbus_shm_put(dc->shm);
}

static void ct_release(struct vbus_connection *conn)
{
	struct ct_conn *dc = vbus_connection_priv(conn);

	atomic_inc(&dc->t->releases);
	kfree(dc);
}

static const struct vbus_connection_ops ct_conn_ops = {
	.call = ct_call,
	.shm = ct_shm,
	.close = ct_close,
	.release = ct_release,
};

static const struct vbus_connection_ops ct_dumb_ops = {
	.close = ct_close,
	.release = ct_release,
};

static int ct_open(struct vbus_connection *conn, u32 version)
{
	struct vbus_interface *intf = vbus_connection_interface(conn);
	struct ct *t = vbus_device_priv(vbus_interface_device(intf));
	struct ct_conn *dc;

	if (version == CT_VERSION_SLOW) {
		complete(&t->entered);
		wait_for_completion(&t->go);
	} else if (version != CT_VERSION && version != CT_VERSION_DUMB) {
		return -EPROTONOSUPPORT;
	}

	dc = kzalloc_obj(*dc, GFP_KERNEL_ACCOUNT);
	if (!dc)
		return -ENOMEM;
	dc->t = t;
	dc->notifier.signal = ct_notify;
	vbus_work_init(&dc->work, conn, ct_work);
	vbus_connection_set_ops(conn, version == CT_VERSION_DUMB ?
				&ct_dumb_ops : &ct_conn_ops, dc);
	t->last = dc;
	atomic_inc(&t->opens);

	return 0;
}

static int ct_create(struct vbus_device *dev)
{
	vbus_device_set_priv(dev, ct_current);

	return 0;
}

static void ct_destroy(struct vbus_device *dev)
{
}

static const struct vbus_deviceclass_ops ct_class_ops = {
	.create = ct_create,
	.destroy = ct_destroy,
	.open = ct_open,
};

/*
 * The connector
 */

static struct ct *ct_of_memctx(struct vbus_memctx *ctx)
{
	return container_of(ctx, struct ct_connector, memctx)->t;
}

static int ct_copy_from(struct vbus_memctx *ctx, void *dst, u64 addr,
			size_t len)
{
	return ct_of_memctx(ctx)->missing ? -EFAULT : 0;
}

static int ct_copy_to(struct vbus_memctx *ctx, u64 addr, const void *src,
		      size_t len)
{
	return ct_of_memctx(ctx)->missing ? -EFAULT : 0;
}

static int ct_fault_in(struct vbus_memctx *ctx, u64 addr, size_t len,
		       bool write)
{
	struct ct *t = ct_of_memctx(ctx);

	if (t->slow_memory) {
		complete(&t->entered);
		wait_for_completion(&t->go);
	}
	t->faults++;
	t->wrote = write;
	if (addr != t->addr || len != CT_LEN || t->no_memory)
		return -EFAULT;
	t->missing--;
	t->addr += t->move;

	return 0;
}

static void ct_memctx_release(struct vbus_memctx *ctx)
{
	container_of(ctx, struct ct_connector, memctx)->memctx_gone = true;
}

static const struct vbus_memctx_ops ct_memctx_ops = {
	.copy_from = ct_copy_from,
	.copy_to = ct_copy_to,
	.fault_in = ct_fault_in,
	.release = ct_memctx_release,
};

static void ct_changed(struct vbus_client *client)
{
	struct ct_connector *c = vbus_client_priv(client);

	complete(&c->changed);
}

static void ct_dropped(struct vbus_client *client, u32 handle)
{
	struct ct_connector *c = vbus_client_priv(client);

	c->n_dropped++;
	c->dropped_handle = handle;
	c->dropped_close = vbus_client_close(client, handle);
	complete(&c->dropped);
}

static bool ct_queue_work(struct vbus_client *client, struct vbus_work *work)
{
	struct ct_connector *c = vbus_client_priv(client);
	unsigned long flags;

	if (c->going)
		return false;

	spin_lock_irqsave(&c->lock, flags);
	if (!list_empty(&work->entry))
		c->t->queued_twice = true;
	else
		list_add_tail(&work->entry, &c->works);
	spin_unlock_irqrestore(&c->lock, flags);

	return true;
}

static const struct vbus_client_ops ct_client_ops = {
	.changed = ct_changed,
	.dropped = ct_dropped,
	.queue_work = ct_queue_work,
};

/* Run what is queued, and what that queues. Return: how many works ran. */
static int ct_run_works(struct ct_connector *c)
{
	struct vbus_work *work;
	int n = 0;

	for (;;) {
		spin_lock_irq(&c->lock);
		work = list_first_entry_or_null(&c->works, struct vbus_work,
						entry);
		if (work)
			list_del_init(&work->entry);
		spin_unlock_irq(&c->lock);
		if (!work)
			return n;
		vbus_work_run(work);
		n++;
	}
}

/*
 * Regions and signals of the connector's, counted
 */

struct ct_region {
	struct vbus_shm shm;
	struct shm_signal signal;
	struct shm_signal_desc *desc;
	struct page *page[2];
	struct ct *t;
	size_t dirty_offset, dirty_len;
};

static void ct_dirty(struct vbus_shm *shm, size_t offset, size_t len)
{
	struct ct_region *r = container_of(shm, struct ct_region, shm);

	r->dirty_offset = offset;
	r->dirty_len = len;
}

static void ct_shm_release(struct vbus_shm *shm)
{
	container_of(shm, struct ct_region, shm)->t->shms--;
}

static void ct_signal_release(struct shm_signal *s)
{
	container_of(s, struct ct_region, signal)->t->signals--;
}

static void ct_inject(struct shm_signal *s)
{
}

static const struct vbus_shm_ops ct_shm_ops = {
	.dirty = ct_dirty,
	.release = ct_shm_release,
};

static const struct shm_signal_ops ct_signal_ops = {
	.inject = ct_inject,
	.release = ct_signal_release,
};

static void ct_free_page(void *page)
{
	__free_page(page);
}

static struct ct_region *ct_region(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_region *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	for (i = 0; i < ARRAY_SIZE(r->page); i++) {
		r->page[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, r->page[i]);
		kunit_add_action(test, ct_free_page, r->page[i]);
	}
	r->t = t;
	r->desc = page_address(r->page[0]);

	vbus_shm_init(&r->shm, &ct_shm_ops);
	r->shm.pages = r->page;
	r->shm.npages = ARRAY_SIZE(r->page);
	r->shm.len = ARRAY_SIZE(r->page) * PAGE_SIZE;
	t->shms++;
	shm_signal_init(&r->signal, SHM_SIGNAL_HOST, r->desc, &ct_signal_ops);
	t->signals++;

	return r;
}

static void ct_region_put(struct ct_region *r)
{
	shm_signal_put(&r->signal);
	vbus_shm_put(&r->shm);
}

/* Open the device and register CT_REGION with a signal. Return: the handle. */
static u32 ct_open_ringing(struct kunit *test, struct ct_connector *c)
{
	struct ct_region *r = ct_region(test);
	u32 handle = 0;

	KUNIT_ASSERT_EQ(test, vbus_client_open(c->client, 0, 0, CT_VERSION,
					       &handle), 0);
	KUNIT_ASSERT_EQ(test, vbus_client_shm(c->client, handle, CT_REGION,
					      &r->shm, &r->signal), 0);
	ct_region_put(r);

	return handle;
}

/*
 * Somebody else, who does one thing
 */

struct ct_actor {
	int (*act)(struct ct_actor *actor);
	struct ct *t;
	u32 handle;
	int ret;
	struct completion done;
};

static int ct_actor_thread(void *data)
{
	struct ct_actor *actor = data;

	actor->ret = actor->act(actor);
	complete(&actor->done);

	return 0;
}

static void ct_start(struct kunit *test, struct ct_actor *actor,
		     int (*act)(struct ct_actor *actor))
{
	struct task_struct *task;

	actor->act = act;
	actor->t = test->priv;
	init_completion(&actor->done);
	task = kthread_run(ct_actor_thread, actor, "ct_actor");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

static bool ct_done(struct ct_actor *actor, unsigned long timeout)
{
	return wait_for_completion_timeout(&actor->done, timeout);
}

static int ct_act_block(struct ct_actor *actor)
{
	return vbus_client_call(actor->t->c[0].client, actor->handle, CT_BLOCK,
				NULL, 0);
}

static int ct_act_invert(struct ct_actor *actor)
{
	u8 byte = 0;

	return vbus_client_call(actor->t->c[0].client, actor->handle, CT_INVERT,
				&byte, 1);
}

static int ct_act_open_slow(struct ct_actor *actor)
{
	return vbus_client_open(actor->t->c[0].client, 0, 0, CT_VERSION_SLOW,
				&actor->handle);
}

static int ct_act_signal(struct ct_actor *actor)
{
	return vbus_client_signal(actor->t->c[0].client, actor->handle,
				  CT_REGION, SHM_SIGNAL_PROCESS);
}

static int ct_act_close(struct ct_actor *actor)
{
	return vbus_client_close(actor->t->c[0].client, actor->handle);
}

static int ct_act_unlink(struct ct_actor *actor)
{
	vbus_unlink(actor->t->bus, actor->t->dev);

	return 0;
}

/* Many of these at a time, on as many CPUs as there are. */
#define CT_LOOPS	2000

static int ct_act_produce(struct ct_actor *actor)
{
	struct ct *t = actor->t;
	int i;

	for (i = 0; i < CT_LOOPS; i++) {
		atomic_inc(&t->produced);
		if (!vbus_work_queue(&t->last->work))
			return -ENODEV;
		cond_resched();
	}

	return 0;
}

static int ct_act_run_works(struct ct_actor *actor)
{
	int n = 0;

	while (!READ_ONCE(actor->t->stop)) {
		n += ct_run_works(&actor->t->c[0]);
		schedule();
	}

	return n;
}

/* What a verb may answer while others open, close, unlink and reset. */
static bool ct_may_be(int err)
{
	return !err || err == -ENOENT || err == -ENODEV || err == -EBUSY;
}

static int ct_act_open_and_close(struct ct_actor *actor)
{
	struct ct *t = actor->t;
	struct vbus_client *client = t->c[0].client;
	u32 handle;
	int err;

	while (!READ_ONCE(t->stop)) {
		err = vbus_client_open(client, 0, 0, CT_VERSION, &handle);
		if (!ct_may_be(err))
			return err;
		if (!err) {
			WRITE_ONCE(t->handle, handle);
			err = vbus_client_shm(client, handle, CT_REGION,
					      &t->region->shm,
					      &t->region->signal);
		}
		if (!ct_may_be(err))
			return err;
		cond_resched();
		err = vbus_client_close(client, READ_ONCE(t->handle));
		if (!ct_may_be(err))
			return err;
		cond_resched();
	}

	return 0;
}

static int ct_act_use(struct ct_actor *actor)
{
	struct ct *t = actor->t;
	struct vbus_client *client = t->c[0].client;
	u8 data[16] = {};
	u32 handle;
	int err;

	while (!READ_ONCE(t->stop)) {
		/* The one that was opened last, or the next. */
		handle = READ_ONCE(t->handle) + (data[0] & 1);
		err = vbus_client_call(client, handle, CT_INVERT, data,
				       sizeof(data));
		if (!ct_may_be(err))
			return err;
		err = vbus_client_signal(client, handle, CT_REGION,
					 SHM_SIGNAL_ATOMIC);
		if (!ct_may_be(err))
			return err;
		data[0]++;
		cond_resched();
	}

	return 0;
}

static int ct_act_reset(struct ct_actor *actor)
{
	vbus_client_reset(actor->t->c[0].client);

	return 0;
}

/*
 * Setup, and the balance after every test
 */

static void ct_connect(struct kunit *test, struct ct_connector *c)
{
	c->t = test->priv;
	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->works);
	init_completion(&c->changed);
	init_completion(&c->dropped);
	vbus_memctx_init(&c->memctx, &ct_memctx_ops);
	c->client = vbus_client_create(c->t->bus, &ct_client_ops, &c->memctx,
				       c);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c->client));
	vbus_memctx_put(&c->memctx);
}

static void ct_disconnect(struct ct_connector *c)
{
	if (IS_ERR_OR_NULL(c->client))
		return;
	vbus_client_destroy(c->client);
	c->client = NULL;
	ct_run_works(c);
}

static int ct_init(struct kunit *test)
{
	struct ct *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	ct_current = t;
	init_completion(&t->entered);
	init_completion(&t->go);
	t->addr = CT_ADDR;
	t->dc.name = "kunit-client-class";
	t->dc.type = "kunit-client-type";
	t->dc.owner = THIS_MODULE;
	t->dc.ops = &ct_class_ops;

	t->bus = vbus_create("kunit-client-bus");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->bus));
	/* The bus is not in configfs, so it gets its first holder here. */
	atomic_set(&t->bus->holders, 1);
	KUNIT_ASSERT_EQ(test, vbus_deviceclass_register(&t->dc), 0);
	t->dev = vbus_device_create("kunit-client-device");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->dev));
	KUNIT_ASSERT_EQ(test, vbus_device_set_type(t->dev, t->dc.name), 0);
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev), 0);
	for (i = 0; i < ARRAY_SIZE(t->c); i++)
		ct_connect(test, &t->c[i]);

	return 0;
}

static void ct_exit(struct kunit *test)
{
	struct ct *t = test->priv;
	int i;

	complete_all(&t->go);
	for (i = 0; i < ARRAY_SIZE(t->c); i++) {
		ct_disconnect(&t->c[i]);
		KUNIT_EXPECT_TRUE(test, t->c[i].memctx_gone);
	}
	KUNIT_EXPECT_EQ(test, t->dev->connections, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bus->holders), 1);

	vbus_device_destroy(t->dev);
	kobject_put(&t->dev->kobj);
	vbus_deviceclass_unregister(&t->dc);
	atomic_set(&t->bus->holders, 0);
	vbus_destroy(t->bus);
	kobject_put(&t->bus->kobj);

	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), atomic_read(&t->opens));
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases),
			atomic_read(&t->opens));
	KUNIT_EXPECT_FALSE(test, t->closed_in_call);
	KUNIT_EXPECT_FALSE(test, t->run_twice);
	KUNIT_EXPECT_FALSE(test, t->queued_twice);
	KUNIT_EXPECT_EQ(test, t->shms, 0);
	KUNIT_EXPECT_EQ(test, t->signals, 0);
}

/*
 * open and close
 */

static void ct_open_refused(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	u32 handle = 4711;

	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 1, 0, CT_VERSION, &handle),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, U32_MAX, 0, CT_VERSION,
					       &handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, 0, 0, &handle),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, 0, U32_MAX, &handle),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, handle, 4711);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 0);
	KUNIT_EXPECT_EQ(test, t->dev->connections, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&client->handles));

	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
}

static void ct_open_twice(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 a = 0, b = 0, other = 0;

	KUNIT_ASSERT_EQ(test, vbus_client_open(t->c[0].client, 0, 0, CT_VERSION,
					       &a), 0);
	KUNIT_EXPECT_NE(test, a, 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(t->c[0].client, 0, 0, CT_VERSION,
					       &b), -EBUSY);
	KUNIT_EXPECT_EQ(test, vbus_client_open(t->c[1].client, 0, 0, CT_VERSION,
					       &other), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_close(t->c[0].client, a), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(t->c[0].client, 0, 0, CT_VERSION,
					       &b), 0);
	/* A stale handle does not soon mean something else. */
	KUNIT_EXPECT_NE(test, a, b);
}

/* The dev-id has gone to another device since the client looked. */
static void ct_open_another(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct vbus_device_info was, is;
	u32 then, now, handle = 4711;

	KUNIT_ASSERT_EQ(test, vbus_client_list(client, 0, &was, 1, NULL), 1);
	vbus_unlink(t->bus, t->dev);
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus, t->dev), 0);
	KUNIT_ASSERT_EQ(test, vbus_client_list(client, 0, &is, 1, NULL), 1);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(is.id), 0);
	then = le32_to_cpu(was.instance);
	now = le32_to_cpu(is.instance);
	KUNIT_EXPECT_NE(test, then, 0);
	KUNIT_EXPECT_NE(test, then, now);

	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, then, CT_VERSION,
					       &handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, now + 1, CT_VERSION,
					       &handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, handle, 4711);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->opens), 0);
	KUNIT_EXPECT_EQ(test, t->dev->connections, 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, now, CT_VERSION,
					       &handle), 0);
}

static void ct_close_refused(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	u32 handle;

	KUNIT_EXPECT_EQ(test, vbus_client_close(client, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, U32_MAX), -ENOENT);

	KUNIT_ASSERT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, t->c[0].n_dropped, 0);
}

static void ct_verbs_after_close(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct ct_region *r = ct_region(test);
	u32 handle = ct_open_ringing(test, &t->c[0]);
	u8 byte = 0;

	KUNIT_ASSERT_EQ(test, vbus_client_close(client, handle), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, &byte,
					       1), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION,
						 SHM_SIGNAL_ATOMIC), -ENOENT);
	KUNIT_EXPECT_EQ(test, t->rings, 0);
	ct_region_put(r);
}

static void ct_verbs_of_foreign_client(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[1].client;
	struct ct_region *r = ct_region(test);
	u32 handle = ct_open_ringing(test, &t->c[0]);
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, &byte,
					       1), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, byte, 0);
	KUNIT_EXPECT_EQ(test, t->rings, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 0);
	ct_region_put(r);
}

static void ct_open_limit(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct vbus_device **dev;
	char name[32];
	u32 handle;
	int i;

	dev = kunit_kcalloc(test, VBUS_CLIENT_CONNECTIONS, sizeof(*dev),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	for (i = 0; i < VBUS_CLIENT_CONNECTIONS; i++) {
		snprintf(name, sizeof(name), "kunit-client-device-%d", i);
		dev[i] = vbus_device_create(name);
		KUNIT_ASSERT_FALSE(test, IS_ERR(dev[i]));
		KUNIT_EXPECT_EQ(test, vbus_device_set_type(dev[i], t->dc.name),
				0);
		KUNIT_EXPECT_EQ(test, vbus_link(t->bus, dev[i]), 0);
	}

	for (i = 0; i < VBUS_CLIENT_CONNECTIONS; i++)
		KUNIT_EXPECT_EQ(test, vbus_client_open(client, i, 0, CT_VERSION,
						       &handle), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, i, 0, CT_VERSION, &handle),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, i, 0, CT_VERSION, &handle),
			0);

	/* Some by unlink, the others by the end of the test. */
	for (i = 0; i < VBUS_CLIENT_CONNECTIONS; i++) {
		if (i & 1)
			vbus_unlink(t->bus, dev[i]);
		vbus_device_destroy(dev[i]);
		kobject_put(&dev[i]->kobj);
	}
}

/*
 * call
 */

static void ct_call_arguments(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	u8 *data = kunit_kzalloc(test, VBUS_CALL_MAX + 1, GFP_KERNEL);
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, data,
					       VBUS_CALL_MAX + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, data,
					       SIZE_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, NULL,
					       1), -EINVAL);
	KUNIT_EXPECT_EQ(test, data[0], 0);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_REFUSE, data,
					       1), -EPERM);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, U32_MAX, data,
					       1), -EPERM);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, 0, CT_INVERT, data, 1),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle + 1, CT_INVERT,
					       data, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, NULL,
					       0), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, data,
					       VBUS_CALL_MAX), 0);
	KUNIT_EXPECT_EQ(test, data[0], 0xff);
	KUNIT_EXPECT_EQ(test, data[VBUS_CALL_MAX - 1], 0xff);
	KUNIT_EXPECT_EQ(test, data[VBUS_CALL_MAX], 0);
}

static void ct_dumb_device(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct ct_region *r = ct_region(test);
	u32 handle;

	KUNIT_ASSERT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION_DUMB,
					       &handle), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_call(client, handle, CT_INVERT, NULL,
					       0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-EINVAL);
	ct_region_put(r);
}

/* One call at a time, and a signal does not wait for it. */
static void ct_calls_take_turns(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor blocked = {}, next = {};

	blocked.handle = ct_open_ringing(test, &t->c[0]);
	next.handle = blocked.handle;
	ct_start(test, &blocked, ct_act_block);
	wait_for_completion(&t->entered);
	ct_start(test, &next, ct_act_invert);
	KUNIT_EXPECT_FALSE(test, ct_done(&next, CT_WHILE));

	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, next.handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_EQ(test, t->rings, 1);

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&blocked, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&next, CT_SOON));
	KUNIT_EXPECT_EQ(test, blocked.ret, 0);
	KUNIT_EXPECT_EQ(test, next.ret, 0);
}

/*
 * shm
 */

static void ct_shm_arguments(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct ct_region *r = ct_region(test);
	u32 handle;

	KUNIT_ASSERT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, NULL, NULL),
			-EINVAL);
	r->shm.len -= 1;
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-EINVAL);
	r->shm.len = 0;
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-EINVAL);
	r->shm.npages = 0;
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-EINVAL);
	r->shm.len = VBUS_SHM_MAX_LEN + PAGE_SIZE;
	r->shm.npages = r->shm.len >> PAGE_SHIFT;
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1, &r->shm, NULL),
			-EINVAL);
	r->shm.len = 2 * PAGE_SIZE;
	r->shm.npages = 2;
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, 0, 1, &r->shm, NULL),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle + 1, 1, &r->shm,
					      NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, CT_REGION_BAD,
					      &r->shm, &r->signal), -EPERM);
	/* Refused: nothing is kept, and nothing can be rung. */
	KUNIT_EXPECT_EQ(test, kref_read(&r->shm.ref), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&r->signal.ref), 1);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION_BAD,
						 SHM_SIGNAL_PROCESS), -ENOENT);

	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, CT_REGION_MUTE,
					      &r->shm, NULL), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&r->shm.ref), 2);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, CT_REGION_MUTE,
					      &r->shm, &r->signal), -EBUSY);
	KUNIT_EXPECT_EQ(test, kref_read(&r->shm.ref), 2);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&r->shm.ref), 1);
	ct_region_put(r);
}

static void ct_shm_limit(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct ct_region *r = ct_region(test);
	u32 handle, id;

	KUNIT_ASSERT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
	for (id = 0; id < VBUS_CONNECTION_REGIONS; id++)
		KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1000 + id,
						      &r->shm, NULL), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(client, handle, 1000 + id,
					      &r->shm, NULL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, kref_read(&r->shm.ref),
			1 + VBUS_CONNECTION_REGIONS);
	ct_region_put(r);
}

static void ct_shm_copies(struct kunit *test)
{
	struct ct_region *r = ct_region(test);
	struct vbus_shm *shm = &r->shm;
	const size_t at = PAGE_SIZE - 3;
	char buf[8] = {};

	guard(rcu)();
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, at, "abcdefg", 8), 0);
	KUNIT_EXPECT_EQ(test, r->dirty_offset, at);
	KUNIT_EXPECT_EQ(test, r->dirty_len, 8);
	KUNIT_EXPECT_EQ(test, memcmp(page_address(r->page[1]), "defg", 5), 0);
	KUNIT_EXPECT_EQ(test, vbus_shm_read(shm, buf, at, 8), 0);
	KUNIT_EXPECT_STREQ(test, buf, "abcdefg");

	r->dirty_len = 0;
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, shm->len, buf, 0), 0);
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, shm->len - 8, buf, 8), 0);
	KUNIT_EXPECT_EQ(test, r->dirty_len, 8);

	r->dirty_len = 0;
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, shm->len, buf, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, shm->len - 7, buf, 8),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, SIZE_MAX - 3, buf, 8),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, 8, buf, SIZE_MAX - 3),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_shm_read(shm, buf, shm->len - 7, 8),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_shm_read(shm, buf, SIZE_MAX, 8), -EINVAL);

	WRITE_ONCE(shm->live, false);
	KUNIT_EXPECT_EQ(test, vbus_shm_write(shm, 0, buf, 8), -EAGAIN);
	KUNIT_EXPECT_EQ(test, vbus_shm_read(shm, buf, 0, 8), -EAGAIN);
	KUNIT_EXPECT_EQ(test, r->dirty_len, 0);
	ct_region_put(r);
}

/*
 * signal and faults
 */

static void ct_signal_arguments(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct ct_region *r = ct_region(test);
	u32 handle = ct_open_ringing(test, &t->c[0]);

	KUNIT_ASSERT_EQ(test, vbus_client_shm(client, handle, CT_REGION_MUTE,
					      &r->shm, NULL), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, 0, CT_REGION,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle + 1, CT_REGION,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION + 1,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, U32_MAX,
						 SHM_SIGNAL_ATOMIC), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION_MUTE,
						 SHM_SIGNAL_PROCESS), -ENOENT);
	KUNIT_EXPECT_EQ(test, t->rings, 0);

	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_EQ(test, t->ctx, SHM_SIGNAL_PROCESS);
	local_irq_disable();
	KUNIT_EXPECT_EQ(test, vbus_client_signal(client, handle, CT_REGION,
						 SHM_SIGNAL_ATOMIC), 0);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, t->ctx, SHM_SIGNAL_ATOMIC);
	KUNIT_EXPECT_EQ(test, t->rings, 2);
	KUNIT_EXPECT_EQ(test, t->faults, 0);
	ct_region_put(r);
}

static void ct_fault_is_provided(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	t->missing = 1;
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_EQ(test, t->faults, 1);
	KUNIT_EXPECT_FALSE(test, t->wrote);
	KUNIT_EXPECT_EQ(test, t->rings, 2);

	/* The same again is still for reading, unless the device says so. */
	t->missing = 1;
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_EQ(test, t->faults, 2);
	KUNIT_EXPECT_FALSE(test, t->wrote);
	t->missing = 1;
	t->to_write = true;
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_EQ(test, t->faults, 3);
	KUNIT_EXPECT_TRUE(test, t->wrote);
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 0);
}

/* More faults than a signal provides for: the worker goes on, none is lost. */
static void ct_faults_go_to_worker(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	t->missing = 10;
	t->move = 4096;
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), 0);
	KUNIT_EXPECT_GT(test, t->missing, 0);
	KUNIT_EXPECT_GT(test, ct_run_works(&t->c[0]), 0);
	KUNIT_EXPECT_EQ(test, t->missing, 0);
	KUNIT_EXPECT_EQ(test, t->faults, 10);
	KUNIT_EXPECT_FALSE(test, t->wrote);
	/* Once at first, once after each fault, and once to find the worker. */
	KUNIT_EXPECT_EQ(test, t->rings, 12);
}

static void ct_fault_in_atomic_context(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	t->missing = 1;
	local_irq_disable();
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION, SHM_SIGNAL_ATOMIC),
			0);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, t->faults, 0);
	KUNIT_EXPECT_EQ(test, t->rings, 1);
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 2);
	KUNIT_EXPECT_EQ(test, t->faults, 1);
	KUNIT_EXPECT_EQ(test, t->rings, 3);
	KUNIT_EXPECT_EQ(test, t->ctx, SHM_SIGNAL_PROCESS);
}

static void ct_fault_without_memory(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	t->missing = 1;
	t->no_memory = true;
	KUNIT_EXPECT_EQ(test, vbus_client_signal(t->c[0].client, handle,
						 CT_REGION,
						 SHM_SIGNAL_PROCESS), -EFAULT);
	KUNIT_EXPECT_EQ(test, t->faults, 1);
	KUNIT_EXPECT_EQ(test, t->rings, 1);

	/* A work ends likewise, whatever it returned. */
	t->more = 1000;
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->faults, 2);
}

/* Whoever provides the memory takes its time; unplug does not wait for it. */
static void ct_fault_does_not_block_unlink(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor ringing = {}, unlinking = {};

	ringing.handle = ct_open_ringing(test, &t->c[0]);
	t->missing = 1;
	t->slow_memory = true;
	ct_start(test, &ringing, ct_act_signal);
	wait_for_completion(&t->entered);

	ct_start(test, &unlinking, ct_act_unlink);
	KUNIT_EXPECT_TRUE(test, ct_done(&unlinking, CT_SOON));
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
	KUNIT_EXPECT_FALSE(test, ct_done(&ringing, CT_WHILE));

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&ringing, CT_SOON));
	KUNIT_EXPECT_EQ(test, ringing.ret, -ENOENT);
	KUNIT_EXPECT_EQ(test, t->rings, 1);
}

/*
 * works
 */

static void ct_work_is_idempotent(struct kunit *test)
{
	struct ct *t = test->priv;

	ct_open_ringing(test, &t->c[0]);
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	local_irq_disable();
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->runs, 1);
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->runs, 2);
	KUNIT_EXPECT_EQ(test, t->last->work.flags, 0);
}

static void ct_work_runs_again(struct kunit *test)
{
	struct ct *t = test->priv;

	ct_open_ringing(test, &t->c[0]);
	t->more = 3;
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 4);
	KUNIT_EXPECT_EQ(test, t->runs, 4);

	/* Queued, twice, while it runs. */
	t->requeue = true;
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 2);
	KUNIT_EXPECT_EQ(test, t->runs, 6);

	/* Memory that was missing is as good a reason. */
	t->missing = 1;
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 2);
	KUNIT_EXPECT_EQ(test, t->runs, 8);
	KUNIT_EXPECT_EQ(test, t->last->work.flags, 0);
}

/* Queued by two while two run it: once at a time, and the last one counts. */
static void ct_work_is_never_lost(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor produce[2] = {}, run[2] = {};
	int i;

	ct_open_ringing(test, &t->c[0]);
	for (i = 0; i < 2; i++) {
		ct_start(test, &run[i], ct_act_run_works);
		ct_start(test, &produce[i], ct_act_produce);
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_TRUE(test, ct_done(&produce[i], 6 * CT_SOON));
		KUNIT_EXPECT_EQ(test, produce[i].ret, 0);
	}
	WRITE_ONCE(t->stop, true);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_TRUE(test, ct_done(&run[i], 6 * CT_SOON));
	ct_run_works(&t->c[0]);
	KUNIT_EXPECT_EQ(test, t->consumed, 2 * CT_LOOPS);
	KUNIT_EXPECT_EQ(test, t->last->work.flags, 0);
}

static void ct_work_after_close(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, vbus_client_close(t->c[0].client, handle), 0);
	/* The queued work keeps the device's state, and nothing more. */
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 0);
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->runs, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
}

/* The last reference was dropped where release() could not be called. */
static void ct_expect_release(struct kunit *test)
{
	struct ct *t = test->priv;
	int i;

	for (i = 0; i < 1000 && !atomic_read(&t->releases); i++)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
}

static void ct_work_of_ended_connection(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);
	struct vbus_connection *conn = t->last->work.conn;

	vbus_connection_get(conn);
	KUNIT_EXPECT_EQ(test, vbus_client_close(t->c[0].client, handle), 0);
	KUNIT_EXPECT_FALSE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 0);
	vbus_connection_put(conn);
	ct_expect_release(test);
}

static void ct_work_without_worker(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);

	/* One that goes away while the work is queued, and one that is gone. */
	t->more = 1;
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	t->c[0].going = true;
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->runs, 1);
	KUNIT_EXPECT_FALSE(test, vbus_work_queue(&t->last->work));
	KUNIT_EXPECT_EQ(test, t->last->work.flags, 0);
	KUNIT_EXPECT_EQ(test, vbus_client_close(t->c[0].client, handle), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
}

static void ct_work_after_destroy(struct kunit *test)
{
	struct ct *t = test->priv;

	ct_open_ringing(test, &t->c[0]);
	KUNIT_EXPECT_TRUE(test, vbus_work_queue(&t->last->work));
	vbus_client_destroy(t->c[0].client);
	t->c[0].client = NULL;
	KUNIT_EXPECT_TRUE(test, t->c[0].memctx_gone);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 0);
	KUNIT_EXPECT_EQ(test, ct_run_works(&t->c[0]), 1);
	KUNIT_EXPECT_EQ(test, t->runs, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
}

static void ct_last_put_in_atomic_context(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);
	struct vbus_connection *conn = t->last->work.conn;

	vbus_connection_get(conn);
	KUNIT_EXPECT_EQ(test, vbus_client_close(t->c[0].client, handle), 0);
	local_irq_disable();
	vbus_connection_put(conn);
	local_irq_enable();
	ct_expect_release(test);
}

/*
 * The ways to the end
 */

static void ct_unlink_waits_for_call(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_connector *c = &t->c[0];
	struct ct_actor calling = {}, next = {}, unlinking = {};
	u32 other, handle;

	KUNIT_ASSERT_EQ(test, vbus_client_open(t->c[1].client, 0, 0, CT_VERSION,
					       &other), 0);
	handle = ct_open_ringing(test, c);
	calling.handle = handle;
	next.handle = handle;
	ct_start(test, &calling, ct_act_block);
	wait_for_completion(&t->entered);
	ct_start(test, &next, ct_act_invert);
	KUNIT_EXPECT_FALSE(test, ct_done(&next, CT_WHILE));
	ct_start(test, &unlinking, ct_act_unlink);

	/* The other client's connection does not wait. */
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&t->c[1].dropped,
							    CT_SOON));
	KUNIT_EXPECT_EQ(test, t->c[1].dropped_handle, other);
	KUNIT_EXPECT_FALSE(test, ct_done(&unlinking, CT_WHILE));
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);

	/* Nobody gets in any more. */
	KUNIT_EXPECT_EQ(test, vbus_client_signal(c->client, handle, CT_REGION,
						 SHM_SIGNAL_PROCESS), -ENODEV);
	KUNIT_EXPECT_EQ(test, vbus_client_call(c->client, handle, CT_INVERT,
					       NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, vbus_client_close(c->client, handle), -ENODEV);
	KUNIT_EXPECT_EQ(test, vbus_client_open(c->client, 0, 0, CT_VERSION,
					       &handle), -ENOENT);

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&calling, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&next, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&unlinking, CT_SOON));
	KUNIT_EXPECT_EQ(test, calling.ret, 0);
	KUNIT_EXPECT_EQ(test, next.ret, -ENODEV);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 2);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&c->dropped,
							    CT_SOON));
	KUNIT_EXPECT_EQ(test, c->dropped_handle, handle);
	/* A connector may close what was dropped: it is gone already. */
	KUNIT_EXPECT_EQ(test, c->dropped_close, -ENOENT);
	KUNIT_EXPECT_EQ(test, c->n_dropped, 1);
	KUNIT_EXPECT_EQ(test, t->rings, 0);
}

static void ct_link_again(struct kunit *test)
{
	struct ct *t = test->priv;
	u32 handle = ct_open_ringing(test, &t->c[0]);
	u32 again = 0;

	vbus_unlink(t->bus, t->dev);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus, t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_open(t->c[0].client, 0, 0, CT_VERSION,
					       &again), 0);
	KUNIT_EXPECT_NE(test, handle, again);
	KUNIT_EXPECT_EQ(test, vbus_client_call(t->c[0].client, again, CT_INVERT,
					       NULL, 0), 0);
}

static void ct_close_and_unlink_meet(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor calling = {}, closing = {}, unlinking = {};

	calling.handle = ct_open_ringing(test, &t->c[0]);
	closing.handle = calling.handle;
	ct_start(test, &calling, ct_act_block);
	wait_for_completion(&t->entered);
	ct_start(test, &closing, ct_act_close);
	KUNIT_EXPECT_FALSE(test, ct_done(&closing, CT_WHILE));
	ct_start(test, &unlinking, ct_act_unlink);
	KUNIT_EXPECT_FALSE(test, ct_done(&unlinking, CT_WHILE));

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&closing, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&unlinking, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&calling, CT_SOON));
	KUNIT_EXPECT_EQ(test, closing.ret, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	/* Its client has ended it, so it was not dropped. */
	KUNIT_EXPECT_EQ(test, t->c[0].n_dropped, 0);
}

static void ct_reset_ends_all(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	u32 handle = ct_open_ringing(test, &t->c[0]);
	u32 other;

	KUNIT_ASSERT_EQ(test, vbus_client_open(t->c[1].client, 0, 0, CT_VERSION,
					       &other), 0);
	vbus_client_reset(client);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, t->shms, 0);
	KUNIT_EXPECT_EQ(test, t->c[0].n_dropped, 0);
	KUNIT_EXPECT_EQ(test, vbus_client_close(client, handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_client_call(t->c[1].client, other, CT_INVERT,
					       NULL, 0), 0);
	/* Nothing to end is fine, too, and the client works. */
	vbus_client_reset(client);
	KUNIT_EXPECT_EQ(test, vbus_client_open(client, 0, 0, CT_VERSION, &handle),
			0);
}

static void ct_reset_while_opening(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor opening = {}, resetting = {};

	ct_start(test, &opening, ct_act_open_slow);
	wait_for_completion(&t->entered);
	ct_start(test, &resetting, ct_act_reset);
	KUNIT_EXPECT_FALSE(test, ct_done(&resetting, CT_WHILE));

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&opening, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&resetting, CT_SOON));
	KUNIT_EXPECT_EQ(test, opening.ret, -ENODEV);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->opens), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, t->c[0].n_dropped, 0);
}

static void ct_unlink_while_opening(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor opening = {}, unlinking = {};

	ct_start(test, &opening, ct_act_open_slow);
	wait_for_completion(&t->entered);
	ct_start(test, &unlinking, ct_act_unlink);
	KUNIT_EXPECT_FALSE(test, ct_done(&unlinking, CT_WHILE));

	complete(&t->go);
	KUNIT_ASSERT_TRUE(test, ct_done(&opening, CT_SOON));
	KUNIT_ASSERT_TRUE(test, ct_done(&unlinking, CT_SOON));
	/* Opened, and dropped at once. */
	KUNIT_EXPECT_EQ(test, opening.ret, 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&t->c[0].dropped,
							    CT_SOON));
	KUNIT_EXPECT_EQ(test, t->c[0].dropped_handle, opening.handle);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
}

static void ct_everything_at_once(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_actor open[2] = {}, use[2] = {};
	int i;

	t->region = ct_region(test);
	for (i = 0; i < 2; i++) {
		ct_start(test, &open[i], ct_act_open_and_close);
		ct_start(test, &use[i], ct_act_use);
	}
	for (i = 0; i < 20; i++) {
		vbus_unlink(t->bus, t->dev);
		KUNIT_EXPECT_EQ(test, atomic_read(&t->closes),
				atomic_read(&t->opens));
		KUNIT_EXPECT_EQ(test, vbus_link(t->bus, t->dev), 0);
		schedule_timeout_uninterruptible(2);
		vbus_client_reset(t->c[0].client);
	}
	WRITE_ONCE(t->stop, true);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, ct_done(&open[i], 6 * CT_SOON));
		KUNIT_ASSERT_TRUE(test, ct_done(&use[i], 6 * CT_SOON));
		KUNIT_EXPECT_EQ(test, open[i].ret, 0);
		KUNIT_EXPECT_EQ(test, use[i].ret, 0);
	}
	KUNIT_EXPECT_GT(test, atomic_read(&t->opens), 0);
	vbus_client_reset(t->c[0].client);
	ct_region_put(t->region);
}

static void ct_destroy_ends_all(struct kunit *test)
{
	struct ct *t = test->priv;

	ct_open_ringing(test, &t->c[0]);
	ct_open_ringing(test, &t->c[1]);
	ct_disconnect(&t->c[0]);
	KUNIT_EXPECT_TRUE(test, t->c[0].memctx_gone);
	KUNIT_EXPECT_FALSE(test, t->c[1].memctx_gone);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->closes), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->releases), 1);
	KUNIT_EXPECT_EQ(test, t->c[0].n_dropped, 0);
}

static void ct_create_without_holder(struct kunit *test)
{
	struct ct *t = test->priv;
	struct ct_connector *c = &t->c[0];
	struct vbus_client *client;

	ct_disconnect(&t->c[0]);
	ct_disconnect(&t->c[1]);
	vbus_memctx_init(&c->memctx, &ct_memctx_ops);
	atomic_set(&t->bus->holders, 0);
	client = vbus_client_create(t->bus, &ct_client_ops, &c->memctx, c);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(client), -ENODEV);
	KUNIT_EXPECT_EQ(test, kref_read(&c->memctx.ref), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->bus->clients));
	atomic_set(&t->bus->holders, 1);
}

/*
 * The list of devices
 */

static void ct_list_devices(struct kunit *test)
{
	struct ct *t = test->priv;
	struct vbus_client *client = t->c[0].client;
	struct vbus_device_info info[3];
	struct vbus_device *dev;
	u32 gen = 0, later = 0;

	dev = vbus_device_create("kunit-client-device-b");
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(dev, t->dc.name), 0);

	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 0, info, 3, &gen), 1);
	KUNIT_EXPECT_EQ(test, gen, vbus_client_generation(client));
	reinit_completion(&t->c[0].changed);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus, dev), 0);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&t->c[0].changed,
							    CT_SOON));

	memset(info, 0xaa, sizeof(info));
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 0, info, 3, &later), 2);
	KUNIT_EXPECT_NE(test, gen, later);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(info[0].id), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(info[1].id), 1);
	KUNIT_EXPECT_NE(test, le32_to_cpu(info[0].instance),
			le32_to_cpu(info[1].instance));
	KUNIT_EXPECT_STREQ(test, info[0].type, t->dc.type);
	KUNIT_EXPECT_NULL(test, memchr_inv(info[1].type + strlen(t->dc.type), 0,
					   VBUS_TYPE_LEN - strlen(t->dc.type)));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(info[2].id), 0xaaaaaaaa);

	/* By pages, and beyond the end. */
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 0, info, 1, NULL), 1);
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 1, info, 1, NULL), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(info[0].id), 1);
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 2, info, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, U32_MAX, info, 1, NULL),
			0);
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 0, NULL, 0, NULL), 0);

	reinit_completion(&t->c[1].changed);
	vbus_device_destroy(dev);
	kobject_put(&dev->kobj);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&t->c[1].changed,
							    CT_SOON));
	KUNIT_EXPECT_EQ(test, vbus_client_list(client, 0, info, 3, &gen), 1);
	KUNIT_EXPECT_NE(test, gen, later);
}

static struct kunit_case ct_cases[] = {
	KUNIT_CASE(ct_open_refused),
	KUNIT_CASE(ct_open_twice),
	KUNIT_CASE(ct_open_another),
	KUNIT_CASE(ct_open_limit),
	KUNIT_CASE(ct_close_refused),
	KUNIT_CASE(ct_verbs_after_close),
	KUNIT_CASE(ct_verbs_of_foreign_client),
	KUNIT_CASE(ct_call_arguments),
	KUNIT_CASE(ct_dumb_device),
	KUNIT_CASE(ct_calls_take_turns),
	KUNIT_CASE(ct_shm_arguments),
	KUNIT_CASE(ct_shm_limit),
	KUNIT_CASE(ct_shm_copies),
	KUNIT_CASE(ct_signal_arguments),
	KUNIT_CASE(ct_fault_is_provided),
	KUNIT_CASE(ct_faults_go_to_worker),
	KUNIT_CASE(ct_fault_in_atomic_context),
	KUNIT_CASE(ct_fault_without_memory),
	KUNIT_CASE(ct_fault_does_not_block_unlink),
	KUNIT_CASE(ct_work_is_idempotent),
	KUNIT_CASE(ct_work_runs_again),
	KUNIT_CASE_SLOW(ct_work_is_never_lost),
	KUNIT_CASE(ct_work_after_close),
	KUNIT_CASE(ct_work_of_ended_connection),
	KUNIT_CASE(ct_work_without_worker),
	KUNIT_CASE(ct_work_after_destroy),
	KUNIT_CASE(ct_last_put_in_atomic_context),
	KUNIT_CASE(ct_unlink_waits_for_call),
	KUNIT_CASE(ct_link_again),
	KUNIT_CASE(ct_close_and_unlink_meet),
	KUNIT_CASE(ct_reset_ends_all),
	KUNIT_CASE(ct_reset_while_opening),
	KUNIT_CASE(ct_unlink_while_opening),
	KUNIT_CASE_SLOW(ct_everything_at_once),
	KUNIT_CASE(ct_destroy_ends_all),
	KUNIT_CASE(ct_create_without_holder),
	KUNIT_CASE(ct_list_devices),
	{}
};

static struct kunit_suite ct_suite = {
	.name = "vbus-client",
	.init = ct_init,
	.exit = ct_exit,
	.test_cases = ct_cases,
};

kunit_test_suite(ct_suite);

MODULE_DESCRIPTION("KUnit tests of Virtual-Bus clients");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
