// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus membership: which processes are on which bus
 *
 * A process is a member of one bus or of none: signal->vbus, which is a hold
 * on the bus. It is inherited over fork, kept over exec, and gone with the
 * last thread, before the parent can see that it exited. Each member has a
 * file in the bus's directory "members", called by its process ID in the
 * initial namespace; the file is there before fork or write returns and gone
 * when exit or write has left the bus. It is a listing only: a member whose
 * file could not be made is a member, and counted.
 *
 * vbus_member_lock orders everything that changes a visible process's
 * membership or its listing. Readers of signal->vbus use RCU. Where others
 * meet it without the lock:
 *
 *  - exit of a process that is on no bus takes no lock. A write that puts it
 *    on one meanwhile stores signal->vbus, then looks at signal->live; exit
 *    decrements live to 0, then looks at signal->vbus. With a full barrier on
 *    either side at least one of them sees the other; both may, and whoever
 *    takes the pointer away has the cleaning to do.
 *  - fork copies from the parent without the lock, and so gets the bus from
 *    before or from after a write. The child may be written to as soon as it
 *    can be found, before it is listed: listing goes by what it is on then,
 *    and does nothing when the write has already done it.
 */
#define pr_fmt(fmt) "vbus: " fmt

#include <kunit/visibility.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>
#include "vbus.h"

static DEFINE_MUTEX(vbus_member_lock);

/* A file in "members". */
struct vbus_member_file {
	struct kobj_attribute attr;
	char name[12];
};

static ssize_t vbus_member_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", attr->attr.name);
}

static int vbus_member_add_file(struct vbus *bus, pid_t tgid)
{
	struct vbus_member_file *file;
	int err = -ENOMEM;

	file = kzalloc_obj(*file, GFP_KERNEL_ACCOUNT);
	if (!file)
		return err;
	snprintf(file->name, sizeof(file->name), "%d", tgid);
	sysfs_attr_init(&file->attr.attr);
	file->attr.attr.name = file->name;
	file->attr.attr.mode = 0444;
	file->attr.show = vbus_member_show;

	err = xa_insert(&bus->member_files, tgid, file, GFP_KERNEL_ACCOUNT);
	if (err)
		goto free;
	err = sysfs_create_file(bus->members, &file->attr.attr);
	if (err)
		goto erase;
	return 0;

erase:
	xa_erase(&bus->member_files, tgid);
free:
	kfree(file);
	return err;
}

static void vbus_member_list(struct vbus *bus, pid_t tgid)
{
	int err = vbus_member_add_file(bus, tgid);

	if (err) {
		atomic_inc(&bus->unlisted);
		pr_warn_once("member %d of %s is not listed: %d\n",
			     tgid, bus->name, err);
	}
	trace_vbus_member_create(bus->name, tgid, !err);
}

static void vbus_member_unlist(struct vbus *bus, pid_t tgid)
{
	struct vbus_member_file *file = xa_erase(&bus->member_files, tgid);

	trace_vbus_member_destroy(bus->name, tgid, file);
	if (!file)
		return;
	sysfs_remove_file(bus->members, &file->attr.attr);
	kfree(file);
}

/*
 * Give a process another bus, or none. Takes over the hold on @bus, and returns
 * the bus whose hold is now the caller's to drop: the former one, or @bus
 * again when nothing changed.
 */
static struct vbus *vbus_member_replace(struct task_struct *task,
					struct vbus *bus)
{
	struct signal_struct *sig = task->signal;
	struct vbus *old;

	lockdep_assert_held(&vbus_member_lock);
	old = rcu_dereference_protected(sig->vbus, true);
	if (old == bus)
		return old;
	if (old)
		vbus_member_unlist(old, task_tgid_nr(task));
	rcu_assign_pointer(sig->vbus, bus);
	if (bus)
		vbus_member_list(bus, task_tgid_nr(task));
	return old;
}

/* No thread of it is left that has not begun to exit. */
static bool vbus_member_exiting(struct task_struct *task)
{
	return !atomic_read(&task->signal->live);
}

VISIBLE_IF_KUNIT int vbus_member_move(struct task_struct *task, struct vbus *bus)
{
	struct vbus *last = NULL;
	struct vbus *old;

	mutex_lock(&vbus_member_lock);
	old = vbus_member_replace(task, bus);
	/*
	 * Store signal->vbus before looking at signal->live; pairs with
	 * atomic_dec_and_test(&signal->live) in do_exit(), which comes before
	 * vbus_exit() looks at signal->vbus.
	 */
	smp_mb();
	if (vbus_member_exiting(task))
		last = vbus_member_replace(task, NULL);
	mutex_unlock(&vbus_member_lock);

	if (old)
		vbus_release(old);
	if (last)
		vbus_release(last);
	return vbus_member_exiting(task) ? -ESRCH : 0;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_member_move);

/**
 * vbus_member_set - put a process on a bus, or take it off
 * @task: any thread of it, referenced; the caller may do this to it
 * @name: the name of the bus, or "0" for none
 *
 * Context: process, may sleep; not within a callback of configfs.
 * Return: 0; -EPERM when it is a kernel thread; -ESRCH when it is exiting;
 * -ENOENT when there is no such bus, or it is being made or removed; -ENOMEM.
 */
int vbus_member_set(struct task_struct *task, const char *name)
{
	struct vbus *bus = NULL;

	if (task->flags & PF_KTHREAD)
		return -EPERM;
	if (vbus_member_exiting(task))
		return -ESRCH;
	if (strcmp(name, "0")) {
		bus = vbus_find(name);
		if (IS_ERR(bus))
			return PTR_ERR(bus);
	}
	return vbus_member_move(task, bus);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_member_set);

/**
 * vbus_member_name - the bus that a process is on
 * @task: any thread of it, referenced
 * @name: receives the name, or "0" when it is on none
 *
 * Context: any.
 */
void vbus_member_name(struct task_struct *task, char name[VBUS_NAME_LEN])
{
	struct vbus *bus;

	guard(rcu)();
	bus = rcu_dereference(task->signal->vbus);
	strscpy(name, bus ? bus->name : "0", VBUS_NAME_LEN);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_member_name);

/**
 * vbus_of - the bus that a process is a member of, held
 * @sig: the process
 *
 * Context: any.
 * Return: the bus, and vbus_release() is due; NULL when it is on none.
 */
struct vbus *vbus_of(struct signal_struct *sig)
{
	struct vbus *bus;

	guard(rcu)();
	/*
	 * The hold fails only after the last member has left, and that one had
	 * cleared its pointer first: read it again.
	 */
	do {
		bus = rcu_dereference(sig->vbus);
	} while (bus && !vbus_hold(bus));
	return bus;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_of);

/**
 * vbus_of_current - the bus that the calling process is a member of, held
 *
 * Context: process; does not sleep.
 * Return: the bus, and vbus_release() is due; NULL when it is on none.
 */
struct vbus *vbus_of_current(void)
{
	return vbus_of(current->signal);
}
EXPORT_SYMBOL_GPL(vbus_of_current);

/**
 * __vbus_fork_inherit - a new process is on its parent's bus
 * @sig: the new process, which nobody else knows yet
 *
 * Context: fork(); cannot fail.
 */
void __vbus_fork_inherit(struct signal_struct *sig)
{
	RCU_INIT_POINTER(sig->vbus, vbus_of(current->signal));
}

/**
 * __vbus_fork_cancel - the new process will not be
 * @sig: the process, which nobody else has known
 *
 * Context: fork(), may sleep.
 */
void __vbus_fork_cancel(struct signal_struct *sig)
{
	struct vbus *bus = rcu_dereference_protected(sig->vbus, true);

	RCU_INIT_POINTER(sig->vbus, NULL);
	vbus_release(bus);
}
EXPORT_SYMBOL_IF_KUNIT(__vbus_fork_cancel);

/**
 * __vbus_fork_publish - list a new process
 * @p: the process; it can be found but does not run yet
 *
 * Context: fork(), may sleep; cannot fail.
 */
void __vbus_fork_publish(struct task_struct *p)
{
	pid_t tgid = task_tgid_nr(p);
	struct vbus *bus;

	guard(mutex)(&vbus_member_lock);
	bus = rcu_dereference_protected(p->signal->vbus, true);
	if (bus && !xa_load(&bus->member_files, tgid))
		vbus_member_list(bus, tgid);
}
EXPORT_SYMBOL_IF_KUNIT(__vbus_fork_publish);

/**
 * vbus_exit - the last thread of a process exits
 * @tsk: the thread
 *
 * Context: do_exit(), before exit_notify(), may sleep.
 */
void vbus_exit(struct task_struct *tsk)
{
	struct vbus *bus;

	/* Ordered after the decrement of live: see vbus_member_move(). */
	if (likely(!rcu_access_pointer(tsk->signal->vbus)))
		return;
	mutex_lock(&vbus_member_lock);
	bus = vbus_member_replace(tsk, NULL);
	mutex_unlock(&vbus_member_lock);
	if (bus)
		vbus_release(bus);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_exit);
