// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus: the directories of /sys/vbus, its version, and the start
 *
 * /sys/vbus consists of plain kobjects, so that it shows the objects and
 * nothing else. It is up before configfs can be written to, and stays.
 */
#include <kunit/visibility.h>
#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "vbus.h"

#define CREATE_TRACE_POINTS
#include <trace/events/vbus.h>

struct kobject *vbus_class_dir;
EXPORT_SYMBOL_IF_KUNIT(vbus_class_dir);
struct kobject *vbus_device_dir;
struct kobject *vbus_bus_dir;

/*
 * For the ends of connections. They sleep in the code of devices, and clients
 * cause as many as they like: they shall neither fill a workqueue of the
 * system nor wait behind what others do there, because rmdir, unlink and the
 * end of a client wait for them.
 */
struct workqueue_struct *vbus_wq;

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", VBUS_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

/**
 * vbus_name_check - may an object have this name?
 * @name: the name that the administrator wants
 *
 * A name is a directory's name, is printed on lines of its own, and is what a
 * process writes to join a bus, where "0" stands for none.
 *
 * Context: any.
 * Return: 0, or -EINVAL: it is empty, "0", longer than 127 bytes, begins or
 * ends with a blank, or has a control character.
 */
int vbus_name_check(const char *name)
{
	size_t len = strlen(name);
	size_t i;

	if (!len || len >= VBUS_NAME_LEN || !strcmp(name, "0"))
		return -EINVAL;
	if (name[0] == ' ' || name[len - 1] == ' ')
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (iscntrl(name[i]))
			return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(vbus_name_check);

static int __init vbus_sysfs_init(void)
{
	struct kobject *root = kobject_create_and_add("vbus", NULL);

	if (!root)
		return -ENOMEM;
	vbus_class_dir = kobject_create_and_add("deviceclass", root);
	vbus_device_dir = kobject_create_and_add("devices", root);
	vbus_bus_dir = kobject_create_and_add("instances", root);
	if (!vbus_class_dir || !vbus_device_dir || !vbus_bus_dir ||
	    sysfs_create_file(root, &version_attr.attr)) {
		kobject_put(vbus_bus_dir);
		kobject_put(vbus_device_dir);
		kobject_put(vbus_class_dir);
		kobject_put(root);
		vbus_class_dir = NULL;
		return -ENOMEM;
	}
	return 0;
}

/*
 * After configfs (core_initcall) and before the first deviceclass or test
 * (device_initcall).
 */
static int __init vbus_init(void)
{
	int err;

	vbus_wq = alloc_workqueue("vbus", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!vbus_wq)
		return -ENOMEM;
	err = vbus_sysfs_init();
	if (err) {
		destroy_workqueue(vbus_wq);
		vbus_wq = NULL;
		return err;
	}
	return vbus_configfs_init();
}
subsys_initcall(vbus_init);
