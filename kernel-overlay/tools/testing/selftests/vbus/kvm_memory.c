// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a guest of KVM while a venet-tap uses it: the pages that the
 * host writes stand in the dirty log and no others do; memory slots go and come
 * back under traffic; what a frame is made of is not there, is taken away, is
 * read-only, or comes when somebody else provides it.
 *
 * Frames are sent and received with a packet socket at the device's interface;
 * the guest's side is this program. Needs root, /dev/kvm, configfs at
 * /sys/kernel/config, and venet-tap.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/userfaultfd.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest_harness.h"
#include "kvm_vm.h"

/* The slot that all of the device's memory is in, and where in it things are. */
#define SLOT		2
#define NET		0x200000UL
#define NET_PAGES	64
#define NET_SIZE	(NET_PAGES * PAGE)
#define P_STATUS	0
#define P_RX		1	/* three pages */
#define P_TX		4	/* three pages */
#define P_EVENTS	8
#define P_SLAB		16	/* a page for each buffer */
#define P_OUT		40	/* what frames are sent from */
#define RING_COUNT	128
#define RING_PAGES	3
#define BUFFERS		16
#define AT(_page)	(NET + (_page) * PAGE)

/* The events of the device's signals. */
#define EV_STATUS	100
#define EV_RX		200
#define EV_TX		300

#define RX		VENET_QUEUE_RX(0)
#define TX		VENET_QUEUE_TX(0)
#define RX_BELL		VENET_REGION_RING(RX)
#define TX_BELL		VENET_REGION_RING(TX)

#define PROTO		0x88b5	/* for local experiments */
#define FRAME		1000
#define WAIT_MS		5000

struct net {
	struct vm vm;
	uint32_t handle;
	uint8_t *mem;
	int sock;
	char ifname[IFNAMSIZ];
	unsigned int posted;	/* buffers that the device has got in all */
	unsigned int taken;	/* frames that we have got in all */
	unsigned int sent;	/* descriptors that we have sent in all */
	uint32_t answered;	/* the device's request for buffers, last seen */
};

static struct venet_ring *ring(struct net *net, unsigned int page)
{
	return (void *)(net->mem + page * PAGE);
}

static struct ioq_done *done(struct net *net, unsigned int page, unsigned int n)
{
	struct venet_ring *r = ring(net, page);

	return (struct ioq_done *)&r->desc[RING_COUNT] + n % RING_COUNT;
}

static uint8_t *buffer(struct net *net, unsigned int n)
{
	return net->mem + (P_SLAB + n % BUFFERS) * PAGE;
}

/* Has the device given back what was the @n-th in the ring at @page? */
static bool is_back(struct net *net, unsigned int page, unsigned int n)
{
	return __atomic_load_n(&done(net, page, n)->turn, __ATOMIC_ACQUIRE) ==
	       htole16(ioq_turn(n, RING_COUNT));
}

static void publish(struct net *net, unsigned int page, unsigned int n,
		    const struct ioq_desc *what)
{
	struct ioq_desc *desc = &ring(net, page)->desc[n % RING_COUNT];

	memcpy(&desc->flags, &what->flags, sizeof(*what) - 2);
	__atomic_store_n(&desc->turn, htole16(ioq_turn(n, RING_COUNT)),
			 __ATOMIC_RELEASE);
}

static void post_buffer(struct net *net)
{
	struct ioq_desc desc = {
		.region = htole32(VENET_REGION_SLAB(0)),
		.addr = htole64(net->posted % BUFFERS * PAGE),
		.len = htole32(PAGE),
		.cookie = net->posted,
	};

	publish(net, P_RX, net->posted, &desc);
	net->posted++;
}

/* Ask for a bell at the next chance. */
static void arm(struct venet_ring *r)
{
	uint32_t n = le32toh(r->signal.guest.enabled) + 1;

	__atomic_store_n(&r->signal.guest.enabled, htole32(n),
			 __ATOMIC_SEQ_CST);
}

/*
 * The device, up and running
 */

static long net_call(struct net *net, uint32_t func, const void *arg,
		     size_t len)
{
	memcpy(net->vm.mem + DATA, arg, len);
	return call(&net->vm, net->handle, func, DATA, len);
}

static long start_queue(struct net *net, uint32_t queue)
{
	struct venet_queue_setup setup = {
		.queue = htole32(queue),
		.count = htole32(RING_COUNT),
	};
	struct venet_queue start = { .queue = htole32(queue) };
	long ret;

	ret = net_call(net, VENET_CALL_QUEUE_SETUP, &setup, sizeof(setup));
	return ret ? ret : net_call(net, VENET_CALL_QUEUE_START, &start,
				    sizeof(start));
}

static long event_shm(struct net *net, uint32_t id, unsigned int page,
		      unsigned int pages, uint32_t event)
{
	return shm_to(&net->vm, net->handle, id, AT(page), pages * PAGE,
		      VBUS_KVM_DELIVERY_EVENT, 0, event);
}

static long net_up(struct net *net)
{
	struct venet_negotiate n = {
		.features = htole64(VENET_FEATURE(VENET_F_STATUS)),
	};
	struct vbus_kvm_eventq q = { .addr = htole64(AT(P_EVENTS)) };
	struct venet_link up = { .up = htole32(1) };
	long ret;

	ret = negotiate(&net->vm);
	if (!ret)
		ret = verb_struct(&net->vm, VBUS_KVM_EVENTQ, &q, sizeof(q));
	if (!ret)
		ret = open_device(&net->vm, 0, VENET_VERSION, &net->handle);
	if (!ret)
		ret = net_call(net, VENET_CALL_NEGOTIATE, &n, sizeof(n));
	if (!ret)
		ret = event_shm(net, VENET_REGION_STATUS, P_STATUS, 1,
				EV_STATUS);
	if (!ret)
		ret = event_shm(net, RX_BELL, P_RX, RING_PAGES, EV_RX);
	if (!ret)
		ret = event_shm(net, TX_BELL, P_TX, RING_PAGES, EV_TX);
	if (!ret)
		ret = shm_to(&net->vm, net->handle, VENET_REGION_SLAB(0),
			     AT(P_SLAB), BUFFERS * PAGE,
			     VBUS_KVM_DELIVERY_NONE, 0, 0);
	while (net->posted < BUFFERS)
		post_buffer(net);
	if (!ret)
		ret = start_queue(net, RX);
	if (!ret)
		ret = start_queue(net, TX);
	return ret ? ret : net_call(net, VENET_CALL_LINK, &up, sizeof(up));
}

/*
 * The interface: up, and silent but for what we send
 */

static int set_up(const char *ifname)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err;
	struct ifreq req = {};
	char path[100];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
		 ifname);
	write_file(path, "1");
	memcpy(req.ifr_name, ifname, IFNAMSIZ);
	err = ioctl(fd, SIOCGIFFLAGS, &req);
	req.ifr_flags |= IFF_UP;
	if (!err)
		err = ioctl(fd, SIOCSIFFLAGS, &req);
	close(fd);
	return err;
}

static int packet_socket(const char *ifname)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(PROTO),
		.sll_ifindex = if_nametoindex(ifname),
	};
	struct timeval patience = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(PROTO));

	if (fd >= 0 && (bind(fd, (void *)&addr, sizeof(addr)) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				   sizeof(patience)))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int interface_up(struct net *net)
{
	FILE *file;
	int n;

	if (write_file("/sys/vbus/devices/" DEVICE "/enabled", "1"))
		return -1;
	file = fopen("/sys/vbus/devices/" DEVICE "/ifname", "r");
	if (!file)
		return -1;
	n = fscanf(file, "%15s", net->ifname);
	fclose(file);
	if (n != 1 || set_up(net->ifname))
		return -1;
	net->sock = packet_socket(net->ifname);
	return net->sock < 0 ? -1 : 0;
}

/*
 * Frames: a number, and bytes that follow from it
 */

static void fill(uint8_t *frame, uint32_t number, size_t len)
{
	size_t i;

	memset(frame, 0xff, ETH_ALEN);
	memcpy(frame + ETH_ALEN, "\x02\x00\x00\x00\x00\x01", ETH_ALEN);
	frame[12] = PROTO >> 8;
	frame[13] = PROTO & 0xff;
	memcpy(frame + ETH_HLEN, &number, sizeof(number));
	for (i = ETH_HLEN + sizeof(number); i < len; i++)
		frame[i] = number * 7 + i * 13 + (i >> 8);
}

static bool is_frame(const uint8_t *frame, uint32_t number, size_t len)
{
	uint8_t want[PAGE];

	fill(want, number, len);
	return !memcmp(frame, want, len);
}

static int host_sends(struct net *net, uint32_t number)
{
	uint8_t frame[FRAME];

	fill(frame, number, FRAME);
	return send(net->sock, frame, FRAME, 0) == FRAME ? 0 : -1;
}

static bool wait_back(struct net *net, unsigned int page, unsigned int n,
		      unsigned int ms)
{
	unsigned int i;

	for (i = 0; i <= ms; i++) {
		if (is_back(net, page, n))
			return true;
		usleep(1000);
	}
	return false;
}

/* Buffers were posted: ring, if the device has asked for them. */
static void refilled(struct net *net)
{
	struct venet_ring *r = ring(net, P_RX);
	uint32_t enabled;

	__atomic_store_n(&r->signal.guest.pending, htole32(net->posted),
			 __ATOMIC_SEQ_CST);
	enabled = __atomic_load_n(&r->signal.host.enabled, __ATOMIC_SEQ_CST);
	if (enabled == net->answered)
		return;
	net->answered = enabled;
	if (enabled)
		verb(&net->vm, VBUS_KVM_DOORBELL, net->handle, RX_BELL, 0);
}

/* The guest takes a frame. Return: its number, or -1 if none has come. */
static long guest_takes(struct net *net, unsigned int ms)
{
	struct ioq_done *answer = done(net, P_RX, net->taken);
	uint8_t *data = buffer(net, net->taken);
	uint32_t number;

	if (!wait_back(net, P_RX, net->taken, ms))
		return -1;
	memcpy(&number, data + ETH_HLEN, sizeof(number));
	if (le32toh(answer->len) != FRAME || answer->flags ||
	    !is_frame(data, number, FRAME))
		return -2;
	net->taken++;
	post_buffer(net);
	refilled(net);
	return number;
}

/* The guest sends from one or two pieces of its memory. */
static void guest_posts(struct net *net, uint64_t a, uint32_t a_len, uint64_t b,
			uint32_t b_len)
{
	struct ioq_desc first = {
		.flags = htole16(b_len ? IOQ_DESC_F_NEXT : 0),
		.addr = htole64(a),
		.len = htole32(a_len),
	};
	struct ioq_desc second = { .addr = htole64(b), .len = htole32(b_len) };
	unsigned int n = net->sent;

	if (b_len) {
		publish(net, P_TX, n + 1, &second);
		net->sent++;
	}
	publish(net, P_TX, n, &first);
	net->sent++;
}

static long guest_rings(struct net *net)
{
	return verb(&net->vm, VBUS_KVM_DOORBELL, net->handle, TX_BELL, 0);
}

static bool host_gets(struct net *net, const uint8_t *want, size_t len)
{
	uint8_t got[2 * PAGE];

	return recv(net->sock, got, sizeof(got), 0) == (ssize_t)len &&
	       !memcmp(got, want, len);
}

static bool host_gets_nothing(struct net *net)
{
	uint8_t got[2 * PAGE];

	usleep(50000);
	return recv(net->sock, got, sizeof(got), MSG_DONTWAIT) < 0;
}

static bool host_gets_number(struct net *net, uint32_t number)
{
	uint8_t want[FRAME];

	fill(want, number, FRAME);
	return host_gets(net, want, FRAME);
}

/* A frame each way. */
static bool works(struct net *net, uint32_t number)
{
	if (host_sends(net, number) || guest_takes(net, WAIT_MS) != number)
		return false;
	fill(net->mem + P_OUT * PAGE, number, FRAME);
	guest_posts(net, AT(P_OUT), FRAME, 0, 0);
	return !guest_rings(net) && host_gets_number(net, number) &&
	       wait_back(net, P_TX, net->sent - 1, WAIT_MS);
}

/* The carrier is on some time after the link is up. */
static bool wait_carrier(struct net *net)
{
	int i;

	for (i = 0; i < WAIT_MS / 100; i++)
		if (!host_sends(net, 0) && !guest_takes(net, 100))
			return true;
	return false;
}

static int net_start(struct net *net, int flags, int fd)
{
	if (make_buses())
		return -1;
	join(BUS);
	if (vm_start(&net->vm, true))
		return -1;
	join("0");
	net->mem = mmap(NULL, NET_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (net->mem == MAP_FAILED ||
	    set_slot(&net->vm, SLOT, NET, net->mem, NET_SIZE, 0) ||
	    interface_up(net) || net_up(net) || !wait_carrier(net))
		return -1;
	return works(net, 1) ? 0 : -1;
}

static void net_stop(struct net *net)
{
	close(net->sock);
	vm_stop(&net->vm);
	munmap(net->mem, NET_SIZE);
	clean_up();
}

FIXTURE(net) {
	struct net net;
};

FIXTURE_SETUP(net)
{
	if (missing())
		SKIP(return, "%s", missing());
	ASSERT_EQ(0, net_start(&self->net, MAP_PRIVATE | MAP_ANONYMOUS, -1));
}

FIXTURE_TEARDOWN(net)
{
	net_stop(&self->net);
	EXPECT_NE(0, access(CONFIGFS "instances/" BUS, F_OK));
}

/* The same in memory that can be mapped more than once. */
FIXTURE(shared) {
	struct net net;
	int fd;
};

FIXTURE_SETUP(shared)
{
	if (missing())
		SKIP(return, "%s", missing());
	self->fd = memfd_create("guest", MFD_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ftruncate(self->fd, NET_SIZE));
	ASSERT_EQ(0, net_start(&self->net, MAP_SHARED, self->fd));
}

FIXTURE_TEARDOWN(shared)
{
	net_stop(&self->net);
	close(self->fd);
	EXPECT_NE(0, access(CONFIGFS "instances/" BUS, F_OK));
}

/*
 * Dirty logging
 */

#define PAGE_BIT(_page)	(1ULL << (_page))

/* The device says of a ring as a whole that it wrote there. */
#define RING_BITS(_page)	(((1ULL << RING_PAGES) - 1) << (_page))

static int log_on(struct net *net)
{
	return set_slot(&net->vm, SLOT, NET, net->mem, NET_SIZE,
			KVM_MEM_LOG_DIRTY_PAGES);
}

/* The pages written since the last look, one bit each. */
static uint64_t dirty(struct net *net)
{
	uint64_t bitmap[NET_PAGES / 64] = {};
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	return ioctl(net->vm.fd, KVM_GET_DIRTY_LOG, &log) ? ~0ULL : bitmap[0];
}

/* Until the counters of the frames before have been written to the status. */
static void settle(struct net *net)
{
	sleep(2);
	dirty(net);
}

TEST_F(net, nothing_happens_and_nothing_is_logged)
{
	struct net *net = &self->net;

	ASSERT_EQ(0, log_on(net));
	settle(net);
	sleep(2);
	EXPECT_EQ(0, dirty(net));
}

TEST_F(net, a_received_frame_is_logged)
{
	struct net *net = &self->net;
	uint64_t log, counters = PAGE_BIT(P_STATUS);
	unsigned int i, at = net->taken;

	ASSERT_EQ(0, log_on(net));
	settle(net);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, host_sends(net, i));
		ASSERT_EQ(i, guest_takes(net, WAIT_MS));
		/* The signal's count is written after the frame. */
		usleep(20000);
		log = dirty(net);
		EXPECT_EQ(RING_BITS(P_RX) | PAGE_BIT(P_SLAB + at + i),
			  log & ~counters);
	}
	/* The counters follow within a second or two, and they alone. */
	for (i = 0, log = 0; i < 50 && !log; i++) {
		usleep(100000);
		log = dirty(net);
	}
	EXPECT_EQ(counters, log);
}

TEST_F(net, a_posted_event_is_logged)
{
	struct net *net = &self->net;
	unsigned int at = net->taken;
	struct vbus_kvm_events *ev = (void *)(net->mem + P_EVENTS * PAGE);

	ASSERT_EQ(0, log_on(net));
	settle(net);
	arm(ring(net, P_RX));
	ASSERT_EQ(0, host_sends(net, 5));
	ASSERT_EQ(5, guest_takes(net, WAIT_MS));
	usleep(20000);
	EXPECT_EQ(RING_BITS(P_RX) | PAGE_BIT(P_SLAB + at) | PAGE_BIT(P_EVENTS),
		  dirty(net) & ~PAGE_BIT(P_STATUS));
	EXPECT_NE(0, le64toh(ev->words[EV_RX / 64]) &
		     1ULL << EV_RX % 64);
}

TEST_F_TIMEOUT(net, every_page_of_a_ring_is_logged, 120)
{
	struct net *net = &self->net;
	uint64_t all = 0;
	unsigned int i;

	ASSERT_EQ(0, log_on(net));
	settle(net);
	for (i = 0; i < RING_COUNT; i++) {
		uint64_t want = RING_BITS(P_RX) |
				PAGE_BIT(P_SLAB + net->taken % BUFFERS);
		uint64_t log;

		ASSERT_EQ(0, host_sends(net, i));
		ASSERT_EQ(i, guest_takes(net, WAIT_MS));
		usleep(5000);
		log = dirty(net) & ~PAGE_BIT(P_STATUS);
		EXPECT_EQ(want, log);
		all |= log;
	}
	EXPECT_EQ(RING_BITS(P_RX) |
		  ((1ULL << BUFFERS) - 1) << P_SLAB, all);
}

TEST_F(net, a_sent_frame_is_logged_where_it_is_answered)
{
	struct net *net = &self->net;
	uint8_t *data = net->mem + P_OUT * PAGE;

	ASSERT_EQ(0, log_on(net));
	fill(data, 9, FRAME);
	settle(net);
	/* The program writes in its own memory: that is not the log's. */
	guest_posts(net, AT(P_OUT), FRAME, 0, 0);
	ASSERT_EQ(0, guest_rings(net));
	ASSERT_TRUE(host_gets_number(net, 9));
	ASSERT_TRUE(wait_back(net, P_TX, net->sent - 1, WAIT_MS));
	usleep(20000);
	EXPECT_EQ(RING_BITS(P_TX), dirty(net) & ~PAGE_BIT(P_STATUS));
}

TEST_F(net, a_change_of_the_link_is_logged)
{
	struct net *net = &self->net;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq req = {};
	uint64_t log = 0;
	int i;

	ASSERT_EQ(0, log_on(net));
	settle(net);
	arm(ring(net, P_STATUS));
	memcpy(req.ifr_name, net->ifname, IFNAMSIZ);
	ASSERT_EQ(0, ioctl(fd, SIOCGIFFLAGS, &req));
	req.ifr_flags &= ~IFF_UP;
	ASSERT_EQ(0, ioctl(fd, SIOCSIFFLAGS, &req));
	close(fd);
	for (i = 0; i < 50 && !(log & PAGE_BIT(P_EVENTS)); i++) {
		usleep(100000);
		log |= dirty(net);
	}
	EXPECT_EQ(PAGE_BIT(P_STATUS) | PAGE_BIT(P_EVENTS), log);
}

TEST_F(net, a_device_event_is_logged)
{
	struct net *net = &self->net;
	uint64_t log = 0;
	int i;

	ASSERT_EQ(0, log_on(net));
	settle(net);
	ASSERT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	for (i = 0; i < 50 && !log; i++) {
		usleep(100000);
		log = dirty(net);
	}
	EXPECT_EQ(PAGE_BIT(P_EVENTS), log & PAGE_BIT(P_EVENTS));
	/* Its link went down as well; its rings and buffers are not touched. */
	EXPECT_EQ(0, log & ~(PAGE_BIT(P_EVENTS) | PAGE_BIT(P_STATUS)));
}

TEST_F_TIMEOUT(net, logging_goes_on_and_off_under_traffic, 120)
{
	struct net *net = &self->net;
	uint32_t i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, log_on(net));
		ASSERT_TRUE(works(net, 2 * i));
		EXPECT_EQ(PAGE_BIT(P_RX), dirty(net) & PAGE_BIT(P_RX));
		ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, net->mem, NET_SIZE,
				      0));
		ASSERT_TRUE(works(net, 2 * i + 1));
	}
}

/*
 * Slots that go and come back
 */

static int slot_goes(struct net *net)
{
	return set_slot(&net->vm, SLOT, NET, net->mem, 0, 0);
}

static int slot_comes(struct net *net)
{
	return set_slot(&net->vm, SLOT, NET, net->mem, NET_SIZE, 0);
}

/* Frames for a guest whose memory must not change. */
static bool nothing_is_written(struct net *net, uint8_t *mem)
{
	uint8_t *before = malloc(NET_SIZE);
	bool same;
	int i;

	memcpy(before, mem, NET_SIZE);
	for (i = 0; i < 20; i++)
		host_sends(net, 1000 + i);
	usleep(100000);
	same = !memcmp(before, mem, NET_SIZE);
	free(before);
	return same;
}

TEST_F_TIMEOUT(net, a_slot_goes_and_comes_back, 120)
{
	struct net *net = &self->net;
	uint32_t i;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, slot_goes(net));
		EXPECT_TRUE(nothing_is_written(net, net->mem));
		ASSERT_EQ(0, slot_comes(net));
		ASSERT_TRUE(works(net, i));
	}
}

TEST_F(net, what_the_guest_sent_meanwhile_goes_out)
{
	struct net *net = &self->net;

	fill(net->mem + P_OUT * PAGE, 3, FRAME);
	ASSERT_EQ(0, slot_goes(net));
	guest_posts(net, AT(P_OUT), FRAME, 0, 0);
	EXPECT_EQ(0, guest_rings(net));
	EXPECT_TRUE(host_gets_nothing(net));
	/* Nobody rings again. */
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(host_gets_number(net, 3));
	EXPECT_TRUE(works(net, 4));
}

TEST_F(net, events_are_not_lost_with_the_slot)
{
	struct net *net = &self->net;
	struct vbus_kvm_events *ev = (void *)(net->mem + P_EVENTS * PAGE);

	ASSERT_EQ(0, slot_goes(net));
	memset(ev, 0, sizeof(*ev));
	ASSERT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	usleep(100000);
	EXPECT_EQ(0, ev->selector);
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_NE(0, le64toh(ev->words[0]) & 1ULL << VBUS_KVM_EVENT_DEVICES);
	EXPECT_NE(0, le64toh(ev->selector) & 1);
}

TEST_F(net, other_memory_comes)
{
	struct net *net = &self->net;
	uint8_t *other = mmap(NULL, NET_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
			      0);

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, other, NET_SIZE, 0));
	EXPECT_TRUE(nothing_is_written(net, net->mem));
	EXPECT_TRUE(nothing_is_written(net, other));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, other, 0, 0));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(works(net, 2));
	munmap(other, NET_SIZE);
}

TEST_F(net, it_comes_read_only)
{
	struct net *net = &self->net;

	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, net->mem, NET_SIZE,
			      KVM_MEM_READONLY));
	EXPECT_TRUE(nothing_is_written(net, net->mem));
	EXPECT_EQ(EFAULT, shm_to(&net->vm, net->handle, VENET_REGION_SLAB(1),
				 AT(P_OUT), PAGE, VBUS_KVM_DELIVERY_NONE, 0,
				 0));
	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(works(net, 2));
}

TEST_F(net, it_comes_elsewhere)
{
	struct net *net = &self->net;

	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET + 0x400000, net->mem,
			      NET_SIZE, 0));
	EXPECT_TRUE(nothing_is_written(net, net->mem));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(works(net, 2));
}

TEST_F(net, it_comes_in_two_parts)
{
	struct net *net = &self->net;
	/* In the middle of the receive ring. */
	uint64_t part = (P_RX + 1) * PAGE;

	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, net->mem, part, 0));
	EXPECT_TRUE(nothing_is_written(net, net->mem));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT + 1, NET + part, net->mem + part,
			      NET_SIZE - part, 0));
	EXPECT_TRUE(works(net, 2));
}

/* The pages are the same, but nothing maps them at first. */
TEST_F(shared, a_slot_comes_back_mapped_anew)
{
	struct net *net = &self->net;
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, slot_goes(net));
		ASSERT_EQ(net->mem, mmap(net->mem, NET_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_FIXED, self->fd, 0));
		ASSERT_EQ(0, slot_comes(net));
		ASSERT_TRUE(works(net, i));
	}
}

/* They are the same at another address of the VMM, too. */
TEST_F(shared, a_slot_comes_back_from_elsewhere)
{
	struct net *net = &self->net;
	uint8_t *mem = mmap(NULL, NET_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->fd, 0);

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, mem, NET_SIZE, 0));
	EXPECT_TRUE(works(net, 1));
	ASSERT_EQ(0, set_slot(&net->vm, SLOT, NET, mem, 0, 0));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(works(net, 2));
	munmap(mem, NET_SIZE);
}

TEST_F(net, the_device_is_closed_meanwhile)
{
	struct net *net = &self->net;

	ASSERT_EQ(0, slot_goes(net));
	EXPECT_EQ(0, verb(&net->vm, VBUS_KVM_CLOSE, net->handle, 0, 0));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_TRUE(nothing_is_written(net, net->mem));
}

struct flood {
	struct net *net;
	uint32_t number;
	bool stop;
};

static void *flood(void *data)
{
	struct flood *f = data;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		host_sends(f->net, f->number++);
		usleep(200);
	}
	return NULL;
}

TEST_F_TIMEOUT(net, slots_come_and_go_under_traffic, 120)
{
	struct net *net = &self->net;
	struct flood f = { .net = net, .number = 1 };
	long last = 0, number;
	unsigned int i, frames = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flood, &f));
	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, slot_goes(net));
		if (i % 4 == 0)
			usleep(1000 * i);
		ASSERT_EQ(0, slot_comes(net));
		/* What arrives is whole, in order, and none comes twice. */
		while ((number = guest_takes(net, frames % 50 ? 5 : 50)) >= 0) {
			EXPECT_LT(last, number);
			last = number;
			if (++frames % 20 == 0)
				break;
		}
		ASSERT_NE(-2, number);
	}
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	while ((number = guest_takes(net, 200)) >= 0)
		EXPECT_LT(last, number);
	ASSERT_NE(-2, number);
	EXPECT_LT(100, frames);
	TH_LOG("%u of %u frames arrived", frames, f.number);
	EXPECT_TRUE(works(net, 0x10000000));
}

/*
 * Memory that is not there
 */

/* The first descriptor of the last frame says that it was refused. */
static bool refused(struct net *net, unsigned int first)
{
	return wait_back(net, P_TX, first, WAIT_MS) &&
	       done(net, P_TX, first)->flags & htole16(IOQ_DESC_F_ERROR);
}

TEST_F(net, a_frame_of_no_memory_is_refused)
{
	static const uint64_t nowhere[] = {
		NET - PAGE, NET + NET_SIZE, 0xfffffffffffff000ULL, 1ULL << 52,
	};
	struct net *net = &self->net;
	unsigned int i, first;

	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		first = net->sent;
		guest_posts(net, nowhere[i], FRAME, 0, 0);
		EXPECT_EQ(0, guest_rings(net));
		EXPECT_TRUE(refused(net, first));
		EXPECT_TRUE(works(net, i));
	}
}

TEST_F(net, a_frame_of_unmapped_memory_is_refused)
{
	struct net *net = &self->net;
	unsigned int first = net->sent;

	fill(net->mem + P_OUT * PAGE, 1, FRAME);
	ASSERT_EQ(0, munmap(net->mem + (P_OUT + 1) * PAGE, PAGE));
	guest_posts(net, AT(P_OUT), ETH_HLEN, AT(P_OUT + 1), 500);
	EXPECT_EQ(0, guest_rings(net));
	EXPECT_TRUE(refused(net, first));
	EXPECT_TRUE(host_gets_nothing(net));
	EXPECT_TRUE(works(net, 1));
}

TEST_F(net, a_frame_of_read_only_memory_is_sent)
{
	struct net *net = &self->net;
	uint8_t want[FRAME];

	fill(net->vm.rom, 77, FRAME);
	memcpy(want, net->vm.rom, FRAME);
	guest_posts(net, ROM, FRAME, 0, 0);
	ASSERT_EQ(0, guest_rings(net));
	EXPECT_TRUE(host_gets(net, want, FRAME));
	/* It has to be read in first; writing to it would not do. */
	ASSERT_EQ(0, madvise(net->vm.rom, ROM_SIZE, MADV_DONTNEED));
	memset(want + ETH_HLEN, 0, FRAME - ETH_HLEN);
	fill(net->mem + P_OUT * PAGE, 77, FRAME);
	guest_posts(net, AT(P_OUT), ETH_HLEN, ROM, FRAME - ETH_HLEN);
	ASSERT_EQ(0, guest_rings(net));
	EXPECT_TRUE(host_gets(net, want, FRAME));
}

TEST_F(net, memory_that_was_given_back_reads_as_zero)
{
	struct net *net = &self->net;
	uint8_t want[FRAME];
	unsigned int i;

	fill(want, 0, FRAME);
	memset(want + ETH_HLEN, 0, FRAME - ETH_HLEN);
	for (i = 0; i < 20; i++) {
		fill(net->mem + P_OUT * PAGE, i, FRAME);
		memset(net->mem + (P_OUT + 1) * PAGE, 0xaa, PAGE);
		ASSERT_EQ(0, madvise(net->mem + (P_OUT + 1) * PAGE, PAGE,
				     MADV_DONTNEED));
		guest_posts(net, AT(P_OUT), ETH_HLEN, AT(P_OUT + 1),
			    FRAME - ETH_HLEN);
		ASSERT_EQ(0, guest_rings(net));
		EXPECT_TRUE(host_gets(net, want, FRAME));
	}
}

static bool slab_is_zero(struct net *net)
{
	static const uint8_t zero[BUFFERS * PAGE];

	return !memcmp(net->mem + P_SLAB * PAGE, zero, sizeof(zero));
}

TEST_F(net, registered_memory_is_given_back)
{
	struct net *net = &self->net;
	int i;

	/* The device keeps the pages that it has, which nobody else sees. */
	ASSERT_EQ(0, madvise(net->mem + P_SLAB * PAGE, BUFFERS * PAGE,
			     MADV_DONTNEED));
	ASSERT_EQ(0, host_sends(net, 8));
	EXPECT_EQ(-2, guest_takes(net, WAIT_MS));
	EXPECT_TRUE(slab_is_zero(net));
	/* It stays without any when the slot has others. */
	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, slot_comes(net));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, host_sends(net, i));
	EXPECT_FALSE(wait_back(net, P_RX, net->taken + 1, 200));
	EXPECT_TRUE(slab_is_zero(net));
	EXPECT_EQ(0, info(&net->vm, net->handle));
}

TEST_F(net, all_of_it_is_unmapped)
{
	struct net *net = &self->net;
	uint32_t i;

	ASSERT_EQ(0, munmap(net->mem, NET_SIZE));
	for (i = 0; i < 50; i++) {
		host_sends(net, i);
		verb(&net->vm, VBUS_KVM_DOORBELL, net->handle, TX_BELL, 0);
		verb(&net->vm, VBUS_KVM_DOORBELL, net->handle, RX_BELL, 0);
	}
	EXPECT_EQ(0, info(&net->vm, net->handle));
	ASSERT_EQ(0, slot_goes(net));
	ASSERT_EQ(0, slot_comes(net));
	EXPECT_EQ(0, info(&net->vm, net->handle));
	EXPECT_EQ(0, verb(&net->vm, VBUS_KVM_CLOSE, net->handle, 0, 0));
	net->mem = mmap(net->mem, NET_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/*
 * Memory that somebody else provides in his own time
 */

static int userfault(void *mem, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)mem, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &range)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool fault_comes(int fd)
{
	struct uffd_msg msg;
	int i;

	for (i = 0; i < WAIT_MS; i++) {
		if (read(fd, &msg, sizeof(msg)) == sizeof(msg))
			return msg.event == UFFD_EVENT_PAGEFAULT;
		usleep(1000);
	}
	return false;
}

static int provide(int fd, void *mem, const void *page)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)mem,
		.src = (uintptr_t)page,
		.len = PAGE,
	};

	return ioctl(fd, UFFDIO_COPY, &copy);
}

struct bell {
	struct net *net;
	long ret;
	bool done;
};

static void *ring_bell(void *data)
{
	struct bell *bell = data;

	bell->ret = guest_rings(bell->net);
	__atomic_store_n(&bell->done, true, __ATOMIC_RELEASE);
	return NULL;
}

TEST_F(net, a_doorbell_waits_for_memory)
{
	struct net *net = &self->net;
	struct bell bell = { .net = net };
	uint8_t page[PAGE] = {}, want[FRAME];
	uint8_t *mem = net->mem + (P_OUT + 1) * PAGE;
	pthread_t thread;
	int fd;

	ASSERT_EQ(0, madvise(mem, PAGE, MADV_DONTNEED));
	fd = userfault(mem, PAGE);
	if (fd < 0)
		SKIP(return, "no userfaultfd here");
	fill(want, 21, FRAME);
	memcpy(page, want + ETH_HLEN, FRAME - ETH_HLEN);
	fill(net->mem + P_OUT * PAGE, 21, FRAME);
	guest_posts(net, AT(P_OUT), ETH_HLEN, AT(P_OUT + 1), FRAME - ETH_HLEN);
	ASSERT_EQ(0, pthread_create(&thread, NULL, ring_bell, &bell));
	ASSERT_TRUE(fault_comes(fd));
	usleep(50000);
	EXPECT_FALSE(__atomic_load_n(&bell.done, __ATOMIC_ACQUIRE));
	EXPECT_FALSE(is_back(net, P_TX, net->sent - 2));
	/* Nothing else waits with it. */
	ASSERT_EQ(0, host_sends(net, 22));
	EXPECT_EQ(22, guest_takes(net, WAIT_MS));
	ASSERT_EQ(0, provide(fd, mem, page));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, bell.ret);
	EXPECT_TRUE(host_gets(net, want, FRAME));
	close(fd);
	EXPECT_TRUE(works(net, 23));
}

TEST_F(net, the_device_leaves_while_a_doorbell_waits)
{
	struct net *net = &self->net;
	struct bell bell = { .net = net };
	uint8_t page[PAGE] = {};
	uint8_t *mem = net->mem + P_OUT * PAGE;
	struct timespec begin, end;
	pthread_t thread;
	int fd;

	ASSERT_EQ(0, madvise(mem, PAGE, MADV_DONTNEED));
	fd = userfault(mem, PAGE);
	if (fd < 0)
		SKIP(return, "no userfaultfd here");
	guest_posts(net, AT(P_OUT), FRAME, 0, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, ring_bell, &bell));
	ASSERT_TRUE(fault_comes(fd));
	/* The fault may be the worker's, which looks at a queue that starts. */
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	EXPECT_EQ(0, unlink(CONFIGFS "instances/" BUS "/" DEVICE));
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_GT(10, end.tv_sec - begin.tv_sec);
	EXPECT_FALSE(__atomic_load_n(&bell.done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, provide(fd, mem, page));
	pthread_join(thread, NULL);
	EXPECT_NE(0, bell.ret);
	EXPECT_TRUE(host_gets_nothing(net));
	close(fd);
}

TEST_F_TIMEOUT(net, memory_leaves_under_a_doorbell, 120)
{
	struct net *net = &self->net;
	uint8_t *mem = net->mem + (P_OUT + 1) * PAGE;
	struct bell bell;
	pthread_t thread;
	unsigned int i;

	/* At any moment of the copying, and never is a frame half. */
	for (i = 0; i < 200; i++) {
		uint8_t want[FRAME], zero[FRAME] = {}, got[2 * PAGE];
		unsigned int first = net->sent;

		fill(want, i, FRAME);
		fill(net->mem + P_OUT * PAGE, i, FRAME);
		memcpy(zero, want, ETH_HLEN);
		memcpy(mem, want + ETH_HLEN, FRAME - ETH_HLEN);
		guest_posts(net, AT(P_OUT), ETH_HLEN, AT(P_OUT + 1),
			    FRAME - ETH_HLEN);
		bell = (struct bell) { .net = net };
		ASSERT_EQ(0, pthread_create(&thread, NULL, ring_bell, &bell));
		usleep(i % 20 * 50);
		madvise(mem, PAGE, MADV_DONTNEED);
		pthread_join(thread, NULL);
		ASSERT_TRUE(wait_back(net, P_TX, first, WAIT_MS));
		if (done(net, P_TX, first)->flags & htole16(IOQ_DESC_F_ERROR))
			continue;
		ASSERT_EQ(FRAME, recv(net->sock, got, sizeof(got), 0));
		EXPECT_TRUE(!memcmp(got, want, FRAME) ||
			    !memcmp(got, zero, FRAME));
	}
	EXPECT_TRUE(works(net, 1));
}

TEST_HARNESS_MAIN
