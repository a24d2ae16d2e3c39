/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Virtual-Bus for KVM guests: the hypercall, its structures, and the memory
 * in which the host posts events
 *
 * The guest calls KVM_HC_VBUS, see <linux/kvm_para.h>, with a verb in the first
 * argument. All values are little-endian and the same for 32- and 64-bit
 * guests; in registers, only the low 32 bits of numbers are used and the rest
 * must be zero. Addresses are guest-physical. Reserved fields are zero and are
 * refused when they are not.
 *
 * An answer is zero or one of these, negated. The numbers are part of the ABI:
 *
 *	   1  EPERM		not at CPL 0
 *	   2  ENOENT		no such dev-id, handle, signal, slot or queue
 *	   5  EIO		the device failed for a reason that has no number
 *	  11  EAGAIN		interrupted, or a memory slot is being changed: make
 *				the same call again
 *	  12  ENOMEM		not enough memory, or not allowed to pin more
 *	  13  EACCES		the device does not allow it
 *	  14  EFAULT		an address at which no plain memory is
 *	  16  EBUSY		in use
 *	  17  EEXIST		exists
 *	  19  ENODEV		the device has gone
 *	  22  EINVAL		a field or register has a value that it must not
 *	  28  ENOSPC		a limit is reached
 *	  34  ERANGE		a number that the device cannot do
 *	  71  EPROTO		not in this order
 *	  93  EPROTONOSUPPORT	a version or feature that the host does not know
 *	  95  EOPNOTSUPP	this VM or this device cannot do that
 *	 107  ENOTCONN		NEGOTIATE comes first
 *	 110  ETIMEDOUT		the device did not answer
 *	1000  KVM_ENOSYS	no Virtual-Bus here
 */
#ifndef _UAPI_LINUX_VBUS_KVM_H
#define _UAPI_LINUX_VBUS_KVM_H

#include <linux/types.h>
#include <linux/vbus.h>

/* What the two sides say to be sure of each other. */
#define VBUS_KVM_MAGIC_GUEST		0x47737562
#define VBUS_KVM_MAGIC_HOST		0x48737562

#define VBUS_KVM_VERSION		1

/*
 * The verbs. Those with a structure take its address in the second argument;
 * the host writes its answer into the same structure.
 */
#define VBUS_KVM_NEGOTIATE		0	/* struct vbus_kvm_negotiate */
#define VBUS_KVM_RESET			1	/* nothing */
#define VBUS_KVM_LIST			2	/* struct vbus_kvm_list */
#define VBUS_KVM_OPEN			3	/* struct vbus_kvm_open */
#define VBUS_KVM_CLOSE			4	/* handle */
#define VBUS_KVM_CALL			5	/* struct vbus_kvm_call */
#define VBUS_KVM_SHM			6	/* struct vbus_kvm_shm */
#define VBUS_KVM_EVENTQ			7	/* struct vbus_kvm_eventq */
#define VBUS_KVM_DOORBELL		8	/* handle, id of the signal */
#define VBUS_KVM_SET_MSI		9	/* slot, destination, MSI */

/**
 * struct vbus_kvm_negotiate - agree on how to talk; ends all that was before
 * @magic: the guest writes VBUS_KVM_MAGIC_GUEST, the host VBUS_KVM_MAGIC_HOST
 * @version: VBUS_KVM_VERSION; with EPROTONOSUPPORT the answer is what the host
 *	speaks
 * @features: none yet: zero both ways; with EPROTONOSUPPORT what the host has
 * @max_msis: answer: how many slots SET_MSI has
 * @max_eventqs: answer: how many event queues there may be
 * @max_connections: answer: how many devices may be open at a time
 * @max_shms: answer: how many regions a device may have
 * @reserved: zero
 */
struct vbus_kvm_negotiate {
	__le32 magic;
	__le32 version;
	__le64 features;
	__le32 max_msis;
	__le32 max_eventqs;
	__le32 max_connections;
	__le32 max_shms;
	__le64 reserved[4];
};

/**
 * struct vbus_kvm_list - what is on the bus
 * @addr: where the host writes an array of struct vbus_device_info
 * @first: devices with a dev-id of at least this one
 * @max: elements in the array, at most VBUS_KVM_LIST_MAX
 * @count: answer: elements written; less than @max says that this was the end
 * @generation: answer: changes whenever a device comes or goes
 * @reserved: zero
 */
struct vbus_kvm_list {
	__le64 addr;
	__le32 first;
	__le32 max;
	__le32 count;
	__le32 generation;
	__le64 reserved;
};

#define VBUS_KVM_LIST_MAX		100

/**
 * struct vbus_kvm_open - open a device
 * @id: its dev-id
 * @version: of the ABI of its type
 * @handle: answer: names the connection from now on
 * @instance: of the device that is meant, as the list had it; or 0: whichever has
 *	the dev-id now
 */
struct vbus_kvm_open {
	__le32 id;
	__le32 version;
	__le32 handle;
	__le32 instance;
};

/**
 * struct vbus_kvm_call - call a device
 * @handle: the connection
 * @func: the function, defined by the type of the device
 * @addr: where the data is; the host writes it back when the call succeeds
 * @len: bytes of data, at most VBUS_CALL_MAX
 * @reserved: zero
 */
struct vbus_kvm_call {
	__le32 handle;
	__le32 func;
	__le64 addr;
	__le32 len;
	__le32 reserved;
};

/* vbus_kvm_shm.delivery: how the region's signal reaches the guest. */
#define VBUS_KVM_DELIVERY_NONE		0	/* it has none */
#define VBUS_KVM_DELIVERY_MSI		1	/* an MSI of its own */
#define VBUS_KVM_DELIVERY_EVENT		2	/* an event in a queue */

/**
 * struct vbus_kvm_shm - register a region of memory
 * @handle: the connection
 * @id: number of the region, and of its signal; not in use
 * @segs: where an array of struct vbus_shm_seg is
 * @nr_segs: its elements, at most VBUS_SHM_MAX_SEGS
 * @signal_offset: where in the region the struct shm_signal_desc is, or
 *	VBUS_SHM_NO_SIGNAL
 * @delivery: VBUS_KVM_DELIVERY_*
 * @target: the slot of the MSI, or the number of the event queue
 * @event: the number of the event, or zero
 * @reserved: zero
 */
struct vbus_kvm_shm {
	__le32 handle;
	__le32 id;
	__le64 segs;
	__le32 nr_segs;
	__le32 signal_offset;
	__le32 delivery;
	__le32 target;
	__le32 event;
	__le32 reserved;
};

/**
 * struct vbus_kvm_eventq - set up an event queue; stays until a reset
 * @addr: where its struct vbus_kvm_events is; that page must hold nothing else
 * @index: number of the queue, from zero
 * @msi: the slot of its MSI
 * @reserved: zero
 */
struct vbus_kvm_eventq {
	__le64 addr;
	__le32 index;
	__le32 msi;
	__le64 reserved[2];
};

/* Events of one queue. */
#define VBUS_KVM_EVENT_WORDS		64
#define VBUS_KVM_EVENT_MAX		(VBUS_KVM_EVENT_WORDS * 64)

/* In queue 0: devices came or went; LIST says which. */
#define VBUS_KVM_EVENT_DEVICES		0

/**
 * struct vbus_kvm_events - where events are posted, a bitmap in two levels
 * @selector: bit n: look at word n
 * @reserved1: zero
 * @armed: written by the guest only: not zero when it wants an MSI
 * @reserved2: zero
 * @words: bit n of word m: event 64 * m + n has happened
 *
 * The host sets the bit in a word; when the word was zero, the word's bit in
 * the selector; when that was zero and the guest is armed, it raises the MSI.
 * The guest disarms; exchanges the selector for zero, then each word that it
 * named; handles the events; arms, and looks at the selector again. Both use
 * atomic operations on aligned 64-bit words. It cannot overflow, and whatever
 * the guest writes here misleads nobody but itself.
 */
struct vbus_kvm_events {
	__le64 selector;
	__u8 reserved1[56];
	__le32 armed;
	__u8 reserved2[60];
	__le64 words[VBUS_KVM_EVENT_WORDS];
};

/*
 * SET_MSI: the second argument is the slot; the third the destination's APIC
 * ID, below 255 unless the VM uses 32-bit IDs; the fourth is zero for a slot
 * that is masked, or made of these. Delivery is fixed, edge-triggered. What was
 * raised before SET_MSI returns may have gone to the old destination or, from
 * a masked slot, nowhere: the guest looks at its queues once afterwards.
 */
#define VBUS_KVM_MSI_VECTOR		0x000000ff	/* 16 or more */
#define VBUS_KVM_MSI_LOGICAL		0x00000100	/* destination mode */
#define VBUS_KVM_MSI_ENABLE		0x00000200	/* always, unless masked */

#endif /* _UAPI_LINUX_VBUS_KVM_H */
