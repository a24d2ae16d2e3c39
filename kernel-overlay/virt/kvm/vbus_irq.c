// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus for KVM, the host's side: how a device's signal gets to the guest
 *
 * The guest has a table of MSIs, filled with SET_MSI. A signal either has a slot
 * of that table for itself, or it is an event in one of the event queues, of
 * which each has a slot: then many signals share an interrupt, and those that
 * come while it is handled cost none.
 *
 * An MSI is read and raised under its lock, or, where it cannot be raised there,
 * by a work. SET_MSI takes that lock and waits for the work. So when SET_MSI has
 * returned, nothing goes to the old destination any more, and the guest finds
 * what went there before by looking at its queues once. The lock is raw, because
 * devices signal with interrupts off.
 *
 * An event is a bit in the guest's memory. Who sets the first bit of a word
 * sets the word's bit in the selector, and who sets the first bit of that
 * raises the MSI. Whatever the guest writes there, this ends after two atomic
 * operations.
 */
#include <linux/atomic.h>
#include <linux/msi.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "vbus.h"

/**
 * struct kvm_vbus_signal - a signal as the host's side sees it
 * @signal: the signal
 * @vb: whose
 * @shm: the region that it lives in; a reference
 * @eventq: where it is an event, or NULL; a reference
 * @number: of the event, or of the MSI
 */
struct kvm_vbus_signal {
	struct shm_signal signal;
	struct kvm_vbus *vb;
	struct vbus_shm *shm;
	struct kvm_vbus_eventq *eventq;
	u32 number;
};

/*
 * MSIs
 */

static bool msi_deliver(struct kvm_vbus *vb, struct kvm_vbus_msi *msi)
{
	unsigned long flags;
	int ret = 0;

	raw_spin_lock_irqsave(&msi->lock, flags);
	if (msi->enabled)
		ret = kvm_arch_set_irq_inatomic(&msi->route, vb->kvm,
						KVM_USERSPACE_IRQ_SOURCE_ID, 1,
						false);
	raw_spin_unlock_irqrestore(&msi->lock, flags);
	return ret != -EWOULDBLOCK;
}

/* Raise an MSI; when that is not possible here, soon. Any context. */
static void msi_raise(struct kvm_vbus *vb, u32 slot)
{
	if (likely(msi_deliver(vb, &vb->msis[slot])))
		return;
	set_bit(slot, vb->deferred);
	queue_work(system_dfl_wq, &vb->deferred_work);
}

static bool msi_read(struct kvm_vbus_msi *msi, struct kvm_msi *msg)
{
	unsigned long flags;
	bool enabled;

	memset(msg, 0, sizeof(*msg));
	raw_spin_lock_irqsave(&msi->lock, flags);
	msg->address_lo = msi->route.msi.address_lo;
	msg->address_hi = msi->route.msi.address_hi;
	msg->data = msi->route.msi.data;
	enabled = msi->enabled;
	raw_spin_unlock_irqrestore(&msi->lock, flags);
	return enabled;
}

/* Without the lock: who changes the target waits for the work. */
static void deferred_raise(struct kvm_vbus *vb, u32 slot)
{
	struct kvm_msi msg;

	if (msi_read(&vb->msis[slot], &msg))
		kvm_send_userspace_msi(vb->kvm, &msg);
}

static void deferred_work(struct work_struct *work)
{
	struct kvm_vbus *vb = container_of(work, struct kvm_vbus,
					   deferred_work);
	unsigned int slot;

	for_each_set_bit(slot, vb->deferred, KVM_VBUS_MAX_MSIS)
		if (test_and_clear_bit(slot, vb->deferred))
			deferred_raise(vb, slot);
}

/* One vCPU, or those of a logical destination; never all of them. */
static bool dest_ok(struct kvm *kvm, u32 dest)
{
	if (dest == U32_MAX)
		return false;
	if (!kvm->arch.x2apic_format)
		return dest < 0xff;
	return dest != 0xff || kvm->arch.x2apic_broadcast_quirk_disabled;
}

/* The message that a PCI device would write. */
static void msi_compose(struct kvm_kernel_irq_routing_entry *route, u32 dest,
			u32 vector, bool logical)
{
	arch_msi_msg_addr_lo_t lo = {
		.base_address = X86_MSI_BASE_ADDRESS_LOW,
		.dest_mode_logical = logical,
		.destid_0_7 = dest & 0xff,
	};

	memset(route, 0, sizeof(*route));
	route->type = KVM_IRQ_ROUTING_MSI;
	memcpy(&route->msi.address_lo, &lo, sizeof(route->msi.address_lo));
	route->msi.address_hi = dest & ~0xff;
	route->msi.data = vector;
}

/**
 * kvm_vbus_set_msi - the guest says where an MSI goes
 * @vb: the VM's state
 * @slot: its number, from the guest
 * @dest: APIC ID, from the guest
 * @msi: VBUS_KVM_MSI_*, or 0 to mask it, from the guest
 *
 * Context: a vCPU's thread; may sleep.
 * Return: 0, or -ENOENT when there is no such slot, -EINVAL for a destination
 * or vector that no device may use.
 */
int kvm_vbus_set_msi(struct kvm_vbus *vb, unsigned long slot,
		     unsigned long dest, unsigned long msi)
{
	struct kvm_kernel_irq_routing_entry route;
	u32 vector = msi & VBUS_KVM_MSI_VECTOR;
	struct kvm_vbus_msi *entry;
	unsigned long flags;

	if (slot >= KVM_VBUS_MAX_MSIS)
		return -ENOENT;
	if (msi & ~(VBUS_KVM_MSI_VECTOR | VBUS_KVM_MSI_LOGICAL |
		    VBUS_KVM_MSI_ENABLE))
		return -EINVAL;
	if (msi && (!(msi & VBUS_KVM_MSI_ENABLE) || vector < 16 ||
		    dest > U32_MAX || !dest_ok(vb->kvm, dest)))
		return -EINVAL;
	msi_compose(&route, dest, vector, msi & VBUS_KVM_MSI_LOGICAL);

	entry = &vb->msis[array_index_nospec(slot, KVM_VBUS_MAX_MSIS)];
	raw_spin_lock_irqsave(&entry->lock, flags);
	entry->route = route;
	entry->enabled = msi;
	raw_spin_unlock_irqrestore(&entry->lock, flags);
	flush_work(&vb->deferred_work);
	return 0;
}

/*
 * Event queues
 */

/* Set a bit of a word in the guest's memory. Return: the word was zero. */
static bool event_set(__le64 *word, unsigned int bit)
{
	s64 mask = (__force s64)cpu_to_le64(BIT_ULL(bit));

	return !atomic64_fetch_or(mask, (atomic64_t *)word);
}

static void event_post(struct kvm_vbus_eventq *q, u32 event)
{
	struct vbus_kvm_events *events = q->events;
	u32 word = event / 64;

	guard(rcu)();
	if (!vbus_shm_live(q->shm))
		return;
	/* Fully ordered: pairs with the guest's arming and looking again. */
	if (event_set(&events->words[word], event % 64) &&
	    event_set(&events->selector, word) && READ_ONCE(events->armed))
		msi_raise(q->vb, q->msi);
	vbus_shm_dirty(q->shm, 0, sizeof(*events));
}

static void eventq_release(struct kref *ref)
{
	struct kvm_vbus_eventq *q =
		container_of(ref, struct kvm_vbus_eventq, ref);

	vbus_shm_put(q->shm);
	kfree(q);
}

static void eventq_put(struct kvm_vbus_eventq *q)
{
	if (q)
		kref_put(&q->ref, eventq_release);
}

static struct kvm_vbus_eventq *eventq_alloc(struct kvm_vbus *vb, u64 addr,
					    u32 msi)
{
	struct vbus_shm_seg seg = {
		.addr = cpu_to_le64(addr),
		.len = cpu_to_le64(PAGE_SIZE),
	};
	struct kvm_vbus_eventq *q = kzalloc_obj(*q, GFP_KERNEL_ACCOUNT);

	if (!q)
		return ERR_PTR(-ENOMEM);
	q->shm = kvm_vbus_region_create(vb, &seg, 1, true);
	if (IS_ERR(q->shm)) {
		int err = PTR_ERR(q->shm);

		kfree(q);
		return ERR_PTR(err);
	}
	kref_init(&q->ref);
	q->vb = vb;
	q->events = q->shm->vaddr;
	q->msi = msi;
	return q;
}

/**
 * kvm_vbus_eventq_create - the guest sets up an event queue
 * @vb: the VM's state; its lock is held for writing
 * @arg: from the guest, copied
 *
 * Context: a thread of the VMM; may sleep.
 * Return: 0, or -ENOENT when there is no such queue or slot, -EBUSY when the
 * queue is set up, -EINVAL when something reserved is not zero, or an error of
 * kvm_vbus_region_create().
 */
int kvm_vbus_eventq_create(struct kvm_vbus *vb,
			   const struct vbus_kvm_eventq *arg)
{
	u32 index = le32_to_cpu(arg->index), msi = le32_to_cpu(arg->msi);
	struct kvm_vbus_eventq *q;

	lockdep_assert_held_write(&vb->lock);
	if (memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	if (index >= KVM_VBUS_MAX_EVENTQS || msi >= KVM_VBUS_MAX_MSIS)
		return -ENOENT;
	index = array_index_nospec(index, KVM_VBUS_MAX_EVENTQS);
	msi = array_index_nospec(msi, KVM_VBUS_MAX_MSIS);
	if (rcu_access_pointer(vb->eventqs[index]))
		return -EBUSY;
	q = eventq_alloc(vb, le64_to_cpu(arg->addr), msi);
	if (IS_ERR(q))
		return PTR_ERR(q);
	rcu_assign_pointer(vb->eventqs[index], q);
	return 0;
}

/**
 * kvm_vbus_devices_changed - tell the guest that devices came or went
 * @vb: the VM's state
 *
 * Context: any.
 */
void kvm_vbus_devices_changed(struct kvm_vbus *vb)
{
	struct kvm_vbus_eventq *q;

	guard(rcu)();
	q = rcu_dereference(vb->eventqs[0]);
	if (q)
		event_post(q, VBUS_KVM_EVENT_DEVICES);
}

/**
 * kvm_vbus_region_resumed - a region that was suspended is live again
 * @vb: the VM's state
 * @shm: the region
 *
 * If it is an event queue, events have been lost: so all of them have happened.
 *
 * Context: may sleep.
 */
void kvm_vbus_region_resumed(struct kvm_vbus *vb, struct vbus_shm *shm)
{
	struct kvm_vbus_eventq *q;
	unsigned int i, event;

	guard(rcu)();
	for (i = 0; i < KVM_VBUS_MAX_EVENTQS; i++) {
		q = rcu_dereference(vb->eventqs[i]);
		if (!q || q->shm != shm)
			continue;
		for (event = 0; event < VBUS_KVM_EVENT_MAX; event++)
			event_post(q, event);
		msi_raise(vb, q->msi);
	}
}

/*
 * Signals
 */

static void signal_inject(struct shm_signal *s)
{
	struct kvm_vbus_signal *signal =
		container_of(s, struct kvm_vbus_signal, signal);

	if (signal->eventq)
		event_post(signal->eventq, signal->number);
	else
		msi_raise(signal->vb, signal->number);
}

/* Its region keeps the state of the VM, so that goes last. */
static void signal_release(struct shm_signal *s)
{
	struct kvm_vbus_signal *signal =
		container_of(s, struct kvm_vbus_signal, signal);

	eventq_put(signal->eventq);
	vbus_shm_put(signal->shm);
	kfree(signal);
}

static const struct shm_signal_ops signal_ops = {
	.inject = signal_inject,
	.release = signal_release,
};

static int signal_to_msi(struct kvm_vbus_signal *signal,
			 const struct vbus_kvm_shm *arg)
{
	u32 slot = le32_to_cpu(arg->target);

	if (arg->event)
		return -EINVAL;
	if (slot >= KVM_VBUS_MAX_MSIS)
		return -ENOENT;
	signal->number = array_index_nospec(slot, KVM_VBUS_MAX_MSIS);
	return 0;
}

static int signal_to_eventq(struct kvm_vbus_signal *signal,
			    const struct vbus_kvm_shm *arg)
{
	u32 event = le32_to_cpu(arg->event), index = le32_to_cpu(arg->target);
	struct kvm_vbus *vb = signal->vb;
	struct kvm_vbus_eventq *q;

	if (event >= VBUS_KVM_EVENT_MAX)
		return -EINVAL;
	if (index >= KVM_VBUS_MAX_EVENTQS)
		return -ENOENT;
	index = array_index_nospec(index, KVM_VBUS_MAX_EVENTQS);
	q = rcu_dereference_protected(vb->eventqs[index],
				      lockdep_is_held(&vb->lock));
	if (!q)
		return -ENOENT;
	kref_get(&q->ref);
	signal->eventq = q;
	signal->number = array_index_nospec(event, VBUS_KVM_EVENT_MAX);
	return 0;
}

static int signal_target(struct kvm_vbus_signal *signal,
			 const struct vbus_kvm_shm *arg)
{
	switch (le32_to_cpu(arg->delivery)) {
	case VBUS_KVM_DELIVERY_MSI:
		return signal_to_msi(signal, arg);
	case VBUS_KVM_DELIVERY_EVENT:
		return signal_to_eventq(signal, arg);
	default:
		return -EINVAL;
	}
}

/**
 * kvm_vbus_signal_create - make the host's side of a region's signal
 * @vb: the VM's state; its lock is held
 * @shm: the region, mapped
 * @arg: from the guest, copied
 *
 * Context: may sleep.
 * Return: the signal, or an ERR_PTR: -EINVAL when it is not aligned or not in
 * the region, or has no such way of delivery; -ENOENT when there is no such
 * slot or event queue; -ENOMEM.
 */
struct shm_signal *kvm_vbus_signal_create(struct kvm_vbus *vb,
					  struct vbus_shm *shm,
					  const struct vbus_kvm_shm *arg)
{
	u32 offset = le32_to_cpu(arg->signal_offset);
	struct kvm_vbus_signal *signal;
	int err;

	if (!shm_signal_fits(offset, shm->len))
		return ERR_PTR(-EINVAL);
	signal = kzalloc_obj(*signal, GFP_KERNEL_ACCOUNT);
	if (!signal)
		return ERR_PTR(-ENOMEM);
	signal->vb = vb;
	err = signal_target(signal, arg);
	if (err) {
		kfree(signal);
		return ERR_PTR(err);
	}
	signal->shm = vbus_shm_get(shm);
	shm_signal_init(&signal->signal, SHM_SIGNAL_HOST, shm->vaddr + offset,
			&signal_ops);
	vbus_shm_dirty(shm, offset, sizeof(struct shm_signal_desc));
	return &signal->signal;
}

/*
 * Life
 */

static void msis_mask(struct kvm_vbus *vb)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < KVM_VBUS_MAX_MSIS; i++) {
		raw_spin_lock_irqsave(&vb->msis[i].lock, flags);
		vb->msis[i].enabled = false;
		raw_spin_unlock_irqrestore(&vb->msis[i].lock, flags);
	}
}

/**
 * kvm_vbus_irq_init - make the table of MSIs
 * @vb: the VM's state
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM. kvm_vbus_irq_reset() and kvm_vbus_irq_free() may be called
 * either way.
 */
int kvm_vbus_irq_init(struct kvm_vbus *vb)
{
	unsigned int i;

	INIT_WORK(&vb->deferred_work, deferred_work);
	vb->msis = kvcalloc(KVM_VBUS_MAX_MSIS, sizeof(*vb->msis),
			    GFP_KERNEL_ACCOUNT);
	if (!vb->msis)
		return -ENOMEM;
	for (i = 0; i < KVM_VBUS_MAX_MSIS; i++)
		raw_spin_lock_init(&vb->msis[i].lock);
	return 0;
}

/**
 * kvm_vbus_irq_reset - forget all event queues and MSIs
 * @vb: the VM's state; its lock is held for writing, unless nobody else knows
 *	of it; all connections have ended
 *
 * Context: may sleep.
 */
void kvm_vbus_irq_reset(struct kvm_vbus *vb)
{
	struct kvm_vbus_eventq *qs[KVM_VBUS_MAX_EVENTQS];
	bool any = false;
	unsigned int i;

	for (i = 0; i < KVM_VBUS_MAX_EVENTQS; i++) {
		qs[i] = unrcu_pointer(xchg(&vb->eventqs[i], NULL));
		any |= !!qs[i];
	}
	if (any)
		synchronize_rcu();
	for (i = 0; i < KVM_VBUS_MAX_EVENTQS; i++)
		eventq_put(qs[i]);
	if (!vb->msis)
		return;
	msis_mask(vb);
	/* What it would raise is masked, so it does not queue itself again. */
	cancel_work_sync(&vb->deferred_work);
	bitmap_zero(vb->deferred, KVM_VBUS_MAX_MSIS);
}

/**
 * kvm_vbus_irq_free - free the table of MSIs
 * @vb: the VM's state, which nobody uses any more
 *
 * Context: any.
 */
void kvm_vbus_irq_free(struct kvm_vbus *vb)
{
	kvfree(vb->msis);
}
