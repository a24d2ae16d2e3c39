// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connector for KVM guests: event queues
 *
 * Signals that have no interrupt for themselves share one: each is a bit in a
 * page that the host posts to, see struct vbus_kvm_events. The queues come in
 * sets of two, of which one is served first; a set for each CPU that a signal
 * asked for, and one for signals that did not ask.
 *
 * The first queue of the first set is number 0, where the host posts that
 * devices came or went.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "kvm.h"

static_assert(sizeof(struct vbus_kvm_events) <= PAGE_SIZE);

/* How often an interrupt looks again before it lets others have a turn. */
#define MAX_ROUNDS	8

/* vbus_kvm_event_set.cpu of a set that nobody is to find. */
#define VBUS_KVM_NO_CPU	(-2)

static const char * const queue_names[] = {
	[VBUS_KVM_QUEUE_HIGH] = "vbus-events-high",
	[VBUS_KVM_QUEUE_LOW] = "vbus-events-low",
};

static bool event_is_devices(const struct vbus_kvm_queue *q, u32 event)
{
	return !q->index && event == VBUS_KVM_EVENT_DEVICES;
}

static void event_handle(struct vbus_kvm_queue *q, u32 event)
{
	struct vbus_kvm_signal *signal;

	if (event_is_devices(q, event)) {
		vbus_kvm_update(q->vk);
		return;
	}
	signal = xa_load(&q->signals, event);
	if (signal)
		shm_signal_wakeup(&signal->signal, SHM_SIGNAL_ATOMIC);
}

/* Take all bits of a word that the host sets bits in. */
static u64 take(__le64 *word)
{
	return le64_to_cpu((__force __le64)
			   atomic64_xchg((atomic64_t *)word, 0));
}

static bool eventq_pending(const struct vbus_kvm_queue *q)
{
	return READ_ONCE(q->events->selector);
}

static void eventq_drain(struct vbus_kvm_queue *q)
{
	u64 selector = take(&q->events->selector);

	for (; selector; selector &= selector - 1) {
		u32 word = __ffs64(selector);
		u64 bits;

		if (q->higher && eventq_pending(q->higher))
			eventq_drain(q->higher);
		for (bits = take(&q->events->words[word]); bits;
		     bits &= bits - 1)
			event_handle(q, word * 64 + __ffs64(bits));
	}
}

/**
 * vbus_kvm_queue_run - handle what has been posted to a queue, and arm it
 * @q: the queue
 *
 * Context: hard interrupt.
 */
VISIBLE_IF_KUNIT void vbus_kvm_queue_run(struct vbus_kvm_queue *q)
{
	unsigned int round;

	guard(rcu)();
	for (round = 0; round < MAX_ROUNDS; round++) {
		WRITE_ONCE(q->events->armed, 0);
		eventq_drain(q);
		WRITE_ONCE(q->events->armed, cpu_to_le32(1));
		/* Pairs with the host's setting the selector's bit. */
		virt_mb();
		if (!eventq_pending(q))
			return;
	}
	irq_work_queue(&q->again);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_kvm_queue_run);

static irqreturn_t eventq_interrupt(int irq, void *data)
{
	vbus_kvm_queue_run(data);
	return IRQ_HANDLED;
}

static void eventq_again(struct irq_work *work)
{
	vbus_kvm_queue_run(container_of(work, struct vbus_kvm_queue, again));
}

/* Tell the host of a queue whose interrupt is ready. */
static int eventq_register(struct vbus_kvm_queue *q)
{
	struct vbus_kvm_eventq arg = {
		.addr = cpu_to_le64(virt_to_phys(q->events)),
		.index = cpu_to_le32(q->index),
		.msi = cpu_to_le32(q->msi.slot),
	};

	return vbus_kvm_verb(VBUS_KVM_EVENTQ, &arg, sizeof(arg));
}

static void eventq_free(struct vbus_kvm_queue *q)
{
	vbus_kvm_msi_free(&q->msi);
	irq_work_sync(&q->again);
	xa_destroy(&q->signals);
	free_page((unsigned long)q->events);
}

static int eventq_init(struct vbus_kvm_queue *q, struct vbus_kvm *vk, int cpu,
		       const char *name)
{
	int err;

	q->vk = vk;
	q->index = vk->nr_eventqs++;
	q->events = (void *)get_zeroed_page(GFP_KERNEL);
	if (!q->events)
		return -ENOMEM;
	q->events->armed = cpu_to_le32(1);
	err = vbus_kvm_msi_request(vk, &q->msi, cpu, eventq_interrupt, name, q);
	return err ?: eventq_register(q);
}

/**
 * vbus_kvm_event_set_init - set up queues that nobody posts to yet
 * @set: the set, all zero
 * @cpu: the CPU, or -1
 *
 * Context: any.
 */
VISIBLE_IF_KUNIT void vbus_kvm_event_set_init(struct vbus_kvm_event_set *set,
					      int cpu)
{
	unsigned int i;

	set->cpu = cpu;
	for (i = 0; i < VBUS_KVM_QUEUES; i++) {
		xa_init_flags(&set->queues[i].signals, XA_FLAGS_ALLOC);
		init_irq_work(&set->queues[i].again, eventq_again);
	}
	set->queues[VBUS_KVM_QUEUE_LOW].higher =
		&set->queues[VBUS_KVM_QUEUE_HIGH];
}
EXPORT_SYMBOL_IF_KUNIT(vbus_kvm_event_set_init);

/*
 * A set that is not complete. The host may know some of its queues, until a
 * reset, and posts to all that it knows when their memory slot comes back: so
 * the pages stay, in a set that is no CPU's.
 */
static void set_bury(struct vbus_kvm_event_set *set)
{
	unsigned int i;

	for (i = VBUS_KVM_QUEUES; i--; )
		vbus_kvm_msi_free(&set->queues[i].msi);
	set->cpu = VBUS_KVM_NO_CPU;
}

static void set_free(struct vbus_kvm_event_set *set)
{
	unsigned int i;

	/* The low queue's interrupt looks at the high queue. */
	for (i = VBUS_KVM_QUEUES; i--; )
		if (set->queues[i].vk)
			eventq_free(&set->queues[i]);
	kfree(set);
}

static struct vbus_kvm_event_set *set_create(struct vbus_kvm *vk, int cpu)
{
	struct vbus_kvm_event_set *set;
	unsigned int i;
	int err = 0;

	if (vk->nr_eventqs + VBUS_KVM_QUEUES > vk->max_eventqs)
		return ERR_PTR(-ENOSPC);
	set = kzalloc_obj(*set, GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	vbus_kvm_event_set_init(set, cpu);
	for (i = 0; i < VBUS_KVM_QUEUES && !err; i++)
		err = eventq_init(&set->queues[i], vk, cpu, queue_names[i]);
	list_add_tail(&set->node, &vk->event_sets);
	if (err) {
		set_bury(set);
		return ERR_PTR(err);
	}
	return set;
}

/* The set of a CPU; if it cannot be had, the one of no CPU. */
static struct vbus_kvm_event_set *set_get(struct vbus_kvm *vk, int cpu)
{
	struct vbus_kvm_event_set *set;

	list_for_each_entry(set, &vk->event_sets, node)
		if (set->cpu == cpu)
			return set;
	set = set_create(vk, cpu);
	/* Without the set that is always there, no other can stand in for it. */
	if (!IS_ERR(set) || cpu < 0 || list_empty(&vk->event_sets))
		return set;
	return list_first_entry(&vk->event_sets, struct vbus_kvm_event_set,
				node);
}

/**
 * vbus_kvm_event_add - let a signal be an event
 * @vk: the connector
 * @cpu: where it should arrive, or -1 for anywhere
 * @queue: VBUS_KVM_QUEUE_*
 * @signal: gets its queue and event
 *
 * Context: may sleep.
 * Return: 0, or -EBUSY when the queue has no event left, -ENOSPC when the host
 * takes no more queues, -ENOMEM, or an error of the host or of its interrupt.
 */
int vbus_kvm_event_add(struct vbus_kvm *vk, int cpu, unsigned int queue,
		       struct vbus_kvm_signal *signal)
{
	struct vbus_kvm_event_set *set;
	struct vbus_kvm_queue *q;
	int err;

	guard(mutex)(&vk->events_lock);
	set = set_get(vk, cpu);
	if (IS_ERR(set))
		return PTR_ERR(set);
	q = &set->queues[queue];
	/* Number 0 is kept free in every queue: in the first it has an owner. */
	err = xa_alloc(&q->signals, &signal->event, signal,
		       XA_LIMIT(1, VBUS_KVM_EVENT_MAX - 1), GFP_KERNEL);
	if (!err)
		signal->queue = q;
	return err;
}

/**
 * vbus_kvm_event_del - let a signal be an event no longer
 * @signal: the signal; its notifier is not called any more on return
 *
 * Context: may sleep.
 */
void vbus_kvm_event_del(struct vbus_kvm_signal *signal)
{
	xa_erase(&signal->queue->signals, signal->event);
	synchronize_rcu();
	signal->queue = NULL;
}

/**
 * vbus_kvm_events_start - set up the queues that are always there
 * @vk: the connector, after NEGOTIATE
 *
 * Context: may sleep.
 * Return: 0, or an error of the host or of the interrupt code.
 */
int vbus_kvm_events_start(struct vbus_kvm *vk)
{
	guard(mutex)(&vk->events_lock);
	vk->nr_eventqs = 0;
	return PTR_ERR_OR_ZERO(set_create(vk, -1));
}

/**
 * vbus_kvm_events_stop - free all queues
 * @vk: the connector; the host has been reset, and no signal is left
 *
 * Context: may sleep.
 */
void vbus_kvm_events_stop(struct vbus_kvm *vk)
{
	struct vbus_kvm_event_set *set, *next;

	guard(mutex)(&vk->events_lock);
	list_for_each_entry_safe(set, next, &vk->event_sets, node) {
		list_del(&set->node);
		set_free(set);
	}
}
