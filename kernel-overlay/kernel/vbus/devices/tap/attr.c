// SPDX-License-Identifier: GPL-2.0-only
/*
 * venet-tap: what an administrator sees and sets in /sys/vbus/devices/<name>
 *
 * Documented in Documentation/ABI/testing/sysfs-vbus-venet-tap. The files are
 * gone before the device is destroyed, and nothing that their functions wait
 * for waits for them in turn: tap->admin is taken nowhere else.
 */
#include <linux/etherdevice.h>
#include <linux/hex.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "tap.h"

static struct venet_tap *tap_from_kobj(struct kobject *kobj)
{
	return vbus_device_priv(vbus_device_from_kobj(kobj));
}

/* One line with an address that a station can have, and nothing else. */
static int parse_mac(const char *buf, size_t len, u8 *mac)
{
	const size_t mac_len = 3 * ETH_ALEN - 1;

	if (len && buf[len - 1] == '\n')
		len--;
	if (len != mac_len || !mac_pton(buf, mac) || !is_valid_ether_addr(mac))
		return -EINVAL;
	return 0;
}

static ssize_t client_mac_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	struct venet_tap *tap = tap_from_kobj(kobj);

	guard(mutex)(&tap->lock);
	return sysfs_emit(buf, "%pM\n", tap->client_mac);
}

static ssize_t client_mac_store(struct kobject *kobj,
				struct kobj_attribute *attr, const char *buf,
				size_t len)
{
	struct venet_tap *tap = tap_from_kobj(kobj);
	u8 mac[ETH_ALEN];
	int err;

	err = parse_mac(buf, len, mac);
	if (err)
		return err;
	guard(mutex)(&tap->lock);
	if (tap_conn_locked(tap))
		return -EBUSY;
	ether_addr_copy(tap->client_mac, mac);
	return len;
}

static struct kobj_attribute client_mac_attr = __ATTR_RW(client_mac);

static ssize_t host_mac_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	struct venet_tap *tap = tap_from_kobj(kobj);

	guard(mutex)(&tap->lock);
	return sysfs_emit(buf, "%pM\n", tap->host_mac);
}

static ssize_t host_mac_store(struct kobject *kobj,
			      struct kobj_attribute *attr, const char *buf,
			      size_t len)
{
	struct venet_tap *tap = tap_from_kobj(kobj);
	u8 mac[ETH_ALEN];
	int err;

	err = parse_mac(buf, len, mac);
	if (err)
		return err;
	guard(mutex)(&tap->admin);
	if (tap->enabled)
		return -EBUSY;
	guard(mutex)(&tap->lock);
	ether_addr_copy(tap->host_mac, mac);
	return len;
}

static struct kobj_attribute host_mac_attr = __ATTR_RW(host_mac);

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	struct venet_tap *tap = tap_from_kobj(kobj);

	return sysfs_emit(buf, "%d\n", READ_ONCE(tap->enabled));
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t len)
{
	struct venet_tap *tap = tap_from_kobj(kobj);
	bool enable;
	int err;

	err = kstrtobool(buf, &enable);
	if (err)
		return err;
	guard(mutex)(&tap->admin);
	if (enable == tap->enabled)
		return len;
	if (enable) {
		err = tap_netdev_register(tap);
		if (err)
			return err;
	} else {
		tap_netdev_unregister(tap);
	}
	WRITE_ONCE(tap->enabled, enable);
	return len;
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);

static ssize_t ifname_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	struct venet_tap *tap = tap_from_kobj(kobj);
	const struct net_device *dev;
	ssize_t len;

	/* Against renaming. */
	rtnl_lock();
	scoped_guard(mutex, &tap->lock) {
		dev = tap_netdev_locked(tap);
		len = sysfs_emit(buf, "%s\n", dev ? dev->name : tap->ifname);
	}
	rtnl_unlock();
	return len;
}

/* A name, or a pattern with one %d; an empty line is the default pattern. */
static int parse_ifname(const char *buf, size_t len, char *name)
{
	char line[IFNAMSIZ + 1];
	const char *percent;

	if (len >= sizeof(line))
		return -EINVAL;
	memcpy(line, buf, len);
	line[len] = '\0';
	strim(line);
	if (!line[0])
		strscpy(line, TAP_IFNAME);
	if (!dev_valid_name(line))
		return -EINVAL;
	percent = strchr(line, '%');
	if (percent && (percent[1] != 'd' || strchr(percent + 2, '%')))
		return -EINVAL;
	strscpy(name, line, IFNAMSIZ);
	return 0;
}

static ssize_t ifname_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t len)
{
	struct venet_tap *tap = tap_from_kobj(kobj);
	char name[IFNAMSIZ];
	int err;

	err = parse_ifname(buf, len, name);
	if (err)
		return err;
	guard(mutex)(&tap->admin);
	if (tap->enabled)
		return -EBUSY;
	guard(mutex)(&tap->lock);
	strscpy(tap->ifname, name);
	return len;
}

static struct kobj_attribute ifname_attr = __ATTR_RW(ifname);

static struct attribute *tap_attrs[] = {
	&client_mac_attr.attr,
	&enabled_attr.attr,
	&host_mac_attr.attr,
	&ifname_attr.attr,
	NULL
};

static const struct attribute_group tap_group = {
	.attrs = tap_attrs,
};

const struct attribute_group *tap_groups[] = {
	&tap_group,
	NULL
};
