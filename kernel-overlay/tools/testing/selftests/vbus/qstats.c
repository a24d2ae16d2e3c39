// SPDX-License-Identifier: GPL-2.0
/*
 * qstats: the statistics of an interface as the netdev netlink family has them
 *
 *	qstats IF		of the interface as a whole
 *	qstats IF queue		of each of its queues
 *
 * One line for each answer, as NAME=NUMBER. Built without libraries that a guest
 * in an initramfs would not have.
 */
#include <err.h>
#include <linux/genetlink.h>
#include <linux/netdev.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../kselftest.h"

static const char * const names[] = {
	[NETDEV_A_QSTATS_IFINDEX] = "ifindex",
	[NETDEV_A_QSTATS_QUEUE_TYPE] = "tx",
	[NETDEV_A_QSTATS_QUEUE_ID] = "queue",
	[NETDEV_A_QSTATS_RX_PACKETS] = "rx_packets",
	[NETDEV_A_QSTATS_RX_BYTES] = "rx_bytes",
	[NETDEV_A_QSTATS_TX_PACKETS] = "tx_packets",
	[NETDEV_A_QSTATS_TX_BYTES] = "tx_bytes",
	[NETDEV_A_QSTATS_RX_ALLOC_FAIL] = "rx_alloc_fail",
	[NETDEV_A_QSTATS_RX_HW_DROPS] = "rx_hw_drops",
	[NETDEV_A_QSTATS_TX_STOP] = "tx_stop",
	[NETDEV_A_QSTATS_TX_WAKE] = "tx_wake",
};

/* A request, and room for what comes back. */
static struct {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	char attrs[128];
} request;

static char answer[65536];

static void begin(int family, int command, int flags)
{
	memset(&request, 0, sizeof(request));
	request.nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	request.nl.nlmsg_type = family;
	request.nl.nlmsg_flags = NLM_F_REQUEST | flags;
	request.genl.cmd = command;
	request.genl.version = 1;
}

static void put(int type, const void *data, int len)
{
	struct nlattr *attr = (void *)&request + request.nl.nlmsg_len;

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	request.nl.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

static void send_request(int fd)
{
	if (send(fd, &request, request.nl.nlmsg_len, 0) < 0)
		err(1, "send");
}

static int receive(int fd)
{
	int len = recv(fd, answer, sizeof(answer), 0);

	if (len < 0)
		err(1, "recv");
	return len;
}

static void check(const struct nlmsghdr *nl)
{
	const struct nlmsgerr *error = NLMSG_DATA(nl);

	if (nl->nlmsg_type == NLMSG_ERROR && error->error)
		errx(1, "%s", strerror(-error->error));
}

static struct nlattr *first_attr(struct nlmsghdr *nl)
{
	return NLMSG_DATA(nl) + GENL_HDRLEN;
}

static bool is_attr(const struct nlattr *attr, const struct nlmsghdr *nl)
{
	return (char *)attr + NLA_HDRLEN <= (char *)nl + nl->nlmsg_len;
}

static struct nlattr *next_attr(struct nlattr *attr)
{
	return (void *)attr + NLA_ALIGN(attr->nla_len);
}

static void *data_of(struct nlattr *attr)
{
	return (char *)attr + NLA_HDRLEN;
}

static int find_family(int fd)
{
	struct nlmsghdr *nl = (void *)answer;
	struct nlattr *attr;

	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY_NAME,
	    sizeof(NETDEV_FAMILY_NAME));
	send_request(fd);
	receive(fd);
	check(nl);
	for (attr = first_attr(nl); is_attr(attr, nl); attr = next_attr(attr))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)data_of(attr);
	errx(1, "no family " NETDEV_FAMILY_NAME);
}

/* Numbers have 32 bits, or 64 where they need them. */
static uint64_t number(struct nlattr *attr)
{
	uint64_t value;

	if (attr->nla_len != NLA_HDRLEN + sizeof(value))
		return *(uint32_t *)data_of(attr);
	memcpy(&value, data_of(attr), sizeof(value));
	return value;
}

static void print(struct nlmsghdr *nl)
{
	struct nlattr *attr;

	for (attr = first_attr(nl); is_attr(attr, nl); attr = next_attr(attr))
		if (attr->nla_type < ARRAY_SIZE(names) &&
		    names[attr->nla_type])
			printf("%s=%llu ", names[attr->nla_type],
			       (unsigned long long)number(attr));
	putchar('\n');
}

/* Return: whether there is more to come. */
static int print_all(int len)
{
	struct nlmsghdr *nl;

	for (nl = (void *)answer; NLMSG_OK(nl, (unsigned int)len);
	     nl = NLMSG_NEXT(nl, len)) {
		check(nl);
		if (nl->nlmsg_type == NLMSG_DONE)
			return 0;
		print(nl);
	}
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t scope = NETDEV_QSTATS_SCOPE_QUEUE;
	uint32_t ifindex;
	int fd, family;

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "queue"))) {
		fprintf(stderr, "Usage: qstats IF [queue]\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	if (!ifindex)
		errx(1, "no interface %s", argv[1]);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (fd < 0)
		err(1, "socket");
	family = find_family(fd);
	begin(family, NETDEV_CMD_QSTATS_GET, NLM_F_DUMP);
	put(NETDEV_A_QSTATS_IFINDEX, &ifindex, sizeof(ifindex));
	if (argc == 3)
		put(NETDEV_A_QSTATS_SCOPE, &scope, sizeof(scope));
	send_request(fd);
	while (print_all(receive(fd)))
		;
	close(fd);
	return 0;
}
