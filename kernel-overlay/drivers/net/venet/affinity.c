// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet: which CPU uses which pair
 *
 * The CPUs that are online are dealt out in turn: the first one of a pair gets
 * its interrupts, and each sends on its pair. The device answers a flow on the
 * pair that it came from, so all of a flow stays on its CPU. One pair is for
 * all, and its interrupts come where the system likes them to.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/slab.h>

#include "venet.h"

/* Where a pair's interrupts go, or -1 for anywhere. */
int venet_pair_cpu(const struct venet_pair *pair)
{
	if (pair->venet->nr_pairs == 1)
		return -1;
	return cpumask_local_spread(pair->index, NUMA_NO_NODE);
}

static void venet_pair_spread(struct venet_pair *pair, struct cpumask *mask)
{
	u32 nr = pair->venet->nr_pairs;
	unsigned int cpu;
	u32 i = 0;

	cpumask_clear(mask);
	for_each_online_cpu(cpu)
		if (i++ % nr == pair->index)
			cpumask_set_cpu(cpu, mask);
	if (!cpumask_empty(mask))
		netif_set_xps_queue(pair->venet->dev, mask, pair->index);
}

/*
 * Let each CPU send on its pair. Without it, flows are spread by their hash.
 * What the administrator has made of it stays until there are other pairs.
 */
void venet_spread(struct venet *venet)
{
	bool same = venet->nr_pairs == venet->spread_pairs;
	cpumask_var_t mask;
	u32 i;

	venet->spread_pairs = venet->nr_pairs;
	if (same || venet->nr_pairs == 1 ||
	    !zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (i = 0; i < venet->nr_pairs; i++)
		venet_pair_spread(&venet->pairs[i], mask);
	free_cpumask_var(mask);
}
