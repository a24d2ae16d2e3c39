// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: what the queues of both directions have in common
 *
 * The device is the consumer of both. It keeps no descriptor from one RCU
 * critical section to the next, so a stopped queue holds none.
 */
#include <linux/rcupdate.h>

#include "tap.h"
#include "trace.h"

void tap_queue_init(struct tap_queue *q, struct tap_conn *tc, u32 pair, u32 id,
		    struct tap_counters *counters,
		    void (*signal)(struct shm_signal_notifier *notifier,
				   enum shm_signal_context ctx))
{
	q->tc = tc;
	q->id = id;
	q->pair = pair;
	q->counters = counters;
	q->notifier.signal = signal;
}

/* The region of the ring: it stays until the connection ends. */
int tap_queue_attach(struct tap_queue *q, struct vbus_shm *shm,
		     struct shm_signal *signal)
{
	if (!signal || !shm->vaddr || shm->len < sizeof(struct venet_ring))
		return -EINVAL;
	if (q->shm)
		return -EBUSY;
	q->shm = vbus_shm_get(shm);
	q->signal = shm_signal_get(signal);
	shm_signal_set_notifier(signal, &q->notifier);
	return 0;
}

/* Undo it. The queue was stopped and no notifier is running. */
void tap_queue_detach(struct tap_queue *q)
{
	if (!q->shm)
		return;
	shm_signal_set_notifier(q->signal, NULL);
	shm_signal_put(q->signal);
	q->signal = NULL;
	vbus_shm_put(q->shm);
	q->shm = NULL;
}

static void tap_queue_enter(struct tap_queue *q, enum tap_queue_state state)
{
	q->state = state;
	trace_venet_tap_queue(q->tc->tap->vdev, q->id, state);
}

int tap_queue_setup(struct tap_queue *q, u32 count)
{
	struct venet_ring *ring;
	int err;

	if (q->state != TAP_QUEUE_NONE)
		return -EBUSY;
	if (count < TAP_RING_MIN || count > TAP_RING_MAX)
		return -EINVAL;
	if (!q->shm)
		return -ENOENT;
	ring = q->shm->vaddr;
	err = ioq_init(&q->ring, IOQ_CONSUMER, ring->desc,
		       q->shm->len - sizeof(*ring), count);
	if (err)
		return err;
	tap_queue_enter(q, TAP_QUEUE_READY);
	return 0;
}

int tap_queue_start(struct tap_queue *q)
{
	if (q->state != TAP_QUEUE_READY)
		return -EBUSY;
	tap_queue_enter(q, TAP_QUEUE_RUNNING);
	/* The data path finds the ring as setup or the last stop left it. */
	smp_store_release(&q->running, true);
	return 0;
}

/* When it returns, nobody touches the ring or what its descriptors name. */
int tap_queue_stop(struct tap_queue *q)
{
	if (q->state != TAP_QUEUE_RUNNING)
		return -EBUSY;
	WRITE_ONCE(q->running, false);
	synchronize_rcu();
	tap_queue_enter(q, TAP_QUEUE_READY);
	return 0;
}

int tap_queue_reset(struct tap_queue *q)
{
	if (q->state == TAP_QUEUE_NONE)
		return -EBUSY;
	if (q->state == TAP_QUEUE_RUNNING)
		tap_queue_stop(q);
	tap_queue_enter(q, TAP_QUEUE_NONE);
	if (q->broken) {
		q->broken = false;
		tap_status_changed(q->tc);
	}
	return 0;
}

/**
 * tap_queue_usable - may the data path use the queue now?
 * @q: the queue
 *
 * A ring that is suspended is left alone: the connector rings its bell when it
 * is back.
 *
 * Context: RCU read side; the answer holds to the end of the critical section.
 * Return: true when it may.
 */
bool tap_queue_usable(const struct tap_queue *q)
{
	/* Pairs with the smp_store_release() in tap_queue_start(). */
	return smp_load_acquire(&q->running) && vbus_shm_live(q->shm);
}

/**
 * tap_queue_break - give a queue up
 * @q: the queue
 * @why: which rule the client broke
 *
 * Context: the data path of the queue.
 */
void tap_queue_break(struct tap_queue *q, const char *why)
{
	ioq_break(&q->ring);
	WRITE_ONCE(q->broken, true);
	tap_count(&q->counters->broken, 1);
	trace_venet_tap_broken(q->tc->tap->vdev, q->id, why);
	tap_status_changed(q->tc);
}

/* Our words of the signal are in the ring's first page. */
static void tap_queue_dirty_signal(struct tap_queue *q)
{
	vbus_shm_dirty(q->shm, offsetof(struct venet_ring, signal.host),
		       sizeof(struct shm_signal_side));
}

/*
 * Return the @n oldest descriptors that were read. What was written is in few
 * pages, and asking which costs more than naming all of them.
 */
void tap_queue_give_back(struct tap_queue *q, u32 n)
{
	ioq_give_back(&q->ring, n);
	tap_count(&q->counters->batches, 1);
	vbus_shm_dirty(q->shm, offsetof(struct venet_ring, desc),
		       IOQ_RING_LEN((size_t)q->ring.mask + 1));
}

/* Tell the client, if it wants to be told. */
void tap_queue_inject(struct tap_queue *q)
{
	if (shm_signal_inject(q->signal))
		tap_count(&q->counters->bells, 1);
	tap_queue_dirty_signal(q);
}

/*
 * Ask for the client's bell. Returns true when the ring has something now. That
 * the client has rung since we last asked says nothing: it did, or we would not
 * be here. What it rang for has been taken; what it publishes from here on rings,
 * or is seen by the look at the ring, which comes after the signal's barrier.
 * Both ends of our view of the ring are the caller's, so the look does not miss.
 */
bool tap_queue_enable(struct tap_queue *q)
{
	shm_signal_enable(q->signal);
	tap_queue_dirty_signal(q);
	return ioq_pending(&q->ring);
}
