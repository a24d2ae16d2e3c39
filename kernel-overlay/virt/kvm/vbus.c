// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus for KVM, the host's side: the VM's life on its bus, and the
 * hypercall
 *
 * See vbus.h for lifetime and locks, and <linux/vbus_kvm.h> for the ABI.
 */
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "vbus.h"

static_assert(sizeof(struct vbus_kvm_negotiate) == 64);
static_assert(sizeof(struct vbus_kvm_list) == 32);
static_assert(sizeof(struct vbus_kvm_open) == 16);
static_assert(sizeof(struct vbus_kvm_call) == 24);
static_assert(sizeof(struct vbus_kvm_shm) == 40);
static_assert(sizeof(struct vbus_kvm_eventq) == 32);
static_assert(sizeof(struct vbus_kvm_events) == 640);
static_assert(PAGE_SIZE == 4096);

static void client_changed(struct vbus_client *client)
{
	kvm_vbus_devices_changed(vbus_client_priv(client));
}

/* Its device is no longer on the bus: the guest learns that from the list. */
static void client_dropped(struct vbus_client *client, u32 handle)
{
	kvm_vbus_devices_changed(vbus_client_priv(client));
}

static const struct vbus_client_ops client_ops = {
	.changed = client_changed,
	.dropped = client_dropped,
	.queue_work = kvm_vbus_queue_work,
};

static struct kvm_vbus *kvm_vbus_alloc(struct kvm *kvm)
{
	struct kvm_vbus *vb = kzalloc_obj(*vb, GFP_KERNEL_ACCOUNT);
	int err;

	if (!vb)
		return ERR_PTR(-ENOMEM);
	vb->kvm = kvm;
	init_rwsem(&vb->lock);
	mutex_init(&vb->region_lock);
	INIT_LIST_HEAD(&vb->regions);
	mutex_init(&vb->worker_lock);
	spin_lock_init(&vb->work_lock);
	INIT_LIST_HEAD(&vb->works);
	vbus_memctx_init(&vb->memctx, &kvm_vbus_memctx_ops);

	err = kvm_vbus_irq_init(vb);
	if (!err) {
		vb->client = vbus_client_create(kvm->vbus, &client_ops,
						&vb->memctx, vb);
		err = PTR_ERR_OR_ZERO(vb->client);
	}
	if (err) {
		kvm_vbus_irq_reset(vb);
		vbus_memctx_put(&vb->memctx);
		return ERR_PTR(err);
	}
	return vb;
}

/* Nothing of this VM runs any more, on any path, when it returns. */
static void kvm_vbus_end(struct kvm_vbus *vb)
{
	vbus_client_destroy(vb->client);
	kvm_vbus_worker_stop(vb);
	kvm_vbus_irq_reset(vb);
	kvm_vbus_regions_end(vb);
	vbus_memctx_put(&vb->memctx);
}

/* vCPUs may come here side by side: the first one's state stays. */
static struct kvm_vbus *kvm_vbus_make_state(struct kvm *kvm)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm), *other;

	if (vb)
		return vb;
	vb = kvm_vbus_alloc(kvm);
	if (IS_ERR(vb))
		return vb;
	other = cmpxchg(&kvm->vbus_state, NULL, vb);
	if (!other)
		return vb;
	kvm_vbus_end(vb);
	return other;
}

/* End all that the guest has set up; its memory is its own again. */
static void kvm_vbus_reset(struct kvm_vbus *vb)
{
	lockdep_assert_held_write(&vb->lock);
	vb->negotiated = false;
	vbus_client_reset(vb->client);
	kvm_vbus_irq_reset(vb);
}

/* Confidential VMs, as far as can be told here. */
static bool kvm_vbus_vm_supported(struct kvm *kvm)
{
	return kvm_arch_irqchip_in_kernel(kvm) && !kvm->arch.vm_type &&
	       !kvm->arch.has_protected_state;
}

static int verb_negotiate(struct kvm *kvm, void *data)
{
	struct vbus_kvm_negotiate *arg = data;
	struct kvm_vbus *vb;

	if (le32_to_cpu(arg->magic) != VBUS_KVM_MAGIC_GUEST ||
	    memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	if (le32_to_cpu(arg->version) != VBUS_KVM_VERSION || arg->features) {
		arg->version = cpu_to_le32(VBUS_KVM_VERSION);
		arg->features = 0;
		return -EPROTONOSUPPORT;
	}
	if (!kvm_vbus_vm_supported(kvm))
		return -EOPNOTSUPP;

	vb = kvm_vbus_make_state(kvm);
	if (IS_ERR(vb))
		return PTR_ERR(vb);
	if (down_write_killable(&vb->lock))
		return -EAGAIN;
	kvm_vbus_reset(vb);
	vb->negotiated = true;
	up_write(&vb->lock);

	arg->magic = cpu_to_le32(VBUS_KVM_MAGIC_HOST);
	arg->max_msis = cpu_to_le32(KVM_VBUS_MAX_MSIS);
	arg->max_eventqs = cpu_to_le32(KVM_VBUS_MAX_EVENTQS);
	arg->max_connections = cpu_to_le32(VBUS_CLIENT_CONNECTIONS);
	arg->max_shms = cpu_to_le32(VBUS_CONNECTION_REGIONS);
	return 0;
}

static int verb_list(struct kvm_vbus *vb, void *data)
{
	struct vbus_kvm_list *arg = data;
	u32 max = le32_to_cpu(arg->max), generation;
	struct vbus_device_info *info;
	int n, err;

	if (!max || max > VBUS_KVM_LIST_MAX || arg->reserved)
		return -EINVAL;
	info = kcalloc(max, sizeof(*info), GFP_KERNEL_ACCOUNT);
	if (!info)
		return -ENOMEM;
	n = vbus_client_list(vb->client, le32_to_cpu(arg->first), info, max,
			     &generation);
	err = n;
	if (n >= 0)
		err = kvm_vbus_write_guest(vb->kvm, le64_to_cpu(arg->addr),
					   info, n * sizeof(*info));
	kfree(info);
	if (err)
		return err;
	arg->count = cpu_to_le32(n);
	arg->generation = cpu_to_le32(generation);
	return 0;
}

static int verb_open(struct kvm_vbus *vb, void *data)
{
	struct vbus_kvm_open *arg = data;
	u32 handle;
	int err;

	err = kvm_vbus_worker_start(vb);
	if (err)
		return err;
	err = vbus_client_open(vb->client, le32_to_cpu(arg->id),
			       le32_to_cpu(arg->instance),
			       le32_to_cpu(arg->version), &handle);
	if (!err)
		arg->handle = cpu_to_le32(handle);
	return err;
}

static int verb_call(struct kvm_vbus *vb, void *data)
{
	struct vbus_kvm_call *arg = data;
	u64 addr = le64_to_cpu(arg->addr);
	u32 len = le32_to_cpu(arg->len);
	void *buf;
	int err;

	if (len > VBUS_CALL_MAX || arg->reserved)
		return -EINVAL;
	buf = kzalloc(max(len, 1U), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	err = kvm_vbus_read_guest(vb->kvm, addr, buf, len);
	if (err)
		goto out;
	err = vbus_client_call(vb->client, le32_to_cpu(arg->handle),
			       le32_to_cpu(arg->func), buf, len);
	/* To a guest that would say that nothing was done, here as below. */
	if (err == -EAGAIN)
		err = -EBUSY;
	if (!err && kvm_vbus_write_guest(vb->kvm, addr, buf, len))
		err = -EFAULT;
out:
	kfree(buf);
	return err;
}

static struct vbus_shm *shm_create(struct kvm_vbus *vb,
				   const struct vbus_kvm_shm *arg, bool map)
{
	u32 n = le32_to_cpu(arg->nr_segs);
	struct vbus_shm_seg *segs;
	struct vbus_shm *shm;
	int err;

	if (!n || n > VBUS_SHM_MAX_SEGS)
		return ERR_PTR(-EINVAL);
	segs = kvcalloc(n, sizeof(*segs), GFP_KERNEL_ACCOUNT);
	if (!segs)
		return ERR_PTR(-ENOMEM);
	err = kvm_vbus_read_guest(vb->kvm, le64_to_cpu(arg->segs), segs,
				  n * sizeof(*segs));
	shm = err ? ERR_PTR(err) : kvm_vbus_region_create(vb, segs, n, map);
	kvfree(segs);
	return shm;
}

static int verb_shm(struct kvm_vbus *vb, void *data)
{
	struct vbus_kvm_shm *arg = data;
	struct shm_signal *signal = NULL;
	struct vbus_shm *shm;
	bool has_signal;
	int err;

	has_signal = le32_to_cpu(arg->signal_offset) != VBUS_SHM_NO_SIGNAL;
	if (arg->reserved ||
	    has_signal == (le32_to_cpu(arg->delivery) == VBUS_KVM_DELIVERY_NONE))
		return -EINVAL;
	shm = shm_create(vb, arg, has_signal);
	if (IS_ERR(shm))
		return PTR_ERR(shm);
	if (has_signal)
		signal = kvm_vbus_signal_create(vb, shm, arg);
	err = PTR_ERR_OR_ZERO(signal);
	if (!err && has_signal)
		kvm_vbus_region_bell(shm, le32_to_cpu(arg->handle),
				     le32_to_cpu(arg->id));
	if (!err) {
		err = vbus_client_shm(vb->client, le32_to_cpu(arg->handle),
				      le32_to_cpu(arg->id), shm, signal);
		shm_signal_put(signal);
	}
	vbus_shm_put(shm);
	return err;
}

static const struct kvm_vbus_verb {
	int (*fn)(struct kvm_vbus *vb, void *arg);
	size_t size;
} verbs[] = {
	[VBUS_KVM_LIST] = { verb_list, sizeof(struct vbus_kvm_list) },
	[VBUS_KVM_OPEN] = { verb_open, sizeof(struct vbus_kvm_open) },
	[VBUS_KVM_CALL] = { verb_call, sizeof(struct vbus_kvm_call) },
	[VBUS_KVM_SHM] = { verb_shm, sizeof(struct vbus_kvm_shm) },
};

static int verb_shared(struct kvm *kvm, const struct kvm_vbus_verb *verb,
		       void *arg)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);
	int err;

	if (!vb)
		return -ENOTCONN;
	if (down_read_interruptible(&vb->lock))
		return -EAGAIN;
	err = vb->negotiated ? verb->fn(vb, arg) : -ENOTCONN;
	up_read(&vb->lock);
	return err;
}

static int verb_close(struct kvm *kvm, unsigned long handle)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);
	int err;

	if (!vb)
		return -ENOTCONN;
	if (handle > U32_MAX)
		return -EINVAL;
	if (down_read_interruptible(&vb->lock))
		return -EAGAIN;
	err = vbus_client_close(vb->client, handle);
	up_read(&vb->lock);
	return err;
}

static int verb_reset(struct kvm *kvm)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);

	if (!vb)
		return 0;
	if (down_write_killable(&vb->lock))
		return -EAGAIN;
	kvm_vbus_reset(vb);
	up_write(&vb->lock);
	return 0;
}

static int verb_eventq(struct kvm *kvm, void *data)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);
	int err;

	if (!vb)
		return -ENOTCONN;
	if (down_write_killable(&vb->lock))
		return -EAGAIN;
	err = vb->negotiated ? kvm_vbus_eventq_create(vb, data) : -ENOTCONN;
	up_write(&vb->lock);
	return err;
}

/* @nr has been checked. */
static const struct kvm_vbus_verb *find_verb(unsigned long nr)
{
	return &verbs[array_index_nospec(nr, ARRAY_SIZE(verbs))];
}

static size_t verb_size(unsigned long nr)
{
	if (nr == VBUS_KVM_NEGOTIATE)
		return sizeof(struct vbus_kvm_negotiate);
	if (nr == VBUS_KVM_EVENTQ)
		return sizeof(struct vbus_kvm_eventq);
	return nr < ARRAY_SIZE(verbs) ? find_verb(nr)->size : 0;
}

/* What was done can fail no more: the others answer nothing that is to be told. */
static bool verb_answers(unsigned long nr)
{
	return nr == VBUS_KVM_NEGOTIATE || nr == VBUS_KVM_LIST ||
	       nr == VBUS_KVM_OPEN;
}

/* The guest cannot be told its handle, so it would be lost until a reset. */
static void undo_open(struct kvm *kvm, const struct vbus_kvm_open *arg)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);

	if (down_read_killable(&vb->lock))
		return;
	vbus_client_close(vb->client, le32_to_cpu(arg->handle));
	up_read(&vb->lock);
}

/* The verbs with a structure: copied in, worked on, and the answer copied back. */
static int kvm_vbus_struct_verb(struct kvm *kvm, unsigned long nr, gpa_t gpa)
{
	union {
		struct vbus_kvm_negotiate negotiate;
		struct vbus_kvm_list list;
		struct vbus_kvm_open open;
		struct vbus_kvm_call call;
		struct vbus_kvm_shm shm;
		struct vbus_kvm_eventq eventq;
	} arg;
	size_t size = verb_size(nr);
	int err;

	if (!size)
		return -EINVAL;
	err = kvm_vbus_read_guest(kvm, gpa, &arg, size);
	if (err)
		return err;
	if (nr == VBUS_KVM_NEGOTIATE)
		err = verb_negotiate(kvm, &arg);
	else if (nr == VBUS_KVM_EVENTQ)
		err = verb_eventq(kvm, &arg);
	else
		err = verb_shared(kvm, find_verb(nr), &arg);
	/* The answer to another version is ours. */
	if (err == -EPROTONOSUPPORT && nr == VBUS_KVM_NEGOTIATE)
		return kvm_vbus_write_guest(kvm, gpa, &arg, size) ?: err;
	if (err || !verb_answers(nr))
		return err;
	err = kvm_vbus_write_guest(kvm, gpa, &arg, size);
	if (err && nr == VBUS_KVM_OPEN)
		undo_open(kvm, &arg.open);
	return err;
}

static int kvm_vbus_control(struct kvm_vcpu *vcpu, unsigned long nr,
			    unsigned long a1)
	__must_hold(&vcpu->kvm->srcu)
{
	int err;

	/*
	 * A verb sleeps in device models, and they may wait for a memory slot
	 * to change or for another vCPU: never in the vCPU's srcu section.
	 */
	kvm_vcpu_srcu_read_unlock(vcpu);
	if (nr == VBUS_KVM_RESET)
		err = verb_reset(vcpu->kvm);
	else if (nr == VBUS_KVM_CLOSE)
		err = verb_close(vcpu->kvm, a1);
	else
		err = kvm_vbus_struct_verb(vcpu->kvm, nr, a1);
	kvm_vcpu_srcu_read_lock(vcpu);
	return err;
}

static int kvm_vbus_doorbell(struct kvm *kvm, unsigned long handle,
			     unsigned long id)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);
	int err;

	if (unlikely(!vb))
		return -ENOTCONN;
	if (unlikely(handle > U32_MAX || id > U32_MAX))
		return -EINVAL;
	err = vbus_client_signal(vb->client, handle, id, SHM_SIGNAL_PROCESS);
	/*
	 * Memory that is not there, perhaps because its slot is away for a
	 * moment, is for the device to deal with. The bell has rung.
	 */
	return unlikely(err == -EFAULT) ? 0 : err;
}

static int kvm_vbus_msi(struct kvm *kvm, unsigned long slot, unsigned long dest,
			unsigned long msi)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(kvm);

	return vb ? kvm_vbus_set_msi(vb, slot, dest, msi) : -ENOTCONN;
}

/* Only numbers that the ABI defines leave the host. */
static int kvm_vbus_errno(int err)
{
	switch (err) {
	case 0:
	case -EPERM: case -ENOENT: case -EIO: case -EAGAIN: case -ENOMEM:
	case -EACCES: case -EFAULT: case -EBUSY: case -EEXIST: case -ENODEV:
	case -EINVAL: case -ENOSPC: case -ERANGE: case -EPROTO:
	case -EPROTONOSUPPORT: case -EOPNOTSUPP: case -ENOTCONN:
	case -ETIMEDOUT:
		return err;
	case -EINTR:
	case -ERESTARTSYS:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

/**
 * kvm_vbus_hypercall - the guest calls KVM_HC_VBUS
 * @vcpu: the vCPU, at CPL 0
 * @verb: VBUS_KVM_*
 * @a1: first argument of the verb
 * @a2: second argument
 * @a3: third argument
 *
 * Context: the vCPU's thread with kvm->srcu held through the vCPU, which control
 * verbs drop for a while.
 * Return: 0 or a negative number that <linux/vbus_kvm.h> lists.
 */
long kvm_vbus_hypercall(struct kvm_vcpu *vcpu, unsigned long verb,
			unsigned long a1, unsigned long a2, unsigned long a3)
{
	struct kvm *kvm = vcpu->kvm;
	int err;

	if (!kvm->vbus)
		return -KVM_ENOSYS;
	if (verb == VBUS_KVM_DOORBELL)
		err = kvm_vbus_doorbell(kvm, a1, a2);
	else if (verb == VBUS_KVM_SET_MSI)
		err = kvm_vbus_msi(kvm, a1, a2, a3);
	else
		err = kvm_vbus_control(vcpu, verb, a1);
	return kvm_vbus_errno(err);
}

/**
 * kvm_vbus_vcpu_reset - the VMM sets the MP state of a vCPU
 * @vcpu: the vCPU
 *
 * Doing so to the boot processor is how a VMM resets a VM. The guest that
 * registered memory is gone without a word, and the next one must not find a
 * device writing to it.
 *
 * Context: the ioctl, with vcpu->mutex held.
 * Return: 0, or -EINTR when the caller is being killed.
 */
int kvm_vbus_vcpu_reset(struct kvm_vcpu *vcpu)
{
	struct kvm_vbus *vb = kvm_vbus_get_state(vcpu->kvm);

	if (!vb || vcpu->vcpu_id != vcpu->kvm->arch.bsp_vcpu_id)
		return 0;
	if (down_write_killable(&vb->lock))
		return -EINTR;
	kvm_vbus_reset(vb);
	up_write(&vb->lock);
	return 0;
}

/**
 * kvm_vbus_vm_created - a VM has been created
 * @kvm: the VM: belongs to the bus that current is a member of
 *
 * Context: process context. Cannot fail.
 */
void kvm_vbus_vm_created(struct kvm *kvm)
{
	kvm->vbus = vbus_of_current();
}

/**
 * kvm_vbus_vm_destroy - a VM is being destroyed
 * @kvm: the VM; nobody can reach it any more
 *
 * Ends its connections, takes its memory out of the devices' hands, and leaves
 * the bus.
 *
 * Context: may sleep; any task, with any mm.
 */
void kvm_vbus_vm_destroy(struct kvm *kvm)
{
	if (kvm->vbus_state)
		kvm_vbus_end(kvm->vbus_state);
	kvm->vbus_state = NULL;
	if (kvm->vbus)
		vbus_release(kvm->vbus);
	kvm->vbus = NULL;
}
