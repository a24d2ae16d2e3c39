/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI of the sample device: what driver and device agree on. For a device
 * of your own it belongs under include/uapi/linux.
 */
#ifndef _VBUS_ECHO_H
#define _VBUS_ECHO_H

#include <linux/build_bug.h>
#include <linux/shm_signal.h>
#include <linux/types.h>

#define VBUS_ECHO_VERSION	1

/* call(): the device turns the letters it gets into capitals */
#define VBUS_ECHO_FUNC_UPPER	1

/* shm(): one page; number 0 is not for regions */
#define VBUS_ECHO_SHM_PAGE	1

/*
 * The page: the driver writes @question and signals, the device writes the
 * number that comes next to @answer and signals.
 */
struct vbus_echo_page {
	struct shm_signal_desc signal;
	__le32 question;
	__le32 answer;
};

static_assert(sizeof(struct vbus_echo_page) == 136);

#endif /* _VBUS_ECHO_H */
