/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus for KVM: what the files of the host connector share
 *
 * Lifetime
 *
 * A VM that its creator made while a member of a bus holds that bus (kvm->vbus)
 * from creation to destruction. Nothing more exists until the guest's first
 * NEGOTIATE makes a struct kvm_vbus (kvm->vbus_state), which stays, with its
 * client of the bus, until the VM is destroyed. Negotiating again, a reset of
 * the VM and RESET end all connections and forget the event queues and MSIs.
 *
 * The VM cannot be destroyed while a vCPU is in a verb, so verbs may use the
 * struct kvm. All else that runs for a connection (notifiers, works, inject)
 * is over when vbus_client_destroy() has returned, before the struct kvm goes.
 * No reference to the VM is ever taken. Memory of struct kvm_vbus is counted
 * by its memctx: connections and regions keep it.
 *
 * Locks, outermost first
 *
 *	kvm->slots_lock or vcpu->mutex	as the ioctl has taken them
 *	  kvm_vbus.lock		read: a control verb; write: NEGOTIATE, RESET,
 *				EVENTQ. Readers wait interruptibly, because a
 *				verb may take as long as the VMM's memory does.
 *				kvm->srcu is not held
 *	    kvm_vbus.worker_lock	start of the worker
 *	    kvm->srcu		resolving, pinning and listing a region are one
 *				critical section
 *	      kvm_vbus.region_lock	list of regions, and whether each is
 *				live; taken under slots_lock too, when a slot
 *				goes or comes; never held over a wait for srcu
 *	kvm_vbus.work_lock	spinlock, leaf: queue of the worker
 *	kvm_vbus_msi.lock	raw, leaf: the target of an MSI; held from
 *				reading it until the interrupt is raised
 *
 * Doorbell and SET_MSI take none but the last two.
 */
#ifndef _VIRT_KVM_VBUS_H
#define _VIRT_KVM_VBUS_H

#include <linux/kvm_host.h>
#include <linux/vbus.h>
#include <linux/vbus_kvm.h>

/* Limits of one VM. */
#define KVM_VBUS_MAX_MSIS	256
#define KVM_VBUS_MAX_EVENTQS	64
#define KVM_VBUS_MAX_PAGES	(SZ_512M >> PAGE_SHIFT)

/**
 * struct kvm_vbus_msi - one slot of the guest's table of MSIs
 * @lock: protects the rest
 * @enabled: not masked
 * @route: the message, in the form that the interrupt code takes
 */
struct kvm_vbus_msi {
	raw_spinlock_t lock;
	bool enabled;
	struct kvm_kernel_irq_routing_entry route;
};

/**
 * struct kvm_vbus_eventq - an event queue of the guest
 * @ref: the table's, and one for each signal that is delivered here
 * @vb: whose
 * @shm: the page with @events
 * @events: the bitmap, in the guest's memory
 * @msi: index of its MSI
 */
struct kvm_vbus_eventq {
	struct kref ref;
	struct kvm_vbus *vb;
	struct vbus_shm *shm;
	struct vbus_kvm_events *events;
	u32 msi;
};

/**
 * struct kvm_vbus - a VM's use of its bus
 * @memctx: the VM's memory; its reference count is the structure's
 * @kvm: the VM
 * @client: the VM as a client of its bus
 * @lock: see above
 * @negotiated: the verbs may be used; under @lock
 * @region_lock: protects @regions and @nr_pages
 * @regions: struct kvm_vbus_region
 * @nr_pages: pages in them
 * @msis: the table of MSIs
 * @eventqs: the event queues; RCU readers; written under @lock
 * @deferred: MSIs that could not be raised where they were asked for
 * @deferred_work: raises them
 * @worker_lock: serializes the start of @worker
 * @work_lock: protects the rest
 * @worker: does the devices' work in the VMM's process; or NULL
 * @worker_runs: @worker takes work; false once it was killed
 * @worker_settled: @worker is no copy of a vCPU any more; its own
 * @works: struct vbus_work, queued
 */
struct kvm_vbus {
	struct vbus_memctx memctx;
	struct kvm *kvm;
	struct vbus_client *client;
	struct rw_semaphore lock;
	bool negotiated;

	struct mutex region_lock;	/* see the top of the file */
	struct list_head regions;
	unsigned int nr_pages;

	struct kvm_vbus_msi *msis;
	struct kvm_vbus_eventq __rcu *eventqs[KVM_VBUS_MAX_EVENTQS];
	DECLARE_BITMAP(deferred, KVM_VBUS_MAX_MSIS);
	struct work_struct deferred_work;

	struct mutex worker_lock;	/* see the top of the file */
	spinlock_t work_lock;		/* see the top of the file */
	struct vhost_task *worker;
	bool worker_runs;
	bool worker_settled;
	struct list_head works;
};

/* Return: the VM's use of its bus, or NULL before the first NEGOTIATE. */
static inline struct kvm_vbus *kvm_vbus_get_state(struct kvm *kvm)
{
	/* Pairs with the cmpxchg() that publishes it. */
	return smp_load_acquire(&kvm->vbus_state);
}

/* vbus_mem.c: the guest's memory */
extern const struct vbus_memctx_ops kvm_vbus_memctx_ops;
int kvm_vbus_read_guest(struct kvm *kvm, gpa_t gpa, void *data, size_t len);
int kvm_vbus_write_guest(struct kvm *kvm, gpa_t gpa, const void *data,
			 size_t len);
struct vbus_shm *kvm_vbus_region_create(struct kvm_vbus *vb,
					const struct vbus_shm_seg *segs,
					unsigned int nr_segs, bool map);
void kvm_vbus_region_bell(struct vbus_shm *shm, u32 handle, u32 id);
void kvm_vbus_regions_end(struct kvm_vbus *vb);

/* vbus_irq.c: towards the guest */
int kvm_vbus_irq_init(struct kvm_vbus *vb);
void kvm_vbus_irq_reset(struct kvm_vbus *vb);
void kvm_vbus_irq_free(struct kvm_vbus *vb);
int kvm_vbus_set_msi(struct kvm_vbus *vb, unsigned long slot,
		     unsigned long dest, unsigned long msi);
int kvm_vbus_eventq_create(struct kvm_vbus *vb,
			   const struct vbus_kvm_eventq *arg);
void kvm_vbus_devices_changed(struct kvm_vbus *vb);
void kvm_vbus_region_resumed(struct kvm_vbus *vb, struct vbus_shm *shm);
struct shm_signal *kvm_vbus_signal_create(struct kvm_vbus *vb,
					  struct vbus_shm *shm,
					  const struct vbus_kvm_shm *arg);

/* vbus_work.c: the devices' work */
int kvm_vbus_worker_start(struct kvm_vbus *vb);
void kvm_vbus_worker_stop(struct kvm_vbus *vb);
bool kvm_vbus_queue_work(struct vbus_client *client, struct vbus_work *work);

#endif /* _VIRT_KVM_VBUS_H */
