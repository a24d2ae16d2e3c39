// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of venet-tap against a client that keeps to no rule: it writes
 * what it likes into every structure that it shares with the device
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_byteorder.h>

#include "client.h"

#define H_V16(x)	((__force __virtio16)cpu_to_le16(x))

/* Make a queue that broke whole again. */
static void h_heal(struct kunit *test, struct hostile *h, int i, u32 queue)
{
	KUNIT_EXPECT_EQ(test, hc_broken(h), BIT_ULL(queue));
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_RESET, queue), 0);
	memset(hc_ring(h, i), 0, H_RING_LEN);
	hc_start(test, h, queue);
	KUNIT_EXPECT_EQ(test, hc_broken(h), 0);
	*(i == H_TX ? &h->tx : &h->rx) = 0;
}

/*
 * Verbs
 */

static void verbs_are_checked(struct kunit *test)
{
	static const struct {
		u32 func;
		size_t len;
	} calls[] = {
		{ VENET_CALL_INFO, sizeof(struct venet_info) },
		{ VENET_CALL_NEGOTIATE, sizeof(struct venet_negotiate) },
		{ VENET_CALL_QUEUE_SETUP, sizeof(struct venet_queue_setup) },
		{ VENET_CALL_QUEUE_START, sizeof(struct venet_queue) },
		{ VENET_CALL_QUEUE_STOP, sizeof(struct venet_queue) },
		{ VENET_CALL_QUEUE_RESET, sizeof(struct venet_queue) },
		{ VENET_CALL_LINK, sizeof(struct venet_link) },
		{ VENET_CALL_SET_MTU, sizeof(struct venet_mtu) },
		{ VENET_CALL_SET_MAC, sizeof(struct venet_mac) },
		{ VENET_CALL_SET_OFFLOADS, sizeof(struct venet_offloads) },
		{ VENET_CALL_PAIRS, sizeof(struct venet_pairs) },
		{ VENET_CALL_RX_MODE, sizeof(struct venet_rx_mode) },
		{ VENET_CALL_VLAN, sizeof(struct venet_vlan) },
		{ VENET_CALL_COALESCE, sizeof(struct venet_coalesce) },
	};
	u8 *data = kunit_kzalloc(test, VBUS_CALL_MAX, GFP_KERNEL);
	struct hostile *h = test->priv;
	u32 handle, func;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, vbus_client_open(h->client, 0, 0, 0, &handle),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(h->client, 0, 0, 2, &handle),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, vbus_client_open(h->client, 1, 0, 1, &handle),
			-ENOENT);
	KUNIT_ASSERT_EQ(test, vbus_client_open(h->client, 0, 0, 1, &h->handle), 0);

	/* Before features are agreed on. */
	for (i = 2; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, hc_call(h, calls[i].func, data,
					      calls[i].len), -EBUSY);
	for (i = 0; i < H_REGIONS; i++)
		KUNIT_EXPECT_EQ(test, hc_shm(h, i), -EBUSY);
	KUNIT_EXPECT_EQ(test, hc_negotiate(h, ~0ULL), -EINVAL);
	for (i = 0; i < 64; i++) {
		u64 bit = BIT_ULL(i);

		if (!(hc_features(h) & bit))
			KUNIT_EXPECT_EQ(test, hc_negotiate(h, bit), -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, hc_negotiate(h, VENET_FEATURE(VENET_F_HOST_TSO4)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, hc_negotiate(h,
					   VENET_FEATURE(VENET_F_GUEST_TSO4) |
					   VENET_FEATURE(VENET_F_GUEST_CSUM)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, hc_negotiate(h, hc_features(h)), 0);
	KUNIT_EXPECT_EQ(test, hc_negotiate(h, hc_features(h)), -EBUSY);

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		memset(data, 0, VBUS_CALL_MAX);
		KUNIT_EXPECT_EQ(test, hc_call(h, calls[i].func, data,
					      calls[i].len - 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, hc_call(h, calls[i].func, data,
					      calls[i].len + 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, hc_call(h, calls[i].func, data, 0),
				-EINVAL);
		/* Every reserved byte is looked at; NEGOTIATE is over. */
		memset(data, 0xff, VBUS_CALL_MAX);
		KUNIT_EXPECT_EQ(test,
				hc_call(h, calls[i].func, data, calls[i].len),
				calls[i].func == VENET_CALL_NEGOTIATE ?
				-EBUSY : -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, hc_call(h, VENET_CALL_RSS, data, 8), -EOPNOTSUPP);
	for (func = VENET_CALL_SAVE; func < 40; func++)
		KUNIT_EXPECT_EQ(test, hc_call(h, func, data, 8), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hc_call(h, 0, data, 8), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hc_call(h, U32_MAX, data, 8), -EOPNOTSUPP);
}

static void queues_have_states(struct kunit *test)
{
	struct hostile *h = test->priv;
	u32 q;

	KUNIT_ASSERT_EQ(test, vbus_client_open(h->client, 0, 0, 1, &h->handle), 0);
	KUNIT_ASSERT_EQ(test, hc_negotiate(h, hc_features(h) & ~H_MQ), 0);
	KUNIT_EXPECT_EQ(test, hc_setup(h, 0, 16), -ENOENT);
	KUNIT_ASSERT_EQ(test, hc_shm(h, H_RX), 0);
	KUNIT_ASSERT_EQ(test, hc_shm(h, H_TX), 0);
	KUNIT_EXPECT_EQ(test, hc_shm(h, H_TX), -EBUSY);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(h->client, h->handle, 4,
					      &h->regions[H_SLAB].shm, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vbus_client_shm(h->client, h->handle,
					      VENET_REGION_SLAB(16),
					      &h->regions[H_SLAB].shm, NULL),
			-EINVAL);

	KUNIT_EXPECT_EQ(test, hc_setup(h, 2, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, hc_setup(h, U32_MAX, 16), -EINVAL);
	for (q = 0; q < 2; q++) {
		static const u32 counts[] = {
			0, 1, 3, 4, 15, 17, 64, 128, 8192, 1U << 31, U32_MAX,
		};
		int i;

		for (i = 0; i < ARRAY_SIZE(counts); i++)
			KUNIT_EXPECT_EQ_MSG(test, hc_setup(h, q, counts[i]),
					    -EINVAL, "%u", counts[i]);
		KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, q),
				-EBUSY);
		KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_RESET, q),
				-EBUSY);
		KUNIT_EXPECT_EQ(test, hc_setup(h, q, 32), 0);
		KUNIT_EXPECT_EQ(test, hc_setup(h, q, 32), -EBUSY);
		KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_STOP, q),
				-EBUSY);
		KUNIT_EXPECT_EQ(test, hc_link(h, 1), -EBUSY);
		KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, q),
				0);
		KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, q),
				-EBUSY);
	}
	KUNIT_EXPECT_EQ(test, hc_link(h, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, hc_link(h, 1), 0);
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_STOP, 0), 0);
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_STOP, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_RESET, 0), 0);
	KUNIT_EXPECT_EQ(test, hc_setup(h, 0, 8), 0);
}

static void filters_are_checked(struct kunit *test)
{
	static const struct {
		u32 flags;
		u16 unicast;
		u16 multicast;
		u8 first;	/* byte of the first address */
		u8 second;
		int err;
	} modes[] = {
		{ .flags = 4, .err = -EINVAL },
		{ .flags = BIT(31), .err = -EINVAL },
		{ .unicast = 1, .err = -EINVAL },
		{ .unicast = 1, .first = 1, .err = -EINVAL },
		{ .unicast = 1, .first = 2, .second = 2, .err = -EINVAL },
		{ .multicast = 1, .first = 2, .err = -EINVAL },
		{ .multicast = 1, .err = -EINVAL },
		{ .first = 2, .err = -EINVAL },
		{ .unicast = 129, .first = 2, .err = -EINVAL },
		{ .multicast = 129, .first = 1, .err = -EINVAL },
		{ .unicast = 0xffff, .multicast = 0xffff, .err = -EINVAL },
		{ .unicast = 0xffff, .multicast = 1, .err = -EINVAL },
		{ .unicast = 1, .multicast = 1, .first = 2, .second = 1 },
		{ .flags = 3 },
	};
	struct venet_rx_mode *mode;
	struct venet_vlan *vlan;
	struct hostile *h = test->priv;
	int i;

	mode = kunit_kzalloc(test, sizeof(*mode), GFP_KERNEL);
	vlan = kunit_kzalloc(test, sizeof(*vlan), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mode);
	KUNIT_ASSERT_NOT_NULL(test, vlan);

	/* It needs to know the client's address, so that it can be set. */
	KUNIT_ASSERT_EQ(test, vbus_client_open(h->client, 0, 0, 1, &h->handle), 0);
	KUNIT_EXPECT_EQ(test, hc_negotiate(h, VENET_FEATURE(VENET_F_RX_MODE)),
			-EINVAL);
	KUNIT_ASSERT_EQ(test, hc_negotiate(h, VENET_FEATURE(VENET_F_MAC)), 0);
	KUNIT_EXPECT_EQ(test, hc_call(h, VENET_CALL_RX_MODE, mode,
				      sizeof(*mode)), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hc_call(h, VENET_CALL_VLAN, vlan, sizeof(*vlan)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vbus_client_close(h->client, h->handle), 0);

	hc_connect(test, h, ~0ULL);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		memset(mode, 0, sizeof(*mode));
		mode->flags = cpu_to_le32(modes[i].flags);
		mode->unicast = cpu_to_le16(modes[i].unicast);
		mode->multicast = cpu_to_le16(modes[i].multicast);
		mode->addrs[0][0] = modes[i].first;
		mode->addrs[1][0] = modes[i].second;
		KUNIT_EXPECT_EQ_MSG(test, hc_call(h, VENET_CALL_RX_MODE, mode,
						  sizeof(*mode)),
				    modes[i].err, "mode %d", i);
	}
	vlan->filter = cpu_to_le32(2);
	KUNIT_EXPECT_EQ(test, hc_call(h, VENET_CALL_VLAN, vlan, sizeof(*vlan)),
			-EINVAL);
	vlan->filter = cpu_to_le32(1);
	memset(vlan->vids, 0xff, sizeof(vlan->vids));
	KUNIT_EXPECT_EQ(test, hc_call(h, VENET_CALL_VLAN, vlan, sizeof(*vlan)),
			0);
	hc_expect_alive(test, h);
}

/* Another client's memory: it has none. */
static int h_other_copy_from(struct vbus_memctx *ctx, void *dst, u64 addr,
			     size_t len)
{
	return -EFAULT;
}

static void h_other_release(struct vbus_memctx *ctx)
{
	atomic_dec(&container_of(ctx, struct hostile, other)->refs);
}

static const struct vbus_memctx_ops h_other_ops = {
	.copy_from = h_other_copy_from,
	.release = h_other_release,
};

static void one_client_at_a_time(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct vbus_client *other;
	u32 handle;

	hc_connect(test, h, ~0ULL);
	vbus_memctx_init(&h->other, &h_other_ops);
	atomic_inc(&h->refs);
	other = vbus_client_create(h->tb.bus, &hc_client_ops, &h->other, h);
	vbus_memctx_put(&h->other);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, vbus_client_open(other, 0, 0, 1, &handle), -EBUSY);
	KUNIT_EXPECT_EQ(test, vbus_client_call(other, h->handle,
					       VENET_CALL_LINK, &handle, 4),
			-ENOENT);
	vbus_client_destroy(other);
	hc_expect_alive(test, h);
}

/*
 * Transmission
 */

struct h_bad_desc {
	const char *what;
	struct ioq_desc desc;
	struct venet_desc vd;
};

#define H_GOOD	.addr = cpu_to_le64(H_ADDR), .len = cpu_to_le32(500)
#define H_VD	(struct venet_desc)

static const struct h_bad_desc h_bad_descs[] = {
	{ "region", { H_GOOD, .region = cpu_to_le32(1) } },
	{ "slab", { H_GOOD, .region = cpu_to_le32(128) } },
	{ "region too large", { H_GOOD, .region = cpu_to_le32(~0U) } },
	{ "reserved", { H_GOOD, .reserved = cpu_to_le32(1) } },
	{ "error flag", { H_GOOD, .flags = cpu_to_le16(2) } },
	{ "unknown flag", { H_GOOD, .flags = cpu_to_le16(0x8000) } },
	{ "no length", { .addr = cpu_to_le64(H_ADDR) } },
	{ "too short", { .addr = cpu_to_le64(H_ADDR),
			 .len = cpu_to_le32(13) } },
	{ "too long", { .addr = cpu_to_le64(H_ADDR),
			.len = cpu_to_le32(VENET_MAX_FRAME + 1) } },
	{ "length wraps", { .addr = cpu_to_le64(H_ADDR),
			    .len = cpu_to_le32(~0U) } },
	{ "no such memory", { .len = cpu_to_le32(500) } },
	{ "address wraps", { .addr = cpu_to_le64(~0ULL),
			     .len = cpu_to_le32(500) } },
	{ "flags of the header", { H_GOOD }, H_VD { .hdr.flags = 2 } },
	{ "all flags of it", { H_GOOD }, H_VD { .hdr.flags = 0xff } },
	{ "num_buffers", { H_GOOD },
	  H_VD { .hdr.num_buffers = H_V16(1) } },
	{ "hash", { H_GOOD }, H_VD { .hash = cpu_to_le32(1) } },
	{ "hash_report", { H_GOOD }, H_VD { .hash_report = cpu_to_le16(1) } },
	{ "reserved16", { H_GOOD }, H_VD { .reserved16 = cpu_to_le16(1) } },
	{ "reserved 0", { H_GOOD }, H_VD { .reserved[0] = cpu_to_le32(1) } },
	{ "reserved 2", { H_GOOD }, H_VD { .reserved[2] = cpu_to_le32(1) } },
	{ "csum_start at the end", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.csum_start = H_V16(499) } },
	{ "csum_offset at the end", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(465) } },
	{ "csum wraps", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.csum_start = H_V16(0xffff),
		 .hdr.csum_offset = H_V16(0xffff) } },
	{ "csum in the Ethernet header", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.csum_start = H_V16(0) } },
	{ "GSO without checksum", { H_GOOD },
	  H_VD { .hdr.gso_type = 1, .hdr.gso_size = H_V16(100) } },
	{ "GSO of size 0", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 1,
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(16) } },
	{ "UFO", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 3,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(6) } },
	{ "unknown GSO", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 2,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(16) } },
	{ "ECN alone", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 0x80,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(16) } },
	{ "USO with ECN", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 0x85,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(6) } },
	{ "TCP with UDP's checksum", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 1,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(6) } },
	{ "TCP in something else", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 1,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(16) } },
	{ "GSO_BY_FRAGS", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 1,
		 .hdr.gso_size = H_V16(0xffff),
		 .hdr.csum_start = H_V16(34),
		 .hdr.csum_offset = H_V16(16) } },
	{ "TCP header beyond the frame", { H_GOOD },
	  H_VD { .hdr.flags = 1, .hdr.gso_type = 1,
		 .hdr.gso_size = H_V16(100),
		 .hdr.csum_start = H_V16(482),
		 .hdr.csum_offset = H_V16(16) } },
};

/* Each is refused, none arrives, and the queue goes on. */
static void bad_frames_are_refused(struct kunit *test)
{
	struct hostile *h = test->priv;
	int i;

	h->fault_err = -EFAULT;
	hc_connect(test, h, ~0ULL);
	for (i = 0; i < ARRAY_SIZE(h_bad_descs); i++) {
		const struct h_bad_desc *bad = &h_bad_descs[i];
		struct ioq_desc desc = bad->desc, *slot;

		memcpy(desc.data, &bad->vd, sizeof(bad->vd));
		slot = hc_publish(h, H_TX, &h->tx, &desc);
		hc_ring_bell(h, H_TX, i & 1 ? SHM_SIGNAL_PROCESS :
					     SHM_SIGNAL_ATOMIC);
		KUNIT_EXPECT_TRUE_MSG(test, hc_back(h, slot), "%s", bad->what);
		KUNIT_EXPECT_EQ_MSG(test, le16_to_cpu(hc_done(h, slot)->flags),
				    IOQ_DESC_F_ERROR, "%s", bad->what);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hc_done(h, slot)->len), 0);
		hc_expect_alive(test, h);
	}
	KUNIT_EXPECT_EQ(test, hc_broken(h), 0);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "in_errors"),
			ARRAY_SIZE(h_bad_descs));
}

/* What was not negotiated is refused, too. */
static void headers_need_their_feature(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc desc, *slot;
	struct venet_desc vd = {
		.hdr.flags = 1,
		.hdr.csum_start = H_V16(34),
		.hdr.csum_offset = H_V16(16),
	};

	hc_connect(test, h, VENET_FEATURE(VENET_F_STATUS));
	desc = hc_good_desc(test, h, 500);
	memcpy(desc.data, &vd, sizeof(vd));
	slot = hc_publish(h, H_TX, &h->tx, &desc);
	hc_ring_bell(h, H_TX, SHM_SIGNAL_PROCESS);
	KUNIT_EXPECT_TRUE(test, hc_back(h, slot));
	KUNIT_EXPECT_EQ(test, le16_to_cpu(hc_done(h, slot)->flags),
			IOQ_DESC_F_ERROR);
	hc_expect_alive(test, h);
}

static void frames_come_in_pieces(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc desc, *slot = NULL;
	u32 at, len = 16 * 37;

	hc_connect(test, h, ~0ULL);
	desc = hc_good_desc(test, h, len);
	/* A whole ring in one chain, its first descriptor last. */
	for (at = 0; at < 16; at++) {
		slot = hc_slot(h, H_TX, 15 - at);
		*slot = desc;
		slot->addr = cpu_to_le64(H_ADDR + (15 - at) * 37);
		slot->len = cpu_to_le32(37);
		slot->flags = cpu_to_le16(at ? IOQ_DESC_F_NEXT : 0);
		/* As a driver would. */
		smp_store_release(&slot->turn, hc_turn(15 - at));
	}
	hc_ring_bell(h, H_TX, SHM_SIGNAL_PROCESS);
	KUNIT_EXPECT_TRUE(test, hc_back(h, slot));
	test_frame_expect(test, test_port_receive(&h->host), len, h->seq++);
	h->tx = 16;
	hc_expect_alive(test, h);
}

static void chains_without_end_break_the_ring(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc desc;
	int i, n;

	hc_connect(test, h, ~0ULL);
	for (n = 1; n <= 16; n += 15) {
		desc = hc_good_desc(test, h, 500);
		desc.flags = cpu_to_le16(IOQ_DESC_F_NEXT);
		for (i = 0; i < n; i++)
			hc_publish(h, H_TX, &h->tx, &desc);
		hc_ring_bell(h, H_TX, SHM_SIGNAL_PROCESS);
		h_heal(test, h, H_TX, VENET_QUEUE_TX(0));
		hc_expect_alive(test, h);
	}
}

static void missing_memory_is_brought_in(struct kunit *test)
{
	struct hostile *h = test->priv;

	hc_connect(test, h, ~0ULL);
	atomic_set(&h->missing, 1);
	hc_expect_alive(test, h);
	KUNIT_EXPECT_GT(test, atomic_read(&h->faults), 0);
	/* More often than a bell tries. */
	atomic_set(&h->missing, 12);
	hc_expect_alive(test, h);
	KUNIT_EXPECT_EQ(test, atomic_read(&h->missing), 0);
}

/*
 * Reception
 */

static const struct {
	const char *what;
	struct ioq_desc desc;
} h_bad_bufs[] = {
#define H_SLAB0	.region = cpu_to_le32(128)
#define H_LEN	.len = cpu_to_le32(4096)
	{ "region 0", { H_LEN } },
	{ "the ring", { .region = cpu_to_le32(2), H_LEN } },
	{ "no such slab", { .region = cpu_to_le32(129), H_LEN } },
	{ "slab too large", { .region = cpu_to_le32(144), H_LEN } },
	{ "slab far too large", { .region = cpu_to_le32(~0U), H_LEN } },
	{ "beyond the slab", { H_SLAB0, H_LEN,
			       .addr = cpu_to_le64(H_SLAB_LEN) } },
	{ "across the end", { H_SLAB0, H_LEN,
			      .addr = cpu_to_le64(H_SLAB_LEN - 4095) } },
	{ "address wraps", { H_SLAB0, H_LEN,
			     .addr = cpu_to_le64(~0ULL - 100) } },
	{ "above 4 GiB", { H_SLAB0, H_LEN,
			   .addr = cpu_to_le64(1ULL << 32) } },
	{ "no length", { H_SLAB0 } },
	{ "too small", { H_SLAB0, .len = cpu_to_le32(1535) } },
	{ "too long", { H_SLAB0, .len = cpu_to_le32(65537) } },
	{ "far too long", { H_SLAB0, .len = cpu_to_le32(~0U) } },
	{ "flags", { H_SLAB0, H_LEN, .flags = cpu_to_le16(1) } },
	{ "reserved", { H_SLAB0, H_LEN, .reserved = cpu_to_le32(1) } },
};

static void h_send(struct kunit *test, struct hostile *h, u32 len)
{
	struct sk_buff *skb = test_frame(h->host.dev, len, h->seq, false);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	dev_queue_xmit(skb);
}

static struct ioq_desc *h_post(struct hostile *h, u32 offset, u32 len)
{
	struct ioq_desc desc = {
		.region = cpu_to_le32(VENET_REGION_SLAB(0)),
		.addr = cpu_to_le64(offset),
		.len = cpu_to_le32(len),
		.cookie = cpu_to_le64(offset),
	};

	return hc_publish(h, H_RX, &h->rx, &desc);
}

/* The frame with number h->seq is in @n buffers. */
static void h_expect_frame(struct kunit *test, struct hostile *h,
			   struct ioq_desc **slots, int n, u32 len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	struct venet_desc vd;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_TRUE(test, hc_back(h, slots[0]));
	memcpy(&vd, slots[0]->data, sizeof(vd));
	KUNIT_EXPECT_EQ(test, n,
			__virtio16_to_cpu(true, vd.hdr.num_buffers));
	for (i = 0; i < n; i++) {
		struct ioq_done *done = hc_done(h, slots[i]);
		u32 got = le32_to_cpu(done->len);

		KUNIT_EXPECT_EQ(test, le16_to_cpu(done->flags),
				i < n - 1 ? IOQ_DESC_F_NEXT : 0);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(slots[i]->cookie),
				le64_to_cpu(slots[i]->addr));
		KUNIT_ASSERT_LE(test, got, skb_tailroom(skb));
		skb_put_data(skb, h->regions[H_SLAB].shm.vaddr +
			     le64_to_cpu(slots[i]->addr), got);
	}
	skb_reset_mac_header(skb);
	test_frame_expect(test, skb, len, h->seq++);
}

static void bad_buffers_break_the_ring(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc *slot;
	int i;

	hc_connect(test, h, ~0ULL);
	for (i = 0; i < ARRAY_SIZE(h_bad_bufs); i++) {
		hc_publish(h, H_RX, &h->rx, &h_bad_bufs[i].desc);
		hc_ring_bell(h, H_RX, SHM_SIGNAL_PROCESS);
		h_send(test, h, 500);
		hc_expect_alive(test, h);
		h_heal(test, h, H_RX, VENET_QUEUE_RX(0));
		slot = h_post(h, 100, 2000);
		h_send(test, h, 600);
		h_expect_frame(test, h, &slot, 1, 600);
	}
}

static void frames_fill_several_buffers(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc *slots[3];
	int i;

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_mtu(h->host.dev, 9000), 0);
	rtnl_unlock();
	hc_connect(test, h, ~0ULL);
	for (i = 0; i < 3; i++)
		slots[i] = h_post(h, 5000 * i + 1, 1600);
	h_send(test, h, 4000);
	h_expect_frame(test, h, slots, 3, 4000);
}

static void without_the_feature_there_is_one_buffer(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc *slot;

	hc_connect(test, h, VENET_FEATURE(VENET_F_STATUS));
	slot = h_post(h, 0, 1536);
	h_post(h, 4096, 1536);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_mtu(h->host.dev, 2000), 0);
	rtnl_unlock();
	h_send(test, h, 1900);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 1);
	h_send(test, h, 1000);
	h_expect_frame(test, h, &slot, 1, 1000);
}

/* Nothing is lost before its time, and a dead client holds nothing after it. */
static void a_full_ring_stops_and_stalls(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 0);
	struct ioq_desc *slot;
	u64 dropped;

	hc_connect(test, h, ~0ULL);
	h_send(test, h, 500);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	slot = h_post(h, 0, 4096);
	hc_ring_bell(h, H_RX, SHM_SIGNAL_PROCESS);
	h_expect_frame(test, h, &slot, 1, 500);

	/* Now it is silent: after a second all goes, and is counted. */
	h_send(test, h, 501);
	h_send(test, h, 502);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	msleep(1500);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_stalls"), 1);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	dropped = test_port_stat(test, &h->host, "out_dropped");
	KUNIT_EXPECT_EQ(test, dropped, 2);
	h_send(test, h, 503);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"),
			dropped + 1);

	/* And it lives again. */
	slot = h_post(h, 0, 4096);
	hc_ring_bell(h, H_RX, SHM_SIGNAL_ATOMIC);
	h_send(test, h, 504);
	h_expect_frame(test, h, &slot, 1, 504);
}

/* A client that rings and posts nothing is as dead as one that is silent. */
static void bells_alone_buy_no_time(struct kunit *test)
{
	struct hostile *h = test->priv;
	int i;

	hc_connect(test, h, ~0ULL);
	h_send(test, h, 500);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 0);
	for (i = 0; i < 30; i++) {
		msleep(50);
		hc_ring_bell(h, H_RX, SHM_SIGNAL_PROCESS);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 1);
	h_send(test, h, 501);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 2);
}

/* So is one that takes a buffer now and then; until it posts a quarter. */
static void a_drip_of_buffers_buys_no_time(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 0);
	int i;

	hc_connect(test, h, ~0ULL);
	for (i = 0; i < 10; i++)
		h_send(test, h, 500);
	for (i = 0; i < 4; i++) {
		msleep(400);
		h_post(h, 0, 4096);
		hc_ring_bell(h, H_RX, SHM_SIGNAL_PROCESS);
	}
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 8);

	/* The last buffer stops the queue only when somebody will start it. */
	for (i = 0; i < 3; i++)
		h_send(test, h, 500);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 9);

	for (i = 0; i < H_RING_COUNT / 4; i++)
		h_post(h, 0, 4096);
	for (i = 0; i < H_RING_COUNT / 4; i++)
		h_send(test, h, 500);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	h_send(test, h, 500);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 9);
}

/* Buffers that nobody has needed yet are buffers. */
static void a_share_in_the_ring_buys_time(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 0);
	int i;

	hc_connect(test, h, ~0ULL);
	h_send(test, h, 500);
	for (i = 0; i < H_RING_COUNT / 2; i++)
		h_post(h, 0, 4096);
	hc_ring_bell(h, H_RX, SHM_SIGNAL_PROCESS);
	msleep(1500);
	for (i = 0; i < H_RING_COUNT / 2; i++)
		h_send(test, h, 500);
	KUNIT_EXPECT_TRUE(test, netif_tx_queue_stopped(txq));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_stalls"), 0);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 0);
}

/* What no ring of that length can hold does not wait for buffers. */
static void frames_too_long_for_the_ring_do_not_wait(struct kunit *test)
{
	const u32 queue = VENET_QUEUE_RX(0);
	struct hostile *h = test->priv;
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 0);
	struct sk_buff *skb = test_tso_frame(h->host.dev, 20000, 1, true);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	hc_connect(test, h, ~0ULL);
	KUNIT_ASSERT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_RESET, queue), 0);
	KUNIT_ASSERT_EQ(test, hc_setup(h, queue, 8), 0);
	KUNIT_ASSERT_EQ(test, hc_queue(h, VENET_CALL_QUEUE_START, queue), 0);
	for (i = 0; i < 8; i++)
		h_post(h, 0, 1536);
	dev_queue_xmit(skb);
	KUNIT_EXPECT_FALSE(test, netif_tx_queue_stopped(txq));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 1);
}

/* To the driver, past what the stack checks. */
static void h_xmit(struct kunit *test, struct hostile *h, struct sk_buff *skb,
		   bool more)
{
	struct netdev_queue *txq = netdev_get_tx_queue(h->host.dev, 0);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	__netif_tx_lock_bh(txq);
	netdev_start_xmit(skb, h->host.dev, txq, more);
	__netif_tx_unlock_bh(txq);
}

/* Segments whose checksums are there already: the header cannot say so. */
static void segments_without_a_header_are_refused(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct sk_buff *skb = test_tso_frame(h->host.dev, 4000, 1, true);
	struct ioq_desc *slot;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	hc_connect(test, h, ~0ULL);
	slot = h_post(h, 0, 4096);
	h_xmit(test, h, skb, false);
	KUNIT_EXPECT_FALSE(test, hc_is_back(h, slot));
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 1);
	h_send(test, h, 500);
	h_expect_frame(test, h, &slot, 1, 500);
}

/* The ring goes in the middle of a burst: its first frame is not forgotten. */
static void a_burst_is_announced_when_the_ring_is_back(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct h_region *r = &h->regions[H_RX];
	struct ioq_desc *slot;

	hc_connect(test, h, ~0ULL);
	WRITE_ONCE(hc_ring(h, H_RX)->signal.guest.enabled, cpu_to_le32(1));
	slot = h_post(h, 0, 4096);
	h_post(h, 4096, 4096);
	h_xmit(test, h, test_frame(h->host.dev, 500, h->seq, true), true);
	WRITE_ONCE(r->shm.live, false);
	h_xmit(test, h, test_frame(h->host.dev, 500, h->seq, true), false);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->rung), 0);
	WRITE_ONCE(r->shm.live, true);
	hc_ring_bell(h, H_RX, SHM_SIGNAL_ATOMIC);
	flush_work(&h->worker);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->rung), 1);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 1);
	h_expect_frame(test, h, &slot, 1, 500);
}

/* A bridge prints each time. */
static void the_carrier_does_not_flap(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct net_device *dev = h->host.dev;
	int i, downs;

	hc_connect(test, h, ~0ULL);
	downs = atomic_read(&dev->carrier_down_count);
	for (i = 0; i < 100; i++) {
		KUNIT_ASSERT_EQ(test, hc_link(h, 0), 0);
		KUNIT_ASSERT_EQ(test, hc_link(h, 1), 0);
	}
	KUNIT_EXPECT_LE(test, atomic_read(&dev->carrier_down_count) - downs, 3);
	/* What it comes to is what counts. */
	KUNIT_ASSERT_EQ(test, hc_link(h, 0), 0);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&h->host, false));
	KUNIT_ASSERT_EQ(test, hc_link(h, 1), 0);
	KUNIT_EXPECT_TRUE(test, test_port_carrier(&h->host, true));
}

/* As an administrator or macvlan would. */
static void the_interface_takes_addresses(struct kunit *test)
{
	static const u8 station[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };
	static const u8 group[ETH_ALEN] = { 1, 0, 0x5e, 0, 0, 0x77 };
	struct hostile *h = test->priv;
	struct net_device *dev = h->host.dev;

	KUNIT_EXPECT_NOT_NULL(test, dev->netdev_ops->ndo_set_rx_mode);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_mc_add(dev, group), 0);
	KUNIT_EXPECT_EQ(test, dev_uc_add(dev, station), 0);
	KUNIT_EXPECT_EQ(test, dev->flags & IFF_PROMISC, 0);
	KUNIT_EXPECT_FALSE(test, dev->uc_promisc);
	KUNIT_EXPECT_EQ(test, dev_uc_del(dev, station), 0);
	KUNIT_EXPECT_EQ(test, dev_mc_del(dev, group), 0);
	rtnl_unlock();
}

static void suspended_memory_is_left_alone(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct vbus_shm *slab = &h->regions[H_SLAB].shm;
	struct vbus_shm *ring = &h->regions[H_RX].shm;
	struct ioq_desc *slot;
	u8 *first = slab->vaddr;

	hc_connect(test, h, ~0ULL);
	slot = h_post(h, 0, 4096);
	WRITE_ONCE(slab->live, false);
	h_send(test, h, 500);
	KUNIT_EXPECT_EQ(test, *first, 0);
	KUNIT_EXPECT_FALSE(test, hc_is_back(h, slot));
	WRITE_ONCE(slab->live, true);
	WRITE_ONCE(ring->live, false);
	h_send(test, h, 500);
	KUNIT_EXPECT_EQ(test, *first, 0);
	WRITE_ONCE(ring->live, true);
	KUNIT_EXPECT_EQ(test, test_port_stat(test, &h->host, "out_dropped"), 2);
	h_send(test, h, 500);
	h_expect_frame(test, h, &slot, 1, 500);
}

/* Bytes at random, in all that is shared, with both sides at work. */
static void noise_does_no_harm(struct kunit *test)
{
	struct hostile *h = test->priv;
	int i, j;

	h->fault_err = -EFAULT;
	hc_connect(test, h, ~0ULL);
	for (i = 0; i < 300; i++) {
		for (j = H_STATUS; j <= H_TX; j++)
			get_random_bytes(h->regions[j].shm.vaddr,
					 H_RING_LEN);
		for (j = 0; j < H_RING_COUNT; j++) {
			struct ioq_desc *d = hc_slot(h, H_TX, j);

			/* Half of them make some sense. */
			d->turn = cpu_to_le16(IOQ_TURN_EVEN);
			hc_slot(h, H_RX, j)->turn = d->turn;
			if (get_random_u32_below(2))
				continue;
			d->region = 0;
			d->reserved = 0;
			d->flags &= cpu_to_le16(IOQ_DESC_F_NEXT);
			d->addr = cpu_to_le64(H_ADDR);
			d->len = cpu_to_le32(get_random_u32_below(5000));
			memset(d->data + 10, 0, sizeof(d->data) - 10);
			d->data[0] &= 1;
		}
		hc_ring_bell(h, H_TX, i & 1 ? SHM_SIGNAL_PROCESS :
					     SHM_SIGNAL_ATOMIC);
		h_send(test, h, 500);
		hc_ring_bell(h, H_RX, SHM_SIGNAL_ATOMIC);
		flush_work(&h->worker);
		for (j = 0; j < 2; j++) {
			hc_queue(h, VENET_CALL_QUEUE_RESET, j);
			hc_setup(h, j, H_RING_COUNT);
			hc_queue(h, VENET_CALL_QUEUE_START, j);
		}
	}
	skb_queue_purge(&h->host.frames);
	for (j = 0; j < 2; j++) {
		hc_queue(h, VENET_CALL_QUEUE_RESET, j);
		memset(h->regions[H_RX + j].shm.vaddr, 0, H_RING_LEN);
		hc_start(test, h, j);
	}
	h->tx = 0;
	hc_expect_alive(test, h);
}

/* A client that dies in the middle. */
static void the_client_can_die_at_any_time(struct kunit *test)
{
	struct hostile *h = test->priv;
	struct ioq_desc desc;
	int i;

	for (i = 0; i < 20; i++) {
		memset(hc_ring(h, H_TX), 0, H_RING_LEN);
		memset(hc_ring(h, H_RX), 0, H_RING_LEN);
		h->tx = 0;
		h->rx = 0;
		hc_connect(test, h, ~0ULL);
		desc = hc_good_desc(test, h, 500);
		hc_publish(h, H_TX, &h->tx, &desc);
		hc_ring_bell(h, H_TX, SHM_SIGNAL_ATOMIC);
		h_send(test, h, 500);
		if (i & 1)
			vbus_client_reset(h->client);
		else
			KUNIT_EXPECT_EQ(test, vbus_client_close(h->client,
								h->handle), 0);
		KUNIT_EXPECT_TRUE(test, test_port_carrier(&h->host, false));
	}
}

static struct kunit_case h_cases[] = {
	KUNIT_CASE_SLOW(verbs_are_checked),
	KUNIT_CASE_SLOW(queues_have_states),
	KUNIT_CASE_SLOW(filters_are_checked),
	KUNIT_CASE_SLOW(one_client_at_a_time),
	KUNIT_CASE_SLOW(bad_frames_are_refused),
	KUNIT_CASE_SLOW(headers_need_their_feature),
	KUNIT_CASE_SLOW(frames_come_in_pieces),
	KUNIT_CASE_SLOW(chains_without_end_break_the_ring),
	KUNIT_CASE_SLOW(missing_memory_is_brought_in),
	KUNIT_CASE_SLOW(bad_buffers_break_the_ring),
	KUNIT_CASE_SLOW(frames_fill_several_buffers),
	KUNIT_CASE_SLOW(without_the_feature_there_is_one_buffer),
	KUNIT_CASE_SLOW(a_full_ring_stops_and_stalls),
	KUNIT_CASE_SLOW(bells_alone_buy_no_time),
	KUNIT_CASE_SLOW(a_drip_of_buffers_buys_no_time),
	KUNIT_CASE_SLOW(a_share_in_the_ring_buys_time),
	KUNIT_CASE_SLOW(frames_too_long_for_the_ring_do_not_wait),
	KUNIT_CASE_SLOW(segments_without_a_header_are_refused),
	KUNIT_CASE_SLOW(a_burst_is_announced_when_the_ring_is_back),
	KUNIT_CASE_SLOW(the_carrier_does_not_flap),
	KUNIT_CASE_SLOW(the_interface_takes_addresses),
	KUNIT_CASE_SLOW(suspended_memory_is_left_alone),
	KUNIT_CASE_SLOW(noise_does_no_harm),
	KUNIT_CASE_SLOW(the_client_can_die_at_any_time),
	{}
};

static struct kunit_suite h_suite = {
	.name = "venet-tap-hostile",
	.init = hc_init,
	.exit = hc_exit,
	.test_cases = h_cases,
};

kunit_test_suite(h_suite);
