/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioq: a lockless single-producer, single-consumer queue of descriptors in
 * shared memory
 */
#ifndef _UAPI_LINUX_IOQ_H
#define _UAPI_LINUX_IOQ_H

#include <linux/types.h>

/* Who may touch a descriptor: the values of ioq_desc.owner. */
#define IOQ_OWNER_PRODUCER	0
#define IOQ_OWNER_CONSUMER	1

/* ioq_desc.flags */
#define IOQ_DESC_F_NEXT		(1 << 0)	/* goes on in the next descriptor */
#define IOQ_DESC_F_ERROR	(1 << 1)	/* the consumer refused it */

/* Bytes that a type of device may put into a descriptor. */
#define IOQ_DATA_LEN		32

/* A ring's length is a power of two within these bounds. */
#define IOQ_COUNT_MIN		2
#define IOQ_COUNT_MAX		32768

/**
 * struct ioq_desc - one descriptor, one cache line
 * @owner: IOQ_OWNER_*: who may read and write the rest; it is written last
 *	when a descriptor is handed over and read first; any other value means
 *	that it was not handed over
 * @flags: IOQ_DESC_F_*
 * @region: the registered region that @addr is an offset into, or 0 when @addr
 *	is an address in the driver's memory
 * @addr: where the data is
 * @len: bytes there; the consumer writes how many it used
 * @reserved: zero
 * @cookie: the producer's own, unchanged by the consumer
 * @data: what the type of device puts beside the buffer
 */
struct ioq_desc {
	__le16 owner;
	__le16 flags;
	__le32 region;
	__le64 addr;
	__le32 len;
	__le32 reserved;
	__le64 cookie;
	__u8 data[IOQ_DATA_LEN];
};

#endif /* _UAPI_LINUX_IOQ_H */
