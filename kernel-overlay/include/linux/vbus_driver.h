/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus: the drivers' side, for drivers and for the connectors that
 * bring devices to them
 *
 * See Documentation/virt/vbus/developer-guide.rst.
 */
#ifndef _LINUX_VBUS_DRIVER_H
#define _LINUX_VBUS_DRIVER_H

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/shm_signal.h>
#include <linux/types.h>
#include <uapi/linux/vbus.h>

struct vbus_proxy_device;

/**
 * enum vbus_signal_priority - what a signal is worth
 * @VBUS_SIGNAL_OWN: an interrupt for itself, if one can be had: for what is
 *	signalled all the time
 * @VBUS_SIGNAL_HIGH: shares an interrupt and is served first there
 * @VBUS_SIGNAL_LOW: shares an interrupt: for what is signalled now and then
 */
enum vbus_signal_priority {
	VBUS_SIGNAL_OWN,
	VBUS_SIGNAL_HIGH,
	VBUS_SIGNAL_LOW,
};

/**
 * struct vbus_proxy_region - memory that a driver shares with its device
 * @vaddr: page-aligned kernel memory, from the page allocator or vmalloc()
 * @len: bytes, whole pages, at most VBUS_SHM_MAX_LEN
 * @signal_offset: where in it the struct shm_signal_desc is, a multiple of 64
 *	bytes, or VBUS_SHM_NO_SIGNAL
 * @notifier: told when the device signals; needed with a signal
 * @name: for /proc/interrupts; needed with a signal
 * @cpu: the CPU that the signal should arrive at, or -1 for any
 * @priority: how the signal should arrive
 *
 * The memory must not be freed before the device is closed, not even when
 * vbus_proxy_shm() has failed: the device may have got it all the same.
 */
struct vbus_proxy_region {
	void *vaddr;
	size_t len;
	u32 signal_offset;
	struct shm_signal_notifier *notifier;
	const char *name;
	int cpu;
	enum vbus_signal_priority priority;
};

/**
 * struct vbus_proxy_ops - what a connector on the driver's side provides
 * @open: open the device for ABI @version of its type
 * @close: end the connection; no notifier runs any more when it returns, and
 *	the device no longer touches any shared memory
 * @call: a synchronous call, at most VBUS_CALL_MAX bytes both ways
 * @shm: register a region as number @id; @signal is NULL when the region has
 *	none, else *@signal is a new reference whose notifier has been set
 *	before the device could signal
 * @release: the last reference to the device is gone: free it
 *
 * All but @release sleep and are serialized per device by the bus, which has
 * checked their arguments. @close follows each successful @open, also after
 * vbus_proxy_device_gone(); the others are only called in between.
 */
struct vbus_proxy_ops {
	int (*open)(struct vbus_proxy_device *vdev, u32 version);
	void (*close)(struct vbus_proxy_device *vdev);
	int (*call)(struct vbus_proxy_device *vdev, u32 func, void *data,
		    size_t len);
	int (*shm)(struct vbus_proxy_device *vdev, u32 id,
		   const struct vbus_proxy_region *region,
		   struct shm_signal **signal);
	void (*release)(struct vbus_proxy_device *vdev);
};

/**
 * struct vbus_proxy_device - a device as its driver sees it
 * @dev: embedded in the driver core's tree
 * @ops: the connector's
 * @id: the dev-id on the bus that it came from
 * @type: what drivers match on
 * @lock: serializes the verbs; guards @opened
 * @opened: between open and close
 * @gone: the other side has ended the connection; verbs fail with -ENODEV
 *
 * A connector fills in @ops, @id and @type; the rest is the bus's.
 */
struct vbus_proxy_device {
	struct device dev;
	const struct vbus_proxy_ops *ops;
	u32 id;
	char type[VBUS_TYPE_LEN];
	struct mutex lock;	/* around each verb */
	bool opened;
	bool gone;
};

#define to_vbus_proxy_device(_dev) \
	container_of_const(_dev, struct vbus_proxy_device, dev)

/**
 * struct vbus_proxy_driver - a driver for one type of device
 * @type: the type that it serves; say MODULE_ALIAS("vbus:<type>") as well
 * @probe: a device of that type has come
 * @remove: it goes away or the driver does; the connection, when there is one,
 *	may already have ended; may be NULL
 * @shutdown: the machine goes down or starts another kernel: close; may be NULL
 * @suspend: close; without it the system does not suspend while the device is
 *	open
 * @resume: open again; also after a suspend or hibernation that was given up;
 *	may be NULL
 * @driver: the driver core's
 *
 * What a driver leaves open when its @probe fails or its @remove, @shutdown or
 * @suspend returns is closed by the bus.
 */
struct vbus_proxy_driver {
	const char *type;
	int (*probe)(struct vbus_proxy_device *vdev);
	void (*remove)(struct vbus_proxy_device *vdev);
	void (*shutdown)(struct vbus_proxy_device *vdev);
	int (*suspend)(struct vbus_proxy_device *vdev);
	int (*resume)(struct vbus_proxy_device *vdev);
	struct device_driver driver;
};

#define to_vbus_proxy_driver(_drv) \
	container_of_const(_drv, struct vbus_proxy_driver, driver)

int __vbus_proxy_driver_register(struct vbus_proxy_driver *drv,
				 struct module *owner);
#define vbus_proxy_driver_register(drv) \
	__vbus_proxy_driver_register(drv, THIS_MODULE)
void vbus_proxy_driver_unregister(struct vbus_proxy_driver *drv);

#define module_vbus_proxy_driver(drv) \
	module_driver(drv, vbus_proxy_driver_register, \
		      vbus_proxy_driver_unregister)

/* The verbs, for drivers. */
int vbus_proxy_open(struct vbus_proxy_device *vdev, u32 version);
void vbus_proxy_close(struct vbus_proxy_device *vdev);
int vbus_proxy_call(struct vbus_proxy_device *vdev, u32 func, void *data,
		    size_t len);
int vbus_proxy_shm(struct vbus_proxy_device *vdev, u32 id,
		   const struct vbus_proxy_region *region,
		   struct shm_signal **signal);

/**
 * vbus_proxy_addr - a place in memory as a descriptor of region 0 names it
 * @page: the page, lowmem or highmem; must stay allocated until the device has
 *	given the descriptor back
 * @offset: bytes into it
 *
 * Return: the address in this kernel's physical memory, for every connector.
 */
static inline u64 vbus_proxy_addr(struct page *page, unsigned int offset)
{
	return PFN_PHYS((u64)page_to_pfn(page)) + offset;
}

static inline void vbus_proxy_set_drvdata(struct vbus_proxy_device *vdev,
					  void *data)
{
	dev_set_drvdata(&vdev->dev, data);
}

static inline void *vbus_proxy_drvdata(const struct vbus_proxy_device *vdev)
{
	return dev_get_drvdata(&vdev->dev);
}

/* Devices, for connectors. */
int vbus_proxy_device_add(struct vbus_proxy_device *vdev,
			  struct device *parent);
void vbus_proxy_device_gone(struct vbus_proxy_device *vdev);
void vbus_proxy_device_del(struct vbus_proxy_device *vdev);

#endif /* _LINUX_VBUS_DRIVER_H */
