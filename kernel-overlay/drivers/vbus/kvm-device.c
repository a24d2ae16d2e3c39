// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connector for KVM guests: devices and their verbs
 *
 * Each verb is a hypercall. Memory is named by its guest-physical address.
 *
 * A connection can end on the host's side at any time. The doorbell finds out
 * first: any error of it means that the device is lost. It is marked as gone,
 * and the hotplug work removes it.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait_bit.h>

#include "kvm.h"

/*
 * Devices that have not been released. Whoever holds the last reference to one
 * runs our code, so the module stays until there is none.
 */
static atomic_t kvm_devices = ATOMIC_INIT(0);

static struct vbus_kvm_device *to_kdev(struct vbus_proxy_device *vdev)
{
	return container_of(vdev, struct vbus_kvm_device, vdev);
}

static void device_lost(struct vbus_kvm_device *kdev, int err)
{
	if (xchg(&kdev->lost, true))
		return;
	dev_notice(&kdev->vdev.dev, "the host has ended the connection: %d\n", err);
	vbus_proxy_device_gone(&kdev->vdev);
	vbus_kvm_update(kdev->vk);
}

/*
 * Signals
 */

static void signal_inject(struct shm_signal *s)
{
	struct vbus_kvm_signal *signal =
		container_of(s, struct vbus_kvm_signal, signal);
	int err;

	if (READ_ONCE(signal->closed))
		return;
	err = vbus_kvm_doorbell(signal->handle, signal->id);
	if (unlikely(err) && !READ_ONCE(signal->closed))
		device_lost(signal->kdev, err);
}

static void signal_release(struct shm_signal *s)
{
	struct vbus_kvm_signal *signal =
		container_of(s, struct vbus_kvm_signal, signal);
	struct device *dev = &signal->kdev->vdev.dev;

	kfree(signal);
	put_device(dev);
}

static const struct shm_signal_ops signal_ops = {
	.inject = signal_inject,
	.release = signal_release,
};

static irqreturn_t signal_interrupt(int irq, void *data)
{
	struct vbus_kvm_signal *signal = data;

	shm_signal_wakeup(&signal->signal, SHM_SIGNAL_ATOMIC);
	return IRQ_HANDLED;
}

/* An interrupt of its own, or else a place in a queue. */
static int signal_connect(struct vbus_kvm_signal *signal,
			  const struct vbus_proxy_region *region)
{
	struct vbus_kvm *vk = signal->kdev->vk;
	unsigned int queue = VBUS_KVM_QUEUE_HIGH;

	if (region->priority == VBUS_SIGNAL_OWN &&
	    !vbus_kvm_msi_request(vk, &signal->msi, region->cpu,
				  signal_interrupt, region->name, signal))
		return 0;
	if (region->priority == VBUS_SIGNAL_LOW)
		queue = VBUS_KVM_QUEUE_LOW;
	return vbus_kvm_event_add(vk, region->cpu, queue, signal);
}

/* When it returns the notifier is not running and will not be called. */
static void signal_disconnect(struct vbus_kvm_signal *signal)
{
	WRITE_ONCE(signal->closed, true);
	if (signal->queue)
		vbus_kvm_event_del(signal);
	else
		vbus_kvm_msi_free(&signal->msi);
}

static struct vbus_kvm_signal *
signal_create(struct vbus_kvm_device *kdev, u32 id,
	      const struct vbus_proxy_region *region)
{
	struct vbus_kvm_signal *signal = kzalloc_obj(*signal, GFP_KERNEL);
	int err;

	if (!signal)
		return ERR_PTR(-ENOMEM);
	get_device(&kdev->vdev.dev);
	signal->kdev = kdev;
	signal->handle = kdev->handle;
	signal->id = id;
	shm_signal_init(&signal->signal, SHM_SIGNAL_GUEST,
			region->vaddr + region->signal_offset, &signal_ops);
	shm_signal_set_notifier(&signal->signal, region->notifier);
	err = signal_connect(signal, region);
	if (err) {
		shm_signal_put(&signal->signal);
		return ERR_PTR(err);
	}
	return signal;
}

static void signal_destroy(struct vbus_kvm_signal *signal)
{
	signal_disconnect(signal);
	shm_signal_put(&signal->signal);
}

/*
 * Memory
 */

static struct page *page_at(void *vaddr)
{
	return is_vmalloc_addr(vaddr) ? vmalloc_to_page(vaddr) :
					virt_to_page(vaddr);
}

/*
 * The physical pieces of a region, adjoining pages as one. Return: how many;
 * they are stored where @segs is not NULL.
 */
static unsigned int list_segs(const struct vbus_proxy_region *region,
			      struct vbus_shm_seg *segs)
{
	unsigned int n = 0;
	u64 start = 0, end = 0;
	size_t off;

	for (off = 0; off < region->len; off += PAGE_SIZE) {
		u64 addr = page_to_phys(page_at(region->vaddr + off));

		if (!n || addr != end) {
			start = addr;
			n++;
		}
		end = addr + PAGE_SIZE;
		if (segs) {
			segs[n - 1].addr = cpu_to_le64(start);
			segs[n - 1].len = cpu_to_le64(end - start);
		}
	}
	return n;
}

static int register_region(struct vbus_kvm_device *kdev, u32 id,
			   const struct vbus_proxy_region *region,
			   const struct vbus_kvm_signal *signal)
{
	unsigned int nr_segs = list_segs(region, NULL);
	struct vbus_kvm_shm arg = {
		.handle = cpu_to_le32(kdev->handle),
		.id = cpu_to_le32(id),
		.nr_segs = cpu_to_le32(nr_segs),
		.signal_offset = cpu_to_le32(region->signal_offset),
	};
	struct vbus_shm_seg *segs;
	int err;

	/* The host reads it as one piece, so not from vmalloc(). */
	segs = kcalloc(nr_segs, sizeof(*segs), GFP_KERNEL);
	if (!segs)
		return -ENOMEM;
	list_segs(region, segs);
	arg.segs = cpu_to_le64(virt_to_phys(segs));
	if (signal && signal->queue) {
		arg.delivery = cpu_to_le32(VBUS_KVM_DELIVERY_EVENT);
		arg.target = cpu_to_le32(signal->queue->index);
		arg.event = cpu_to_le32(signal->event);
	} else if (signal) {
		arg.delivery = cpu_to_le32(VBUS_KVM_DELIVERY_MSI);
		arg.target = cpu_to_le32(signal->msi.slot);
	}
	err = vbus_kvm_verb(VBUS_KVM_SHM, &arg, sizeof(arg));
	kfree(segs);
	return err;
}

/*
 * Verbs
 */

/* What the host says of a connection that it has ended. */
static int check_lost(struct vbus_kvm_device *kdev, int err)
{
	if (err == -ENODEV || err == -ENOTCONN) {
		device_lost(kdev, err);
		return -ENODEV;
	}
	return err;
}

static int kvm_open(struct vbus_proxy_device *vdev, u32 version)
{
	struct vbus_kvm_device *kdev = to_kdev(vdev);
	struct vbus_kvm_open arg = {
		.id = cpu_to_le32(vdev->id),
		.version = cpu_to_le32(version),
		.instance = kdev->instance,
	};
	int err;

	err = vbus_kvm_verb(VBUS_KVM_OPEN, &arg, sizeof(arg));
	if (!err)
		kdev->handle = le32_to_cpu(arg.handle);
	return check_lost(kdev, err == -ENOENT ? -ENODEV : err);
}

static void kvm_close(struct vbus_proxy_device *vdev)
{
	struct vbus_kvm_device *kdev = to_kdev(vdev);
	struct vbus_kvm_signal *signal, *next;

	list_for_each_entry(signal, &kdev->signals, node)
		WRITE_ONCE(signal->closed, true);
	vbus_kvm_close(kdev->handle);
	list_for_each_entry_safe(signal, next, &kdev->signals, node) {
		list_del(&signal->node);
		signal_destroy(signal);
	}
}

static int kvm_call(struct vbus_proxy_device *vdev, u32 func, void *data,
		    size_t len)
{
	struct vbus_kvm_device *kdev = to_kdev(vdev);
	struct vbus_kvm_call arg = {
		.handle = cpu_to_le32(kdev->handle),
		.func = cpu_to_le32(func),
		.len = cpu_to_le32(len),
	};
	void *buf = NULL;
	int err;

	if (len) {
		buf = kmemdup(data, len, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		arg.addr = cpu_to_le64(virt_to_phys(buf));
	}
	err = vbus_kvm_verb(VBUS_KVM_CALL, &arg, sizeof(arg));
	if (!err && len)
		memcpy(data, buf, len);
	kfree(buf);
	return check_lost(kdev, err);
}

static int kvm_shm(struct vbus_proxy_device *vdev, u32 id,
		   const struct vbus_proxy_region *region,
		   struct shm_signal **result)
{
	struct vbus_kvm_device *kdev = to_kdev(vdev);
	struct vbus_kvm_signal *signal = NULL;
	int err;

	if (result) {
		signal = signal_create(kdev, id, region);
		if (IS_ERR(signal))
			return PTR_ERR(signal);
	}
	err = register_region(kdev, id, region, signal);
	if (err) {
		if (signal)
			signal_destroy(signal);
		return check_lost(kdev, err);
	}
	if (signal) {
		list_add(&signal->node, &kdev->signals);
		*result = shm_signal_get(&signal->signal);
	}
	return 0;
}

static void kvm_release(struct vbus_proxy_device *vdev)
{
	kfree(to_kdev(vdev));
	if (atomic_dec_and_test(&kvm_devices))
		wake_up_var(&kvm_devices);
}

static const struct vbus_proxy_ops proxy_ops = {
	.open = kvm_open,
	.close = kvm_close,
	.call = kvm_call,
	.shm = kvm_shm,
	.release = kvm_release,
};

/**
 * vbus_kvm_device_add - the host's list has a new device
 * @vk: the connector
 * @info: from the host
 *
 * Context: the hotplug work.
 * Return: 0, or -ENOMEM, or an error of vbus_proxy_device_add().
 */
int vbus_kvm_device_add(struct vbus_kvm *vk,
			const struct vbus_device_info *info)
{
	struct vbus_kvm_device *kdev = kzalloc_obj(*kdev, GFP_KERNEL);
	int err;

	if (!kdev)
		return -ENOMEM;
	atomic_inc(&kvm_devices);
	kdev->vk = vk;
	INIT_LIST_HEAD(&kdev->signals);
	kdev->vdev.ops = &proxy_ops;
	kdev->vdev.id = le32_to_cpu(info->id);
	kdev->instance = info->instance;
	memcpy(kdev->vdev.type, info->type, sizeof(kdev->vdev.type));

	/* If it fails it has freed the device. */
	err = vbus_proxy_device_add(&kdev->vdev, vk->dev);
	if (!err)
		list_add_tail(&kdev->node, &vk->devices);
	return err;
}

/**
 * vbus_kvm_device_del - remove a device that has gone
 * @kdev: the device; the caller's reference is dropped
 *
 * Context: the hotplug work, or when that cannot run.
 */
void vbus_kvm_device_del(struct vbus_kvm_device *kdev)
{
	WRITE_ONCE(kdev->lost, true);
	vbus_proxy_device_gone(&kdev->vdev);
	list_del(&kdev->node);
	vbus_proxy_device_del(&kdev->vdev);
}

/**
 * vbus_kvm_devices_wait - wait until every device has been released
 *
 * Context: may sleep; all have been removed.
 */
void vbus_kvm_devices_wait(void)
{
	wait_var_event(&kvm_devices, !atomic_read(&kvm_devices));
	/* Who dropped the last one may be on its way out of our code. */
	synchronize_rcu_tasks();
}
