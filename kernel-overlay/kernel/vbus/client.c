// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus client: what a connector does on a bus for one driver's side
 *
 * Lifetime
 *
 * The connector owns the client. It starts no verb once it has called
 * vbus_client_destroy(). No callback of struct vbus_client_ops runs or begins
 * after vbus_client_destroy() has returned, because what calls them is waited
 * for: a connection that has not ended (dropped() and queue_work()), and the
 * work that calls changed(). Works that the connector still has on its list
 * are run after that too; they find that their connection has ended.
 *
 * A client holds its bus, which can therefore not be removed.
 *
 * Callbacks
 *
 * changed() and dropped() come from a workqueue and with no lock of vbus held,
 * so they may use every verb, vbus_client_close() included (what was dropped is
 * -ENOENT). They must not reset or destroy their client, and nobody may do that
 * with a lock held that they take: reset and destroy wait for them.
 *
 * Locking
 *
 *	bus->clients_lock	the bus's list of clients
 *	client->lock		the client's list of connections; a leaf
 *
 * Verbs find their connection without a lock, see connection.c.
 */
#include <linux/build_bug.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <trace/events/vbus.h>

#include "connection.h"

static_assert(sizeof(struct vbus_device_info) == 40);
static_assert(offsetof(struct vbus_device_info, type) == 8);
static_assert(sizeof(struct vbus_shm_seg) == 16);
static_assert(offsetof(struct vbus_shm_seg, len) == 8);

/* How often a signal is repeated by the one who has sent it. */
#define VBUS_SIGNAL_ROUNDS	4

static void vbus_client_changed_work(struct work_struct *work)
{
	struct vbus_client *client =
		container_of(work, struct vbus_client, changed);

	client->ops->changed(client);
}

/* Tell every client that devices came or went. Coalesces; does not wait. */
void vbus_clients_changed(struct vbus *bus)
{
	struct vbus_client *client;

	mutex_lock(&bus->clients_lock);
	list_for_each_entry(client, &bus->clients, entry)
		if (client->ops->changed)
			queue_work(system_dfl_wq, &client->changed);
	mutex_unlock(&bus->clients_lock);
}

/**
 * vbus_client_create - become a client of a bus
 * @bus: the bus; the caller holds it, and the client takes a hold of its own
 * @ops: what the connector provides; stays valid until
 *	vbus_client_destroy() has returned
 * @ctx: the memory of the driver's side; the client takes a reference
 * @priv: what vbus_client_priv() returns
 *
 * changed() may be called before this returns.
 *
 * Context: task context; sleeps.
 * Return: the client; or an ERR_PTR: -ENOMEM; -ENODEV when nobody holds the
 * bus.
 */
struct vbus_client *vbus_client_create(struct vbus *bus,
				       const struct vbus_client_ops *ops,
				       struct vbus_memctx *ctx, void *priv)
{
	struct vbus_client *client;

	client = kzalloc_obj(*client, GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);

	if (!vbus_hold(bus)) {
		kfree(client);
		return ERR_PTR(-ENODEV);
	}

	client->bus = bus;
	client->ops = ops;
	client->memctx = vbus_memctx_get(ctx);
	client->priv = priv;
	xa_init_flags(&client->handles, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->connections);
	INIT_WORK(&client->changed, vbus_client_changed_work);

	mutex_lock(&bus->clients_lock);
	list_add_tail(&client->entry, &bus->clients);
	mutex_unlock(&bus->clients_lock);
	trace_vbus_client_create(bus->name, client);

	return client;
}
EXPORT_SYMBOL_GPL(vbus_client_create);

/* End every connection there is, and wait for those, whoever ends them. */
static void vbus_client_end_connections(struct vbus_client *client)
{
	struct vbus_connection *conn;
	u64 births;

	spin_lock(&client->lock);
	births = client->births;
	list_for_each_entry(conn, &client->connections, client_entry)
		vbus_connection_kill(conn, false);

	for (;;) {
		conn = list_first_entry_or_null(&client->connections,
						struct vbus_connection,
						client_entry);
		if (!conn || conn->birth >= births)
			break;
		vbus_connection_get_memory(conn);
		spin_unlock(&client->lock);

		wait_for_completion(&conn->ended);
		vbus_connection_put_memory(conn);

		spin_lock(&client->lock);
	}
	spin_unlock(&client->lock);
}

/**
 * vbus_client_destroy - stop being a client
 * @client: the client; no verb is running and none will start
 *
 * Ends all connections. No callback runs when it returns. Works that the
 * connector still has are to be given to vbus_work_run().
 *
 * Context: any task, whatever its mm; sleeps; neither a callback of this
 * client, nor code of a device, nor a callback of configfs; no lock that these
 * take.
 */
void vbus_client_destroy(struct vbus_client *client)
{
	struct vbus *bus = client->bus;

	trace_vbus_client_destroy(bus->name, client);
	spin_lock(&client->lock);
	client->dead = true;
	spin_unlock(&client->lock);

	vbus_client_end_connections(client);

	mutex_lock(&bus->clients_lock);
	list_del(&client->entry);
	mutex_unlock(&bus->clients_lock);
	cancel_work_sync(&client->changed);

	xa_destroy(&client->handles);
	vbus_memctx_put(client->memctx);
	vbus_release(bus);
	kfree(client);
}
EXPORT_SYMBOL_GPL(vbus_client_destroy);

/**
 * vbus_client_reset - end all connections of a client
 * @client: the client
 *
 * For when the driver's side was reset and knows nothing any more. When it
 * returns, every connection that was open or being opened at the call has
 * ended: the devices write to none of its memory. dropped() is not called for
 * them.
 *
 * Context: any task; sleeps; neither a callback of this client nor code of a
 * device; no lock that these take.
 */
void vbus_client_reset(struct vbus_client *client)
{
	trace_vbus_client_reset(client->bus->name, client);
	vbus_client_end_connections(client);
}
EXPORT_SYMBOL_GPL(vbus_client_reset);

/**
 * vbus_client_priv - the connector's data of a client
 * @client: the client
 *
 * Context: any.
 * Return: what was given to vbus_client_create().
 */
void *vbus_client_priv(const struct vbus_client *client)
{
	return client->priv;
}
EXPORT_SYMBOL_GPL(vbus_client_priv);

/**
 * vbus_client_generation - count of the changes of a client's bus
 * @client: the client
 *
 * Context: any.
 * Return: a number that differs, and may wrap, once devices came or left.
 */
u32 vbus_client_generation(const struct vbus_client *client)
{
	return atomic_read(&client->bus->generation);
}
EXPORT_SYMBOL_GPL(vbus_client_generation);

/**
 * vbus_client_list - list the devices of a client's bus
 * @client: the client
 * @first: the lowest dev-id wanted
 * @info: where to put them, in the order of their dev-ids
 * @max: the number of elements of @info
 * @generation: where to put the generation that the list has at least, or NULL
 *
 * To list all, begin with 0, go on with the last dev-id plus one until 0 is
 * returned, and start again when two calls gave different generations.
 *
 * Context: any.
 * Return: the number of devices put to @info, at most @max.
 */
int vbus_client_list(struct vbus_client *client, u32 first,
		     struct vbus_device_info *info, unsigned int max,
		     u32 *generation)
{
	struct vbus *bus = client->bus;
	struct vbus_interface *intf;
	unsigned int n = 0;
	unsigned long id;

	/*
	 * Pairs with the release in vbus_changed(): the list has what led to
	 * this generation, and what comes in between changes it.
	 */
	if (generation)
		*generation = atomic_read_acquire(&bus->generation);

	if (!max)
		return 0;

	guard(rcu)();
	xa_for_each_start(&bus->interfaces, id, intf, first) {
		memset(&info[n], 0, sizeof(info[n]));
		info[n].id = cpu_to_le32(intf->id);
		info[n].instance = cpu_to_le32(intf->instance);
		memcpy(info[n].type, intf->type, sizeof(info[n].type));
		if (++n == max)
			break;
	}

	return n;
}
EXPORT_SYMBOL_GPL(vbus_client_list);

static bool vbus_client_uses(const struct vbus_client *client,
			     const struct vbus_interface *intf)
{
	const struct vbus_connection *conn;

	list_for_each_entry(conn, &client->connections, client_entry)
		if (READ_ONCE(conn->intf) == intf)
			return true;

	return false;
}

static int vbus_client_check(const struct vbus_client *client,
			     const struct vbus_interface *intf)
{
	if (client->dead)
		return -ENODEV;
	if (vbus_client_uses(client, intf))
		return -EBUSY;
	if (client->n_connections >= VBUS_CLIENT_CONNECTIONS)
		return -ENOSPC;

	return 0;
}

static int vbus_client_list_connection(struct vbus_client *client,
				       struct vbus_connection *conn)
{
	int err;

	spin_lock(&client->lock);
	err = vbus_client_check(client, conn->intf);
	if (!err) {
		list_add_tail(&conn->client_entry, &client->connections);
		client->n_connections++;
		conn->birth = client->births++;
	}
	spin_unlock(&client->lock);

	return err;
}

/* Make a connection the client's, under a handle that finds nothing yet. */
int vbus_client_add(struct vbus_client *client, struct vbus_connection *conn)
{
	int err;

	err = xa_alloc_cyclic(&client->handles, &conn->handle, NULL,
			      XA_LIMIT(1, INT_MAX), &client->next_handle,
			      GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err == -EBUSY ? -ENOSPC : err;

	err = vbus_client_list_connection(client, conn);
	if (err)
		xa_erase(&client->handles, conn->handle);

	return err;
}

/* Let verbs find a connection that the device has opened. */
void vbus_client_publish(struct vbus_client *client,
			 struct vbus_connection *conn)
{
	/* Cannot fail: the place is reserved. */
	xa_store(&client->handles, conn->handle, conn, GFP_KERNEL_ACCOUNT);
}

/* The handle means nothing from here on. */
void vbus_client_unpublish(struct vbus_client *client,
			   struct vbus_connection *conn)
{
	xa_erase(&client->handles, conn->handle);
}

/* The connection needs the client no longer. */
void vbus_client_remove(struct vbus_client *client,
			struct vbus_connection *conn)
{
	spin_lock(&client->lock);
	list_del(&conn->client_entry);
	client->n_connections--;
	spin_unlock(&client->lock);
}

/* Find a connection and get into it, unless it is ending. */
static struct vbus_connection *vbus_client_enter(struct vbus_client *client,
						 u32 handle)
{
	struct vbus_connection *conn;

	guard(rcu)();
	conn = xa_load(&client->handles, handle);
	if (!conn)
		return ERR_PTR(-ENOENT);
	if (!percpu_ref_tryget_live_rcu(&conn->live))
		return ERR_PTR(-ENODEV);

	return conn;
}

/**
 * vbus_client_open - open a device
 * @client: the client
 * @id: the dev-id
 * @instance: of the device that is meant, as vbus_client_list() had it, or 0 for
 *	whichever has @id now
 * @version: the version of the device type's interface that the driver speaks
 * @handle: where to put the connection's handle; it differs from 0 and from
 *	handles that were closed not long ago
 *
 * The device may leave the bus before the caller has got the handle; dropped()
 * can come that early.
 *
 * Context: task context; sleeps.
 * Return: 0; -ENOENT when there is no such device on the bus, or another one by
 * that dev-id; -EBUSY when the client has it open; -ENOSPC when the client has
 * too much open; -ENOMEM; -ENODEV when the client was reset meanwhile;
 * -EPROTONOSUPPORT when the device does not speak @version, and whatever else it
 * refuses with.
 */
int vbus_client_open(struct vbus_client *client, u32 id, u32 instance,
		     u32 version, u32 *handle)
{
	u32 opened = 0;
	int err;

	err = vbus_connection_open(client, id, instance, version, &opened);
	if (!err)
		*handle = opened;
	trace_vbus_open(client, id, version, opened, err);

	return err;
}
EXPORT_SYMBOL_GPL(vbus_client_open);

/* Find a connection whether or not it is ending, and keep its memory. */
static struct vbus_connection *vbus_client_find(struct vbus_client *client,
						u32 handle)
{
	struct vbus_connection *conn;

	guard(rcu)();
	conn = xa_load(&client->handles, handle);
	if (conn && !kref_get_unless_zero(&conn->memory))
		conn = NULL;

	return conn;
}

static int vbus_client_end_connection(struct vbus_client *client, u32 handle)
{
	struct vbus_connection *conn;
	int err = 0;

	conn = vbus_client_find(client, handle);
	if (!conn)
		return -ENOENT;

	if (vbus_connection_kill(conn, false))
		wait_for_completion(&conn->ended);
	else
		err = -ENODEV;
	vbus_connection_put_memory(conn);

	return err;
}

/**
 * vbus_client_close - end a connection
 * @client: the client
 * @handle: the connection's handle
 *
 * Verbs that are running are waited for. When it returns 0 the device is closed
 * and may be opened again.
 *
 * Context: task context; sleeps; not code of the connection's device.
 * Return: 0; -ENOENT when the client has no such connection; -ENODEV when
 * somebody else has begun to end it: the device may still use the client's
 * memory, until this returns -ENOENT or dropped() is called.
 */
int vbus_client_close(struct vbus_client *client, u32 handle)
{
	int err = vbus_client_end_connection(client, handle);

	trace_vbus_close(client, handle, err);

	return err;
}
EXPORT_SYMBOL_GPL(vbus_client_close);

static int vbus_client_do_call(struct vbus_client *client, u32 handle, u32 func,
			       void *data, size_t len)
{
	struct vbus_connection *conn;
	int err;

	conn = vbus_client_enter(client, handle);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	err = vbus_connection_call(conn, func, data, len);
	vbus_connection_leave(conn);

	return err;
}

/**
 * vbus_client_call - a synchronous call to a device
 * @client: the client
 * @handle: the connection's handle
 * @func: what to do, in the terms of the device's type
 * @data: kernel memory with the arguments; the device puts its answer there
 * @len: bytes of @data, at most VBUS_CALL_MAX
 *
 * A call waits for the call() or shm() of the same connection that is running.
 *
 * Context: task context; sleeps.
 * Return: 0; -ENOENT when the client has no such connection; -EINVAL when @len
 * is out of range or the device takes no calls; -ENODEV when the connection
 * ended meanwhile; -EINTR when the task was killed before its turn; or what
 * the device refuses with.
 */
int vbus_client_call(struct vbus_client *client, u32 handle, u32 func,
		     void *data, size_t len)
{
	int err = -EINVAL;

	if (len <= VBUS_CALL_MAX && (data || !len))
		err = vbus_client_do_call(client, handle, func, data, len);
	trace_vbus_call(client, handle, func, len, err);

	return err;
}
EXPORT_SYMBOL_GPL(vbus_client_call);

static bool vbus_shm_valid(const struct vbus_shm *shm)
{
	return shm && shm->len && shm->len <= VBUS_SHM_MAX_LEN &&
	       shm->len == (size_t)shm->npages << PAGE_SHIFT;
}

static int vbus_client_do_shm(struct vbus_client *client, u32 handle, u32 id,
			      struct vbus_shm *shm, struct shm_signal *signal)
{
	struct vbus_connection *conn;
	int err;

	conn = vbus_client_enter(client, handle);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	err = vbus_connection_shm(conn, id, shm, signal);
	vbus_connection_leave(conn);

	return err;
}

/**
 * vbus_client_shm - register a region of the driver's memory with a device
 * @client: the client
 * @handle: the connection's handle
 * @id: what the device knows the region, and the client its signal, by
 * @shm: the region: whole pages, VBUS_SHM_MAX_LEN bytes at most
 * @signal: the signal that lives in it, or NULL
 *
 * The connection takes references to both and drops them when it ends; the
 * caller keeps its own. It waits for the call() or shm() of the same connection
 * that is running.
 *
 * Context: task context; sleeps.
 * Return: 0; -ENOENT when the client has no such connection; -EINVAL when @shm
 * is out of range or the device takes no memory; -EBUSY when @id is in use;
 * -ENOSPC when the connection has too many; -ENOMEM; -ENODEV when the
 * connection ended meanwhile; -EINTR when the task was killed before its turn;
 * or what the device refuses with.
 */
int vbus_client_shm(struct vbus_client *client, u32 handle, u32 id,
		    struct vbus_shm *shm, struct shm_signal *signal)
{
	int err = -EINVAL;

	if (vbus_shm_valid(shm))
		err = vbus_client_do_shm(client, handle, id, shm, signal);
	trace_vbus_shm(client, handle, id, shm ? shm->len : 0, signal, err);

	return err;
}
EXPORT_SYMBOL_GPL(vbus_client_shm);

/*
 * Ring a region's signal. When the device could not reach memory: with @fault,
 * tell there what to provide; without, have the connector's worker ring.
 * Return: 1 when @fault was filled in, 0, or an error.
 */
static int vbus_client_ring(struct vbus_client *client, u32 handle, u32 id,
			    enum shm_signal_context ctx,
			    struct vbus_fault *fault)
{
	struct vbus_connection *conn;
	struct vbus_region *region;
	unsigned int mark;
	int ret = 0;

	conn = vbus_client_enter(client, handle);
	if (IS_ERR(conn))
		return PTR_ERR(conn);

	region = xa_load(&conn->regions, id);
	if (unlikely(!region || !region->signal)) {
		ret = -ENOENT;
		goto out;
	}

	mark = vbus_fault_mark(conn);
	shm_signal_wakeup(region->signal, ctx);
	if (likely(!vbus_fault_since(conn, mark)))
		goto out;

	if (fault) {
		vbus_fault_take(conn, fault);
		ret = 1;
	} else {
		vbus_work_queue(&region->ring);
	}
out:
	vbus_connection_leave(conn);
	return ret;
}

/* Ring, and provide what the device misses, and ring again. */
static int vbus_client_do_signal(struct vbus_client *client, u32 handle, u32 id,
				 enum shm_signal_context ctx)
{
	unsigned int rounds = ctx == SHM_SIGNAL_PROCESS ?
			      VBUS_SIGNAL_ROUNDS : 0;
	struct vbus_fault fault;
	int ret;

	while (rounds--) {
		ret = vbus_client_ring(client, handle, id, ctx, &fault);
		if (likely(ret <= 0))
			return ret;
		ret = vbus_fault_in(&fault);
		if (ret)
			return ret;
	}

	return vbus_client_ring(client, handle, id, ctx, NULL);
}

/**
 * vbus_client_signal - ring a device's bell
 * @client: the client
 * @handle: the connection's handle
 * @id: the region that the signal lives in
 * @ctx: what the device may do in this context
 *
 * Takes no lock and allocates nothing. With SHM_SIGNAL_PROCESS, memory that the
 * device misses is faulted in, with nothing held that others wait for, and the
 * bell is rung again; when that does not help soon, and with SHM_SIGNAL_ATOMIC
 * at once, the connector's worker goes on with it.
 *
 * Context: any with SHM_SIGNAL_ATOMIC; task context without locks, sleeps, with
 * SHM_SIGNAL_PROCESS.
 * Return: 0; -ENOENT when the client has no such connection, or that no such
 * signal; -ENODEV when the connection ended meanwhile; the error of the memctx,
 * -EFAULT above all, when the memory that the device is to use does not exist.
 */
int vbus_client_signal(struct vbus_client *client, u32 handle, u32 id,
		       enum shm_signal_context ctx)
{
	int err = vbus_client_do_signal(client, handle, id, ctx);

	trace_vbus_signal(client, handle, id, ctx, err);

	return err;
}
EXPORT_SYMBOL_GPL(vbus_client_signal);
