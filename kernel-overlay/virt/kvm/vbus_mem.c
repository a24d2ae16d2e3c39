// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus for KVM, the host's side: the guest's memory
 *
 * A device reaches it in two ways. By address, through the memctx: copies in
 * the VMM's address space that never fault, so that they may be made with
 * bottom halves off; what is missing is faulted in later with nothing held.
 * And by regions, which are pinned once and then written at memory speed from
 * any context.
 *
 * A region is over memory slots of address space 0, resolved page by page. When
 * a slot under it goes away, the region is suspended: the device stops writing,
 * and what it would have written is lost, as with hardware. When a slot comes
 * back with the same pages, the region is live again. VMMs do that in passing,
 * for instance while firmware programs a chipset. When other pages come, the
 * guest's memory is not what it was, and the region stays suspended.
 *
 * Resolving, pinning and listing happen in one critical section of kvm->srcu. A
 * slot is marked invalid before a grace period of it, and suspends the regions
 * after that: so a registration has seen the mark, or is seen itself.
 *
 * Writes through the pin are invisible to dirty logging, so they are entered in
 * the slot's bitmap here. A VM with dirty rings has no bitmap, and only vCPUs
 * may write to a ring: it cannot have regions.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "vbus.h"

/**
 * struct kvm_vbus_region - registered memory of the guest
 * @shm: what the device sees
 * @vb: whose; a reference
 * @mm: charged for the pages; referenced
 * @node: in @vb->regions
 * @mapped: @shm.vaddr is from vmap()
 * @rings: it has a signal
 * @handle: the connection that it was registered with, if it @rings
 * @id: its number there
 * @gfns: the guest's number of each page
 */
struct kvm_vbus_region {
	struct vbus_shm shm;
	struct kvm_vbus *vb;
	struct mm_struct *mm;
	struct list_head node;
	bool mapped;
	bool rings;
	u32 handle;
	u32 id;
	gfn_t gfns[];
};

static struct kvm_vbus_region *to_region(struct vbus_shm *shm)
{
	return container_of(shm, struct kvm_vbus_region, shm);
}

/*
 * By address
 */

/*
 * VMMs take a slot away and put it back in passing. Is one of those on the way?
 * @len is not 0, and kvm->srcu is held.
 */
static bool slot_changes(struct kvm *kvm, gpa_t gpa, size_t len)
{
	gfn_t gfn, last = gpa_to_gfn(gpa + len - 1);

	for (gfn = gpa_to_gfn(gpa); gfn <= last; gfn++) {
		struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

		if (slot && slot->flags & KVM_MEMSLOT_INVALID)
			return true;
	}
	return false;
}

static int access_error(struct kvm *kvm, gpa_t gpa, size_t len)
{
	return slot_changes(kvm, gpa, len) ? -EAGAIN : -EFAULT;
}

/**
 * kvm_vbus_read_guest - read what a verb needs
 * @kvm: the VM
 * @gpa: guest-physical address
 * @data: where to
 * @len: bytes
 *
 * Context: a thread of the VMM; may sleep.
 * Return: 0, or -EAGAIN when the memory slot is being changed, or -EFAULT when
 * not all of it is memory.
 */
int kvm_vbus_read_guest(struct kvm *kvm, gpa_t gpa, void *data, size_t len)
{
	int idx = srcu_read_lock(&kvm->srcu);
	int err = kvm_read_guest(kvm, gpa, data, len);

	if (err)
		err = access_error(kvm, gpa, len);
	srcu_read_unlock(&kvm->srcu, idx);
	return err;
}

/**
 * kvm_vbus_write_guest - write what a verb answers
 * @kvm: the VM
 * @gpa: guest-physical address
 * @data: what to write
 * @len: bytes
 *
 * Context: a vCPU's thread; may sleep.
 * Return: 0, or -EAGAIN when the memory slot is being changed, or -EFAULT when
 * not all of it is writable memory.
 */
int kvm_vbus_write_guest(struct kvm *kvm, gpa_t gpa, const void *data,
			 size_t len)
{
	int idx = srcu_read_lock(&kvm->srcu);
	int err = kvm_write_guest(kvm, gpa, data, len);

	if (err)
		err = access_error(kvm, gpa, len);
	srcu_read_unlock(&kvm->srcu, idx);
	return err;
}

/* Enter a page in its slot's dirty bitmap. kvm->srcu is held. */
static void mark_dirty(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

	if (slot && slot->dirty_bitmap)
		set_bit_le(gfn - slot->base_gfn, slot->dirty_bitmap);
}

/*
 * Where the VMM has @gpa, and how much of @len follows there in one piece: that
 * is to the end of the slot. kvm->srcu is held.
 */
static unsigned long guest_piece(struct kvm *kvm, gpa_t gpa, size_t *len,
				 bool write)
{
	gfn_t gfn = gpa_to_gfn(gpa);
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

	if (!slot || slot->flags & KVM_MEMSLOT_INVALID ||
	    (write && slot->flags & KVM_MEM_READONLY))
		return KVM_HVA_ERR_BAD;
	*len = min_t(u64, *len,
		     gfn_to_gpa(slot->base_gfn + slot->npages) - gpa);
	return __gfn_to_hva_memslot(slot, gfn) + offset_in_page(gpa);
}

static void mark_dirty_range(struct kvm *kvm, gpa_t gpa, size_t len)
{
	gfn_t gfn, last = gpa_to_gfn(gpa + len - 1);

	for (gfn = gpa_to_gfn(gpa); gfn <= last; gfn++)
		mark_dirty(kvm, gfn);
}

/* Copy @len bytes, not 0, within a slot without faulting. kvm->srcu is held. */
static int guest_copy_piece(struct kvm *kvm, gpa_t gpa, unsigned long hva,
			    void *data, size_t len, bool write)
{
	void __user *uaddr = (void __user *)hva;
	unsigned long left;

	pagefault_disable();
	left = write ? __copy_to_user_inatomic(uaddr, data, len) :
		       __copy_from_user_inatomic(data, uaddr, len);
	pagefault_enable();
	/* What came before a page that is missing was written. */
	if (write)
		mark_dirty_range(kvm, gpa, len);
	return left ? -EFAULT : 0;
}

static int guest_copy(struct vbus_memctx *ctx, u64 addr, void *data, size_t len,
		      bool write)
{
	struct kvm *kvm = container_of(ctx, struct kvm_vbus, memctx)->kvm;
	int err = 0, idx;
	size_t n;

	if (current->mm != kvm->mm || addr + len < addr)
		return -EFAULT;
	idx = srcu_read_lock(&kvm->srcu);
	for (; len && !err; addr += n, data += n, len -= n) {
		unsigned long hva;

		n = len;
		hva = guest_piece(kvm, addr, &n, write);
		err = kvm_is_error_hva(hva) ? -EFAULT :
		      guest_copy_piece(kvm, addr, hva, data, n, write);
	}
	srcu_read_unlock(&kvm->srcu, idx);
	return err;
}

static int memctx_copy_from(struct vbus_memctx *ctx, void *dst, u64 addr,
			    size_t len)
{
	return guest_copy(ctx, addr, dst, len, false);
}

static int memctx_copy_to(struct vbus_memctx *ctx, u64 addr, const void *src,
			  size_t len)
{
	struct kvm *kvm = container_of(ctx, struct kvm_vbus, memctx)->kvm;

	if (kvm->dirty_ring_size)
		return -EFAULT;
	return guest_copy(ctx, addr, (void *)src, len, true);
}

/* The memory may be the VMM's to provide, in its own time: hold nothing. */
static int fault_in_page(struct kvm *kvm, gfn_t gfn, bool write)
{
	int idx = srcu_read_lock(&kvm->srcu);
	unsigned long hva = write ? gfn_to_hva(kvm, gfn) :
				    gfn_to_hva_prot(kvm, gfn, NULL);
	size_t left;

	srcu_read_unlock(&kvm->srcu, idx);
	if (kvm_is_error_hva(hva) || fatal_signal_pending(current))
		return -EFAULT;
	if (write)
		left = fault_in_safe_writeable((char __user *)hva, PAGE_SIZE);
	else
		left = fault_in_readable((char __user *)hva, PAGE_SIZE);
	cond_resched();
	return left ? -EFAULT : 0;
}

static int fault_in_range(struct kvm *kvm, gfn_t gfn, gfn_t last, bool write)
{
	int err = 0;

	for (; gfn <= last && !err; gfn++)
		err = fault_in_page(kvm, gfn, write);
	return err;
}

/* A vCPU comes from its doorbell, and whoever changes slots waits for it. */
static int vcpu_fault_in_range(struct kvm_vcpu *vcpu, gfn_t gfn, gfn_t last,
			       bool write)
	__must_hold(&vcpu->kvm->srcu)
{
	int err;

	kvm_vcpu_srcu_read_unlock(vcpu);
	err = fault_in_range(vcpu->kvm, gfn, last, write);
	kvm_vcpu_srcu_read_lock(vcpu);
	return err;
}

static int memctx_fault_in(struct vbus_memctx *ctx, u64 addr, size_t len,
			   bool write)
{
	struct kvm *kvm = container_of(ctx, struct kvm_vbus, memctx)->kvm;
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();
	gfn_t gfn = gpa_to_gfn(addr);
	u64 end;

	if (current->mm != kvm->mm || !len || check_add_overflow(addr, len, &end))
		return -EFAULT;
	if (vcpu)
		return vcpu_fault_in_range(vcpu, gfn, gpa_to_gfn(end - 1),
					   write);
	return fault_in_range(kvm, gfn, gpa_to_gfn(end - 1), write);
}

static void memctx_release(struct vbus_memctx *ctx)
{
	struct kvm_vbus *vb = container_of(ctx, struct kvm_vbus, memctx);

	kvm_vbus_irq_free(vb);
	mutex_destroy(&vb->region_lock);
	mutex_destroy(&vb->worker_lock);
	kfree(vb);
}

const struct vbus_memctx_ops kvm_vbus_memctx_ops = {
	.copy_from = memctx_copy_from,
	.copy_to = memctx_copy_to,
	.fault_in = memctx_fault_in,
	.release = memctx_release,
};

/*
 * By region
 */

static noinline void region_mark_dirty(struct kvm_vbus_region *region,
				       size_t offset, size_t len)
{
	struct kvm *kvm = region->vb->kvm;
	size_t i, last;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	last = min_t(size_t, (offset + len - 1) >> PAGE_SHIFT,
		     region->shm.npages - 1);
	for (i = offset >> PAGE_SHIFT; i <= last; i++)
		mark_dirty(kvm, region->gfns[i]);
	srcu_read_unlock(&kvm->srcu, idx);
}

static void region_dirty(struct vbus_shm *shm, size_t offset, size_t len)
{
	struct kvm_vbus_region *region = to_region(shm);

	/*
	 * The page was written before; whoever turns logging on counts it
	 * before the first look at the page. One of the two sees the other.
	 */
	smp_mb();
	if (len && unlikely(atomic_read(&region->vb->kvm->nr_memslots_dirty_logging)))
		region_mark_dirty(region, offset, len);
}

/* Undo all that was done for @region, which is on no list. */
static void region_free(struct kvm_vbus_region *region)
{
	struct vbus_shm *shm = &region->shm;
	struct kvm_vbus *vb = region->vb;

	if (region->mapped)
		vunmap(shm->vaddr);
	unpin_user_pages_dirty_lock(shm->pages, shm->npages, true);
	kvfree(shm->pages);
	kvfree(region);
	vbus_memctx_put(&vb->memctx);
}

/*
 * The limit of the VMM, as for other memory that devices have pinned. Not what
 * account_locked_vm() does: that waits for the VMM's mmap_lock, and whoever removes
 * a link would with it.
 */
static int mm_charge(struct mm_struct *mm, unsigned int npages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic64_add_return(npages, &mm->pinned_vm) <= limit ||
	    capable(CAP_IPC_LOCK))
		return 0;
	atomic64_sub(npages, &mm->pinned_vm);
	return -ENOMEM;
}

/* And a limit for the VM that holds for root as well. */
static int region_charge(struct kvm_vbus_region *region, unsigned int npages)
{
	struct kvm_vbus *vb = region->vb;
	int err;

	scoped_guard(mutex, &vb->region_lock) {
		if (npages > KVM_VBUS_MAX_PAGES - vb->nr_pages)
			return -ENOSPC;
		vb->nr_pages += npages;
	}
	err = mm_charge(region->mm, npages);
	if (err) {
		guard(mutex)(&vb->region_lock);
		vb->nr_pages -= npages;
	}
	return err;
}

static void region_uncharge(struct kvm_vbus_region *region, unsigned int npages)
{
	atomic64_sub(npages, &region->mm->pinned_vm);
	mmdrop(region->mm);
	guard(mutex)(&region->vb->region_lock);
	region->vb->nr_pages -= npages;
}

static void region_release(struct vbus_shm *shm)
{
	struct kvm_vbus_region *region = to_region(shm);

	scoped_guard(mutex, &region->vb->region_lock)
		list_del(&region->node);
	region_uncharge(region, shm->npages);
	region_free(region);
}

static const struct vbus_shm_ops region_ops = {
	.dirty = region_dirty,
	.release = region_release,
};

/* How many pages the guest wants registered, or an error. */
static int count_pages(const struct vbus_shm_seg *segs, unsigned int nr_segs)
{
	u64 total = 0;
	unsigned int i;

	for (i = 0; i < nr_segs; i++) {
		u64 addr = le64_to_cpu(segs[i].addr);
		u64 len = le64_to_cpu(segs[i].len);

		if (!len || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(len) ||
		    len > VBUS_SHM_MAX_LEN || addr + len < addr)
			return -EINVAL;
		total += len;
		if (total > VBUS_SHM_MAX_LEN)
			return -EINVAL;
	}
	return total >> PAGE_SHIFT;
}

static void list_gfns(gfn_t *gfns, const struct vbus_shm_seg *segs,
		      unsigned int nr_segs)
{
	unsigned int i;
	u64 off;

	for (i = 0; i < nr_segs; i++)
		for (off = 0; off < le64_to_cpu(segs[i].len); off += PAGE_SIZE)
			*gfns++ = gpa_to_gfn(le64_to_cpu(segs[i].addr) + off);
}

static struct kvm_vbus_region *region_alloc(struct kvm_vbus *vb, int npages)
{
	struct kvm_vbus_region *region;

	region = kvzalloc(struct_size(region, gfns, npages),
			  GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;
	region->shm.pages = kvcalloc(npages, sizeof(struct page *),
				     GFP_KERNEL_ACCOUNT);
	if (!region->shm.pages) {
		kvfree(region);
		return NULL;
	}
	region->vb = vb;
	vbus_memctx_get(&vb->memctx);
	vbus_shm_init(&region->shm, &region_ops);
	return region;
}

/* Where plain, writable memory of the VMM is behind a page of the guest. */
static int resolve(struct kvm *kvm, gfn_t gfn, unsigned long *hva)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

	if (!slot || slot->id >= KVM_USER_MEM_SLOTS)
		return -EFAULT;
	if (slot->flags & KVM_MEMSLOT_INVALID)
		return -EAGAIN;
	if (slot->flags & (KVM_MEM_READONLY | KVM_MEM_GUEST_MEMFD))
		return -EFAULT;
	*hva = gfn_to_hva_memslot(slot, gfn);
	return 0;
}

static int pin_page(struct kvm *kvm, gfn_t gfn, unsigned int flags,
		    struct page **page)
{
	unsigned long hva;
	int ret;

	ret = resolve(kvm, gfn, &hva);
	if (ret)
		return ret;
	ret = pin_user_pages_fast(hva, 1, flags, page);
	if (ret == 1)
		return 0;
	return ret == -ENOMEM || ret == -EINTR || ret == -EAGAIN ? ret :
								   -EFAULT;
}

/* Pin all pages. kvm->srcu is held. */
static int region_pin(struct kvm_vbus_region *region, unsigned int npages)
{
	struct vbus_shm *shm = &region->shm;
	int err;

	for (; shm->npages < npages; shm->npages++) {
		err = pin_page(region->vb->kvm, region->gfns[shm->npages],
			       FOLL_WRITE | FOLL_LONGTERM,
			       &shm->pages[shm->npages]);
		if (err)
			return err;
		cond_resched();
	}
	shm->len = (size_t)npages << PAGE_SHIFT;
	return 0;
}

static bool pages_adjoin(struct page **pages, unsigned int npages)
{
	unsigned int i;

	for (i = 0; i < npages; i++)
		if (PageHighMem(pages[i]) ||
		    page_to_pfn(pages[i]) != page_to_pfn(pages[0]) + i)
			return false;
	return true;
}

/* One piece of kernel memory; the linear map has it when the pages adjoin. */
static int region_map(struct kvm_vbus_region *region)
{
	struct vbus_shm *shm = &region->shm;

	if (pages_adjoin(shm->pages, shm->npages)) {
		shm->vaddr = page_address(shm->pages[0]);
		return 0;
	}
	shm->vaddr = vmap(shm->pages, shm->npages, VM_MAP, PAGE_KERNEL);
	region->mapped = shm->vaddr;
	return shm->vaddr ? 0 : -ENOMEM;
}

static void region_list(struct kvm_vbus_region *region)
{
	struct kvm_vbus *vb = region->vb;

	guard(mutex)(&vb->region_lock);
	list_add(&region->node, &vb->regions);
}

static int region_setup(struct kvm_vbus_region *region, unsigned int npages,
			bool map)
{
	struct kvm *kvm = region->vb->kvm;
	int err, idx;

	idx = srcu_read_lock(&kvm->srcu);
	err = region_pin(region, npages);
	if (!err && map)
		err = region_map(region);
	if (!err)
		region_list(region);
	srcu_read_unlock(&kvm->srcu, idx);
	return err;
}

/**
 * kvm_vbus_region_create - pin memory that the guest registers
 * @vb: the VM's state
 * @segs: guest-physical pieces, copied from the guest
 * @nr_segs: their number
 * @map: give the device one piece of kernel memory
 *
 * Context: a thread of the VMM, without kvm->srcu; may sleep.
 * Return: the region, or an ERR_PTR: -EINVAL when a piece is not whole pages or
 * there is too much; -EFAULT when it is not plain memory; -EAGAIN when the slot
 * is being changed or the task was interrupted; -ENOMEM when there is no memory
 * or the VMM may not lock that much; -ENOSPC at the limit of the VM; -EOPNOTSUPP
 * when the VM has dirty rings.
 */
struct vbus_shm *kvm_vbus_region_create(struct kvm_vbus *vb,
					const struct vbus_shm_seg *segs,
					unsigned int nr_segs, bool map)
{
	struct kvm_vbus_region *region;
	int npages, err;

	if (vb->kvm->dirty_ring_size)
		return ERR_PTR(-EOPNOTSUPP);
	npages = count_pages(segs, nr_segs);
	if (npages <= 0)
		return ERR_PTR(npages ?: -EINVAL);
	region = region_alloc(vb, npages);
	if (!region)
		return ERR_PTR(-ENOMEM);
	list_gfns(region->gfns, segs, nr_segs);

	region->mm = vb->kvm->mm;
	err = region_charge(region, npages);
	if (err)
		goto free;
	mmgrab(region->mm);
	err = region_setup(region, npages, map);
	if (err)
		goto uncharge;
	return &region->shm;

uncharge:
	region_uncharge(region, npages);
free:
	region_free(region);
	return ERR_PTR(err);
}

/**
 * kvm_vbus_region_bell - say which bell belongs to a region
 * @shm: the region
 * @handle: the connection that it is about to be registered with
 * @id: its number there, and that of its signal
 *
 * The bell is rung when the region comes back after it was suspended.
 *
 * Context: may sleep.
 */
void kvm_vbus_region_bell(struct vbus_shm *shm, u32 handle, u32 id)
{
	struct kvm_vbus_region *region = to_region(shm);

	guard(mutex)(&region->vb->region_lock);
	region->handle = handle;
	region->id = id;
	region->rings = true;
}

/*
 * Memory slots that go and come back
 */

/*
 * The guest may have rung for the device while that could not look at the
 * region, and rings no second time before the device has asked for it.
 */
static void region_resume(struct kvm_vbus_region *region)
{
	struct kvm_vbus *vb = region->vb;

	WRITE_ONCE(region->shm.live, true);
	kvm_vbus_region_resumed(vb, &region->shm);
	if (region->rings)
		vbus_client_signal(vb->client, region->handle, region->id,
				   SHM_SIGNAL_ATOMIC);
}

static bool region_overlaps(const struct kvm_vbus_region *region,
			    const struct kvm_memory_slot *slot)
{
	unsigned int i;

	for (i = 0; i < region->shm.npages; i++)
		if (region->gfns[i] >= slot->base_gfn &&
		    region->gfns[i] - slot->base_gfn < slot->npages)
			return true;
	return false;
}

/*
 * The state of a VM whose slot changes, or NULL. One that is made right now has
 * no regions over the slot as it was.
 */
static struct kvm_vbus *slot_state(struct kvm *kvm,
				   const struct kvm_memory_slot *slot)
{
	return slot->as_id ? NULL : kvm_vbus_get_state(kvm);
}

/**
 * kvm_vbus_suspend_memslot - a memory slot is going away
 * @kvm: the VM
 * @slot: the slot; marked invalid, and a grace period of kvm->srcu has passed
 *
 * When it returns no device writes to the slot's memory.
 *
 * Context: kvm->slots_lock is held, kvm->srcu is not; may sleep.
 */
void kvm_vbus_suspend_memslot(struct kvm *kvm,
			      const struct kvm_memory_slot *slot)
{
	struct kvm_vbus *vb = slot_state(kvm, slot);
	struct kvm_vbus_region *region;
	bool any = false;

	if (!vb)
		return;
	scoped_guard(mutex, &vb->region_lock) {
		list_for_each_entry(region, &vb->regions, node) {
			if (!region_overlaps(region, slot))
				continue;
			WRITE_ONCE(region->shm.live, false);
			any = true;
		}
	}
	/* Devices look at it under RCU. */
	if (any)
		synchronize_rcu_expedited();
}

/* A region that is waiting for a slot. @vb->region_lock is held. */
static bool region_waits(const struct kvm_vbus_region *region,
			 const struct kvm_memory_slot *slot)
{
	return !region->shm.live && region_overlaps(region, slot);
}

/* Count the pages of all regions that wait for @slot; list them in @gfns. */
static size_t list_waiting(struct kvm_vbus *vb,
			   const struct kvm_memory_slot *slot, gfn_t *gfns)
{
	struct kvm_vbus_region *region;
	size_t n = 0;

	guard(mutex)(&vb->region_lock);
	list_for_each_entry(region, &vb->regions, node) {
		if (!region_waits(region, slot))
			continue;
		if (gfns)
			memcpy(&gfns[n], region->gfns,
			       region->shm.npages * sizeof(*gfns));
		n += region->shm.npages;
	}
	return n;
}

/*
 * A page that was pinned is still the VMM's but need not be mapped, be it
 * because memory is short or because the VMM has mapped it anew. With nothing
 * held but slots_lock, which is the VMM's, see that it is.
 */
static void fault_in_waiting(struct kvm_vbus *vb,
			     const struct kvm_memory_slot *slot)
{
	size_t n = list_waiting(vb, slot, NULL), i;
	gfn_t *gfns;

	if (!n)
		return;
	gfns = kvmalloc_array(n, sizeof(*gfns), GFP_KERNEL_ACCOUNT);
	if (!gfns)
		return;
	/* None begins to wait without slots_lock, so these are no more. */
	n = list_waiting(vb, slot, gfns);
	for (i = 0; i < n; i++)
		fault_in_page(vb->kvm, gfns[i], false);
	kvfree(gfns);
}

/*
 * Is a page of the guest the one that was pinned? Nothing is faulted in, and
 * whether it may be written at this moment does not matter.
 */
static bool same_page(struct kvm *kvm, gfn_t gfn, struct page *pinned)
{
	struct page *page;
	bool same;

	if (pin_page(kvm, gfn, FOLL_NOFAULT, &page))
		return false;
	same = page == pinned;
	unpin_user_page(page);
	return same;
}

static bool region_returned(const struct kvm_vbus_region *region)
{
	unsigned int i;

	for (i = 0; i < region->shm.npages; i++)
		if (!same_page(region->vb->kvm, region->gfns[i],
			       region->shm.pages[i]))
			return false;
	return true;
}

/**
 * kvm_vbus_resume_memslot - a memory slot has come
 * @kvm: the VM
 * @slot: the slot, in use
 *
 * Context: kvm->slots_lock is held; a thread of the VMM; may sleep.
 */
void kvm_vbus_resume_memslot(struct kvm *kvm,
			     const struct kvm_memory_slot *slot)
{
	struct kvm_vbus *vb = slot_state(kvm, slot);
	struct kvm_vbus_region *region;

	if (!vb)
		return;
	fault_in_waiting(vb, slot);
	guard(mutex)(&vb->region_lock);
	list_for_each_entry(region, &vb->regions, node)
		if (region_waits(region, slot) && region_returned(region))
			region_resume(region);
}

/**
 * kvm_vbus_regions_end - the VM goes, and its memory slots with it
 * @vb: the VM's state; all connections have ended
 *
 * Devices have dropped their regions. If one has not, it shall at least not go
 * on writing.
 *
 * Context: may sleep.
 */
void kvm_vbus_regions_end(struct kvm_vbus *vb)
{
	struct kvm_vbus_region *region;

	mutex_lock(&vb->region_lock);
	WARN_ON_ONCE(!list_empty(&vb->regions));
	list_for_each_entry(region, &vb->regions, node)
		WRITE_ONCE(region->shm.live, false);
	mutex_unlock(&vb->region_lock);
}
