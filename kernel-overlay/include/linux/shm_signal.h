/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shm-signal: an interrupt-like signal between two sides of shared memory.
 * See lib/shm_signal.c for how it works and why nothing is lost.
 */
#ifndef _LINUX_SHM_SIGNAL_H
#define _LINUX_SHM_SIGNAL_H

#include <linux/align.h>
#include <asm/byteorder.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kref.h>
#include <linux/types.h>
#include <uapi/linux/shm_signal.h>

struct shm_signal;
struct shm_signal_notifier;

/**
 * enum shm_signal_role - which side of the shared memory is ours
 * @SHM_SIGNAL_GUEST: the driver's side
 * @SHM_SIGNAL_HOST: the device's side
 */
enum shm_signal_role {
	SHM_SIGNAL_GUEST,
	SHM_SIGNAL_HOST,
};

/**
 * enum shm_signal_context - what a notifier may do
 * @SHM_SIGNAL_ATOMIC: nothing that sleeps: interrupts may be off and the
 *	caller may hold locks, even those of the other side's transmit path
 * @SHM_SIGNAL_PROCESS: task context without locks that matter: may sleep
 */
enum shm_signal_context {
	SHM_SIGNAL_ATOMIC,
	SHM_SIGNAL_PROCESS,
};

/**
 * struct shm_signal_notifier - who is told when the other side injects
 * @signal: called by shm_signal_wakeup(); may be called spuriously, and by
 *	several CPUs at a time: a guest can ring one bell from each of its
 *	processors, and a connector's worker may ring it as well
 */
struct shm_signal_notifier {
	void (*signal)(struct shm_signal_notifier *notifier,
		       enum shm_signal_context ctx);
};

/**
 * struct shm_signal_ops - what a connector provides
 * @inject: ring the other side's bell; called from any context in which
 *	shm_signal_inject() is, never sleeps
 * @release: the last reference is gone: free @s
 */
struct shm_signal_ops {
	void (*inject)(struct shm_signal *s);
	void (*release)(struct shm_signal *s);
};

/**
 * struct shm_signal - one side's private view of a signal
 * @ref: number of holders
 * @ops: the connector's
 * @local: what we publish in shared memory, and never read back
 * @remote: what the other side publishes, and may rewrite at any time
 * @notifier: told of the other side's injections, or NULL
 * @enabled: receiver: the number of our last enable
 * @seen: receiver: the other side's pending as we have last seen it
 * @pending: sender: how often we have injected
 * @answered: sender: the other side's enabled as we have last seen it; if that
 *	was a number, it has been answered
 *
 * The receiver's and the sender's words are used by different CPUs.
 */
struct shm_signal {
	struct kref ref;
	const struct shm_signal_ops *ops;
	struct shm_signal_side *local;
	const struct shm_signal_side *remote;
	struct shm_signal_notifier *notifier;
	u32 enabled;
	u32 seen;
	u32 pending ____cacheline_aligned_in_smp;
	u32 answered;
};

/**
 * shm_signal_fits - may a signal live there?
 * @offset: where in the region, in bytes; may come from the other side
 * @len: the region's length in bytes; the region starts on a page
 *
 * Return: true if a whole and aligned struct shm_signal_desc is at @offset.
 */
static inline bool shm_signal_fits(u64 offset, u64 len)
{
	return IS_ALIGNED(offset, SHM_SIGNAL_ALIGN) &&
	       len >= sizeof(struct shm_signal_desc) &&
	       offset <= len - sizeof(struct shm_signal_desc);
}

void shm_signal_init(struct shm_signal *s, enum shm_signal_role role,
		     struct shm_signal_desc *desc,
		     const struct shm_signal_ops *ops);
void shm_signal_free(struct kref *ref);
bool shm_signal_enable(struct shm_signal *s);
void shm_signal_disable(struct shm_signal *s);
bool shm_signal_inject(struct shm_signal *s);
void shm_signal_wakeup(struct shm_signal *s, enum shm_signal_context ctx);
void shm_signal_set_notifier(struct shm_signal *s,
			     struct shm_signal_notifier *notifier);

/**
 * shm_signal_wanted - would an injection ring the bell?
 * @s: the signal
 *
 * For a sender that may put its injection off, and would rather not where it
 * costs nothing. A look without a barrier: either answer may be out of date,
 * and only an injection, now or later, makes sure that nothing is lost.
 *
 * Context: any; the sender's.
 * Return: true if the other side asks for a bell that it has not got.
 */
static inline bool shm_signal_wanted(const struct shm_signal *s)
{
	u32 enabled = le32_to_cpu(READ_ONCE(s->remote->enabled));

	return enabled && enabled != s->answered;
}

/**
 * shm_signal_get - take a reference
 * @s: the signal
 *
 * Return: @s.
 */
static inline struct shm_signal *shm_signal_get(struct shm_signal *s)
{
	kref_get(&s->ref);
	return s;
}

/**
 * shm_signal_put - drop a reference
 * @s: the signal; NULL is allowed
 *
 * Context: any in which the connector's release may run.
 */
static inline void shm_signal_put(struct shm_signal *s)
{
	if (s)
		kref_put(&s->ref, shm_signal_free);
}

#endif /* _LINUX_SHM_SIGNAL_H */
