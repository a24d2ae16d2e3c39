/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus core: the objects, and what its files ask of each other
 *
 * Lifetime
 *
 * Bus, device, interface and deviceclass are kobjects; the kobject's reference
 * is the object's. A reference keeps memory, never function: what an object
 * can do ends at a point in time, under a lock, with a flag that says so.
 *
 *  - A bus lives from mkdir to rmdir in configfs. It cannot be removed while
 *    it has holders (members and clients): see vbus_hold().
 *  - A device lives from mkdir to rmdir. From the moment it has a type it
 *    holds the class and the class's module; rmdir destroys it synchronously.
 *  - An interface lives from the link to its removal, or to the rmdir of its
 *    device when that overtook the link. It holds the memory of both.
 *  - A connection lives within the life of its interface, see below. Because
 *    its release() is the class's code and may run later, a connection holds
 *    the class's module too (device->owner).
 *
 * What RCU readers find (bus, interface) is freed after a grace period.
 *
 * Lock order, outermost first
 *
 *	configfs' locks: inodes of directories, subsystem mutex, fragment
 *	  vbus_device.lock	type, dead, interfaces; held over the whole of
 *				link and unlink, so over a class's create(),
 *				link() and unlink() and over the end of
 *				connections. No verb, no client callback and
 *				no show or store in sysfs takes it
 *	    vbus_interface.open_lock	read: the whole of an open;
 *				write: to set dead, nothing more
 *	      vbus.clients_lock	list of clients
 *	      vbus_interface.lock, vbus_device.feature_lock	spinlocks, leaves
 *
 *	vbus_member_lock	who is a member of what, and the listing of it;
 *				only sysfs' own locks inside
 *	vbus.hold_lock		the first and the last holder; inside is the
 *				inode lock of configfs' root, so never take or
 *				drop a hold within a callback of configfs
 *	vbus_classes_lock, vbus_buses_lock	leaves
 */
#ifndef _KERNEL_VBUS_H
#define _KERNEL_VBUS_H

#include <linux/configfs.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/vbus.h>
#include <linux/vbus_member.h>
#include <linux/xarray.h>

/* Bytes of the name of a deviceclass, with the closing zero. */
#define VBUS_CLASS_NAME_LEN	32

/**
 * struct vbus_class - the core's side of a deviceclass
 * @kobj: /sys/vbus/deviceclass/<name>
 * @dc: the module's side; valid while registered, so for every device
 * @node: in the list of classes, under vbus_classes_lock
 * @devices: how many devices there are of it
 */
struct vbus_class {
	struct kobject kobj;
	const struct vbus_deviceclass *dc;
	struct list_head node;
	atomic_t devices;
};

/**
 * struct vbus - a bus
 * @kobj: /sys/vbus/instances/<name>
 * @item: its directory in configfs, which holds one reference to @kobj
 * @devices: the directory "devices"
 * @members: the directory "members"
 * @member_files: files of @members by tgid; vbus_member_lock
 * @unlisted: members that could not be listed, ever
 * @holders: members and clients; above 0 the item cannot be removed
 * @hold_lock: for the first and the last holder
 * @dead: removed; under the inode lock of the item's directory
 * @interfaces: dev-id to struct vbus_interface; RCU readers; an interface is
 *	in it while it can be opened
 * @generation: counts changes of @interfaces; incremented after the change
 * @instances: how many interfaces there ever were
 * @clients_lock: protects @clients
 * @clients: struct vbus_client
 * @node: in the list of buses, under vbus_buses_lock
 * @rcu: frees it
 * @name: its name, for RCU readers
 */
struct vbus {
	struct kobject kobj;
	struct config_item item;
	struct kobject *devices;
	struct kobject *members;
	struct xarray member_files;
	atomic_t unlisted;

	atomic_t holders;
	struct mutex hold_lock;		/* first and last holder */
	bool dead;

	struct xarray interfaces;
	atomic_t generation;
	atomic_t instances;
	struct mutex clients_lock;	/* clients */
	struct list_head clients;

	struct list_head node;
	struct rcu_head rcu;
	char name[VBUS_NAME_LEN];
};

/**
 * struct vbus_device - a device
 * @kobj: /sys/vbus/devices/<name>
 * @item: its directory in configfs, which holds one reference to @kobj
 * @links: the directory "interfaces"
 * @lock: protects @class, @dead and @interfaces
 * @dead: removed
 * @class: its type, or NULL; set once
 * @owner: the class's module, held; what a connection holds too
 * @ops: the class's implementation
 * @priv: the class's
 * @interfaces: number to struct vbus_interface
 * @n_interfaces: how many
 * @features: what the class can do
 * @feature_lock: protects the next two
 * @feature_mask: what the administrator lets it do
 * @connections: how many there are; the mask is fixed while there is one
 * @name: its name
 */
struct vbus_device {
	struct kobject kobj;
	struct config_item item;
	struct kobject *links;

	struct mutex lock;		/* class, dead, interfaces */
	bool dead;
	struct vbus_class *class;
	struct module *owner;
	const struct vbus_deviceclass_ops *ops;
	void *priv;
	struct xarray interfaces;
	unsigned int n_interfaces;

	u64 features;
	spinlock_t feature_lock;	/* mask and connections */
	u64 feature_mask;
	unsigned int connections;

	char name[VBUS_NAME_LEN];
};

/**
 * struct vbus_interface - a device on a bus
 * @kobj: /sys/vbus/instances/<bus>/devices/<id>
 * @bus: referenced
 * @device: referenced
 * @id: the dev-id on @bus
 * @instance: which of those that have had @id, or another, on @bus
 * @number: its number among the interfaces of @device
 * @open_lock: read for the whole of an open, write to set @dead
 * @dead: no open can begin any more
 * @lock: protects @connections
 * @connections: struct vbus_connection
 * @rcu: frees it
 * @type: what drivers match on, zero-padded; a copy, so that readers need no
 *	class
 */
struct vbus_interface {
	struct kobject kobj;
	struct vbus *bus;
	struct vbus_device *device;
	u32 id;
	u32 instance;
	u32 number;

	struct rw_semaphore open_lock;
	bool dead;
	spinlock_t lock;		/* connections */
	struct list_head connections;

	struct rcu_head rcu;
	char type[VBUS_TYPE_LEN];
};

/* The type of a device, for those who do not hold its lock. */
static inline struct vbus_class *vbus_device_class(struct vbus_device *dev)
{
	/* Pairs with the release in vbus_device_set_type(). */
	return smp_load_acquire(&dev->class);
}

/* main.c */
extern struct kobject *vbus_class_dir;
extern struct kobject *vbus_device_dir;
extern struct kobject *vbus_bus_dir;
extern struct workqueue_struct *vbus_wq;

int vbus_name_check(const char *name);

/* configfs.c */
extern struct configfs_subsystem vbus_subsys;
int vbus_configfs_init(void);

/* deviceclass.c */
int vbus_class_name_check(const char *name);
struct vbus_class *vbus_class_get(const char *name);
void vbus_class_put(struct vbus_class *class);

/* device.c */
struct vbus_device *vbus_device_create(const char *name);
int vbus_device_set_type(struct vbus_device *dev, const char *name);
void vbus_device_destroy(struct vbus_device *dev);
int vbus_device_set_mask(struct vbus_device *dev, u64 mask);
void vbus_device_connected(struct vbus_device *dev);
void vbus_device_disconnected(struct vbus_device *dev);

/* bus.c */
struct vbus *vbus_create(const char *name);
void vbus_destroy(struct vbus *bus);
void vbus_changed(struct vbus *bus);

/* member.c */
struct vbus *vbus_of(struct signal_struct *sig);
#if IS_ENABLED(CONFIG_KUNIT)
int vbus_member_move(struct task_struct *task, struct vbus *bus);
#endif

/* interface.c */
int vbus_link(struct vbus *bus, struct vbus_device *dev);
void vbus_unlink(struct vbus *bus, struct vbus_device *dev);
void vbus_interface_end(struct vbus_interface *intf);

/*
 * How a client opens an interface:
 *
 *	intf = vbus_interface_open_begin(bus, id);	NULL: -ENOENT
 *	... make the connection, let it take over the reference to intf ...
 *	... list it in intf->connections under intf->lock ...
 *	err = intf->device->ops->open(conn, version);
 *	vbus_interface_open_end(intf);
 *
 * Between begin and end the interface and its device work: removing the link
 * waits. begin takes a reference and counts a connection of the device (its
 * feature mask is fixed from here on); who fails, or ends the connection after
 * it was listed, calls vbus_interface_disconnect() once, which uncounts it and
 * drops the reference.
 */
struct vbus_interface *vbus_interface_open_begin(struct vbus *bus, u32 id);
void vbus_interface_open_end(struct vbus_interface *intf);
void vbus_interface_disconnect(struct vbus_interface *intf);

static inline void vbus_interface_put(struct vbus_interface *intf)
{
	kobject_put(&intf->kobj);
}

/*
 * What client.c and connection.c provide
 *
 * vbus_interface_end_connections: no open of @intf can begin and none is under
 * way: end every connection in intf->connections, telling its client, and
 * return when all have ended, whoever ended them, so that nothing of the class
 * runs for them any more but release(). Called with vbus_device.lock held.
 *
 * vbus_clients_changed: have changed() of every client in bus->clients called,
 * from a workqueue and with no lock held. Called with no lock but configfs' own,
 * after the generation was incremented.
 */
void vbus_interface_end_connections(struct vbus_interface *intf);
void vbus_clients_changed(struct vbus *bus);

#endif /* _KERNEL_VBUS_H */
