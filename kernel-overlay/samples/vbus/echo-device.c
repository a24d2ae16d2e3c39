// SPDX-License-Identifier: GPL-2.0-only
/*
 * A complete deviceclass, as small as one can be.
 *
 *	mkdir /sys/kernel/config/vbus/devices/e
 *	echo "echo" > /sys/kernel/config/vbus/devices/e/type
 *
 * Its devices hold no state: all there is belongs to a connection. The region
 * that the driver registers is published with the signal's notifier, and the
 * core keeps the notifier from running before echo_shm() has returned and
 * after echo_close() has been called. The lock keeps two runs of it apart.
 */
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vbus.h>

#include "echo.h"

struct echo {
	spinlock_t lock;	/* one run of the notifier at a time */
	struct shm_signal_notifier notifier;
	struct shm_signal *signal;
	struct vbus_shm *shm;
};

/* Our words of the signal are in the region, and shm_signal writes to them. */
static void echo_dirty_signal(struct echo *echo)
{
	vbus_shm_dirty(echo->shm, offsetof(struct vbus_echo_page, signal.host),
		       sizeof(struct shm_signal_side));
}

static void echo_answer(struct echo *echo)
{
	__le32 word;

	/* The driver may rewrite the question at any time: copy it once. */
	if (vbus_shm_read(echo->shm, &word,
			  offsetof(struct vbus_echo_page, question),
			  sizeof(word)))
		return;
	word = cpu_to_le32(le32_to_cpu(word) + 1);
	vbus_shm_write(echo->shm, offsetof(struct vbus_echo_page, answer),
		       &word, sizeof(word));
}

/*
 * The driver has signalled, perhaps from several CPUs at once; the context may
 * be atomic. To ask for the next signal before looking at the question loses
 * nothing and needs no loop, whose end the driver could put off for ever. A
 * suspended region is left alone: the connector rings when it is back.
 */
static void echo_notify(struct shm_signal_notifier *notifier,
			enum shm_signal_context ctx)
{
	struct echo *echo = container_of(notifier, struct echo, notifier);
	unsigned long flags;

	spin_lock_irqsave(&echo->lock, flags);
	rcu_read_lock();
	if (vbus_shm_live(echo->shm)) {
		shm_signal_enable(echo->signal);
		echo_answer(echo);
		shm_signal_inject(echo->signal);
		echo_dirty_signal(echo);
	}
	rcu_read_unlock();
	spin_unlock_irqrestore(&echo->lock, flags);
}

static int echo_call(struct vbus_connection *conn, u32 func, void *data,
		     size_t len)
{
	char *letters = data;
	size_t i;

	if (func != VBUS_ECHO_FUNC_UPPER)
		return -EINVAL;
	for (i = 0; i < len; i++)
		letters[i] = toupper(letters[i]);
	return 0;
}

static int echo_shm(struct vbus_connection *conn, u32 id, struct vbus_shm *shm,
		    struct shm_signal *signal)
{
	struct echo *echo = vbus_connection_priv(conn);

	if (id != VBUS_ECHO_SHM_PAGE || !signal)
		return -EINVAL;
	if (echo->shm)
		return -EBUSY;
	guard(rcu)();
	/* It has been suspended. Nothing is done, so the verb can be repeated. */
	if (!vbus_shm_live(shm))
		return -EAGAIN;
	echo->shm = vbus_shm_get(shm);
	echo->signal = shm_signal_get(signal);
	shm_signal_set_notifier(signal, &echo->notifier);
	/* Nothing can be pending: the driver learns of success later. */
	shm_signal_enable(signal);
	echo_dirty_signal(echo);
	return 0;
}

static void echo_close(struct vbus_connection *conn)
{
	struct echo *echo = vbus_connection_priv(conn);

	if (echo->signal)
		shm_signal_set_notifier(echo->signal, NULL);
	shm_signal_put(echo->signal);
	if (echo->shm)
		vbus_shm_put(echo->shm);
	kfree(echo);
}

static const struct vbus_connection_ops echo_connection_ops = {
	.call	= echo_call,
	.shm	= echo_shm,
	.close	= echo_close,
};

static int echo_open(struct vbus_connection *conn, u32 version)
{
	struct echo *echo;

	if (version != VBUS_ECHO_VERSION)
		return -EPROTONOSUPPORT;
	echo = kzalloc_obj(*echo, GFP_KERNEL_ACCOUNT);
	if (!echo)
		return -ENOMEM;
	spin_lock_init(&echo->lock);
	echo->notifier.signal = echo_notify;
	vbus_connection_set_ops(conn, &echo_connection_ops, echo);
	return 0;
}

static int echo_create(struct vbus_device *dev)
{
	return 0;
}

static void echo_destroy(struct vbus_device *dev)
{
}

static const struct vbus_deviceclass_ops echo_class_ops = {
	.create		= echo_create,
	.destroy	= echo_destroy,
	.open		= echo_open,
};

static struct vbus_deviceclass echo_class = {
	.name	= "echo",
	.type	= "echo",
	.owner	= THIS_MODULE,
	.ops	= &echo_class_ops,
};

static int __init echo_init(void)
{
	return vbus_deviceclass_register(&echo_class);
}
module_init(echo_init);

static void __exit echo_exit(void)
{
	vbus_deviceclass_unregister(&echo_class);
}
module_exit(echo_exit);

MODULE_ALIAS("vbus-deviceclass-echo");
MODULE_DESCRIPTION("Virtual-Bus sample: a deviceclass");
MODULE_LICENSE("GPL");
