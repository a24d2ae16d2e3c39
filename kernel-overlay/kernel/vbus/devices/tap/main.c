// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the deviceclass
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "tap.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* For what needs RTNL or a place to sleep. */
struct workqueue_struct *tap_wq;

static int tap_create(struct vbus_device *vdev)
{
	struct venet_tap *tap;

	tap = kzalloc_obj(*tap);
	if (!tap)
		return -ENOMEM;
	tap->vdev = vdev;
	mutex_init(&tap->admin);
	mutex_init(&tap->lock);
	INIT_DELAYED_WORK(&tap->features_work, tap_features_work);
	eth_random_addr(tap->client_mac);
	eth_random_addr(tap->host_mac);
	strscpy(tap->ifname, TAP_IFNAME);
	vbus_device_set_priv(vdev, tap);
	return 0;
}

/* The files and the connection are gone: nobody else knows the device. */
static void tap_destroy(struct vbus_device *vdev)
{
	struct venet_tap *tap = vbus_device_priv(vdev);

	scoped_guard(mutex, &tap->admin) {
		if (tap->enabled)
			tap_netdev_unregister(tap);
	}
	cancel_delayed_work_sync(&tap->features_work);
	mutex_destroy(&tap->lock);
	mutex_destroy(&tap->admin);
	kfree(tap);
}

static const struct vbus_deviceclass_ops tap_class_ops = {
	.create = tap_create,
	.destroy = tap_destroy,
	.open = tap_open,
};

static struct vbus_deviceclass tap_class = {
	.name = "venet-tap",
	.type = VENET_TYPE,
	.owner = THIS_MODULE,
	.ops = &tap_class_ops,
	.groups = tap_groups,
	.features = TAP_FEATURES,
	.max_interfaces = 1,
};

static int __init tap_init(void)
{
	int err;

	tap_wq = alloc_workqueue("venet-tap", WQ_UNBOUND, 0);
	if (!tap_wq)
		return -ENOMEM;
	err = vbus_deviceclass_register(&tap_class);
	if (err)
		destroy_workqueue(tap_wq);
	return err;
}
module_init(tap_init);

static void __exit tap_exit(void)
{
	vbus_deviceclass_unregister(&tap_class);
	destroy_workqueue(tap_wq);
}
module_exit(tap_exit);

MODULE_DESCRIPTION("Virtual-Bus Ethernet device with a network interface");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vbus-deviceclass-venet-tap");
