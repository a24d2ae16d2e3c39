// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ioq and shm-signal cost, for the log
 *
 * Figures are printed and not judged: what is tested is that everything comes
 * through. Both sides are one task on one CPU, so this is what the instructions
 * cost. What it costs to move cache lines between CPUs is measured by
 * tools/virtio/ringtest.
 */
#include <kunit/test.h>
#include <linux/ioq.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/ptr_ring.h>
#include <linux/shm_signal.h>

#define COUNT		256
#define ROUNDS		4096

/* The best of some tries: the others had interrupts in between. */
#define TRIES		5

static void report(struct kunit *test, const char *what, u32 batch, u64 ns)
{
	kunit_info(test, "%s, batches of %u: %llu ps each", what, batch,
		   div_u64(ns * 1000, ROUNDS * batch));
}

/*
 * There and back, @batch at a time. Return: how many came through.
 */

static u32 ioq_there(struct ioq *q, u32 batch, u64 first)
{
	u32 i;

	for (i = 0; i < batch; i++)
		ioq_fill(q, i, &(struct ioq_desc){
			.len = cpu_to_le32(64),
			.cookie = cpu_to_le64(first + i),
		});
	ioq_publish(q, batch);
	return batch;
}

static u32 ioq_at_the_consumer(struct ioq *q, u64 first)
{
	struct ioq_desc desc;
	u32 n = 0;

	while (ioq_read(q, &desc) && le64_to_cpu(desc.cookie) == first + n)
		ioq_answer(q, n++, 64, 0, NULL, 0);
	ioq_give_back(q, n);
	return n;
}

static u32 ioq_back(struct ioq *q)
{
	struct ioq_done done;
	u32 n = 0;

	while (ioq_take_back(q, &done, NULL) && le32_to_cpu(done.len) == 64)
		n++;
	return n;
}

struct ioq_pair {
	struct ioq producer;
	struct ioq consumer;
};

static u32 ioq_round(void *data, u32 batch, u64 first)
{
	struct ioq_pair *p = data;

	if (ioq_there(&p->producer, batch, first) != batch ||
	    ioq_at_the_consumer(&p->consumer, first) != batch)
		return 0;
	return ioq_back(&p->producer);
}

/* A pointer each way is what comes nearest. */
struct ptr_ring_pair {
	struct ptr_ring there;
	struct ptr_ring back;
};

static u32 ptr_ring_move(struct ptr_ring *from, struct ptr_ring *to)
{
	void *ptr;
	u32 n = 0;

	while ((ptr = __ptr_ring_consume(from)) && !__ptr_ring_produce(to, ptr))
		n++;
	return n;
}

static u32 ptr_ring_round(void *data, u32 batch, u64 first)
{
	struct ptr_ring_pair *p = data;
	u32 i;

	for (i = 0; i < batch; i++)
		if (__ptr_ring_produce(&p->there, p))
			return 0;
	if (ptr_ring_move(&p->there, &p->back) != batch)
		return 0;
	for (i = 0; __ptr_ring_consume(&p->back); i++)
		;
	return i;
}

struct signal_pair {
	struct shm_signal guest;
	struct shm_signal host;
	u32 rang;
};

static void bench_inject(struct shm_signal *s)
{
	container_of(s, struct signal_pair, host)->rang++;
}

static void bench_release(struct shm_signal *s)
{
}

static const struct shm_signal_ops bench_ops = {
	.inject = bench_inject,
	.release = bench_release,
};

/* One that is wanted, and what others cost that are not. */
static u32 signal_round(void *data, u32 batch, u64 first)
{
	struct signal_pair *p = data;
	u32 i, before = p->rang;

	shm_signal_enable(&p->guest);
	for (i = 0; i < batch; i++)
		shm_signal_inject(&p->host);
	return p->rang == before + 1 ? batch : 0;
}

static void bench(struct kunit *test, const char *what,
		  u32 (*round)(void *data, u32 batch, u64 first), void *data)
{
	static const u32 batches[] = { 1, 16, 128 };
	u64 best, begin;
	u32 i, r, try;

	for (i = 0; i < ARRAY_SIZE(batches); i++) {
		best = U64_MAX;
		for (try = 0; try < TRIES; try++) {
			begin = ktime_get_ns();
			for (r = 0; r < ROUNDS; r++)
				if (round(data, batches[i], r) != batches[i])
					break;
			best = min(best, ktime_get_ns() - begin);
			KUNIT_EXPECT_EQ(test, r, ROUNDS);
		}
		report(test, what, batches[i], best);
	}
}

static void ioq_there_and_back(struct kunit *test)
{
	size_t len = IOQ_RING_LEN(COUNT);
	struct ioq_pair p;
	void *ring;

	ring = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_EQ(test, 0, ioq_init(&p.producer, IOQ_PRODUCER, ring, len,
					  COUNT));
	KUNIT_ASSERT_EQ(test, 0, ioq_init(&p.consumer, IOQ_CONSUMER, ring, len,
					  COUNT));
	ioq_format(&p.producer);
	bench(test, "ioq, there and back", ioq_round, &p);
}

static void ptr_ring_there_and_back(struct kunit *test)
{
	struct ptr_ring_pair p;
	int err;

	KUNIT_ASSERT_EQ(test, 0, ptr_ring_init(&p.there, COUNT, GFP_KERNEL));
	err = ptr_ring_init(&p.back, COUNT, GFP_KERNEL);
	if (!err) {
		bench(test, "ptr_ring, there and back", ptr_ring_round, &p);
		ptr_ring_cleanup(&p.back, NULL);
	}
	ptr_ring_cleanup(&p.there, NULL);
	KUNIT_EXPECT_EQ(test, 0, err);
}

static void signals_wanted_and_not(struct kunit *test)
{
	struct signal_pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct shm_signal_desc *desc;

	desc = kunit_kzalloc(test, sizeof(*desc), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, desc);
	shm_signal_init(&p->guest, SHM_SIGNAL_GUEST, desc, &bench_ops);
	shm_signal_init(&p->host, SHM_SIGNAL_HOST, desc, &bench_ops);
	bench(test, "shm-signal, one wanted", signal_round, p);
}

static struct kunit_case ioq_bench_cases[] = {
	KUNIT_CASE(ioq_there_and_back),
	KUNIT_CASE(ptr_ring_there_and_back),
	KUNIT_CASE(signals_wanted_and_not),
	{}
};

static struct kunit_suite ioq_bench_suite = {
	.name = "ioq_bench",
	.test_cases = ioq_bench_cases,
};

kunit_test_suite(ioq_bench_suite);

MODULE_DESCRIPTION("KUnit: what ioq and shm-signal cost");
MODULE_LICENSE("GPL");
