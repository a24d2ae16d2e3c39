// SPDX-License-Identifier: GPL-2.0
/*
 * xdp_load: attach a small XDP program to an interface, by bpf() alone
 *
 *	xdp_load IF pass|drop|tx|abort [nofrags|generic]
 *	xdp_load IF redirect IF2 [nofrags|generic]
 *
 * It prints "attached" and keeps the program attached until it is killed. In
 * the driver, where what is tested is the driver, or in the stack (generic).
 * Built without libraries that a guest in an initramfs would not have.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest.h"

static char log_buf[65536];

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static struct bpf_insn mov(int reg, int imm)
{
	return (struct bpf_insn) {
		.code = BPF_ALU64 | BPF_MOV | BPF_K,
		.dst_reg = reg,
		.imm = imm,
	};
}

static struct bpf_insn call(int function)
{
	return (struct bpf_insn) {
		.code = BPF_JMP | BPF_CALL,
		.imm = function,
	};
}

static struct bpf_insn leave(void)
{
	return (struct bpf_insn) { .code = BPF_JMP | BPF_EXIT };
}

static int load(const struct bpf_insn *insns, int n, int frags)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log_buf,
		.log_size = sizeof(log_buf),
		.log_level = 1,
		.prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0,
	};
	int fd = sys_bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		fprintf(stderr, "BPF_PROG_LOAD: %s\n%s", strerror(errno), log_buf);
	return fd;
}

static int attach(int prog, int ifindex, int flags)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = prog,
			.target_ifindex = ifindex,
			.attach_type = BPF_XDP,
			.flags = flags,
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr);

	if (fd < 0)
		fprintf(stderr, "BPF_LINK_CREATE: %s\n", strerror(errno));
	return fd;
}

static int action(const char *name)
{
	static const char * const names[] = {
		[XDP_ABORTED] = "abort",
		[XDP_DROP] = "drop",
		[XDP_PASS] = "pass",
		[XDP_TX] = "tx",
		[XDP_REDIRECT] = "redirect",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static int usage(void)
{
	fprintf(stderr, "Usage: xdp_load IF pass|drop|tx|abort|redirect [IF2] [nofrags|generic]\n");
	return 2;
}

int main(int argc, char **argv)
{
	int act = argc > 2 ? action(argv[2]) : -1;
	const char *last = argc > 3 ? argv[argc - 1] : "";
	int frags = strcmp(last, "nofrags");
	int flags = strcmp(last, "generic") ? XDP_FLAGS_DRV_MODE :
					      XDP_FLAGS_SKB_MODE;
	struct bpf_insn insns[4];
	int prog, n = 0;

	if (act < 0 || (act == XDP_REDIRECT && argc < 4))
		return usage();
	if (act == XDP_REDIRECT) {
		insns[n++] = mov(BPF_REG_1, if_nametoindex(argv[3]));
		insns[n++] = mov(BPF_REG_2, 0);
		insns[n++] = call(BPF_FUNC_redirect);
	} else {
		insns[n++] = mov(BPF_REG_0, act);
	}
	insns[n++] = leave();

	prog = load(insns, n, frags);
	if (prog < 0 || attach(prog, if_nametoindex(argv[1]), flags) < 0)
		return 1;
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
