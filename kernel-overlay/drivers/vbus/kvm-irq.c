// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus connector for KVM guests: interrupts
 *
 * The host raises MSIs. An irq domain on top of the vectors allocates them, as a
 * PCI device's would be, and tells the host by hypercall where each one goes:
 * when it is activated and whenever it moves. The host takes both words of the
 * message at once, so a move needs no care in between. What was raised before
 * may have gone to the old vector, and that one may be gone: so each move is
 * followed by an interrupt of our own making, which looks at the queue and
 * completes the move.
 *
 * There is nothing to mask: the signals themselves can be disabled.
 */
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "kvm.h"

/* A host that was reset, or has no bus: the devices are lost anyway. */
static bool no_slots(int err)
{
	return err == -ENOTCONN || err == -ENODEV;
}

static int msi_tell(struct irq_data *data, const struct msi_msg *msg)
{
	struct vbus_kvm_msi *msi = irq_data_get_irq_chip_data(data);
	u32 dest = msg->arch_addr_lo.destid_0_7 |
		   msg->arch_addr_lo.virt_destid_8_14 << 8 |
		   msg->arch_addr_hi.destid_8_31 << 8;
	u32 flags = VBUS_KVM_MSI_ENABLE | msg->arch_data.vector;
	int err;

	if (msg->arch_addr_lo.dest_mode_logical)
		flags |= VBUS_KVM_MSI_LOGICAL;
	err = vbus_kvm_set_msi(msi->slot, dest, flags);
	if (err && !no_slots(err))
		dev_err_ratelimited(msi->vk->dev,
				    "MSI %u to APIC %#x refused: %d\n",
				    msi->slot, dest, err);
	return err;
}

static void msi_write(struct irq_data *data, struct msi_msg *msg)
{
	msi_tell(data, msg);
}

static int msi_program(struct irq_data *data)
{
	struct irq_data *parent = data->parent_data;
	struct msi_msg msg = {};

	parent->chip->irq_compose_msi_msg(parent, &msg);
	return msi_tell(data, &msg);
}

static void msi_noop(struct irq_data *data)
{
}

/*
 * The vector has moved, and the host raises the old one, which is free soon. A
 * host that was reset raises none.
 */
static void msi_lost(struct irq_data *data, int err)
{
	struct vbus_kvm_msi *msi = irq_data_get_irq_chip_data(data);

	if (no_slots(err))
		return;
	WRITE_ONCE(msi->vk->msi_lost, true);
	vbus_kvm_update(msi->vk);
}

static int msi_set_affinity(struct irq_data *data, const struct cpumask *mask,
			    bool force)
{
	struct irq_data *parent = data->parent_data;
	int ret, err;

	ret = parent->chip->irq_set_affinity(parent, mask, force);
	if (ret >= 0 && ret != IRQ_SET_MASK_OK_DONE) {
		err = msi_program(data);
		if (err)
			msi_lost(data, err);
		irq_chip_retrigger_hierarchy(data);
	}
	return ret;
}

static struct irq_chip msi_chip = {
	.name = "vbus",
	.irq_mask = msi_noop,
	.irq_unmask = msi_noop,
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = msi_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.irq_write_msi_msg = msi_write,
	.flags = IRQCHIP_SKIP_SET_WAKE | IRQCHIP_AFFINITY_PRE_STARTUP,
};

static int domain_alloc(struct irq_domain *domain, unsigned int virq,
			unsigned int nr_irqs, void *arg)
{
	struct irq_alloc_info *info = arg;
	struct vbus_kvm_msi *msi;
	int err;

	if (nr_irqs != 1 || !info || !info->data)
		return -EINVAL;
	msi = info->data;
	err = irq_domain_alloc_irqs_parent(domain, virq, nr_irqs, arg);
	if (err)
		return err;
	irq_domain_set_info(domain, virq, msi->slot, &msi_chip, msi,
			    handle_edge_irq, NULL, "edge");
	return 0;
}

static int domain_activate(struct irq_domain *domain, struct irq_data *data,
			   bool reserve)
{
	return msi_program(data);
}

static void domain_deactivate(struct irq_domain *domain, struct irq_data *data)
{
	struct vbus_kvm_msi *msi = irq_data_get_irq_chip_data(data);

	vbus_kvm_set_msi(msi->slot, 0, 0);
}

static const struct irq_domain_ops domain_ops = {
	.alloc = domain_alloc,
	.free = irq_domain_free_irqs_common,
	.activate = domain_activate,
	.deactivate = domain_deactivate,
};

static int msi_alloc(struct vbus_kvm_msi *msi)
{
	struct irq_alloc_info info = { .data = msi };
	int ret;

	ret = ida_alloc_max(&msi->vk->slots, msi->vk->max_msis - 1, GFP_KERNEL);
	if (ret < 0)
		return ret;
	msi->slot = ret;
	ret = irq_domain_alloc_irqs(msi->vk->domain, 1, NUMA_NO_NODE, &info);
	if (ret < 0) {
		ida_free(&msi->vk->slots, msi->slot);
		return ret;
	}
	msi->irq = ret;
	return 0;
}

static void msi_release(struct vbus_kvm_msi *msi)
{
	irq_dispose_mapping(msi->irq);
	ida_free(&msi->vk->slots, msi->slot);
	msi->irq = 0;
}

/**
 * vbus_kvm_msi_request - get an interrupt that the host can raise
 * @vk: the connector
 * @msi: filled in
 * @cpu: where it should arrive, or -1 for anywhere
 * @handler: called when it does
 * @name: for /proc/interrupts; stays valid
 * @data: for @handler
 *
 * Context: may sleep.
 * Return: 0, or -ENOSPC when all slots or all vectors are in use, or another
 * error of the interrupt code.
 */
int vbus_kvm_msi_request(struct vbus_kvm *vk, struct vbus_kvm_msi *msi, int cpu,
			 irq_handler_t handler, const char *name, void *data)
{
	int err;

	msi->vk = vk;
	msi->data = data;
	err = msi_alloc(msi);
	if (err)
		return err;
	err = request_irq(msi->irq, handler, 0, name, data);
	if (err) {
		msi_release(msi);
		return err;
	}
	/* If that CPU has no vector left, any other will do. */
	if (cpu >= 0)
		irq_set_affinity_and_hint(msi->irq, cpumask_of(cpu));
	return 0;
}

/**
 * vbus_kvm_msi_free - give an interrupt back
 * @msi: the interrupt; its handler is not running when this returns
 *
 * Context: may sleep.
 */
void vbus_kvm_msi_free(struct vbus_kvm_msi *msi)
{
	if (!msi->irq)
		return;
	irq_update_affinity_hint(msi->irq, NULL);
	free_irq(msi->irq, msi->data);
	msi_release(msi);
}

/**
 * vbus_kvm_irq_init - make the irq domain
 * @vk: the connector
 *
 * Context: may sleep.
 * Return: 0, -ENODEV when this kernel uses no local APIC, or -ENOMEM.
 */
int vbus_kvm_irq_init(struct vbus_kvm *vk)
{
	struct fwnode_handle *fwnode;

	if (!x86_vector_domain)
		return -ENODEV;
	fwnode = irq_domain_alloc_named_fwnode("vbus-kvm");
	if (!fwnode)
		return -ENOMEM;
	vk->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0,
						 fwnode, &domain_ops, vk);
	if (!vk->domain) {
		irq_domain_free_fwnode(fwnode);
		return -ENOMEM;
	}
	ida_init(&vk->slots);
	return 0;
}

/**
 * vbus_kvm_irq_exit - remove the irq domain
 * @vk: the connector; all interrupts have been given back
 *
 * Context: may sleep.
 */
void vbus_kvm_irq_exit(struct vbus_kvm *vk)
{
	struct fwnode_handle *fwnode = vk->domain->fwnode;

	irq_domain_remove(vk->domain);
	irq_domain_free_fwnode(fwnode);
	ida_destroy(&vk->slots);
}
