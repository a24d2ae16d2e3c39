// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local connector: the devices of a bus for the drivers of this same kernel
 *
 * An attachment is a client of one bus. It keeps a vbus-proxy device for each
 * device on that bus and passes the verbs on. The driver's memory is this
 * kernel's memory, so nothing is pinned, mapped or translated: a region is the
 * driver's own pages, and an address is a physical address.
 *
 * Signals. The driver's rings the device right away, in the context of whoever
 * injects, with that one's locks held: SHM_SIGNAL_ATOMIC. The device's must not
 * do likewise: its locks are held, and the driver might answer into the same
 * device. It goes through a work of the BH workqueue, which, unlike irq_work,
 * runs at once on every architecture, and on the CPU that injected, whose cache
 * has the data. A region's choice of a CPU is therefore ignored.
 *
 * Lifetime. An attachment is a struct device, whose reference count is its own.
 * It holds the client, so the bus, from attach to detach; the client holds the
 * memctx, which counts as a reference to the attachment. A proxy device, a
 * region and a pair of signals each have a count of their own and need the
 * attachment only while the device is open. All of them are counted, and the
 * module waits for the last one before it goes.
 *
 * A connection ends in close(), or because its device left the bus: dropped().
 * Exactly one of the two ends it. The driver's memory is not held, so close()
 * returns only when the device has let go of it: if it was not close() that
 * ended the connection, it waits for dropped().
 *
 * Locking, outermost first:
 *
 *	local_attach_lock	attach and detach; the list of attachments
 *	  vdev->proxy.lock	vbus-proxy's, around each verb; protects
 *				vdev->pairs
 *	    local->lock		local->connected; held over the opening of a
 *				connection so that dropped() waits until the
 *				handle is known
 *	local->work_lock	local->works, stopped; from any context
 *
 * local->vdevs is the rescan's, and there is never more than one; detach takes
 * the list over when it has disabled the rescan.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vbus.h>
#include <linux/vbus_driver.h>
#include <linux/vbus_local.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include "local.h"

#define LOCAL_PREFIX	"local-"

/* How many devices are asked for at a time. */
#define LOCAL_LIST_MAX	16

/**
 * struct local - an attachment: a client of one bus
 * @dev: parent of the bus's devices; its reference count is the attachment's
 * @entry: in local_attachments
 * @client: from attach to detach
 * @memctx: this kernel's memory; holds a reference to @dev
 * @lock: see the top of the file
 * @connected: the struct local_vdev that have a connection
 * @rescan: makes @vdevs what the bus has; enabled while there is a @client
 * @vdevs: the struct local_vdev that are there
 * @scans: how often the bus has been listed
 * @found: what is on the bus, as much as is asked for at a time
 * @work_lock: see the top of the file
 * @works: struct vbus_work that devices have queued
 * @stopped: no more of them
 * @worker: runs them
 */
struct local {
	struct device dev;
	struct list_head entry;
	struct vbus_client *client;
	struct vbus_memctx memctx;

	struct mutex lock;	/* connected */
	struct list_head connected;

	struct work_struct rescan;
	struct list_head vdevs;
	unsigned int scans;
	struct vbus_device_info found[LOCAL_LIST_MAX];

	spinlock_t work_lock;	/* works, stopped */
	struct list_head works;
	bool stopped;
	struct work_struct worker;
};

/**
 * struct local_vdev - a device of the bus, as its driver sees it
 * @proxy: what vbus-proxy knows; its reference count is the device's
 * @local: the attachment; valid until the device was deleted
 * @entry: in @local->vdevs
 * @instance: what the list had beside its dev-id
 * @seen: the scan that has found it last
 * @connected: in @local->connected from open to close
 * @handle: the connection
 * @dropped: the connection was ended by the other side
 * @pairs: signals of the connection
 */
struct local_vdev {
	struct vbus_proxy_device proxy;
	struct local *local;
	struct list_head entry;
	__le32 instance;
	unsigned int seen;
	struct list_head connected;
	u32 handle;
	struct completion dropped;
	struct list_head pairs;
};

/**
 * struct local_shm - a region: the driver's own pages
 * @shm: what the device knows
 * @pages: what @shm.pages points to
 */
struct local_shm {
	struct vbus_shm shm;
	struct page *pages[];
};

/**
 * struct local_pair - both views of one signal
 * @guest: the driver's
 * @host: the device's
 * @views: how many of the two are still referenced
 * @entry: in the device's list, which holds a reference to @guest
 * @client: where @guest rings; NULL once closed; RCU
 * @handle: the connection there
 * @id: the region
 * @bell: rings @guest
 */
struct local_pair {
	struct shm_signal guest;
	struct shm_signal host;
	refcount_t views;
	struct list_head entry;
	struct vbus_client __rcu *client;
	u32 handle;
	u32 id;
	struct work_struct bell;
};

static DEFINE_MUTEX(local_attach_lock);
static LIST_HEAD(local_attachments);
static struct device *local_root;
static struct workqueue_struct *local_wq;

/* Objects whose release() is this module's code. */
static atomic_t local_objects = ATOMIC_INIT(0);

static void local_object_get(void)
{
	atomic_inc(&local_objects);
}

static void local_object_put(void)
{
	if (atomic_dec_and_test(&local_objects))
		wake_up_var(&local_objects);
}

#if IS_ENABLED(CONFIG_VBUS_LOCAL_KUNIT_TEST)
/* How many there are. */
int vbus_local_objects(void)
{
	return atomic_read(&local_objects);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_local_objects);
#endif

static struct local_vdev *to_local_vdev(struct vbus_proxy_device *proxy)
{
	return container_of(proxy, struct local_vdev, proxy);
}

/*
 * Memory
 */

/*
 * The page of a driver's address, if it is memory at all. That it is the
 * driver's is for the driver to know, as everywhere else in this kernel.
 */
static struct page *local_page(u64 addr)
{
	u64 pfn = addr >> PAGE_SHIFT;
	struct page *page;

	if (pfn != (unsigned long)pfn)
		return NULL;
	page = pfn_to_online_page(pfn);
	if (!page || PageReserved(page) || is_zone_device_page(page))
		return NULL;
	return page;
}

static int local_copy(u64 addr, void *mem, size_t len, bool from)
{
	u64 end;

	if (check_add_overflow(addr, (u64)len, &end))
		return -EFAULT;
	while (len) {
		struct page *page = local_page(addr);
		size_t offset = offset_in_page(addr);
		size_t n = min_t(size_t, len, PAGE_SIZE - offset);

		if (!page)
			return -EFAULT;
		if (from)
			memcpy_from_page(mem, page, offset, n);
		else
			memcpy_to_page(page, offset, mem, n);
		addr += n;
		mem += n;
		len -= n;
	}
	return 0;
}

static int local_copy_from(struct vbus_memctx *ctx, void *dst, u64 addr,
			   size_t len)
{
	return local_copy(addr, dst, len, true);
}

static int local_copy_to(struct vbus_memctx *ctx, u64 addr, const void *src,
			 size_t len)
{
	return local_copy(addr, (void *)src, len, false);
}

/* Kernel memory is always present: what could not be copied is not memory. */
static int local_fault_in(struct vbus_memctx *ctx, u64 addr, size_t len,
			  bool write)
{
	return -EFAULT;
}

static void local_memctx_release(struct vbus_memctx *ctx)
{
	put_device(&container_of(ctx, struct local, memctx)->dev);
}

static const struct vbus_memctx_ops local_memctx_ops = {
	.copy_from = local_copy_from,
	.copy_to = local_copy_to,
	.fault_in = local_fault_in,
	.release = local_memctx_release,
};

/*
 * Regions
 */

static void local_shm_release(struct vbus_shm *shm)
{
	kvfree(container_of(shm, struct local_shm, shm));
	local_object_put();
}

static const struct vbus_shm_ops local_shm_ops = {
	.release = local_shm_release,
};

static struct page *local_region_page(const void *vaddr)
{
	return is_vmalloc_addr(vaddr) ? vmalloc_to_page(vaddr) :
					virt_to_page(vaddr);
}

/*
 * No reference to the pages is taken: pages behind the first of an allocation
 * of higher order have no count to speak of. Nobody reaches them any more when
 * close() has returned.
 */
static struct vbus_shm *local_shm_create(const struct vbus_proxy_region *region)
{
	unsigned int npages = region->len >> PAGE_SHIFT;
	struct local_shm *lshm;
	unsigned int i;

	lshm = kvzalloc_flex(*lshm, pages, npages);
	if (!lshm)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < npages; i++) {
		lshm->pages[i] = local_region_page(region->vaddr +
						   i * PAGE_SIZE);
		if (!lshm->pages[i]) {
			kvfree(lshm);
			return ERR_PTR(-EFAULT);
		}
	}
	local_object_get();
	vbus_shm_init(&lshm->shm, &local_shm_ops);
	lshm->shm.pages = lshm->pages;
	lshm->shm.npages = npages;
	lshm->shm.len = region->len;
	lshm->shm.vaddr = region->vaddr;
	return &lshm->shm;
}

/*
 * Signals
 */

static void local_pair_put(struct local_pair *pair)
{
	if (!refcount_dec_and_test(&pair->views))
		return;
	kfree(pair);
	local_object_put();
}

static void local_guest_release(struct shm_signal *s)
{
	local_pair_put(container_of(s, struct local_pair, guest));
}

static void local_host_release(struct shm_signal *s)
{
	local_pair_put(container_of(s, struct local_pair, host));
}

/* The driver rings: the device is told in this very context. */
static void local_guest_inject(struct shm_signal *s)
{
	struct local_pair *pair = container_of(s, struct local_pair, guest);
	struct vbus_client *client;

	guard(rcu)();
	client = rcu_dereference(pair->client);
	if (client)
		vbus_client_signal(client, pair->handle, pair->id,
				   SHM_SIGNAL_ATOMIC);
}

/* The device rings: the driver is told soon. */
static void local_host_inject(struct shm_signal *s)
{
	struct local_pair *pair = container_of(s, struct local_pair, host);

	queue_work(system_bh_wq, &pair->bell);
}

static void local_bell(struct work_struct *work)
{
	struct local_pair *pair = container_of(work, struct local_pair, bell);

	shm_signal_wakeup(&pair->guest, SHM_SIGNAL_ATOMIC);
}

static const struct shm_signal_ops local_guest_ops = {
	.inject = local_guest_inject,
	.release = local_guest_release,
};

static const struct shm_signal_ops local_host_ops = {
	.inject = local_host_inject,
	.release = local_host_release,
};

static struct local_pair *
local_pair_create(struct local_vdev *vdev, u32 id,
		  const struct vbus_proxy_region *region)
{
	struct shm_signal_desc *desc = region->vaddr + region->signal_offset;
	struct local_pair *pair = kzalloc_obj(*pair);

	if (!pair)
		return NULL;
	local_object_get();
	shm_signal_init(&pair->guest, SHM_SIGNAL_GUEST, desc, &local_guest_ops);
	shm_signal_init(&pair->host, SHM_SIGNAL_HOST, desc, &local_host_ops);
	shm_signal_set_notifier(&pair->guest, region->notifier);
	refcount_set(&pair->views, 2);
	RCU_INIT_POINTER(pair->client, vdev->local->client);
	pair->handle = vdev->handle;
	pair->id = id;
	INIT_WORK(&pair->bell, local_bell);
	return pair;
}

/*
 * Neither side hears the other any more. Who is ringing the device right now
 * is waited for before the client goes, in local_shutdown().
 */
static void local_pair_close(struct local_pair *pair)
{
	RCU_INIT_POINTER(pair->client, NULL);
	disable_work_sync(&pair->bell);
	shm_signal_put(&pair->guest);
}

/*
 * Verbs
 */

static int local_open(struct vbus_proxy_device *proxy, u32 version)
{
	struct local_vdev *vdev = to_local_vdev(proxy);
	struct local *local = vdev->local;
	int err;

	guard(mutex)(&local->lock);
	err = vbus_client_open(local->client, proxy->id,
			       le32_to_cpu(vdev->instance), version,
			       &vdev->handle);
	if (err)
		return err == -ENOENT ? -ENODEV : err;
	reinit_completion(&vdev->dropped);
	list_add(&vdev->connected, &local->connected);
	return 0;
}

static void local_close(struct vbus_proxy_device *proxy)
{
	struct local_vdev *vdev = to_local_vdev(proxy);
	struct local *local = vdev->local;
	struct local_pair *pair, *next;

	if (vbus_client_close(local->client, vdev->handle))
		wait_for_completion(&vdev->dropped);

	scoped_guard(mutex, &local->lock)
		list_del(&vdev->connected);

	list_for_each_entry_safe(pair, next, &vdev->pairs, entry) {
		list_del(&pair->entry);
		local_pair_close(pair);
	}
}

static int local_call(struct vbus_proxy_device *proxy, u32 func, void *data,
		      size_t len)
{
	struct local_vdev *vdev = to_local_vdev(proxy);

	return vbus_client_call(vdev->local->client, vdev->handle, func, data,
				len);
}

static int local_register(struct local_vdev *vdev, u32 id,
			  const struct vbus_proxy_region *region,
			  struct shm_signal *signal)
{
	struct vbus_shm *shm = local_shm_create(region);
	int err;

	if (IS_ERR(shm))
		return PTR_ERR(shm);
	err = vbus_client_shm(vdev->local->client, vdev->handle, id, shm,
			      signal);
	vbus_shm_put(shm);
	return err;
}

static int local_register_signal(struct local_vdev *vdev, u32 id,
				 const struct vbus_proxy_region *region,
				 struct shm_signal **signal)
{
	struct local_pair *pair = local_pair_create(vdev, id, region);
	int err;

	if (!pair)
		return -ENOMEM;
	err = local_register(vdev, id, region, &pair->host);
	shm_signal_put(&pair->host);
	if (err) {
		local_pair_close(pair);
		return err;
	}
	list_add(&pair->entry, &vdev->pairs);
	*signal = shm_signal_get(&pair->guest);
	return 0;
}

static int local_shm(struct vbus_proxy_device *proxy, u32 id,
		     const struct vbus_proxy_region *region,
		     struct shm_signal **signal)
{
	struct local_vdev *vdev = to_local_vdev(proxy);

	if (!signal)
		return local_register(vdev, id, region, NULL);
	return local_register_signal(vdev, id, region, signal);
}

static void local_release(struct vbus_proxy_device *proxy)
{
	kfree(to_local_vdev(proxy));
	local_object_put();
}

static const struct vbus_proxy_ops local_proxy_ops = {
	.open = local_open,
	.close = local_close,
	.call = local_call,
	.shm = local_shm,
	.release = local_release,
};

/*
 * What the bus has
 */

static void local_vdev_add(struct local *local,
			   const struct vbus_device_info *info)
{
	struct local_vdev *vdev = kzalloc_obj(*vdev);
	int err;

	if (!vdev)
		return;
	local_object_get();
	vdev->proxy.ops = &local_proxy_ops;
	vdev->proxy.id = le32_to_cpu(info->id);
	vdev->instance = info->instance;
	memcpy(vdev->proxy.type, info->type, sizeof(vdev->proxy.type));
	vdev->local = local;
	vdev->seen = local->scans;
	init_completion(&vdev->dropped);
	INIT_LIST_HEAD(&vdev->pairs);

	err = vbus_proxy_device_add(&vdev->proxy, &local->dev);
	if (err)
		dev_warn(&local->dev, "device %u not added: %pe\n",
			 le32_to_cpu(info->id), ERR_PTR(err));
	else
		list_add_tail(&vdev->entry, &local->vdevs);
}

static void local_vdev_del(struct local_vdev *vdev)
{
	list_del(&vdev->entry);
	vbus_proxy_device_del(&vdev->proxy);
}

static struct local_vdev *local_vdev_find(struct local *local, u32 id)
{
	struct local_vdev *vdev;

	list_for_each_entry(vdev, &local->vdevs, entry)
		if (vdev->proxy.id == id)
			return vdev;
	return NULL;
}

/* A dev-id may have been put on the bus anew since the last scan. */
static bool local_vdev_is(const struct local_vdev *vdev,
			  const struct vbus_device_info *info)
{
	return !READ_ONCE(vdev->proxy.gone) &&
	       vdev->instance == info->instance;
}

static void local_vdev_found(struct local *local,
			     const struct vbus_device_info *info)
{
	struct local_vdev *vdev;

	vdev = local_vdev_find(local, le32_to_cpu(info->id));
	if (vdev && local_vdev_is(vdev, info)) {
		vdev->seen = local->scans;
		return;
	}
	if (vdev)
		local_vdev_del(vdev);
	local_vdev_add(local, info);
}

static void local_vdevs_del_unseen(struct local *local)
{
	struct local_vdev *vdev, *next;

	list_for_each_entry_safe(vdev, next, &local->vdevs, entry)
		if (vdev->seen != local->scans)
			local_vdev_del(vdev);
}

/* A change while this runs queues it again. */
static void local_rescan(struct work_struct *work)
{
	struct local *local = container_of(work, struct local, rescan);
	u32 first = 0, generation;
	int i, n;

	local->scans++;
	do {
		n = vbus_client_list(local->client, first, local->found,
				     LOCAL_LIST_MAX, &generation);
		if (n < 0)
			return;
		for (i = 0; i < n; i++)
			local_vdev_found(local, &local->found[i]);
		if (n)
			first = le32_to_cpu(local->found[n - 1].id) + 1;
	} while (n == LOCAL_LIST_MAX && first);
	local_vdevs_del_unseen(local);
}

static void local_changed(struct vbus_client *client)
{
	struct local *local = vbus_client_priv(client);

	queue_work(local_wq, &local->rescan);
}

static void local_dropped(struct vbus_client *client, u32 handle)
{
	struct local *local = vbus_client_priv(client);
	struct local_vdev *vdev;

	guard(mutex)(&local->lock);
	list_for_each_entry(vdev, &local->connected, connected) {
		if (vdev->handle == handle) {
			vbus_proxy_device_gone(&vdev->proxy);
			complete(&vdev->dropped);
			break;
		}
	}
	queue_work(local_wq, &local->rescan);
}

/*
 * Work of devices. Any task reaches kernel memory, so one work item runs them
 * in turn.
 */

static bool local_queue_work(struct vbus_client *client, struct vbus_work *work)
{
	struct local *local = vbus_client_priv(client);
	unsigned long flags;
	bool stopped;

	spin_lock_irqsave(&local->work_lock, flags);
	stopped = local->stopped;
	if (!stopped) {
		list_add_tail(&work->entry, &local->works);
		queue_work(local_wq, &local->worker);
	}
	spin_unlock_irqrestore(&local->work_lock, flags);
	return !stopped;
}

static struct vbus_work *local_next_work(struct local *local)
{
	struct vbus_work *work;

	spin_lock_irq(&local->work_lock);
	work = list_first_entry_or_null(&local->works, struct vbus_work, entry);
	if (work)
		list_del_init(&work->entry);
	spin_unlock_irq(&local->work_lock);
	return work;
}

static void local_worker(struct work_struct *worker)
{
	struct local *local = container_of(worker, struct local, worker);
	struct vbus_work *work;

	while ((work = local_next_work(local))) {
		vbus_work_run(work);
		cond_resched();
	}
}

static const struct vbus_client_ops local_client_ops = {
	.changed = local_changed,
	.dropped = local_dropped,
	.queue_work = local_queue_work,
};

/*
 * Attachments
 */

static void local_dev_release(struct device *dev)
{
	kfree(container_of(dev, struct local, dev));
	local_object_put();
}

static struct local *local_create(const char *bus)
{
	struct local *local = kzalloc_obj(*local);

	if (!local)
		return ERR_PTR(-ENOMEM);
	local_object_get();
	device_initialize(&local->dev);
	local->dev.parent = local_root;
	local->dev.release = local_dev_release;
	mutex_init(&local->lock);
	INIT_LIST_HEAD(&local->connected);
	INIT_WORK(&local->rescan, local_rescan);
	disable_work(&local->rescan);
	INIT_LIST_HEAD(&local->vdevs);
	spin_lock_init(&local->work_lock);
	INIT_LIST_HEAD(&local->works);
	INIT_WORK(&local->worker, local_worker);
	if (dev_set_name(&local->dev, LOCAL_PREFIX "%s", bus)) {
		put_device(&local->dev);
		return ERR_PTR(-ENOMEM);
	}
	return local;
}

static int local_connect(struct local *local, struct vbus *bus)
{
	struct vbus_client *client;

	get_device(&local->dev);
	vbus_memctx_init(&local->memctx, &local_memctx_ops);
	client = vbus_client_create(bus, &local_client_ops, &local->memctx,
				    local);
	vbus_memctx_put(&local->memctx);
	if (IS_ERR(client))
		return PTR_ERR(client);
	local->client = client;
	/* What changed() has asked for before this is seen by the first scan. */
	enable_work(&local->rescan);
	return 0;
}

/* No verb and no work is left when the last device has been deleted. */
static void local_shutdown(struct local *local)
{
	struct local_vdev *vdev, *next;

	disable_work_sync(&local->rescan);
	list_for_each_entry_safe(vdev, next, &local->vdevs, entry)
		local_vdev_del(vdev);

	spin_lock_irq(&local->work_lock);
	local->stopped = true;
	spin_unlock_irq(&local->work_lock);
	flush_work(&local->worker);
	synchronize_rcu();	/* for local_guest_inject() */
	vbus_client_destroy(local->client);
	device_unregister(&local->dev);
}

static void local_scan_now(struct local *local)
{
	queue_work(local_wq, &local->rescan);
	flush_work(&local->rescan);
}

static struct local *local_find(const char *bus)
{
	struct local *local;

	lockdep_assert_held(&local_attach_lock);

	list_for_each_entry(local, &local_attachments, entry)
		if (!strcmp(dev_name(&local->dev) + strlen(LOCAL_PREFIX), bus))
			return local;
	return NULL;
}

static int local_attach(struct vbus *bus, const char *name)
{
	struct local *local = local_create(name);
	int err;

	if (IS_ERR(local))
		return PTR_ERR(local);
	err = device_add(&local->dev);
	if (err)
		goto put;
	err = local_connect(local, bus);
	if (err)
		goto del;
	list_add_tail(&local->entry, &local_attachments);
	local_scan_now(local);
	return 0;

del:
	device_del(&local->dev);
put:
	put_device(&local->dev);
	return err;
}

/**
 * vbus_local_attach - make the devices of a bus this kernel's
 * @bus: its name
 *
 * When this returns the devices that are on the bus have been added, and
 * drivers that are there have been probed. The bus cannot be removed until
 * vbus_local_detach().
 *
 * Context: may sleep; not under locks that a driver's probe or remove takes.
 * Return: 0, or -ENOENT when there is no such bus, or it is being made or
 * removed; -EEXIST when it is attached already; -ENOMEM; or an error of the
 * driver core.
 */
int vbus_local_attach(const char *bus)
{
	struct vbus *found;
	int err;

	guard(mutex)(&local_attach_lock);
	if (local_find(bus))
		return -EEXIST;
	found = vbus_find(bus);
	if (IS_ERR(found))
		return PTR_ERR(found);
	err = local_attach(found, bus);
	vbus_release(found);
	return err;
}
EXPORT_SYMBOL_GPL(vbus_local_attach);

/**
 * vbus_local_detach - take the devices of a bus away from this kernel
 * @bus: its name
 *
 * Drivers are removed, and may still use their devices while that is going on.
 *
 * Context: may sleep; not under locks that a driver's probe or remove takes.
 * Return: 0, or -ENOENT when no such bus is attached.
 */
int vbus_local_detach(const char *bus)
{
	struct local *local;

	guard(mutex)(&local_attach_lock);
	local = local_find(bus);
	if (!local)
		return -ENOENT;
	list_del(&local->entry);
	local_shutdown(local);
	return 0;
}
EXPORT_SYMBOL_GPL(vbus_local_detach);

/**
 * vbus_local_settle - wait until this kernel has what the bus has
 * @bus: its name
 *
 * What was linked to the bus before has been added when this returns, and what
 * was unlinked has been deleted. For tests.
 *
 * Context: may sleep; not under locks that a driver's probe or remove takes.
 * Return: 0, or -ENOENT when no such bus is attached.
 */
int vbus_local_settle(const char *bus)
{
	struct local *local;

	guard(mutex)(&local_attach_lock);
	local = local_find(bus);
	if (!local)
		return -ENOENT;
	local_scan_now(local);
	return 0;
}
EXPORT_SYMBOL_GPL(vbus_local_settle);

/*
 * Administration: see Documentation/ABI/testing/sysfs-devices-vbus-local
 */

static ssize_t local_store(const char *buf, size_t count,
			   int (*action)(const char *bus))
{
	char *name;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	name = kmemdup_nul(buf, count, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	if (count && name[count - 1] == '\n')
		name[count - 1] = '\0';
	err = action(name);
	kfree(name);
	return err ?: count;
}

static ssize_t attach_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return local_store(buf, count, vbus_local_attach);
}
static DEVICE_ATTR_WO(attach);

static ssize_t detach_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return local_store(buf, count, vbus_local_detach);
}
static DEVICE_ATTR_WO(detach);

static struct attribute *local_attrs[] = {
	&dev_attr_attach.attr,
	&dev_attr_detach.attr,
	NULL
};

static const struct attribute_group local_group = {
	.attrs = local_attrs,
};

static int __init vbus_local_init(void)
{
	int err;

	local_wq = alloc_workqueue("vbus-local", WQ_UNBOUND, 0);
	if (!local_wq)
		return -ENOMEM;
	local_root = root_device_register("vbus-local");
	if (IS_ERR(local_root)) {
		err = PTR_ERR(local_root);
		goto destroy;
	}
	err = sysfs_create_group(&local_root->kobj, &local_group);
	if (err)
		goto unregister;
	return 0;

unregister:
	root_device_unregister(local_root);
destroy:
	destroy_workqueue(local_wq);
	return err;
}
module_init(vbus_local_init);

static void __exit vbus_local_exit(void)
{
	struct local *local, *next;

	/* From here on nothing attaches. */
	sysfs_remove_group(&local_root->kobj, &local_group);

	scoped_guard(mutex, &local_attach_lock) {
		list_for_each_entry_safe(local, next, &local_attachments,
					 entry) {
			list_del(&local->entry);
			local_shutdown(local);
		}
	}
	root_device_unregister(local_root);
	wait_var_event(&local_objects, !atomic_read(&local_objects));
	/* Who dropped the last one may be on its way out of our code. */
	synchronize_rcu_tasks();
	destroy_workqueue(local_wq);
}
module_exit(vbus_local_exit);

MODULE_DESCRIPTION("Virtual-Bus connector within one kernel");
MODULE_LICENSE("GPL");
