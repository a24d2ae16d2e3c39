/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * shm-signal: an interrupt-like signal between two sides of shared memory
 */
#ifndef _UAPI_LINUX_SHM_SIGNAL_H
#define _UAPI_LINUX_SHM_SIGNAL_H

#include <linux/types.h>

/* A struct shm_signal_desc starts on a multiple of this. */
#define SHM_SIGNAL_ALIGN	64

/**
 * struct shm_signal_side - what one side of a signal publishes
 * @enabled: zero while this side wants no signal; otherwise a number that
 *	differs from the one before each time this side asks to be signalled
 * @pending: counts the times that this side has injected
 * @reserved: zero
 *
 * Only its own side ever writes it, so neither side can be made to lose what
 * it has written, and each has its own cache line.
 */
struct shm_signal_side {
	__le32 enabled;
	__le32 pending;
	__u8 reserved[56];
};

/**
 * struct shm_signal_desc - a signal in both directions, in shared memory
 * @guest: written by the driver's side
 * @host: written by the device's side
 */
struct shm_signal_desc {
	struct shm_signal_side guest;
	struct shm_signal_side host;
};

#endif /* _UAPI_LINUX_SHM_SIGNAL_H */
