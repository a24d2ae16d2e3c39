// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a packet costs: small workloads between a client and a server.
 *
 * The server offers one service per workload, each a process that does nothing
 * but receive and send, so that what is counted is the path and not the program.
 * The client measures and prints one line of key=value pairs per round. Where an
 * emulator lets one instruction take one nanosecond, "ns" is instructions.
 *
 * The client marks the measured part by instructions that do nothing, between
 * which a profiler inside the emulator counts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BUF_SIZE	(256 * 1024)
#define KVM_STATS	"/sys/kernel/debug/kvm"
#define MAX_STATS	128
#define SILENCE		50	/* ms after which what has not come is lost */

/* Ports, from the first on. */
enum {
	UDP_ECHO, UDP_SINK, UDP_SOURCE, TCP_ECHO, TCP_SINK, TCP_SOURCE,
	NR_SERVICES,
};

/* The first bytes of a flood: what it is, answered by the receiver's count. */
struct flood {
	uint32_t count;		/* packets that are to come */
	uint32_t size;		/* bytes of each */
	uint32_t window;	/* in flight at most, 0: no limit */
	uint32_t gap;		/* ns from one to the next */
};

static struct {
	const char *bind;
	const char *addr;
	int port;
	size_t size;
	unsigned long ops;
	unsigned long warm;
	unsigned int rounds;
	unsigned int window;
	unsigned int gap;
	int busy_poll;
	bool spin;
	bool stats;
} opt = {
	.port = 7000, .size = 64, .ops = 1000, .rounds = 1, .window = 64,
};

static char buf[BUF_SIZE];

/* ---- time, marks and counters */

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void wait_until(uint64_t when)
{
	while (now() < when)
		;
}

static void mark_begin(void)
{
#ifdef __x86_64__
	asm volatile("xchg %%bx, %%bx" ::: "memory");
#endif
}

static void mark_end(void)
{
#ifdef __x86_64__
	asm volatile("xchg %%cx, %%cx" ::: "memory");
#endif
}

/* KVM's counters, summed over all machines; what changed is printed. */
static struct {
	char name[40];
	long long value;
} stats[MAX_STATS];
static unsigned int nr_stats;

static long long read_stat(const char *name)
{
	char path[300], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), KVM_STATS "/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return atoll(text);
}

static void list_stats(void)
{
	struct dirent *ent;
	DIR *dir = opendir(KVM_STATS);

	if (!dir)
		err(1, KVM_STATS);
	while ((ent = readdir(dir)) && nr_stats < MAX_STATS) {
		if (ent->d_type != DT_REG ||
		    strlen(ent->d_name) >= sizeof(stats[0].name))
			continue;
		memcpy(stats[nr_stats++].name, ent->d_name,
		       strlen(ent->d_name) + 1);
	}
	closedir(dir);
}

static void take_stats(void)
{
	unsigned int i;

	for (i = 0; i < nr_stats; i++)
		stats[i].value = read_stat(stats[i].name);
}

static void print_stats(void)
{
	unsigned int i;
	long long diff;

	for (i = 0; i < nr_stats; i++) {
		diff = read_stat(stats[i].name) - stats[i].value;
		if (diff)
			printf(" kvm.%s=%lld", stats[i].name, diff);
	}
}

/* ---- sockets */

static struct sockaddr_in sockaddr_of(const char *addr, int service)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(opt.port + service),
	};

	if (addr && !inet_aton(addr, &sin.sin_addr))
		errx(1, "%s is no IPv4 address", addr);
	return sin;
}

static void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		err(1, "setsockopt %d", name);
}

static void set_timeout(int fd, int ms)
{
	struct timeval tv = {
		.tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		err(1, "SO_RCVTIMEO");
}

/*
 * Each datagram of a window counts for much more than its bytes. Without the
 * privilege the window must be small.
 */
static void make_room(int fd)
{
	const int room = 8 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
}

static int new_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	if (opt.busy_poll)
		set_int(fd, SOL_SOCKET, SO_BUSY_POLL, opt.busy_poll);
	if (type == SOCK_STREAM)
		set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	else
		make_room(fd);
	return fd;
}

static int server_socket(int type, int service)
{
	struct sockaddr_in sin = sockaddr_of(opt.bind, service);
	int fd = new_socket(type);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		err(1, "bind to port %d", opt.port + service);
	if (type == SOCK_STREAM && listen(fd, 64))
		err(1, "listen");
	return fd;
}

static int client_socket(int type, int service)
{
	struct sockaddr_in sin = sockaddr_of(opt.addr, service);
	int fd = new_socket(type);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		err(1, "connect to %s port %d", opt.addr, opt.port + service);
	return fd;
}

/* Wait in the kernel, or spin in the program. */
static ssize_t receive(int fd, void *data, size_t len)
{
	ssize_t ret;

	if (!opt.spin)
		return recv(fd, data, len, 0);
	do {
		ret = recv(fd, data, len, MSG_DONTWAIT);
	} while (ret < 0 && errno == EAGAIN);
	return ret;
}

static ssize_t receive_from(int fd, void *data, size_t len,
			    struct sockaddr_in *from)
{
	socklen_t size = sizeof(*from);
	ssize_t ret;

	do {
		ret = recvfrom(fd, data, len, opt.spin ? MSG_DONTWAIT : 0,
			       (struct sockaddr *)from, &size);
	} while (opt.spin && ret < 0 && errno == EAGAIN);
	return ret;
}

static bool receive_all(int fd, void *data, size_t len)
{
	ssize_t ret;

	for (; len; data += ret, len -= ret) {
		ret = receive(fd, data, len);
		if (ret <= 0)
			return false;
	}
	return true;
}

static bool send_all(int fd, const void *data, size_t len)
{
	ssize_t ret;

	for (; len; data += ret, len -= ret) {
		ret = send(fd, data, len, MSG_NOSIGNAL);
		if (ret <= 0)
			return false;
	}
	return true;
}

/* ---- both ends of a one-way flood */

/* A full queue on the way is no loss: try again. */
static void send_one(int fd, const void *data, size_t len,
		     const struct sockaddr_in *to)
{
	while (sendto(fd, data, len, 0, (const struct sockaddr *)to,
		      to ? sizeof(*to) : 0) < 0)
		if (errno != ENOBUFS && errno != ECONNREFUSED)
			err(1, "send");
}

static void send_count(int fd, uint32_t count, const struct sockaddr_in *to)
{
	count = htonl(count);
	send_one(fd, &count, sizeof(count), to);
}

/* What the receiver has counted so far; without @wait only if it is there. */
static bool read_count(int fd, uint32_t *count, bool wait)
{
	uint32_t word;

	if (recv(fd, &word, sizeof(word), wait ? 0 : MSG_DONTWAIT) !=
	    sizeof(word))
		return false;
	*count = ntohl(word);
	return true;
}

/* Counts are lost with their packets: give up waiting, and go on. */
static void send_flood(int fd, const struct flood *f,
		       const struct sockaddr_in *to)
{
	uint32_t sent, seen = 0;
	uint64_t next = now();

	set_timeout(fd, SILENCE);
	for (sent = 0; sent < f->count; sent++) {
		while (f->window && sent - seen >= f->window)
			if (!read_count(fd, &seen, true))
				seen = sent;
		if (f->gap) {
			wait_until(next);
			next += f->gap;
		}
		send_one(fd, buf, f->size, to);
	}
}

/* Tells the sender every half window, and ends after SILENCE. */
static uint32_t receive_flood(int fd, const struct flood *f,
			      const struct sockaddr_in *from, uint64_t *last)
{
	uint32_t got = 0;

	set_timeout(fd, SILENCE);
	while (got < f->count && receive(fd, buf, f->size) > 0) {
		got++;
		*last = now();
		if (f->window && got % (f->window / 2) == 0)
			send_count(fd, got, from);
	}
	return got;
}

static void pack(struct flood *f)
{
	f->count = htonl(f->count);
	f->size = htonl(f->size);
	f->window = htonl(f->window);
	f->gap = htonl(f->gap);
}

static bool unpack(struct flood *f, ssize_t len)
{
	pack(f);
	return len == sizeof(*f) && f->size && f->size <= BUF_SIZE &&
	       f->window != 1;
}

/* ---- services */

static void udp_echo(int fd)
{
	struct sockaddr_in from;
	ssize_t len;

	for (;;) {
		len = receive_from(fd, buf, sizeof(buf), &from);
		if (len >= 0)
			sendto(fd, buf, len, 0, (struct sockaddr *)&from,
			       sizeof(from));
	}
}

/* What is left of a flood that has ended is shorter than an order. */
static void udp_flood(int fd, bool source)
{
	struct sockaddr_in peer;
	struct flood f;
	uint64_t last;

	set_timeout(fd, 0);
	if (!unpack(&f, receive_from(fd, &f, sizeof(f), &peer)))
		return;
	if (source) {
		send_flood(fd, &f, &peer);
	} else {
		send_count(fd, 0, &peer);
		send_count(fd, receive_flood(fd, &f, &peer, &last), &peer);
	}
}

static void tcp_echo(int fd)
{
	ssize_t len;

	while ((len = receive(fd, buf, sizeof(buf))) > 0)
		if (!send_all(fd, buf, len))
			break;
}

static void tcp_sink(int fd)
{
	uint64_t total = 0;
	ssize_t len;

	while ((len = receive(fd, buf, sizeof(buf))) > 0)
		total += len;
	send_all(fd, &total, sizeof(total));
}

static void tcp_source(int fd)
{
	uint64_t order[2], done;

	if (!receive_all(fd, order, sizeof(order)) || !order[1] ||
	    order[1] > BUF_SIZE)
		return;
	for (done = 0; done < order[0]; done += order[1])
		if (!send_all(fd, buf, order[1]))
			return;
}

static const struct {
	const char *name;
	int type;
	void (*serve)(int fd);
} services[NR_SERVICES] = {
	[UDP_ECHO] = { "udp_echo", SOCK_DGRAM, udp_echo },
	[UDP_SINK] = { "udp_sink", SOCK_DGRAM },
	[UDP_SOURCE] = { "udp_source", SOCK_DGRAM },
	[TCP_ECHO] = { "tcp_echo", SOCK_STREAM, tcp_echo },
	[TCP_SINK] = { "tcp_sink", SOCK_STREAM, tcp_sink },
	[TCP_SOURCE] = { "tcp_source", SOCK_STREAM, tcp_source },
};

static void serve_connections(int fd, int service)
{
	int conn = accept(fd, NULL, NULL);

	if (conn < 0)
		return;
	set_int(conn, IPPROTO_TCP, TCP_NODELAY, 1);
	if (opt.busy_poll)
		set_int(conn, SOL_SOCKET, SO_BUSY_POLL, opt.busy_poll);
	services[service].serve(conn);
	close(conn);
}

static void serve(int service)
{
	int fd = server_socket(services[service].type, service);

	for (;;) {
		if (services[service].type == SOCK_STREAM)
			serve_connections(fd, service);
		else if (services[service].serve)
			services[service].serve(fd);
		else
			udp_flood(fd, service == UDP_SOURCE);
	}
}

static int find_service(const char *name)
{
	int i;

	for (i = 0; i < NR_SERVICES; i++)
		if (!strcmp(name, services[i].name))
			return i;
	errx(1, "no service %s", name);
}

/* One process for each, which ends with us; we end with the first that ends. */
static int server(int argc, char **argv)
{
	int i, service;

	for (i = 0; i < (argc ? argc : NR_SERVICES); i++) {
		service = argc ? find_service(argv[i]) : i;
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			serve(service);
		}
	}
	wait(NULL);
	return 1;
}

/* ---- workloads: each does @ops operations and says what came of them */

struct result {
	uint64_t ns;		/* if the round itself took the time */
	uint64_t bytes;
	unsigned long lost;
};

static int udp_rr_fd = -1, tcp_rr_fd = -1;

static void udp_rr(unsigned long ops, struct result *res)
{
	if (udp_rr_fd < 0) {
		udp_rr_fd = client_socket(SOCK_DGRAM, UDP_ECHO);
		set_timeout(udp_rr_fd, 1000);
	}
	while (ops--) {
		send_one(udp_rr_fd, buf, opt.size, NULL);
		if (receive(udp_rr_fd, buf, opt.size) < 0)
			res->lost++;
		res->bytes += opt.size;
	}
}

/* Bursts of a window, each echoed before the next. */
static void udp_flood_echo(unsigned long ops, struct result *res)
{
	unsigned long i, burst;

	if (udp_rr_fd < 0) {
		udp_rr_fd = client_socket(SOCK_DGRAM, UDP_ECHO);
		set_timeout(udp_rr_fd, 1000);
	}
	for (; ops; ops -= burst) {
		burst = opt.window && opt.window < ops ? opt.window : ops;
		for (i = 0; i < burst; i++)
			send_one(udp_rr_fd, buf, opt.size, NULL);
		for (i = 0; i < burst; i++)
			if (receive(udp_rr_fd, buf, opt.size) < 0)
				break;
		res->lost += burst - i;
		res->bytes += burst * opt.size;
	}
}

static struct flood order_flood(int fd, unsigned long ops)
{
	const struct flood f = {
		.count = ops, .size = opt.size, .window = opt.window,
		.gap = opt.gap,
	};
	struct flood wire = f;

	pack(&wire);
	send_one(fd, &wire, sizeof(wire), NULL);
	return f;
}

static void udp_flood_to(unsigned long ops, struct result *res)
{
	int fd = client_socket(SOCK_DGRAM, UDP_SINK);
	struct flood f = order_flood(fd, ops);
	uint64_t begin;
	uint32_t got = 0;

	set_timeout(fd, 1000);
	if (!read_count(fd, &got, true))
		errx(1, "no answer from %s", opt.addr);
	begin = now();
	send_flood(fd, &f, NULL);
	res->ns = now() - begin;
	set_timeout(fd, 1000);
	/* The last answer is the total; it comes at once if none was lost. */
	while (got < ops && read_count(fd, &got, true))
		res->ns = now() - begin;
	res->lost = ops - got;
	res->bytes = (uint64_t)got * opt.size;
	close(fd);
}

static void udp_flood_from(unsigned long ops, struct result *res)
{
	int fd = client_socket(SOCK_DGRAM, UDP_SOURCE);
	uint64_t begin = now(), last = begin;
	struct flood f = order_flood(fd, ops);
	uint32_t got = receive_flood(fd, &f, NULL, &last);

	res->ns = last - begin;
	res->lost = ops - got;
	res->bytes = (uint64_t)got * opt.size;
	close(fd);
}

static void exchange(int fd)
{
	if (!send_all(fd, buf, opt.size) || !receive_all(fd, buf, opt.size))
		err(1, "the connection ended");
}

static void tcp_rr(unsigned long ops, struct result *res)
{
	if (tcp_rr_fd < 0)
		tcp_rr_fd = client_socket(SOCK_STREAM, TCP_ECHO);
	while (ops--) {
		exchange(tcp_rr_fd);
		res->bytes += opt.size;
	}
}

static void tcp_crr(unsigned long ops, struct result *res)
{
	int fd;

	while (ops--) {
		fd = client_socket(SOCK_STREAM, TCP_ECHO);
		exchange(fd);
		close(fd);
		res->bytes += opt.size;
	}
}

/* An operation is one write of the sender. */
static void tcp_stream_to(unsigned long ops, struct result *res)
{
	int fd = client_socket(SOCK_STREAM, TCP_SINK);
	uint64_t total = 0;

	while (ops-- && send_all(fd, buf, opt.size))
		res->bytes += opt.size;
	shutdown(fd, SHUT_WR);
	if (!receive_all(fd, &total, sizeof(total)) || total != res->bytes)
		errx(1, "%llu bytes of %llu arrived",
		     (unsigned long long)total, (unsigned long long)res->bytes);
	close(fd);
}

static void tcp_stream_from(unsigned long ops, struct result *res)
{
	uint64_t order[2] = { (uint64_t)ops * opt.size, opt.size };
	int fd = client_socket(SOCK_STREAM, TCP_SOURCE);
	ssize_t len;

	send_all(fd, order, sizeof(order));
	while ((len = receive(fd, buf, sizeof(buf))) > 0)
		res->bytes += len;
	if (res->bytes != order[0])
		errx(1, "%llu bytes of %llu arrived",
		     (unsigned long long)res->bytes,
		     (unsigned long long)order[0]);
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(unsigned long ops, struct result *res);
} workloads[] = {
	{ "udp_rr", udp_rr },
	{ "udp_flood_echo", udp_flood_echo },
	{ "udp_flood_to", udp_flood_to },
	{ "udp_flood_from", udp_flood_from },
	{ "tcp_rr", tcp_rr },
	{ "tcp_crr", tcp_crr },
	{ "tcp_stream_to", tcp_stream_to },
	{ "tcp_stream_from", tcp_stream_from },
};

static void measure(unsigned int workload)
{
	struct result res = {};
	uint64_t begin, ns;

	take_stats();
	mark_begin();
	begin = now();
	workloads[workload].run(opt.ops, &res);
	ns = now() - begin;
	mark_end();
	if (res.ns)
		ns = res.ns;
	printf("workload=%s size=%zu ops=%lu ns=%llu ns_per_op=%.1f bytes=%llu lost=%lu",
	       workloads[workload].name, opt.size, opt.ops,
	       (unsigned long long)ns, (double)ns / opt.ops,
	       (unsigned long long)res.bytes, res.lost);
	print_stats();
	printf("\n");
	fflush(stdout);
}

static int client(const char *name)
{
	struct result res = {};
	unsigned int i, round;

	for (i = 0; strcmp(name, workloads[i].name);)
		if (++i == ARRAY_SIZE(workloads))
			errx(1, "no workload %s", name);
	if (opt.stats)
		list_stats();
	if (opt.warm)
		workloads[i].run(opt.warm, &res);
	for (round = 0; round < opt.rounds; round++)
		measure(i);
	return 0;
}

static void usage(void)
{
	unsigned int i;

	printf("netbench [-p PORT] [-a ADDR] [-b | -B USEC] server [SERVICE...]\n"
	       "netbench [OPTION]... WORKLOAD ADDR\n\n"
	       "  -s BYTES  of a packet, a request or a write (64)\n"
	       "  -n OPS    operations measured (1000)\n"
	       "  -u OPS    operations before, not measured (0)\n"
	       "  -r N      rounds, a line each (1)\n"
	       "  -w N      packets in flight at most, of a flood; 0: no limit (64)\n"
	       "  -g NS     from one packet of a one-way flood to the next (0)\n"
	       "  -p PORT   the first of the ports (7000)\n"
	       "  -a ADDR   the server's address (any)\n"
	       "  -b        spin instead of waiting for packets\n"
	       "  -B USEC   SO_BUSY_POLL\n"
	       "  -k        print how KVM's counters changed\n\nworkloads:");
	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		printf(" %s", workloads[i].name);
	printf("\nservices:");
	for (i = 0; i < NR_SERVICES; i++)
		printf(" %s", services[i].name);
	printf("\n");
}

static unsigned long to_number(const char *text, unsigned long min,
			       unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (end == text || *end || n < min || n > max)
		errx(1, "%s: wanted a number from %lu to %lu", text, min, max);
	return n;
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:n:u:r:w:g:p:a:bB:kh")) != -1) {
		switch (c) {
		case 's':
			opt.size = to_number(optarg, 1, BUF_SIZE);
			break;
		case 'n':
			opt.ops = to_number(optarg, 1, UINT32_MAX);
			break;
		case 'u':
			opt.warm = to_number(optarg, 0, UINT32_MAX);
			break;
		case 'r':
			opt.rounds = to_number(optarg, 1, 1000);
			break;
		case 'w':
			opt.window = to_number(optarg, 0, 4096);
			break;
		case 'g':
			opt.gap = to_number(optarg, 0, 1000000000);
			break;
		case 'p':
			opt.port = to_number(optarg, 1, 65000);
			break;
		case 'a':
			opt.bind = optarg;
			break;
		case 'b':
			opt.spin = true;
			break;
		case 'B':
			opt.busy_poll = to_number(optarg, 1, 1000000);
			break;
		case 'k':
			opt.stats = true;
			break;
		case 'h':
			usage();
			return 0;
		default:
			usage();
			return 2;
		}
	}
	if (opt.window == 1)
		errx(1, "a window of one packet cannot be halved");
	argc -= optind;
	argv += optind;
	if (argc >= 1 && !strcmp(argv[0], "server"))
		return server(argc - 1, argv + 1);
	if (argc != 2) {
		usage();
		return 2;
	}
	opt.addr = argv[1];
	return client(argv[0]);
}
