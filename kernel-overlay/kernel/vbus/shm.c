// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus shm: regions of a client's memory that stay where they are
 *
 * The connector pins a region once and embeds struct vbus_shm in what it needs
 * to undo that. The connection holds a reference until it has ended; a device
 * takes its own in the verb and drops it in close(). When the last is gone the
 * connector unpins.
 *
 * The pages belong to a peer that writes to them whenever it likes. What is
 * read here is a copy; check the copy and use that.
 */
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/vbus.h>

/**
 * vbus_shm_init - initialise a region
 * @shm: the region, embedded in something of the connector's
 * @ops: what the connector does for it; stays valid until its release() was
 *	called
 *
 * The region is live and the caller holds the one reference. The connector
 * fills in pages, npages, len and vaddr before it hands the region to
 * vbus_client_shm(), and never changes them again.
 *
 * Context: any.
 */
void vbus_shm_init(struct vbus_shm *shm, const struct vbus_shm_ops *ops)
{
	kref_init(&shm->ref);
	shm->ops = ops;
	shm->live = true;
}
EXPORT_SYMBOL_GPL(vbus_shm_init);

/**
 * vbus_shm_get - take a reference
 * @shm: the region; the caller holds a reference, or is in the verb that
 *	registers it
 *
 * Context: any.
 * Return: @shm.
 */
struct vbus_shm *vbus_shm_get(struct vbus_shm *shm)
{
	kref_get(&shm->ref);
	return shm;
}
EXPORT_SYMBOL_GPL(vbus_shm_get);

static void vbus_shm_release(struct kref *ref)
{
	struct vbus_shm *shm = container_of(ref, struct vbus_shm, ref);

	shm->ops->release(shm);
}

/**
 * vbus_shm_put - drop a reference
 * @shm: the region; NULL is allowed
 *
 * Context: task context; the connector's release() may sleep.
 */
void vbus_shm_put(struct vbus_shm *shm)
{
	if (shm)
		kref_put(&shm->ref, vbus_shm_release);
}
EXPORT_SYMBOL_GPL(vbus_shm_put);

/* May @len bytes at @offset be touched now? 0, or the reason why not. */
static int vbus_shm_check(const struct vbus_shm *shm, size_t offset, size_t len)
{
	size_t end;

	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(),
			 "use of a vbus_shm outside of RCU");

	if (check_add_overflow(offset, len, &end) || end > shm->len)
		return -EINVAL;

	return vbus_shm_live(shm) ? 0 : -EAGAIN;
}

/* The bytes from @offset to the end of its page, at most @len. */
static size_t vbus_shm_chunk(size_t offset, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(offset));
}

/**
 * vbus_shm_write - copy into a region
 * @shm: the region
 * @offset: where to, in bytes from its start; may come from the peer
 * @src: what to copy
 * @len: how many bytes; may come from the peer
 *
 * Nothing orders these stores against later ones: whoever publishes them does.
 *
 * Context: any, in an RCU read-side critical section.
 * Return: 0; -EINVAL when the range does not lie in the region; -EAGAIN while
 * the region is suspended. On an error nothing was written.
 */
int vbus_shm_write(struct vbus_shm *shm, size_t offset, const void *src,
		   size_t len)
{
	size_t at = offset, left = len, n;
	int err;

	err = vbus_shm_check(shm, offset, len);
	if (err)
		return err;

	for (; left; left -= n, at += n, src += n) {
		n = vbus_shm_chunk(at, left);
		memcpy_to_page(shm->pages[at >> PAGE_SHIFT], offset_in_page(at),
			       src, n);
	}

	vbus_shm_dirty(shm, offset, len);

	return 0;
}
EXPORT_SYMBOL_GPL(vbus_shm_write);

/**
 * vbus_shm_read - copy out of a region
 * @shm: the region
 * @dst: where to
 * @offset: where from, in bytes from its start; may come from the peer
 * @len: how many bytes; may come from the peer
 *
 * Context: any, in an RCU read-side critical section.
 * Return: 0; -EINVAL when the range does not lie in the region; -EAGAIN while
 * the region is suspended. On an error @dst is as it was.
 */
int vbus_shm_read(struct vbus_shm *shm, void *dst, size_t offset, size_t len)
{
	size_t n;
	int err;

	err = vbus_shm_check(shm, offset, len);
	if (err)
		return err;

	for (; len; len -= n, offset += n, dst += n) {
		n = vbus_shm_chunk(offset, len);
		memcpy_from_page(dst, shm->pages[offset >> PAGE_SHIFT],
				 offset_in_page(offset), n);
	}

	return 0;
}
EXPORT_SYMBOL_GPL(vbus_shm_read);
