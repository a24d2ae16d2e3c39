/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Virtual-Bus: what every connector carries, whatever the environment
 *
 * All of it is little-endian, naturally aligned and the same for 32 and 64
 * bits. Reserved fields are zero and are refused when they are not.
 */
#ifndef _UAPI_LINUX_VBUS_H
#define _UAPI_LINUX_VBUS_H

#include <linux/types.h>

/* The version of the verbs, as in /sys/vbus/version. */
#define VBUS_VERSION		1

/* Bytes for the type of an interface, with the closing zero. */
#define VBUS_TYPE_LEN		32

/* The most bytes that call() carries. */
#define VBUS_CALL_MAX		4096

/* The most bytes, and the most pieces, that one shm() registers. */
#define VBUS_SHM_MAX_LEN	(16 << 20)
#define VBUS_SHM_MAX_SEGS	4096

/* shm() without a signal. */
#define VBUS_SHM_NO_SIGNAL	0xffffffff

/**
 * struct vbus_device_info - one device as a client of its bus sees it
 * @id: the dev-id: means something on this bus only
 * @instance: another one whenever a device is put on the bus, never 0; connections
 *	that were opened when the dev-id had another one have ended
 * @type: what drivers match on, zero-padded: ASCII letters, digits and "-_."
 */
struct vbus_device_info {
	__le32 id;
	__le32 instance;
	char type[VBUS_TYPE_LEN];
};

/**
 * struct vbus_shm_seg - one piece of a region of the driver's memory
 * @addr: where it starts
 * @len: how many bytes it has
 *
 * Pieces are whole pages of 4096 bytes.
 */
struct vbus_shm_seg {
	__le64 addr;
	__le64 len;
};

#endif /* _UAPI_LINUX_VBUS_H */
