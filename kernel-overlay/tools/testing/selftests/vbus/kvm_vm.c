// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small virtual machine that plays a guest of a Virtual-Bus: see kvm_vm.h
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm_para.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvm_vm.h"

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

int set_slot(struct vm *vm, unsigned int slot, uint64_t gpa, void *mem,
	     uint64_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

int vm_start(struct vm *vm, bool irqchip)
{
	static const uint8_t code[] = {
		0x0f, 0x01, 0xd9,	/* vmmcall; KVM patches it for VMX */
		0xe6, 0x10,		/* out %al, $0x10: to this program */
	};
	struct kvm_sregs sregs;

	memset(vm, 0, sizeof(*vm));
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -1;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0 || (irqchip && ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0)))
		return -1;
	vm->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm->rom = mmap(NULL, ROM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (set_slot(vm, 0, 0, vm->mem, MEM_SIZE, 0) ||
	    set_slot(vm, 1, ROM, vm->rom, ROM_SIZE, KVM_MEM_READONLY))
		return -1;
	memcpy(vm->mem + CODE, code, sizeof(code));
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu < 0)
		return -1;
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vm->vcpu, 0);
	if (vm->run == MAP_FAILED || ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(vm->vcpu, KVM_SET_SREGS, &sregs);
}

void vm_stop(struct vm *vm)
{
	if (vm->run && vm->run != MAP_FAILED)
		munmap(vm->run, vm->run_size);
	close(vm->vcpu);
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->mem, MEM_SIZE);
	munmap(vm->rom, ROM_SIZE);
}

/* Make the hypercall @nr in the guest; what the guest gets, negated. */
long hypercall(struct vm *vm, uint32_t nr, uint32_t verb, uint32_t a1,
	       uint32_t a2, uint32_t a3)
{
	struct kvm_regs regs = {
		.rax = nr,
		.rbx = verb,
		.rcx = a1,
		.rdx = a2,
		.rsi = a3,
		.rip = CODE,
		.rflags = 0x3002,	/* IOPL 3 */
	};

	if (ioctl(vm->vcpu, KVM_SET_REGS, &regs))
		return 100000;
	do {
		if (ioctl(vm->vcpu, KVM_RUN, 0) && errno != EINTR)
			return 100001;
	} while (vm->run->exit_reason != KVM_EXIT_IO);
	if (ioctl(vm->vcpu, KVM_GET_REGS, &regs))
		return 100002;
	return -(int32_t)regs.rax;
}

long verb(struct vm *vm, uint32_t verb, uint32_t a1, uint32_t a2, uint32_t a3)
{
	long ret;

	do {
		ret = hypercall(vm, KVM_HC_VBUS, verb, a1, a2, a3);
	} while (ret == EAGAIN);
	return ret;
}

/* The same with a structure, which goes to the guest's memory and back. */
long verb_struct(struct vm *vm, uint32_t v, void *args, size_t len)
{
	long ret;

	memcpy(vm->mem + ARGS, args, len);
	ret = verb(vm, v, ARGS, 0, 0);
	memcpy(args, vm->mem + ARGS, len);
	return ret;
}

long negotiate(struct vm *vm)
{
	struct vbus_kvm_negotiate n = {
		.magic = htole32(VBUS_KVM_MAGIC_GUEST),
		.version = htole32(VBUS_KVM_VERSION),
	};
	long ret = verb_struct(vm, VBUS_KVM_NEGOTIATE, &n, sizeof(n));

	if (!ret && le32toh(n.magic) != VBUS_KVM_MAGIC_HOST)
		return 100003;
	return ret;
}

long list(struct vm *vm, uint32_t first, uint32_t max, uint64_t addr,
	  uint32_t *count)
{
	struct vbus_kvm_list l = {
		.addr = htole64(addr),
		.first = htole32(first),
		.max = htole32(max),
	};
	long ret = verb_struct(vm, VBUS_KVM_LIST, &l, sizeof(l));

	*count = le32toh(l.count);
	return ret;
}

long open_device(struct vm *vm, uint32_t id, uint32_t version, uint32_t *handle)
{
	struct vbus_kvm_open o = {
		.id = htole32(id),
		.version = htole32(version),
	};
	long ret = verb_struct(vm, VBUS_KVM_OPEN, &o, sizeof(o));

	*handle = le32toh(o.handle);
	return ret;
}

long call(struct vm *vm, uint32_t handle, uint32_t func, uint64_t addr,
	  uint32_t len)
{
	struct vbus_kvm_call c = {
		.handle = htole32(handle),
		.func = htole32(func),
		.addr = htole64(addr),
		.len = htole32(len),
	};

	return verb_struct(vm, VBUS_KVM_CALL, &c, sizeof(c));
}

long info(struct vm *vm, uint32_t handle)
{
	memset(vm->mem + DATA, 0, sizeof(struct venet_info));
	return call(vm, handle, VENET_CALL_INFO, DATA,
		    sizeof(struct venet_info));
}

/* Bring a device so far that it takes regions. */
long open_ready(struct vm *vm, uint32_t *handle)
{
	long ret = open_device(vm, 0, VENET_VERSION, handle);

	memset(vm->mem + DATA, 0, sizeof(struct venet_negotiate));
	return ret ? ret : call(vm, *handle, VENET_CALL_NEGOTIATE, DATA,
				sizeof(struct venet_negotiate));
}

static long shm_one(struct vm *vm, uint32_t handle, uint32_t id, uint64_t addr,
		    uint64_t len, uint32_t signal_offset, uint32_t delivery,
		    uint32_t target, uint32_t event)
{
	struct vbus_shm_seg seg = {
		.addr = htole64(addr),
		.len = htole64(len),
	};
	struct vbus_kvm_shm s = {
		.handle = htole32(handle),
		.id = htole32(id),
		.segs = htole64(SEGS),
		.nr_segs = htole32(1),
		.signal_offset = htole32(signal_offset),
		.delivery = htole32(delivery),
		.target = htole32(target),
		.event = htole32(event),
	};

	memcpy(vm->mem + SEGS, &seg, sizeof(seg));
	return verb_struct(vm, VBUS_KVM_SHM, &s, sizeof(s));
}

/* A region of one piece, and where its signal goes. */
long shm_to(struct vm *vm, uint32_t handle, uint32_t id, uint64_t addr,
	    uint64_t len, uint32_t delivery, uint32_t target, uint32_t event)
{
	return shm_one(vm, handle, id, addr, len,
		       delivery == VBUS_KVM_DELIVERY_NONE ?
		       VBUS_SHM_NO_SIGNAL : 0, delivery, target, event);
}

/* A region of one piece. */
long shm(struct vm *vm, uint32_t handle, uint32_t id, uint64_t addr,
	 uint64_t len, uint32_t signal_offset)
{
	return shm_one(vm, handle, id, addr, len, signal_offset,
		       signal_offset == VBUS_SHM_NO_SIGNAL ?
		       VBUS_KVM_DELIVERY_NONE : VBUS_KVM_DELIVERY_MSI, 0, 0);
}

void join(const char *bus)
{
	write_file("/proc/self/vbus", bus);
}

/* Take down what a test has made, or one before it has left. */
void clean_up(void)
{
	join("0");
	unlink(CONFIGFS "instances/" BUS "/" DEVICE);
	rmdir(CONFIGFS "devices/" DEVICE);
	rmdir(CONFIGFS "instances/" BUS);
	rmdir(CONFIGFS "instances/" OTHER_BUS);
}

int link_device(void)
{
	return symlink(CONFIGFS "devices/" DEVICE,
		       CONFIGFS "instances/" BUS "/" DEVICE);
}

/* A bus with a venet-tap, and one with nothing. Return: 0 or an errno. */
int make_buses(void)
{
	int err;

	clean_up();
	if (mkdir(CONFIGFS "instances/" BUS, 0755) ||
	    mkdir(CONFIGFS "instances/" OTHER_BUS, 0755) ||
	    mkdir(CONFIGFS "devices/" DEVICE, 0755))
		return errno;
	err = write_file(CONFIGFS "devices/" DEVICE "/type", "venet-tap");
	if (!err && link_device())
		err = errno;
	return err;
}

/* What may be missing for all of this, or NULL. */
const char *missing(void)
{
	if (access(CONFIGFS, F_OK) || access("/dev/kvm", R_OK | W_OK) ||
	    geteuid())
		return "needs root, /dev/kvm and " CONFIGFS;
	return NULL;
}
