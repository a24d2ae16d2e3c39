// SPDX-License-Identifier: GPL-2.0-only
/*
 * Membership of processes in a Virtual-Bus: /proc/<pid>/vbus, inheritance, and
 * the listing in /sys/vbus. Needs root, configfs mounted at
 * /sys/kernel/config, and CONFIG_VBUS.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest_harness.h"

#define CONFIGFS	"/sys/kernel/config/vbus/instances/"
#define SYSFS		"/sys/vbus/instances/"
#define BUS		"selftest-membership"

/* Write a bus's name as @pid's membership; 0 or the error. */
static int join(pid_t pid, const char *bus)
{
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/vbus", pid);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	if (write(fd, bus, strlen(bus)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* The bus that @pid is a member of, without the newline. */
static const char *bus_of(pid_t pid)
{
	static char name[256];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/vbus", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return "?";
	n = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (n <= 0)
		return "?";
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return name;
}

static bool listed(pid_t pid)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS BUS "/members/%d", pid);
	return !access(path, F_OK);
}

static int member_count(void)
{
	DIR *dir = opendir(SYSFS BUS "/members");
	struct dirent *entry;
	int n = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* Run in a child; its exit status is the result. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

FIXTURE(bus) {
	pid_t self;
};

FIXTURE_SETUP(bus)
{
	self->self = getpid();
	if (access(CONFIGFS, F_OK))
		SKIP(return, "no " CONFIGFS);
	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, mkdir(CONFIGFS BUS, 0755));
}

FIXTURE_TEARDOWN(bus)
{
	join(getpid(), "0");
	EXPECT_EQ(0, rmdir(CONFIGFS BUS));
}

TEST_F(bus, nobody_is_a_member_at_first)
{
	EXPECT_STREQ("0", bus_of(self->self));
	EXPECT_EQ(0, member_count());
}

TEST_F(bus, join_and_leave)
{
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_STREQ(BUS, bus_of(self->self));
	EXPECT_TRUE(listed(self->self));
	EXPECT_EQ(1, member_count());
	ASSERT_EQ(0, join(self->self, "0"));
	EXPECT_STREQ("0", bus_of(self->self));
	EXPECT_EQ(0, member_count());
}

TEST_F(bus, a_newline_does_no_harm)
{
	ASSERT_EQ(0, join(self->self, BUS "\n"));
	EXPECT_STREQ(BUS, bus_of(self->self));
}

TEST_F(bus, no_such_bus)
{
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_EQ(ENOENT, join(self->self, "no-such-bus"));
	EXPECT_STREQ(BUS, bus_of(self->self));
}

TEST_F(bus, joining_twice_counts_once)
{
	ASSERT_EQ(0, join(self->self, BUS));
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_EQ(1, member_count());
}

TEST_F(bus, busy_while_it_has_members)
{
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_EQ(-1, rmdir(CONFIGFS BUS));
	EXPECT_EQ(EBUSY, errno);
}

static int child_is_member(void)
{
	return !(listed(getpid()) && !strcmp(bus_of(getpid()), BUS));
}

TEST_F(bus, fork_inherits)
{
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_EQ(0, in_child(child_is_member));
	EXPECT_EQ(1, member_count());
}

static int exec_reads_membership(void)
{
	execl("/bin/sh", "sh", "-c",
	      "read -r bus < /proc/self/vbus && [ \"$bus\" = " BUS " ]", NULL);
	return 2;
}

TEST_F(bus, exec_keeps)
{
	ASSERT_EQ(0, join(self->self, BUS));
	EXPECT_EQ(0, in_child(exec_reads_membership));
}

static void *thread_leaves(void *unused)
{
	return (void *)(long)join(syscall(SYS_gettid), "0");
}

TEST_F(bus, threads_share)
{
	pthread_t thread;
	void *err;

	ASSERT_EQ(0, join(self->self, BUS));
	ASSERT_EQ(0, pthread_create(&thread, NULL, thread_leaves, NULL));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(NULL, err);
	EXPECT_STREQ("0", bus_of(self->self));
	EXPECT_EQ(0, member_count());
}

TEST_F(bus, another_process)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, join(pid, BUS));
	EXPECT_STREQ(BUS, bus_of(pid));
	EXPECT_STREQ("0", bus_of(self->self));
	EXPECT_TRUE(listed(pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, member_count());
}

TEST_F(bus, a_zombie_is_no_member)
{
	siginfo_t info;
	pid_t pid;

	ASSERT_EQ(0, join(self->self, BUS));
	pid = fork();
	if (!pid)
		_exit(0);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_FALSE(listed(pid));
	EXPECT_EQ(1, member_count());
	EXPECT_EQ(ESRCH, join(pid, BUS));
	EXPECT_EQ(0, waitid(P_PID, pid, &info, WEXITED));
}

TEST_F(bus, kernel_threads_are_refused)
{
	EXPECT_EQ(EPERM, join(2, BUS));
}

static int no_capability(void)
{
	if (setresuid(65534, 65534, 65534))
		return 2;
	/* The file is root's: it cannot even be opened. */
	if (join(getpid(), BUS) != EACCES)
		return 3;
	return strcmp(bus_of(getpid()), "0") ? 4 : 0;
}

TEST_F(bus, others_may_not_open)
{
	EXPECT_EQ(0, in_child(no_capability));
}

static int privileged_opener(void)
{
	int fd = open("/proc/self/vbus", O_WRONLY);

	if (fd < 0 || setresuid(65534, 65534, 65534))
		return 2;
	if (write(fd, BUS, strlen(BUS)) >= 0 || errno != EPERM)
		return 3;
	/* Capability is looked at before the name. */
	if (write(fd, "nosuch", 6) >= 0 || errno != EPERM)
		return 4;
	return 0;
}

TEST_F(bus, the_writer_needs_the_capability)
{
	EXPECT_EQ(0, in_child(privileged_opener));
}

#define STORM 300

static void *forker(void *unused)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < STORM; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, &status, 0);
	}
	return NULL;
}

TEST_F(bus, fork_against_change)
{
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, forker, NULL));
	for (i = 0; i < 20 * STORM && pthread_tryjoin_np(thread, NULL); i++) {
		EXPECT_EQ(0, join(self->self, BUS));
		EXPECT_EQ(0, join(self->self, "0"));
	}
	pthread_tryjoin_np(thread, NULL);
	if (i == 20 * STORM)
		pthread_join(thread, NULL);
	EXPECT_EQ(0, member_count());
}

TEST_F(bus, exit_against_change)
{
	int i, err;
	pid_t pid;

	for (i = 0; i < STORM; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		ASSERT_LT(0, pid);
		err = join(pid, BUS);
		EXPECT_TRUE(!err || err == ESRCH);
		waitpid(pid, NULL, 0);
	}
	EXPECT_EQ(0, member_count());
}

TEST(names_of_buses)
{
	char name[sizeof(CONFIGFS) + NAME_MAX + 2] = CONFIGFS;
	char *end = name + strlen(name);
	static const char * const bad[] = {
		"0", " leading", "trailing ", "control\x01", "new\nline",
	};
	unsigned int i;

	if (access(CONFIGFS, F_OK) || geteuid())
		SKIP(return, "needs root and " CONFIGFS);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(end, bad[i], strlen(bad[i]) + 1);
		EXPECT_EQ(-1, mkdir(name, 0755));
		EXPECT_EQ(EINVAL, errno);
	}
	memset(end, 'x', 127);
	end[127] = '\0';
	EXPECT_EQ(0, mkdir(name, 0755));
	EXPECT_EQ(0, rmdir(name));
	end[127] = 'x';
	end[128] = '\0';
	EXPECT_EQ(-1, mkdir(name, 0755));
	EXPECT_EQ(EINVAL, errno);
	memset(end, 'x', 256);
	end[256] = '\0';
	EXPECT_EQ(-1, mkdir(name, 0755));
	EXPECT_EQ(ENAMETOOLONG, errno);
}

TEST_HARNESS_MAIN
