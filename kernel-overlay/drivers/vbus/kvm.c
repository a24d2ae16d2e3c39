// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connector for KVM guests
 *
 * Finds out whether this virtual machine is on a bus, and brings the devices of
 * that bus to their drivers. Whether there is a bus is not in CPUID, which is the
 * VMM's: the guest asks, and both sides name themselves, because a hypervisor
 * that does not know the number might say anything.
 *
 * The host posts an event when devices come or go. That asks for its list and
 * makes ours the same. A device whose doorbell failed is removed as well, and
 * comes back if it is on the list.
 *
 * A guest that came back from a snapshot is told nothing, and one that only
 * receives rings no bell: so the list is looked at now and then, too, also while
 * the host has no bus, which another one may have to which the VM is moved.
 *
 * For suspend, and before another kernel is started, all connections end: the
 * host must not write to memory that it was given by a kernel that is gone.
 *
 * A confidential guest does not share its memory and must not be talked into
 * it: there the connector does nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/kvm_para.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <asm/cpu_device_id.h>

#include "kvm.h"

/* The most parts in which a list is taken from the host. */
#define LIST_PARTS	64

/* How long a guest that does nothing may not know that its host has changed. */
#define LOOK_INTERVAL	(10 * HZ)

/*
 * The host's list
 */

/* Ask for the devices from @first on. Return: how many, or an error. */
static int list_some(u32 first, struct vbus_device_info *info, u32 max)
{
	struct vbus_kvm_list arg = {
		.addr = cpu_to_le64(virt_to_phys(info)),
		.first = cpu_to_le32(first),
		.max = cpu_to_le32(max),
		.count = cpu_to_le32(U32_MAX),
	};
	int err;

	err = vbus_kvm_verb(VBUS_KVM_LIST, &arg, sizeof(arg));
	if (err)
		return err;
	/* No answer is not the answer that there is nothing. */
	return le32_to_cpu(arg.count) <= max ? le32_to_cpu(arg.count) : -EIO;
}

static int list_all(struct vbus_kvm *vk, struct vbus_device_info *info,
		    void (*fn)(struct vbus_kvm *vk,
			       const struct vbus_device_info *info))
{
	u32 first = 0, last;
	int n, i, part;

	for (part = 0; part < LIST_PARTS; part++) {
		n = list_some(first, info, VBUS_KVM_LIST_MAX);
		for (i = 0; i < n; i++)
			fn(vk, &info[i]);
		if (n < VBUS_KVM_LIST_MAX)
			return min(n, 0);
		/* Upwards only, so it ends. */
		last = le32_to_cpu(info[n - 1].id);
		if (last < first || last == U32_MAX)
			return 0;
		first = last + 1;
	}
	return 0;
}

static struct vbus_kvm_device *find_device(struct vbus_kvm *vk, u32 id)
{
	struct vbus_kvm_device *kdev;

	list_for_each_entry(kdev, &vk->devices, node)
		if (kdev->vdev.id == id)
			return kdev;
	return NULL;
}

static void see_device(struct vbus_kvm *vk, const struct vbus_device_info *info)
{
	struct vbus_kvm_device *kdev = find_device(vk, le32_to_cpu(info->id));

	/* A device that was taken away and put back has lost our connection. */
	if (kdev && kdev->instance == info->instance)
		kdev->seen = true;
}

/* What is refused is on the list again, now and then. */
static DEFINE_RATELIMIT_STATE(refusals, 3600 * HZ, 10);

static void add_device(struct vbus_kvm *vk, const struct vbus_device_info *info)
{
	u32 id = le32_to_cpu(info->id);
	int err;

	if (find_device(vk, id))
		return;
	err = vbus_kvm_device_add(vk, info);
	if (err && __ratelimit(&refusals))
		dev_err(vk->dev, "device %u not added: %d\n", id, err);
}

static void remove_unseen(struct vbus_kvm *vk)
{
	struct vbus_kvm_device *kdev, *next;

	list_for_each_entry_safe(kdev, next, &vk->devices, node) {
		if (kdev->seen && !READ_ONCE(kdev->lost))
			continue;
		if (!kdev->seen)
			dev_notice(vk->dev, "device %u has left\n",
				   kdev->vdev.id);
		vbus_kvm_device_del(kdev);
	}
}

static void remove_all(struct vbus_kvm *vk)
{
	struct vbus_kvm_device *kdev, *next;

	list_for_each_entry_safe(kdev, next, &vk->devices, node)
		vbus_kvm_device_del(kdev);
}

/* Make our list the host's. What changes meanwhile is another event. */
static int update_devices(struct vbus_kvm *vk)
{
	struct vbus_device_info *info;
	struct vbus_kvm_device *kdev;
	int err;

	info = kcalloc(VBUS_KVM_LIST_MAX, sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	list_for_each_entry(kdev, &vk->devices, node)
		kdev->seen = false;
	err = list_all(vk, info, see_device);
	if (!err) {
		remove_unseen(vk);
		err = list_all(vk, info, add_device);
	}
	kfree(info);
	return err;
}

/*
 * To be connected
 */

static int negotiate(struct vbus_kvm *vk)
{
	struct vbus_kvm_negotiate arg = {
		.magic = cpu_to_le32(VBUS_KVM_MAGIC_GUEST),
		.version = cpu_to_le32(VBUS_KVM_VERSION),
	};
	int err;

	err = vbus_kvm_verb(VBUS_KVM_NEGOTIATE, &arg, sizeof(arg));
	if (err == -EPROTONOSUPPORT && err != vk->last_error)
		dev_info(vk->dev, "the host speaks version %u, not %u\n",
			 le32_to_cpu(arg.version), VBUS_KVM_VERSION);
	if (err)
		return err;
	if (le32_to_cpu(arg.magic) != VBUS_KVM_MAGIC_HOST)
		return -ENODEV;
	vk->max_msis = min(le32_to_cpu(arg.max_msis), INT_MAX);
	vk->max_eventqs = le32_to_cpu(arg.max_eventqs);
	return vk->max_msis ? 0 : -ENODEV;
}

static void vbus_kvm_stop(struct vbus_kvm *vk)
{
	vbus_kvm_reset();
	vbus_kvm_events_stop(vk);
}

static int vbus_kvm_start(struct vbus_kvm *vk)
{
	int err;

	err = negotiate(vk);
	if (err)
		return err;
	err = vbus_kvm_events_start(vk);
	if (err) {
		vbus_kvm_stop(vk);
		return err;
	}
	vbus_kvm_update(vk);
	return 0;
}

/*
 * The host does not know us any more: the VM came back from a snapshot, or
 * moved to a host where there may be no bus. Begin from nothing. Where an
 * interrupt was lost the host does know us, and must not post to queues whose
 * pages are somebody else's.
 */
static int restart(struct vbus_kvm *vk)
{
	remove_all(vk);
	vbus_kvm_stop(vk);
	return vbus_kvm_start(vk);
}

static void hotplug(struct work_struct *work)
{
	struct vbus_kvm *vk = container_of(to_delayed_work(work),
					   struct vbus_kvm, hotplug);
	bool lost = xchg(&vk->msi_lost, false);
	int err;

	err = update_devices(vk);
	if (lost || err == -ENOTCONN || err == -ENODEV) {
		if (lost || err != vk->last_error)
			dev_notice(vk->dev, "connecting anew: %d\n", err);
		err = restart(vk);
	}
	/* A host that keeps saying no has said it once. */
	if (err && err != vk->last_error)
		dev_err(vk->dev, "no list of devices: %d\n", err);
	vk->last_error = err;
	queue_delayed_work(vk->wq, &vk->hotplug, LOOK_INTERVAL);
}

/*
 * The connector as a device, for power management and as the devices' parent
 */

static int vbus_kvm_suspend(struct device *dev)
{
	struct vbus_kvm *vk = dev_get_drvdata(dev);

	/* The work is frozen; the drivers have closed their devices. */
	vbus_kvm_stop(vk);
	return 0;
}

static int vbus_kvm_resume(struct device *dev)
{
	return vbus_kvm_start(dev_get_drvdata(dev));
}

static DEFINE_SIMPLE_DEV_PM_OPS(vbus_kvm_pm_ops, vbus_kvm_suspend,
				vbus_kvm_resume);

static void vbus_kvm_shutdown(struct platform_device *pdev)
{
	struct vbus_kvm *vk = platform_get_drvdata(pdev);

	/* No new device while this kernel ends. */
	disable_delayed_work_sync(&vk->hotplug);
	vbus_kvm_reset();
}

static struct platform_driver vbus_kvm_driver = {
	.driver = {
		.name = "vbus-kvm",
		.pm = pm_sleep_ptr(&vbus_kvm_pm_ops),
	},
	.shutdown = vbus_kvm_shutdown,
};

static struct vbus_kvm *vbus_kvm_create(void)
{
	struct vbus_kvm *vk = kzalloc_obj(*vk, GFP_KERNEL);
	int err = -ENOMEM;

	if (!vk)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&vk->devices);
	INIT_LIST_HEAD(&vk->event_sets);
	mutex_init(&vk->events_lock);
	INIT_DELAYED_WORK(&vk->hotplug, hotplug);
	vk->wq = alloc_ordered_workqueue("vbus-kvm", WQ_FREEZABLE);
	if (!vk->wq)
		goto free;
	err = vbus_kvm_irq_init(vk);
	if (err)
		goto free_wq;
	return vk;

free_wq:
	destroy_workqueue(vk->wq);
free:
	kfree(vk);
	return ERR_PTR(err);
}

static void vbus_kvm_destroy(struct vbus_kvm *vk)
{
	destroy_workqueue(vk->wq);
	vbus_kvm_irq_exit(vk);
	mutex_destroy(&vk->events_lock);
	kfree(vk);
}

static int __init vbus_kvm_probe(struct platform_device *pdev)
{
	struct vbus_kvm *vk = vbus_kvm_create();
	int err;

	if (IS_ERR(vk))
		return PTR_ERR(vk);
	vk->dev = &pdev->dev;
	platform_set_drvdata(pdev, vk);
	err = vbus_kvm_start(vk);
	if (err)
		vbus_kvm_destroy(vk);
	return err;
}

static struct platform_device *vbus_kvm_pdev;

static int __init vbus_kvm_init(void)
{
	if (!kvm_para_available() ||
	    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return -ENODEV;
	vbus_kvm_pdev = platform_create_bundle(&vbus_kvm_driver, vbus_kvm_probe,
					       NULL, 0, NULL, 0);
	return PTR_ERR_OR_ZERO(vbus_kvm_pdev);
}
module_init(vbus_kvm_init);

static void __exit vbus_kvm_exit(void)
{
	struct vbus_kvm *vk = platform_get_drvdata(vbus_kvm_pdev);

	disable_delayed_work_sync(&vk->hotplug);
	remove_all(vk);
	vbus_kvm_stop(vk);
	platform_device_unregister(vbus_kvm_pdev);
	platform_driver_unregister(&vbus_kvm_driver);
	vbus_kvm_devices_wait();
	vbus_kvm_destroy(vk);
}
module_exit(vbus_kvm_exit);

static const struct x86_cpu_id __maybe_unused vbus_kvm_ids[] = {
	X86_MATCH_FEATURE(X86_FEATURE_HYPERVISOR, NULL),
	{}
};
MODULE_DEVICE_TABLE(x86cpu, vbus_kvm_ids);

MODULE_DESCRIPTION("Virtual-Bus connector for KVM guests");
MODULE_LICENSE("GPL");
