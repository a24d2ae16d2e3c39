// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioq: a lockless single-producer, single-consumer queue of descriptors in
 * shared memory
 *
 * The ring is as many descriptors, each a cache line, and for each a word that
 * says what became of it, eight to a cache line. The producer writes the first,
 * the consumer the second, and either says itself when it is valid: by the
 * number of the time round the ring, which is odd or even. There are no shared
 * indexes: a side knows privately where it is, and one look at what is there
 * tells whether it may go on.
 *
 *	producer				consumer
 *
 *	head: fill, publish	-- desc.turn -->	head: read, answer
 *	tail: take back		<-- done.turn --	tail: give back
 *
 * So a cache line has one writer, and a transfer moves a line one way: nobody
 * waits for a line back that the other has just read. That, and one hand-over
 * for a batch, is what makes it fast: see tools/virtio/ringtest.
 *
 * Descriptors are given back in the order in which they were handed out. A
 * batch changes hands as a whole: its first descriptor is released last, and
 * since the other side goes through the ring in order, it sees all or nothing.
 *
 * Whose a descriptor is follows from the two turns alone. What says the time
 * before is as good as nothing, because each side writes each of its turns once
 * on each time round, so two values are enough to tell this time from the one
 * before.
 *
 * A hand-over is one store-release, and one load-acquire on the other side; they
 * are the virt_ ones because the other side may run on another processor even
 * if this kernel was built for only one. Documentation/litmus-tests/vbus has
 * the hand-over, the batch and the return as tests.
 *
 * Locking: none. The two ends of one side's view, the head's (fill and publish;
 * read and unread) and the tail's (take back; answer and give back), may be
 * used at the same time by different contexts, each of which makes its calls
 * one at a time. ioq_space() belongs to the producer's head, ioq_pending() to
 * the consumer's head and to the producer's tail.
 *
 * Ends that are used at the same time may miss something. A descriptor can have
 * gone to the other side and come back, bell and all, before ioq_publish() has
 * moved our head: our tail takes it for not handed out, finds nothing pending,
 * sleeps, and no bell rings for it again. It is the same with a ring that is
 * full, ioq_give_back() and the consumer's head. So either one lock covers both
 * ends, or whoever has moved one of them has the other look once more.
 *
 * The other side may write anything at any time, to what is not its own too. A
 * descriptor is copied once, word by word, and only the copy is used. Whatever
 * the ring says, a consumer never reads a descriptor again that it has not given
 * back, and a producer never takes back what it has not handed out; but a
 * consumer's loop needs a bound of its own, because a producer can always have
 * one more. A side that finds nonsense in a descriptor calls ioq_break(), and
 * the queue stands still until it is set up again.
 */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/ioq.h>
#include <linux/log2.h>
#include <linux/prefetch.h>
#include <linux/stddef.h>
#include <linux/string.h>

static_assert(sizeof(struct ioq_desc) == 64);
static_assert(offsetof(struct ioq_desc, turn) == 0);
static_assert(offsetof(struct ioq_desc, flags) == 2);
static_assert(offsetof(struct ioq_desc, region) == 4);
static_assert(offsetof(struct ioq_desc, addr) == 8);
static_assert(offsetof(struct ioq_desc, len) == 16);
static_assert(offsetof(struct ioq_desc, reserved) == 20);
static_assert(offsetof(struct ioq_desc, cookie) == 24);
static_assert(offsetof(struct ioq_desc, data) == 32);
static_assert(sizeof_field(struct ioq_desc, data) == IOQ_DATA_LEN);
static_assert(sizeof(struct ioq_done) == 8);
static_assert(offsetof(struct ioq_done, turn) == 0);
static_assert(offsetof(struct ioq_done, flags) == 2);
static_assert(offsetof(struct ioq_done, len) == 4);

/*
 * The consumer fetches so many descriptors ahead: the lines of a producer that
 * is busy on another processor then arrive side by side.
 */
#define IOQ_READ_AHEAD		16

/**
 * ioq_init - set up one side's view of a queue
 * @q: the view
 * @role: what we do with the queue
 * @ring: the ring in shared memory, aligned to the size of a descriptor
 * @len: bytes there, at least IOQ_RING_LEN()
 * @count: number of descriptors; may come from the other side
 *
 * Does not touch the ring. Called again, it begins from the first descriptor
 * and forgets that the queue was broken.
 *
 * Context: any; nobody else uses @q.
 * Return: 0, or -EINVAL if @count is not a power of two from IOQ_COUNT_MIN to
 * IOQ_COUNT_MAX, if that many do not fit in @len, or if @ring is not aligned.
 */
int ioq_init(struct ioq *q, enum ioq_role role, void *ring, size_t len,
	     u32 count)
{
	if (!is_power_of_2(count) ||
	    count < IOQ_COUNT_MIN || count > IOQ_COUNT_MAX)
		return -EINVAL;
	if (len < IOQ_RING_LEN((size_t)count))
		return -EINVAL;
	if (!IS_ALIGNED((unsigned long)ring, sizeof(struct ioq_desc)))
		return -EINVAL;
	*q = (struct ioq) {
		.ring = ring,
		.done = ring + count * sizeof(struct ioq_desc),
		.mask = count - 1,
		.role = role,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(ioq_init);

/**
 * ioq_format - make all descriptors the producer's
 * @q: the producer's view
 *
 * Zeroes the ring and begins from its first descriptor.
 *
 * Context: any; before the ring is shared, or while the consumer is stopped.
 */
void ioq_format(struct ioq *q)
{
	memset(q->ring, 0, IOQ_RING_LEN((size_t)q->mask + 1));
	q->head = 0;
	q->tail = 0;
	q->broken = false;
}
EXPORT_SYMBOL_GPL(ioq_format);

static void copy_data_out(struct ioq_desc *slot, const struct ioq_desc *desc)
{
	const u64 *from = (const u64 *)desc->data;
	u64 *to = (u64 *)slot->data;

	BUILD_BUG_ON(IOQ_DATA_LEN != 4 * sizeof(u64));
	WRITE_ONCE(to[0], from[0]);
	WRITE_ONCE(to[1], from[1]);
	WRITE_ONCE(to[2], from[2]);
	WRITE_ONCE(to[3], from[3]);
}

static void copy_data_in(void *data, const struct ioq_desc *slot)
{
	const u64 *from = (const u64 *)slot->data;
	u64 *to = data;

	BUILD_BUG_ON(IOQ_DATA_LEN != 4 * sizeof(u64));
	to[0] = READ_ONCE(from[0]);
	to[1] = READ_ONCE(from[1]);
	to[2] = READ_ONCE(from[2]);
	to[3] = READ_ONCE(from[3]);
}

/*
 * The one look at what the producer has written. The words are those of its
 * stores, so that a copy right after them on the same processor is forwarded.
 * The turn is our caller's to know.
 */
static void copy_in(struct ioq_desc *desc, const struct ioq_desc *slot,
		    __le16 turn)
{
	desc->turn = turn;
	desc->flags = READ_ONCE(slot->flags);
	desc->region = READ_ONCE(slot->region);
	desc->addr = READ_ONCE(slot->addr);
	desc->len = READ_ONCE(slot->len);
	desc->reserved = READ_ONCE(slot->reserved);
	desc->cookie = READ_ONCE(slot->cookie);
	copy_data_in(desc->data, slot);
}

/**
 * ioq_fill - write a descriptor that is to be published
 * @q: the producer's view
 * @n: which one, counted from the next to be published; less than ioq_space()
 * @desc: what to write; its turn does not matter
 *
 * May be called again for the same @n, and in any order, until ioq_publish().
 *
 * Context: any; the producer's head.
 */
void ioq_fill(struct ioq *q, u32 n, const struct ioq_desc *desc)
{
	struct ioq_desc *slot = ioq_slot(q, q->head + n);

	WRITE_ONCE(slot->flags, desc->flags);
	WRITE_ONCE(slot->region, desc->region);
	WRITE_ONCE(slot->addr, desc->addr);
	WRITE_ONCE(slot->len, desc->len);
	WRITE_ONCE(slot->reserved, desc->reserved);
	WRITE_ONCE(slot->cookie, desc->cookie);
	copy_data_out(slot, desc);
}
EXPORT_SYMBOL_GPL(ioq_fill);

/**
 * ioq_publish - hand descriptors to the consumer
 * @q: the producer's view
 * @n: how many; all have been filled
 *
 * The consumer sees all of them or none. It is not told: see
 * shm_signal_inject().
 *
 * Context: any; the producer's head.
 */
void ioq_publish(struct ioq *q, u32 n)
{
	u32 i;

	if (!n)
		return;
	for (i = n - 1; i; i--)
		WRITE_ONCE(ioq_slot(q, q->head + i)->turn,
			   ioq_turn(q, q->head + i));
	/*
	 * Contents and turns of all @n come before the first one's turn.
	 * Pairs with the consumer's virt_load_acquire() in ioq_may_read().
	 */
	virt_store_release(&ioq_slot(q, q->head)->turn, ioq_turn(q, q->head));
	/*
	 * What our caller notes beside a descriptor is there for our tail.
	 * Pairs with the smp_load_acquire() in ioq_may_take_back().
	 */
	smp_store_release(&q->head, q->head + n);
}
EXPORT_SYMBOL_GPL(ioq_publish);

/**
 * ioq_take_back - take the oldest descriptor back from the consumer
 * @q: the producer's view
 * @done: a copy of what became of it
 * @data: where to copy the descriptor's data to, IOQ_DATA_LEN bytes aligned to
 *	eight; NULL when the consumer has nothing to put there
 *
 * All of that is the consumer's to invent. What belongs to the descriptor the
 * producer keeps in an array of its own, by ioq_index() of the tail before the
 * call.
 *
 * Context: any; the producer's tail.
 * Return: true if there was one, false if nothing is out, if the oldest is
 * still the consumer's, or if the queue is broken.
 */
bool ioq_take_back(struct ioq *q, struct ioq_done *done, void *data)
{
	const struct ioq_done *slot = ioq_done_slot(q, q->tail);

	if (!ioq_may_take_back(q))
		return false;
	done->turn = ioq_turn(q, q->tail);
	done->flags = READ_ONCE(slot->flags);
	done->len = READ_ONCE(slot->len);
	if (data)
		copy_data_in(data, ioq_slot(q, q->tail));
	/*
	 * The copy is complete before our head fills the descriptor again.
	 * Pairs with the smp_load_acquire() in ioq_space().
	 */
	smp_store_release(&q->tail, q->tail + 1);
	return true;
}
EXPORT_SYMBOL_GPL(ioq_take_back);

/**
 * ioq_read - copy the next descriptor from the producer
 * @q: the consumer's view
 * @desc: a copy of it, to be checked
 *
 * The descriptor stays ours until ioq_give_back().
 *
 * Context: any; the consumer's head.
 * Return: true if there was one, false if the producer has handed out no more,
 * if all of the ring is ours already, or if the queue is broken.
 */
bool ioq_read(struct ioq *q, struct ioq_desc *desc)
{
	struct ioq_done *done = ioq_done_slot(q, q->head);

	if (!ioq_may_read(q))
		return false;
	prefetch(ioq_slot(q, q->head + IOQ_READ_AHEAD));
	copy_in(desc, ioq_slot(q, q->head), ioq_turn(q, q->head));
	/*
	 * Nothing to say, unless ioq_answer() does. The producer has copied
	 * what was said before: ordered by the acquire in ioq_may_read(), which
	 * pairs with its virt_store_release() in ioq_publish().
	 */
	WRITE_ONCE(done->flags, 0);
	WRITE_ONCE(done->len, 0);
	WRITE_ONCE(q->head, q->head + 1);
	return true;
}
EXPORT_SYMBOL_GPL(ioq_read);

/**
 * ioq_unread - go back by some descriptors
 * @q: the consumer's view
 * @n: how many; they have been read and not been given back
 *
 * They are read again, and may by then say something else. What was answered is
 * forgotten.
 *
 * Context: any; the consumer's head.
 */
void ioq_unread(struct ioq *q, u32 n)
{
	WRITE_ONCE(q->head, q->head - n);
}
EXPORT_SYMBOL_GPL(ioq_unread);

/**
 * ioq_answer - write the consumer's part of a descriptor
 * @q: the consumer's view
 * @n: which one, counted from the next to be given back; it has been read
 * @len: bytes used
 * @flags: IOQ_DESC_F_*
 * @data: what the type of device puts beside the buffer; may be NULL
 * @data_len: bytes at @data, at most IOQ_DATA_LEN; the rest stays as it is
 *
 * A descriptor that is given back without an answer says that no bytes were
 * used, and no flags.
 *
 * Context: any; the consumer's tail.
 */
void ioq_answer(struct ioq *q, u32 n, u32 len, u16 flags, const void *data,
		size_t data_len)
{
	struct ioq_done *done = ioq_done_slot(q, q->tail + n);

	WRITE_ONCE(done->len, cpu_to_le32(len));
	WRITE_ONCE(done->flags, cpu_to_le16(flags));
	if (data_len && !WARN_ON_ONCE(data_len > IOQ_DATA_LEN))
		memcpy(ioq_slot(q, q->tail + n)->data, data, data_len);
}
EXPORT_SYMBOL_GPL(ioq_answer);

/**
 * ioq_give_back - return descriptors to the producer
 * @q: the consumer's view
 * @n: how many; they have been read
 *
 * The producer sees all of them or none. It is not told: see
 * shm_signal_inject().
 *
 * Context: any; the consumer's tail.
 */
void ioq_give_back(struct ioq *q, u32 n)
{
	u32 i;

	if (!n)
		return;
	for (i = n - 1; i; i--)
		WRITE_ONCE(ioq_done_slot(q, q->tail + i)->turn,
			   ioq_turn(q, q->tail + i));
	/*
	 * Our copies of all @n, our answers and their turns come before the
	 * first one's turn. Pairs with the producer's virt_load_acquire() in
	 * ioq_may_take_back().
	 */
	virt_store_release(&ioq_done_slot(q, q->tail)->turn,
			   ioq_turn(q, q->tail));
	/*
	 * What we said of a descriptor is out before our head reads it anew and
	 * clears that. Pairs with the smp_load_acquire() in ioq_may_read().
	 */
	smp_store_release(&q->tail, q->tail + n);
}
EXPORT_SYMBOL_GPL(ioq_give_back);

/**
 * ioq_break - stop a queue whose other side broke the rules
 * @q: our view
 *
 * From now on there is no space, nothing to read and nothing to take back,
 * until ioq_init() or ioq_format(). The ring is left as it is.
 *
 * Context: any.
 */
void ioq_break(struct ioq *q)
{
	WRITE_ONCE(q->broken, true);
}
EXPORT_SYMBOL_GPL(ioq_break);
