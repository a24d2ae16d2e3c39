/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM venet_tap

#if !defined(_VENET_TAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VENET_TAP_TRACE_H

#include <linux/tracepoint.h>
#include <linux/vbus.h>

DECLARE_EVENT_CLASS(venet_tap_device,
		    TP_PROTO(struct vbus_device *vdev),
		    TP_ARGS(vdev),
		    TP_STRUCT__entry(__string(device, vbus_device_name(vdev))),
		    TP_fast_assign(__assign_str(device);),
		    TP_printk("device=%s", __get_str(device)));

DEFINE_EVENT(venet_tap_device, venet_tap_open,
	     TP_PROTO(struct vbus_device *vdev), TP_ARGS(vdev));
DEFINE_EVENT(venet_tap_device, venet_tap_close,
	     TP_PROTO(struct vbus_device *vdev), TP_ARGS(vdev));
DEFINE_EVENT(venet_tap_device, venet_tap_stall,
	     TP_PROTO(struct vbus_device *vdev), TP_ARGS(vdev));

TRACE_EVENT(venet_tap_queue,
	    TP_PROTO(struct vbus_device *vdev, u32 queue, int state),
	    TP_ARGS(vdev, queue, state),
	    TP_STRUCT__entry(__string(device, vbus_device_name(vdev))
			     __field(u32, queue)
			     __field(int, state)),
	    TP_fast_assign(__assign_str(device);
			   __entry->queue = queue;
			   __entry->state = state;),
	    TP_printk("device=%s queue=%u state=%s", __get_str(device),
		      __entry->queue,
		      __print_symbolic(__entry->state,
				       { 0, "none" }, { 1, "ready" },
				       { 2, "running" })));

TRACE_EVENT(venet_tap_broken,
	    TP_PROTO(struct vbus_device *vdev, u32 queue, const char *why),
	    TP_ARGS(vdev, queue, why),
	    TP_STRUCT__entry(__string(device, vbus_device_name(vdev))
			     __field(u32, queue)
			     __string(why, why)),
	    TP_fast_assign(__assign_str(device);
			   __entry->queue = queue;
			   __assign_str(why);),
	    TP_printk("device=%s queue=%u why=%s", __get_str(device),
		      __entry->queue, __get_str(why)));

#endif /* _VENET_TAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
