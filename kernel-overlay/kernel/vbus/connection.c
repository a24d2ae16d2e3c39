// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connection: one client's use of one interface
 *
 * Lifetime
 *
 * @live is held by whoever runs the device's code for the connection: opening
 * it, a verb, a notifier or a work. @ref holds what the device's release()
 * frees, and @memory the structure itself.
 *
 * The end has one entrance, vbus_connection_kill(): whoever comes first, be it
 * the client's close, reset or death, the removal of the link, or a failed
 * open, sets KILLED and kills @live. From then on nobody gets in. When the last
 * one is out, @end runs from a workqueue, so with no lock of anybody's:
 *
 *	close() of the device			if its open() succeeded
 *	the handle means nothing any more
 *	shms and signals are put
 *	the first reference to @ref is dropped
 *	the interface is let go of		@closed: unlink waits for this
 *	dropped() of the client			if it was unplugged
 *	the client is let go of			@ended: the client waits for this
 *
 * The last reference to @ref calls release() of the device. That is within the
 * end unless works are queued or the device has references of its own. It is
 * code of the deviceclass, so @ref holds its module.
 *
 * Opening holds @live like a verb. A connection that is killed meanwhile ends
 * when the opening is done, and the client never learns of its handle.
 *
 * Look-up by handle is an RCU read of the client's xarray and a try to get
 * @live. kfree_rcu() covers who has found the connection and not yet tried.
 *
 * Locking
 *
 *	conn->verbs	call() and shm() come one at a time; signals and works
 *			do not wait for them
 *	conn->fault_lock	a leaf; from any context
 *
 * Nobody waits for @live to reach zero with a lock held that a verb takes.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>

#include "connection.h"

/**
 * vbus_connection_set_ops - say how a device serves a connection
 * @conn: the connection that is being opened
 * @ops: the device's; stays valid until release() was called
 * @priv: what vbus_connection_priv() returns
 *
 * If open() fails in the end, neither close() nor release() is called.
 *
 * Context: the open() of a deviceclass, which must call it before it returns 0.
 */
void vbus_connection_set_ops(struct vbus_connection *conn,
			     const struct vbus_connection_ops *ops, void *priv)
{
	conn->ops = ops;
	conn->priv = priv;
}
EXPORT_SYMBOL_GPL(vbus_connection_set_ops);

/**
 * vbus_connection_priv - the device's data of a connection
 * @conn: the connection
 *
 * Context: any; the caller holds a reference or is within the connection's
 * life.
 * Return: what was given to vbus_connection_set_ops().
 */
void *vbus_connection_priv(const struct vbus_connection *conn)
{
	return conn->priv;
}
EXPORT_SYMBOL_GPL(vbus_connection_priv);

/**
 * vbus_connection_interface - the interface that a connection uses
 * @conn: the connection
 *
 * Context: any, from open() to the return of close().
 * Return: the interface; valid until close() has returned.
 */
struct vbus_interface *
vbus_connection_interface(const struct vbus_connection *conn)
{
	return conn->intf;
}
EXPORT_SYMBOL_GPL(vbus_connection_interface);

/**
 * vbus_connection_memctx - the memory of a connection's client
 * @conn: the connection
 *
 * Context: any, from open() to the return of close().
 * Return: the memctx; valid until close() has returned. Who needs it for longer
 * takes a reference of its own.
 */
struct vbus_memctx *vbus_connection_memctx(const struct vbus_connection *conn)
{
	return conn->client->memctx;
}
EXPORT_SYMBOL_GPL(vbus_connection_memctx);

/**
 * vbus_connection_get - take a reference
 * @conn: the connection; the caller holds a reference or is within its life
 *
 * It keeps the memory of @conn and what the device's release() frees. It does
 * not keep the connection from ending.
 *
 * Context: any.
 * Return: @conn.
 */
struct vbus_connection *vbus_connection_get(struct vbus_connection *conn)
{
	kref_get(&conn->ref);
	return conn;
}
EXPORT_SYMBOL_GPL(vbus_connection_get);

void vbus_connection_get_memory(struct vbus_connection *conn)
{
	kref_get(&conn->memory);
}

static void vbus_connection_release_memory(struct kref *memory)
{
	struct vbus_connection *conn =
		container_of(memory, struct vbus_connection, memory);

	percpu_ref_exit(&conn->live);
	kfree_rcu(conn, rcu);
}

void vbus_connection_put_memory(struct vbus_connection *conn)
{
	kref_put(&conn->memory, vbus_connection_release_memory);
}

static void vbus_connection_free(struct vbus_connection *conn)
{
	struct vbus_region *region;
	unsigned long id;

	if (test_bit(VBUS_CONNECTION_OPEN, &conn->flags) && conn->ops->release)
		conn->ops->release(conn);
	module_put(conn->owner);

	xa_for_each(&conn->regions, id, region)
		kfree(region);
	xa_destroy(&conn->regions);
	vbus_connection_put_memory(conn);
}

static void vbus_connection_release_now(struct kref *ref)
{
	vbus_connection_free(container_of(ref, struct vbus_connection, ref));
}

/* vbus_connection_put() for task context: release() has run on return. */
void vbus_connection_drop(struct vbus_connection *conn)
{
	might_sleep();
	kref_put(&conn->ref, vbus_connection_release_now);
}

static void vbus_connection_free_work(struct work_struct *work)
{
	vbus_connection_free(container_of(work, struct vbus_connection, free));
}

static void vbus_connection_release_later(struct kref *ref)
{
	struct vbus_connection *conn =
		container_of(ref, struct vbus_connection, ref);

	queue_work(vbus_wq, &conn->free);
}

/**
 * vbus_connection_put - drop a reference
 * @conn: the connection
 *
 * If it was the last, release() is called later from a workqueue.
 *
 * Context: any.
 */
void vbus_connection_put(struct vbus_connection *conn)
{
	kref_put(&conn->ref, vbus_connection_release_later);
}
EXPORT_SYMBOL_GPL(vbus_connection_put);

/* The device has let go of them; works may still lead to the regions. */
static void vbus_connection_put_regions(struct vbus_connection *conn)
{
	struct vbus_region *region;
	unsigned long id;

	xa_for_each(&conn->regions, id, region) {
		shm_signal_put(region->signal);
		vbus_shm_put(region->shm);
	}
}

static void vbus_connection_detach(struct vbus_connection *conn)
{
	struct vbus_interface *intf = conn->intf;

	spin_lock(&intf->lock);
	list_del(&conn->intf_entry);
	spin_unlock(&intf->lock);

	/* Another interface may soon be found at this address. */
	WRITE_ONCE(conn->intf, NULL);
	vbus_interface_disconnect(intf);
}

static bool vbus_connection_was_unplugged(const struct vbus_connection *conn)
{
	return test_bit(VBUS_CONNECTION_UNPLUGGED, &conn->flags) &&
	       test_bit(VBUS_CONNECTION_HANDED_OUT, &conn->flags);
}

/* The last one is out of the connection. See the top of the file. */
static void vbus_connection_end(struct work_struct *work)
{
	struct vbus_connection *conn =
		container_of(work, struct vbus_connection, end);
	struct vbus_client *client = conn->client;
	bool dropped;

	if (test_bit(VBUS_CONNECTION_OPEN, &conn->flags))
		conn->ops->close(conn);

	vbus_client_unpublish(client, conn);
	vbus_connection_put_regions(conn);
	vbus_connection_get_memory(conn);
	vbus_connection_drop(conn);
	vbus_connection_detach(conn);
	complete_all(&conn->closed);

	dropped = vbus_connection_was_unplugged(conn);
	trace_vbus_connection_end(client, conn->handle, dropped);
	if (dropped && client->ops->dropped)
		client->ops->dropped(client, conn->handle);

	vbus_client_remove(client, conn);
	complete_all(&conn->ended);
	vbus_connection_put_memory(conn);
}

static void vbus_connection_quiet(struct percpu_ref *live)
{
	struct vbus_connection *conn =
		container_of(live, struct vbus_connection, live);

	queue_work(vbus_wq, &conn->end);
}

/*
 * Begin to end a connection. @unplugged: its device goes, so its client is to
 * be told. Return: true for the first caller. Any context.
 */
bool vbus_connection_kill(struct vbus_connection *conn, bool unplugged)
{
	if (test_and_set_bit(VBUS_CONNECTION_KILLED, &conn->flags))
		return false;

	if (unplugged)
		set_bit(VBUS_CONNECTION_UNPLUGGED, &conn->flags);
	percpu_ref_kill(&conn->live);

	return true;
}

static struct vbus_connection *vbus_connection_alloc(void)
{
	struct vbus_connection *conn;

	conn = kzalloc_obj(*conn, GFP_KERNEL_ACCOUNT);
	if (!conn)
		return NULL;

	if (percpu_ref_init(&conn->live, vbus_connection_quiet, 0,
			    GFP_KERNEL_ACCOUNT)) {
		kfree(conn);
		return NULL;
	}

	kref_init(&conn->ref);
	kref_init(&conn->memory);
	xa_init_flags(&conn->regions, XA_FLAGS_ACCOUNT);
	mutex_init(&conn->verbs);
	spin_lock_init(&conn->fault_lock);
	init_completion(&conn->closed);
	init_completion(&conn->ended);
	INIT_WORK(&conn->end, vbus_connection_end);
	INIT_WORK(&conn->free, vbus_connection_free_work);

	return conn;
}

/*
 * A connection that client and interface know of, and so can end. The caller
 * is in it (@live), as in a verb, and the reference to @intf is the
 * connection's.
 */
static struct vbus_connection *
vbus_connection_create(struct vbus_client *client, struct vbus_interface *intf)
{
	struct vbus_connection *conn;
	int err;

	conn = vbus_connection_alloc();
	if (!conn)
		return ERR_PTR(-ENOMEM);

	conn->client = client;
	conn->intf = intf;
	percpu_ref_get(&conn->live);

	err = vbus_client_add(client, conn);
	if (err) {
		percpu_ref_exit(&conn->live);
		kfree(conn);
		return ERR_PTR(err);
	}

	/* The device holds it too, and is there until the open is over. */
	conn->owner = intf->device->owner;
	__module_get(conn->owner);

	spin_lock(&intf->lock);
	list_add_tail(&conn->intf_entry, &intf->connections);
	spin_unlock(&intf->lock);

	return conn;
}

/* Let the device open the connection, and publish it unless it was killed. */
static int vbus_connection_start(struct vbus_connection *conn, u32 version)
{
	int err;

	err = conn->intf->device->ops->open(conn, version);
	if (err)
		return err;

	set_bit(VBUS_CONNECTION_OPEN, &conn->flags);
	vbus_client_publish(conn->client, conn);

	if (test_bit(VBUS_CONNECTION_KILLED, &conn->flags))
		return -ENODEV;
	set_bit(VBUS_CONNECTION_HANDED_OUT, &conn->flags);

	return 0;
}

/* vbus_client_open() says what the arguments and the errors are. */
int vbus_connection_open(struct vbus_client *client, u32 id, u32 instance,
			 u32 version, u32 *handle)
{
	struct vbus_connection *conn;
	struct vbus_interface *intf;
	int err;

	intf = vbus_interface_open_begin(client->bus, id);
	if (!intf)
		return -ENOENT;

	/* The dev-id may have gone to another device since the client looked. */
	if (instance && instance != intf->instance)
		conn = ERR_PTR(-ENOENT);
	else
		conn = vbus_connection_create(client, intf);
	if (IS_ERR(conn)) {
		vbus_interface_open_end(intf);
		vbus_interface_disconnect(intf);
		return PTR_ERR(conn);
	}

	err = vbus_connection_start(conn, version);
	if (!err)
		*handle = conn->handle;
	else
		vbus_connection_kill(conn, false);

	vbus_interface_open_end(intf);

	/* The client may not find the remains of what it could not open. */
	vbus_connection_get_memory(conn);
	vbus_connection_leave(conn);
	if (err)
		wait_for_completion(&conn->ended);
	vbus_connection_put_memory(conn);

	return err;
}

/*
 * No open of @intf can begin and none is under way: end every connection of
 * it, and wait until the device has closed them all.
 */
void vbus_interface_end_connections(struct vbus_interface *intf)
{
	struct vbus_connection *conn;

	spin_lock(&intf->lock);
	list_for_each_entry(conn, &intf->connections, intf_entry)
		vbus_connection_kill(conn, true);

	for (;;) {
		conn = list_first_entry_or_null(&intf->connections,
						struct vbus_connection,
						intf_entry);
		if (!conn)
			break;
		vbus_connection_get_memory(conn);
		spin_unlock(&intf->lock);

		wait_for_completion(&conn->closed);
		vbus_connection_put_memory(conn);

		spin_lock(&intf->lock);
	}
	spin_unlock(&intf->lock);
}

/* Take the turn of a verb that may have to wait for the one before it. */
static int vbus_connection_lock_verbs(struct vbus_connection *conn)
{
	if (mutex_lock_killable(&conn->verbs))
		return -EINTR;

	/* Who ends the connection waits for one verb, not for a queue. */
	if (percpu_ref_is_dying(&conn->live)) {
		mutex_unlock(&conn->verbs);
		return -ENODEV;
	}

	return 0;
}

/* vbus_client_call() with the connection found and entered. */
int vbus_connection_call(struct vbus_connection *conn, u32 func, void *data,
			 size_t len)
{
	int err;

	if (!conn->ops->call)
		return -EINVAL;

	err = vbus_connection_lock_verbs(conn);
	if (err)
		return err;
	err = conn->ops->call(conn, func, data, len);
	mutex_unlock(&conn->verbs);

	return err;
}

/* The device could not reach memory from a signal: the worker rings for it. */
static bool vbus_region_ring(struct vbus_work *work)
{
	struct vbus_region *region =
		container_of(work, struct vbus_region, ring);

	shm_signal_wakeup(region->signal, SHM_SIGNAL_PROCESS);

	return false;
}

static struct vbus_region *vbus_region_alloc(struct vbus_connection *conn,
					     struct vbus_shm *shm,
					     struct shm_signal *signal)
{
	struct vbus_region *region;

	region = kzalloc_obj(*region, GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;

	vbus_work_init(&region->ring, conn, vbus_region_ring);
	region->shm = vbus_shm_get(shm);
	if (signal)
		region->signal = shm_signal_get(signal);

	return region;
}

/* With the id reserved: the client can ring once the device has taken it. */
static int vbus_region_register(struct vbus_connection *conn, u32 id,
				struct vbus_shm *shm, struct shm_signal *signal)
{
	struct vbus_region *region;
	int err;

	region = vbus_region_alloc(conn, shm, signal);
	if (!region)
		return -ENOMEM;

	err = conn->ops->shm(conn, id, shm, signal);
	if (err) {
		shm_signal_put(signal);
		vbus_shm_put(shm);
		kfree(region);
		return err;
	}

	/* Cannot fail: the place is reserved. */
	xa_store(&conn->regions, id, region, GFP_KERNEL_ACCOUNT);
	conn->n_regions++;

	return 0;
}

static int vbus_region_add(struct vbus_connection *conn, u32 id,
			   struct vbus_shm *shm, struct shm_signal *signal)
{
	int err;

	lockdep_assert_held(&conn->verbs);

	err = xa_insert(&conn->regions, id, NULL, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;

	if (conn->n_regions < VBUS_CONNECTION_REGIONS)
		err = vbus_region_register(conn, id, shm, signal);
	else
		err = -ENOSPC;
	if (err)
		xa_erase(&conn->regions, id);

	return err;
}

/* vbus_client_shm() with the connection found and entered. */
int vbus_connection_shm(struct vbus_connection *conn, u32 id,
			struct vbus_shm *shm, struct shm_signal *signal)
{
	int err;

	if (!conn->ops->shm)
		return -EINVAL;

	err = vbus_connection_lock_verbs(conn);
	if (err)
		return err;
	err = vbus_region_add(conn, id, shm, signal);
	mutex_unlock(&conn->verbs);

	return err;
}
