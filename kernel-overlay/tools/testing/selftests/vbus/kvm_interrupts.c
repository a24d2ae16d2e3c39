// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the Virtual-Bus interrupts a guest of KVM: MSIs with every kind of
 * destination, also those that KVM cannot look up at once, and event queues of
 * which each has its own.
 *
 * The machine has two processors that run no code of their own here: what has
 * arrived stands in the request register of their local APICs. What makes the
 * host raise interrupts is a device that comes or goes, or a frame.
 *
 * Needs root, /dev/kvm, configfs at /sys/kernel/config, and venet-tap.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "kvm_vm.h"

#define VECTOR		0x41
#define CPUS		2

/* Registers of the local APIC. */
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SPIV	0xf0
#define APIC_IRR	0x200
#define SPIV_ON		0x1ff
#define DFR_FLAT	0xffffffff
#define DFR_CLUSTER	0x0fffffff
#define LDR(_id)	((uint32_t)(_id) << 24)

struct cpus {
	struct vm vm;
	int fd[CPUS];
};

static uint32_t *apic_reg(struct kvm_lapic_state *apic, unsigned int reg)
{
	return (uint32_t *)(apic->regs + reg);
}

/* Enable a local APIC, with a logical address in one of the two formats. */
static int apic_start(int cpu, uint32_t dfr, uint32_t ldr)
{
	struct kvm_lapic_state apic;

	if (ioctl(cpu, KVM_GET_LAPIC, &apic))
		return -1;
	*apic_reg(&apic, APIC_SPIV) = SPIV_ON;
	*apic_reg(&apic, APIC_DFR) = dfr;
	*apic_reg(&apic, APIC_LDR) = ldr;
	return ioctl(cpu, KVM_SET_LAPIC, &apic);
}

static bool apic_has(int cpu, unsigned int vector)
{
	struct kvm_lapic_state apic;

	return !ioctl(cpu, KVM_GET_LAPIC, &apic) &&
	       *apic_reg(&apic, APIC_IRR + vector / 32 * 16) >>
			vector % 32 & 1;
}

static void apic_clear(int cpu)
{
	struct kvm_lapic_state apic;

	if (ioctl(cpu, KVM_GET_LAPIC, &apic))
		return;
	memset(apic.regs + APIC_IRR, 0, 8 * 16);
	ioctl(cpu, KVM_SET_LAPIC, &apic);
}

/* Which processors have got @vector, one bit each; waits for those wanted. */
static unsigned int arrived(struct cpus *c, unsigned int vector,
			    unsigned int wanted)
{
	unsigned int got = 0, tries, i;

	for (tries = 0; tries < 300; tries++) {
		for (i = 0; i < CPUS; i++)
			if (apic_has(c->fd[i], vector))
				got |= 1U << i;
		if (wanted && (got & wanted) == wanted)
			break;
		/* What must not arrive gets less time for it. */
		if (!wanted && tries == 30)
			break;
		usleep(10000);
	}
	return got;
}

static long set_msi(struct cpus *c, uint32_t slot, uint32_t dest,
		    uint32_t flags, uint32_t vector)
{
	return verb(&c->vm, VBUS_KVM_SET_MSI, slot, dest,
		    VBUS_KVM_MSI_ENABLE | flags | vector);
}

static long eventq(struct cpus *c, uint32_t index, uint64_t addr, uint32_t msi)
{
	struct vbus_kvm_eventq q = {
		.addr = htole64(addr),
		.index = htole32(index),
		.msi = htole32(msi),
	};
	struct vbus_kvm_events *ev = (void *)(c->vm.mem + addr);

	memset(ev, 0, sizeof(*ev));
	ev->armed = htole32(1);
	return verb_struct(&c->vm, VBUS_KVM_EVENTQ, &q, sizeof(q));
}

static uint64_t read_shared(const __le64 *word)
{
	return le64toh(__atomic_load_n(word, __ATOMIC_ACQUIRE));
}

/* Make the host post that devices came or went. */
static int poke(void)
{
	if (unlink(CONFIGFS "instances/" BUS "/" DEVICE))
		return errno;
	return link_device() ? errno : 0;
}

static void forget(struct cpus *c, uint64_t addr)
{
	struct vbus_kvm_events *ev = (void *)(c->vm.mem + addr);
	unsigned int i;

	__atomic_store_n(&ev->selector, 0, __ATOMIC_SEQ_CST);
	memset(ev->words, 0, sizeof(ev->words));
	for (i = 0; i < CPUS; i++)
		apic_clear(c->fd[i]);
}

FIXTURE(msi) {
	struct cpus c;
};

/*
 * In the mixed format one processor has a flat and the other a clustered
 * address: KVM has no table for that, and the host cannot raise the interrupt
 * where it is asked for.
 */
FIXTURE_VARIANT(msi) {
	uint32_t dfr[CPUS];
	uint32_t ldr[CPUS];
	uint32_t dest;
	uint32_t flags;
	unsigned int wanted;
};

FIXTURE_VARIANT_ADD(msi, physical_first) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 0, .wanted = 1,
};

FIXTURE_VARIANT_ADD(msi, physical_second) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 1, .wanted = 2,
};

FIXTURE_VARIANT_ADD(msi, physical_nobody) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 7, .wanted = 0,
};

FIXTURE_VARIANT_ADD(msi, flat_second) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 2, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 2,
};

FIXTURE_VARIANT_ADD(msi, flat_both) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 3, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 3,
};

FIXTURE_VARIANT_ADD(msi, flat_one_address_for_two) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(4), LDR(4) },
	.dest = 4, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 3,
};

FIXTURE_VARIANT_ADD(msi, flat_nobody) {
	.dfr = { DFR_FLAT, DFR_FLAT }, .ldr = { LDR(1), LDR(2) },
	.dest = 0x40, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 0,
};

FIXTURE_VARIANT_ADD(msi, cluster_second) {
	.dfr = { DFR_CLUSTER, DFR_CLUSTER }, .ldr = { LDR(0x11), LDR(0x12) },
	.dest = 0x12, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 2,
};

FIXTURE_VARIANT_ADD(msi, cluster_both) {
	.dfr = { DFR_CLUSTER, DFR_CLUSTER }, .ldr = { LDR(0x11), LDR(0x12) },
	.dest = 0x13, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 3,
};

FIXTURE_VARIANT_ADD(msi, mixed_flat_one) {
	.dfr = { DFR_FLAT, DFR_CLUSTER }, .ldr = { LDR(1), LDR(0x12) },
	.dest = 0x1, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 1,
};

FIXTURE_VARIANT_ADD(msi, mixed_both) {
	.dfr = { DFR_FLAT, DFR_CLUSTER }, .ldr = { LDR(2), LDR(0x12) },
	.dest = 0x12, .flags = VBUS_KVM_MSI_LOGICAL, .wanted = 3,
};

FIXTURE_SETUP(msi)
{
	struct cpus *c = &self->c;
	unsigned int i;

	if (missing())
		SKIP(return, "%s", missing());
	ASSERT_EQ(0, make_buses());
	join(BUS);
	ASSERT_EQ(0, vm_start(&c->vm, true));
	join("0");
	c->fd[0] = c->vm.vcpu;
	c->fd[1] = ioctl(c->vm.fd, KVM_CREATE_VCPU, 1);
	ASSERT_LE(0, c->fd[1]);
	for (i = 0; i < CPUS; i++)
		ASSERT_EQ(0, apic_start(c->fd[i], variant->dfr[i],
					variant->ldr[i]));
	ASSERT_EQ(0, negotiate(&c->vm));
	ASSERT_EQ(0, set_msi(c, 0, variant->dest, variant->flags, VECTOR));
	ASSERT_EQ(0, eventq(c, 0, EVENTS, 0));
	forget(c, EVENTS);
}

FIXTURE_TEARDOWN(msi)
{
	close(self->c.fd[1]);
	vm_stop(&self->c.vm);
	clean_up();
	EXPECT_NE(0, access(CONFIGFS "instances/" BUS, F_OK));
}

TEST_F(msi, arrives_where_it_is_to_go)
{
	struct cpus *c = &self->c;
	int round;

	/* More than once: nothing must be left behind by the one before. */
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, poke());
		EXPECT_EQ(variant->wanted,
			  arrived(c, VECTOR, variant->wanted));
		forget(c, EVENTS);
	}
}

TEST_F(msi, masked_goes_nowhere_and_comes_back)
{
	struct cpus *c = &self->c;

	ASSERT_EQ(0, verb(&c->vm, VBUS_KVM_SET_MSI, 0, 0, 0));
	ASSERT_EQ(0, poke());
	EXPECT_EQ(0, arrived(c, VECTOR, 0));
	forget(c, EVENTS);
	ASSERT_EQ(0, set_msi(c, 0, variant->dest, variant->flags,
			     VECTOR + 1));
	ASSERT_EQ(0, poke());
	EXPECT_EQ(variant->wanted, arrived(c, VECTOR + 1, variant->wanted));
	EXPECT_EQ(0, arrived(c, VECTOR, 0));
}

TEST_F(msi, none_without_being_armed)
{
	struct vbus_kvm_events *ev = (void *)(self->c.vm.mem + EVENTS);
	struct cpus *c = &self->c;

	__atomic_store_n(&ev->armed, 0, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, poke());
	EXPECT_EQ(0, arrived(c, VECTOR, 0));
	EXPECT_EQ(1, read_shared(&ev->selector));
	EXPECT_EQ(1, read_shared(&ev->words[0]));
}

TEST_F(msi, none_while_the_selector_is_set)
{
	struct cpus *c = &self->c;
	unsigned int i;

	ASSERT_EQ(0, poke());
	EXPECT_EQ(variant->wanted, arrived(c, VECTOR, variant->wanted));
	for (i = 0; i < CPUS; i++)
		apic_clear(c->fd[i]);
	/* It was not looked at: one interrupt is enough. */
	ASSERT_EQ(0, poke());
	EXPECT_EQ(0, arrived(c, VECTOR, 0));
}

/*
 * Two queues on each processor, as a guest has them: where an event is posted
 * is what was asked for, and nobody else hears of it.
 */
#define QUEUES		(2 * CPUS)
#define QUEUE(_n)	(EVENTS + (_n) * PAGE)
#define QUEUE_VECTOR(_n) (VECTOR + (_n))
#define RX_RING		RING
#define TX_RING		(RING + 0x8000)
#define TX_COUNT	64

FIXTURE(queues) {
	struct cpus c;
	uint32_t handle;
};

FIXTURE_SETUP(queues)
{
	struct cpus *c = &self->c;
	unsigned int i;

	if (missing())
		SKIP(return, "%s", missing());
	ASSERT_EQ(0, make_buses());
	join(BUS);
	ASSERT_EQ(0, vm_start(&c->vm, true));
	join("0");
	c->fd[0] = c->vm.vcpu;
	c->fd[1] = ioctl(c->vm.fd, KVM_CREATE_VCPU, 1);
	ASSERT_LE(0, c->fd[1]);
	ASSERT_EQ(0, negotiate(&c->vm));
	for (i = 0; i < CPUS; i++)
		ASSERT_EQ(0, apic_start(c->fd[i], DFR_FLAT, LDR(1 << i)));
	for (i = 0; i < QUEUES; i++) {
		ASSERT_EQ(0, set_msi(c, i, i / 2, 0, QUEUE_VECTOR(i)));
		ASSERT_EQ(0, eventq(c, i, QUEUE(i), i));
	}
	ASSERT_EQ(0, open_ready(&c->vm, &self->handle));
}

FIXTURE_TEARDOWN(queues)
{
	close(self->c.fd[1]);
	vm_stop(&self->c.vm);
	clean_up();
	EXPECT_NE(0, access(CONFIGFS "instances/" BUS, F_OK));
}

static long queue_call(struct vm *vm, uint32_t handle, uint32_t func,
		       uint32_t queue, uint32_t count)
{
	struct venet_queue_setup s = {
		.queue = htole32(queue),
		.count = htole32(count),
	};
	struct venet_queue q = { .queue = htole32(queue) };
	bool setup = func == VENET_CALL_QUEUE_SETUP;

	memcpy(vm->mem + DATA, setup ? (void *)&s : (void *)&q,
	       setup ? sizeof(s) : sizeof(q));
	return call(vm, handle, func, DATA, setup ? sizeof(s) : sizeof(q));
}

/*
 * A transmit queue whose completions are events of @queue. A frame too short to
 * be one comes back at once, and so is the event posted.
 */
static long start_tx(struct cpus *c, uint32_t handle, uint32_t queue,
		     uint32_t event)
{
	long ret;

	memset(c->vm.mem + TX_RING, 0, RING_LEN);
	ret = shm_to(&c->vm, handle, RING_ID, TX_RING, RING_LEN,
		     VBUS_KVM_DELIVERY_EVENT, queue, event);
	if (!ret)
		ret = queue_call(&c->vm, handle, VENET_CALL_QUEUE_SETUP,
				 VENET_QUEUE_TX(0), TX_COUNT);
	if (!ret)
		ret = queue_call(&c->vm, handle, VENET_CALL_QUEUE_START,
				 VENET_QUEUE_TX(0), 0);
	return ret;
}

static long send_short(struct cpus *c, uint32_t handle, unsigned int n)
{
	struct venet_ring *ring = (void *)(c->vm.mem + TX_RING);
	struct ioq_desc *desc = &ring->desc[n % TX_COUNT];

	/* A bell for this one is wanted. */
	__atomic_store_n(&ring->signal.guest.enabled, htole32(n + 1),
			 __ATOMIC_SEQ_CST);
	*desc = (struct ioq_desc) {
		.addr = htole64(DATA),
		.len = htole32(1),
	};
	__atomic_store_n(&desc->turn, htole16(ioq_turn(n, TX_COUNT)),
			 __ATOMIC_RELEASE);
	return verb(&c->vm, VBUS_KVM_DOORBELL, handle, RING_ID, 0);
}

static bool is_back(struct cpus *c, unsigned int n)
{
	struct venet_ring *ring = (void *)(c->vm.mem + TX_RING);
	struct ioq_done *rows = (void *)&ring->desc[TX_COUNT];
	struct ioq_done *done = &rows[n % TX_COUNT];
	int tries;

	for (tries = 0; tries < 300; tries++) {
		if (__atomic_load_n(&done->turn, __ATOMIC_ACQUIRE) ==
		    htole16(ioq_turn(n, TX_COUNT)))
			return true;
		usleep(10000);
	}
	return false;
}

static void expect_event(struct __test_metadata *_metadata, struct cpus *c,
			 uint32_t queue, uint32_t event)
{
	unsigned int q, w;

	/* Once it has arrived, all is there that will be. */
	EXPECT_EQ(1U << queue / 2,
		  arrived(c, QUEUE_VECTOR(queue), 1U << queue / 2));
	for (q = 0; q < QUEUES; q++) {
		struct vbus_kvm_events *ev = (void *)(c->vm.mem + QUEUE(q));
		uint64_t selector = q == queue ? 1ULL << event / 64 : 0;

		EXPECT_EQ(selector, read_shared(&ev->selector));
		for (w = 0; w < VBUS_KVM_EVENT_WORDS; w++)
			EXPECT_EQ(selector >> w & 1 ? 1ULL << event % 64 : 0,
				  read_shared(&ev->words[w]));
		if (q != queue)
			EXPECT_FALSE(apic_has(c->fd[0], QUEUE_VECTOR(q)) ||
				     apic_has(c->fd[1], QUEUE_VECTOR(q)));
		forget(c, QUEUE(q));
	}
}

TEST_F_TIMEOUT(queues, an_event_is_posted_where_it_belongs, 120)
{
	static const uint32_t events[] = { 1, 63, 64, 1000, 4095 };
	struct cpus *c = &self->c;
	unsigned int q, i, n;

	for (q = 0; q < QUEUES; q++) {
		for (i = 0; i < ARRAY_SIZE(events); i++) {
			/* A connection's regions stay until it is closed. */
			ASSERT_EQ(0, verb(&c->vm, VBUS_KVM_CLOSE, self->handle,
					  0, 0));
			ASSERT_EQ(0, open_ready(&c->vm, &self->handle));
			ASSERT_EQ(0, start_tx(c, self->handle, q, events[i]));
			for (n = 0; n < 2; n++) {
				ASSERT_EQ(0, send_short(c, self->handle, n));
				ASSERT_TRUE(is_back(c, n));
				expect_event(_metadata, c, q, events[i]);
			}
		}
	}
}

TEST_F(queues, a_queue_that_is_not_there)
{
	struct cpus *c = &self->c;

	EXPECT_EQ(ENOENT, shm_to(&c->vm, self->handle, RING_ID, TX_RING,
				 RING_LEN, VBUS_KVM_DELIVERY_EVENT, QUEUES, 1));
	EXPECT_EQ(ENOENT, shm_to(&c->vm, self->handle, RING_ID, TX_RING,
				 RING_LEN, VBUS_KVM_DELIVERY_EVENT, ~0U, 1));
	EXPECT_EQ(EINVAL, shm_to(&c->vm, self->handle, RING_ID, TX_RING,
				 RING_LEN, VBUS_KVM_DELIVERY_EVENT, 0,
				 VBUS_KVM_EVENT_MAX));
	EXPECT_EQ(EINVAL, shm_to(&c->vm, self->handle, RING_ID, TX_RING,
				 RING_LEN, VBUS_KVM_DELIVERY_MSI, 0, 1));
	EXPECT_EQ(EINVAL, shm_to(&c->vm, self->handle, RING_ID, TX_RING,
				 RING_LEN, 3, 0, 0));
	EXPECT_EQ(0, shm_to(&c->vm, self->handle, RING_ID, TX_RING, RING_LEN,
			    VBUS_KVM_DELIVERY_EVENT, QUEUES - 1, 1));
}

TEST_F(queues, both_queues_of_a_processor_at_once)
{
	struct cpus *c = &self->c;

	/* The device's end is an event of queue 0, besides the completion. */
	ASSERT_EQ(0, start_tx(c, self->handle, 1, 5));
	ASSERT_EQ(0, send_short(c, self->handle, 0));
	ASSERT_TRUE(is_back(c, 0));
	ASSERT_EQ(0, poke());
	EXPECT_EQ(1, arrived(c, QUEUE_VECTOR(1), 1));
	EXPECT_EQ(1, arrived(c, QUEUE_VECTOR(0), 1));
	EXPECT_EQ(0, arrived(c, QUEUE_VECTOR(2), 0));
}

TEST_HARNESS_MAIN
