// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each verb of the Virtual-Bus hypercall costs: "kvm_verbs [DEV-ID]", run by
 * a member of a bus with a venet-tap of that number on it.
 *
 * The guest is the hypercall and a way back to this program, which takes the time
 * around it, so that an emulator in which an instruction takes a nanosecond shows
 * instructions. An unknown hypercall says what the way alone costs.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/vbus.h>
#include <linux/vbus_kvm.h>
#include <linux/venet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MEM_SIZE	0x100000UL
#define PAGE		4096UL
#define CODE		0x1000
#define ARGS		0x2000
#define SEGS		0x3000
#define DATA		0x4000
#define RING		0x10000
#define RING_LEN	(5 * PAGE)
#define RING_ID		VENET_REGION_RING(VENET_QUEUE_TX(0))
#define ROUNDS		64
#define NO_HYPERCALL	99

static int vcpu;
static uint8_t *mem;
static struct kvm_run *run;

static void start(void)
{
	static const uint8_t code[] = {
		0x0f, 0x01, 0xd9,	/* vmmcall; KVM patches it for VMX */
		0xe6, 0x10,		/* out %al, $0x10: to this program */
	};
	struct kvm_userspace_memory_region slot = { .memory_size = MEM_SIZE };
	struct kvm_sregs sregs;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		err(1, "/dev/kvm");
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	slot.userspace_addr = (uintptr_t)mem;
	if (mem == MAP_FAILED ||
	    ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		err(1, "the guest's memory");
	memcpy(mem + CODE, code, sizeof(code));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	run = vcpu < 0 ? MAP_FAILED :
	      mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
		   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs))
		err(1, "the guest's processor");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		err(1, "KVM_SET_SREGS");
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* One hypercall; the answer, and what it took with the way there and back. */
static int hypercall(uint32_t nr, uint32_t verb, uint32_t a1, uint32_t a2,
		     uint64_t *ns)
{
	struct kvm_regs regs = {
		.rax = nr, .rbx = verb, .rcx = a1, .rdx = a2, .rip = CODE,
		.rflags = 0x3002,
	};
	uint64_t begin;

	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		err(1, "KVM_SET_REGS");
	begin = now();
	if (ioctl(vcpu, KVM_RUN, 0))
		err(1, "KVM_RUN");
	*ns = now() - begin;
	if (run->exit_reason != KVM_EXIT_IO || ioctl(vcpu, KVM_GET_REGS, &regs))
		errx(1, "the guest has left for reason %u", run->exit_reason);
	return -(int32_t)regs.rax;
}

static uint64_t verb(const char *name, uint32_t nr, uint32_t a1, uint32_t a2)
{
	uint64_t ns;
	int ret = hypercall(KVM_HC_VBUS, nr, a1, a2, &ns);

	if (ret)
		errx(1, "%s gives %d", name, ret);
	return ns;
}

static uint64_t negotiate(void)
{
	struct vbus_kvm_negotiate n = {
		.magic = htole32(VBUS_KVM_MAGIC_GUEST),
		.version = htole32(VBUS_KVM_VERSION),
	};

	memcpy(mem + ARGS, &n, sizeof(n));
	return verb("NEGOTIATE", VBUS_KVM_NEGOTIATE, ARGS, 0);
}

static uint64_t list(uint32_t first)
{
	struct vbus_kvm_list l = {
		.addr = htole64(DATA), .first = htole32(first),
		.max = htole32(1),
	};

	memcpy(mem + ARGS, &l, sizeof(l));
	return verb("LIST", VBUS_KVM_LIST, ARGS, 0);
}

static uint64_t open_device(uint32_t id, uint32_t *handle)
{
	struct vbus_kvm_open o = {
		.id = htole32(id), .version = htole32(VENET_VERSION),
	};
	uint64_t ns;

	memcpy(mem + ARGS, &o, sizeof(o));
	ns = verb("OPEN", VBUS_KVM_OPEN, ARGS, 0);
	memcpy(&o, mem + ARGS, sizeof(o));
	*handle = le32toh(o.handle);
	return ns;
}

static uint64_t call(uint32_t handle, uint32_t func, size_t len)
{
	struct vbus_kvm_call c = {
		.handle = htole32(handle), .func = htole32(func),
		.addr = htole64(DATA), .len = htole32(len),
	};

	memset(mem + DATA, 0, len);
	memcpy(mem + ARGS, &c, sizeof(c));
	return verb("CALL", VBUS_KVM_CALL, ARGS, 0);
}

static uint64_t shm(uint32_t handle)
{
	struct vbus_shm_seg seg = {
		.addr = htole64(RING), .len = htole64(RING_LEN),
	};
	struct vbus_kvm_shm s = {
		.handle = htole32(handle), .id = htole32(RING_ID),
		.segs = htole64(SEGS), .nr_segs = htole32(1),
		.delivery = htole32(VBUS_KVM_DELIVERY_MSI),
	};

	memcpy(mem + SEGS, &seg, sizeof(seg));
	memcpy(mem + ARGS, &s, sizeof(s));
	return verb("SHM", VBUS_KVM_SHM, ARGS, 0);
}

enum { NOTHING, LIST, OPEN, CALL, SHM, SET_MSI, DOORBELL, CLOSE, NR_COSTS };

static const char * const names[NR_COSTS] = {
	"nothing", "LIST", "OPEN", "CALL", "SHM", "SET_MSI", "DOORBELL",
	"CLOSE",
};

static uint64_t best[NR_COSTS];

static void note(int what, uint64_t ns)
{
	if (!best[what] || ns < best[what])
		best[what] = ns;
}

static void round_of_all(uint32_t id)
{
	uint32_t handle;
	uint64_t ns;

	hypercall(NO_HYPERCALL, 0, 0, 0, &ns);
	note(NOTHING, ns);
	note(LIST, list(id));
	note(OPEN, open_device(id, &handle));
	note(CALL, call(handle, VENET_CALL_INFO, sizeof(struct venet_info)));
	call(handle, VENET_CALL_NEGOTIATE, sizeof(struct venet_negotiate));
	note(SHM, shm(handle));
	note(SET_MSI, verb("SET_MSI", VBUS_KVM_SET_MSI, 0, 0));
	note(DOORBELL, verb("DOORBELL", VBUS_KVM_DOORBELL, handle, RING_ID));
	note(CLOSE, verb("CLOSE", VBUS_KVM_CLOSE, handle, 0));
}

int main(int argc, char **argv)
{
	uint32_t id = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	int i;

	start();
	negotiate();
	for (i = 0; i < ROUNDS; i++)
		round_of_all(id);
	for (i = 0; i < NR_COSTS; i++)
		printf("verb=%s ns=%llu\n", names[i],
		       (unsigned long long)best[i]);
	return 0;
}
