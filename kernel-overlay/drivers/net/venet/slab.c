// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: the memory that the device receives into
 *
 * One region of pages for each pair, registered once. A page is free, or posted
 * in the ring, or out: attached to an skb that went up the stack. We keep one
 * reference to each page all the time and each skb takes one more, so a page
 * that was out is free again when ours is the only one left. Nobody tells us
 * then: when free pages are wanted, or too many seem to be out, the pages that
 * have been out longest are looked at.
 *
 * Connectors rely on the region staying in place until the device is closed
 * and take no reference of their own to its pages.
 *
 * Pages that are out when the slab is freed live on with their skbs. The
 * device was closed before, so it does not write to them.
 *
 * All but alloc and free: by the NAPI poll, or while there is none.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "venet.h"

/* For one page that is wanted, the pages that are looked at. */
#define VENET_SLAB_TRIES	4

static_assert(VENET_SLAB_LEN <= VBUS_SHM_MAX_LEN);
static_assert(VENET_RING_MAX * SZ_4K * 3 / 2 <= VENET_SLAB_LEN);
/* The longest frame may be out of the smallest slab, and another come in. */
static_assert(VENET_RING_MIN * 3 / 2 >= 2 * VENET_SLAB_FRAME);
static_assert(VENET_SLAB_LEN >= 2 * VENET_SLAB_FRAME * PAGE_SIZE);
static_assert(VENET_SLAB_LEN / 4096 <= U16_MAX);

static void venet_slab_free_pages(struct venet_slab *slab)
{
	u32 i;

	for (i = 0; i < slab->count && slab->pages[i]; i++)
		put_page(slab->pages[i]);
}

static int venet_slab_alloc_pages(struct venet_slab *slab)
{
	u32 i;

	for (i = 0; i < slab->count; i++) {
		slab->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!slab->pages[i])
			return -ENOMEM;
		slab->free[i] = i;
	}
	slab->nr_free = slab->count;
	slab->vaddr = vmap(slab->pages, slab->count, VM_MAP, PAGE_KERNEL);
	return slab->vaddr ? 0 : -ENOMEM;
}

int venet_slab_alloc(struct venet_slab *slab, size_t len)
{
	int err = -ENOMEM;

	memset(slab, 0, sizeof(*slab));
	slab->count = len >> PAGE_SHIFT;
	slab->pages = kvcalloc(slab->count, sizeof(*slab->pages), GFP_KERNEL);
	slab->free = kcalloc(slab->count, sizeof(*slab->free), GFP_KERNEL);
	slab->out = kcalloc(slab->count, sizeof(*slab->out), GFP_KERNEL);
	if (slab->pages && slab->free && slab->out)
		err = venet_slab_alloc_pages(slab);
	if (err)
		venet_slab_free(slab);
	return err;
}

void venet_slab_free(struct venet_slab *slab)
{
	vunmap(slab->vaddr);
	if (slab->pages)
		venet_slab_free_pages(slab);
	kvfree(slab->pages);
	kfree(slab->free);
	kfree(slab->out);
	memset(slab, 0, sizeof(*slab));
}

static void venet_slab_push_out(struct venet_slab *slab, u16 index)
{
	slab->out[slab->out_head] = index;
	if (++slab->out_head == slab->count)
		slab->out_head = 0;
	slab->nr_out++;
}

static u16 venet_slab_pop_out(struct venet_slab *slab)
{
	u32 tail = slab->out_head + slab->count - slab->nr_out--;

	return slab->out[tail < slab->count ? tail : tail - slab->count];
}

/*
 * The reference count is read before the page is posted again, and posting is
 * a release: whoever dropped the last reference of an skb no longer reads.
 */
static bool venet_slab_reclaim(struct venet_slab *slab, u16 *index)
{
	u32 tries = min(slab->nr_out, VENET_SLAB_TRIES);

	while (tries--) {
		*index = venet_slab_pop_out(slab);
		if (page_ref_count(slab->pages[*index]) == 1)
			return true;
		venet_slab_push_out(slab, *index);
	}
	return false;
}

/* Give back a page that no skb has. */
void venet_slab_put(struct venet_slab *slab, u16 index)
{
	slab->free[slab->nr_free++] = index;
}

/*
 * May @nr pages go out? Those that came back are taken first: nobody needs them
 * for the ring as long as frames are copied, and all would be copied for ever.
 */
bool venet_slab_may_lend(struct venet_slab *slab, u32 nr)
{
	u16 index;

	while (venet_slab_tight(slab, nr)) {
		if (!venet_slab_reclaim(slab, &index))
			return false;
		venet_slab_put(slab, index);
	}
	return true;
}

/* Take a page that nobody uses. */
bool venet_slab_get(struct venet_slab *slab, u16 *index)
{
	if (!slab->nr_free)
		return venet_slab_reclaim(slab, index);

	*index = slab->free[--slab->nr_free];
	return true;
}

/* Give back a page that an skb has, with the reference that it puts. */
void venet_slab_lend(struct venet_slab *slab, u16 index)
{
	get_page(slab->pages[index]);
	venet_slab_push_out(slab, index);
}
