// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus work: what a device does where its client's memory is, and what
 * happens when that memory is not there
 *
 * vbus_work.flags says where a work is. QUEUED: it is to run; RUNNING: some
 * task is in vbus_work_run() with it. Whoever takes it from nothing to QUEUED
 * takes a reference to the connection's memory and hands the work to the
 * connector; whoever takes it back to nothing drops that reference. Queueing a
 * work that runs only sets QUEUED, and the runner finds it: so a work is on
 * the connector's list once, its function never runs twice at a time, and no
 * queueing is lost. The function runs with the connection live, so never when
 * close() has been called. The work's memory is the device's until release().
 *
 * A device that could not reach memory says so with vbus_connection_fault() and
 * returns. Whoever called it notes that the count of faults moved, lets go of
 * the connection, faults the memory in, and calls again. The provider of the
 * memory may let us wait for as long as it likes: of what others wait for,
 * nothing is held. Two tasks may fault in the same connection at a time; then
 * one may provide the other's memory, find that its own is still not there,
 * and try again. Whether to try again is told by the count, which never hides
 * a fault of one's own.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <trace/events/vbus.h>

#include "connection.h"

enum {
	VBUS_WORK_QUEUED,
	VBUS_WORK_RUNNING,
};

/**
 * vbus_work_init - initialise a work
 * @work: the work, embedded in the state that the device has for @conn, which
 *	it frees in release() and not before
 * @conn: the connection
 * @fn: the function. Returns true to be called again, whether or not somebody
 *	queues the work meanwhile; when it could not reach memory and has said
 *	so with vbus_connection_fault(), what it returns does not matter
 *
 * Context: any.
 */
void vbus_work_init(struct vbus_work *work, struct vbus_connection *conn,
		    bool (*fn)(struct vbus_work *work))
{
	INIT_LIST_HEAD(&work->entry);
	work->flags = 0;
	work->conn = conn;
	work->fn = fn;
}
EXPORT_SYMBOL_GPL(vbus_work_init);

/* Hand a work that is QUEUED to the connector of a client that is there. */
static bool vbus_work_submit(struct vbus_work *work)
{
	struct vbus_connection *conn = work->conn;
	struct vbus_client *client;
	bool queued = false;

	if (!vbus_connection_enter(conn))
		return false;

	client = conn->client;
	if (client->ops->queue_work)
		queued = client->ops->queue_work(client, work);
	vbus_connection_leave(conn);

	return queued;
}

/**
 * vbus_work_queue - run a work soon
 * @work: the work
 *
 * Queueing it again before it has begun to run changes nothing; queueing it
 * while it runs makes it run once more. What was written before the call is
 * seen by the function.
 *
 * Context: any. The caller is within the life of the connection or holds a
 * reference to it.
 * Return: true when the work is queued; false when the connection has ended or
 * its client is going away, and the function will not run.
 */
bool vbus_work_queue(struct vbus_work *work)
{
	struct vbus_connection *conn = work->conn;
	unsigned long old = READ_ONCE(work->flags);

	/*
	 * Fully ordered even when the bit was set, and pairs with the xchg()
	 * and the cmpxchg() in vbus_work_run(): the old value says whether the
	 * work is on its way or has a runner who will find it.
	 */
	while (!try_cmpxchg(&work->flags, &old, old | BIT(VBUS_WORK_QUEUED)))
		;
	if (old)
		return true;

	vbus_connection_get(conn);
	if (vbus_work_submit(work))
		return true;

	clear_bit(VBUS_WORK_QUEUED, &work->flags);
	vbus_connection_put(conn);

	return false;
}
EXPORT_SYMBOL_GPL(vbus_work_queue);

/* Call the function once. Return: whether it is to be called again. */
static bool vbus_work_call(struct vbus_work *work)
{
	struct vbus_connection *conn = work->conn;
	struct vbus_fault fault;
	unsigned int mark;
	bool again, faulted;

	if (!vbus_connection_enter(conn))
		return false;

	mark = vbus_fault_mark(conn);
	again = work->fn(work);
	faulted = vbus_fault_since(conn, mark);
	if (faulted)
		vbus_fault_take(conn, &fault);
	vbus_connection_leave(conn);

	if (faulted)
		again = !vbus_fault_in(&fault);

	return again;
}

/**
 * vbus_work_run - run a work that was given to queue_work()
 * @work: the work, no longer on any list of the connector's
 *
 * Every work for which queue_work() has returned true must get here once, even
 * when the client has been destroyed meanwhile: then only the reference that
 * the work holds is dropped. The work may be queued again before this returns,
 * and may be gone when it has returned.
 *
 * Context: a task that reaches the client's memory; sleeps, and when memory
 * has to be faulted in, for as long as its provider likes.
 */
void vbus_work_run(struct vbus_work *work)
{
	struct vbus_connection *conn = work->conn;

	/* Before the function looks at anything, for who queues it next. */
	xchg(&work->flags, BIT(VBUS_WORK_RUNNING));

	if (vbus_work_call(work))
		set_bit(VBUS_WORK_QUEUED, &work->flags);

	if (cmpxchg(&work->flags, BIT(VBUS_WORK_RUNNING), 0) !=
	    BIT(VBUS_WORK_RUNNING)) {
		/* Queued meanwhile; the reference goes with it. */
		clear_bit(VBUS_WORK_RUNNING, &work->flags);
		if (vbus_work_submit(work))
			return;
		clear_bit(VBUS_WORK_QUEUED, &work->flags);
	}

	vbus_connection_drop(conn);
}
EXPORT_SYMBOL_GPL(vbus_work_run);

/**
 * vbus_connection_fault - report memory of the client that could not be reached
 * @conn: the connection
 * @addr: where it starts, in the client's addresses
 * @len: how many bytes
 * @write: copy_to() failed, so being able to read it is not enough
 *
 * For a notifier or the function of a struct vbus_work, when a copy has failed
 * with -EFAULT: leave everything such that a later call goes on from here, call
 * this and return. The core provides the memory and calls again: the function
 * of a work as well as the notifier of a signal, if need be from the
 * connector's worker. If the memory does not exist it does not call again.
 *
 * Context: any, within the life of the connection.
 */
void vbus_connection_fault(struct vbus_connection *conn, u64 addr, size_t len,
			   bool write)
{
	struct vbus_fault *last = &conn->fault;
	unsigned long flags;

	spin_lock_irqsave(&conn->fault_lock, flags);
	last->addr = addr;
	last->len = len;
	last->write = write;
	WRITE_ONCE(conn->faults, conn->faults + 1);
	spin_unlock_irqrestore(&conn->fault_lock, flags);
}
EXPORT_SYMBOL_GPL(vbus_connection_fault);

/* What vbus_fault_in() needs once the connection is let go of. */
void vbus_fault_take(struct vbus_connection *conn, struct vbus_fault *fault)
{
	spin_lock_irq(&conn->fault_lock);
	*fault = conn->fault;
	spin_unlock_irq(&conn->fault_lock);

	fault->ctx = vbus_memctx_get(conn->client->memctx);
	fault->client = conn->client;
	fault->handle = conn->handle;
}

/*
 * Provide memory, with nothing held but the means to.
 * Return: 0, or the error of the connector: there is no such memory.
 */
int vbus_fault_in(struct vbus_fault *fault)
{
	struct vbus_memctx *ctx = fault->ctx;
	int err = -EFAULT;

	might_sleep();

	if (ctx->ops->fault_in)
		err = ctx->ops->fault_in(ctx, fault->addr, fault->len,
					 fault->write);
	vbus_memctx_put(ctx);
	trace_vbus_fault(fault->client, fault->handle, fault->addr, fault->len,
			 err);

	return err;
}
