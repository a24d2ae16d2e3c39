// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the vbus-proxy bus against a connector made of KUnit
 *
 * The connector counts what reaches it, so each test can say both what the
 * driver was answered and whether the other side heard of it.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vbus_driver.h>
#include <linux/vmalloc.h>

#define FAKE_TYPE	"kunit-proxy"
#define FAKE_ID		7
#define FAKE_REGION	2

/* The connector, and what the driver saw. One test runs at a time. */
struct fake {
	struct device *parent;
	struct vbus_proxy_device *vdev;
	struct completion released;
	unsigned int opens;
	unsigned int closes;
	unsigned int calls;
	unsigned int shms;
	unsigned int inside;
	unsigned int overlaps;
	u32 version;
	int open_error;
	unsigned int probes;
	unsigned int removes;
	unsigned int suspends;
	unsigned int resumes;
	unsigned int shutdowns;
	bool open_in_probe;
	bool close_in_suspend;
	int probe_error;
	int suspend_error;
	int error_in_remove;
};

static struct fake *fake;

static void fake_enter(void)
{
	if (fake->inside++)
		fake->overlaps++;
	msleep(20);
	fake->inside--;
}

static int fake_open(struct vbus_proxy_device *vdev, u32 version)
{
	fake->opens++;
	fake->version = version;
	return fake->open_error;
}

static void fake_close(struct vbus_proxy_device *vdev)
{
	fake->closes++;
}

static int fake_call(struct vbus_proxy_device *vdev, u32 func, void *data,
		     size_t len)
{
	fake->calls++;
	if (func)
		fake_enter();
	memset(data, 0x5a, len);
	return 0;
}

static void fake_signal_release(struct shm_signal *s)
{
	kfree(s);
}

static void fake_signal_inject(struct shm_signal *s)
{
}

static const struct shm_signal_ops fake_signal_ops = {
	.inject = fake_signal_inject,
	.release = fake_signal_release,
};

static int fake_shm(struct vbus_proxy_device *vdev, u32 id,
		    const struct vbus_proxy_region *region,
		    struct shm_signal **signal)
{
	fake->shms++;
	if (!signal)
		return 0;
	*signal = kzalloc_obj(**signal);
	if (!*signal)
		return -ENOMEM;
	shm_signal_init(*signal, SHM_SIGNAL_GUEST,
			region->vaddr + region->signal_offset,
			&fake_signal_ops);
	return 0;
}

static void fake_release(struct vbus_proxy_device *vdev)
{
	kfree(vdev);
	complete(&fake->released);
}

static const struct vbus_proxy_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.call = fake_call,
	.shm = fake_shm,
	.release = fake_release,
};

static int drv_probe(struct vbus_proxy_device *vdev)
{
	fake->probes++;
	if (fake->open_in_probe && vbus_proxy_open(vdev, 1))
		return -EIO;
	return fake->probe_error;
}

static void drv_remove(struct vbus_proxy_device *vdev)
{
	fake->removes++;
	fake->error_in_remove = vbus_proxy_call(vdev, 0, NULL, 0);
}

static void drv_shutdown(struct vbus_proxy_device *vdev)
{
	fake->shutdowns++;
}

static int drv_suspend(struct vbus_proxy_device *vdev)
{
	fake->suspends++;
	if (fake->close_in_suspend)
		vbus_proxy_close(vdev);
	return fake->suspend_error;
}

static int drv_resume(struct vbus_proxy_device *vdev)
{
	fake->resumes++;
	return vbus_proxy_open(vdev, 1);
}

static struct vbus_proxy_driver full_driver = {
	.type = FAKE_TYPE,
	.probe = drv_probe,
	.remove = drv_remove,
	.shutdown = drv_shutdown,
	.suspend = drv_suspend,
	.resume = drv_resume,
	.driver.name = "kunit-proxy-full",
};

static struct vbus_proxy_driver __maybe_unused plain_driver = {
	.type = FAKE_TYPE,
	.probe = drv_probe,
	.driver.name = "kunit-proxy-plain",
};

static struct vbus_proxy_driver other_driver = {
	.type = FAKE_TYPE "-2",
	.probe = drv_probe,
	.driver.name = "kunit-proxy-other",
};

static struct vbus_proxy_device *fake_new(struct kunit *test, u32 id,
					  const char *type)
{
	struct vbus_proxy_device *vdev = kzalloc_obj(*vdev);

	KUNIT_ASSERT_NOT_NULL(test, vdev);
	vdev->ops = &fake_ops;
	vdev->id = id;
	strscpy(vdev->type, type);
	return vdev;
}

static void fake_add(struct kunit *test)
{
	fake->vdev = fake_new(test, FAKE_ID, FAKE_TYPE);
	KUNIT_ASSERT_EQ(test, vbus_proxy_device_add(fake->vdev, fake->parent),
			0);
}

static void wait_released(struct kunit *test)
{
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&fake->released, HZ),
			0);
}

static void fake_del(struct kunit *test)
{
	vbus_proxy_device_del(fake->vdev);
	fake->vdev = NULL;
	wait_released(test);
}

static void driver_gone(void *drv)
{
	vbus_proxy_driver_unregister(drv);
}

static void driver_here(struct kunit *test, struct vbus_proxy_driver *drv)
{
	KUNIT_ASSERT_EQ(test, vbus_proxy_driver_register(drv), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, driver_gone, drv), 0);
}

static void driver_away(struct kunit *test, struct vbus_proxy_driver *drv)
{
	kunit_release_action(test, driver_gone, drv);
}

static int proxy_init(struct kunit *test)
{
	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	if (!fake)
		return -ENOMEM;
	init_completion(&fake->released);
	fake->parent = kunit_device_register(test, "vbus-kunit");
	return PTR_ERR_OR_ZERO(fake->parent);
}

static void proxy_exit(struct kunit *test)
{
	if (fake && fake->vdev)
		fake_del(test);
	fake = NULL;
}

static void device_is_named_after_connector_and_id(struct kunit *test)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%d", dev_name(fake->parent), FAKE_ID);
	fake_add(test);
	KUNIT_EXPECT_STREQ(test, dev_name(&fake->vdev->dev), name);
}

static void driver_matches_its_type_only(struct kunit *test)
{
	driver_here(test, &other_driver);
	fake_add(test);
	KUNIT_EXPECT_EQ(test, fake->probes, 0);
	driver_here(test, &full_driver);
	KUNIT_EXPECT_EQ(test, fake->probes, 1);
}

static void device_finds_driver_that_was_first(struct kunit *test)
{
	driver_here(test, &full_driver);
	fake_add(test);
	KUNIT_EXPECT_EQ(test, fake->probes, 1);
	fake_del(test);
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

static void driver_leaves_device_that_stays(struct kunit *test)
{
	fake_add(test);
	driver_here(test, &full_driver);
	driver_away(test, &full_driver);
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	driver_here(test, &full_driver);
	KUNIT_EXPECT_EQ(test, fake->probes, 2);
}

static void uevent_carries_modalias(struct kunit *test)
{
	struct kobj_uevent_env *env = kunit_kzalloc(test, sizeof(*env),
						    GFP_KERNEL);
	const struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, env);
	fake_add(test);
	dev = &fake->vdev->dev;
	KUNIT_ASSERT_EQ(test, dev->bus->uevent(dev, env), 0);
	KUNIT_ASSERT_EQ(test, env->envp_idx, 1);
	KUNIT_EXPECT_STREQ(test, env->envp[0], "MODALIAS=vbus:" FAKE_TYPE);
}

static void device_of_a_known_id_is_refused(struct kunit *test)
{
	struct vbus_proxy_device *twin;

	fake_add(test);
	twin = fake_new(test, FAKE_ID, FAKE_TYPE);
	KUNIT_EXPECT_EQ(test, vbus_proxy_device_add(twin, fake->parent),
			-EEXIST);
	wait_released(test);
}

static const char * const bad_types[] = {
	"", "a b", "a\n", "a*", "a:b", "a/b", "caf\xe9", "a=b", "[a]",
};

static void bad_type_desc(const char * const *type, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "bad type %td",
		 type - bad_types);
}

KUNIT_ARRAY_PARAM(bad_type, bad_types, bad_type_desc);

static void type_from_outside_is_checked(struct kunit *test)
{
	const char * const *type = test->param_value;

	KUNIT_EXPECT_EQ(test,
			vbus_proxy_device_add(fake_new(test, FAKE_ID, *type),
					      fake->parent),
			-EINVAL);
	wait_released(test);
}

static void type_without_end_is_refused(struct kunit *test)
{
	struct vbus_proxy_device *vdev = fake_new(test, FAKE_ID, "");

	memset(vdev->type, 'a', sizeof(vdev->type));
	KUNIT_EXPECT_EQ(test, vbus_proxy_device_add(vdev, fake->parent),
			-EINVAL);
	wait_released(test);
}

static void driver_without_type_or_probe_is_refused(struct kunit *test)
{
	static struct vbus_proxy_driver drv = { .driver.name = "kunit-bad" };

	drv.type = NULL;
	drv.probe = drv_probe;
	KUNIT_EXPECT_EQ(test, vbus_proxy_driver_register(&drv), -EINVAL);
	drv.type = "*";
	KUNIT_EXPECT_EQ(test, vbus_proxy_driver_register(&drv), -EINVAL);
	drv.type = FAKE_TYPE;
	drv.probe = NULL;
	KUNIT_EXPECT_EQ(test, vbus_proxy_driver_register(&drv), -EINVAL);
}

static void verbs_need_an_open_device(struct kunit *test)
{
	struct vbus_proxy_region region = {
		.vaddr = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL),
		.len = PAGE_SIZE,
		.signal_offset = VBUS_SHM_NO_SIGNAL,
	};
	struct vbus_proxy_device *vdev;

	fake_add(test);
	vdev = fake->vdev;
	region.vaddr = PTR_ALIGN_DOWN(region.vaddr, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, NULL, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(vdev, 1, &region, NULL),
			-ENOTCONN);
	vbus_proxy_close(vdev);
	KUNIT_EXPECT_EQ(test, fake->closes, 0);
	KUNIT_EXPECT_EQ(test, fake->calls + fake->shms, 0);
}

static void open_once_until_closed(struct kunit *test)
{
	struct vbus_proxy_device *vdev;

	fake_add(test);
	vdev = fake->vdev;
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(vdev, 42), 0);
	KUNIT_EXPECT_EQ(test, fake->version, 42);
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(vdev, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake->opens, 1);
	vbus_proxy_close(vdev);
	vbus_proxy_close(vdev);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, NULL, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(vdev, 1), 0);
}

static void open_that_fails_leaves_it_closed(struct kunit *test)
{
	fake_add(test);
	fake->open_error = -EPROTONOSUPPORT;
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(fake->vdev, 9),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(fake->vdev, 0, NULL, 0),
			-ENOTCONN);
	fake_del(test);
	KUNIT_EXPECT_EQ(test, fake->closes, 0);
}

static void call_carries_data_within_bounds(struct kunit *test)
{
	u8 *data = kunit_kzalloc(test, VBUS_CALL_MAX + 1, GFP_KERNEL);
	struct vbus_proxy_device *vdev;

	KUNIT_ASSERT_NOT_NULL(test, data);
	fake_add(test);
	vdev = fake->vdev;
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(vdev, 1), 0);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, data, VBUS_CALL_MAX),
			0);
	KUNIT_EXPECT_EQ(test, data[VBUS_CALL_MAX - 1], 0x5a);
	KUNIT_EXPECT_EQ(test, data[VBUS_CALL_MAX], 0);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, data,
					      VBUS_CALL_MAX + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, NULL, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, fake->calls, 2);
}

static struct shm_signal_notifier some_notifier;

/* One change to a good region of two pages each. */
struct region_case {
	const char *name;
	long vaddr_change;
	size_t len;
	u32 signal_offset;
	u32 id;
	bool no_notifier;
	bool no_name;
	bool no_signal_pointer;
	int error;
};

#define REGION_LEN	(2 * PAGE_SIZE)
#define SIGNAL_LAST	(REGION_LEN - sizeof(struct shm_signal_desc))

static const struct region_case region_cases[] = {
	{ "signal at the start", .len = REGION_LEN, .id = FAKE_REGION },
	{ "signal at the end", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = SIGNAL_LAST },
	{ "no signal", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = VBUS_SHM_NO_SIGNAL, .no_notifier = true,
	  .no_name = true, .no_signal_pointer = true },
	{ "region 0", .len = REGION_LEN, .error = -EINVAL },
	{ "unaligned", .vaddr_change = 64, .len = PAGE_SIZE,
	  .id = FAKE_REGION, .error = -EINVAL },
	{ "empty", .id = FAKE_REGION, .error = -EINVAL },
	{ "half a page", .len = PAGE_SIZE / 2, .id = FAKE_REGION,
	  .error = -EINVAL },
	{ "too long", .len = VBUS_SHM_MAX_LEN + PAGE_SIZE, .id = FAKE_REGION,
	  .error = -EINVAL },
	{ "length wraps", .len = -PAGE_SIZE, .id = FAKE_REGION,
	  .error = -EINVAL },
	{ "signal unaligned", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = 32, .error = -EINVAL },
	{ "signal across the end", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = SIGNAL_LAST + 64, .error = -EINVAL },
	{ "signal behind the end", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = REGION_LEN, .error = -EINVAL },
	{ "signal offset wraps", .len = REGION_LEN, .id = FAKE_REGION,
	  .signal_offset = 0xffffffc0, .error = -EINVAL },
	{ "signal without notifier", .len = REGION_LEN, .id = FAKE_REGION,
	  .no_notifier = true, .error = -EINVAL },
	{ "signal without name", .len = REGION_LEN, .id = FAKE_REGION,
	  .no_name = true, .error = -EINVAL },
	{ "signal without pointer", .len = REGION_LEN, .id = FAKE_REGION,
	  .no_signal_pointer = true, .error = -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(region, region_cases, name);

static void free_region(void *vaddr)
{
	vfree(vaddr);
}

static void region_is_checked(struct kunit *test)
{
	const struct region_case *c = test->param_value;
	struct shm_signal *s = NULL;
	struct vbus_proxy_region region = {
		.len = c->len,
		.signal_offset = c->signal_offset,
		.notifier = c->no_notifier ? NULL : &some_notifier,
		.name = c->no_name ? NULL : "kunit",
		.cpu = -1,
	};

	region.vaddr = vzalloc(REGION_LEN);
	KUNIT_ASSERT_NOT_NULL(test, region.vaddr);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_region,
							region.vaddr), 0);
	region.vaddr += c->vaddr_change;
	fake_add(test);
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(fake->vdev, 1), 0);
	KUNIT_EXPECT_EQ(test,
			vbus_proxy_shm(fake->vdev, c->id, &region,
				       c->no_signal_pointer ? NULL : &s),
			c->error);
	KUNIT_EXPECT_EQ(test, fake->shms, !c->error);
	KUNIT_EXPECT_EQ(test, !!s, !c->error && !c->no_signal_pointer);
	shm_signal_put(s);
}

static void region_of_user_memory_is_refused(struct kunit *test)
{
	struct vbus_proxy_region region = {
		.len = PAGE_SIZE,
		.signal_offset = VBUS_SHM_NO_SIGNAL,
	};

	fake_add(test);
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(fake->vdev, 1), 0);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(fake->vdev, 1, &region, NULL),
			-EINVAL);
	region.vaddr = (void *)(-2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vbus_proxy_shm(fake->vdev, 1, &region, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fake->shms, 0);
}

static void gone_device_answers_enodev(struct kunit *test)
{
	struct vbus_proxy_device *vdev;

	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake_add(test);
	vdev = fake->vdev;
	vbus_proxy_device_gone(vdev);
	KUNIT_EXPECT_EQ(test, vbus_proxy_call(vdev, 0, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->calls, 0);
	fake_del(test);
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	KUNIT_EXPECT_EQ(test, fake->error_in_remove, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
}

static void gone_device_does_not_open_again(struct kunit *test)
{
	struct vbus_proxy_device *vdev;

	fake_add(test);
	vdev = fake->vdev;
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(vdev, 1), 0);
	vbus_proxy_device_gone(vdev);
	vbus_proxy_close(vdev);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
	KUNIT_EXPECT_EQ(test, vbus_proxy_open(vdev, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake->opens, 1);
}

static void verbs_work_in_remove_then_bus_closes(struct kunit *test)
{
	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake_add(test);
	driver_away(test, &full_driver);
	KUNIT_EXPECT_EQ(test, fake->error_in_remove, 0);
	KUNIT_EXPECT_EQ(test, fake->calls, 1);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
	KUNIT_EXPECT_FALSE(test, fake->vdev->opened);
}

static void bus_closes_when_probe_fails(struct kunit *test)
{
	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake->probe_error = -ENODEV;
	fake_add(test);
	KUNIT_EXPECT_EQ(test, fake->probes, 1);
	KUNIT_EXPECT_EQ(test, fake->opens, 1);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
}

static void bus_closes_at_shutdown(struct kunit *test)
{
	struct device *dev;

	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake_add(test);
	dev = &fake->vdev->dev;
	dev->bus->shutdown(dev);
	KUNIT_EXPECT_EQ(test, fake->shutdowns, 1);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
}

#ifdef CONFIG_PM_SLEEP
static void suspend_closes_and_resume_opens(struct kunit *test)
{
	struct device *dev;

	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake_add(test);
	dev = &fake->vdev->dev;
	KUNIT_EXPECT_EQ(test, dev->bus->pm->suspend(dev), 0);
	KUNIT_EXPECT_EQ(test, fake->suspends, 1);
	KUNIT_EXPECT_EQ(test, fake->closes, 1);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->resume(dev), 0);
	KUNIT_EXPECT_EQ(test, fake->opens, 2);

	fake->close_in_suspend = true;
	KUNIT_EXPECT_EQ(test, dev->bus->pm->freeze(dev), 0);
	KUNIT_EXPECT_EQ(test, fake->closes, 2);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->thaw(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->poweroff(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->restore(dev), 0);
	KUNIT_EXPECT_EQ(test, fake->suspends, 3);
	KUNIT_EXPECT_EQ(test, fake->resumes, 3);
}

static void suspend_that_fails_leaves_it_open(struct kunit *test)
{
	struct device *dev;

	driver_here(test, &full_driver);
	fake->open_in_probe = true;
	fake->suspend_error = -EBUSY;
	fake_add(test);
	dev = &fake->vdev->dev;
	KUNIT_EXPECT_EQ(test, dev->bus->pm->suspend(dev), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake->closes, 0);
}

static void suspend_waits_for_a_driver_that_cannot(struct kunit *test)
{
	struct device *dev;

	driver_here(test, &plain_driver);
	fake->open_in_probe = true;
	fake_add(test);
	dev = &fake->vdev->dev;
	KUNIT_EXPECT_EQ(test, dev->bus->pm->suspend(dev), -EBUSY);
	vbus_proxy_close(fake->vdev);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->suspend(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->resume(dev), 0);
}

static void suspend_without_driver_does_nothing(struct kunit *test)
{
	struct device *dev;

	fake_add(test);
	dev = &fake->vdev->dev;
	KUNIT_EXPECT_EQ(test, dev->bus->pm->suspend(dev), 0);
	KUNIT_EXPECT_EQ(test, dev->bus->pm->resume(dev), 0);
	dev->bus->shutdown(dev);
	KUNIT_EXPECT_EQ(test, fake->closes, 0);
}
#endif

static int caller(void *vdev)
{
	int i;

	for (i = 0; i < 5; i++)
		vbus_proxy_call(vdev, 1, NULL, 0);
	return 0;
}

static void verbs_are_serialized(struct kunit *test)
{
	struct task_struct *tasks[3];
	int i;

	fake_add(test);
	KUNIT_ASSERT_EQ(test, vbus_proxy_open(fake->vdev, 1), 0);
	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		tasks[i] = kthread_create(caller, fake->vdev, "vbus-caller");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
		get_task_struct(tasks[i]);
		wake_up_process(tasks[i]);
	}
	msleep(50);
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		kthread_stop_put(tasks[i]);
	KUNIT_EXPECT_GT(test, fake->calls, 1);
	KUNIT_EXPECT_EQ(test, fake->overlaps, 0);
}

static void addr_names_the_byte(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_EXPECT_EQ(test,
			vbus_proxy_addr(virt_to_page(mem),
					offset_in_page(mem) + 5),
			(u64)__pa(mem + 5));
}

static struct kunit_case proxy_cases[] = {
	KUNIT_CASE(device_is_named_after_connector_and_id),
	KUNIT_CASE(driver_matches_its_type_only),
	KUNIT_CASE(device_finds_driver_that_was_first),
	KUNIT_CASE(driver_leaves_device_that_stays),
	KUNIT_CASE(uevent_carries_modalias),
	KUNIT_CASE(device_of_a_known_id_is_refused),
	KUNIT_CASE_PARAM(type_from_outside_is_checked, bad_type_gen_params),
	KUNIT_CASE(type_without_end_is_refused),
	KUNIT_CASE(driver_without_type_or_probe_is_refused),
	KUNIT_CASE(verbs_need_an_open_device),
	KUNIT_CASE(open_once_until_closed),
	KUNIT_CASE(open_that_fails_leaves_it_closed),
	KUNIT_CASE(call_carries_data_within_bounds),
	KUNIT_CASE_PARAM(region_is_checked, region_gen_params),
	KUNIT_CASE(region_of_user_memory_is_refused),
	KUNIT_CASE(gone_device_answers_enodev),
	KUNIT_CASE(gone_device_does_not_open_again),
	KUNIT_CASE(verbs_work_in_remove_then_bus_closes),
	KUNIT_CASE(bus_closes_when_probe_fails),
	KUNIT_CASE(bus_closes_at_shutdown),
#ifdef CONFIG_PM_SLEEP
	KUNIT_CASE(suspend_closes_and_resume_opens),
	KUNIT_CASE(suspend_that_fails_leaves_it_open),
	KUNIT_CASE(suspend_waits_for_a_driver_that_cannot),
	KUNIT_CASE(suspend_without_driver_does_nothing),
#endif
	KUNIT_CASE(verbs_are_serialized),
	KUNIT_CASE(addr_names_the_byte),
	{}
};

static struct kunit_suite proxy_suite = {
	.name = "vbus-proxy",
	.init = proxy_init,
	.exit = proxy_exit,
	.test_cases = proxy_cases,
};

kunit_test_suite(proxy_suite);

MODULE_DESCRIPTION("KUnit tests of the vbus-proxy bus");
MODULE_LICENSE("GPL");
