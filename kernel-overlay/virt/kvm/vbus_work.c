// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus for KVM, the host's side: the task that does the devices' work
 *
 * What a device cannot finish in a doorbell goes on here. One task per VM, made
 * when the guest first opens a device: a thread of the VMM, with its memory,
 * its cgroups, and its end. When the VMM is killed, the task drains the queue
 * and takes no more; nothing of the VM runs after that, so nobody misses it.
 *
 * It begins as a copy of the vCPU's thread that opened the device, which may be
 * real-time. That is not for the work of all vCPUs, so it is given up first. Where
 * it may run stays the administrator's: what has been said of the vCPU holds for
 * it, until something is said of it.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/sched/vhost_task.h>
#include <uapi/linux/sched/types.h>

#include "vbus.h"

static struct vbus_work *next_work(struct kvm_vbus *vb)
{
	struct vbus_work *work;
	unsigned long flags;

	spin_lock_irqsave(&vb->work_lock, flags);
	work = list_first_entry_or_null(&vb->works, struct vbus_work, entry);
	if (work)
		list_del_init(&work->entry);
	spin_unlock_irqrestore(&vb->work_lock, flags);
	return work;
}

/*
 * A vCPU that has rung goes on: what it sends next is then done with the rest.
 * SCHED_BATCH is what runs beside it or after it, and never in its place. Once:
 * what an administrator changes afterwards stays.
 */
static void worker_settle(void)
{
	struct sched_attr attr = {
		.sched_policy = SCHED_BATCH,
		.sched_nice = task_nice(current),
	};

	sched_setattr_nocheck(current, &attr);
}

static bool worker_fn(void *data)
{
	struct kvm_vbus *vb = data;
	struct vbus_work *work = next_work(vb);

	if (!work)
		return false;
	/* The caller has prepared to sleep. */
	__set_current_state(TASK_RUNNING);
	if (!vb->worker_settled) {
		vb->worker_settled = true;
		worker_settle();
	}
	vbus_work_run(work);
	cond_resched();
	return true;
}

static void worker_set(struct kvm_vbus *vb, struct vhost_task *task, bool runs)
{
	spin_lock_irq(&vb->work_lock);
	vb->worker = task;
	vb->worker_runs = runs;
	spin_unlock_irq(&vb->work_lock);
}

static void worker_refuse(struct kvm_vbus *vb)
{
	worker_set(vb, vb->worker, false);
}

/* Each has a reference to its connection to drop; none can be queued again. */
static void worker_drain(struct kvm_vbus *vb)
{
	struct vbus_work *work;

	while ((work = next_work(vb)))
		vbus_work_run(work);
}

static void worker_killed(void *data)
{
	struct kvm_vbus *vb = data;

	worker_refuse(vb);
	worker_drain(vb);
}

/**
 * kvm_vbus_queue_work - a device has work that needs the VM's memory
 * @client: the VM's
 * @work: what to do
 *
 * Context: any.
 * Return: false when nobody would do it, because the VMM is being killed.
 */
bool kvm_vbus_queue_work(struct vbus_client *client, struct vbus_work *work)
{
	struct kvm_vbus *vb = vbus_client_priv(client);
	unsigned long flags;
	bool runs;

	spin_lock_irqsave(&vb->work_lock, flags);
	runs = vb->worker_runs;
	if (runs) {
		list_add_tail(&work->entry, &vb->works);
		vhost_task_wake(vb->worker);
	}
	spin_unlock_irqrestore(&vb->work_lock, flags);
	return runs;
}

/**
 * kvm_vbus_worker_start - see to it that there is a worker
 * @vb: the VM's state
 *
 * A worker that was killed is replaced by the next OPEN: its process may be gone
 * while another one that shares the memory still runs the VM. Queues that had
 * work for the one that was killed stand until they are rung again.
 *
 * Context: a thread of the VMM; may sleep.
 * Return: 0, -EAGAIN when interrupted, or -ENOMEM.
 */
int kvm_vbus_worker_start(struct kvm_vbus *vb)
{
	struct vhost_task *task;
	char name[TASK_COMM_LEN];
	int err = 0;

	if (mutex_lock_interruptible(&vb->worker_lock))
		return -EAGAIN;
	if (READ_ONCE(vb->worker_runs))
		goto out;
	if (vb->worker)
		vhost_task_stop(vb->worker);
	vb->worker = NULL;

	snprintf(name, sizeof(name), "kvm-vbus-%d", task_tgid_nr(current));
	task = vhost_task_create(worker_fn, worker_killed, vb, name);
	if (IS_ERR_OR_NULL(task)) {
		/* A kick of the VMM's is enough: no task is made with a signal. */
		err = signal_pending(current) ? -EAGAIN : -ENOMEM;
		goto out;
	}
	vb->worker_settled = false;
	worker_set(vb, task, true);
	vhost_task_start(task);
out:
	mutex_unlock(&vb->worker_lock);
	return err;
}

/**
 * kvm_vbus_worker_stop - end the worker, at the end of the VM
 * @vb: the VM's state; all connections have ended
 *
 * Context: may sleep; any task but the worker.
 */
void kvm_vbus_worker_stop(struct kvm_vbus *vb)
{
	worker_refuse(vb);
	if (vb->worker)
		vhost_task_stop(vb->worker);
	worker_drain(vb);
}
