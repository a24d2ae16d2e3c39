// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Virtual-Bus hypercall, as a hostile guest would use it: every verb with
 * every argument out of range, twice, after the end, with the numbers of other
 * machines, and with memory that is not there, is read-only or goes away.
 *
 * Needs root, /dev/kvm, configfs at /sys/kernel/config, and venet-tap.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/vbus.h>
#include <linux/vbus_kvm.h>
#include <linux/venet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "kvm_vm.h"

FIXTURE(kvm) {
	struct vm vm;
};

FIXTURE_SETUP(kvm)
{
	if (missing())
		SKIP(return, "%s", missing());
	ASSERT_EQ(0, make_buses());
	join(BUS);
	ASSERT_EQ(0, vm_start(&self->vm, true));
	join("0");
}

FIXTURE_TEARDOWN(kvm)
{
	vm_stop(&self->vm);
	unlink(CONFIGFS "instances/" BUS "/" DEVICE);
	EXPECT_EQ(0, rmdir(CONFIGFS "devices/" DEVICE));
	EXPECT_EQ(0, rmdir(CONFIGFS "instances/" BUS));
	EXPECT_EQ(0, rmdir(CONFIGFS "instances/" OTHER_BUS));
}

TEST_F(kvm, negotiate_comes_first)
{
	uint32_t n;

	EXPECT_EQ(ENOTCONN, list(&self->vm, 0, 1, DATA, &n));
	EXPECT_EQ(ENOTCONN, open_device(&self->vm, 0, VENET_VERSION, &n));
	EXPECT_EQ(ENOTCONN, info(&self->vm, 0));
	EXPECT_EQ(ENOTCONN, verb(&self->vm, VBUS_KVM_DOORBELL, 0, 0, 0));
	EXPECT_EQ(0, negotiate(&self->vm));
}

TEST_F(kvm, negotiate_refuses)
{
	struct vbus_kvm_negotiate good = {
		.magic = htole32(VBUS_KVM_MAGIC_GUEST),
		.version = htole32(VBUS_KVM_VERSION),
	}, n;

	n = good;
	n.magic = 0;
	EXPECT_EQ(EINVAL, verb_struct(&self->vm, VBUS_KVM_NEGOTIATE, &n,
				      sizeof(n)));
	n = good;
	n.version = htole32(VBUS_KVM_VERSION + 1);
	EXPECT_EQ(EPROTONOSUPPORT, verb_struct(&self->vm, VBUS_KVM_NEGOTIATE,
					       &n, sizeof(n)));
	EXPECT_EQ(VBUS_KVM_VERSION, le32toh(n.version));
	n = good;
	n.features = htole64(1);
	EXPECT_NE(0, verb_struct(&self->vm, VBUS_KVM_NEGOTIATE, &n,
				 sizeof(n)));
	n = good;
	n.reserved[3] = htole64(1);
	EXPECT_EQ(EINVAL, verb_struct(&self->vm, VBUS_KVM_NEGOTIATE, &n,
				      sizeof(n)));
	EXPECT_EQ(EFAULT, verb(&self->vm, VBUS_KVM_NEGOTIATE, HOLE, 0, 0));
	EXPECT_EQ(EFAULT, verb(&self->vm, VBUS_KVM_NEGOTIATE, MEM_SIZE - 8, 0,
			       0));
}

TEST_F(kvm, unknown_verbs)
{
	uint32_t v;

	ASSERT_EQ(0, negotiate(&self->vm));
	for (v = VBUS_KVM_SET_MSI + 1; v < 64; v++)
		EXPECT_NE(0, verb(&self->vm, v, ARGS, 0, 0));
	EXPECT_NE(0, verb(&self->vm, 0x80000000, ARGS, 0, 0));
}

TEST_F(kvm, every_struct_at_every_bad_address)
{
	static const uint32_t bad[] = {
		HOLE, MEM_SIZE - 4, 0xfffffff8,
	};
	static const uint32_t answered[] = {
		VBUS_KVM_NEGOTIATE, VBUS_KVM_LIST, VBUS_KVM_OPEN,
	};
	uint32_t v;
	unsigned int i;

	ASSERT_EQ(0, negotiate(&self->vm));
	for (v = VBUS_KVM_NEGOTIATE; v <= VBUS_KVM_EVENTQ; v++) {
		if (v == VBUS_KVM_RESET || v == VBUS_KVM_CLOSE)
			continue;
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			EXPECT_EQ(EFAULT, verb(&self->vm, v, bad[i], 0, 0));
	}
	/* A verb that answers nothing in its structure may well read it there. */
	for (i = 0; i < ARRAY_SIZE(answered); i++)
		EXPECT_NE(0, verb(&self->vm, answered[i], ROM, 0, 0));
}

TEST_F(kvm, list_shows_the_device)
{
	struct vbus_device_info dev;
	uint32_t n;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, list(&self->vm, 0, 4, DATA, &n));
	ASSERT_EQ(1, n);
	memcpy(&dev, self->vm.mem + DATA, sizeof(dev));
	EXPECT_EQ(0, le32toh(dev.id));
	EXPECT_STREQ(VENET_TYPE, dev.type);
	EXPECT_EQ(0, list(&self->vm, 1, 4, DATA, &n));
	EXPECT_EQ(0, n);
	EXPECT_EQ(EINVAL, list(&self->vm, 0, VBUS_KVM_LIST_MAX + 1, DATA, &n));
	EXPECT_EQ(EFAULT, list(&self->vm, 0, 4, HOLE, &n));
	EXPECT_EQ(EFAULT, list(&self->vm, 0, 4, ROM, &n));
}

TEST_F(kvm, open_and_close)
{
	uint32_t h, h2;

	ASSERT_EQ(0, negotiate(&self->vm));
	EXPECT_EQ(ENOENT, open_device(&self->vm, 1, VENET_VERSION, &h));
	EXPECT_EQ(ENOENT, open_device(&self->vm, 0xffffffff, VENET_VERSION,
				      &h));
	EXPECT_EQ(EPROTONOSUPPORT, open_device(&self->vm, 0,
					       VENET_VERSION + 1, &h));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	EXPECT_EQ(EBUSY, open_device(&self->vm, 0, VENET_VERSION, &h2));
	EXPECT_EQ(0, info(&self->vm, h));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_CLOSE, h, 0, 0));
	EXPECT_EQ(ENOENT, verb(&self->vm, VBUS_KVM_CLOSE, h, 0, 0));
	EXPECT_EQ(ENOENT, info(&self->vm, h));
	EXPECT_EQ(ENOENT, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
	EXPECT_EQ(ENOENT, verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	EXPECT_EQ(0, info(&self->vm, h));
}

TEST_F_TIMEOUT(kvm, a_foreign_guest_finds_nothing, 120)
{
	struct vm other;
	uint32_t h, h2, n, i;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	join(OTHER_BUS);
	ASSERT_EQ(0, vm_start(&other, true));
	join("0");
	ASSERT_EQ(0, negotiate(&other));
	EXPECT_EQ(0, list(&other, 0, 4, DATA, &n));
	EXPECT_EQ(0, n);
	for (i = 0; i < 2048; i++) {
		EXPECT_EQ(ENOENT, open_device(&other, i, VENET_VERSION, &h2));
		EXPECT_EQ(ENOENT, info(&other, i));
		EXPECT_EQ(ENOENT, shm(&other, i, RING_ID, RING, RING_LEN, 0));
		EXPECT_EQ(ENOENT, verb(&other, VBUS_KVM_DOORBELL, i, RING_ID,
				       0));
		EXPECT_EQ(ENOENT, verb(&other, VBUS_KVM_CLOSE, i, 0, 0));
	}
	EXPECT_EQ(ENOENT, info(&other, h));
	EXPECT_EQ(ENOENT, verb(&other, VBUS_KVM_CLOSE, h, 0, 0));
	vm_stop(&other);
	EXPECT_EQ(0, info(&self->vm, h));
}

TEST_F(kvm, call_out_of_range)
{
	uint32_t h;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	EXPECT_EQ(EINVAL, call(&self->vm, h, VENET_CALL_INFO, DATA,
			       VBUS_CALL_MAX + 1));
	EXPECT_EQ(EINVAL, call(&self->vm, h, VENET_CALL_INFO, DATA,
			       0xffffffff));
	EXPECT_EQ(EINVAL, call(&self->vm, h, VENET_CALL_INFO, DATA, 4));
	EXPECT_EQ(EOPNOTSUPP, call(&self->vm, h, 0xffff, DATA, 16));
	EXPECT_EQ(EFAULT, call(&self->vm, h, VENET_CALL_INFO, HOLE,
			       sizeof(struct venet_info)));
	EXPECT_EQ(EFAULT, call(&self->vm, h, VENET_CALL_INFO, MEM_SIZE - 8,
			       sizeof(struct venet_info)));
	/* It can be read, but the answer cannot be written. */
	memset(self->vm.rom, 0, sizeof(struct venet_info));
	EXPECT_EQ(EFAULT, call(&self->vm, h, VENET_CALL_INFO, ROM,
			       sizeof(struct venet_info)));
	EXPECT_EQ(0, info(&self->vm, h));
}

TEST_F(kvm, regions_out_of_range)
{
	uint32_t h;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_ready(&self->vm, &h));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, 0, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, 100, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING + 8, RING_LEN, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, 1ULL << 62, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING,
			      VBUS_SHM_MAX_LEN + PAGE, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, RING_LEN, 8));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, RING_LEN,
			      RING_LEN - 64));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, RING, RING_LEN,
			      RING_LEN));
	EXPECT_NE(0, shm(&self->vm, h, 0xffff, RING, RING_LEN, 0));
	EXPECT_EQ(EFAULT, shm(&self->vm, h, RING_ID, HOLE, RING_LEN, 0));
	EXPECT_EQ(EFAULT, shm(&self->vm, h, RING_ID, MEM_SIZE - PAGE,
			      RING_LEN, 0));
	EXPECT_EQ(EFAULT, shm(&self->vm, h, RING_ID, ROM, RING_LEN, 0));
	EXPECT_EQ(EINVAL, shm(&self->vm, h, RING_ID, 0xfffffffffffff000ULL,
			      RING_LEN, 0));
	ASSERT_EQ(0, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
	EXPECT_EQ(EBUSY, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
}

TEST_F(kvm, doorbells_out_of_range)
{
	uint32_t h, i;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_ready(&self->vm, &h));
	ASSERT_EQ(0, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0));
	for (i = 0; i < 512; i++)
		if (i != RING_ID)
			EXPECT_EQ(ENOENT, verb(&self->vm, VBUS_KVM_DOORBELL, h,
					       i, 0));
	EXPECT_EQ(ENOENT, verb(&self->vm, VBUS_KVM_DOORBELL, h, 0xffffffff,
			       0));
	EXPECT_EQ(ENOENT, verb(&self->vm, VBUS_KVM_DOORBELL, 0xffffffff,
			       RING_ID, 0));
}

TEST_F(kvm, interrupts_out_of_range)
{
	const uint32_t on = VBUS_KVM_MSI_ENABLE;
	uint32_t v;

	ASSERT_EQ(0, negotiate(&self->vm));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0, on | 0x40));
	for (v = 0; v < 16; v++)
		EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0,
				       on | v));
	/* Broadcast, IDs that need x2APIC, unknown bits, unknown slots. */
	EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0xff,
			       on | 0x40));
	EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0x100,
			       on | 0x40));
	EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0xffffffff,
			       on | 0x40));
	EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0, 0x40));
	EXPECT_EQ(EINVAL, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0,
			       on | 0x10000 | 0x40));
	EXPECT_NE(0, verb(&self->vm, VBUS_KVM_SET_MSI, 0xffffffff, 0,
			  on | 0x40));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_SET_MSI, 0, 0, 0));
}

TEST_F(kvm, event_queues_out_of_range)
{
	struct vbus_kvm_eventq good = { .addr = htole64(EVENTS) }, q;

	ASSERT_EQ(0, negotiate(&self->vm));
	q = good;
	q.addr = htole64(EVENTS + 8);
	EXPECT_EQ(EINVAL, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q,
				      sizeof(q)));
	q = good;
	q.addr = htole64(HOLE);
	EXPECT_EQ(EFAULT, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q,
				      sizeof(q)));
	q = good;
	q.index = htole32(0xffffffff);
	EXPECT_NE(0, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q, sizeof(q)));
	q = good;
	q.msi = htole32(0xffffffff);
	EXPECT_NE(0, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q, sizeof(q)));
	q = good;
	q.reserved[1] = htole64(1);
	EXPECT_EQ(EINVAL, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q,
				      sizeof(q)));
	q = good;
	EXPECT_EQ(0, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q, sizeof(q)));
}

/* What the host may be writing at this moment. */
static uint64_t read_shared(const __le64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

TEST_F(kvm, a_device_event_is_posted)
{
	struct vbus_kvm_eventq q = { .addr = htole64(EVENTS) };
	struct vbus_kvm_events *ev = (void *)(self->vm.mem + EVENTS);
	int i;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, verb_struct(&self->vm, VBUS_KVM_EVENTQ, &q, sizeof(q)));
	ev->selector = 0;
	ev->words[0] = 0;
	ASSERT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	for (i = 0; i < 500 && !read_shared(&ev->selector); i++)
		usleep(10000);
	EXPECT_EQ(1, le64toh(read_shared(&ev->selector)));
	EXPECT_EQ(1ULL << VBUS_KVM_EVENT_DEVICES,
		  le64toh(read_shared(&ev->words[0])));
}

TEST_F(kvm, the_device_leaves)
{
	uint32_t h, n;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_ready(&self->vm, &h));
	ASSERT_EQ(0, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
	ASSERT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	EXPECT_EQ(0, list(&self->vm, 0, 4, DATA, &n));
	EXPECT_EQ(0, n);
	EXPECT_NE(0, info(&self->vm, h));
	EXPECT_NE(0, verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0));
	EXPECT_EQ(ENOENT, open_ready(&self->vm, &h));
}

TEST_F(kvm, a_slot_goes_and_comes_back)
{
	uint32_t h;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, set_slot(&self->vm, 2, 0x200000,
			      self->vm.mem + RING, RING_LEN, 0));
	ASSERT_EQ(0, open_ready(&self->vm, &h));
	ASSERT_EQ(0, shm(&self->vm, h, RING_ID, 0x200000, RING_LEN, 0));
	ASSERT_EQ(0, set_slot(&self->vm, 2, 0x200000,
			      self->vm.mem + RING, 0, 0));
	verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0);
	EXPECT_EQ(EFAULT, shm(&self->vm, h, VENET_REGION_SLAB(0), 0x200000,
			      RING_LEN, VBUS_SHM_NO_SIGNAL));
	ASSERT_EQ(0, set_slot(&self->vm, 2, 0x200000,
			      self->vm.mem + RING, RING_LEN, 0));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0));
	EXPECT_EQ(0, shm(&self->vm, h, VENET_REGION_SLAB(0), 0x200000,
			 RING_LEN, VBUS_SHM_NO_SIGNAL));
}

TEST_F(kvm, memory_unmapped_while_registered)
{
	uint32_t h;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_ready(&self->vm, &h));
	ASSERT_EQ(0, shm(&self->vm, h, RING_ID, RING, RING_LEN, 0));
	ASSERT_EQ(0, munmap(self->vm.mem + RING, RING_LEN));
	verb(&self->vm, VBUS_KVM_DOORBELL, h, RING_ID, 0);
	EXPECT_EQ(0, info(&self->vm, h));
	EXPECT_EQ(0, verb(&self->vm, VBUS_KVM_CLOSE, h, 0, 0));
}

TEST_F(kvm, a_reset_ends_connections)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint32_t h;

	ASSERT_EQ(0, negotiate(&self->vm));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	ASSERT_EQ(0, ioctl(self->vm.vcpu, KVM_SET_MP_STATE, &state));
	EXPECT_NE(0, info(&self->vm, h));
	ASSERT_EQ(0, negotiate(&self->vm));
	EXPECT_EQ(ENOENT, info(&self->vm, h));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	/* So does NEGOTIATE, and RESET. */
	ASSERT_EQ(0, negotiate(&self->vm));
	EXPECT_EQ(ENOENT, info(&self->vm, h));
	ASSERT_EQ(0, open_device(&self->vm, 0, VENET_VERSION, &h));
	ASSERT_EQ(0, verb(&self->vm, VBUS_KVM_RESET, 0, 0, 0));
	EXPECT_NE(0, info(&self->vm, h));
}

TEST_F(kvm, the_bus_is_busy_while_the_machine_lives)
{
	/* Its link first, so that only the machine is left. */
	ASSERT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	EXPECT_EQ(-1, rmdir(CONFIGFS "instances/" BUS));
	EXPECT_EQ(EBUSY, errno);
}

TEST_F(kvm, user_mode_is_refused)
{
	struct kvm_sregs sregs;
	struct kvm_segment flat = {
		.limit = 0xffffffff, .present = 1, .dpl = 3, .db = 1, .s = 1,
		.g = 1,
	};

	ASSERT_EQ(0, ioctl(self->vm.vcpu, KVM_GET_SREGS, &sregs));
	sregs.cr0 |= 1;
	flat.type = 11;
	flat.selector = 0x1b;
	sregs.cs = flat;
	flat.type = 3;
	flat.selector = 0x23;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.fs = flat;
	sregs.gs = flat;
	sregs.ss = flat;
	ASSERT_EQ(0, ioctl(self->vm.vcpu, KVM_SET_SREGS, &sregs));
	EXPECT_EQ(KVM_EPERM, verb(&self->vm, VBUS_KVM_NEGOTIATE, ARGS, 0, 0));
}

TEST_F(kvm, killed_in_the_middle)
{
	int status, i;
	pid_t pid;

	for (i = 0; i < 8; i++) {
		pid = fork();
		if (!pid) {
			struct vm vm;
			uint32_t h;

			join(BUS);
			if (vm_start(&vm, true))
				_exit(1);
			for (;;) {
				negotiate(&vm);
				open_ready(&vm, &h);
				shm(&vm, h, RING_ID, RING, RING_LEN, 0);
				verb(&vm, VBUS_KVM_DOORBELL, h, RING_ID, 0);
			}
		}
		ASSERT_LT(0, pid);
		usleep(20000 + 7000 * i);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
}

TEST(off_any_bus)
{
	struct vm vm;

	if (access("/dev/kvm", R_OK | W_OK) || geteuid())
		SKIP(return, "needs root and /dev/kvm");
	ASSERT_EQ(0, vm_start(&vm, true));
	EXPECT_EQ(KVM_ENOSYS, verb(&vm, VBUS_KVM_NEGOTIATE, ARGS, 0, 0));
	EXPECT_EQ(KVM_ENOSYS, verb(&vm, VBUS_KVM_DOORBELL, 0, 0, 0));
	vm_stop(&vm);
}

TEST(without_an_irqchip)
{
	struct vm vm;

	if (missing())
		SKIP(return, "%s", missing());
	ASSERT_EQ(0, mkdir(CONFIGFS "instances/" BUS, 0755));
	join(BUS);
	EXPECT_EQ(0, vm_start(&vm, false));
	join("0");
	EXPECT_NE(0, negotiate(&vm));
	vm_stop(&vm);
	EXPECT_EQ(0, rmdir(CONFIGFS "instances/" BUS));
}

TEST_HARNESS_MAIN
