/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioq: a lockless single-producer, single-consumer queue of descriptors in
 * shared memory. See lib/ioq.c for the rules of ownership.
 */
#ifndef _LINUX_IOQ_H
#define _LINUX_IOQ_H

#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/linux/ioq.h>

/**
 * enum ioq_role - what we do with the queue
 * @IOQ_PRODUCER: hand out descriptors and take them back
 * @IOQ_CONSUMER: work on descriptors and give them back
 */
enum ioq_role {
	IOQ_PRODUCER,
	IOQ_CONSUMER,
};

/**
 * struct ioq - one side's private view of a queue
 * @ring: the shared descriptors; the producer writes them
 * @done: what became of each, also shared; the consumer writes it
 * @mask: length of the ring less one
 * @role: what we are
 * @broken: the other side broke the rules; nothing moves until a reset
 * @head: producer: next descriptor to hand out; consumer: next to look at
 * @tail: producer: next to take back; consumer: next to give back
 *
 * @head and @tail count without bound and are never shared.
 */
struct ioq {
	struct ioq_desc *ring;
	struct ioq_done *done;
	u32 mask;
	enum ioq_role role;
	bool broken;
	u32 head;
	u32 tail;
};

int ioq_init(struct ioq *q, enum ioq_role role, void *ring, size_t len,
	     u32 count);
void ioq_format(struct ioq *q);

/* The producer's side. */
void ioq_fill(struct ioq *q, u32 n, const struct ioq_desc *desc);
void ioq_publish(struct ioq *q, u32 n);
bool ioq_take_back(struct ioq *q, struct ioq_done *done, void *data);

/* The consumer's side. */
bool ioq_read(struct ioq *q, struct ioq_desc *desc);
void ioq_unread(struct ioq *q, u32 n);
void ioq_answer(struct ioq *q, u32 n, u32 len, u16 flags, const void *data,
		size_t data_len);
void ioq_give_back(struct ioq *q, u32 n);

void ioq_break(struct ioq *q);

/**
 * ioq_index - where in the ring a position is
 * @q: our view
 * @pos: @q->head or @q->tail, or a number from there on
 *
 * Return: a number from 0 to the ring's length less one.
 */
static inline u32 ioq_index(const struct ioq *q, u32 pos)
{
	return pos & q->mask;
}

/* Positions are private, so there is nothing to speculate with. */
static inline struct ioq_desc *ioq_slot(const struct ioq *q, u32 pos)
{
	return &q->ring[ioq_index(q, pos)];
}

static inline struct ioq_done *ioq_done_slot(const struct ioq *q, u32 pos)
{
	return &q->done[ioq_index(q, pos)];
}

/* What either side writes to hand position @pos to the other. */
static inline __le16 ioq_turn(const struct ioq *q, u32 pos)
{
	return cpu_to_le16(pos & (q->mask + 1) ? IOQ_TURN_ODD : IOQ_TURN_EVEN);
}

static inline bool ioq_may_take_back(const struct ioq *q)
{
	/* Pairs with the smp_store_release() in ioq_publish(). */
	u32 head = smp_load_acquire(&q->head);
	__le16 turn;

	if (READ_ONCE(q->broken) || q->tail == head)
		return false;
	/*
	 * What the consumer did with the descriptor is looked at after this.
	 * Pairs with its virt_store_release() in ioq_give_back().
	 */
	turn = virt_load_acquire(&ioq_done_slot(q, q->tail)->turn);
	return turn == ioq_turn(q, q->tail);
}

static inline bool ioq_may_read(const struct ioq *q)
{
	/* Pairs with the smp_store_release() in ioq_give_back(). */
	u32 tail = smp_load_acquire(&q->tail);
	__le16 turn;

	if (READ_ONCE(q->broken) || q->head - tail > q->mask)
		return false;
	/*
	 * The descriptor is read, and what is done with it written, after this.
	 * Pairs with the producer's virt_store_release() in ioq_publish().
	 */
	turn = virt_load_acquire(&ioq_slot(q, q->head)->turn);
	return turn == ioq_turn(q, q->head);
}

/**
 * ioq_space - how many descriptors may be filled and published
 * @q: the producer's view
 *
 * Context: any; the producer's head.
 * Return: the number, which others only make larger; 0 if the queue is broken.
 */
static inline u32 ioq_space(const struct ioq *q)
{
	if (READ_ONCE(q->broken))
		return 0;
	/* Pairs with the smp_store_release() in ioq_take_back(). */
	return q->mask + 1 - (q->head - smp_load_acquire(&q->tail));
}

/**
 * ioq_pending - is there something for us?
 * @q: our view
 *
 * After shm_signal_enable() it says whether to go on instead of sleeping, unless
 * our other end is being moved meanwhile: see "Locking" in lib/ioq.c.
 *
 * Context: any; the consumer's head, or the producer's tail.
 * Return: true if ioq_read() or ioq_take_back(), whichever is ours, would
 * succeed.
 */
static inline bool ioq_pending(const struct ioq *q)
{
	return q->role == IOQ_CONSUMER ? ioq_may_read(q) :
					 ioq_may_take_back(q);
}

#endif /* _LINUX_IOQ_H */
