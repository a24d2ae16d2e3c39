// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of shm-signal: both sides of one signal over one piece of memory
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/shm_signal.h>
#include <linux/string.h>

/* One side with a connector that counts. */
struct side {
	struct shm_signal s;
	struct shm_signal_notifier notifier;
	unsigned int rang;
	unsigned int released;
	unsigned int signalled;
	enum shm_signal_context ctx;
};

struct pair {
	struct shm_signal_desc *desc;
	struct side guest;
	struct side host;
};

static void count_inject(struct shm_signal *s)
{
	container_of(s, struct side, s)->rang++;
}

static void count_release(struct shm_signal *s)
{
	container_of(s, struct side, s)->released++;
}

static const struct shm_signal_ops counting_ops = {
	.inject = count_inject,
	.release = count_release,
};

static void count_signal(struct shm_signal_notifier *notifier,
			 enum shm_signal_context ctx)
{
	struct side *side = container_of(notifier, struct side, notifier);

	side->signalled++;
	side->ctx = ctx;
}

static void side_init(struct side *side, enum shm_signal_role role,
		      struct shm_signal_desc *desc)
{
	*side = (struct side) { .notifier.signal = count_signal };
	shm_signal_init(&side->s, role, desc, &counting_ops);
}

static int shm_signal_test_init(struct kunit *test)
{
	struct pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->desc = kunit_kzalloc(test, sizeof(*p->desc), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->desc);
	side_init(&p->guest, SHM_SIGNAL_GUEST, p->desc);
	side_init(&p->host, SHM_SIGNAL_HOST, p->desc);
	test->priv = p;
	return 0;
}

static void init_publishes_a_quiet_side(struct kunit *test)
{
	struct pair *p = test->priv;

	memset(p->desc, 0xff, sizeof(*p->desc));
	side_init(&p->guest, SHM_SIGNAL_GUEST, p->desc);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->guest.enabled), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->guest.pending), 0);
}

static void init_leaves_the_other_side_alone(struct kunit *test)
{
	struct pair *p = test->priv;

	memset(p->desc, 0xff, sizeof(*p->desc));
	side_init(&p->guest, SHM_SIGNAL_GUEST, p->desc);
	KUNIT_EXPECT_NULL(test, memchr_inv(&p->desc->host, 0xff,
					   sizeof(p->desc->host)));
}

static void each_role_writes_its_own_side(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_inject(&p->guest.s);
	shm_signal_inject(&p->host.s);
	shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->guest.pending), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->host.pending), 2);
}

static void words_are_little_endian(struct kunit *test)
{
	struct pair *p = test->priv;
	const u8 enabled[] = { 0x78, 0x56, 0x34, 0x12 };
	const u8 pending[] = { 0xef, 0xbe, 0xad, 0xde };

	p->host.s.enabled = 0x12345677;
	p->host.s.pending = 0xdeadbeee;
	shm_signal_enable(&p->host.s);
	shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_MEMEQ(test, &p->desc->host.enabled, enabled, 4);
	KUNIT_EXPECT_MEMEQ(test, &p->desc->host.pending, pending, 4);
}

static void disabled_receiver_is_not_rung(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_FALSE(test, shm_signal_inject(&p->host.s));
	KUNIT_EXPECT_EQ(test, p->host.rang, 0);
}

static void enabled_receiver_is_rung(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->guest.s);
	KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
	KUNIT_EXPECT_EQ(test, p->host.rang, 1);
}

static void one_enable_gets_one_bell(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	shm_signal_enable(&p->guest.s);
	for (i = 0; i < 100; i++)
		shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_EQ(test, p->host.rang, 1);
}

static void each_enable_gets_a_bell(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	for (i = 0; i < 100; i++) {
		shm_signal_enable(&p->guest.s);
		KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
	}
	KUNIT_EXPECT_EQ(test, p->host.rang, 100);
}

static void disable_takes_the_wish_back(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->guest.s);
	shm_signal_disable(&p->guest.s);
	KUNIT_EXPECT_FALSE(test, shm_signal_inject(&p->host.s));
}

static void enable_after_disable_is_a_new_wish(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->guest.s);
	shm_signal_inject(&p->host.s);
	shm_signal_disable(&p->guest.s);
	shm_signal_enable(&p->guest.s);
	KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
}

static void wanted_tells_whether_it_would_ring(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_FALSE(test, shm_signal_wanted(&p->host.s));
	shm_signal_enable(&p->guest.s);
	KUNIT_EXPECT_TRUE(test, shm_signal_wanted(&p->host.s));
	KUNIT_EXPECT_FALSE(test, shm_signal_wanted(&p->guest.s));
	shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_FALSE(test, shm_signal_wanted(&p->host.s));
	shm_signal_enable(&p->guest.s);
	shm_signal_disable(&p->guest.s);
	KUNIT_EXPECT_FALSE(test, shm_signal_wanted(&p->host.s));
	KUNIT_EXPECT_EQ(test, p->host.rang, 1);
}

static void bell_makes_the_receiver_write_nothing(struct kunit *test)
{
	struct pair *p = test->priv;
	struct shm_signal_side before;

	shm_signal_set_notifier(&p->guest.s, &p->guest.notifier);
	shm_signal_enable(&p->guest.s);
	before = p->desc->guest;
	shm_signal_inject(&p->host.s);
	shm_signal_wakeup(&p->guest.s, SHM_SIGNAL_ATOMIC);
	KUNIT_EXPECT_MEMEQ(test, &p->desc->guest, &before, sizeof(before));
}

static void enable_is_silent_when_nothing_came(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_FALSE(test, shm_signal_enable(&p->guest.s));
	KUNIT_EXPECT_FALSE(test, shm_signal_enable(&p->guest.s));
}

static void enable_reports_what_came_before_it(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_TRUE(test, shm_signal_enable(&p->guest.s));
}

static void enable_reports_it_once(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_inject(&p->host.s);
	shm_signal_inject(&p->host.s);
	shm_signal_enable(&p->guest.s);
	KUNIT_EXPECT_FALSE(test, shm_signal_enable(&p->guest.s));
}

static void directions_are_independent(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->guest.s);
	KUNIT_EXPECT_FALSE(test, shm_signal_inject(&p->guest.s));
	KUNIT_EXPECT_FALSE(test, shm_signal_enable(&p->guest.s));
	KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
	KUNIT_EXPECT_EQ(test, p->guest.rang, 0);
}

static void enabled_wraps_around_zero(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	p->guest.s.enabled = U32_MAX - 2;
	for (i = 0; i < 5; i++) {
		shm_signal_enable(&p->guest.s);
		KUNIT_EXPECT_NE(test, le32_to_cpu(p->desc->guest.enabled), 0);
		KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
	}
}

static void pending_wraps(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	p->host.s.pending = U32_MAX - 2;
	p->guest.s.seen = U32_MAX - 2;
	for (i = 0; i < 5; i++) {
		shm_signal_inject(&p->host.s);
		KUNIT_EXPECT_TRUE(test, shm_signal_enable(&p->guest.s));
	}
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->host.pending), 2);
}

/* A driver may be ready before the device knows of the memory. */
static void wish_from_before_init_is_honoured(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->guest.s);
	side_init(&p->host, SHM_SIGNAL_HOST, p->desc);
	KUNIT_EXPECT_TRUE(test, shm_signal_inject(&p->host.s));
}

static void wakeup_tells_the_notifier(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_set_notifier(&p->guest.s, &p->guest.notifier);
	shm_signal_wakeup(&p->guest.s, SHM_SIGNAL_PROCESS);
	KUNIT_EXPECT_EQ(test, p->guest.signalled, 1);
	KUNIT_EXPECT_EQ(test, p->guest.ctx, SHM_SIGNAL_PROCESS);
	shm_signal_wakeup(&p->guest.s, SHM_SIGNAL_ATOMIC);
	KUNIT_EXPECT_EQ(test, p->guest.signalled, 2);
	KUNIT_EXPECT_EQ(test, p->guest.ctx, SHM_SIGNAL_ATOMIC);
}

static void wakeup_without_notifier_does_nothing(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_wakeup(&p->guest.s, SHM_SIGNAL_ATOMIC);
	shm_signal_set_notifier(&p->guest.s, &p->guest.notifier);
	shm_signal_set_notifier(&p->guest.s, NULL);
	shm_signal_wakeup(&p->guest.s, SHM_SIGNAL_ATOMIC);
	KUNIT_EXPECT_EQ(test, p->guest.signalled, 0);
}

static void last_put_releases(struct kunit *test)
{
	struct pair *p = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, shm_signal_get(&p->host.s), &p->host.s);
	shm_signal_put(&p->host.s);
	KUNIT_EXPECT_EQ(test, p->host.released, 0);
	shm_signal_put(&p->host.s);
	KUNIT_EXPECT_EQ(test, p->host.released, 1);
	shm_signal_put(NULL);
}

static const struct place {
	const char *name;
	u64 offset;
	u64 len;
	bool fits;
} places[] = {
	{ "exact", 0, 128, true },
	{ "at the end", 4096 - 128, 4096, true },
	{ "over the end", 4096 - 64, 4096, false },
	{ "behind the end", 4096, 4096, false },
	{ "unaligned", 32, 4096, false },
	{ "odd", 1, 4096, false },
	{ "region too small", 0, 127, false },
	{ "empty region", 0, 0, false },
	{ "offset that wraps", (u64)-64, 4096, false },
	{ "aligned wrap", (u64)-128, 64, false },
	{ "no signal", 0xffffffff, U64_MAX, false },
};

static void place_desc(const struct place *place, char *desc)
{
	strscpy(desc, place->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(place, places, place_desc);

static void place_is_checked(struct kunit *test)
{
	const struct place *place = test->param_value;

	KUNIT_EXPECT_EQ(test, shm_signal_fits(place->offset, place->len),
			place->fits);
}

/* What we have published is never read back. */
static void overwritten_words_do_not_matter(struct kunit *test)
{
	struct pair *p = test->priv;

	shm_signal_enable(&p->host.s);
	shm_signal_inject(&p->host.s);
	memset(&p->desc->host, 0xa5, sizeof(p->desc->host));
	shm_signal_enable(&p->host.s);
	shm_signal_inject(&p->host.s);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->host.enabled), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->host.pending), 2);
}

static void no_more_bells_than_injections(struct kunit *test)
{
	struct pair *p = test->priv;
	int i;

	for (i = 1; i <= 100; i++) {
		p->desc->guest.enabled = cpu_to_le32(i * 0x9e3779b9U);
		shm_signal_inject(&p->host.s);
		KUNIT_EXPECT_LE(test, p->host.rang, i);
	}
}

static void pending_that_jumps_is_only_a_hint(struct kunit *test)
{
	struct pair *p = test->priv;

	p->desc->guest.pending = cpu_to_le32(0x80000000);
	KUNIT_EXPECT_TRUE(test, shm_signal_enable(&p->host.s));
	p->desc->guest.pending = cpu_to_le32(0);
	KUNIT_EXPECT_TRUE(test, shm_signal_enable(&p->host.s));
	KUNIT_EXPECT_FALSE(test, shm_signal_enable(&p->host.s));
}

/* The host's side, step by step; -1 after the last. */
static int host_step(struct pair *p, int step)
{
	switch (step) {
	case 0:
		shm_signal_enable(&p->host.s);
		return 0;
	case 1:
		shm_signal_inject(&p->host.s);
		return 0;
	case 2:
		shm_signal_wakeup(&p->host.s, SHM_SIGNAL_ATOMIC);
		return 0;
	case 3:
		shm_signal_disable(&p->host.s);
		return 0;
	case 4:
		shm_signal_inject(&p->host.s);
		return 0;
	case 5:
		shm_signal_enable(&p->host.s);
		return 0;
	default:
		return -1;
	}
}

/* Write @value to word @word before step @moment; see that we keep our own. */
static void corrupt_once(struct kunit *test, int word, u32 value, int moment)
{
	struct pair *p = test->priv;
	__le32 *words = (__le32 *)p->desc;
	struct shm_signal_side theirs;
	int step = 0;

	memset(p->desc, 0, sizeof(*p->desc));
	side_init(&p->host, SHM_SIGNAL_HOST, p->desc);
	shm_signal_set_notifier(&p->host.s, &p->host.notifier);
	do {
		if (step == moment)
			words[word] = cpu_to_le32(value);
		theirs = p->desc->guest;
	} while (!host_step(p, step++) &&
		 !memcmp(&theirs, &p->desc->guest, sizeof(theirs)));

	KUNIT_EXPECT_EQ_MSG(test, step, 7, "wrote the other side's words");
	KUNIT_EXPECT_EQ(test, p->host.s.enabled, 2);
	KUNIT_EXPECT_EQ(test, p->host.s.pending, 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(p->desc->host.enabled),
			word == 16 && moment == 6 ? value : 2);
	KUNIT_EXPECT_EQ(test, p->host.signalled, 1);
	KUNIT_EXPECT_LE(test, p->host.rang, 1);
}

static void every_word_wrong_at_every_moment(struct kunit *test)
{
	static const u32 values[] = { 1, 2, 0x7fffffff, 0x80000000, U32_MAX };
	int word, i, moment;

	for (word = 0; word < sizeof(struct shm_signal_desc) / 4; word++)
		for (i = 0; i < ARRAY_SIZE(values); i++)
			for (moment = 0; moment <= 6; moment++)
				corrupt_once(test, word, values[i], moment);
}

/*
 * A sender that publishes work and a receiver that sleeps whenever it finds
 * none. Without the barriers, or with a bell that is forgotten, the receiver
 * sleeps for ever.
 */
#define STRESS_ITEMS	100000

struct stress {
	struct shm_signal_desc *desc;
	struct shm_signal sender;
	struct shm_signal receiver;
	struct completion bell;
	u32 published;
	u32 received;
	unsigned int slept;
	bool lost;
};

static void stress_ring(struct shm_signal *s)
{
	complete(&container_of(s, struct stress, sender)->bell);
}

static const struct shm_signal_ops stress_ops = {
	.inject = stress_ring,
};

/*
 * Wait until the receiver has it all, and then some: it is about to look for
 * more, to enable, to look again, or asleep.
 */
static bool stress_caught_up(struct stress *st, u32 i)
{
	unsigned int spins;

	for (spins = 1; READ_ONCE(st->received) != i; spins++) {
		if (READ_ONCE(st->lost))
			return false;
		cpu_relax();
		if (!(spins % 1024))
			cond_resched();
	}
	for (spins = i / 3 % 64; spins; spins--)
		cpu_relax();
	return true;
}

static int stress_send(void *data)
{
	struct stress *st = data;
	u32 i;

	for (i = 1; i <= STRESS_ITEMS; i++) {
		WRITE_ONCE(st->published, i);
		shm_signal_inject(&st->sender);
		if (!(i % 3) && !stress_caught_up(st, i))
			break;
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void stress_sleep(struct stress *st)
{
	shm_signal_enable(&st->receiver);
	if (READ_ONCE(st->published) != st->received)
		return;
	st->slept++;
	if (!wait_for_completion_timeout(&st->bell, 10 * HZ))
		WRITE_ONCE(st->lost, true);
}

static void no_wakeup_is_lost(struct kunit *test)
{
	struct pair *p = test->priv;
	struct stress *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);
	struct task_struct *task;
	u32 published;

	KUNIT_ASSERT_NOT_NULL(test, st);
	init_completion(&st->bell);
	shm_signal_init(&st->sender, SHM_SIGNAL_HOST, p->desc, &stress_ops);
	shm_signal_init(&st->receiver, SHM_SIGNAL_GUEST, p->desc, &stress_ops);
	task = kthread_run(stress_send, st, "shm_signal_kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);

	while (st->received != STRESS_ITEMS && !st->lost) {
		published = READ_ONCE(st->published);
		if (published == st->received)
			stress_sleep(st);
		else
			WRITE_ONCE(st->received, published);
	}
	kthread_stop(task);
	KUNIT_EXPECT_FALSE(test, st->lost);
	KUNIT_EXPECT_GT(test, st->slept, 0);
	kunit_info(test, "%u items, slept %u times\n", st->received, st->slept);
}

static struct kunit_case shm_signal_test_cases[] = {
	KUNIT_CASE(init_publishes_a_quiet_side),
	KUNIT_CASE(init_leaves_the_other_side_alone),
	KUNIT_CASE(each_role_writes_its_own_side),
	KUNIT_CASE(words_are_little_endian),
	KUNIT_CASE(disabled_receiver_is_not_rung),
	KUNIT_CASE(enabled_receiver_is_rung),
	KUNIT_CASE(one_enable_gets_one_bell),
	KUNIT_CASE(each_enable_gets_a_bell),
	KUNIT_CASE(disable_takes_the_wish_back),
	KUNIT_CASE(enable_after_disable_is_a_new_wish),
	KUNIT_CASE(wanted_tells_whether_it_would_ring),
	KUNIT_CASE(bell_makes_the_receiver_write_nothing),
	KUNIT_CASE(enable_is_silent_when_nothing_came),
	KUNIT_CASE(enable_reports_what_came_before_it),
	KUNIT_CASE(enable_reports_it_once),
	KUNIT_CASE(directions_are_independent),
	KUNIT_CASE(enabled_wraps_around_zero),
	KUNIT_CASE(pending_wraps),
	KUNIT_CASE(wish_from_before_init_is_honoured),
	KUNIT_CASE(wakeup_tells_the_notifier),
	KUNIT_CASE(wakeup_without_notifier_does_nothing),
	KUNIT_CASE(last_put_releases),
	KUNIT_CASE_PARAM(place_is_checked, place_gen_params),
	KUNIT_CASE(overwritten_words_do_not_matter),
	KUNIT_CASE(no_more_bells_than_injections),
	KUNIT_CASE(pending_that_jumps_is_only_a_hint),
	KUNIT_CASE(every_word_wrong_at_every_moment),
	KUNIT_CASE(no_wakeup_is_lost),
	{}
};

static struct kunit_suite shm_signal_test_suite = {
	.name = "shm_signal",
	.init = shm_signal_test_init,
	.test_cases = shm_signal_test_cases,
};

kunit_test_suites(&shm_signal_test_suite);

MODULE_DESCRIPTION("KUnit tests of shm-signal");
MODULE_LICENSE("GPL");
