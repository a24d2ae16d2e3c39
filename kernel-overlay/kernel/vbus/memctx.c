// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-Bus memctx: the memory of a client, as its connector reaches it
 *
 * The connector embeds struct vbus_memctx in whatever it needs. The client
 * holds one reference from vbus_client_create() to vbus_client_destroy(). A
 * device needs none of its own while it stays within the life of its
 * connection. Whoever faults memory in holds one too, because that may outlive
 * the connection and the client.
 */
#include <linux/export.h>
#include <linux/vbus.h>

/**
 * vbus_memctx_init - initialise a connector's view of its client's memory
 * @ctx: the memctx, embedded in something of the connector's
 * @ops: how to reach the memory; stays valid until its release() was called
 *
 * The caller holds the one reference.
 *
 * Context: any.
 */
void vbus_memctx_init(struct vbus_memctx *ctx,
		      const struct vbus_memctx_ops *ops)
{
	kref_init(&ctx->ref);
	ctx->ops = ops;
}
EXPORT_SYMBOL_GPL(vbus_memctx_init);

/**
 * vbus_memctx_get - take a reference
 * @ctx: the memctx; the caller holds a reference, or works within the life of
 *	a connection that does
 *
 * Context: any.
 * Return: @ctx.
 */
struct vbus_memctx *vbus_memctx_get(struct vbus_memctx *ctx)
{
	kref_get(&ctx->ref);
	return ctx;
}
EXPORT_SYMBOL_GPL(vbus_memctx_get);

static void vbus_memctx_release(struct kref *ref)
{
	struct vbus_memctx *ctx = container_of(ref, struct vbus_memctx, ref);

	ctx->ops->release(ctx);
}

/**
 * vbus_memctx_put - drop a reference
 * @ctx: the memctx
 *
 * Context: task context; the connector's release() may sleep.
 */
void vbus_memctx_put(struct vbus_memctx *ctx)
{
	kref_put(&ctx->ref, vbus_memctx_release);
}
EXPORT_SYMBOL_GPL(vbus_memctx_put);
