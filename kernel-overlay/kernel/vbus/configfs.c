// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus in configfs: vbus/devices and vbus/instances
 *
 * mkdir makes an object, rmdir removes it, a symbolic link from a bus to a
 * device puts the device on the bus. An item is part of its object and holds
 * one reference to it; drop_item() ends the object, release() drops that.
 *
 * configfs gives: no attribute's show() or store() runs when drop_item() is
 * called, nor can one start; make, link and unlink within one directory exclude
 * each other. It does not give: allow_link() against rmdir of the target, or
 * against rmdir of the directory itself, which it lets go of in between. Both
 * objects have a flag for that.
 */
#include <linux/kstrtox.h>
#include "vbus.h"

static struct vbus_device *to_device(struct config_item *item)
{
	return container_of(item, struct vbus_device, item);
}

static struct vbus *to_bus(struct config_item *item)
{
	return container_of(item, struct vbus, item);
}

/*
 * Devices
 */

static ssize_t vbus_device_type_show(struct config_item *item, char *page)
{
	struct vbus_class *class = vbus_device_class(to_device(item));

	return class ? sysfs_emit(page, "%s\n", class->dc->name) : 0;
}

static ssize_t vbus_device_type_store(struct config_item *item,
				      const char *page, size_t count)
{
	char name[VBUS_CLASS_NAME_LEN];
	size_t len = count;
	int err;

	if (len && page[len - 1] == '\n')
		len--;
	if (len >= sizeof(name))
		return -EINVAL;
	memcpy(name, page, len);
	name[len] = '\0';
	err = strlen(name) == len ? vbus_class_name_check(name) : -EINVAL;
	if (err)
		return err;
	err = vbus_device_set_type(to_device(item), name);
	return err ?: count;
}

static ssize_t vbus_device_features_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "0x%llx\n",
			  READ_ONCE(to_device(item)->features));
}

static ssize_t vbus_device_feature_mask_show(struct config_item *item,
					     char *page)
{
	return sysfs_emit(page, "0x%llx\n",
			  READ_ONCE(to_device(item)->feature_mask));
}

static ssize_t vbus_device_feature_mask_store(struct config_item *item,
					      const char *page, size_t count)
{
	u64 mask;
	int err;

	err = kstrtou64(page, 16, &mask);
	if (!err)
		err = vbus_device_set_mask(to_device(item), mask);
	return err ?: count;
}

CONFIGFS_ATTR(vbus_device_, type);
CONFIGFS_ATTR_RO(vbus_device_, features);
CONFIGFS_ATTR(vbus_device_, feature_mask);

static struct configfs_attribute *vbus_device_attrs[] = {
	&vbus_device_attr_type,
	&vbus_device_attr_features,
	&vbus_device_attr_feature_mask,
	NULL
};

static void vbus_device_item_release(struct config_item *item)
{
	kobject_put(&to_device(item)->kobj);
}

static struct configfs_item_operations vbus_device_item_ops = {
	.release = vbus_device_item_release,
};

static const struct config_item_type vbus_device_item_type = {
	.ct_item_ops = &vbus_device_item_ops,
	.ct_attrs = vbus_device_attrs,
};

static struct config_item *vbus_make_device(struct config_group *group,
					    const char *name)
{
	struct vbus_device *dev = vbus_device_create(name);

	if (IS_ERR(dev))
		return ERR_CAST(dev);
	config_item_init_type_name(&dev->item, name, &vbus_device_item_type);
	return &dev->item;
}

static void vbus_drop_device(struct config_group *group,
			     struct config_item *item)
{
	vbus_device_destroy(to_device(item));
	config_item_put(item);
}

static struct configfs_group_operations vbus_devices_group_ops = {
	.make_item = vbus_make_device,
	.drop_item = vbus_drop_device,
};

static const struct config_item_type vbus_devices_type = {
	.ct_group_ops = &vbus_devices_group_ops,
};

/*
 * Buses
 */

static ssize_t vbus_bus_unlisted_members_show(struct config_item *item,
					      char *page)
{
	return sysfs_emit(page, "%d\n", atomic_read(&to_bus(item)->unlisted));
}

CONFIGFS_ATTR_RO(vbus_bus_, unlisted_members);

static struct configfs_attribute *vbus_bus_attrs[] = {
	&vbus_bus_attr_unlisted_members,
	NULL
};

static int vbus_bus_allow_link(struct config_item *item,
			       struct config_item *target)
{
	/* The target is any directory of configfs. */
	if (target->ci_type != &vbus_device_item_type)
		return -EINVAL;
	return vbus_link(to_bus(item), to_device(target));
}

static void vbus_bus_drop_link(struct config_item *item,
			       struct config_item *target)
{
	vbus_unlink(to_bus(item), to_device(target));
}

static void vbus_bus_item_release(struct config_item *item)
{
	kobject_put(&to_bus(item)->kobj);
}

static struct configfs_item_operations vbus_bus_item_ops = {
	.release = vbus_bus_item_release,
	.allow_link = vbus_bus_allow_link,
	.drop_link = vbus_bus_drop_link,
};

static const struct config_item_type vbus_bus_item_type = {
	.ct_item_ops = &vbus_bus_item_ops,
	.ct_attrs = vbus_bus_attrs,
};

static struct config_item *vbus_make_bus(struct config_group *group,
					 const char *name)
{
	struct vbus *bus = vbus_create(name);

	if (IS_ERR(bus))
		return ERR_CAST(bus);
	config_item_init_type_name(&bus->item, name, &vbus_bus_item_type);
	return &bus->item;
}

static void vbus_drop_bus(struct config_group *group, struct config_item *item)
{
	vbus_destroy(to_bus(item));
	config_item_put(item);
}

static struct configfs_group_operations vbus_instances_group_ops = {
	.make_item = vbus_make_bus,
	.drop_item = vbus_drop_bus,
};

static const struct config_item_type vbus_instances_type = {
	.ct_group_ops = &vbus_instances_group_ops,
};

/*
 * The subsystem
 */

static const struct config_item_type vbus_subsys_type = {};

struct configfs_subsystem vbus_subsys = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "vbus",
			.ci_type = &vbus_subsys_type,
		},
	},
};

static struct config_group vbus_devices_group;
static struct config_group vbus_instances_group;

/**
 * vbus_configfs_init - make vbus/devices and vbus/instances
 *
 * Context: once, at the start.
 * Return: 0, or -ENOMEM.
 */
int __init vbus_configfs_init(void)
{
	struct config_group *root = &vbus_subsys.su_group;

	config_group_init(root);
	mutex_init(&vbus_subsys.su_mutex);
	config_group_init_type_name(&vbus_devices_group, "devices",
				    &vbus_devices_type);
	configfs_add_default_group(&vbus_devices_group, root);
	config_group_init_type_name(&vbus_instances_group, "instances",
				    &vbus_instances_type);
	configfs_add_default_group(&vbus_instances_group, root);
	return configfs_register_subsystem(&vbus_subsys);
}
