// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: the functions that a device can be called for
 *
 * All of them sleep, need the device to be open, and return 0 or the error of
 * vbus_proxy_call() or of the device, as include/uapi/linux/venet.h tells.
 */
#include <linux/etherdevice.h>

#include "venet.h"

static_assert(sizeof(struct venet_desc) == sizeof_field(struct ioq_desc, data));
static_assert(sizeof(struct venet_desc) == 32);
static_assert(sizeof(struct venet_ring) == 256);
static_assert(sizeof(struct venet_status) == 4096);
static_assert(sizeof(struct venet_info) == 128);
static_assert(sizeof(struct venet_negotiate) == 32);
static_assert(sizeof(struct venet_queue_setup) == 32);
static_assert(sizeof(struct venet_queue) == 16);
static_assert(sizeof(struct venet_link) == 16);
static_assert(sizeof(struct venet_mtu) == 16);
static_assert(sizeof(struct venet_mac) == 16);
static_assert(sizeof(struct venet_offloads) == 16);
static_assert(sizeof(struct venet_pairs) == 16);
static_assert(sizeof(struct venet_rx_mode) == 784);
static_assert(sizeof(struct venet_vlan) == 528);
static_assert(sizeof(struct venet_coalesce) == 16);

static int venet_call(struct venet *venet, u32 func, void *data, size_t len)
{
	return vbus_proxy_call(venet->vdev, func, data, len);
}

int venet_get_info(struct vbus_proxy_device *vdev, struct venet_info *info)
{
	memset(info, 0, sizeof(*info));
	return vbus_proxy_call(vdev, VENET_CALL_INFO, info, sizeof(*info));
}

int venet_negotiate(struct venet *venet)
{
	struct venet_negotiate args = {
		.features = cpu_to_le64(venet->features),
	};

	return venet_call(venet, VENET_CALL_NEGOTIATE, &args, sizeof(args));
}

int venet_queue_setup(struct venet *venet, u32 queue, u32 count)
{
	struct venet_queue_setup args = {
		.queue = cpu_to_le32(queue),
		.count = cpu_to_le32(count),
	};

	return venet_call(venet, VENET_CALL_QUEUE_SETUP, &args, sizeof(args));
}

int venet_queue_start(struct venet *venet, u32 queue)
{
	struct venet_queue args = { .queue = cpu_to_le32(queue) };

	return venet_call(venet, VENET_CALL_QUEUE_START, &args, sizeof(args));
}

int venet_set_link(struct venet *venet, bool up)
{
	struct venet_link args = { .up = cpu_to_le32(up) };

	return venet_call(venet, VENET_CALL_LINK, &args, sizeof(args));
}

int venet_set_mtu(struct venet *venet, u32 mtu)
{
	struct venet_mtu args = { .mtu = cpu_to_le32(mtu) };

	return venet_call(venet, VENET_CALL_SET_MTU, &args, sizeof(args));
}

int venet_set_mac(struct venet *venet, const u8 *mac)
{
	struct venet_mac args = {};

	ether_addr_copy(args.mac, mac);
	return venet_call(venet, VENET_CALL_SET_MAC, &args, sizeof(args));
}

int venet_set_offloads(struct venet *venet, u64 offloads)
{
	struct venet_offloads args = { .offloads = cpu_to_le64(offloads) };

	return venet_call(venet, VENET_CALL_SET_OFFLOADS, &args, sizeof(args));
}

int venet_set_pairs(struct venet *venet, u32 pairs)
{
	struct venet_pairs args = { .pairs = cpu_to_le32(pairs) };

	return venet_call(venet, VENET_CALL_PAIRS, &args, sizeof(args));
}

int venet_set_rx_mode(struct venet *venet, struct venet_rx_mode *mode)
{
	return venet_call(venet, VENET_CALL_RX_MODE, mode, sizeof(*mode));
}

int venet_set_vlans(struct venet *venet, struct venet_vlan *vlan)
{
	return venet_call(venet, VENET_CALL_VLAN, vlan, sizeof(*vlan));
}

int venet_set_coalesce(struct venet *venet, u32 queue, u32 usecs, u32 frames)
{
	struct venet_coalesce args = {
		.queue = cpu_to_le32(queue),
		.usecs = cpu_to_le32(usecs),
		.frames = cpu_to_le32(frames),
	};

	return venet_call(venet, VENET_CALL_COALESCE, &args, sizeof(args));
}
