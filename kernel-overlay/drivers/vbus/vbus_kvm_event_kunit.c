// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the event queues of KVM guests: what is served first
 *
 * They post events as the host does, to a set of two queues that no host knows,
 * and write down in which order the signals arrive.
 *
 * Copyright (C) 2026 Virtual-Bus developers
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "kvm.h"

#define HIGH		VBUS_KVM_QUEUE_HIGH
#define LOW		VBUS_KVM_QUEUE_LOW
#define MAX_LOG		64

/* Events in words of their own and in common ones, at the ends and between. */
static const u32 low_events[] = { 1, 63, 64, 130, 4032, 4095 };

/**
 * struct order - two queues, and what has arrived
 * @set: the queues
 * @log: event, and queue in the upper half
 * @n: entries in @log
 * @finished: what posts itself has done so for the last time
 */
struct order {
	struct vbus_kvm_event_set set;
	u32 log[MAX_LOG];
	unsigned int n;
	struct completion finished;
};

/**
 * struct probe - a signal that writes down its arrival
 * @signal: the signal
 * @notifier: its notifier
 * @desc: its shared memory
 * @order: where to write
 * @queue: its queue
 * @event: its number there
 * @posts: signal to post whenever this one arrives, or NULL
 * @times: how often at most
 */
struct probe {
	struct vbus_kvm_signal signal;
	struct shm_signal_notifier notifier;
	struct shm_signal_desc desc;
	struct order *order;
	unsigned int queue;
	u32 event;
	struct probe *posts;
	unsigned int times;
};

static u32 entry(unsigned int queue, u32 event)
{
	return queue << 16 | event;
}

/* Return: what was there before. */
static u64 host_sets(__le64 *word, u64 bits)
{
	return atomic64_fetch_or((__force s64)cpu_to_le64(bits),
				 (atomic64_t *)word);
}

/* What the host does. Return: true if it raises the MSI. */
static bool post(struct probe *p)
{
	struct vbus_kvm_events *ev = p->order->set.queues[p->queue].events;
	u32 word = p->event / 64;

	if (host_sets(&ev->words[word], BIT_ULL(p->event % 64)) ||
	    host_sets(&ev->selector, BIT_ULL(word)))
		return false;
	return READ_ONCE(ev->armed);
}

static void probe_signal(struct shm_signal_notifier *notifier,
			 enum shm_signal_context ctx)
{
	struct probe *p = container_of(notifier, struct probe, notifier);
	struct order *o = p->order;

	if (o->n < MAX_LOG)
		o->log[o->n] = entry(p->queue, p->event);
	o->n++;
	if (!p->posts)
		return;
	if (p->times) {
		p->times--;
		post(p->posts);
	} else {
		complete(&o->finished);
	}
}

static const struct shm_signal_ops no_ops = {};

static struct probe *probe(struct kunit *test, unsigned int queue, u32 event)
{
	struct probe *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct order *o = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->order = o;
	p->queue = queue;
	p->event = event;
	p->notifier.signal = probe_signal;
	shm_signal_init(&p->signal.signal, SHM_SIGNAL_GUEST, &p->desc, &no_ops);
	shm_signal_set_notifier(&p->signal.signal, &p->notifier);
	KUNIT_ASSERT_FALSE(test, xa_err(xa_store(&o->set.queues[queue].signals,
						 event, &p->signal, GFP_KERNEL)));
	return p;
}

static void run(struct kunit *test, unsigned int queue)
{
	struct order *o = test->priv;
	unsigned long flags;

	local_irq_save(flags);
	vbus_kvm_queue_run(&o->set.queues[queue]);
	local_irq_restore(flags);
}

static void post_low_events(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(low_events); i++)
		post(probe(test, LOW, low_events[i]));
}

/* The next in the log; @at counts. */
static void expect(struct kunit *test, unsigned int *at, unsigned int queue,
		   u32 event)
{
	struct order *o = test->priv;

	KUNIT_ASSERT_LT(test, *at, min(o->n, MAX_LOG));
	KUNIT_EXPECT_EQ(test, o->log[*at], entry(queue, event));
	++*at;
}

static void expect_end(struct kunit *test, unsigned int at)
{
	struct order *o = test->priv;

	KUNIT_EXPECT_EQ(test, o->n, at);
}

static bool is_idle(struct kunit *test, unsigned int queue)
{
	struct order *o = test->priv;
	struct vbus_kvm_events *ev = o->set.queues[queue].events;

	return !READ_ONCE(ev->selector) && READ_ONCE(ev->armed);
}

static int order_init(struct kunit *test)
{
	struct order *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, o);
	test->priv = o;
	init_completion(&o->finished);
	vbus_kvm_event_set_init(&o->set, -1);
	for (i = 0; i < VBUS_KVM_QUEUES; i++) {
		struct vbus_kvm_queue *q = &o->set.queues[i];

		q->index = 2 + i;
		q->events = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q->events);
		q->events->armed = cpu_to_le32(1);
	}
	return 0;
}

static void order_exit(struct kunit *test)
{
	struct order *o = test->priv;
	unsigned int i;

	for (i = 0; o && i < VBUS_KVM_QUEUES; i++) {
		irq_work_sync(&o->set.queues[i].again);
		xa_destroy(&o->set.queues[i].signals);
	}
}

/*
 * Tests
 */

static void high_comes_before_low(struct kunit *test)
{
	unsigned int at = 0, i;

	post_low_events(test);
	post(probe(test, HIGH, 4000));
	post(probe(test, HIGH, 7));
	/* It is the low one's interrupt that comes first. */
	run(test, LOW);
	expect(test, &at, HIGH, 7);
	expect(test, &at, HIGH, 4000);
	for (i = 0; i < ARRAY_SIZE(low_events); i++)
		expect(test, &at, LOW, low_events[i]);
	expect_end(test, at);
	KUNIT_EXPECT_TRUE(test, is_idle(test, LOW));
	/* The high one's finds nothing. */
	run(test, HIGH);
	expect_end(test, at);
	KUNIT_EXPECT_TRUE(test, is_idle(test, HIGH));
}

static void high_overtakes_low_under_way(struct kunit *test)
{
	struct probe *first = probe(test, LOW, 0), *high;
	unsigned int at = 0, i;

	high = probe(test, HIGH, 9);
	first->posts = high;
	first->times = 1;
	post(first);
	post_low_events(test);
	run(test, LOW);
	/* What is in the same word was taken with the first. */
	expect(test, &at, LOW, 0);
	expect(test, &at, LOW, 1);
	expect(test, &at, LOW, 63);
	expect(test, &at, HIGH, 9);
	for (i = 2; i < ARRAY_SIZE(low_events); i++)
		expect(test, &at, LOW, low_events[i]);
	expect_end(test, at);
	KUNIT_EXPECT_TRUE(test, is_idle(test, LOW));
}

static void low_waits_for_its_own_interrupt(struct kunit *test)
{
	unsigned int at = 0;

	post(probe(test, LOW, 5));
	post(probe(test, HIGH, 6));
	run(test, HIGH);
	expect(test, &at, HIGH, 6);
	expect_end(test, at);
	KUNIT_EXPECT_TRUE(test, is_idle(test, HIGH));
	KUNIT_EXPECT_FALSE(test, is_idle(test, LOW));
	run(test, LOW);
	expect(test, &at, LOW, 5);
	expect_end(test, at);
}

static void high_without_end_does_not_hold_up_low(struct kunit *test)
{
	struct probe *high = probe(test, HIGH, 8);
	struct order *o = test->priv;
	unsigned int low = 0, i;

	high->posts = high;
	high->times = 10000;
	post(high);
	post_low_events(test);
	run(test, LOW);
	for (i = 0; i < min(o->n, MAX_LOG); i++)
		low += o->log[i] >> 16 == LOW;
	KUNIT_EXPECT_EQ(test, low, ARRAY_SIZE(low_events));
	KUNIT_EXPECT_TRUE(test, is_idle(test, LOW));
	/* One look before each word. */
	KUNIT_EXPECT_EQ(test, o->n - low, 4U);
}

static void others_have_a_turn(struct kunit *test)
{
	struct probe *high = probe(test, HIGH, 8);
	struct order *o = test->priv;
	unsigned long flags;
	unsigned int n;

	high->posts = high;
	high->times = 40;
	post(high);
	local_irq_save(flags);
	vbus_kvm_queue_run(&o->set.queues[HIGH]);
	n = o->n;
	local_irq_restore(flags);
	KUNIT_EXPECT_GT(test, n, 1U);
	KUNIT_EXPECT_LT(test, n, 40U);
	/* It goes on, and nothing is lost. */
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&o->finished, 10 * HZ),
			0UL);
	irq_work_sync(&o->set.queues[HIGH].again);
	expect_end(test, 41);
	KUNIT_EXPECT_TRUE(test, is_idle(test, HIGH));
}

static void the_host_rings_where_it_is_armed(struct kunit *test)
{
	struct probe *low = probe(test, LOW, 5), *high = probe(test, HIGH, 6);
	struct order *o = test->priv;

	/* A queue that has been rung for is silent; the other is not. */
	KUNIT_EXPECT_TRUE(test, post(low));
	KUNIT_EXPECT_FALSE(test, post(low));
	KUNIT_EXPECT_TRUE(test, post(high));
	run(test, LOW);
	run(test, HIGH);
	KUNIT_EXPECT_EQ(test, o->n, 2U);
	KUNIT_EXPECT_TRUE(test, post(low));
	KUNIT_EXPECT_TRUE(test, post(high));
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE(high_comes_before_low),
	KUNIT_CASE(high_overtakes_low_under_way),
	KUNIT_CASE(low_waits_for_its_own_interrupt),
	KUNIT_CASE(high_without_end_does_not_hold_up_low),
	KUNIT_CASE(others_have_a_turn),
	KUNIT_CASE(the_host_rings_where_it_is_armed),
	{}
};

static struct kunit_suite order_suite = {
	.name = "vbus-kvm-events",
	.init = order_init,
	.exit = order_exit,
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);

MODULE_DESCRIPTION("KUnit tests of the Virtual-Bus event queues of KVM guests");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
