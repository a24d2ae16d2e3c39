// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: what the device tells in its status region
 *
 * The carrier is there when the device says so, or has no status region, and
 * no queue is broken. Every field is read once, and none is trusted.
 */
#include <linux/ethtool.h>
#include <linux/gfp.h>

#include "venet.h"

/* A device that signals all the time is looked at ten times a second. */
#define VENET_STATUS_INTERVAL	(HZ / 10)

int venet_status_alloc(struct venet *venet)
{
	if (!venet_has(venet, VENET_F_STATUS))
		return 0;
	venet->status = (void *)get_zeroed_page(GFP_KERNEL);
	return venet->status ? 0 : -ENOMEM;
}

void venet_status_free(struct venet *venet)
{
	free_page((unsigned long)venet->status);
	venet->status = NULL;
}

int venet_status_share(struct venet *venet)
{
	struct vbus_proxy_region region = {
		.vaddr = venet->status,
		.len = PAGE_SIZE,
		.signal_offset = offsetof(struct venet_status, signal),
		.notifier = &venet->status_notifier,
		.name = venet->status_name,
		.cpu = -1,
		.priority = VBUS_SIGNAL_LOW,
	};

	if (!venet->status)
		return 0;
	snprintf(venet->status_name, sizeof(venet->status_name), "%s-status",
		 venet->dev->name);
	return vbus_proxy_shm(venet->vdev, VENET_REGION_STATUS, &region,
			      &venet->status_signal);
}

/* The device is closed, so no notifier queues the work again. */
void venet_status_unshare(struct venet *venet)
{
	cancel_delayed_work_sync(&venet->status_work);
	shm_signal_put(venet->status_signal);
	venet->status_signal = NULL;
}

/* From here to venet_status_unshare() the carrier follows the device. */
void venet_status_start(struct venet *venet)
{
	schedule_delayed_work(&venet->status_work, 0);
}

u32 venet_status_speed(const struct venet *venet)
{
	u32 speed;

	if (!venet->status)
		return SPEED_UNKNOWN;
	speed = le32_to_cpu(READ_ONCE(venet->status->speed));
	return ethtool_validate_speed(speed) ? speed : SPEED_UNKNOWN;
}

static bool venet_link_is_up(const struct venet *venet)
{
	const struct venet_status *status = venet->status;
	u32 i;

	for (i = 0; i < venet->nr_pairs; i++)
		if (READ_ONCE(venet->pairs[i].rx.ioq.q.broken) ||
		    READ_ONCE(venet->pairs[i].tx.ioq.q.broken))
			return false;
	if (!status)
		return true;
	if (READ_ONCE(status->broken[0]) | READ_ONCE(status->broken[1]))
		return false;
	return le32_to_cpu(READ_ONCE(status->link)) & VENET_LINK_UP;
}

static void venet_status_work(struct work_struct *work)
{
	struct venet *venet = container_of(to_delayed_work(work),
					   struct venet, status_work);
	bool again = venet->status_signal &&
		     shm_signal_enable(venet->status_signal);

	if (venet_link_is_up(venet))
		netif_carrier_on(venet->dev);
	else
		netif_carrier_off(venet->dev);
	if (again)
		schedule_delayed_work(&venet->status_work,
				      VENET_STATUS_INTERVAL);
}

static void venet_status_signal(struct shm_signal_notifier *notifier,
				enum shm_signal_context ctx)
{
	struct venet *venet = container_of(notifier, struct venet,
					   status_notifier);

	schedule_delayed_work(&venet->status_work, 0);
}

void venet_status_init(struct venet *venet)
{
	venet->status_notifier.signal = venet_status_signal;
	INIT_DELAYED_WORK(&venet->status_work, venet_status_work);
}
