// SPDX-License-Identifier: GPL-2.0-only
/*
 * A complete driver for the sample device. Its probe asks the device both
 * ways, by a call and through shared memory, and says what came back.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vbus_driver.h>

#include "echo.h"

struct echo_driver {
	struct shm_signal_notifier notifier;
	struct completion answered;
	struct vbus_echo_page *page;
	struct shm_signal *signal;
};

/* The device has signalled: an interrupt, unless the connector says so. */
static void echo_driver_notify(struct shm_signal_notifier *notifier,
			       enum shm_signal_context ctx)
{
	complete(&container_of(notifier, struct echo_driver,
			       notifier)->answered);
}

static int echo_driver_call(struct vbus_proxy_device *vdev)
{
	char letters[] = "hello";
	int err;

	err = vbus_proxy_call(vdev, VBUS_ECHO_FUNC_UPPER, letters,
			      sizeof(letters) - 1);
	if (!err)
		dev_info(&vdev->dev, "call: %s\n", letters);
	return err;
}

static int echo_driver_ask(struct vbus_proxy_device *vdev,
			   struct echo_driver *ed, u32 question)
{
	u32 answer;

	reinit_completion(&ed->answered);
	shm_signal_enable(ed->signal);
	WRITE_ONCE(ed->page->question, cpu_to_le32(question));
	shm_signal_inject(ed->signal);
	if (!wait_for_completion_timeout(&ed->answered, HZ))
		return -ETIMEDOUT;
	answer = le32_to_cpu(READ_ONCE(ed->page->answer));
	dev_info(&vdev->dev, "shm: after %u comes %u\n", question, answer);
	return answer == question + 1 ? 0 : -EIO;
}

static int echo_driver_share(struct vbus_proxy_device *vdev,
			     struct echo_driver *ed)
{
	struct vbus_proxy_region region = {
		.vaddr		= ed->page,
		.len		= PAGE_SIZE,
		.signal_offset	= offsetof(struct vbus_echo_page, signal),
		.notifier	= &ed->notifier,
		.name		= "echo",
		.cpu		= -1,
	};

	return vbus_proxy_shm(vdev, VBUS_ECHO_SHM_PAGE, &region, &ed->signal);
}

/* What it leaves behind when it fails is echo_driver_stop()'s to end. */
static int echo_driver_start(struct vbus_proxy_device *vdev,
			     struct echo_driver *ed)
{
	int err = vbus_proxy_open(vdev, VBUS_ECHO_VERSION);

	return err ?: echo_driver_share(vdev, ed);
}

/* Only after this will the device leave the page alone. */
static void echo_driver_stop(struct vbus_proxy_device *vdev,
			     struct echo_driver *ed)
{
	vbus_proxy_close(vdev);
	shm_signal_put(ed->signal);
	ed->signal = NULL;
}

static int echo_driver_probe(struct vbus_proxy_device *vdev)
{
	struct echo_driver *ed __free(kfree) = kzalloc_obj(*ed);
	int err;

	if (!ed)
		return -ENOMEM;
	init_completion(&ed->answered);
	ed->notifier.signal = echo_driver_notify;
	ed->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!ed->page)
		return -ENOMEM;

	err = echo_driver_start(vdev, ed);
	if (!err)
		err = echo_driver_call(vdev);
	if (!err)
		err = echo_driver_ask(vdev, ed, 41);
	if (err) {
		echo_driver_stop(vdev, ed);
		free_page((unsigned long)ed->page);
		return err;
	}
	vbus_proxy_set_drvdata(vdev, no_free_ptr(ed));
	return 0;
}

static void echo_driver_remove(struct vbus_proxy_device *vdev)
{
	struct echo_driver *ed = vbus_proxy_drvdata(vdev);

	echo_driver_stop(vdev, ed);
	free_page((unsigned long)ed->page);
	kfree(ed);
}

/* No connection lives through it. Without this the system would not sleep. */
static int echo_driver_suspend(struct vbus_proxy_device *vdev)
{
	echo_driver_stop(vdev, vbus_proxy_drvdata(vdev));
	return 0;
}

static int echo_driver_resume(struct vbus_proxy_device *vdev)
{
	struct echo_driver *ed = vbus_proxy_drvdata(vdev);
	int err = echo_driver_start(vdev, ed);

	if (err)
		echo_driver_stop(vdev, ed);
	return err;
}

/*
 * There is no shutdown(): nothing here uses the device by itself and would have
 * to stop, and the bus closes it.
 */
static struct vbus_proxy_driver echo_driver = {
	.type		= "echo",
	.probe		= echo_driver_probe,
	.remove		= echo_driver_remove,
	.suspend	= echo_driver_suspend,
	.resume		= echo_driver_resume,
	.driver		= {
		.name	= "vbus-echo",
	},
};
module_vbus_proxy_driver(echo_driver);

MODULE_ALIAS("vbus:echo");
MODULE_DESCRIPTION("Virtual-Bus sample: a driver");
MODULE_LICENSE("GPL");
