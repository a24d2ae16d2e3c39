/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small virtual machine that plays a guest of a Virtual-Bus
 *
 * The guest is two instructions, the hypercall and a port access that returns
 * to the program, which sets the registers. The functions that make a verb of
 * the hypercall return what the guest gets, negated: 0 or an errno.
 */
#ifndef _SELFTESTS_VBUS_KVM_VM_H
#define _SELFTESTS_VBUS_KVM_VM_H

#include <linux/ioq.h>
#include <linux/kvm.h>
#include <linux/vbus.h>
#include <linux/vbus_kvm.h>
#include <linux/venet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIGFS	"/sys/kernel/config/vbus/"
#define BUS		"selftest-kvm"
#define OTHER_BUS	"selftest-kvm-2"
#define DEVICE		"selftest-kvm-dev"

/* The guest's memory: one slot, and where in it things are. */
#define MEM_SIZE	0x100000UL
#define PAGE		4096UL
#define CODE		0x1000
#define ARGS		0x2000
#define SEGS		0x3000
#define DATA		0x4000
#define RING		0x10000
#define STATUS		0x20000
#define EVENTS		0x30000
#define HOLE		(MEM_SIZE + 0x100000)

/* A second slot, read-only. */
#define ROM		0x400000
#define ROM_SIZE	0x10000

#define RING_LEN	(5 * PAGE)
#define RING_ID		VENET_REGION_RING(VENET_QUEUE_TX(0))

/* What a descriptor that is the @n-th of all says in a ring of @count. */
static inline uint16_t ioq_turn(unsigned int n, unsigned int count)
{
	return n / count % 2 ? IOQ_TURN_ODD : IOQ_TURN_EVEN;
}

struct vm {
	int kvm, fd, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *mem;
	uint8_t *rom;
};

int write_file(const char *path, const char *text);
int set_slot(struct vm *vm, unsigned int slot, uint64_t gpa, void *mem,
	     uint64_t size, uint32_t flags);
int vm_start(struct vm *vm, bool irqchip);
void vm_stop(struct vm *vm);
long hypercall(struct vm *vm, uint32_t nr, uint32_t verb, uint32_t a1,
	       uint32_t a2, uint32_t a3);
long verb(struct vm *vm, uint32_t verb, uint32_t a1, uint32_t a2, uint32_t a3);
long verb_struct(struct vm *vm, uint32_t v, void *args, size_t len);
long negotiate(struct vm *vm);
long list(struct vm *vm, uint32_t first, uint32_t max, uint64_t addr,
	  uint32_t *count);
long open_device(struct vm *vm, uint32_t id, uint32_t version,
		 uint32_t *handle);
long call(struct vm *vm, uint32_t handle, uint32_t func, uint64_t addr,
	  uint32_t len);
long info(struct vm *vm, uint32_t handle);
long open_ready(struct vm *vm, uint32_t *handle);
long shm(struct vm *vm, uint32_t handle, uint32_t id, uint64_t addr,
	 uint64_t len, uint32_t signal_offset);
long shm_to(struct vm *vm, uint32_t handle, uint32_t id, uint64_t addr,
	    uint64_t len, uint32_t delivery, uint32_t target, uint32_t event);

const char *missing(void);
void join(const char *bus);
void clean_up(void);
int link_device(void);
int make_buses(void);

#endif /* _SELFTESTS_VBUS_KVM_VM_H */
