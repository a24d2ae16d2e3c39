/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioq: a lockless single-producer, single-consumer queue of descriptors in
 * shared memory
 */
#ifndef _UAPI_LINUX_IOQ_H
#define _UAPI_LINUX_IOQ_H

#include <linux/types.h>

/*
 * ioq_desc.turn and ioq_done.turn: which time round the ring it is. Any other
 * value is no time at all.
 */
#define IOQ_TURN_EVEN		1	/* the first, the third, ... */
#define IOQ_TURN_ODD		2	/* the second, the fourth, ... */

/* ioq_desc.flags and ioq_done.flags */
#define IOQ_DESC_F_NEXT		(1 << 0)	/* goes on in the next descriptor */
#define IOQ_DESC_F_ERROR	(1 << 1)	/* the consumer refused it */

/* Bytes that a type of device may put into a descriptor. */
#define IOQ_DATA_LEN		32

/* A ring's length is a power of two within these bounds. */
#define IOQ_COUNT_MIN		2
#define IOQ_COUNT_MAX		32768

/**
 * struct ioq_desc - one descriptor, one cache line
 * @turn: IOQ_TURN_*: the producer writes it last when it hands the descriptor
 *	over; until that says this time round the ring, the descriptor is its
 *	own
 * @flags: IOQ_DESC_F_*
 * @region: the registered region that @addr is an offset into, or 0 when @addr
 *	is an address in the driver's memory
 * @addr: where the data is
 * @len: bytes there
 * @reserved: zero
 * @cookie: the producer's own
 * @data: what the type of device puts beside the buffer; the one thing here
 *	that the consumer may write, if its answer takes that much
 */
struct ioq_desc {
	__le16 turn;
	__le16 flags;
	__le32 region;
	__le64 addr;
	__le32 len;
	__le32 reserved;
	__le64 cookie;
	__u8 data[IOQ_DATA_LEN];
};

/**
 * struct ioq_done - what became of a descriptor
 * @turn: IOQ_TURN_*: the consumer writes it last when it gives the descriptor
 *	back; until that says this time round the ring, the descriptor is the
 *	consumer's
 * @flags: IOQ_DESC_F_*; 0 if the consumer has nothing to say
 * @len: bytes used; 0 if the consumer has nothing to say
 */
struct ioq_done {
	__le16 turn;
	__le16 flags;
	__le32 len;
};

/* A ring is as many descriptors, and then as many struct ioq_done. */
#define IOQ_RING_LEN(_count) \
	((_count) * (sizeof(struct ioq_desc) + sizeof(struct ioq_done)))

#endif /* _UAPI_LINUX_IOQ_H */
