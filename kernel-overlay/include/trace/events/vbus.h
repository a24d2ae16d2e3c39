/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-Bus: the life of every object, and every verb
 *
 * Clients are told apart by their address, which is printed hashed.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vbus

#if !defined(_TRACE_VBUS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_VBUS_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(vbus_name,
		    TP_PROTO(const char *name),
		    TP_ARGS(name),
		    TP_STRUCT__entry(__string(name, name)),
		    TP_fast_assign(__assign_str(name);),
		    TP_printk("name=%s", __get_str(name)));

DEFINE_EVENT(vbus_name, vbus_deviceclass_register,
	     TP_PROTO(const char *name), TP_ARGS(name));
DEFINE_EVENT(vbus_name, vbus_deviceclass_unregister,
	     TP_PROTO(const char *name), TP_ARGS(name));
DEFINE_EVENT(vbus_name, vbus_bus_create,
	     TP_PROTO(const char *name), TP_ARGS(name));
DEFINE_EVENT(vbus_name, vbus_bus_destroy,
	     TP_PROTO(const char *name), TP_ARGS(name));
DEFINE_EVENT(vbus_name, vbus_device_create,
	     TP_PROTO(const char *name), TP_ARGS(name));
DEFINE_EVENT(vbus_name, vbus_device_destroy,
	     TP_PROTO(const char *name), TP_ARGS(name));

TRACE_EVENT(vbus_device_type,
	    TP_PROTO(const char *name, const char *class, int err),
	    TP_ARGS(name, class, err),
	    TP_STRUCT__entry(__string(name, name)
			     __string(class, class)
			     __field(int, err)),
	    TP_fast_assign(__assign_str(name);
			   __assign_str(class);
			   __entry->err = err;),
	    TP_printk("name=%s class=%s err=%d", __get_str(name),
		      __get_str(class), __entry->err));

DECLARE_EVENT_CLASS(vbus_interface,
		    TP_PROTO(const char *bus, u32 id, const char *device),
		    TP_ARGS(bus, id, device),
		    TP_STRUCT__entry(__string(bus, bus)
				     __field(u32, id)
				     __string(device, device)),
		    TP_fast_assign(__assign_str(bus);
				   __entry->id = id;
				   __assign_str(device);),
		    TP_printk("bus=%s id=%u device=%s", __get_str(bus),
			      __entry->id, __get_str(device)));

DEFINE_EVENT(vbus_interface, vbus_interface_create,
	     TP_PROTO(const char *bus, u32 id, const char *device),
	     TP_ARGS(bus, id, device));
DEFINE_EVENT(vbus_interface, vbus_interface_destroy,
	     TP_PROTO(const char *bus, u32 id, const char *device),
	     TP_ARGS(bus, id, device));

/* @listed: whether it has its file in the bus's directory "members". */
DECLARE_EVENT_CLASS(vbus_member,
		    TP_PROTO(const char *bus, pid_t tgid, bool listed),
		    TP_ARGS(bus, tgid, listed),
		    TP_STRUCT__entry(__string(bus, bus)
				     __field(pid_t, tgid)
				     __field(bool, listed)),
		    TP_fast_assign(__assign_str(bus);
				   __entry->tgid = tgid;
				   __entry->listed = listed;),
		    TP_printk("bus=%s tgid=%d listed=%d", __get_str(bus),
			      __entry->tgid, __entry->listed));

DEFINE_EVENT(vbus_member, vbus_member_create,
	     TP_PROTO(const char *bus, pid_t tgid, bool listed),
	     TP_ARGS(bus, tgid, listed));
DEFINE_EVENT(vbus_member, vbus_member_destroy,
	     TP_PROTO(const char *bus, pid_t tgid, bool listed),
	     TP_ARGS(bus, tgid, listed));

DECLARE_EVENT_CLASS(vbus_client,
		    TP_PROTO(const char *bus, const void *client),
		    TP_ARGS(bus, client),
		    TP_STRUCT__entry(__string(bus, bus)
				     __field(const void *, client)),
		    TP_fast_assign(__assign_str(bus);
				   __entry->client = client;),
		    TP_printk("bus=%s client=%p", __get_str(bus), __entry->client));

DEFINE_EVENT(vbus_client, vbus_client_create,
	     TP_PROTO(const char *bus, const void *client),
	     TP_ARGS(bus, client));
DEFINE_EVENT(vbus_client, vbus_client_destroy,
	     TP_PROTO(const char *bus, const void *client),
	     TP_ARGS(bus, client));
DEFINE_EVENT(vbus_client, vbus_client_reset,
	     TP_PROTO(const char *bus, const void *client),
	     TP_ARGS(bus, client));

/* @handle is meaningful when @err is 0. */
TRACE_EVENT(vbus_open,
	    TP_PROTO(const void *client, u32 id, u32 version, u32 handle,
		     int err),
	    TP_ARGS(client, id, version, handle, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, id)
			     __field(u32, version)
			     __field(u32, handle)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->id = id;
			   __entry->version = version;
			   __entry->handle = handle;
			   __entry->err = err;),
	    TP_printk("client=%p id=%u version=%u handle=%u err=%d",
		      __entry->client, __entry->id, __entry->version,
		      __entry->handle, __entry->err));

TRACE_EVENT(vbus_close,
	    TP_PROTO(const void *client, u32 handle, int err),
	    TP_ARGS(client, handle, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->err = err;),
	    TP_printk("client=%p handle=%u err=%d", __entry->client,
		      __entry->handle, __entry->err));

TRACE_EVENT(vbus_call,
	    TP_PROTO(const void *client, u32 handle, u32 func, size_t len,
		     int err),
	    TP_ARGS(client, handle, func, len, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(u32, func)
			     __field(size_t, len)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->func = func;
			   __entry->len = len;
			   __entry->err = err;),
	    TP_printk("client=%p handle=%u func=%u len=%zu err=%d",
		      __entry->client, __entry->handle, __entry->func,
		      __entry->len, __entry->err));

TRACE_EVENT(vbus_shm,
	    TP_PROTO(const void *client, u32 handle, u32 id, size_t len,
		     bool signal, int err),
	    TP_ARGS(client, handle, id, len, signal, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(u32, id)
			     __field(size_t, len)
			     __field(bool, signal)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->id = id;
			   __entry->len = len;
			   __entry->signal = signal;
			   __entry->err = err;),
	    TP_printk("client=%p handle=%u id=%u len=%zu signal=%d err=%d",
		      __entry->client, __entry->handle, __entry->id,
		      __entry->len, __entry->signal, __entry->err));

/* The client has rung; @context is an enum shm_signal_context. */
TRACE_EVENT(vbus_signal,
	    TP_PROTO(const void *client, u32 handle, u32 id, int context,
		     int err),
	    TP_ARGS(client, handle, id, context, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(u32, id)
			     __field(int, context)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->id = id;
			   __entry->context = context;
			   __entry->err = err;),
	    TP_printk("client=%p handle=%u id=%u context=%d err=%d",
		      __entry->client, __entry->handle, __entry->id,
		      __entry->context, __entry->err));

/* Memory of the client was not present where a device reached for it. */
TRACE_EVENT(vbus_fault,
	    TP_PROTO(const void *client, u32 handle, u64 addr, size_t len,
		     int err),
	    TP_ARGS(client, handle, addr, len, err),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(u64, addr)
			     __field(size_t, len)
			     __field(int, err)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->addr = addr;
			   __entry->len = len;
			   __entry->err = err;),
	    TP_printk("client=%p handle=%u addr=0x%llx len=%zu err=%d",
		      __entry->client, __entry->handle, __entry->addr,
		      __entry->len, __entry->err));

/* @dropped: the device or the bus ended it, not the client. */
TRACE_EVENT(vbus_connection_end,
	    TP_PROTO(const void *client, u32 handle, bool dropped),
	    TP_ARGS(client, handle, dropped),
	    TP_STRUCT__entry(__field(const void *, client)
			     __field(u32, handle)
			     __field(bool, dropped)),
	    TP_fast_assign(__entry->client = client;
			   __entry->handle = handle;
			   __entry->dropped = dropped;),
	    TP_printk("client=%p handle=%u dropped=%d", __entry->client,
		      __entry->handle, __entry->dropped));

#endif /* _TRACE_VBUS_H */

#include <trace/define_trace.h>
