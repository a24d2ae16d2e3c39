/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the local connector shows to its tests
 */
#ifndef _KERNEL_VBUS_CONNECTORS_LOCAL_H
#define _KERNEL_VBUS_CONNECTORS_LOCAL_H

int vbus_local_objects(void);

#endif /* _KERNEL_VBUS_CONNECTORS_LOCAL_H */
