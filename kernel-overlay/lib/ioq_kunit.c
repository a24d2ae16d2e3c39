// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of ioq: a producer and a consumer over one ring
 */
#include <kunit/test.h>
#include <linux/ioq.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/wait.h>

#define COUNT		8
#define RING_LEN	IOQ_RING_LEN(COUNT)
#define GUARD		0x5a

/* The ring lies between two pieces of memory that nobody may touch. */
struct pair {
	struct ioq_desc *memory;
	struct ioq_desc *ring;
	struct ioq_done *done;
	struct ioq producer;
	struct ioq consumer;
};

static void ioq_test_setup(struct kunit *test, struct pair *p)
{
	memset(p->memory, GUARD, RING_LEN + 2 * sizeof(*p->memory));
	KUNIT_ASSERT_EQ(test, 0, ioq_init(&p->producer, IOQ_PRODUCER, p->ring,
					  RING_LEN, COUNT));
	KUNIT_ASSERT_EQ(test, 0, ioq_init(&p->consumer, IOQ_CONSUMER, p->ring,
					  RING_LEN, COUNT));
	ioq_format(&p->producer);
}

static int ioq_test_init(struct kunit *test)
{
	struct pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	/* A power of two, so that it is aligned to a descriptor. */
	p->memory = kunit_kzalloc(test, 2 * RING_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->memory);
	p->ring = p->memory + 1;
	p->done = (struct ioq_done *)(p->ring + COUNT);
	test->priv = p;
	ioq_test_setup(test, p);
	return 0;
}

static void expect_guards(struct kunit *test)
{
	struct pair *p = test->priv;
	size_t len = sizeof(*p->memory);

	KUNIT_EXPECT_NULL(test, memchr_inv(p->memory, GUARD, len));
	KUNIT_EXPECT_NULL(test, memchr_inv(p->done + COUNT, GUARD, len));
}

/* A descriptor in which every byte but the turn tells of @n. */
static struct ioq_desc desc_of(u32 n)
{
	struct ioq_desc desc = {
		.flags = cpu_to_le16(n * 3),
		.region = cpu_to_le32(n * 5),
		.addr = cpu_to_le64(n * 0x100000007ULL),
		.len = cpu_to_le32(n * 11),
		.reserved = cpu_to_le32(n * 13),
		.cookie = cpu_to_le64(n * 0x1000000000000011ULL),
	};
	int i;

	for (i = 0; i < IOQ_DATA_LEN; i++)
		desc.data[i] = n + i;
	return desc;
}

static bool same_contents(const struct ioq_desc *a, const struct ioq_desc *b)
{
	size_t skip = sizeof(a->turn);

	return !memcmp((u8 *)a + skip, (u8 *)b + skip, sizeof(*a) - skip);
}

static void fill(struct pair *p, u32 n, u32 value)
{
	struct ioq_desc desc = desc_of(value);

	ioq_fill(&p->producer, n, &desc);
}

static void send(struct pair *p, u32 value)
{
	fill(p, 0, value);
	ioq_publish(&p->producer, 1);
}

static void send_many(struct pair *p, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		send(p, i + 1);
}

static bool read_is(struct pair *p, u32 value)
{
	struct ioq_desc expected = desc_of(value), desc;

	return ioq_read(&p->consumer, &desc) && same_contents(&desc, &expected);
}

static u32 read_all(struct pair *p)
{
	struct ioq_desc desc;
	u32 n = 0;

	while (n < 10 * COUNT && ioq_read(&p->consumer, &desc))
		n++;
	return n;
}

static u32 take_back_all(struct pair *p)
{
	struct ioq_done done;
	u32 n = 0;

	while (n < 10 * COUNT && ioq_take_back(&p->producer, &done, NULL))
		n++;
	return n;
}

/* What a side that lies may write. */
static void set_turns(struct pair *p, u16 turn)
{
	u32 i;

	for (i = 0; i < COUNT; i++)
		p->ring[i].turn = cpu_to_le16(turn);
}

static void set_done_turns(struct pair *p, u16 turn)
{
	u32 i;

	for (i = 0; i < COUNT; i++)
		p->done[i].turn = cpu_to_le16(turn);
}

static const struct geometry {
	const char *name;
	u32 count;
	size_t len;
	size_t shift;
	int ret;
} geometries[] = {
	{ "fits", 8, 576, 0, 0 },
	{ "more memory than needed", 2, 576, 0, 0 },
	{ "largest", IOQ_COUNT_MAX, IOQ_COUNT_MAX * 72, 0, 0 },
	{ "none", 0, 512, 0, -EINVAL },
	{ "one", 1, 512, 0, -EINVAL },
	{ "no power of two", 6, 512, 0, -EINVAL },
	{ "one byte short", 8, 575, 0, -EINVAL },
	{ "no memory", 8, 0, 0, -EINVAL },
	{ "too many", 2 * IOQ_COUNT_MAX, SIZE_MAX, 0, -EINVAL },
	{ "size would wrap", 0x80000000, 512, 0, -EINVAL },
	{ "all bits", U32_MAX, 512, 0, -EINVAL },
	{ "half a line off", 4, 512, 32, -EINVAL },
	{ "one byte off", 4, 512, 1, -EINVAL },
};

static void geometry_desc(const struct geometry *g, char *desc)
{
	strscpy(desc, g->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(geometry, geometries, geometry_desc);

static void geometry_is_checked(struct kunit *test)
{
	const struct geometry *g = test->param_value;
	struct pair *p = test->priv;
	struct ioq q;

	KUNIT_EXPECT_EQ(test, g->ret,
			ioq_init(&q, IOQ_CONSUMER, (u8 *)p->ring + g->shift,
				 g->len, g->count));
}

static void init_leaves_the_ring_alone(struct kunit *test)
{
	struct pair *p = test->priv;

	memset(p->ring, 0xff, RING_LEN);
	ioq_init(&p->consumer, IOQ_CONSUMER, p->ring, RING_LEN, COUNT);
	KUNIT_EXPECT_NULL(test, memchr_inv(p->ring, 0xff, RING_LEN));
}

static void format_makes_all_the_producers(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 3);
	ioq_break(&p->producer);
	memset(p->ring, 0xff, RING_LEN);
	ioq_format(&p->producer);
	KUNIT_EXPECT_NULL(test, memchr_inv(p->ring, 0, RING_LEN));
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
	expect_guards(test);
}

static void empty_ring_has_nothing_to_read(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void empty_ring_has_nothing_to_take_back(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->producer));
	KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
}

static void filled_is_not_yet_published(struct kunit *test)
{
	struct pair *p = test->priv;

	fill(p, 0, 1);
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
}

static void published_arrives_whole(struct kunit *test)
{
	struct pair *p = test->priv;

	send(p, 0x01020304);
	KUNIT_EXPECT_TRUE(test, ioq_pending(&p->consumer));
	KUNIT_EXPECT_TRUE(test, read_is(p, 0x01020304));
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
}

static void turn_in_filled_descriptor_does_not_matter(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_desc desc = desc_of(1);

	desc.turn = cpu_to_le16(IOQ_TURN_EVEN);
	ioq_fill(&p->producer, 0, &desc);
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void turn_is_little_endian(struct kunit *test)
{
	struct pair *p = test->priv;
	const u8 even[] = { 1, 0 };

	send(p, 1);
	KUNIT_EXPECT_MEMEQ(test, &p->ring[0].turn, even, 2);
	read_all(p);
	ioq_give_back(&p->consumer, 1);
	KUNIT_EXPECT_MEMEQ(test, &p->done[0].turn, even, 2);
}

/* Each side writes its own part of the ring, and nothing of the other's. */
static void each_side_writes_its_own(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_done done[COUNT];
	struct ioq_desc ring[COUNT];

	memcpy(done, p->done, sizeof(done));
	send_many(p, COUNT);
	KUNIT_EXPECT_MEMEQ(test, p->done, done, sizeof(done));
	memcpy(ring, p->ring, sizeof(ring));
	read_all(p);
	ioq_answer(&p->consumer, 0, 5, IOQ_DESC_F_ERROR, NULL, 0);
	ioq_give_back(&p->consumer, COUNT);
	KUNIT_EXPECT_MEMEQ(test, p->ring, ring, sizeof(ring));
	memcpy(done, p->done, sizeof(done));
	KUNIT_EXPECT_EQ(test, take_back_all(p), COUNT);
	KUNIT_EXPECT_MEMEQ(test, p->done, done, sizeof(done));
}

/* What is left of the time before is neither new nor back. */
static void turns_tell_the_times_round_apart(struct kunit *test)
{
	struct pair *p = test->priv;
	int round;

	for (round = 0; round < 4; round++) {
		KUNIT_EXPECT_EQ(test, read_all(p), 0);
		send_many(p, COUNT);
		KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
		KUNIT_EXPECT_EQ(test, read_all(p), COUNT);
		KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
		ioq_give_back(&p->consumer, COUNT);
		KUNIT_EXPECT_EQ(test, read_all(p), 0);
		KUNIT_EXPECT_EQ(test, take_back_all(p), COUNT);
	}
}

static void batch_appears_at_once(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	for (i = 4; i >= 0; i--) {
		fill(p, i, i + 1);
		KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
	}
	ioq_publish(&p->producer, 5);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, read_is(p, i + 1));
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void nothing_can_be_published(struct kunit *test)
{
	struct pair *p = test->priv;

	fill(p, 0, 1);
	ioq_publish(&p->producer, 0);
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
}

static void nothing_can_be_given_back(struct kunit *test)
{
	struct pair *p = test->priv;

	send(p, 1);
	read_all(p);
	ioq_give_back(&p->consumer, 0);
	KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
}

static void last_fill_counts(struct kunit *test)
{
	struct pair *p = test->priv;

	fill(p, 0, 1);
	fill(p, 0, 2);
	ioq_publish(&p->producer, 1);
	KUNIT_EXPECT_TRUE(test, read_is(p, 2));
}

static void abandoned_fill_leaves_no_trace(struct kunit *test)
{
	struct pair *p = test->priv;

	fill(p, 0, 1);
	fill(p, 1, 2);
	send(p, 3);
	KUNIT_EXPECT_TRUE(test, read_is(p, 3));
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void full_ring_has_no_space(struct kunit *test)
{
	struct pair *p = test->priv;
	u32 i;

	for (i = 0; i < COUNT; i++) {
		KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT - i);
		send(p, i);
	}
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), 0);
}

static void whole_ring_can_be_one_batch(struct kunit *test)
{
	struct pair *p = test->priv;
	u32 i;

	for (i = 0; i < COUNT; i++)
		fill(p, i, i);
	ioq_publish(&p->producer, COUNT);
	for (i = 0; i < COUNT; i++)
		KUNIT_EXPECT_TRUE(test, read_is(p, i));
	ioq_give_back(&p->consumer, COUNT);
	KUNIT_EXPECT_EQ(test, take_back_all(p), COUNT);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
}

static void whole_ring_is_read_once(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, COUNT);
	KUNIT_EXPECT_EQ(test, read_all(p), COUNT);
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
}

static void space_comes_with_taking_back(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_done done;

	send_many(p, COUNT);
	read_all(p);
	ioq_give_back(&p->consumer, 3);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), 0);
	KUNIT_EXPECT_TRUE(test, ioq_pending(&p->producer));
	KUNIT_EXPECT_TRUE(test, ioq_take_back(&p->producer, &done, NULL));
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), 1);
}

static void given_back_in_order(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_done done;
	u32 i;

	send_many(p, 3);
	read_all(p);
	for (i = 0; i < 3; i++)
		ioq_answer(&p->consumer, i, i + 1, 0, NULL, 0);
	ioq_give_back(&p->consumer, 1);
	ioq_give_back(&p->consumer, 2);
	for (i = 1; i <= 3; i++) {
		KUNIT_EXPECT_TRUE(test, ioq_take_back(&p->producer, &done,
						      NULL));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(done.len), i);
	}
}

static void only_what_was_given_back_is_taken(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 5);
	read_all(p);
	ioq_give_back(&p->consumer, 2);
	KUNIT_EXPECT_EQ(test, take_back_all(p), 2);
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->producer));
}

static void give_back_later_than_the_next_read(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 2);
	KUNIT_EXPECT_TRUE(test, read_is(p, 1));
	KUNIT_EXPECT_TRUE(test, read_is(p, 2));
	send(p, 3);
	ioq_give_back(&p->consumer, 1);
	KUNIT_EXPECT_TRUE(test, read_is(p, 3));
	KUNIT_EXPECT_EQ(test, take_back_all(p), 1);
}

static void answer_reaches_the_producer(struct kunit *test)
{
	struct pair *p = test->priv;
	const u8 data[IOQ_DATA_LEN] = { 1, 2, 3, 4, [IOQ_DATA_LEN - 1] = 9 };
	u64 copy[IOQ_DATA_LEN / sizeof(u64)];
	struct ioq_done done;

	send(p, 1);
	read_all(p);
	ioq_answer(&p->consumer, 0, 1514, IOQ_DESC_F_ERROR, data, sizeof(data));
	ioq_give_back(&p->consumer, 1);
	KUNIT_ASSERT_TRUE(test, ioq_take_back(&p->producer, &done, copy));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(done.len), 1514);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(done.flags), IOQ_DESC_F_ERROR);
	KUNIT_EXPECT_MEMEQ(test, copy, data, sizeof(data));
}

static void answer_leaves_the_rest(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_desc expected = desc_of(7);
	u64 copy[IOQ_DATA_LEN / sizeof(u64)];
	struct ioq_done done;

	memset(expected.data, 0xee, 3);
	send(p, 7);
	read_all(p);
	ioq_answer(&p->consumer, 0, 5, 0, "\xee\xee\xee", 3);
	ioq_give_back(&p->consumer, 1);
	KUNIT_ASSERT_TRUE(test, ioq_take_back(&p->producer, &done, copy));
	KUNIT_EXPECT_MEMEQ(test, copy, expected.data, sizeof(copy));
	KUNIT_EXPECT_TRUE(test, same_contents(&p->ring[0], &expected));
}

static void answer_needs_no_data(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_desc expected = desc_of(7);
	u64 copy[IOQ_DATA_LEN / sizeof(u64)];
	struct ioq_done done;

	send(p, 7);
	read_all(p);
	ioq_answer(&p->consumer, 0, 5, 0, NULL, 0);
	ioq_give_back(&p->consumer, 1);
	KUNIT_ASSERT_TRUE(test, ioq_take_back(&p->producer, &done, copy));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(done.len), 5);
	KUNIT_EXPECT_MEMEQ(test, copy, expected.data, sizeof(copy));
}

/* Nor of what was said the time before. */
static void no_answer_says_nothing(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_done done;
	int i;

	for (i = 0; i < 2 * COUNT; i++) {
		send(p, i);
		read_all(p);
		if (i < COUNT)
			ioq_answer(&p->consumer, 0, 5, IOQ_DESC_F_ERROR, NULL,
				   0);
		ioq_give_back(&p->consumer, 1);
		KUNIT_ASSERT_TRUE(test, ioq_take_back(&p->producer, &done,
						      NULL));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(done.len), i < COUNT ? 5 : 0);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(done.flags),
				i < COUNT ? IOQ_DESC_F_ERROR : 0);
	}
}

static void answers_of_a_batch_go_to_their_descriptors(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_done done;
	int i;

	send_many(p, 4);
	read_all(p);
	for (i = 3; i >= 0; i--)
		ioq_answer(&p->consumer, i, 100 + i, 0, NULL, 0);
	ioq_give_back(&p->consumer, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, ioq_take_back(&p->producer, &done,
						      NULL));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(done.len), 100 + i);
	}
}

static void unread_is_read_again(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 3);
	read_all(p);
	ioq_unread(&p->consumer, 2);
	KUNIT_EXPECT_TRUE(test, ioq_pending(&p->consumer));
	KUNIT_EXPECT_TRUE(test, read_is(p, 2));
	KUNIT_EXPECT_TRUE(test, read_is(p, 3));
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void unread_may_say_something_else(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_desc desc = desc_of(2);

	send(p, 1);
	KUNIT_EXPECT_TRUE(test, read_is(p, 1));
	ioq_unread(&p->consumer, 1);
	desc.turn = cpu_to_le16(IOQ_TURN_EVEN);
	p->ring[0] = desc;
	KUNIT_EXPECT_TRUE(test, read_is(p, 2));
}

static void unread_of_a_full_ring(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, COUNT);
	read_all(p);
	ioq_unread(&p->consumer, COUNT);
	KUNIT_EXPECT_EQ(test, read_all(p), COUNT);
}

static void positions_wrap(struct kunit *test)
{
	struct pair *p = test->priv;
	u32 start = U32_MAX - COUNT - 2, i;
	struct ioq_done done;

	p->producer.head = start;
	p->producer.tail = start;
	p->consumer.head = start;
	p->consumer.tail = start;
	for (i = 0; i < 4 * COUNT; i++) {
		KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
		send(p, i);
		KUNIT_EXPECT_TRUE(test, read_is(p, i));
		ioq_give_back(&p->consumer, 1);
		KUNIT_EXPECT_TRUE(test, ioq_take_back(&p->producer, &done,
						      NULL));
	}
	expect_guards(test);
}

static void full_ring_across_the_wrap(struct kunit *test)
{
	struct pair *p = test->priv;
	u32 start, i;

	for (start = -COUNT; start; start++) {
		ioq_test_setup(test, p);
		p->producer.head = start;
		p->producer.tail = start;
		p->consumer.head = start;
		p->consumer.tail = start;
		for (i = 0; i < COUNT; i++)
			fill(p, i, i);
		ioq_publish(&p->producer, COUNT);
		KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), 0);
		for (i = 0; i < COUNT; i++)
			KUNIT_EXPECT_TRUE(test, read_is(p, i));
		KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
		ioq_give_back(&p->consumer, COUNT);
		KUNIT_EXPECT_EQ(test, take_back_all(p), COUNT);
	}
	expect_guards(test);
}

static void broken_queue_stands_still(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 4);
	read_all(p);
	ioq_give_back(&p->consumer, 2);
	ioq_unread(&p->consumer, 2);
	ioq_break(&p->producer);
	ioq_break(&p->consumer);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), 0);
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->producer));
	KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
	KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
	KUNIT_EXPECT_EQ(test, read_all(p), 0);
}

static void broken_queue_begins_anew(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 4);
	ioq_break(&p->producer);
	ioq_break(&p->consumer);
	ioq_test_setup(test, p);
	send(p, 9);
	KUNIT_EXPECT_TRUE(test, read_is(p, 9));
}

static void copy_is_not_the_ring(struct kunit *test)
{
	struct pair *p = test->priv;
	struct ioq_desc desc, expected = desc_of(1);

	send(p, 1);
	KUNIT_ASSERT_TRUE(test, ioq_read(&p->consumer, &desc));
	memset(p->ring, 0xff, RING_LEN);
	KUNIT_EXPECT_TRUE(test, same_contents(&desc, &expected));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(desc.turn), IOQ_TURN_EVEN);
}

/* A producer that says that everything is new. */
static void nothing_is_read_twice(struct kunit *test)
{
	struct pair *p = test->priv;

	set_turns(p, IOQ_TURN_EVEN);
	KUNIT_EXPECT_EQ(test, read_all(p), COUNT);
	ioq_give_back(&p->consumer, 3);
	set_turns(p, IOQ_TURN_ODD);
	KUNIT_EXPECT_EQ(test, read_all(p), 3);
}

/* A consumer that says that everything is back. */
static void nothing_is_taken_back_twice(struct kunit *test)
{
	struct pair *p = test->priv;

	send_many(p, 5);
	set_done_turns(p, IOQ_TURN_EVEN);
	KUNIT_EXPECT_EQ(test, take_back_all(p), 5);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
}

static void unknown_turn_is_none(struct kunit *test)
{
	static const u16 turns[] = { 0, 2, 3, 0x00ff, 0x0101, 0x8001, 0xffff };
	struct pair *p = test->priv;
	int i;

	send_many(p, 2);
	for (i = 0; i < ARRAY_SIZE(turns); i++) {
		set_turns(p, turns[i]);
		set_done_turns(p, turns[i]);
		KUNIT_EXPECT_FALSE(test, ioq_pending(&p->consumer));
		KUNIT_EXPECT_FALSE(test, ioq_pending(&p->producer));
		KUNIT_EXPECT_EQ(test, read_all(p), 0);
		KUNIT_EXPECT_EQ(test, take_back_all(p), 0);
	}
}

/*
 * The life of a batch of three, one step at a time, in which both sides do
 * what an honest driver and device would do with what the ring tells them.
 */
struct life {
	u32 read;
	u32 taken;
};

static bool live(struct pair *p, struct life *life, int step)
{
	switch (step) {
	case 0:
		fill(p, 0, 1);
		fill(p, 1, 2);
		fill(p, 2, 3);
		return true;
	case 1:
		ioq_publish(&p->producer, 3);
		return true;
	case 2:
		life->read += read_all(p);
		return true;
	case 3:
		ioq_unread(&p->consumer, life->read);
		life->read = read_all(p);
		return true;
	case 4:
		if (life->read)
			ioq_answer(&p->consumer, 0, 1, 0, NULL, 0);
		return true;
	case 5:
		ioq_give_back(&p->consumer, life->read);
		return true;
	case 6:
		life->taken += take_back_all(p);
		return true;
	default:
		return false;
	}
}

/* Write @value to byte @byte of @victim before step @moment. */
static void corrupt_once(struct kunit *test, void *victim, int byte, u8 value,
			 int moment)
{
	struct pair *p = test->priv;
	struct life life = {};
	int step = 0;

	ioq_test_setup(test, p);
	do {
		if (step == moment)
			((u8 *)victim)[byte] = value;
	} while (live(p, &life, step++));

	/* Both know what they did, whatever the ring said. */
	KUNIT_EXPECT_LE(test, life.read, COUNT);
	KUNIT_EXPECT_LE(test, life.taken, 3);
	KUNIT_EXPECT_EQ(test, p->producer.head, 3);
	KUNIT_EXPECT_EQ(test, p->producer.tail, life.taken);
	KUNIT_EXPECT_EQ(test, p->consumer.head, life.read);
	KUNIT_EXPECT_EQ(test, p->consumer.tail, life.read);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT - 3 + life.taken);
	/* Only the turn decides what moves. */
	if (byte >= sizeof(p->ring->turn)) {
		KUNIT_EXPECT_EQ(test, life.read, 3);
		KUNIT_EXPECT_EQ(test, life.taken, 3);
	}
}

static void corrupt_often(struct kunit *test, void *victim, int len)
{
	static const u8 values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	int byte, i, moment;

	for (byte = 0; byte < len; byte++)
		for (i = 0; i < ARRAY_SIZE(values); i++)
			for (moment = 0; moment <= 7; moment++)
				corrupt_once(test, victim, byte, values[i],
					     moment);
}

static void every_byte_wrong_at_every_moment(struct kunit *test)
{
	struct pair *p = test->priv;
	int n;

	for (n = 0; n < 4; n++) {
		corrupt_often(test, &p->ring[n], sizeof(p->ring[n]));
		corrupt_often(test, &p->done[n], sizeof(p->done[n]));
	}
	expect_guards(test);
}

/*
 * Producer, consumer and the producer's tail, each at its own pace on its own
 * CPU where there are some. Every batch carries its length, and the consumer
 * insists on all of it once it has seen the first.
 */
#define STRESS_ITEMS	200000
#define STRESS_BATCH	5

struct stress {
	struct pair *p;
	u32 sent;
	u32 received;
	u32 reaped;
	const char *error;
	wait_queue_head_t wait;
};

/* Sleep until @ready; false if something is wrong. */
#define stress_wait(st, ready) ({					\
	struct stress *_st = (st);					\
									\
	if (!wait_event_timeout(_st->wait,				\
				(ready) || READ_ONCE(_st->error),	\
				60 * HZ))				\
		WRITE_ONCE(_st->error, "stuck");			\
	!READ_ONCE(_st->error);						\
})

static void stress_wake(struct stress *st)
{
	/* The full barrier before the look pairs with wait_event()'s. */
	if (wq_has_sleeper(&st->wait))
		wake_up_all(&st->wait);
}

static void stress_fail(struct stress *st, const char *error)
{
	WRITE_ONCE(st->error, error);
	wake_up_all(&st->wait);
}

static bool stress_read(struct stress *st, u32 value)
{
	struct ioq_desc expected = desc_of(value), desc;

	if (!ioq_read(&st->p->consumer, &desc))
		stress_fail(st, "part of a batch is missing");
	else if (!same_contents(&desc, &expected))
		stress_fail(st, "read something else than was filled");
	else
		return true;
	return false;
}

static void stress_answer(struct stress *st, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		ioq_answer(&st->p->consumer, i, st->received + i, 0, NULL, 0);
	ioq_give_back(&st->p->consumer, n);
	st->received += n;
	stress_wake(st);
}

/* A batch of as many as its first number says: see stress_produce(). */
static u32 stress_batch(u32 value)
{
	return min(value % STRESS_BATCH + 1, STRESS_ITEMS - value);
}

static int stress_consume(void *data)
{
	struct stress *st = data;
	u32 n, i;

	while (st->received != STRESS_ITEMS &&
	       stress_wait(st, ioq_pending(&st->p->consumer))) {
		n = stress_batch(st->received);
		for (i = 0; i < n; i++)
			if (!stress_read(st, st->received + i))
				goto out;
		stress_answer(st, n);
	}
out:
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int stress_reap(void *data)
{
	struct stress *st = data;
	struct ioq_done done;

	while (st->reaped != STRESS_ITEMS &&
	       stress_wait(st, ioq_pending(&st->p->producer))) {
		while (ioq_take_back(&st->p->producer, &done, NULL)) {
			if (le32_to_cpu(done.len) != st->reaped)
				stress_fail(st, "wrong answer");
			WRITE_ONCE(st->reaped, st->reaped + 1);
		}
		stress_wake(st);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void stress_produce(struct stress *st)
{
	u32 n, i;

	while (st->sent != STRESS_ITEMS) {
		n = stress_batch(st->sent);
		if (!stress_wait(st, ioq_space(&st->p->producer) >= n))
			return;
		for (i = 0; i < n; i++)
			fill(st->p, i, st->sent + i);
		ioq_publish(&st->p->producer, n);
		st->sent += n;
		stress_wake(st);
	}
	stress_wait(st, READ_ONCE(st->reaped) == STRESS_ITEMS);
}

static void nothing_is_lost_between_threads(struct kunit *test)
{
	struct pair *p = test->priv;
	struct stress st = { .p = p };
	struct task_struct *consumer, *reaper;
	ktime_t begin = ktime_get();

	init_waitqueue_head(&st.wait);
	consumer = kthread_run(stress_consume, &st, "ioq_kunit_read");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, consumer);
	reaper = kthread_run(stress_reap, &st, "ioq_kunit_reap");
	if (!IS_ERR(reaper)) {
		stress_produce(&st);
		kthread_stop(reaper);
	} else {
		stress_fail(&st, "no second thread");
	}
	kthread_stop(consumer);

	KUNIT_EXPECT_NULL_MSG(test, st.error, "%s", st.error ?: "");
	KUNIT_EXPECT_EQ(test, st.reaped, STRESS_ITEMS);
	KUNIT_EXPECT_EQ(test, ioq_space(&p->producer), COUNT);
	expect_guards(test);
	kunit_info(test, "%u descriptors, %lld ns each\n", st.reaped,
		   div_s64(ktime_to_ns(ktime_sub(ktime_get(), begin)),
			   STRESS_ITEMS));
}

static struct kunit_case ioq_test_cases[] = {
	KUNIT_CASE_PARAM(geometry_is_checked, geometry_gen_params),
	KUNIT_CASE(init_leaves_the_ring_alone),
	KUNIT_CASE(format_makes_all_the_producers),
	KUNIT_CASE(empty_ring_has_nothing_to_read),
	KUNIT_CASE(empty_ring_has_nothing_to_take_back),
	KUNIT_CASE(filled_is_not_yet_published),
	KUNIT_CASE(published_arrives_whole),
	KUNIT_CASE(turn_in_filled_descriptor_does_not_matter),
	KUNIT_CASE(turn_is_little_endian),
	KUNIT_CASE(each_side_writes_its_own),
	KUNIT_CASE(turns_tell_the_times_round_apart),
	KUNIT_CASE(batch_appears_at_once),
	KUNIT_CASE(nothing_can_be_published),
	KUNIT_CASE(nothing_can_be_given_back),
	KUNIT_CASE(last_fill_counts),
	KUNIT_CASE(abandoned_fill_leaves_no_trace),
	KUNIT_CASE(full_ring_has_no_space),
	KUNIT_CASE(whole_ring_can_be_one_batch),
	KUNIT_CASE(whole_ring_is_read_once),
	KUNIT_CASE(space_comes_with_taking_back),
	KUNIT_CASE(given_back_in_order),
	KUNIT_CASE(only_what_was_given_back_is_taken),
	KUNIT_CASE(give_back_later_than_the_next_read),
	KUNIT_CASE(answer_reaches_the_producer),
	KUNIT_CASE(answer_leaves_the_rest),
	KUNIT_CASE(answer_needs_no_data),
	KUNIT_CASE(no_answer_says_nothing),
	KUNIT_CASE(answers_of_a_batch_go_to_their_descriptors),
	KUNIT_CASE(unread_is_read_again),
	KUNIT_CASE(unread_may_say_something_else),
	KUNIT_CASE(unread_of_a_full_ring),
	KUNIT_CASE(positions_wrap),
	KUNIT_CASE(full_ring_across_the_wrap),
	KUNIT_CASE(broken_queue_stands_still),
	KUNIT_CASE(broken_queue_begins_anew),
	KUNIT_CASE(copy_is_not_the_ring),
	KUNIT_CASE(nothing_is_read_twice),
	KUNIT_CASE(nothing_is_taken_back_twice),
	KUNIT_CASE(unknown_turn_is_none),
	KUNIT_CASE(every_byte_wrong_at_every_moment),
	KUNIT_CASE(nothing_is_lost_between_threads),
	{}
};

static struct kunit_suite ioq_test_suite = {
	.name = "ioq",
	.init = ioq_test_init,
	.test_cases = ioq_test_cases,
};

kunit_test_suites(&ioq_test_suite);

MODULE_DESCRIPTION("KUnit tests of ioq");
MODULE_LICENSE("GPL");
