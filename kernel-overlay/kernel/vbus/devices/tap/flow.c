// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: which pair of the client's a frame goes to
 *
 * A flow's frames go to the pair that the client sent its last frame on: there
 * is the client's CPU that has the socket. A table as of rps_sock_flow_table
 * remembers it: an entry for a hash, whoever comes last has it. Its size is
 * fixed, nothing is allocated and no lock is taken for a frame, and what two
 * CPUs write at a time is one of the two. A flow that the table does not have,
 * or that has been silent too long, goes where its hash says.
 *
 * The client makes the table what it likes by what it sends. It does so for
 * itself only: every connection has a table of its own.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "tap.h"

#define TAP_FLOWS		1024
#define TAP_FLOW_AGE		(3 * HZ)
/* An entry that is younger is not written again. */
#define TAP_FLOW_FRESH		(HZ / 4)
/* In the place of bits of the hash that the index has already. */
#define TAP_FLOW_PAIR		(TAP_FLOWS - 1)

static_assert(TAP_PAIRS <= TAP_FLOWS);

/**
 * struct tap_flow - where a flow was seen
 * @id: its hash, with the pair in the bits of TAP_FLOW_PAIR
 * @seen: in jiffies, when it was written
 */
struct tap_flow {
	u32 id;
	u32 seen;
};

/**
 * struct tap_flows - what a connection remembers
 * @entry: the flow of each hash
 */
struct tap_flows {
	struct tap_flow entry[TAP_FLOWS];
};

/* kvfree() is its end. */
struct tap_flows *tap_flows_alloc(void)
{
	return kvzalloc_obj(struct tap_flows, GFP_KERNEL_ACCOUNT);
}

/* The same for both directions of a flow, whoever computed skb->hash. */
static u32 tap_flow_hash(const struct sk_buff *skb)
{
	return __skb_get_hash_symmetric(skb);
}

static u32 tap_flow_age(const struct tap_flow *flow)
{
	return (u32)jiffies - READ_ONCE(flow->seen);
}

/**
 * tap_flow_seen - the client has sent a frame
 * @tc: the connection
 * @skb: the frame, its data at the network header
 * @pair: where it came from
 *
 * Context: RCU read side, softirqs off.
 */
void tap_flow_seen(const struct tap_conn *tc, struct sk_buff *skb, u32 pair)
{
	struct tap_flow *entry;
	u32 hash, id;

	/* Pairs with the smp_store_release() in tap_call_pairs(). */
	if (smp_load_acquire(&tc->nr_pairs) == 1)
		return;
	skb_reset_network_header(skb);
	hash = tap_flow_hash(skb);
	id = (hash & ~TAP_FLOW_PAIR) | pair;
	entry = &tc->flows->entry[hash % TAP_FLOWS];
	if (READ_ONCE(entry->id) == id &&
	    tap_flow_age(entry) < TAP_FLOW_FRESH)
		return;
	WRITE_ONCE(entry->id, id);
	WRITE_ONCE(entry->seen, (u32)jiffies);
}

/**
 * tap_flow_pair - choose the pair for a frame to the client
 * @tc: the connection
 * @skb: the frame
 *
 * Context: RCU read side.
 * Return: the number of a pair that is in use.
 */
u32 tap_flow_pair(const struct tap_conn *tc, const struct sk_buff *skb)
{
	/* Pairs with the smp_store_release() in tap_call_pairs(). */
	u32 pairs = smp_load_acquire(&tc->nr_pairs);
	const struct tap_flow *entry;
	u32 hash, id, pair;

	if (pairs == 1)
		return 0;
	hash = tap_flow_hash(skb);
	entry = &tc->flows->entry[hash % TAP_FLOWS];
	id = READ_ONCE(entry->id);
	pair = id & TAP_FLOW_PAIR;
	if (!((id ^ hash) & ~TAP_FLOW_PAIR) && pair < pairs &&
	    tap_flow_age(entry) < TAP_FLOW_AGE)
		return pair;
	return reciprocal_scale(hash, pairs);
}
