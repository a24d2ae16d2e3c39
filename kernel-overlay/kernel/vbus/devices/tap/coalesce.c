// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: signals that the client has put off
 *
 * A client may allow its frames to wait for company: one interrupt for many of
 * them is cheaper than one for each. A burst that ends while the client sleeps is
 * then not signalled at once, but by a work item after a while; or by the burst
 * with which there are enough frames, or no buffers any more. While the client
 * does not sleep nothing is put off, for then a signal costs nothing.
 *
 * It is a work item that sleeps, not a timer: it is there for throughput, and
 * costs as much as a few packets.
 *
 * Locking: the lock of the interface's transmit queue, as all in send.c; the
 * client's wishes are written by a verb and read once for each burst.
 * Lifetime: tap_out_stopped() cancels the work, after a grace period in which
 * the last burst has queued it; so it ends with the queue, before its region.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "tap.h"

/**
 * tap_coalesce_set - the client says how long frames may wait
 * @out: the queue
 * @usecs: that long, in microseconds; 0: not at all
 * @frames: but not when there are as many; 0: any number
 *
 * What waits already does so for as long as it was told.
 *
 * Context: tc->lock held.
 * Return: 0; -EINVAL when it is too long.
 */
int tap_coalesce_set(struct tap_out *out, u32 usecs, u32 frames)
{
	if (usecs > VENET_MAX_USECS)
		return -EINVAL;
	WRITE_ONCE(out->frames, frames);
	WRITE_ONCE(out->usecs, usecs);
	return 0;
}

/**
 * tap_coalesce - a burst is over: may its signal wait?
 * @out: the queue
 *
 * Context: the queue's lock, RCU read side.
 * Return: true when it may, and something will make up for it.
 */
bool tap_coalesce(struct tap_out *out)
{
	u32 frames;

	if (likely(!READ_ONCE(out->usecs)) || !out->unsignalled)
		return false;
	frames = READ_ONCE(out->frames);
	if (frames && out->unsignalled >= frames)
		return false;
	if (!tap_queue_usable(&out->q) || !shm_signal_wanted(out->q.signal))
		return false;
	/* One that is about to end is queued again, and one that waits is not. */
	queue_work(tap_wq, &out->wait);
	return true;
}

void tap_coalesce_work(struct work_struct *work)
{
	struct tap_out *out = container_of(work, struct tap_out, wait);
	ktime_t wait = ns_to_ktime(NSEC_PER_USEC * READ_ONCE(out->usecs));

	set_current_state(TASK_IDLE);
	schedule_hrtimeout_range(&wait, ktime_to_ns(wait) / 8,
				 HRTIMER_MODE_REL);
	tap_out_announce(out);
}
