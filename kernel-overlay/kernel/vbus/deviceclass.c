// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus deviceclasses: the types of device that there are
 *
 * The kobject belongs to the core, not to the module, so it may outlive the
 * module. What the module owns (struct vbus_deviceclass, its strings and
 * functions) is used by devices, each of which holds the module from
 * vbus_class_get() to vbus_class_put(): a class that has a device cannot be
 * unloaded, and what is not yet found by vbus_class_get() has no device.
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <trace/events/vbus.h>
#include "vbus.h"

/* Protects the list; held while a class's directory is made and removed. */
static DEFINE_MUTEX(vbus_classes_lock);
static LIST_HEAD(vbus_classes);

static void vbus_class_free(struct kobject *kobj)
{
	kfree(container_of(kobj, struct vbus_class, kobj));
}

static const struct kobj_type vbus_class_ktype = {
	.release = vbus_class_free,
	.sysfs_ops = &kobj_sysfs_ops,
};

static struct vbus_class *vbus_class_find(const char *name)
{
	struct vbus_class *class;

	lockdep_assert_held(&vbus_classes_lock);
	list_for_each_entry(class, &vbus_classes, node)
		if (!strcmp(class->dc->name, name))
			return class;
	return NULL;
}

/**
 * vbus_class_name_check - may a deviceclass have this name?
 * @name: the name
 *
 * It becomes part of what modprobe is called with.
 *
 * Context: any.
 * Return: 0, or -EINVAL: it is empty, longer than 31 bytes, or has a character
 * that is no ASCII letter, digit, hyphen or underscore.
 */
int vbus_class_name_check(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	if (!len || len >= VBUS_CLASS_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) ||
		    !(isalnum(name[i]) || strchr("-_", name[i])))
			return -EINVAL;
	return 0;
}

/*
 * It becomes part of a MODALIAS in a uevent of the driver's side, which takes
 * nothing else.
 */
static bool vbus_type_ok(const char *type)
{
	size_t len = strlen(type);
	size_t i;

	if (!len || len >= VBUS_TYPE_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(type[i]) ||
		    !(isalnum(type[i]) || strchr("-_.", type[i])))
			return false;
	return true;
}

static bool vbus_deviceclass_valid(const struct vbus_deviceclass *dc)
{
	return dc->name && dc->type && dc->ops &&
	       dc->ops->create && dc->ops->destroy && dc->ops->open &&
	       !vbus_class_name_check(dc->name) && vbus_type_ok(dc->type);
}

/**
 * vbus_deviceclass_register - let the administrator make devices of a class
 * @dc: the class; it stays the caller's and must live until it is unregistered
 *
 * Devices can be made before this returns, so it comes last in a module's
 * start.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL when name, type, create(), destroy() or open() is missing
 * or will not do; -EEXIST when there is a class of this name;
 * -ENODEV when there is no Virtual-Bus (its start has failed); -ENOMEM.
 */
int vbus_deviceclass_register(struct vbus_deviceclass *dc)
{
	struct vbus_class *class;
	int err;

	if (!vbus_deviceclass_valid(dc))
		return -EINVAL;
	if (!vbus_class_dir)
		return -ENODEV;
	class = kzalloc_obj(*class);
	if (!class)
		return -ENOMEM;
	class->dc = dc;
	kobject_init(&class->kobj, &vbus_class_ktype);

	mutex_lock(&vbus_classes_lock);
	if (vbus_class_find(dc->name))
		err = -EEXIST;
	else
		err = kobject_add(&class->kobj, vbus_class_dir, "%s", dc->name);
	if (!err) {
		list_add_tail(&class->node, &vbus_classes);
		dc->entry = class;
	}
	mutex_unlock(&vbus_classes_lock);

	if (err)
		kobject_put(&class->kobj);
	else
		trace_vbus_deviceclass_register(dc->name);
	return err;
}
EXPORT_SYMBOL_GPL(vbus_deviceclass_register);

/**
 * vbus_deviceclass_unregister - no devices of a class can be made any more
 * @dc: a class that vbus_deviceclass_register() took
 *
 * There must be no device of it left. A module's exit can be sure of that,
 * because each device holds the module.
 *
 * Context: process, may sleep.
 */
void vbus_deviceclass_unregister(struct vbus_deviceclass *dc)
{
	struct vbus_class *class = dc->entry;

	mutex_lock(&vbus_classes_lock);
	list_del(&class->node);
	/* It has no files to wait for. The name is free for the next one. */
	kobject_del(&class->kobj);
	mutex_unlock(&vbus_classes_lock);

	WARN_ON_ONCE(atomic_read(&class->devices));
	trace_vbus_deviceclass_unregister(dc->name);
	dc->entry = NULL;
	kobject_put(&class->kobj);
}
EXPORT_SYMBOL_GPL(vbus_deviceclass_unregister);

/**
 * vbus_class_get - find a class for a new device
 * @name: its name
 *
 * Context: process, may sleep.
 * Return: the class, with a reference to it and one to its module, or NULL.
 */
struct vbus_class *vbus_class_get(const char *name)
{
	struct vbus_class *class;

	guard(mutex)(&vbus_classes_lock);
	class = vbus_class_find(name);
	if (!class || !try_module_get(class->dc->owner))
		return NULL;
	atomic_inc(&class->devices);
	kobject_get(&class->kobj);
	return class;
}

/**
 * vbus_class_put - a device of the class is gone
 * @class: what vbus_class_get() returned
 *
 * Context: process.
 */
void vbus_class_put(struct vbus_class *class)
{
	struct module *owner = class->dc->owner;

	atomic_dec(&class->devices);
	/* From here on the class may be unregistered and unloaded. */
	module_put(owner);
	kobject_put(&class->kobj);
}
