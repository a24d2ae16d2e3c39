// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connector for KVM guests: the hypercall
 *
 * Structures travel by guest-physical address, so each is copied to memory of
 * the slab first. The host answers EAGAIN when the VMM's thread was interrupted
 * in the middle: the call has done nothing and is made again. How long is
 * bounded, because a host that never stops is as good as none.
 *
 * An interface that is given up loses its addresses, and whoever uses it. So that a
 * bell has found nobody, or that there is no bus, is believed when it is said twice.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kvm_para.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kvm.h"

static_assert(sizeof(struct vbus_kvm_negotiate) == 64);
static_assert(sizeof(struct vbus_kvm_list) == 32);
static_assert(sizeof(struct vbus_kvm_open) == 16);
static_assert(sizeof(struct vbus_kvm_call) == 24);
static_assert(sizeof(struct vbus_kvm_shm) == 40);
static_assert(sizeof(struct vbus_kvm_eventq) == 32);
static_assert(sizeof(struct vbus_kvm_events) == 640);

/* With the sleeps between them this is about a minute. */
#define MAX_TRIES	6000

static int to_errno(long ret)
{
	if (ret == -KVM_ENOSYS)
		return -ENODEV;
	if (ret > 0 || ret < -MAX_ERRNO)
		return -EIO;
	return ret;
}

static int ring_again(u32 handle, u32 id, long first)
{
	long ret = kvm_hypercall3(KVM_HC_VBUS, VBUS_KVM_DOORBELL, handle, id);

	if (!ret)
		pr_warn_ratelimited("bell %u of %u failed once: %ld\n", id, handle,
				    first);
	return to_errno(ret);
}

/**
 * vbus_kvm_doorbell - ring a device's bell
 * @handle: the connection
 * @id: the region whose signal it is
 *
 * Context: any.
 * Return: 0, or an error when the connection is no more.
 */
int vbus_kvm_doorbell(u32 handle, u32 id)
{
	long ret = kvm_hypercall3(KVM_HC_VBUS, VBUS_KVM_DOORBELL, handle, id);

	return likely(!ret) ? 0 : ring_again(handle, id, ret);
}

/**
 * vbus_kvm_set_msi - tell the host where an MSI goes
 * @slot: its slot
 * @dest: APIC ID
 * @msi: VBUS_KVM_MSI_*, or 0 to mask it
 *
 * Context: any, also with interrupts off.
 * Return: 0, or the host's error.
 */
int vbus_kvm_set_msi(u32 slot, u32 dest, u32 msi)
{
	return to_errno(kvm_hypercall4(KVM_HC_VBUS, VBUS_KVM_SET_MSI, slot,
				       dest, msi));
}

/* Before the next try; more patient with each. */
static void pause_before(unsigned int tries)
{
	if (tries < 16)
		cond_resched();
	else
		fsleep(min(tries * 100, 10000U));
}

static int call(u32 verb, unsigned long a1)
{
	bool no_bus = false;
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		long ret = kvm_hypercall2(KVM_HC_VBUS, verb, a1);

		if (ret != -EAGAIN && (ret != -KVM_ENOSYS || no_bus))
			return to_errno(ret);
		no_bus = ret == -KVM_ENOSYS;
		if (fatal_signal_pending(current))
			return -EINTR;
		pause_before(tries);
	}
	return -ETIMEDOUT;
}

/**
 * vbus_kvm_verb - a verb with a structure
 * @verb: VBUS_KVM_*
 * @arg: the structure, anywhere; has the answer, if there is one
 * @size: its bytes
 *
 * Context: may sleep.
 * Return: 0; the host's error; -ENODEV when there is no bus; -EINTR when current
 * is being killed; -ETIMEDOUT when the host keeps asking to try again; -ENOMEM.
 */
int vbus_kvm_verb(u32 verb, void *arg, size_t size)
{
	void *buf = kmemdup(arg, size, GFP_KERNEL);
	int err;

	if (!buf)
		return -ENOMEM;
	err = call(verb, virt_to_phys(buf));
	memcpy(arg, buf, size);
	kfree(buf);
	return err;
}

/*
 * What gives our memory back to us must not be given up because of a signal.
 * ENODEV: the host is about to end that connection itself, so wait for it.
 */
static int call_end(u32 verb, unsigned long a1)
{
	unsigned int tries;
	int err = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		long ret = kvm_hypercall2(KVM_HC_VBUS, verb, a1);

		err = to_errno(ret);
		if (ret != -EAGAIN && ret != -ENODEV)
			return err;
		pause_before(tries);
	}
	return err;
}

/**
 * vbus_kvm_close - end a connection
 * @handle: the connection
 *
 * Context: may sleep.
 * Return: 0, or an error: then there is no such connection any more, or the host
 * is mad.
 */
int vbus_kvm_close(u32 handle)
{
	return call_end(VBUS_KVM_CLOSE, handle);
}

/**
 * vbus_kvm_reset - end everything
 *
 * Context: may sleep.
 * Return: 0, or the host's error.
 */
int vbus_kvm_reset(void)
{
	return call_end(VBUS_KVM_RESET, 0);
}
