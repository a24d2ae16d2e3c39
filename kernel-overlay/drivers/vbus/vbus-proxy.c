// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbus-proxy: the bus on which devices of a Virtual-Bus meet their drivers
 *
 * A connector finds out what the other side offers and adds a device for each;
 * a driver says which type it serves. Neither knows the other: the verbs pass
 * through here, checked and serialized.
 *
 * Lifetime: the connector allocates a device and gives it away with
 * vbus_proxy_device_add(); its memory is the driver core's reference count from
 * then on and ends in ops->release().
 *
 * Locking: vdev->lock is held around each verb, so that a connector sees one at
 * a time. It is a leaf for drivers (no notifier and no ops->release() may wait
 * for a verb) and the outermost lock for connectors. @gone is set without it,
 * because a verb under way may be what is stuck; it only ever goes from false to
 * true.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/vbus_driver.h>
#include <linux/wait_bit.h>

/*
 * The type comes from the other side and goes into a uevent and to modprobe:
 * nothing but what names of types are made of.
 */
static bool type_ok(const char *type)
{
	size_t len = strnlen(type, VBUS_TYPE_LEN);
	size_t i;

	if (!len || len == VBUS_TYPE_LEN)
		return false;
	for (i = 0; i < len; i++) {
		if (!isascii(type[i]))
			return false;
		if (!isalnum(type[i]) && !strchr("-_.", type[i]))
			return false;
	}
	return true;
}

static bool region_ok(const struct vbus_proxy_region *region)
{
	if (!region->vaddr || !PAGE_ALIGNED(region->vaddr))
		return false;
	if (!is_vmalloc_addr(region->vaddr) && !virt_addr_valid(region->vaddr))
		return false;
	return region->len && PAGE_ALIGNED(region->len) &&
	       region->len <= VBUS_SHM_MAX_LEN;
}

static bool region_signal_ok(const struct vbus_proxy_region *region)
{
	return shm_signal_fits(region->signal_offset, region->len) &&
	       region->notifier && region->name;
}

/* May a verb that needs a connection go to the connector? */
static int check_connected(const struct vbus_proxy_device *vdev)
{
	lockdep_assert_held(&vdev->lock);

	if (READ_ONCE(vdev->gone))
		return -ENODEV;
	return vdev->opened ? 0 : -ENOTCONN;
}

/**
 * vbus_proxy_open - connect to a device
 * @vdev: the device
 * @version: the version of its type's ABI that the driver speaks
 *
 * Context: may sleep; not from a notifier.
 * Return: 0, or -EBUSY when it is open already, -ENODEV when the device has
 * gone, -EPROTONOSUPPORT when the device does not speak @version, or what else
 * the connector or the device answers.
 */
int vbus_proxy_open(struct vbus_proxy_device *vdev, u32 version)
{
	int err;

	guard(mutex)(&vdev->lock);
	if (READ_ONCE(vdev->gone))
		return -ENODEV;
	if (vdev->opened)
		return -EBUSY;
	err = vdev->ops->open(vdev, version);
	if (err)
		return err;
	vdev->opened = true;
	return 0;
}
EXPORT_SYMBOL_GPL(vbus_proxy_open);

/**
 * vbus_proxy_close - end the connection to a device
 * @vdev: the device; not open or gone is allowed
 *
 * When it returns no notifier of the device's regions runs any more or will,
 * and the device does not touch the regions: they may be freed.
 *
 * Context: may sleep; not from a notifier.
 */
void vbus_proxy_close(struct vbus_proxy_device *vdev)
{
	guard(mutex)(&vdev->lock);
	if (!vdev->opened)
		return;
	vdev->ops->close(vdev);
	vdev->opened = false;
}
EXPORT_SYMBOL_GPL(vbus_proxy_close);

/**
 * vbus_proxy_call - call a function of a device and wait for it
 * @vdev: the device, open
 * @func: the function's number; each type has its own
 * @data: the argument, and the answer when 0 is returned
 * @len: bytes of @data, at most VBUS_CALL_MAX
 *
 * Context: may sleep; not from a notifier.
 * Return: 0, or -EINVAL when @len is too large, -ENOTCONN when it is not open,
 * -ENODEV when the device has gone, or the device's own error.
 */
int vbus_proxy_call(struct vbus_proxy_device *vdev, u32 func, void *data,
		    size_t len)
{
	int err;

	if (len > VBUS_CALL_MAX || (len && !data))
		return -EINVAL;

	guard(mutex)(&vdev->lock);
	err = check_connected(vdev);
	if (err)
		return err;
	return vdev->ops->call(vdev, func, data, len);
}
EXPORT_SYMBOL_GPL(vbus_proxy_call);

/**
 * vbus_proxy_shm - share memory with a device
 * @vdev: the device, open
 * @id: a number for the region, not 0; each type gives them a meaning
 * @region: the memory, and the signal in it; copied. The memory stays the
 *	driver's and must not be freed before the device is closed, also when
 *	this fails
 * @signal: where to put the region's signal: a reference that the driver puts.
 *	Set to NULL when the region has none; may be NULL itself then
 *
 * What the driver has put into the region is visible to the device afterwards.
 * An error does not say that the device has not got the memory: only
 * vbus_proxy_close() is sure to take it away again.
 *
 * Context: may sleep; not from a notifier.
 * Return: 0, or -EINVAL when @id is 0, the memory is not whole pages of the
 * page allocator or of vmalloc(), it is empty or larger than VBUS_SHM_MAX_LEN,
 * or the signal is not aligned to 64 bytes, not within the region or nobody's;
 * -EBUSY when @id is in use, -ENOTCONN when the device is not open, -ENODEV when
 * it has gone, -ENOSPC or -ENOMEM when the other side takes no more, or the
 * device's own error.
 */
int vbus_proxy_shm(struct vbus_proxy_device *vdev, u32 id,
		   const struct vbus_proxy_region *region,
		   struct shm_signal **signal)
{
	bool has_signal = region->signal_offset != VBUS_SHM_NO_SIGNAL;
	struct shm_signal *s = NULL;
	int err;

	if (!id || !region_ok(region))
		return -EINVAL;
	if (has_signal && (!signal || !region_signal_ok(region)))
		return -EINVAL;

	guard(mutex)(&vdev->lock);
	err = check_connected(vdev);
	if (err)
		return err;
	err = vdev->ops->shm(vdev, id, region, has_signal ? &s : NULL);
	if (err)
		return err;
	if (signal)
		*signal = s;
	return 0;
}
EXPORT_SYMBOL_GPL(vbus_proxy_shm);

static ssize_t type_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", to_vbus_proxy_device(dev)->type);
}
static DEVICE_ATTR_RO(type);

static ssize_t id_show(struct device *dev, struct device_attribute *attr,
		       char *buf)
{
	return sysfs_emit(buf, "%u\n", to_vbus_proxy_device(dev)->id);
}
static DEVICE_ATTR_RO(id);

static ssize_t modalias_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "vbus:%s\n", to_vbus_proxy_device(dev)->type);
}
static DEVICE_ATTR_RO(modalias);

static struct attribute *vbus_proxy_dev_attrs[] = {
	&dev_attr_type.attr,
	&dev_attr_id.attr,
	&dev_attr_modalias.attr,
	NULL
};
ATTRIBUTE_GROUPS(vbus_proxy_dev);

static int vbus_proxy_match(struct device *dev, const struct device_driver *drv)
{
	return !strcmp(to_vbus_proxy_device(dev)->type,
		       to_vbus_proxy_driver(drv)->type);
}

static int vbus_proxy_uevent(const struct device *dev,
			     struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=vbus:%s",
			      to_vbus_proxy_device(dev)->type);
}

static int vbus_proxy_probe(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);
	int err;

	err = to_vbus_proxy_driver(dev->driver)->probe(vdev);
	if (err)
		vbus_proxy_close(vdev);
	return err;
}

static void vbus_proxy_remove(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);
	const struct vbus_proxy_driver *drv = to_vbus_proxy_driver(dev->driver);

	if (drv->remove)
		drv->remove(vdev);
	vbus_proxy_close(vdev);
}

/* The next kernel must not find a device that writes to its memory. */
static void vbus_proxy_shutdown(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);

	if (!dev->driver)
		return;
	if (to_vbus_proxy_driver(dev->driver)->shutdown)
		to_vbus_proxy_driver(dev->driver)->shutdown(vdev);
	vbus_proxy_close(vdev);
}

/*
 * No connection lives through a suspend: the memory image may come back in
 * another boot of the host. A driver that cannot open again keeps the system
 * awake rather than lose its device without a word.
 */
static int vbus_proxy_suspend(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);
	const struct vbus_proxy_driver *drv;
	int err;

	if (!dev->driver)
		return 0;
	drv = to_vbus_proxy_driver(dev->driver);
	if (!drv->suspend) {
		guard(mutex)(&vdev->lock);
		return vdev->opened ? -EBUSY : 0;
	}
	err = drv->suspend(vdev);
	if (!err)
		vbus_proxy_close(vdev);
	return err;
}

static int vbus_proxy_resume(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);
	const struct vbus_proxy_driver *drv;

	if (!dev->driver)
		return 0;
	drv = to_vbus_proxy_driver(dev->driver);
	return drv->resume ? drv->resume(vdev) : 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(vbus_proxy_pm_ops, vbus_proxy_suspend,
				vbus_proxy_resume);

static const struct bus_type vbus_proxy_bus = {
	.name = "vbus-proxy",
	.dev_groups = vbus_proxy_dev_groups,
	.match = vbus_proxy_match,
	.uevent = vbus_proxy_uevent,
	.probe = vbus_proxy_probe,
	.remove = vbus_proxy_remove,
	.shutdown = vbus_proxy_shutdown,
	.pm = pm_sleep_ptr(&vbus_proxy_pm_ops),
};

/**
 * __vbus_proxy_driver_register - register a driver
 * @drv: the driver: @type and @probe are needed
 * @owner: its module; vbus_proxy_driver_register() fills this in
 *
 * Context: may sleep; probes the devices that are there.
 * Return: 0, or -EINVAL when the type or the probe function is missing, -EBUSY
 * when a driver of that name is registered, or another error of the driver core.
 */
int __vbus_proxy_driver_register(struct vbus_proxy_driver *drv,
				 struct module *owner)
{
	if (!drv->type || !type_ok(drv->type) || !drv->probe)
		return -EINVAL;
	drv->driver.bus = &vbus_proxy_bus;
	drv->driver.owner = owner;
	return driver_register(&drv->driver);
}
EXPORT_SYMBOL_GPL(__vbus_proxy_driver_register);

/**
 * vbus_proxy_driver_unregister - remove a driver from all of its devices
 * @drv: the driver
 *
 * Context: may sleep.
 */
void vbus_proxy_driver_unregister(struct vbus_proxy_driver *drv)
{
	driver_unregister(&drv->driver);
}
EXPORT_SYMBOL_GPL(vbus_proxy_driver_unregister);

/* Those whose release() has not run: it is this module's. */
static atomic_t vbus_proxy_devices = ATOMIC_INIT(0);

static void vbus_proxy_device_release(struct device *dev)
{
	struct vbus_proxy_device *vdev = to_vbus_proxy_device(dev);

	mutex_destroy(&vdev->lock);
	vdev->ops->release(vdev);
	if (atomic_dec_and_test(&vbus_proxy_devices))
		wake_up_var(&vbus_proxy_devices);
}

/* The driver core would say -EEXIST too, but not without a stack trace. */
static bool vbus_proxy_device_exists(const char *name)
{
	struct device *dev;

	dev = bus_find_device_by_name(&vbus_proxy_bus, NULL, name);
	put_device(dev);
	return dev;
}

static int vbus_proxy_device_name(struct vbus_proxy_device *vdev)
{
	int err;

	if (!type_ok(vdev->type))
		return -EINVAL;
	err = dev_set_name(&vdev->dev, "%s.%u", dev_name(vdev->dev.parent),
			   vdev->id);
	if (err)
		return err;
	return vbus_proxy_device_exists(dev_name(&vdev->dev)) ? -EEXIST : 0;
}

/**
 * vbus_proxy_device_add - a device has come
 * @vdev: the device, zeroed except for @ops, @id and @type
 * @parent: the connector's device for the bus that it comes from. The device is
 *	called <name of @parent>.<dev-id>, so that is unique when the names
 *	of the connectors' devices are
 *
 * @vdev belongs to its reference count from here on, also when this fails:
 * @ops->release() frees it then, and the caller does not touch it again.
 *
 * Context: may sleep; probes a driver that is there.
 * Return: 0, or -EINVAL when the type has a character that names of types do
 * not have, is empty or is not terminated, -EEXIST when @parent has a device
 * with this dev-id, -ENOMEM, or another error of the driver core.
 */
int vbus_proxy_device_add(struct vbus_proxy_device *vdev,
			  struct device *parent)
{
	int err;

	atomic_inc(&vbus_proxy_devices);
	mutex_init(&vdev->lock);
	device_initialize(&vdev->dev);
	vdev->dev.parent = parent;
	vdev->dev.bus = &vbus_proxy_bus;
	vdev->dev.release = vbus_proxy_device_release;

	err = vbus_proxy_device_name(vdev);
	if (!err)
		err = device_add(&vdev->dev);
	if (err)
		put_device(&vdev->dev);
	return err;
}
EXPORT_SYMBOL_GPL(vbus_proxy_device_add);

/**
 * vbus_proxy_device_gone - the other side has ended a device's connection
 * @vdev: the device
 *
 * Verbs that start from now on fail with -ENODEV, except for close. A verb under
 * way is the connector's to end. The driver hears of it in its remove(), so the
 * connector calls vbus_proxy_device_del() as soon as it may sleep.
 *
 * Context: any.
 */
void vbus_proxy_device_gone(struct vbus_proxy_device *vdev)
{
	WRITE_ONCE(vdev->gone, true);
}
EXPORT_SYMBOL_GPL(vbus_proxy_device_gone);

/**
 * vbus_proxy_device_del - take a device away
 * @vdev: the device; the caller's reference is dropped
 *
 * The driver is removed first, and may use the verbs in its remove() unless the
 * device is gone. What it leaves open is closed.
 *
 * Context: may sleep; waits for a verb under way.
 */
void vbus_proxy_device_del(struct vbus_proxy_device *vdev)
{
	device_unregister(&vdev->dev);
}
EXPORT_SYMBOL_GPL(vbus_proxy_device_del);

static int __init vbus_proxy_init(void)
{
	return bus_register(&vbus_proxy_bus);
}

/* Before the drivers and the connectors when all are built in. */
subsys_initcall(vbus_proxy_init);

static void __exit vbus_proxy_exit(void)
{
	wait_var_event(&vbus_proxy_devices, !atomic_read(&vbus_proxy_devices));
	/* Who dropped the last one may be on its way out of our code. */
	synchronize_rcu_tasks();
	bus_unregister(&vbus_proxy_bus);
}
module_exit(vbus_proxy_exit);

MODULE_DESCRIPTION("Virtual-Bus: the drivers' side");
MODULE_LICENSE("GPL");
