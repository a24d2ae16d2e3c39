/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus connector for KVM guests: what its files share
 *
 * Locks, outermost first
 *
 *	the hotplug work	one at a time; alone changes the list of devices.
 *				Not running while suspended or stopped
 *	  vbus_proxy_device.lock	the verbs of a device; its list of signals
 *	    vbus_kvm.events_lock	sets of event queues
 *
 * Interrupts find a signal by their own data, or in a queue under RCU. Before a
 * signal is put for the last time by us, its interrupt is freed, or its event is
 * taken from the queue and a grace period has passed.
 */
#ifndef _DRIVERS_VBUS_KVM_H
#define _DRIVERS_VBUS_KVM_H

#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/vbus_driver.h>
#include <linux/vbus_kvm.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct irq_domain;
struct vbus_kvm;

/**
 * struct vbus_kvm_msi - an interrupt of ours
 * @vk: whose
 * @slot: its place in the host's table
 * @irq: its number here; 0: none
 * @data: the handler's
 */
struct vbus_kvm_msi {
	struct vbus_kvm *vk;
	u32 slot;
	unsigned int irq;
	void *data;
};

/* Event queues of one CPU, the one that is served first in front. */
enum {
	VBUS_KVM_QUEUE_HIGH,
	VBUS_KVM_QUEUE_LOW,
	VBUS_KVM_QUEUES
};

/**
 * struct vbus_kvm_queue - an event queue
 * @vk: whose
 * @index: what the host calls it
 * @higher: the queue that is looked at before each word of this one, or NULL
 * @events: a page that the host posts to
 * @signals: event to struct vbus_kvm_signal; RCU readers
 * @msi: its interrupt
 * @again: goes on when an interrupt has found too much to do
 */
struct vbus_kvm_queue {
	struct vbus_kvm *vk;
	u32 index;
	struct vbus_kvm_queue *higher;
	struct vbus_kvm_events *events;
	struct xarray signals;
	struct vbus_kvm_msi msi;
	struct irq_work again;
};

/**
 * struct vbus_kvm_event_set - the event queues of one CPU
 * @node: in vbus_kvm.event_sets
 * @cpu: the CPU, or -1 for signals that have none
 * @queues: by VBUS_KVM_QUEUE_*
 */
struct vbus_kvm_event_set {
	struct list_head node;
	int cpu;
	struct vbus_kvm_queue queues[VBUS_KVM_QUEUES];
};

/**
 * struct vbus_kvm - the connector; there is one bus to connect to
 * @dev: parent of the devices
 * @devices: struct vbus_kvm_device
 * @wq: runs @hotplug; frozen during suspend
 * @hotplug: makes @devices what the host's list says; now and then by itself
 * @max_msis: slots of the host's table
 * @max_eventqs: event queues that the host takes
 * @domain: where our interrupts are from
 * @slots: slots in use
 * @events_lock: protects the next two
 * @event_sets: struct vbus_kvm_event_set; the first has no CPU and is always
 *	there
 * @nr_eventqs: queues in them
 * @msi_lost: the host does not know where an interrupt went: begin anew
 * @last_error: of @hotplug, which says it once
 */
struct vbus_kvm {
	struct device *dev;
	struct list_head devices;
	struct workqueue_struct *wq;
	struct delayed_work hotplug;

	u32 max_msis;
	u32 max_eventqs;
	struct irq_domain *domain;
	struct ida slots;
	struct mutex events_lock;	/* see the top of the file */
	struct list_head event_sets;
	u32 nr_eventqs;
	bool msi_lost;
	int last_error;
};

/**
 * struct vbus_kvm_device - a device on the host's bus
 * @vdev: what the driver sees
 * @vk: the connector
 * @node: in vbus_kvm.devices
 * @instance: what the host's list had beside its dev-id
 * @handle: the connection, while open
 * @signals: struct vbus_kvm_signal of the connection
 * @lost: a doorbell found nobody
 * @seen: the host's list has it; the hotplug work's
 */
struct vbus_kvm_device {
	struct vbus_proxy_device vdev;
	struct vbus_kvm *vk;
	struct list_head node;
	__le32 instance;
	u32 handle;
	struct list_head signals;
	bool lost;
	bool seen;
};

/**
 * struct vbus_kvm_signal - the driver's side of a region's signal
 * @signal: the signal
 * @kdev: its device; a reference
 * @handle: the connection
 * @id: the region
 * @node: in @kdev->signals
 * @closed: the connection has ended
 * @msi: its interrupt, if it has one for itself
 * @queue: where it is an event, or NULL
 * @event: its number there
 */
struct vbus_kvm_signal {
	struct shm_signal signal;
	struct vbus_kvm_device *kdev;
	u32 handle;
	u32 id;
	struct list_head node;
	bool closed;
	struct vbus_kvm_msi msi;
	struct vbus_kvm_queue *queue;
	u32 event;
};

/* Have the hotplug work look at the host's list now. Context: any. */
static inline void vbus_kvm_update(struct vbus_kvm *vk)
{
	mod_delayed_work(vk->wq, &vk->hotplug, 0);
}

/* kvm-call.c: hypercalls */
int vbus_kvm_doorbell(u32 handle, u32 id);
int vbus_kvm_set_msi(u32 slot, u32 dest, u32 msi);
int vbus_kvm_verb(u32 verb, void *arg, size_t size);
int vbus_kvm_close(u32 handle);
int vbus_kvm_reset(void);

/* kvm-irq.c: interrupts */
int vbus_kvm_irq_init(struct vbus_kvm *vk);
void vbus_kvm_irq_exit(struct vbus_kvm *vk);
int vbus_kvm_msi_request(struct vbus_kvm *vk, struct vbus_kvm_msi *msi, int cpu,
			 irq_handler_t handler, const char *name, void *data);
void vbus_kvm_msi_free(struct vbus_kvm_msi *msi);

/* kvm-event.c: event queues */
int vbus_kvm_events_start(struct vbus_kvm *vk);
void vbus_kvm_events_stop(struct vbus_kvm *vk);
int vbus_kvm_event_add(struct vbus_kvm *vk, int cpu, unsigned int queue,
		       struct vbus_kvm_signal *signal);
void vbus_kvm_event_del(struct vbus_kvm_signal *signal);
#if IS_ENABLED(CONFIG_KUNIT)
void vbus_kvm_event_set_init(struct vbus_kvm_event_set *set, int cpu);
void vbus_kvm_queue_run(struct vbus_kvm_queue *q);
#endif

/* kvm-device.c: devices and their verbs */
int vbus_kvm_device_add(struct vbus_kvm *vk,
			const struct vbus_device_info *info);
void vbus_kvm_device_del(struct vbus_kvm_device *kdev);
void vbus_kvm_devices_wait(void);

#endif /* _DRIVERS_VBUS_KVM_H */
