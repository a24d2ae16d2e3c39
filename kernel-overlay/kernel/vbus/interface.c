// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus interfaces: a device on a bus
 *
 * device->lock is held over all of link and over all of unlink, so an
 * interface is either made or not for everybody who takes it. Clients do not:
 * they find it in bus->interfaces under RCU, from the moment it works until the
 * moment it begins to end. An open holds open_lock for reading; the end sets
 * dead with it held for writing, which waits for opens under way and lets none
 * follow; then it ends the connections that there are. Nothing in that waits
 * for a client.
 *
 * The dev-id stays reserved until the directory in sysfs is gone, so that the
 * next interface with this number can have its own.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>
#include "vbus.h"

/* Decimal digits of a u32, with the closing zero. */
#define VBUS_NUMBER_LEN	11

static ssize_t type_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct vbus_interface *intf =
		container_of(kobj, struct vbus_interface, kobj);

	return sysfs_emit(buf, "%s\n", intf->type);
}

static struct kobj_attribute type_attr = __ATTR_RO(type);

static struct attribute *vbus_interface_attrs[] = {
	&type_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(vbus_interface);

static void vbus_interface_free(struct kobject *kobj)
{
	struct vbus_interface *intf =
		container_of(kobj, struct vbus_interface, kobj);

	kobject_put(&intf->device->kobj);
	kobject_put(&intf->bus->kobj);
	kfree_rcu(intf, rcu);
}

static const struct kobj_type vbus_interface_ktype = {
	.release = vbus_interface_free,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = vbus_interface_groups,
};

static struct vbus_interface *vbus_interface_alloc(struct vbus *bus,
						   struct vbus_device *dev)
{
	struct vbus_interface *intf = kzalloc_obj(*intf);

	if (!intf)
		return NULL;
	kobject_get(&bus->kobj);
	intf->bus = bus;
	kobject_get(&dev->kobj);
	intf->device = dev;
	init_rwsem(&intf->open_lock);
	spin_lock_init(&intf->lock);
	INIT_LIST_HEAD(&intf->connections);
	strscpy_pad(intf->type, dev->class->dc->type, sizeof(intf->type));
	kobject_init(&intf->kobj, &vbus_interface_ktype);
	return intf;
}

/* Reserve the smallest free numbers of the bus and of the device. */
static int vbus_interface_number(struct vbus_interface *intf)
{
	int err;

	err = xa_alloc(&intf->bus->interfaces, &intf->id, NULL, xa_limit_31b,
		       GFP_KERNEL);
	if (err)
		return err;
	err = xa_alloc(&intf->device->interfaces, &intf->number, intf,
		       xa_limit_31b, GFP_KERNEL);
	if (err)
		xa_erase(&intf->bus->interfaces, intf->id);
	return err;
}

static void vbus_interface_unnumber(struct vbus_interface *intf)
{
	xa_erase(&intf->device->interfaces, intf->number);
	xa_erase(&intf->bus->interfaces, intf->id);
}

static int vbus_interface_add_dir(struct vbus_interface *intf)
{
	char name[VBUS_NUMBER_LEN];
	int err;

	err = kobject_add(&intf->kobj, intf->bus->devices, "%u", intf->id);
	if (err)
		return err;
	err = sysfs_create_link(&intf->kobj, &intf->device->kobj, "device");
	if (err)
		goto del;
	snprintf(name, sizeof(name), "%u", intf->number);
	err = sysfs_create_link(intf->device->links, &intf->kobj, name);
	if (err)
		goto remove_link;
	return 0;

remove_link:
	sysfs_remove_link(&intf->kobj, "device");
del:
	kobject_del(&intf->kobj);
	return err;
}

static void vbus_interface_del_dir(struct vbus_interface *intf)
{
	char name[VBUS_NUMBER_LEN];

	snprintf(name, sizeof(name), "%u", intf->number);
	sysfs_remove_link(intf->device->links, name);
	sysfs_remove_link(&intf->kobj, "device");
	kobject_del(&intf->kobj);
}

static int vbus_interface_create(struct vbus *bus, struct vbus_device *dev)
{
	struct vbus_interface *intf = vbus_interface_alloc(bus, dev);
	int err;

	if (!intf)
		return -ENOMEM;
	err = vbus_interface_number(intf);
	if (err)
		goto put;
	err = vbus_interface_add_dir(intf);
	if (err)
		goto unnumber;
	err = dev->ops->link ? dev->ops->link(intf) : 0;
	if (err)
		goto del_dir;

	dev->n_interfaces++;
	/* Zero is none's. */
	intf->instance = atomic_inc_return(&bus->instances) ?:
			 atomic_inc_return(&bus->instances);
	trace_vbus_interface_create(bus->name, intf->id, dev->name);
	/* Works from here on. The slot is reserved: this cannot fail. */
	xa_store(&bus->interfaces, intf->id, intf, GFP_KERNEL);
	return 0;

del_dir:
	vbus_interface_del_dir(intf);
unnumber:
	vbus_interface_unnumber(intf);
put:
	vbus_interface_put(intf);
	return err;
}

/**
 * vbus_interface_end - take a device off a bus
 * @intf: an interface that works; it is gone for the caller
 *
 * Every connection ends; their clients are told. vbus_changed() is the
 * caller's to call, without the lock.
 *
 * Context: process, may sleep, device->lock held.
 */
void vbus_interface_end(struct vbus_interface *intf)
{
	struct vbus_device *dev = intf->device;

	lockdep_assert_held(&dev->lock);
	/* NULL keeps the number reserved. */
	xa_store(&intf->bus->interfaces, intf->id, NULL, GFP_KERNEL);
	down_write(&intf->open_lock);
	intf->dead = true;
	up_write(&intf->open_lock);
	vbus_interface_end_connections(intf);

	if (dev->ops->unlink)
		dev->ops->unlink(intf);
	trace_vbus_interface_destroy(intf->bus->name, intf->id, dev->name);
	vbus_interface_del_dir(intf);
	vbus_interface_unnumber(intf);
	dev->n_interfaces--;
	vbus_interface_put(intf);
}

static struct vbus_interface *vbus_interface_of(struct vbus *bus,
						struct vbus_device *dev)
{
	struct vbus_interface *intf;
	unsigned long number;

	xa_for_each(&dev->interfaces, number, intf)
		if (intf->bus == bus)
			return intf;
	return NULL;
}

static int vbus_link_check(struct vbus *bus, struct vbus_device *dev)
{
	unsigned int max;

	if (bus->dead || dev->dead)
		return -ENOENT;
	if (!dev->class)
		return -EINVAL;
	if (vbus_interface_of(bus, dev))
		return -EEXIST;
	max = dev->class->dc->max_interfaces;
	return max && dev->n_interfaces >= max ? -EBUSY : 0;
}

/**
 * vbus_link - put a device on a bus
 * @bus: the bus
 * @dev: the device
 *
 * Context: process, may sleep; a callback of configfs, which holds the inode
 * lock of the bus's directory.
 * Return: 0; -EINVAL when the device has no type; -EEXIST when it is on this
 * bus; -EBUSY when it is on as many as its class allows; -ENOENT when either is
 * being removed; any error of the class's link(); -ENOMEM.
 */
int vbus_link(struct vbus *bus, struct vbus_device *dev)
{
	int err;

	mutex_lock(&dev->lock);
	err = vbus_link_check(bus, dev);
	if (!err)
		err = vbus_interface_create(bus, dev);
	mutex_unlock(&dev->lock);

	if (!err)
		vbus_changed(bus);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_link);

/**
 * vbus_unlink - take a device off a bus, if it is still on it
 * @bus: the bus
 * @dev: the device
 *
 * It is not when the link was being made while the device was removed.
 *
 * Context: as vbus_link().
 */
void vbus_unlink(struct vbus *bus, struct vbus_device *dev)
{
	struct vbus_interface *intf;

	mutex_lock(&dev->lock);
	intf = vbus_interface_of(bus, dev);
	if (intf)
		vbus_interface_end(intf);
	mutex_unlock(&dev->lock);

	if (intf)
		vbus_changed(bus);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_unlink);

static struct vbus_interface *vbus_interface_get(struct vbus *bus, u32 id)
{
	struct vbus_interface *intf;

	guard(rcu)();
	intf = xa_load(&bus->interfaces, id);
	return intf && kobject_get_unless_zero(&intf->kobj) ? intf : NULL;
}

/**
 * vbus_interface_open_begin - find an interface and keep it working
 * @bus: the client's bus
 * @id: the dev-id, whatever the client says
 *
 * Context: process, may sleep.
 * Return: the interface, referenced, its device's mask fixed: both until
 * vbus_interface_disconnect(); and working until vbus_interface_open_end().
 * NULL when there is no such device on this bus.
 */
struct vbus_interface *vbus_interface_open_begin(struct vbus *bus, u32 id)
{
	struct vbus_interface *intf = vbus_interface_get(bus, id);

	if (!intf)
		return NULL;
	down_read(&intf->open_lock);
	if (intf->dead) {
		up_read(&intf->open_lock);
		vbus_interface_put(intf);
		return NULL;
	}
	vbus_device_connected(intf->device);
	return intf;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_interface_open_begin);

/**
 * vbus_interface_open_end - the open is done, whether it succeeded or not
 * @intf: what vbus_interface_open_begin() returned
 *
 * Context: process, in the task that has begun.
 */
void vbus_interface_open_end(struct vbus_interface *intf)
{
	up_read(&intf->open_lock);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_interface_open_end);

/**
 * vbus_interface_disconnect - a connection has ended, or was not made
 * @intf: its interface; the reference that begin has taken is dropped
 *
 * Context: process.
 */
void vbus_interface_disconnect(struct vbus_interface *intf)
{
	vbus_device_disconnected(intf->device);
	vbus_interface_put(intf);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_interface_disconnect);

/**
 * vbus_interface_device - the device of an interface
 * @intf: the interface
 *
 * Context: any.
 * Return: the device; its memory lives as long as the interface's.
 */
struct vbus_device *vbus_interface_device(const struct vbus_interface *intf)
{
	return intf->device;
}
EXPORT_SYMBOL_GPL(vbus_interface_device);

/**
 * vbus_interface_id - the number of a device on its bus
 * @intf: the interface
 *
 * Context: any.
 * Return: the dev-id.
 */
u32 vbus_interface_id(const struct vbus_interface *intf)
{
	return intf->id;
}
EXPORT_SYMBOL_GPL(vbus_interface_id);
