// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus core: names, deviceclasses, devices, links,
 * membership, and that every reference that was taken is dropped.
 *
 * The objects are used as configfs uses them, but are not in configfs; a bus
 * that shall have members gets the test as its first holder.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kernfs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "vbus.h"

/*
 * A deviceclass that counts, and fails when told to
 */

struct vbus_test {
	struct vbus_deviceclass dc;
	struct vbus_deviceclass_ops ops;
	struct vbus *bus[2];
	struct vbus_device *dev;
	int created, linked;
	int create_err, link_err;
};

/* create() knows nothing but the device; there is one test at a time. */
static struct vbus_test *vbus_test;

static int vbus_test_create(struct vbus_device *dev)
{
	if (vbus_test->create_err)
		return vbus_test->create_err;
	vbus_test->created++;
	vbus_device_set_priv(dev, vbus_test);
	return 0;
}

static void vbus_test_destroy(struct vbus_device *dev)
{
	struct vbus_test *t = vbus_device_priv(dev);

	t->created--;
}

static int vbus_test_link(struct vbus_interface *intf)
{
	struct vbus_test *t = vbus_device_priv(vbus_interface_device(intf));

	if (t->link_err)
		return t->link_err;
	t->linked++;
	return 0;
}

static void vbus_test_unlink(struct vbus_interface *intf)
{
	struct vbus_test *t = vbus_device_priv(vbus_interface_device(intf));

	t->linked--;
}

static int vbus_test_open(struct vbus_connection *conn, u32 version)
{
	return 0;
}

static ssize_t speed_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  vbus_device_name(vbus_device_from_kobj(kobj)));
}

static struct kobj_attribute speed_attr = __ATTR_RO(speed);

static struct attribute *vbus_test_attrs[] = {
	&speed_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(vbus_test);

static const struct vbus_deviceclass vbus_test_dc = {
	.name = "kunit-class",
	.type = "kunit-type",
	.owner = THIS_MODULE,
	.groups = vbus_test_groups,
	.features = 0xf0f,
};

static int vbus_test_init(struct kunit *test)
{
	struct vbus_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ops.create = vbus_test_create;
	t->ops.destroy = vbus_test_destroy;
	t->ops.link = vbus_test_link;
	t->ops.unlink = vbus_test_unlink;
	t->ops.open = vbus_test_open;
	t->dc = vbus_test_dc;
	t->dc.ops = &t->ops;
	test->priv = t;
	vbus_test = t;

	t->bus[0] = vbus_create("kunit-bus-0");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->bus[0]));
	t->bus[1] = vbus_create("kunit-bus-1");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->bus[1]));
	KUNIT_ASSERT_EQ(test, vbus_deviceclass_register(&t->dc), 0);
	t->dev = vbus_device_create("kunit-device");
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->dev));
	return 0;
}

/* A delayed release (CONFIG_DEBUG_KOBJECT_RELEASE) takes up to 5 seconds. */
static void vbus_test_expect_last_ref(struct kunit *test, struct kobject *kobj)
{
	int i;

	for (i = 0; i < 100 && kref_read(&kobj->kref) > 1; i++)
		msleep(100);
	KUNIT_EXPECT_EQ(test, kref_read(&kobj->kref), 1);
	kobject_put(kobj);
}

static void vbus_test_drop_device(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	if (!t->dev)
		return;
	vbus_device_destroy(t->dev);
	vbus_test_expect_last_ref(test, &t->dev->kobj);
	t->dev = NULL;
}

static void vbus_test_exit(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	int i;

	vbus_test_drop_device(test);
	KUNIT_EXPECT_EQ(test, t->created, 0);
	KUNIT_EXPECT_EQ(test, t->linked, 0);
	if (t->dc.entry)
		vbus_deviceclass_unregister(&t->dc);
	for (i = 0; i < 2; i++) {
		atomic_set(&t->bus[i]->holders, 0);
		vbus_destroy(t->bus[i]);
		vbus_test_expect_last_ref(test, &t->bus[i]->kobj);
	}
}

static bool vbus_test_has(struct kobject *dir, const char *name)
{
	struct kernfs_node *kn = kernfs_find_and_get(dir->sd, name);

	kernfs_put(kn);
	return kn;
}

static void vbus_test_set_type(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"), 0);
}

/*
 * Names
 */

struct vbus_name_case {
	const char *desc;
	const char *name;
	int err;
};

#define VBUS_NAME_100 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct vbus_name_case vbus_name_cases[] = {
	{ "uuid", "beb4df8f-7483-4028-b3f7-767512e2a18c", 0 },
	{ "blank inside", "my bus", 0 },
	{ "utf-8 that ends in 0xa0", "\xc3\xa0", 0 },
	{ "00", "00", 0 },
	{ "127 bytes", VBUS_NAME_100 "012345678901234567890123456", 0 },
	{ "128 bytes", VBUS_NAME_100 "0123456789012345678901234567", -EINVAL },
	{ "empty", "", -EINVAL },
	{ "0", "0", -EINVAL },
	{ "blank in front", " a", -EINVAL },
	{ "blank behind", "a ", -EINVAL },
	{ "blank alone", " ", -EINVAL },
	{ "tab", "a\tb", -EINVAL },
	{ "newline", "a\n", -EINVAL },
	{ "escape", "a\x1b[1m", -EINVAL },
	{ "delete", "a\x7f", -EINVAL },
};

static void vbus_name_case_desc(const struct vbus_name_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(vbus_name, vbus_name_cases, vbus_name_case_desc);

static void vbus_name_is_checked(struct kunit *test)
{
	const struct vbus_name_case *c = test->param_value;
	struct vbus_device *dev;

	KUNIT_EXPECT_EQ(test, vbus_name_check(c->name), c->err);
	dev = vbus_device_create(c->name);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(dev), c->err);
	if (IS_ERR(dev))
		return;
	vbus_device_destroy(dev);
	kobject_put(&dev->kobj);
}

/*
 * Deviceclasses
 */

static void vbus_class_must_be_whole(struct kunit *test)
{
	static const char long_type[] = "12345678901234567890123456789012";
	struct vbus_test *t = test->priv;
	struct vbus_deviceclass_ops ops;
	struct vbus_deviceclass dc;

#define EXPECT_REFUSED(change) do {					\
	dc = t->dc;							\
	ops = t->ops;							\
	dc.name = "kunit-other";					\
	dc.ops = &ops;							\
	change;								\
	KUNIT_EXPECT_EQ(test, vbus_deviceclass_register(&dc), -EINVAL);	\
} while (0)
	EXPECT_REFUSED(dc.name = NULL);
	EXPECT_REFUSED(dc.name = "");
	EXPECT_REFUSED(dc.name = "a b");
	EXPECT_REFUSED(dc.name = "a/b");
	EXPECT_REFUSED(dc.type = NULL);
	EXPECT_REFUSED(dc.type = "");
	EXPECT_REFUSED(dc.type = long_type);
	EXPECT_REFUSED(dc.type = "a b");
	EXPECT_REFUSED(dc.type = "a\nb");
	EXPECT_REFUSED(dc.type = "a:b*");
	EXPECT_REFUSED(dc.ops = NULL);
	EXPECT_REFUSED(ops.create = NULL);
	EXPECT_REFUSED(ops.destroy = NULL);
	EXPECT_REFUSED(ops.open = NULL);
#undef EXPECT_REFUSED
	KUNIT_EXPECT_FALSE(test, vbus_test_has(vbus_class_dir, "kunit-other"));
}

static void vbus_class_name_is_unique(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_deviceclass dc = t->dc;

	KUNIT_EXPECT_EQ(test, vbus_deviceclass_register(&dc), -EEXIST);
	KUNIT_EXPECT_TRUE(test, vbus_test_has(vbus_class_dir, "kunit-class"));
	vbus_deviceclass_unregister(&t->dc);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(vbus_class_dir, "kunit-class"));
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"),
			-ENOENT);
	dc.entry = NULL;
	KUNIT_EXPECT_EQ(test, vbus_deviceclass_register(&dc), 0);
	vbus_deviceclass_unregister(&dc);
}

static void vbus_class_is_held_by_its_devices(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_class *class = t->dc.entry;

	KUNIT_EXPECT_EQ(test, atomic_read(&class->devices), 0);
	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&class->devices), 1);
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, atomic_read(&class->devices), 1);
	vbus_test_drop_device(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&class->devices), 0);
}

/*
 * Devices
 */

static void vbus_device_gets_its_type_once(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-none"),
			-ENOENT);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(&t->dev->kobj, "class"));
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"), 0);
	KUNIT_EXPECT_EQ(test, t->created, 1);
	KUNIT_EXPECT_TRUE(test, vbus_test_has(&t->dev->kobj, "class"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(&t->dev->kobj, "speed"));
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, t->created, 1);
}

static void vbus_device_survives_failed_create(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_class *class = t->dc.entry;

	t->create_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(t->dev, "kunit-class"),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_read(&class->devices), 0);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(&t->dev->kobj, "class"));
	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), -EINVAL);
	t->create_err = 0;
	vbus_test_set_type(test);
}

static void vbus_device_features_are_masked(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_device_set_mask(t->dev, 0xff), 0);
	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 0x0f);
	KUNIT_EXPECT_EQ(test, vbus_device_set_mask(t->dev, U64_MAX), 0);
	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 0xf0f);
}

/*
 * Links
 */

static void vbus_link_needs_a_type(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), -EINVAL);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->bus[0]->interfaces));
}

static void vbus_link_shows_in_sysfs(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_interface *intf;

	vbus_test_set_type(test);
	KUNIT_ASSERT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	KUNIT_EXPECT_EQ(test, t->linked, 1);
	intf = xa_load(&t->bus[0]->interfaces, 0);
	KUNIT_ASSERT_NOT_NULL(test, intf);
	KUNIT_EXPECT_STREQ(test, intf->type, "kunit-type");
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->bus[0]->devices, "0"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(&intf->kobj, "type"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(&intf->kobj, "device"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->dev->links, "0"));

	vbus_unlink(t->bus[0], t->dev);
	KUNIT_EXPECT_EQ(test, t->linked, 0);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->devices, "0"));
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->dev->links, "0"));
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->bus[0]->interfaces));
}

static void vbus_link_is_made_once(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), -EEXIST);
	KUNIT_EXPECT_EQ(test, t->linked, 1);
	vbus_unlink(t->bus[0], t->dev);
	vbus_unlink(t->bus[0], t->dev);
	KUNIT_EXPECT_EQ(test, t->linked, 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	vbus_unlink(t->bus[0], t->dev);
}

static void vbus_link_obeys_the_class_limit(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	t->dc.max_interfaces = 1;
	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[1], t->dev), -EBUSY);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), -EEXIST);
	vbus_unlink(t->bus[0], t->dev);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[1], t->dev), 0);
	vbus_unlink(t->bus[1], t->dev);
}

static void vbus_link_leaves_nothing_when_refused(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	vbus_test_set_type(test);
	t->link_err = -ENODEV;
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), -ENODEV);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->bus[0]->interfaces));
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->dev->interfaces));
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->devices, "0"));
	KUNIT_EXPECT_EQ(test, t->dev->n_interfaces, 0);
	t->link_err = 0;
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	vbus_unlink(t->bus[0], t->dev);
}

static void vbus_link_takes_the_smallest_numbers(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_device *other = vbus_device_create("kunit-device-2");
	struct vbus_interface *intf;

	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(other, "kunit-class"), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], other), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[1], other), 0);

	intf = xa_load(&t->bus[0]->interfaces, 1);
	KUNIT_EXPECT_PTR_EQ(test, intf->device, other);
	KUNIT_EXPECT_EQ(test, intf->number, 0);
	intf = xa_load(&t->bus[1]->interfaces, 0);
	KUNIT_EXPECT_PTR_EQ(test, intf->device, other);
	KUNIT_EXPECT_EQ(test, intf->number, 1);

	vbus_unlink(t->bus[0], t->dev);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	intf = xa_load(&t->bus[0]->interfaces, 0);
	KUNIT_EXPECT_PTR_EQ(test, intf->device, t->dev);

	vbus_unlink(t->bus[0], t->dev);
	vbus_device_destroy(other);
	vbus_test_expect_last_ref(test, &other->kobj);
}

static void vbus_dead_objects_take_no_link(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_device *dev = t->dev;
	struct vbus *bus;

	vbus_test_set_type(test);
	bus = vbus_create("kunit-dead");
	KUNIT_ASSERT_FALSE(test, IS_ERR(bus));
	vbus_destroy(bus);
	KUNIT_EXPECT_EQ(test, vbus_link(bus, dev), -ENOENT);
	vbus_test_expect_last_ref(test, &bus->kobj);

	kobject_get(&dev->kobj);
	vbus_device_destroy(dev);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], dev), -ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_device_set_type(dev, "kunit-class"),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, t->created, 0);
	kobject_put(&dev->kobj);
	vbus_test_expect_last_ref(test, &dev->kobj);
	t->dev = NULL;
}

static void vbus_removed_device_leaves_its_buses(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_device *dev = t->dev;
	int generation;

	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], dev), 0);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[1], dev), 0);
	generation = atomic_read(&t->bus[1]->generation);
	vbus_device_destroy(dev);
	KUNIT_EXPECT_EQ(test, t->linked, 0);
	KUNIT_EXPECT_EQ(test, t->created, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->bus[0]->interfaces));
	KUNIT_EXPECT_TRUE(test, xa_empty(&t->bus[1]->interfaces));
	KUNIT_EXPECT_NE(test, atomic_read(&t->bus[1]->generation), generation);
	/* What configfs does when it then cannot make the link. */
	vbus_unlink(t->bus[0], dev);
	vbus_test_expect_last_ref(test, &dev->kobj);
	t->dev = NULL;
}

/*
 * Opening an interface
 */

static void vbus_open_finds_what_is_linked(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_interface *intf;

	vbus_test_set_type(test);
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(t->bus[0], 0));
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(t->bus[0], 1));
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(t->bus[0], U32_MAX));
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(t->bus[1], 0));
	intf = vbus_interface_open_begin(t->bus[0], 0);
	KUNIT_ASSERT_NOT_NULL(test, intf);
	KUNIT_EXPECT_PTR_EQ(test, intf->device, t->dev);
	vbus_interface_open_end(intf);
	vbus_interface_disconnect(intf);
	vbus_unlink(t->bus[0], t->dev);
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(t->bus[0], 0));
}

static void vbus_mask_is_fixed_while_connected(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_interface *intf;

	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_link(t->bus[0], t->dev), 0);
	intf = vbus_interface_open_begin(t->bus[0], 0);
	KUNIT_ASSERT_NOT_NULL(test, intf);
	vbus_interface_open_end(intf);
	KUNIT_EXPECT_EQ(test, vbus_device_set_mask(t->dev, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 0xf0f);
	vbus_interface_disconnect(intf);
	KUNIT_EXPECT_EQ(test, vbus_device_set_mask(t->dev, 1), 0);
	KUNIT_EXPECT_EQ(test, vbus_device_features(t->dev), 1);
	vbus_unlink(t->bus[0], t->dev);
}

struct vbus_unlinker {
	struct vbus_test *t;
	struct completion done;
};

static int vbus_unlinker_fn(void *data)
{
	struct vbus_unlinker *u = data;

	vbus_unlink(u->t->bus[0], u->t->dev);
	complete(&u->done);
	return 0;
}

static void vbus_unlink_waits_for_an_open(struct kunit *test)
{
	struct vbus_unlinker u = { .t = test->priv };
	struct vbus_interface *intf;
	struct task_struct *task;

	init_completion(&u.done);
	vbus_test_set_type(test);
	KUNIT_EXPECT_EQ(test, vbus_link(u.t->bus[0], u.t->dev), 0);
	intf = vbus_interface_open_begin(u.t->bus[0], 0);
	KUNIT_ASSERT_NOT_NULL(test, intf);
	task = kthread_run(vbus_unlinker_fn, &u, "vbus-unlinker");
	if (IS_ERR(task)) {
		vbus_interface_open_end(intf);
		vbus_interface_disconnect(intf);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&u.done, HZ / 5), 0);
	KUNIT_EXPECT_EQ(test, u.t->linked, 1);
	/* It cannot be found any more, by anybody. */
	KUNIT_EXPECT_NULL(test, vbus_interface_open_begin(u.t->bus[0], 0));
	vbus_interface_open_end(intf);
	wait_for_completion(&u.done);
	KUNIT_EXPECT_EQ(test, u.t->linked, 0);
	vbus_interface_disconnect(intf);
}

/*
 * Membership
 */

struct vbus_process {
	struct task_struct *task;
	struct signal_struct *sig;
};

/* As much of a process as membership looks at. */
static struct vbus_process vbus_test_process(struct kunit *test, pid_t tgid)
{
	struct vbus_process p;

	p.task = kunit_kzalloc(test, sizeof(*p.task), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p.task);
	p.sig = kunit_kzalloc(test, sizeof(*p.sig), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p.sig);
	p.task->signal = p.sig;
	p.task->tgid = tgid;
	atomic_set(&p.sig->live, 1);
	return p;
}

/* What vbus_find() returns, given that the test holds the bus already. */
static struct vbus *vbus_test_hold(struct vbus *bus)
{
	if (!vbus_hold(bus))
		atomic_set(&bus->holders, 2);
	return bus;
}

static int vbus_test_holders(struct vbus *bus)
{
	return atomic_read(&bus->holders);
}

static void vbus_bus_outside_configfs_is_not_found(struct kunit *test)
{
	struct vbus_test *t = test->priv;

	/* It is in the list, but as if mkdir had not finished. */
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vbus_find("kunit-bus-0")),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vbus_find("kunit-none")),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 0);
	KUNIT_EXPECT_FALSE(test, vbus_hold(t->bus[0]));
}

static void vbus_member_is_listed_and_holds(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_process p = vbus_test_process(test, 4382);
	char name[VBUS_NAME_LEN];

	vbus_member_name(p.task, name);
	KUNIT_EXPECT_STREQ(test, name, "0");
	KUNIT_EXPECT_NULL(test, vbus_of(p.sig));

	KUNIT_EXPECT_EQ(test,
			vbus_member_move(p.task, vbus_test_hold(t->bus[0])), 0);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 2);
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->bus[0]->members, "4382"));
	vbus_member_name(p.task, name);
	KUNIT_EXPECT_STREQ(test, name, "kunit-bus-0");
	KUNIT_EXPECT_PTR_EQ(test, vbus_of(p.sig), t->bus[0]);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 3);
	vbus_release(t->bus[0]);

	KUNIT_EXPECT_EQ(test, vbus_member_move(p.task, NULL), 0);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 1);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->members, "4382"));
	KUNIT_EXPECT_EQ(test, vbus_member_move(p.task, NULL), 0);
}

static void vbus_member_moves_between_buses(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_process p = vbus_test_process(test, 100);

	vbus_member_move(p.task, vbus_test_hold(t->bus[0]));
	vbus_member_move(p.task, vbus_test_hold(t->bus[0]));
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 2);
	vbus_member_move(p.task, vbus_test_hold(t->bus[1]));
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 1);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[1]), 2);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->members, "100"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->bus[1]->members, "100"));
	vbus_exit(p.task);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[1]), 1);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[1]->members, "100"));
	vbus_exit(p.task);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[1]), 1);
}

static void vbus_member_exiting_is_refused(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_process p = vbus_test_process(test, 101);

	atomic_set(&p.sig->live, 0);
	KUNIT_EXPECT_EQ(test, vbus_member_set(p.task, "0"), -ESRCH);
	KUNIT_EXPECT_EQ(test, vbus_member_set(p.task, "kunit-none"), -ESRCH);
	/* It began to exit after that check. */
	KUNIT_EXPECT_EQ(test,
			vbus_member_move(p.task, vbus_test_hold(t->bus[0])),
			-ESRCH);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 1);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(p.sig->vbus));
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->members, "101"));
}

static void vbus_member_kernel_thread_is_refused(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, current->flags & PF_KTHREAD);
	KUNIT_EXPECT_EQ(test, vbus_member_set(current, "0"), -EPERM);
	KUNIT_EXPECT_EQ(test, vbus_member_set(current, "kunit-bus-0"), -EPERM);
	KUNIT_EXPECT_NULL(test, vbus_of_current());
}

static void vbus_fork_child_is_listed_where_it_is(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_process p = vbus_test_process(test, 102);
	struct vbus_process moved = vbus_test_process(test, 103);
	struct vbus_process failed = vbus_test_process(test, 104);

	rcu_assign_pointer(p.sig->vbus, vbus_test_hold(t->bus[0]));
	__vbus_fork_publish(p.task);
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->bus[0]->members, "102"));
	__vbus_fork_publish(p.task);

	/* Found and moved before it was listed. */
	rcu_assign_pointer(moved.sig->vbus, vbus_test_hold(t->bus[0]));
	vbus_member_move(moved.task, vbus_test_hold(t->bus[1]));
	__vbus_fork_publish(moved.task);
	KUNIT_EXPECT_FALSE(test, vbus_test_has(t->bus[0]->members, "103"));
	KUNIT_EXPECT_TRUE(test, vbus_test_has(t->bus[1]->members, "103"));

	rcu_assign_pointer(failed.sig->vbus, vbus_test_hold(t->bus[0]));
	__vbus_fork_cancel(failed.sig);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(failed.sig->vbus));

	vbus_exit(p.task);
	vbus_exit(moved.task);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 1);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[1]), 1);
}

static void vbus_member_without_listing_is_a_member(struct kunit *test)
{
	struct vbus_test *t = test->priv;
	struct vbus_process p = vbus_test_process(test, 105);

	/* The place is taken. */
	KUNIT_ASSERT_EQ(test, xa_reserve(&t->bus[0]->member_files, 105,
					 GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test,
			vbus_member_move(p.task, vbus_test_hold(t->bus[0])), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->bus[0]->unlisted), 1);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 2);
	KUNIT_EXPECT_EQ(test, vbus_member_move(p.task, NULL), 0);
	KUNIT_EXPECT_EQ(test, vbus_test_holders(t->bus[0]), 1);
}

static struct kunit_case vbus_test_cases[] = {
	KUNIT_CASE_PARAM(vbus_name_is_checked, vbus_name_gen_params),
	KUNIT_CASE(vbus_class_must_be_whole),
	KUNIT_CASE(vbus_class_name_is_unique),
	KUNIT_CASE(vbus_class_is_held_by_its_devices),
	KUNIT_CASE(vbus_device_gets_its_type_once),
	KUNIT_CASE(vbus_device_survives_failed_create),
	KUNIT_CASE(vbus_device_features_are_masked),
	KUNIT_CASE(vbus_link_needs_a_type),
	KUNIT_CASE(vbus_link_shows_in_sysfs),
	KUNIT_CASE(vbus_link_is_made_once),
	KUNIT_CASE(vbus_link_obeys_the_class_limit),
	KUNIT_CASE(vbus_link_leaves_nothing_when_refused),
	KUNIT_CASE(vbus_link_takes_the_smallest_numbers),
	KUNIT_CASE(vbus_dead_objects_take_no_link),
	KUNIT_CASE(vbus_removed_device_leaves_its_buses),
	KUNIT_CASE(vbus_open_finds_what_is_linked),
	KUNIT_CASE(vbus_mask_is_fixed_while_connected),
	KUNIT_CASE(vbus_unlink_waits_for_an_open),
	KUNIT_CASE(vbus_bus_outside_configfs_is_not_found),
	KUNIT_CASE(vbus_member_is_listed_and_holds),
	KUNIT_CASE(vbus_member_moves_between_buses),
	KUNIT_CASE(vbus_member_exiting_is_refused),
	KUNIT_CASE(vbus_member_kernel_thread_is_refused),
	KUNIT_CASE(vbus_fork_child_is_listed_where_it_is),
	KUNIT_CASE(vbus_member_without_listing_is_a_member),
	{}
};

static struct kunit_suite vbus_test_suite = {
	.name = "vbus",
	.init = vbus_test_init,
	.exit = vbus_test_exit,
	.test_cases = vbus_test_cases,
};

kunit_test_suite(vbus_test_suite);

MODULE_DESCRIPTION("KUnit tests of the Virtual-Bus core");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
