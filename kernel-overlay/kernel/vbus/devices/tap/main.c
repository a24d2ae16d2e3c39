// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: the deviceclass
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tap.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* For what needs RTNL or a place to sleep. */
struct workqueue_struct *tap_wq;

/* Read when a device is made. */
VISIBLE_IF_KUNIT unsigned int venet_tap_max_pairs;
EXPORT_SYMBOL_IF_KUNIT(venet_tap_max_pairs);
module_param_named(max_pairs, venet_tap_max_pairs, uint, 0644);
MODULE_PARM_DESC(max_pairs,
		 "Pairs of queues of a new device (1 to 16; 0: one per CPU)");

/* More than there are CPUs would not run at the same time. */
static u32 tap_limit_pairs(void)
{
	u32 pairs = READ_ONCE(venet_tap_max_pairs);

	return min(pairs ?: num_possible_cpus(), TAP_PAIRS);
}

static void tap_counters_add(struct tap_counters *sum,
			     const struct tap_counters *counters)
{
	sum->packets += READ_ONCE(counters->packets);
	sum->bytes += READ_ONCE(counters->bytes);
	sum->dropped += READ_ONCE(counters->dropped);
	sum->errors += READ_ONCE(counters->errors);
	sum->batches += READ_ONCE(counters->batches);
	sum->bells += READ_ONCE(counters->bells);
	sum->deferred += READ_ONCE(counters->deferred);
	sum->faults += READ_ONCE(counters->faults);
	sum->full += READ_ONCE(counters->full);
	sum->stalls += READ_ONCE(counters->stalls);
	sum->filtered += READ_ONCE(counters->filtered);
	sum->broken += READ_ONCE(counters->broken);
}

/**
 * tap_tally_sum - the counters of all pairs together
 * @tap: the device
 * @sum: where they go
 *
 * Context: any. Each counter stands alone.
 */
void tap_tally_sum(const struct venet_tap *tap, struct tap_tally *sum)
{
	u32 i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < TAP_PAIRS; i++) {
		tap_counters_add(&sum->in, &tap->tallies[i].in);
		tap_counters_add(&sum->out, &tap->tallies[i].out);
	}
}

/**
 * tap_tally_rebase - an interface is about to count from zero
 * @tap: the device
 *
 * Context: tap->admin held; there is no interface.
 */
void tap_tally_rebase(struct venet_tap *tap)
{
	u32 i;

	memset(tap->bases, 0, sizeof(tap->bases));
	for (i = 0; i < TAP_PAIRS; i++) {
		tap_counters_add(&tap->bases[i].in, &tap->tallies[i].in);
		tap_counters_add(&tap->bases[i].out, &tap->tallies[i].out);
	}
}

static int tap_create(struct vbus_device *vdev)
{
	struct venet_tap *tap;

	tap = kzalloc_obj(*tap);
	if (!tap)
		return -ENOMEM;
	tap->vdev = vdev;
	mutex_init(&tap->admin);
	mutex_init(&tap->lock);
	INIT_DELAYED_WORK(&tap->follow_work, tap_follow_work);
	tap->max_pairs = tap_limit_pairs();
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
	cancel_delayed_work_sync(&tap->follow_work);
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
