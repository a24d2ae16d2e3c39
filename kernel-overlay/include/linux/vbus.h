/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus: the host's side, for deviceclasses and connectors
 *
 * A deviceclass implements struct vbus_deviceclass_ops and, for each client
 * that opens one of its devices, struct vbus_connection_ops. It knows nothing
 * of connectors. A connector makes a client of a bus and forwards the verbs;
 * it knows nothing of types of devices.
 *
 * See Documentation/virt/vbus/developer-guide.rst.
 */
#ifndef _LINUX_VBUS_H
#define _LINUX_VBUS_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/shm_signal.h>
#include <linux/sysfs.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/vbus.h>

struct vbus;
struct vbus_client;
struct vbus_connection;
struct vbus_device;
struct vbus_deviceclass;
struct vbus_interface;
struct vbus_memctx;
struct vbus_shm;

/* What a client may have at a time, and each of its connections. */
#define VBUS_CLIENT_CONNECTIONS	256
#define VBUS_CONNECTION_REGIONS	256

/*
 * Deviceclasses
 */

/**
 * struct vbus_deviceclass_ops - what a deviceclass implements
 * @create: an administrator has given a device this type: make what it needs
 *	and set its private data with vbus_device_set_priv(); may sleep
 * @destroy: the device goes away; no interface and no connection of it is
 *	left; may sleep
 * @link: the device is put on a bus; an error refuses; may be NULL; may sleep
 * @unlink: it is taken off; every connection has ended; may be NULL; may sleep
 * @open: a client opens the device: check @version, set up @conn with
 *	vbus_connection_set_ops(), or refuse with an error; may sleep
 */
struct vbus_deviceclass_ops {
	int (*create)(struct vbus_device *dev);
	void (*destroy)(struct vbus_device *dev);
	int (*link)(struct vbus_interface *intf);
	void (*unlink)(struct vbus_interface *intf);
	int (*open)(struct vbus_connection *conn, u32 version);
};

/**
 * struct vbus_deviceclass - a type of device that may be made
 * @name: what is written to a device's type attribute
 * @type: what its interfaces are called on a bus, which drivers match on: 1 to
 *	31 ASCII letters, digits, hyphens, underscores and dots
 * @owner: the module, held by each device
 * @ops: the implementation
 * @groups: sysfs attributes of each device, or NULL
 * @features: what devices of this class can do; the administrator may mask it
 * @max_interfaces: on how many buses one device can be at a time; 0: no limit
 * @entry: the core's
 */
struct vbus_deviceclass {
	const char *name;
	const char *type;
	struct module *owner;
	const struct vbus_deviceclass_ops *ops;
	const struct attribute_group **groups;
	u64 features;
	unsigned int max_interfaces;
	void *entry;
};

int vbus_deviceclass_register(struct vbus_deviceclass *dc);
void vbus_deviceclass_unregister(struct vbus_deviceclass *dc);

/*
 * Devices and their interfaces
 */

void vbus_device_set_priv(struct vbus_device *dev, void *priv);
void *vbus_device_priv(const struct vbus_device *dev);
const char *vbus_device_name(const struct vbus_device *dev);
u64 vbus_device_features(const struct vbus_device *dev);
struct vbus_device *vbus_device_from_kobj(struct kobject *kobj);

struct vbus_device *vbus_interface_device(const struct vbus_interface *intf);
u32 vbus_interface_id(const struct vbus_interface *intf);

/*
 * Memory of the client
 */

/**
 * struct vbus_memctx_ops - how a connector reaches its client's memory
 * @copy_from: copy @len bytes from the client's address @addr; never sleeps
 *	and never faults pages in; -EFAULT when not all of it is present
 * @copy_to: the other direction, with the same rules
 * @fault_in: make the range present for a later copy; may sleep for as long
 *	as whoever provides the memory likes, so nothing of vbus is held
 * @release: the last reference is gone
 *
 * The copies work only where the connector says so: in the notifier of a
 * signal in SHM_SIGNAL_PROCESS context, in a verb, and in the function of a
 * struct vbus_work. In SHM_SIGNAL_ATOMIC context they fail with -EFAULT unless
 * the connector can serve them there.
 */
struct vbus_memctx_ops {
	int (*copy_from)(struct vbus_memctx *ctx, void *dst, u64 addr,
			 size_t len);
	int (*copy_to)(struct vbus_memctx *ctx, u64 addr, const void *src,
		       size_t len);
	int (*fault_in)(struct vbus_memctx *ctx, u64 addr, size_t len,
			bool write);
	void (*release)(struct vbus_memctx *ctx);
};

/**
 * struct vbus_memctx - a client's memory
 * @ref: holders
 * @ops: the connector's
 */
struct vbus_memctx {
	struct kref ref;
	const struct vbus_memctx_ops *ops;
};

void vbus_memctx_init(struct vbus_memctx *ctx,
		      const struct vbus_memctx_ops *ops);
struct vbus_memctx *vbus_memctx_get(struct vbus_memctx *ctx);
void vbus_memctx_put(struct vbus_memctx *ctx);

/**
 * struct vbus_shm_ops - what a connector does for a region
 * @dirty: the device has written @len bytes at @offset; from any context;
 *	NULL when nobody cares
 * @release: the last reference is gone: unmap, unpin, uncharge, free
 */
struct vbus_shm_ops {
	void (*dirty)(struct vbus_shm *shm, size_t offset, size_t len);
	void (*release)(struct vbus_shm *shm);
};

/**
 * struct vbus_shm - a registered region of the client's memory
 * @ref: holders
 * @ops: the connector's
 * @pages: the region's pages in order, each PAGE_SIZE; they stay where they
 *	are for the life of the region
 * @npages: their number
 * @len: bytes, a multiple of PAGE_SIZE
 * @vaddr: the whole region as contiguous kernel memory, or NULL when the
 *	connector had no reason to map it: it has no signal
 * @live: false while the client's memory is not there (a memory slot that the
 *	VMM has removed); read under RCU, see vbus_shm_live()
 */
struct vbus_shm {
	struct kref ref;
	const struct vbus_shm_ops *ops;
	struct page **pages;
	unsigned int npages;
	size_t len;
	void *vaddr;
	bool live;
};

void vbus_shm_init(struct vbus_shm *shm, const struct vbus_shm_ops *ops);
struct vbus_shm *vbus_shm_get(struct vbus_shm *shm);
void vbus_shm_put(struct vbus_shm *shm);
int vbus_shm_write(struct vbus_shm *shm, size_t offset, const void *src,
		   size_t len);
int vbus_shm_read(struct vbus_shm *shm, void *dst, size_t offset, size_t len);

/**
 * vbus_shm_live - may the device use a region right now?
 * @shm: the region
 *
 * A connector that suspends a region clears @live and waits for a grace
 * period, so an RCU reader that has seen it set may go on to the end of its
 * critical section. What is written to a suspended region reaches nobody.
 *
 * Context: RCU read side (a softirq or BH-disabled section will do).
 * Return: true when it may.
 */
static inline bool vbus_shm_live(const struct vbus_shm *shm)
{
	return READ_ONCE(shm->live);
}

/**
 * vbus_shm_dirty - tell the connector what the device has written
 * @shm: the region
 * @offset: where, in bytes from its start
 * @len: how many bytes
 *
 * Context: any, within the RCU critical section that wrote.
 */
static inline void vbus_shm_dirty(struct vbus_shm *shm, size_t offset,
				  size_t len)
{
	if (shm->ops->dirty)
		shm->ops->dirty(shm, offset, len);
}

/*
 * Connections: one client's use of one interface
 */

/**
 * struct vbus_connection_ops - what a deviceclass does for one connection
 * @call: a synchronous call; @data is kernel memory, @len bytes, and goes back
 *	to the client when 0 is returned; may sleep
 * @shm: the client registers region @id; @signal is the signal that lives in
 *	it, or NULL; the device takes its own references; may sleep
 * @close: no verb, no notifier and no work of this connection is running and
 *	none will start: stop everything, drop all references; may sleep
 * @release: the last reference to the connection is gone, and no work of it is
 *	queued: free what @call and the works used; runs after @close, not when
 *	the open() failed; may sleep; may be NULL
 *
 * @call and @shm of one connection come one at a time; notifiers and works do
 * not wait for them.
 */
struct vbus_connection_ops {
	int (*call)(struct vbus_connection *conn, u32 func, void *data,
		    size_t len);
	int (*shm)(struct vbus_connection *conn, u32 id, struct vbus_shm *shm,
		   struct shm_signal *signal);
	void (*close)(struct vbus_connection *conn);
	void (*release)(struct vbus_connection *conn);
};

/**
 * struct vbus_work - work that a device does where the client's memory is
 * @entry: the connector's list
 * @flags: the core's
 * @conn: the connection; held while the work is queued
 * @fn: the work; the connection cannot end while it runs. Runs until there is
 *	nothing left or its budget is spent, and returns true to be called again
 */
struct vbus_work {
	struct list_head entry;
	unsigned long flags;
	struct vbus_connection *conn;
	bool (*fn)(struct vbus_work *work);
};

void vbus_connection_set_ops(struct vbus_connection *conn,
			     const struct vbus_connection_ops *ops, void *priv);
void *vbus_connection_priv(const struct vbus_connection *conn);
struct vbus_interface *
vbus_connection_interface(const struct vbus_connection *conn);
struct vbus_memctx *vbus_connection_memctx(const struct vbus_connection *conn);
struct vbus_connection *vbus_connection_get(struct vbus_connection *conn);
void vbus_connection_put(struct vbus_connection *conn);
void vbus_connection_fault(struct vbus_connection *conn, u64 addr, size_t len,
			   bool write);
void vbus_work_init(struct vbus_work *work, struct vbus_connection *conn,
		    bool (*fn)(struct vbus_work *work));
bool vbus_work_queue(struct vbus_work *work);

/*
 * Clients: what a connector makes
 */

/**
 * struct vbus_client_ops - what a connector provides
 * @changed: devices came to or left the bus: the driver's side should list
 *	again; may sleep; may be NULL
 * @dropped: a connection of this client ended because its device left the
 *	bus; @handle is no longer valid; may sleep; may be NULL
 * @queue_work: run vbus_work_run(@work) soon in a task that reaches the
 *	client's memory; from any context; false when the client is going away;
 *	NULL when there is no such task
 *
 * @changed and @dropped are called from a workqueue, with no lock of vbus held.
 * They may use every verb, but must not reset or destroy their client, which
 * wait for them.
 */
struct vbus_client_ops {
	void (*changed)(struct vbus_client *client);
	void (*dropped)(struct vbus_client *client, u32 handle);
	bool (*queue_work)(struct vbus_client *client, struct vbus_work *work);
};

struct vbus_client *vbus_client_create(struct vbus *bus,
				       const struct vbus_client_ops *ops,
				       struct vbus_memctx *ctx, void *priv);
void vbus_client_destroy(struct vbus_client *client);
void *vbus_client_priv(const struct vbus_client *client);
u32 vbus_client_generation(const struct vbus_client *client);
int vbus_client_list(struct vbus_client *client, u32 first,
		     struct vbus_device_info *info, unsigned int max,
		     u32 *generation);
int vbus_client_open(struct vbus_client *client, u32 id, u32 instance,
		     u32 version, u32 *handle);
int vbus_client_close(struct vbus_client *client, u32 handle);
void vbus_client_reset(struct vbus_client *client);
int vbus_client_call(struct vbus_client *client, u32 handle, u32 func,
		     void *data, size_t len);
int vbus_client_shm(struct vbus_client *client, u32 handle, u32 id,
		    struct vbus_shm *shm, struct shm_signal *signal);
int vbus_client_signal(struct vbus_client *client, u32 handle, u32 id,
		       enum shm_signal_context ctx);
void vbus_work_run(struct vbus_work *work);

/*
 * Buses, for connectors that are told one by name or by membership
 */

/* ERR_PTR when there is none; vbus_of_current() returns NULL. */
struct vbus *vbus_find(const char *name);
struct vbus *vbus_of_current(void);
bool vbus_hold(struct vbus *bus);
void vbus_release(struct vbus *bus);

#endif /* _LINUX_VBUS_H */
