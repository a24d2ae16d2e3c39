// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the Virtual-Bus hypercall, from inside a guest
 *
 * They play a guest that wants what belongs to others: a module that uses
 * nothing of the connector and makes the hypercall itself, with every number
 * that another machine's device, connection or interrupt might have. What is
 * not ours has to answer like what does not exist, whoever's it is; and what is
 * ours, which a driver may be using meanwhile, has to stay as it was.
 *
 * The host has to be a real one with a bus, and vbus-kvm connected to it.
 * Without, the tests are skipped. Numbers that another machine is known to use
 * can be given to the module, to be sure that they are among those tried.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/cc_platform.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vbus_kvm.h>

#define MAX_FOREIGN	16
#define MAX_OWN		64

static unsigned int foreign_ids[MAX_FOREIGN];
static unsigned int nr_foreign_ids;
module_param_array(foreign_ids, uint, &nr_foreign_ids, 0444);
MODULE_PARM_DESC(foreign_ids, "dev-ids of devices on another machine's bus");

static unsigned int foreign_handles[MAX_FOREIGN];
static unsigned int nr_foreign_handles;
module_param_array(foreign_handles, uint, &nr_foreign_handles, 0444);
MODULE_PARM_DESC(foreign_handles, "handles of another machine's connections");

static unsigned int span = 1024;
module_param(span, uint, 0444);
MODULE_PARM_DESC(span, "try all numbers below this one (default: 1024)");

/* A set of numbers that are ours. */
struct own {
	u32 n;
	u32 number[MAX_OWN];
};

/* What we have ourselves, and memory that the host may have an address of. */
struct walk {
	struct own ids;
	struct own handles;
	void *args;
	void *data;
};

static bool own_has(const struct own *own, u32 number)
{
	u32 i;

	for (i = 0; i < own->n; i++)
		if (own->number[i] == number)
			return true;
	return false;
}

static void own_add(struct kunit *test, struct own *own, u32 number)
{
	KUNIT_ASSERT_LT(test, own->n, (u32)MAX_OWN);
	own->number[own->n++] = number;
}

/*
 * The numbers to try: all below @span, those around each power of two, and
 * what was given to the module.
 */
static bool walk_number(unsigned int i, u32 *number)
{
	static const unsigned int around = 3 * 33;

	if (i < span) {
		*number = i;
		return true;
	}
	i -= span;
	if (i < around) {
		*number = BIT_ULL(i / 3) + i % 3 - 1;
		return true;
	}
	i -= around;
	if (i < nr_foreign_ids) {
		*number = foreign_ids[i];
		return true;
	}
	i -= nr_foreign_ids;
	if (i < nr_foreign_handles) {
		*number = foreign_handles[i];
		return true;
	}
	return false;
}

/*
 * The hypercall. The host asks for another try when its thread was interrupted.
 */

static long verb(u32 nr, unsigned long a1)
{
	unsigned int tries = 0;
	long ret;

	do {
		cond_resched();
		ret = kvm_hypercall2(KVM_HC_VBUS, nr, a1);
	} while (ret == -EAGAIN && ++tries < 1000);
	return ret;
}

static long verb_struct(struct walk *w, u32 nr, void *arg, size_t size)
{
	long ret;

	memcpy(w->args, arg, size);
	ret = verb(nr, virt_to_phys(w->args));
	memcpy(arg, w->args, size);
	return ret;
}

static long list(struct walk *w, u32 first, u32 *count)
{
	struct vbus_kvm_list arg = {
		.addr = cpu_to_le64(virt_to_phys(w->data)),
		.first = cpu_to_le32(first),
		.max = cpu_to_le32(MAX_OWN),
	};
	long ret = verb_struct(w, VBUS_KVM_LIST, &arg, sizeof(arg));

	*count = min_t(u32, le32_to_cpu(arg.count), MAX_OWN);
	return ret;
}

static u32 listed_id(const struct walk *w, u32 i)
{
	const struct vbus_device_info *info = w->data;

	return le32_to_cpu(info[i].id);
}

static long open_id(struct walk *w, u32 id, u32 version, u32 *handle)
{
	struct vbus_kvm_open arg = {
		.id = cpu_to_le32(id),
		.version = cpu_to_le32(version),
	};
	long ret = verb_struct(w, VBUS_KVM_OPEN, &arg, sizeof(arg));

	*handle = le32_to_cpu(arg.handle);
	return ret;
}

/* A function that no device has: says whether there is a connection. */
static long call_handle(struct walk *w, u32 handle)
{
	struct vbus_kvm_call arg = {
		.handle = cpu_to_le32(handle),
		.func = cpu_to_le32(U32_MAX),
	};

	return verb_struct(w, VBUS_KVM_CALL, &arg, sizeof(arg));
}

static long shm_handle(struct walk *w, u32 handle, u32 id)
{
	struct vbus_shm_seg *seg = w->data;
	struct vbus_kvm_shm arg = {
		.handle = cpu_to_le32(handle),
		.id = cpu_to_le32(id),
		.segs = cpu_to_le64(virt_to_phys(seg)),
		.nr_segs = cpu_to_le32(1),
		.signal_offset = cpu_to_le32(VBUS_SHM_NO_SIGNAL),
		.delivery = cpu_to_le32(VBUS_KVM_DELIVERY_NONE),
	};

	seg->addr = cpu_to_le64(virt_to_phys(w->data));
	seg->len = cpu_to_le64(PAGE_SIZE);
	return verb_struct(w, VBUS_KVM_SHM, &arg, sizeof(arg));
}

/* Where no event queue can be: says whether the number may have one. */
static long eventq_index(struct walk *w, u32 index)
{
	struct vbus_kvm_eventq arg = {
		.addr = cpu_to_le64(8),
		.index = cpu_to_le32(index),
	};

	return verb_struct(w, VBUS_KVM_EVENTQ, &arg, sizeof(arg));
}

static long doorbell(unsigned long handle, unsigned long id)
{
	return kvm_hypercall3(KVM_HC_VBUS, VBUS_KVM_DOORBELL, handle, id);
}

/* A message that no device may send: says whether there is such a slot. */
static long msi_slot(unsigned long slot)
{
	return kvm_hypercall4(KVM_HC_VBUS, VBUS_KVM_SET_MSI, slot, 0,
			      VBUS_KVM_MSI_ENABLE);
}

/*
 * What is ours
 */

static void find_ids(struct kunit *test, struct own *ids)
{
	struct walk *w = test->priv;
	u32 count, i;

	ids->n = 0;
	KUNIT_ASSERT_EQ(test, list(w, 0, &count), 0L);
	for (i = 0; i < count; i++)
		own_add(test, ids, listed_id(w, i));
}

static void find_handles(struct kunit *test, struct own *handles)
{
	struct walk *w = test->priv;
	unsigned int i;
	u32 number;

	handles->n = 0;
	for (i = 0; walk_number(i, &number); i++)
		if (!own_has(handles, number) &&
		    call_handle(w, number) != -ENOENT)
			own_add(test, handles, number);
}

/* Devices that somebody here has open: each is one handle. */
static u32 count_open(struct kunit *test, const struct own *ids)
{
	u32 i, handle, n = 0;

	for (i = 0; i < ids->n; i++) {
		long ret = open_id(test->priv, ids->number[i], U32_MAX,
				   &handle);

		KUNIT_EXPECT_TRUE(test, ret == -EBUSY ||
				  ret == -EPROTONOSUPPORT);
		n += ret == -EBUSY;
	}
	return n;
}

static void expect_same(struct kunit *test, const struct own *before,
			const struct own *after)
{
	KUNIT_EXPECT_EQ(test, after->n, before->n);
	KUNIT_EXPECT_MEMEQ(test, after->number, before->number,
			   before->n * sizeof(u32));
}

static void *walk_page(struct kunit *test)
{
	void *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

static int walk_init(struct kunit *test)
{
	struct walk *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u32 count;
	long ret;

	if (!kvm_para_available() ||
	    cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		kunit_skip(test, "this is no guest of KVM that shares its memory");
	KUNIT_ASSERT_NOT_NULL(test, w);
	w->args = walk_page(test);
	w->data = walk_page(test);
	test->priv = w;
	ret = list(w, 0, &count);
	if (ret == -KVM_ENOSYS)
		kunit_skip(test, "this machine is on no bus");
	if (ret == -ENOTCONN)
		kunit_skip(test, "vbus-kvm is not connected");
	find_ids(test, &w->ids);
	find_handles(test, &w->handles);
	return 0;
}

/* Whatever was tried, ours is as it was. */
static void walk_exit(struct kunit *test)
{
	struct walk *w = test->priv;
	struct own now;

	if (!w || !w->data || test->status == KUNIT_SKIPPED)
		return;
	find_ids(test, &now);
	expect_same(test, &w->ids, &now);
	find_handles(test, &now);
	expect_same(test, &w->handles, &now);
}

/*
 * Tests
 */

static void what_is_open_has_a_handle(struct kunit *test)
{
	struct walk *w = test->priv;

	KUNIT_EXPECT_EQ(test, count_open(test, &w->ids), w->handles.n);
	kunit_info(test, "%u devices, %u connections\n", w->ids.n,
		   w->handles.n);
}

static void given_numbers_are_not_ours(struct kunit *test)
{
	struct walk *w = test->priv;
	unsigned int i;
	u32 handle;

	if (!nr_foreign_ids && !nr_foreign_handles)
		kunit_skip(test, "no foreign_ids and no foreign_handles given");
	for (i = 0; i < nr_foreign_ids; i++) {
		KUNIT_EXPECT_FALSE(test, own_has(&w->ids, foreign_ids[i]));
		KUNIT_EXPECT_EQ(test, open_id(w, foreign_ids[i], 1, &handle),
				(long)-ENOENT);
	}
	for (i = 0; i < nr_foreign_handles; i++) {
		u32 number = foreign_handles[i];

		KUNIT_EXPECT_FALSE(test, own_has(&w->handles, number));
		KUNIT_EXPECT_EQ(test, verb(VBUS_KVM_CLOSE, number),
				(long)-ENOENT);
	}
}

static void list_has_ours_alone(struct kunit *test)
{
	struct walk *w = test->priv;
	u32 first, count, k;
	unsigned int i;

	for (i = 0; walk_number(i, &first); i++) {
		KUNIT_ASSERT_EQ(test, list(w, first, &count), 0L);
		for (k = 0; k < count; k++) {
			KUNIT_EXPECT_GE(test, listed_id(w, k), first);
			KUNIT_EXPECT_TRUE(test, own_has(&w->ids,
							listed_id(w, k)));
		}
	}
}

static void foreign_devices_do_not_open(struct kunit *test)
{
	struct walk *w = test->priv;
	u32 id, version, handle;
	unsigned int i;

	for (i = 0; walk_number(i, &id); i++)
		for (version = 0; version < 3 && !own_has(&w->ids, id);
		     version++)
			KUNIT_EXPECT_EQ(test, open_id(w, id, version, &handle),
					(long)-ENOENT);
}

static void foreign_handles_are_not_called(struct kunit *test)
{
	struct walk *w = test->priv;
	unsigned int i;
	u32 handle;

	for (i = 0; walk_number(i, &handle); i++)
		if (!own_has(&w->handles, handle))
			KUNIT_EXPECT_EQ(test, call_handle(w, handle),
					(long)-ENOENT);
}

static void foreign_handles_take_no_memory(struct kunit *test)
{
	struct walk *w = test->priv;
	unsigned int i;
	u32 handle;

	for (i = 0; walk_number(i, &handle); i++)
		if (!own_has(&w->handles, handle))
			KUNIT_EXPECT_EQ(test, shm_handle(w, handle, i % 256),
					(long)-ENOENT);
}

static void foreign_bells_do_not_ring(struct kunit *test)
{
	struct walk *w = test->priv;
	u32 handle, id, k;
	unsigned int i;

	for (i = 0; walk_number(i, &handle); i++)
		for (id = 0; id < 8 && !own_has(&w->handles, handle); id++)
			KUNIT_EXPECT_EQ(test, doorbell(handle, id),
					(long)-ENOENT);
	/* Nor does one that our own connections do not have. */
	for (k = 0; k < w->handles.n; k++)
		KUNIT_EXPECT_EQ(test, doorbell(w->handles.number[k], U32_MAX),
				(long)-ENOENT);
}

static void foreign_handles_do_not_close(struct kunit *test)
{
	struct walk *w = test->priv;
	unsigned int i;
	u32 handle;

	for (i = 0; walk_number(i, &handle); i++)
		if (!own_has(&w->handles, handle))
			KUNIT_EXPECT_EQ(test, verb(VBUS_KVM_CLOSE, handle),
					(long)-ENOENT);
}

/* A register has more bits than a number: they must not be dropped. */
static void numbers_beyond_32_bits_are_refused(struct kunit *test)
{
	unsigned long beyond = ~(unsigned long)U32_MAX;
	struct walk *w = test->priv;
	u32 k;

	for (k = 0; k < w->handles.n; k++) {
		unsigned long handle = beyond | w->handles.number[k];

		KUNIT_EXPECT_EQ(test, verb(VBUS_KVM_CLOSE, handle),
				(long)-EINVAL);
		KUNIT_EXPECT_EQ(test, doorbell(handle, 0), (long)-EINVAL);
		KUNIT_EXPECT_EQ(test, doorbell(w->handles.number[k], beyond),
				(long)-EINVAL);
	}
	KUNIT_EXPECT_EQ(test, msi_slot(beyond), (long)-ENOENT);
}

/* Each machine has a table of its own: it ends, and behind it is nothing. */
static void there_is_nothing_behind_the_tables(struct kunit *test)
{
	struct walk *w = test->priv;
	u32 number, msis = 0, eventqs = 0;
	unsigned int i;

	while (msis < 65536 && msi_slot(msis) == -EINVAL)
		msis++;
	while (eventqs < 65536 && eventq_index(w, eventqs) != -ENOENT)
		eventqs++;
	KUNIT_EXPECT_GT(test, msis, 0U);
	KUNIT_EXPECT_GT(test, eventqs, 0U);
	for (i = 0; walk_number(i, &number); i++) {
		if (number >= msis)
			KUNIT_EXPECT_EQ(test, msi_slot(number), (long)-ENOENT);
		if (number >= eventqs)
			KUNIT_EXPECT_EQ(test, eventq_index(w, number),
					(long)-ENOENT);
	}
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(what_is_open_has_a_handle),
	KUNIT_CASE(given_numbers_are_not_ours),
	KUNIT_CASE(list_has_ours_alone),
	KUNIT_CASE(foreign_devices_do_not_open),
	KUNIT_CASE(foreign_handles_are_not_called),
	KUNIT_CASE(foreign_handles_take_no_memory),
	KUNIT_CASE(foreign_bells_do_not_ring),
	KUNIT_CASE(foreign_handles_do_not_close),
	KUNIT_CASE(numbers_beyond_32_bits_are_refused),
	KUNIT_CASE(there_is_nothing_behind_the_tables),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "vbus-kvm",
	.init = walk_init,
	.exit = walk_exit,
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);

MODULE_DESCRIPTION("KUnit tests of the Virtual-Bus hypercall in a guest");
MODULE_LICENSE("GPL");
