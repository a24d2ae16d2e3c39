// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: a ring that is shared with the device
 *
 * alloc, share, start; then the device is closed, unshare, free.
 */
#include <linux/gfp.h>
#include <linux/overflow.h>

#include "venet.h"

int venet_ioq_alloc(struct venet_ioq *ioq)
{
	size_t len = IOQ_RING_LEN(ioq->count);
	int err;

	ioq->dead = false;
	ioq->ring_len = PAGE_ALIGN(sizeof(*ioq->ring) + len);
	ioq->ring = alloc_pages_exact(ioq->ring_len, GFP_KERNEL | __GFP_ZERO);
	if (!ioq->ring)
		return -ENOMEM;

	err = ioq_init(&ioq->q, IOQ_PRODUCER, ioq->ring->desc, len, ioq->count);
	if (err)
		venet_ioq_free(ioq);
	else
		ioq_format(&ioq->q);
	return err;
}

void venet_ioq_free(struct venet_ioq *ioq)
{
	if (ioq->ring)
		free_pages_exact(ioq->ring, ioq->ring_len);
	ioq->ring = NULL;
}

int venet_ioq_share(struct venet_ioq *ioq, const char *direction)
{
	struct venet *venet = ioq->pair->venet;
	struct vbus_proxy_region region = {
		.vaddr = ioq->ring,
		.len = ioq->ring_len,
		.signal_offset = offsetof(struct venet_ring, signal),
		.notifier = &ioq->notifier,
		.name = ioq->name,
		.cpu = venet_pair_cpu(ioq->pair),
	};
	int err;

	snprintf(ioq->name, sizeof(ioq->name), "%s-%s-%u", venet->dev->name,
		 direction, ioq->pair->index);
	err = vbus_proxy_shm(venet->vdev, VENET_REGION_RING(ioq->id), &region,
			     &ioq->signal);
	return err ?: venet_queue_setup(venet, ioq->id, ioq->count);
}

int venet_ioq_start(struct venet_ioq *ioq)
{
	return venet_queue_start(ioq->pair->venet, ioq->id);
}

void venet_ioq_unshare(struct venet_ioq *ioq)
{
	shm_signal_put(ioq->signal);
	ioq->signal = NULL;
}

/* What every notifier of a ring ends in. */
void venet_schedule(struct venet_pair *pair, enum shm_signal_context ctx)
{
	if (ctx == SHM_SIGNAL_PROCESS)
		local_bh_disable();
	napi_schedule(&pair->napi);
	if (ctx == SHM_SIGNAL_PROCESS)
		local_bh_enable();
}
