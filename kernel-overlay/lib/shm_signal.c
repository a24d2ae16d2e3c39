// SPDX-License-Identifier: GPL-2.0-only
/*
 * shm-signal: an interrupt-like signal between two sides of shared memory
 *
 * Each side has a line of shared memory of its own, which only it writes:
 * "enabled" says whether it wants to be signalled, "pending" how often it has
 * injected. So nothing that a side has written can be lost or undone by the
 * other, and everything that a side must rely on is kept privately: it never
 * reads back what it has published.
 *
 * One enable asks for one bell. Each enable publishes a new number, and the
 * injecting side rings only for a number that it has not answered yet. A bell
 * therefore disarms by itself: the receiver writes nothing in its interrupt and
 * may poll for as long as it finds work, while the other side's injections cost
 * a store, a barrier and a look at a line that nobody writes.
 *
 * Nothing is lost between a receiver that goes to sleep and a sender that has
 * something new, because each publishes first and looks afterwards:
 *
 *	receiver (enable)		sender (inject)
 *
 *	publish enabled			publish the work, then pending
 *	full barrier			full barrier
 *	look for work and at pending	look at enabled
 *
 * At least one of them sees what the other has published. That is the store
 * buffering pattern; Documentation/litmus-tests/vbus has it as a test. The
 * barriers are the virt_ ones: the other side may run on another processor
 * even if this kernel was built for only one.
 *
 * Locking: enable and disable are the receiver's, who calls them one at a
 * time; inject is the sender's, likewise. The two need no lock between them.
 *
 * Lifetime: the signal is counted. Whoever drops the last reference has it
 * released by the connector that made it; the shared memory stays in place
 * until then.
 *
 * The other side may write anything at any time. Each of its words is read
 * once, and the worst that it can cause is a bell of its own too much or too
 * few, or to make enable say that there is work: a receiver that loops on that
 * bounds the loop.
 */
#include <asm/barrier.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/shm_signal.h>
#include <linux/stddef.h>

static_assert(SHM_SIGNAL_ALIGN == 64);
static_assert(sizeof(struct shm_signal_side) == SHM_SIGNAL_ALIGN);
static_assert(offsetof(struct shm_signal_side, enabled) == 0);
static_assert(offsetof(struct shm_signal_side, pending) == 4);
static_assert(offsetof(struct shm_signal_side, reserved) == 8);
static_assert(sizeof(struct shm_signal_desc) == 128);
static_assert(offsetof(struct shm_signal_desc, guest) == 0);
static_assert(offsetof(struct shm_signal_desc, host) == 64);

/**
 * shm_signal_init - set up one side's view of a signal
 * @s: the signal; the caller holds the one reference
 * @role: which side is ours
 * @desc: the shared memory, a multiple of SHM_SIGNAL_ALIGN; stays accessible
 *	until @ops->release
 * @ops: the connector's
 *
 * Publishes that our side is disabled and has injected nothing. What the other
 * side has published before is honoured: if it is enabled already, the first
 * injection rings.
 *
 * Context: any; before anybody else knows @s.
 */
void shm_signal_init(struct shm_signal *s, enum shm_signal_role role,
		     struct shm_signal_desc *desc,
		     const struct shm_signal_ops *ops)
{
	bool guest = role == SHM_SIGNAL_GUEST;

	*s = (struct shm_signal) {
		.ops = ops,
		.local = guest ? &desc->guest : &desc->host,
		.remote = guest ? &desc->host : &desc->guest,
	};
	kref_init(&s->ref);
	WRITE_ONCE(s->local->enabled, 0);
	WRITE_ONCE(s->local->pending, 0);
}
EXPORT_SYMBOL_GPL(shm_signal_init);

/**
 * shm_signal_free - the last reference is gone
 * @ref: the signal's
 *
 * For shm_signal_put() only.
 *
 * Context: any in which the connector's release may run.
 */
void shm_signal_free(struct kref *ref)
{
	struct shm_signal *s = container_of(ref, struct shm_signal, ref);

	s->ops->release(s);
}
EXPORT_SYMBOL_GPL(shm_signal_free);

/* Zero means disabled, so counting leaves it out. */
static u32 next_enabled(u32 enabled)
{
	return enabled == U32_MAX ? 1 : enabled + 1;
}

/**
 * shm_signal_enable - ask for one bell
 * @s: the signal
 *
 * The bell rings at the other side's next injection, once, and not again
 * before the next call of this function. The caller looks for work after it,
 * which no injection from then on can escape:
 *
 *	shm_signal_enable(s);
 *	if (ioq_pending(q))
 *		poll again, now or later
 *
 * A caller whose look is expensive may skip it while false is returned: the
 * other side has not injected since the last call.
 *
 * Context: any; the receiver's, one call at a time.
 * Return: true if the other side has injected since the last call, so that
 * there may be work for which no bell will ring.
 */
bool shm_signal_enable(struct shm_signal *s)
{
	u32 pending;

	s->enabled = next_enabled(s->enabled);
	WRITE_ONCE(s->local->enabled, cpu_to_le32(s->enabled));
	/*
	 * Our number is out before we look for work, here and in the caller.
	 * Pairs with the virt_mb() in shm_signal_inject().
	 */
	virt_mb();
	/* Pairs with the virt_store_release() in shm_signal_inject(). */
	pending = le32_to_cpu(virt_load_acquire(&s->remote->pending));
	if (pending == s->seen)
		return false;
	s->seen = pending;
	return true;
}
EXPORT_SYMBOL_GPL(shm_signal_enable);

/**
 * shm_signal_disable - ask for no bell
 * @s: the signal
 *
 * Saves the other side bells while we poll without having been signalled. One
 * that is on its way arrives all the same.
 *
 * Context: any; the receiver's, one call at a time.
 */
void shm_signal_disable(struct shm_signal *s)
{
	WRITE_ONCE(s->local->enabled, 0);
}
EXPORT_SYMBOL_GPL(shm_signal_disable);

/**
 * shm_signal_inject - tell the other side that there is work
 * @s: the signal
 *
 * Everything that the caller has written to shared memory before is seen by
 * whoever is woken by this, and by whoever finds it without having been woken.
 *
 * Context: any in which the connector's inject may run; the sender's, one call
 * at a time.
 * Return: true if the bell was rung, false if the other side did not ask.
 */
bool shm_signal_inject(struct shm_signal *s)
{
	u32 enabled;

	/*
	 * Whoever sees the count sees the work that it is for.
	 * Pairs with the virt_load_acquire() in shm_signal_enable().
	 */
	virt_store_release(&s->local->pending, cpu_to_le32(++s->pending));
	/*
	 * The work and the count are out before we look whether anybody waits
	 * for them. Pairs with the virt_mb() in shm_signal_enable().
	 */
	virt_mb();
	enabled = le32_to_cpu(READ_ONCE(s->remote->enabled));
	if (enabled == s->answered)
		return false;
	s->answered = enabled;
	if (!enabled)
		return false;
	s->ops->inject(s);
	return true;
}
EXPORT_SYMBOL_GPL(shm_signal_inject);

/**
 * shm_signal_wakeup - the other side's bell has rung
 * @s: the signal
 * @ctx: what the notifier may do
 *
 * For connectors. It may be called when nobody injected; a notifier looks for
 * work and finds none. While there is no notifier, nothing happens.
 *
 * Context: as @ctx says.
 */
void shm_signal_wakeup(struct shm_signal *s, enum shm_signal_context ctx)
{
	struct shm_signal_notifier *notifier;

	/* Pairs with the smp_store_release() in shm_signal_set_notifier(). */
	notifier = smp_load_acquire(&s->notifier);
	if (notifier)
		notifier->signal(notifier, ctx);
}
EXPORT_SYMBOL_GPL(shm_signal_wakeup);

/**
 * shm_signal_set_notifier - say who is told when the bell rings
 * @s: the signal
 * @notifier: set up completely, or NULL
 *
 * Comes before the first enable. A notifier that is replaced may still be
 * running, and about to run, when this returns; it is over once the connector
 * has ended the signal's bell: its interrupt is freed or its connection closed.
 *
 * Context: any; one call at a time.
 */
void shm_signal_set_notifier(struct shm_signal *s,
			     struct shm_signal_notifier *notifier)
{
	/*
	 * The bell may ring at once: the notifier's contents come first.
	 * Pairs with the smp_load_acquire() in shm_signal_wakeup().
	 */
	smp_store_release(&s->notifier, notifier);
}
EXPORT_SYMBOL_GPL(shm_signal_set_notifier);
