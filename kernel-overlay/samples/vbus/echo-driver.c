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

	err = vbus_proxy_open(vdev, VBUS_ECHO_VERSION);
	if (err)
		goto free;
	err = echo_driver_call(vdev);
	if (err)
		goto close;
	err = echo_driver_share(vdev, ed);
	if (err)
		goto close;
	err = echo_driver_ask(vdev, ed, 41);
	if (err)
		goto close;
	vbus_proxy_set_drvdata(vdev, no_free_ptr(ed));
	return 0;

close:
	/* Only after this will the device leave the page alone. */
	vbus_proxy_close(vdev);
	shm_signal_put(ed->signal);
free:
	free_page((unsigned long)ed->page);
	return err;
}

static void echo_driver_remove(struct vbus_proxy_device *vdev)
{
	struct echo_driver *ed = vbus_proxy_drvdata(vdev);

	vbus_proxy_close(vdev);
	shm_signal_put(ed->signal);
	free_page((unsigned long)ed->page);
	kfree(ed);
}

/* Another kernel may start: the device must leave our memory alone. */
static void echo_driver_shutdown(struct vbus_proxy_device *vdev)
{
	vbus_proxy_close(vdev);
}

static struct vbus_proxy_driver echo_driver = {
	.type		= "echo",
	.probe		= echo_driver_probe,
	.remove		= echo_driver_remove,
	.shutdown	= echo_driver_shutdown,
	.driver		= {
		.name	= "vbus-echo",
	},
};
module_vbus_proxy_driver(echo_driver);

MODULE_ALIAS("vbus:echo");
MODULE_DESCRIPTION("Virtual-Bus sample: a driver");
MODULE_LICENSE("GPL");
