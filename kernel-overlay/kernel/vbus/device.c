// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus devices: made with a name, given a type, put on buses
 *
 * A device is made and destroyed by configfs (mkdir, rmdir), which also sees
 * to it that a type is not being written while rmdir goes on. What configfs
 * does not order is the making of a link against rmdir: allow_link() runs
 * before configfs counts the link. Both take device->lock, and dead decides:
 * the link either comes too late, or rmdir finds it and ends it.
 *
 * type, once set, stays: class is published with a release store and read
 * without the lock. Destruction is synchronous, so that nothing of the class
 * runs when its module is put; only memory may be held longer.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/kmod.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>
#include "vbus.h"

static void vbus_device_free(struct kobject *kobj)
{
	kfree(container_of(kobj, struct vbus_device, kobj));
}

static const struct kobj_type vbus_device_ktype = {
	.release = vbus_device_free,
	.sysfs_ops = &kobj_sysfs_ops,
};

/**
 * vbus_device_create - make a device without a type
 * @name: a name that no other device has
 *
 * Context: process, may sleep.
 * Return: the device; -EINVAL when the name will not do; -ENOMEM; -EEXIST.
 */
struct vbus_device *vbus_device_create(const char *name)
{
	struct vbus_device *dev;
	int err = vbus_name_check(name);

	if (err)
		return ERR_PTR(err);
	dev = kzalloc_obj(*dev);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	strscpy(dev->name, name, sizeof(dev->name));
	mutex_init(&dev->lock);
	spin_lock_init(&dev->feature_lock);
	dev->feature_mask = U64_MAX;
	xa_init_flags(&dev->interfaces, XA_FLAGS_ALLOC);
	kobject_init(&dev->kobj, &vbus_device_ktype);

	err = kobject_add(&dev->kobj, vbus_device_dir, "%s", name);
	if (err)
		goto put;
	err = -ENOMEM;
	dev->links = kobject_create_and_add("interfaces", &dev->kobj);
	if (!dev->links)
		goto del;
	trace_vbus_device_create(name);
	return dev;

del:
	kobject_del(&dev->kobj);
put:
	kobject_put(&dev->kobj);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_device_create);

/* What a class sees of a device comes from here, valid from before create(). */
static void vbus_device_adopt(struct vbus_device *dev,
			      const struct vbus_deviceclass *dc)
{
	dev->owner = dc->owner;
	dev->ops = dc->ops;
	WRITE_ONCE(dev->features, dc->features);
}

static void vbus_device_disown(struct vbus_device *dev)
{
	static const struct vbus_deviceclass none;

	vbus_device_adopt(dev, &none);
	dev->priv = NULL;
}

/* Make what the class wants, then its attributes, which may be used at once. */
static int vbus_device_construct(struct vbus_device *dev,
				 struct vbus_class *class)
{
	int err;

	vbus_device_adopt(dev, class->dc);
	err = dev->ops->create(dev);
	if (err)
		goto disown;
	err = sysfs_create_link(&dev->kobj, &class->kobj, "class");
	if (err)
		goto destroy;
	err = sysfs_create_groups(&dev->kobj, class->dc->groups);
	if (err)
		goto remove_link;
	return 0;

remove_link:
	sysfs_remove_link(&dev->kobj, "class");
destroy:
	dev->ops->destroy(dev);
disown:
	vbus_device_disown(dev);
	return err;
}

static void vbus_device_destruct(struct vbus_device *dev,
				 struct vbus_class *class)
{
	/* Returns when the last show() and store() of the class has. */
	sysfs_remove_groups(&dev->kobj, class->dc->groups);
	sysfs_remove_link(&dev->kobj, "class");
	dev->ops->destroy(dev);
	vbus_device_disown(dev);
}

static struct vbus_class *vbus_class_load(const char *name)
{
	struct vbus_class *class = vbus_class_get(name);

	if (class)
		return class;
	request_module("vbus-deviceclass-%s", name);
	return vbus_class_get(name);
}

/**
 * vbus_device_set_type - complete a device
 * @dev: the device
 * @name: the name of a deviceclass; its module is loaded when need be
 *
 * Context: process, may sleep, no lock of vbus held.
 * Return: 0; -EBUSY when it has a type; -ENOENT when there is no such class or
 * the device is gone; any error of the class's create(); -ENOMEM.
 */
int vbus_device_set_type(struct vbus_device *dev, const char *name)
{
	struct vbus_class *class;
	int err;

	if (vbus_device_class(dev))
		return -EBUSY;
	class = vbus_class_load(name);
	if (!class) {
		err = -ENOENT;
		goto out;
	}

	mutex_lock(&dev->lock);
	if (dev->dead)
		err = -ENOENT;
	else if (dev->class)
		err = -EBUSY;
	else
		err = vbus_device_construct(dev, class);
	if (!err)
		/* Pairs with the acquire in vbus_device_class(). */
		smp_store_release(&dev->class, class);
	mutex_unlock(&dev->lock);

	if (err)
		vbus_class_put(class);
out:
	trace_vbus_device_type(dev->name, name, err);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_device_set_type);

/* Take the device off the first bus that it is still on, if any. */
static bool vbus_device_end_interface(struct vbus_device *dev)
{
	struct vbus_interface *intf;
	unsigned long number = 0;
	struct vbus *bus;

	mutex_lock(&dev->lock);
	dev->dead = true;
	intf = xa_find(&dev->interfaces, &number, ULONG_MAX, XA_PRESENT);
	if (intf) {
		bus = intf->bus;
		kobject_get(&bus->kobj);
		vbus_interface_end(intf);
	}
	mutex_unlock(&dev->lock);

	if (!intf)
		return false;
	vbus_changed(bus);
	kobject_put(&bus->kobj);
	return true;
}

/**
 * vbus_device_destroy - a device is removed
 * @dev: the device; the caller drops the last reference that is its own
 *
 * Context: process, may sleep; a callback of configfs.
 */
void vbus_device_destroy(struct vbus_device *dev)
{
	while (vbus_device_end_interface(dev))
		;
	/* Dead, so neither class nor interfaces change any more. */
	if (dev->class) {
		vbus_device_destruct(dev, dev->class);
		vbus_class_put(dev->class);
		dev->class = NULL;
	}
	xa_destroy(&dev->interfaces);
	kobject_del(dev->links);
	kobject_put(dev->links);
	kobject_del(&dev->kobj);
	trace_vbus_device_destroy(dev->name);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_device_destroy);

/**
 * vbus_device_set_mask - say which of its features a device may offer
 * @dev: the device
 * @mask: a bit for each feature that it may
 *
 * Context: process.
 * Return: 0, or -EBUSY while a client is connected, which may have negotiated
 * what would now be taken away.
 */
int vbus_device_set_mask(struct vbus_device *dev, u64 mask)
{
	int err = 0;

	spin_lock(&dev->feature_lock);
	if (dev->connections)
		err = -EBUSY;
	else
		WRITE_ONCE(dev->feature_mask, mask);
	spin_unlock(&dev->feature_lock);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_device_set_mask);

/* A client connects or disconnects; see vbus_device_set_mask(). */
void vbus_device_connected(struct vbus_device *dev)
{
	spin_lock(&dev->feature_lock);
	dev->connections++;
	spin_unlock(&dev->feature_lock);
}

void vbus_device_disconnected(struct vbus_device *dev)
{
	spin_lock(&dev->feature_lock);
	dev->connections--;
	spin_unlock(&dev->feature_lock);
}

/**
 * vbus_device_features - what a device may offer to a driver
 * @dev: the device
 *
 * Stays the same while there is a connection, so open() and what follows it
 * see one value. Without a connection it may be changing.
 *
 * Context: any.
 * Return: the features of its class that the administrator has not masked.
 */
u64 vbus_device_features(const struct vbus_device *dev)
{
	return READ_ONCE(dev->features) & READ_ONCE(dev->feature_mask);
}
EXPORT_SYMBOL_GPL(vbus_device_features);

/**
 * vbus_device_set_priv - let a class keep its own data with a device
 * @dev: the device, from the class's create()
 * @priv: what vbus_device_priv() shall return
 *
 * Context: create() of the class.
 */
void vbus_device_set_priv(struct vbus_device *dev, void *priv)
{
	dev->priv = priv;
}
EXPORT_SYMBOL_GPL(vbus_device_set_priv);

/**
 * vbus_device_priv - the class's own data of a device
 * @dev: the device
 *
 * Context: any; from the class's create() until its destroy() has returned.
 * Return: what was given to vbus_device_set_priv().
 */
void *vbus_device_priv(const struct vbus_device *dev)
{
	return dev->priv;
}
EXPORT_SYMBOL_GPL(vbus_device_priv);

/**
 * vbus_device_name - what the administrator has called a device
 * @dev: the device
 *
 * Context: any.
 * Return: the name; it lives as long as the device.
 */
const char *vbus_device_name(const struct vbus_device *dev)
{
	return dev->name;
}
EXPORT_SYMBOL_GPL(vbus_device_name);

/**
 * vbus_device_from_kobj - the device in a show() or store() of its class
 * @kobj: the kobject that sysfs passed
 *
 * Context: any.
 * Return: the device that the attribute belongs to.
 */
struct vbus_device *vbus_device_from_kobj(struct kobject *kobj)
{
	return container_of(kobj, struct vbus_device, kobj);
}
EXPORT_SYMBOL_GPL(vbus_device_from_kobj);
