/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus: the local connector, for tests and for whoever wants the
 * devices of a bus in this kernel
 */
#ifndef _LINUX_VBUS_LOCAL_H
#define _LINUX_VBUS_LOCAL_H

int vbus_local_attach(const char *bus);
int vbus_local_detach(const char *bus);
int vbus_local_settle(const char *bus);

#endif /* _LINUX_VBUS_LOCAL_H */
