/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus core: clients and connections, private to the files that
 * implement them. See client.c and connection.c for lifetimes and locking.
 */
#ifndef _KERNEL_VBUS_CONNECTION_H
#define _KERNEL_VBUS_CONNECTION_H

#include "vbus.h"

/**
 * struct vbus_client - a connector's handle on a bus
 * @bus: held
 * @ops: the connector's
 * @memctx: how to reach the memory of the driver's side; referenced
 * @priv: the connector's
 * @handles: handle to struct vbus_connection; RCU readers
 * @next_handle: where the search for a free handle starts, so that a stale
 *	handle does not soon mean something else
 * @lock: protects the next four
 * @dead: vbus_client_destroy() was called
 * @connections: every connection that has not ended, oldest first
 * @n_connections: their number
 * @births: how many there ever were
 * @changed: calls @ops->changed()
 * @entry: in the bus's list of clients
 */
struct vbus_client {
	struct vbus *bus;
	const struct vbus_client_ops *ops;
	struct vbus_memctx *memctx;
	void *priv;

	struct xarray handles;
	u32 next_handle;

	spinlock_t lock;		/* a leaf */
	bool dead;
	struct list_head connections;
	unsigned int n_connections;
	u64 births;

	struct work_struct changed;
	struct list_head entry;
};

/**
 * struct vbus_fault - memory that a device could not reach
 * @ctx: whose; a reference while somebody is about to fault it in
 * @client: whose, for the record only
 * @handle: on which connection, likewise
 * @addr: where it starts
 * @len: how many bytes
 * @write: to write there, not only to read
 */
struct vbus_fault {
	struct vbus_memctx *ctx;
	const void *client;
	u32 handle;
	u64 addr;
	size_t len;
	bool write;
};

/**
 * struct vbus_region - what the client has registered under one id
 * @shm: referenced until the connection has ended
 * @signal: lives in it; referenced likewise, or NULL
 * @ring: rings @signal where the memory can be faulted in
 */
struct vbus_region {
	struct vbus_shm *shm;
	struct shm_signal *signal;
	struct vbus_work ring;
};

/**
 * enum vbus_connection_flags - what has happened to a connection
 * @VBUS_CONNECTION_KILLED: somebody has begun to end it
 * @VBUS_CONNECTION_UNPLUGGED: and it was not its client
 * @VBUS_CONNECTION_OPEN: the device has opened it, so it must close it
 * @VBUS_CONNECTION_HANDED_OUT: the client was told its handle
 */
enum vbus_connection_flags {
	VBUS_CONNECTION_KILLED,
	VBUS_CONNECTION_UNPLUGGED,
	VBUS_CONNECTION_OPEN,
	VBUS_CONNECTION_HANDED_OUT,
};

/**
 * struct vbus_connection - a client's use of an interface
 * @live: held by whoever is in a verb, a notifier or a work
 * @regions: id to struct vbus_region
 * @client: valid while @live is held and until @ended
 * @ops: the device's
 * @priv: the device's
 * @faults: how many faults the device has reported
 * @handle: what the client calls it
 * @flags: enum vbus_connection_flags
 * @verbs: one call() or shm() at a time; protects @n_regions
 * @n_regions: number of @regions
 * @fault_lock: protects @fault and the incrementing of @faults
 * @fault: the last fault; holds no reference
 * @ref: holders of what the device's release() frees; together they hold @memory
 * @memory: holders of this structure: @ref, and who waits for the end
 * @intf: valid until @closed
 * @owner: the module of the deviceclass, held
 * @birth: which connection of its client it is
 * @closed: the device's close() has returned
 * @ended: and the client was told, and may go away
 * @end: does that
 * @free: does for the last holder of @ref what may sleep
 * @client_entry: in the client's list
 * @intf_entry: in the interface's list
 * @rcu: frees it
 */
struct vbus_connection {
	struct percpu_ref live;
	struct xarray regions;
	struct vbus_client *client;
	const struct vbus_connection_ops *ops;
	void *priv;
	unsigned int faults;
	u32 handle;
	unsigned long flags;

	struct mutex verbs;		/* no signal takes it */
	unsigned int n_regions;
	spinlock_t fault_lock;		/* a leaf, interrupts off */
	struct vbus_fault fault;

	struct kref ref;
	struct kref memory;
	struct vbus_interface *intf;
	struct module *owner;
	u64 birth;
	struct completion closed;
	struct completion ended;
	struct work_struct end;
	struct work_struct free;
	struct list_head client_entry;
	struct list_head intf_entry;
	struct rcu_head rcu;
};

/* client.c */
int vbus_client_add(struct vbus_client *client, struct vbus_connection *conn);
void vbus_client_publish(struct vbus_client *client,
			 struct vbus_connection *conn);
void vbus_client_unpublish(struct vbus_client *client,
			   struct vbus_connection *conn);
void vbus_client_remove(struct vbus_client *client,
			struct vbus_connection *conn);

/* connection.c */
int vbus_connection_open(struct vbus_client *client, u32 id, u32 instance,
			 u32 version, u32 *handle);
bool vbus_connection_kill(struct vbus_connection *conn, bool unplugged);
void vbus_connection_drop(struct vbus_connection *conn);
void vbus_connection_get_memory(struct vbus_connection *conn);
void vbus_connection_put_memory(struct vbus_connection *conn);
int vbus_connection_call(struct vbus_connection *conn, u32 func, void *data,
			 size_t len);
int vbus_connection_shm(struct vbus_connection *conn, u32 id,
			struct vbus_shm *shm, struct shm_signal *signal);

static inline bool vbus_connection_enter(struct vbus_connection *conn)
{
	return percpu_ref_tryget_live(&conn->live);
}

static inline void vbus_connection_leave(struct vbus_connection *conn)
{
	percpu_ref_put(&conn->live);
}

/* work.c: what to do when a device could not reach memory */
static inline unsigned int vbus_fault_mark(const struct vbus_connection *conn)
{
	return READ_ONCE(conn->faults);
}

static inline bool vbus_fault_since(const struct vbus_connection *conn,
				    unsigned int mark)
{
	return READ_ONCE(conn->faults) != mark;
}

void vbus_fault_take(struct vbus_connection *conn, struct vbus_fault *fault);
int vbus_fault_in(struct vbus_fault *fault);

#endif /* _KERNEL_VBUS_CONNECTION_H */
