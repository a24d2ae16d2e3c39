/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus membership: what fork, exit and /proc/<pid>/vbus call
 */
#ifndef _LINUX_VBUS_MEMBER_H
#define _LINUX_VBUS_MEMBER_H

#include <linux/sched.h>
#include <linux/sched/signal.h>

/* Bytes of the name of a bus, with the closing zero. */
#define VBUS_NAME_LEN	128

#ifdef CONFIG_VBUS

int vbus_member_set(struct task_struct *task, const char *name);
void vbus_member_name(struct task_struct *task, char name[VBUS_NAME_LEN]);

void __vbus_fork_inherit(struct signal_struct *sig);
void __vbus_fork_cancel(struct signal_struct *sig);
void __vbus_fork_publish(struct task_struct *p);
void vbus_exit(struct task_struct *tsk);

/*
 * A new process: it is a member of its parent's bus before anybody can see
 * it. A process that is a member of no bus pays for a test here, and one more
 * when it is published.
 */
static inline void vbus_fork_inherit(struct signal_struct *sig)
{
	if (unlikely(rcu_access_pointer(current->signal->vbus)))
		__vbus_fork_inherit(sig);
}

/* The fork failed after vbus_fork_inherit(). */
static inline void vbus_fork_cancel(struct task_struct *p, u64 clone_flags)
{
	if (!(clone_flags & CLONE_THREAD) &&
	    unlikely(rcu_access_pointer(p->signal->vbus)))
		__vbus_fork_cancel(p->signal);
}

/* The fork can no longer fail: list the new member. */
static inline void vbus_fork_publish(struct task_struct *p, u64 clone_flags)
{
	if (!(clone_flags & CLONE_THREAD) &&
	    unlikely(rcu_access_pointer(p->signal->vbus)))
		__vbus_fork_publish(p);
}

#else /* !CONFIG_VBUS */

static inline void vbus_fork_inherit(struct signal_struct *sig) {}
static inline void vbus_fork_cancel(struct task_struct *p, u64 clone_flags) {}
static inline void vbus_fork_publish(struct task_struct *p, u64 clone_flags) {}
static inline void vbus_exit(struct task_struct *tsk) {}

#endif /* CONFIG_VBUS */

#endif /* _LINUX_VBUS_MEMBER_H */
