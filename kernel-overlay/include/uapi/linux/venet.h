/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * venet: the "virtual-ethernet" type of device on a Virtual-Bus, version 1
 *
 * All of it is little-endian whatever the byte order of either side, naturally
 * aligned and the same for 32 and 64 bits. Reserved fields and undefined bits
 * are zero and are refused with EINVAL when they are not. The fields of
 * struct virtio_net_hdr_v1 are little-endian too, as in VIRTIO 1.
 *
 * "Driver" is whoever opens the device; transmit and receive are meant as the
 * driver sees them. "Device" is the other side.
 *
 *
 * Life of a connection
 * ====================
 *
 *   1. open(dev-id, VENET_VERSION)
 *   2. VENET_CALL_INFO		what the device offers: features, limits, MAC
 *   3. VENET_CALL_NEGOTIATE	the driver states the features that it uses
 *   4. shm() of the status region (if VENET_F_STATUS), of the ring of each
 *      queue and of the slabs for reception, in any order
 *   5. VENET_CALL_QUEUE_SETUP	for each queue: from here its ring is known
 *   6. VENET_CALL_QUEUE_START	for each queue: from here it moves
 *   7. VENET_CALL_LINK, up	the device's far end gets a carrier
 *   8. frames; any other call at any time
 *   9. VENET_CALL_LINK, down; close()
 *
 * INFO works from 1 on and as often as the driver likes. NEGOTIATE works once;
 * every other call fails with EBUSY before it. close() ends everything at any
 * point, whether or not queues run: when it has returned, the device no longer
 * touches any memory of the driver, which owns all descriptors again. A new
 * open() starts from nothing: no feature, region, queue, MAC or MTU survives.
 *
 * A queue is in one of three states:
 *
 *		      SETUP		 START
 *	   NONE ----------------> READY ----------------> RUNNING
 *	    ^			  |  ^			   |	|
 *	    |	    RESET	  |  |	      STOP	   |	|
 *	    +---------------------+  +---------------------+	|
 *	    |			    RESET			|
 *	    +---------------------------------------------------+
 *
 * A call that the state does not allow fails with EBUSY and changes nothing;
 * so STOP of a queue that is READY and RESET of one that is NONE fail as well.
 *
 * - SETUP: the device's position is the first descriptor; it looks at nothing
 *   yet. The ring is the region VENET_REGION_RING(queue), registered before.
 *   The driver has zeroed it before registering it, or, for the second SETUP
 *   of a ring, before this call.
 * - START: the device works on what it finds, and asks for doorbells.
 * - STOP: when it returns, the device neither reads nor writes the ring or the
 *   memory that its descriptors name. Positions are kept. Descriptors that the
 *   device held stay with it, and START continues with them.
 * - RESET: as STOP, and all descriptors belong to the driver. A queue that was
 *   broken is whole again. It can be set up with another count.
 *
 * With VENET_F_MQ, VENET_CALL_PAIRS comes after the START of the further pairs'
 * queues. LINK needs both queues of pair 0 RUNNING to go up. While it is down the
 * device delivers no frame; what the driver transmits on a RUNNING queue is
 * still consumed. Stopping a queue does not change the link.
 *
 *
 * Regions
 * =======
 *
 * Numbers, as given to shm(), are those of VENET_REGION_*. Numbers that are not
 * listed are refused with EINVAL, and with EBUSY a number that is in use, or
 * any before NEGOTIATE. Regions live until close().
 *
 * - VENET_REGION_STATUS: struct venet_status, one page, signal at offset 0.
 *   The device writes all but signal.guest; the driver reads. After a change of
 *   anything but the counters the device injects the signal.
 * - VENET_REGION_RING(queue): struct venet_ring with the descriptors of one
 *   queue, signal at offset 0, length rounded up to whole pages. An ioq whose
 *   producer is the driver, for transmission and for reception.
 * - VENET_REGION_SLAB(n): the memory of receive buffers, without a signal. Not
 *   bound to a queue.
 *
 *
 * Signals
 * =======
 *
 * Whoever publishes or gives back descriptors calls shm_signal_inject() after
 * each batch, always; the protocol of shm-signal decides whether a bell rings.
 *
 * - Transmit ring, driver to device: there are frames. The device enables it at
 *   START and whenever it has emptied the ring and looked again.
 * - Transmit ring, device to driver: descriptors came back. The driver enables
 *   it only when descriptors are still with the device after the doorbell has
 *   returned.
 * - Receive ring, driver to device: there are buffers. The device enables it
 *   when it has a frame and too few buffers for it, and may do so as soon as it
 *   has used the last one.
 * - Receive ring, device to driver: there are frames. With VENET_F_COALESCE the
 *   driver may allow the device to wait for more of them.
 * - Status region, driver to device: not used.
 *
 *
 * Transmission
 * ============
 *
 * A frame is a chain of 1 to venet_info.tx_descs descriptors, all but the last
 * with IOQ_DESC_F_NEXT. All of a chain are published at once. Each names @len
 * bytes, at least one, at @addr: with region 0 this is an address in the
 * driver's physical address space. Regions other than 0 are refused in version
 * 1. The first descriptor's data is struct venet_desc; that of the others is
 * zero and not looked at. venet_desc.hdr.num_buffers and .hash are zero. A
 * frame has at least 14 and at most venet_info.max_frame bytes.
 *
 * The device copies the whole frame before it gives the descriptors back, all
 * of a chain together, in the order of the ring. ioq_done.len is 0 and .flags
 * is 0 or, when it refused the frame, IOQ_DESC_F_ERROR for the first
 * descriptor. The driver takes back right after its doorbell: a device that
 * works inside the doorbell has finished by then. One that deferred gives back
 * later and injects.
 *
 *
 * Reception
 * =========
 *
 * The driver posts buffers, one descriptor each: @region is a slab, @addr the
 * offset in it, @len the size, from venet_info.rx_buf_min to
 * venet_info.rx_buf_max bytes; flags and data are zero. The whole buffer is in
 * the slab. It may start at any byte and cross pages. @cookie is the driver's.
 *
 * The device puts a frame into as many buffers, in the order of the ring, as it
 * needs: all but the last filled completely and with IOQ_DESC_F_NEXT in
 * ioq_done.flags; more than one only with VENET_F_MRG. ioq_done.len is what it
 * wrote. Into the first descriptor's data goes struct venet_desc with
 * hdr.num_buffers = the number of buffers; that of the others is left alone.
 * They are given back together, the first one last, so the driver sees all of a
 * frame or none of it. A device may give a buffer that it found unusable back
 * alone with len = 0 and IOQ_DESC_F_ERROR, or break the queue. A frame uses at most
 * venet_info.rx_bufs buffers; one that does not fit is dropped and counted.
 *
 *
 * Headers
 * =======
 *
 * struct virtio_net_hdr_v1 without its RSC forms. Whoever receives it takes it
 * for hostile:
 *
 * - gso_type: NONE, TCPV4, TCPV6 (either with ECN) or UDP_L4, each with its
 *   feature. Anything but NONE needs F_NEEDS_CSUM, a gso_size that is not 0, and
 *   a frame of that protocol, as far as a VLAN tag does not hide it.
 * - F_NEEDS_CSUM needs VENET_F_CSUM in transmission and VENET_F_GUEST_CSUM in
 *   reception, csum_start behind the Ethernet header, and csum_start +
 *   csum_offset + 2 within the frame.
 * - F_DATA_VALID is for reception only and needs VENET_F_GUEST_CSUM.
 * - hdr_len is a hint that nobody has to believe.
 *
 *
 * Broken queues
 * =============
 *
 * A side that finds the other breaking a rule of the ring (a chain without end,
 * a buffer outside its region, a length above what was posted) stops using that
 * queue until it is reset or the connection closed; nothing else is affected.
 * The device tells by setting the queue's bit in venet_status.broken and
 * injecting the status signal.
 */
#ifndef _UAPI_LINUX_VENET_H
#define _UAPI_LINUX_VENET_H

#include <linux/ioq.h>
#include <linux/shm_signal.h>
#include <linux/types.h>
#include <linux/virtio_net.h>

/* The type on the bus, and the version to open. */
#define VENET_TYPE		"virtual-ethernet"
#define VENET_VERSION		1

/*
 * Features, as numbers of bits. HOST: the device accepts it from the driver;
 * GUEST: the driver accepts it from the device. A feature whose condition is
 * not met is refused with EINVAL in NEGOTIATE.
 */
#define VENET_F_CSUM		0	/* F_NEEDS_CSUM in transmission */
#define VENET_F_GUEST_CSUM	1	/* F_NEEDS_CSUM, F_DATA_VALID received */
#define VENET_F_HOST_TSO4	2	/* needs CSUM */
#define VENET_F_HOST_TSO6	3	/* needs CSUM */
#define VENET_F_HOST_ECN	4	/* needs HOST_TSO4 or HOST_TSO6 */
#define VENET_F_HOST_USO	5	/* UDP_L4 over both; needs CSUM */
#define VENET_F_GUEST_TSO4	6	/* needs GUEST_CSUM and MRG */
#define VENET_F_GUEST_TSO6	7	/* needs GUEST_CSUM and MRG */
#define VENET_F_GUEST_ECN	8	/* needs GUEST_TSO4 or GUEST_TSO6 */
#define VENET_F_GUEST_USO	9	/* needs GUEST_CSUM and MRG */
#define VENET_F_MRG		10	/* frames over several receive buffers */
#define VENET_F_STATUS		11	/* the status region */
#define VENET_F_MTU		12	/* VENET_CALL_SET_MTU */
#define VENET_F_MAC		13	/* VENET_CALL_SET_MAC */
#define VENET_F_OFFLOADS	14	/* VENET_CALL_SET_OFFLOADS */
#define VENET_F_HASH		15	/* venet_desc.hash in reception */
#define VENET_F_MQ		16	/* more than one pair: VENET_CALL_PAIRS */
#define VENET_F_RX_MODE		18	/* VENET_CALL_RX_MODE; needs MAC */
#define VENET_F_VLAN		19	/* VENET_CALL_VLAN */
#define VENET_F_COALESCE	20	/* VENET_CALL_COALESCE */
/* Reserved; not to be offered in version 1. */
#define VENET_F_RSS		17	/* VENET_CALL_RSS */
#define VENET_F_ANNOUNCE	21	/* VENET_LINK_ANNOUNCE in the status */
#define VENET_F_TX_REGION	22	/* transmission from registered regions */

#define VENET_FEATURE(_f)	(1ULL << (_f))

/* What VENET_CALL_SET_OFFLOADS may switch, when negotiated. */
#define VENET_OFFLOADS		(VENET_FEATURE(VENET_F_GUEST_CSUM) | \
				 VENET_FEATURE(VENET_F_GUEST_TSO4) | \
				 VENET_FEATURE(VENET_F_GUEST_TSO6) | \
				 VENET_FEATURE(VENET_F_GUEST_ECN) | \
				 VENET_FEATURE(VENET_F_GUEST_USO))

/*
 * Queues: pair p receives on queue 2p and transmits on queue 2p + 1.
 */
#define VENET_MAX_PAIRS		63
#define VENET_MAX_QUEUES	(2 * VENET_MAX_PAIRS)
#define VENET_QUEUE_RX(_pair)	(2 * (_pair))
#define VENET_QUEUE_TX(_pair)	(2 * (_pair) + 1)

/* Regions. Number 0 is the driver's physical address space. */
#define VENET_REGION_STATUS	1
#define VENET_REGION_RING(_q)	(2 + (_q))	/* 2 to 127 */
#define VENET_REGION_SLAB(_n)	(128 + (_n))	/* 128 to 255 */
#define VENET_MAX_SLABS		128

/* The shortest frame, and the most that any device or driver accepts. */
#define VENET_MIN_FRAME		14
#define VENET_MAX_FRAME		65554		/* 64 KiB, Ethernet, VLAN */

/**
 * struct venet_desc - what stands in ioq_desc.data
 * @hdr: checksum and segmentation; little-endian
 * @hash: the flow's hash, with VENET_F_HASH, received only
 * @hash_report: VIRTIO_NET_HASH_REPORT_*: what was hashed; NONE: no hash
 * @reserved16: zero
 * @reserved: zero
 */
struct venet_desc {
	struct virtio_net_hdr_v1 hdr;
	__le32 hash;
	__le16 hash_report;
	__le16 reserved16;
	__le32 reserved[3];
};

/**
 * struct venet_ring - the region of a queue's ring
 * @signal: doorbell and interrupt
 * @reserved: zero
 * @desc: the descriptors; as many struct ioq_done follow
 */
struct venet_ring {
	struct shm_signal_desc signal;
	__u8 reserved[128];
	struct ioq_desc desc[];
};

/* venet_status.link */
#define VENET_LINK_UP		(1U << 0)
#define VENET_LINK_ANNOUNCE	(1U << 1)	/* with VENET_F_ANNOUNCE */

#define VENET_SPEED_UNKNOWN	0xffffffff

/**
 * struct venet_status - the status region
 * @signal: injected by the device after a change of @link to @broken
 * @link: VENET_LINK_*
 * @speed: in Mbit/s, or VENET_SPEED_UNKNOWN; always full duplex
 * @mtu: what the device's far end has, in bytes without the Ethernet header
 * @reserved32: zero
 * @broken: one bit for each queue that the device has given up
 * @tx_packets: frames that the device took from the driver
 * @tx_bytes: bytes in them
 * @tx_dropped: of the driver's frames, those lost for want of something
 * @tx_errors: of the driver's frames, those refused as malformed
 * @rx_packets: frames that the device delivered to the driver
 * @rx_bytes: bytes in them
 * @rx_dropped: frames for the driver that were lost, for want of buffers, for
 *	their length or form, or because the link was down; not those that it
 *	does not want
 * @reserved: zero; whole pages
 *
 * Each field stands alone: they are not a consistent picture. Counters start
 * at 0 with the connection, are brought up to date now and then, and may be
 * seen torn where 64 bits are not read at once.
 */
struct venet_status {
	struct shm_signal_desc signal;
	__le32 link;
	__le32 speed;
	__le32 mtu;
	__le32 reserved32;
	__le64 broken[2];
	__le64 tx_packets;
	__le64 tx_bytes;
	__le64 tx_dropped;
	__le64 tx_errors;
	__le64 rx_packets;
	__le64 rx_bytes;
	__le64 rx_dropped;
	__u8 reserved[3880];
};

/*
 * Functions of call(). Each takes and returns exactly the structure beside it;
 * another length is refused with EINVAL, a number that is not listed or whose
 * feature is not negotiated with EOPNOTSUPP.
 */
#define VENET_CALL_INFO		1	/* struct venet_info */
#define VENET_CALL_NEGOTIATE	2	/* struct venet_negotiate */
#define VENET_CALL_QUEUE_SETUP	3	/* struct venet_queue_setup */
#define VENET_CALL_QUEUE_START	4	/* struct venet_queue */
#define VENET_CALL_QUEUE_STOP	5	/* struct venet_queue */
#define VENET_CALL_QUEUE_RESET	6	/* struct venet_queue */
#define VENET_CALL_LINK		7	/* struct venet_link */
#define VENET_CALL_SET_MTU	8	/* struct venet_mtu */
#define VENET_CALL_SET_MAC	9	/* struct venet_mac */
#define VENET_CALL_SET_OFFLOADS	10	/* struct venet_offloads */
#define VENET_CALL_PAIRS	11	/* struct venet_pairs */
#define VENET_CALL_RX_MODE	13	/* struct venet_rx_mode */
#define VENET_CALL_VLAN		14	/* struct venet_vlan */
#define VENET_CALL_COALESCE	15	/* struct venet_coalesce */
/* Reserved. */
#define VENET_CALL_RSS		12	/* hash key, indirection table */
#define VENET_CALL_SAVE		16	/* state, for migration */
#define VENET_CALL_RESTORE	17

#define VENET_TX_DESCS_MIN	18

/**
 * struct venet_info - VENET_CALL_INFO: what the device offers
 * @features: one bit for each VENET_F_*
 * @mac: the address that the driver should use
 * @reserved16: zero
 * @mtu: the MTU that the driver should start with
 * @min_mtu: the least that VENET_CALL_SET_MTU takes
 * @max_mtu: the most that it takes
 * @max_pairs: how many pairs of queues there may be; without VENET_F_MQ it is
 *	one all the same
 * @ring_min: the fewest descriptors in a ring; a power of two
 * @ring_max: the most descriptors in a ring; a power of two
 * @tx_descs: the most descriptors for one frame; at least VENET_TX_DESCS_MIN
 * @rx_bufs: the most buffers for one received frame; at least 1
 * @rx_buf_min: the least bytes in a receive buffer
 * @rx_buf_max: the most bytes in a receive buffer
 * @max_frame: the most bytes in a frame, at most VENET_MAX_FRAME
 * @max_slabs: the most slabs
 * @max_slab_len: the most bytes in one slab
 * @reserved: zero
 *
 * The driver passes all zeroes. Limits never change during a connection;
 * @features, @mac and @mtu may have been changed by the administrator since
 * the one before.
 */
struct venet_info {
	__le64 features;
	__u8 mac[6];
	__le16 reserved16;
	__le32 mtu;
	__le32 min_mtu;
	__le32 max_mtu;
	__le32 max_pairs;
	__le32 ring_min;
	__le32 ring_max;
	__le32 tx_descs;
	__le32 rx_bufs;
	__le32 rx_buf_min;
	__le32 rx_buf_max;
	__le32 max_frame;
	__le32 max_slabs;
	__le32 max_slab_len;
	__le32 reserved[15];
};

/**
 * struct venet_negotiate - VENET_CALL_NEGOTIATE
 * @features: what the driver uses, all of it offered; one bit for each
 *	VENET_F_*
 * @reserved: zero
 *
 * EINVAL: a feature that is not offered, or whose condition is not met.
 * EBUSY: done before.
 */
struct venet_negotiate {
	__le64 features;
	__le64 reserved[3];
};

/**
 * struct venet_queue_setup - VENET_CALL_QUEUE_SETUP
 * @queue: its number
 * @count: descriptors in its ring: a power of two within the limits
 * @reserved: zero
 *
 * EINVAL: no such queue; @count is no such number or does not fit the region.
 * ENOENT: the ring's region is not registered. EBUSY: not in state NONE.
 */
struct venet_queue_setup {
	__le32 queue;
	__le32 count;
	__le32 reserved[6];
};

/**
 * struct venet_queue - VENET_CALL_QUEUE_START, _STOP and _RESET
 * @queue: its number
 * @reserved: zero
 *
 * EINVAL: no such queue. EBUSY: not in the state that this starts from.
 */
struct venet_queue {
	__le32 queue;
	__le32 reserved[3];
};

/**
 * struct venet_link - VENET_CALL_LINK
 * @up: 1 or 0
 * @reserved: zero
 *
 * EINVAL: @up is neither. EBUSY: up, and a queue of pair 0 is not RUNNING.
 */
struct venet_link {
	__le32 up;
	__le32 reserved[3];
};

/**
 * struct venet_mtu - VENET_CALL_SET_MTU
 * @mtu: the driver's MTU from now on, in bytes
 * @reserved: zero
 *
 * Frames for the driver with more payload than that, other than those with a
 * gso_type, are dropped and counted from now on. EINVAL: not within the
 * limits.
 */
struct venet_mtu {
	__le32 mtu;
	__le32 reserved[3];
};

/**
 * struct venet_mac - VENET_CALL_SET_MAC
 * @mac: the driver's address from now on
 * @reserved: zero
 *
 * EINVAL: not a unicast address. EPERM: the administrator does not want it
 * changed.
 */
struct venet_mac {
	__u8 mac[6];
	__u8 reserved[10];
};

/**
 * struct venet_offloads - VENET_CALL_SET_OFFLOADS
 * @offloads: those of VENET_OFFLOADS that the driver accepts from now on
 * @reserved: zero
 *
 * All that were negotiated are on at first. Frames that were delivered before
 * it returned may still use what is off now. EINVAL: one that is not
 * negotiated, or whose condition is off.
 */
struct venet_offloads {
	__le64 offloads;
	__le64 reserved;
};

/**
 * struct venet_pairs - VENET_CALL_PAIRS
 * @pairs: the device spreads frames over pairs 0 to @pairs - 1 from now on
 * @reserved: zero
 *
 * Only pair 0 is used at first. A frame goes to the pair that the driver has
 * sent its flow's last frame on, not long ago; or else to one that the device
 * chooses, the same for all of a flow. Transmission works on each queue that is
 * RUNNING. EINVAL: none, or more than there may be. EBUSY: a queue of these
 * pairs is not RUNNING.
 */
struct venet_pairs {
	__le32 pairs;
	__le32 reserved[3];
};

/* venet_rx_mode.flags */
#define VENET_RX_PROMISC	(1U << 0)	/* all frames, of all VLANs */
#define VENET_RX_ALLMULTI	(1U << 1)	/* all multicast frames */

#define VENET_MAX_ADDRS		128

/**
 * struct venet_rx_mode - VENET_CALL_RX_MODE
 * @flags: VENET_RX_*
 * @unicast: how many addresses of stations are at the beginning of @addrs
 * @multicast: how many addresses of groups follow them
 * @reserved: zero
 * @addrs: further addresses whose frames the driver wants; the rest is zero
 *
 * Before the first call the driver gets all frames; from then on those to its
 * own address (SET_MAC's, or venet_info.mac), to @addrs and to everybody.
 * EINVAL: an undefined flag, more than VENET_MAX_ADDRS in all, or an address
 * that is not of its kind.
 */
struct venet_rx_mode {
	__le32 flags;
	__le16 unicast;
	__le16 multicast;
	__le32 reserved[2];
	__u8 addrs[VENET_MAX_ADDRS][6];
};

/**
 * struct venet_vlan - VENET_CALL_VLAN
 * @filter: 1: frames of those VLANs and those of none only; 0: all, as at first
 * @reserved: zero
 * @vids: one bit for each VLAN; VLAN 0, which is none, is bit 0 of the first byte
 *
 * EINVAL: @filter is neither.
 */
struct venet_vlan {
	__le32 filter;
	__le32 reserved[3];
	__u8 vids[512];
};

/* The longest that a device may be asked to wait, in microseconds. */
#define VENET_MAX_USECS		10000

/**
 * struct venet_coalesce - VENET_CALL_COALESCE
 * @queue: number of a queue for reception
 * @usecs: how long the device may wait before it signals a frame that it has
 *	delivered, in microseconds; 0: not at all, as at first
 * @frames: the number of frames with which it waits no longer; 0: any number
 * @reserved: zero
 *
 * It does not wait when there are no buffers left either. Works in every state
 * of the queue, which keeps it. EINVAL: not a queue for reception; @usecs is
 * more than VENET_MAX_USECS.
 */
struct venet_coalesce {
	__le32 queue;
	__le32 usecs;
	__le32 frames;
	__le32 reserved;
};

#endif /* _UAPI_LINUX_VENET_H */
