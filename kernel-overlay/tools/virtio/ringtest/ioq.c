// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioq and shm-signal, as they are in lib/: a descriptor is 64 bytes, all of it
 * is written by the guest and copied by the host, and each is answered with a
 * length.
 *
 * The guest publishes each descriptor by itself. The host gives back in batches,
 * and at the latest when it finds nothing more to do, as a device does.
 */
#define _GNU_SOURCE
#include "main.h"
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error Please fill in conversions
#endif

/* What lib/ needs of the kernel. */
typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16, __le16;
typedef uint32_t u32, __u32, __le32;
typedef uint64_t u64, __u64, __le64;

#define cpu_to_le16(x)		((u16)(x))
#define cpu_to_le32(x)		((u32)(x))
#define le32_to_cpu(x)		((u32)(x))

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
/* C11 has both. */
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
/* See above. */
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define virt_load_acquire	smp_load_acquire
#define virt_store_release	smp_store_release
#define virt_mb			smp_mb

#define container_of(p, t, f)	((typeof(t) *)((char *)(p) - offsetof(t, f)))
#define IS_ALIGNED(x, a)	(!((x) & ((typeof(x))(a) - 1)))
#define WARN_ON_ONCE(x)		(x)
#define BUILD_BUG_ON(x)		static_assert(!(x), #x)
#define U32_MAX			UINT32_MAX
#define prefetch(p)		__builtin_prefetch(p)

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

struct kref {
	unsigned int count;
};

static inline void kref_init(struct kref *ref)
{
	ref->count = 1;
}

static inline void kref_get(struct kref *ref)
{
	ref->count++;
}

static inline int kref_put(struct kref *ref, void (*release)(struct kref *ref))
{
	if (--ref->count)
		return 0;
	release(ref);
	return 1;
}

/* Made of the kernel's files: see the Makefile. */
#include "ioq-lib.h"

/* The host gives back so many at a time. */
#define BATCH 32

/* how much padding is needed to avoid false cache sharing */
#define HOST_GUEST_PADDING 0x80

static struct {
	struct ioq q;
	struct shm_signal signal;
	struct {
		void *buf;
		void *data;
	} *data;
} guest __aligned(HOST_GUEST_PADDING);

static struct {
	struct ioq q;
	struct shm_signal signal;
	bool unsignalled;
} host __aligned(HOST_GUEST_PADDING);

static void guest_inject(struct shm_signal *s)
{
	kick();
}

static void host_inject(struct shm_signal *s)
{
	call();
}

static const struct shm_signal_ops guest_ops = {
	.inject = guest_inject,
};

static const struct shm_signal_ops host_ops = {
	.inject = host_inject,
};

static void *alloc_shared(size_t len)
{
	void *p;

	if (posix_memalign(&p, 0x1000, len)) {
		perror("Unable to allocate shared memory.\n");
		exit(3);
	}
	return memset(p, 0, len);
}

/* implemented by ring */
void alloc_ring(void)
{
	size_t len = IOQ_RING_LEN(ring_size);
	struct shm_signal_desc *desc = alloc_shared(sizeof(*desc));
	void *ring = alloc_shared(len);

	if (ioq_init(&guest.q, IOQ_PRODUCER, ring, len, ring_size) ||
	    ioq_init(&host.q, IOQ_CONSUMER, ring, len, ring_size)) {
		fprintf(stderr, "Not a size for a ring: %u\n", ring_size);
		exit(3);
	}
	ioq_format(&guest.q);
	shm_signal_init(&guest.signal, SHM_SIGNAL_GUEST, desc, &guest_ops);
	shm_signal_init(&host.signal, SHM_SIGNAL_HOST, desc, &host_ops);
	guest.data = calloc(ring_size, sizeof(*guest.data));
	if (!guest.data) {
		perror("Unable to allocate data buffer.\n");
		exit(3);
	}
}

/* guest side */
int add_inbuf(unsigned int len, void *buf, void *datap)
{
	u32 slot = ioq_index(&guest.q, guest.q.head);
	struct ioq_desc desc = {
		.addr = (unsigned long)buf,
		.len = len,
		.cookie = slot,
	};

	if (!ioq_space(&guest.q))
		return -1;
	guest.data[slot].buf = buf;
	guest.data[slot].data = datap;
	ioq_fill(&guest.q, 0, &desc);
	ioq_publish(&guest.q, 1);
	return 0;
}

void *get_buf(unsigned int *lenp, void **bufp)
{
	u32 slot = ioq_index(&guest.q, guest.q.tail);
	struct ioq_done done;
	void *datap;

	if (!ioq_take_back(&guest.q, &done, NULL))
		return NULL;
	*lenp = done.len;
	*bufp = guest.data[slot].buf;
	datap = guest.data[slot].data;
	guest.data[slot].buf = NULL;
	guest.data[slot].data = NULL;
	return datap;
}

bool used_empty(void)
{
	return !ioq_pending(&guest.q);
}

void disable_call(void)
{
	/* A call disables itself. */
}

bool enable_call(void)
{
	shm_signal_enable(&guest.signal);
	return used_empty();
}

void kick_available(void)
{
	shm_signal_inject(&guest.signal);
}

/* host side */
void disable_kick(void)
{
	/* A kick disables itself. */
}

bool enable_kick(void)
{
	shm_signal_enable(&host.signal);
	return avail_empty();
}

bool avail_empty(void)
{
	return !ioq_pending(&host.q);
}

bool use_buf(unsigned int *lenp, void **bufp)
{
	struct ioq_desc desc;
	u32 n;

	if (!ioq_read(&host.q, &desc))
		return false;
	n = host.q.head - host.q.tail;
	*lenp = desc.len - 1;
	*bufp = (void *)(unsigned long)desc.addr;
	ioq_answer(&host.q, n - 1, *lenp, 0, NULL, 0);
	if (n == BATCH || avail_empty()) {
		ioq_give_back(&host.q, n);
		host.unsignalled = true;
	}
	return true;
}

void call_used(void)
{
	if (!host.unsignalled)
		return;
	host.unsignalled = false;
	shm_signal_inject(&host.signal);
}
