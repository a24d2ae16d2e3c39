// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus buses: the container, and who keeps it from being removed
 *
 * A bus is made and destroyed by configfs (mkdir, rmdir). Whoever uses it,
 * a member process or a client, is a holder. The first holder makes the
 * directory in configfs busy, the last one lets it go, so that rmdir of a bus
 * in use fails with EBUSY and destruction never meets a user. Only the first
 * and the last take a lock; in between a count does, and somebody who sees a
 * bus through one of its holders needs the count alone. That is what fork and
 * the making of a VM do.
 *
 * Buses are found by name in a list. What is found is referenced and then held;
 * that fails while configfs has not finished mkdir or has begun rmdir.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>
#include "vbus.h"

static DEFINE_SPINLOCK(vbus_buses_lock);
static LIST_HEAD(vbus_buses);

static void vbus_free(struct kobject *kobj)
{
	struct vbus *bus = container_of(kobj, struct vbus, kobj);

	xa_destroy(&bus->interfaces);
	xa_destroy(&bus->member_files);
	kfree_rcu(bus, rcu);
}

static const struct kobj_type vbus_ktype = {
	.release = vbus_free,
	.sysfs_ops = &kobj_sysfs_ops,
};

static int vbus_add_dirs(struct vbus *bus)
{
	/* Who is in it, by the initial namespace's PIDs, is for root to see. */
	const struct iattr private = {
		.ia_valid = ATTR_MODE,
		.ia_mode = S_IFDIR | 0500,
	};
	int err = kobject_add(&bus->kobj, vbus_bus_dir, "%s", bus->name);

	if (err)
		return err;
	bus->devices = kobject_create_and_add("devices", &bus->kobj);
	bus->members = kobject_create_and_add("members", &bus->kobj);
	if (!bus->devices || !bus->members)
		return -ENOMEM;
	return kernfs_setattr(bus->members->sd, &private);
}

static void vbus_del_dirs(struct vbus *bus)
{
	kobject_del(bus->members);
	kobject_put(bus->members);
	kobject_del(bus->devices);
	kobject_put(bus->devices);
	kobject_del(&bus->kobj);
}

/**
 * vbus_create - make a bus
 * @name: a name that no other bus has
 *
 * Context: process, may sleep; a callback of configfs.
 * Return: the bus; -EINVAL when the name will not do; -ENOMEM; -EEXIST.
 */
struct vbus *vbus_create(const char *name)
{
	struct vbus *bus;
	int err = vbus_name_check(name);

	if (err)
		return ERR_PTR(err);
	bus = kzalloc_obj(*bus);
	if (!bus)
		return ERR_PTR(-ENOMEM);
	strscpy(bus->name, name, sizeof(bus->name));
	mutex_init(&bus->hold_lock);
	mutex_init(&bus->clients_lock);
	INIT_LIST_HEAD(&bus->clients);
	xa_init_flags(&bus->interfaces, XA_FLAGS_ALLOC);
	xa_init(&bus->member_files);
	kobject_init(&bus->kobj, &vbus_ktype);

	err = vbus_add_dirs(bus);
	if (err) {
		vbus_del_dirs(bus);
		kobject_put(&bus->kobj);
		return ERR_PTR(err);
	}
	spin_lock(&vbus_buses_lock);
	list_add_tail(&bus->node, &vbus_buses);
	spin_unlock(&vbus_buses_lock);
	trace_vbus_bus_create(name);
	return bus;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_create);

/**
 * vbus_destroy - a bus is removed
 * @bus: the bus; the caller drops the last reference that is its own
 *
 * configfs has seen to it that there is no link and no holder.
 *
 * Context: process, may sleep; a callback of configfs.
 */
void vbus_destroy(struct vbus *bus)
{
	spin_lock(&vbus_buses_lock);
	list_del(&bus->node);
	spin_unlock(&vbus_buses_lock);

	bus->dead = true;
	WARN_ON_ONCE(atomic_read(&bus->holders));
	WARN_ON_ONCE(!xa_empty(&bus->interfaces));
	trace_vbus_bus_destroy(bus->name);
	vbus_del_dirs(bus);
}
EXPORT_SYMBOL_IF_KUNIT(vbus_destroy);

/**
 * vbus_changed - devices came to a bus or left it
 * @bus: the bus
 *
 * Context: process, may sleep, no lock of vbus held.
 */
void vbus_changed(struct vbus *bus)
{
	/* After the change: who sees the new generation sees the change. */
	atomic_inc_return_release(&bus->generation);
	vbus_clients_changed(bus);
}

/**
 * vbus_hold - become a holder of a bus that has one
 * @bus: the bus; its memory is there because of a reference or RCU
 *
 * Context: any.
 * Return: true, and vbus_release() is due; false when it has no holder.
 */
bool vbus_hold(struct vbus *bus)
{
	return atomic_inc_not_zero(&bus->holders);
}
EXPORT_SYMBOL_GPL(vbus_hold);

static int vbus_hold_first(struct vbus *bus)
{
	int err;

	guard(mutex)(&bus->hold_lock);
	if (vbus_hold(bus))
		return 0;
	err = configfs_depend_item(&vbus_subsys, &bus->item);
	if (!err)
		atomic_set(&bus->holders, 1);
	return err;
}

/**
 * vbus_release - cease to be a holder of a bus
 * @bus: the bus; it may be gone when this returns
 *
 * Context: process, may sleep; not within a callback of configfs.
 */
void vbus_release(struct vbus *bus)
{
	/* Once configfs lets go of the bus, this keeps the lock's memory. */
	kobject_get(&bus->kobj);
	if (atomic_dec_and_mutex_lock(&bus->holders, &bus->hold_lock)) {
		configfs_undepend_item(&bus->item);
		mutex_unlock(&bus->hold_lock);
	}
	kobject_put(&bus->kobj);
}
EXPORT_SYMBOL_GPL(vbus_release);

static struct vbus *vbus_lookup(const char *name)
{
	struct vbus *found = NULL;
	struct vbus *bus;

	spin_lock(&vbus_buses_lock);
	list_for_each_entry(bus, &vbus_buses, node) {
		if (!strcmp(bus->name, name)) {
			kobject_get(&bus->kobj);
			found = bus;
			break;
		}
	}
	spin_unlock(&vbus_buses_lock);
	return found;
}

/**
 * vbus_find - find a bus by its name and hold it
 * @name: the name
 *
 * Context: process, may sleep; not within a callback of configfs.
 * Return: the bus, and vbus_release() is due; ERR_PTR(-ENOENT) when there is
 * none, or it is being made or removed; ERR_PTR(-ENOMEM).
 */
struct vbus *vbus_find(const char *name)
{
	struct vbus *bus = vbus_lookup(name);
	int err;

	if (!bus)
		return ERR_PTR(-ENOENT);
	err = vbus_hold_first(bus);
	/* A holder needs no reference: the directory in configfs has one. */
	kobject_put(&bus->kobj);
	return err ? ERR_PTR(err) : bus;
}
EXPORT_SYMBOL_GPL(vbus_find);
