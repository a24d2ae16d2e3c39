// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/<pid>/vbus: the Virtual-Bus that a process is a member of
 *
 * Membership gives access to the devices of a bus, so changing it takes
 * CAP_SYS_ADMIN of the writer and, lest a privileged program be handed a file
 * to write to, of whoever opened the file; and for another process the right
 * to trace it.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/vbus_member.h>
#include "internal.h"

static ssize_t proc_vbus_read(struct file *file, char __user *buf, size_t count,
			      loff_t *ppos)
{
	struct task_struct *task = get_proc_task(file_inode(file));
	char line[VBUS_NAME_LEN + 1];
	size_t len;

	if (!task)
		return -ESRCH;
	vbus_member_name(task, line);
	put_task_struct(task);
	len = strlen(line);
	line[len++] = '\n';
	return simple_read_from_buffer(buf, count, ppos, line, len);
}

/* One name, with or without a newline at its end. */
static int proc_vbus_copy_name(char name[VBUS_NAME_LEN],
			       const char __user *buf, size_t count)
{
	char line[VBUS_NAME_LEN + 1] = {};

	if (!count || count > VBUS_NAME_LEN)
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	if (line[count - 1] == '\n')
		line[--count] = '\0';
	if (!count || count >= VBUS_NAME_LEN || strlen(line) != count)
		return -EINVAL;
	strscpy(name, line, VBUS_NAME_LEN);
	return 0;
}

static int proc_vbus_set(struct task_struct *task, const char *name)
{
	if (!ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS))
		return -EPERM;
	return vbus_member_set(task, name);
}

static ssize_t proc_vbus_write(struct file *file, const char __user *buf,
			       size_t count, loff_t *ppos)
{
	struct task_struct *task;
	char name[VBUS_NAME_LEN];
	int err;

	if (!capable(CAP_SYS_ADMIN) ||
	    !file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = proc_vbus_copy_name(name, buf, count);
	if (err)
		return err;
	task = get_proc_task(file_inode(file));
	if (!task)
		return -ESRCH;
	err = proc_vbus_set(task, name);
	put_task_struct(task);
	return err ?: count;
}

const struct file_operations proc_vbus_operations = {
	.read	= proc_vbus_read,
	.write	= proc_vbus_write,
	.llseek	= generic_file_llseek,
};
