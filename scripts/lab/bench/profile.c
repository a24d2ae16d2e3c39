// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's TCG that counts instructions by address, apart for the
 * machine and for the guest that runs in it under SVM. It counts between two
 * instructions that do nothing, xchg %bx,%bx and xchg %cx,%cx, with which netbench
 * marks what it measures. For one emulated processor.
 *
 *	-plugin profile.so,out=FILE
 *
 * FILE gets, for each piece that was marked, a line "end" after lines "host|guest
 * ADDRESS INSTRUCTIONS", a block of code each. What is used of qemu-plugin.h is
 * declared here, for it is in no package of Debian 12.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*trans_cb)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*exec_cb)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb,
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    exec_cb cb, int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t idx);
#if PLUGIN_VERSION >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest,
			     size_t len);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#endif
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT	__attribute__((visibility("default")))

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

struct block {
	struct block *next;
	uint64_t addr;
	unsigned int insns;
	bool enters;		/* ends with VMRUN */
	uint64_t count[2];	/* executions by the host, by the guest */
};

#define BUCKETS	65536
static struct block *buckets[BUCKETS];
static FILE *out;
static bool counting;
static bool in_guest;
static uint64_t after_vmrun;	/* where the host goes on */

static struct block *find_block(uint64_t addr, unsigned int insns)
{
	struct block **head = &buckets[(addr ^ addr >> 16) % BUCKETS], *b;

	for (b = *head; b; b = b->next)
		if (b->addr == addr && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->addr = addr;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static void run_block(unsigned int cpu, void *data)
{
	struct block *b = data;

	if (in_guest && b->addr == after_vmrun)
		in_guest = false;
	if (counting)
		b->count[in_guest]++;
	if (b->enters)
		in_guest = true;
}

static void begin(unsigned int cpu, void *data)
{
	struct block *b;
	int i;

	for (i = 0; i < BUCKETS; i++)
		for (b = buckets[i]; b; b = b->next)
			b->count[0] = b->count[1] = 0;
	counting = true;
}

static void end(unsigned int cpu, void *data)
{
	struct block *b;
	int i, guest;

	counting = false;
	for (i = 0; i < BUCKETS; i++)
		for (b = buckets[i]; b; b = b->next)
			for (guest = 0; guest < 2; guest++)
				if (b->count[guest])
					fprintf(out, "%s %016llx %llu\n", guest ? "guest" : "host",
						(unsigned long long)b->addr,
						(unsigned long long)b->count[guest] * b->insns);
	fprintf(out, "end\n");
	fflush(out);
}

static bool is_insn(const struct qemu_plugin_insn *insn, const char *bytes)
{
	char code[3];

	if (qemu_plugin_insn_size(insn) != sizeof(code))
		return false;
#if PLUGIN_VERSION >= 3
	qemu_plugin_insn_data(insn, code, sizeof(code));
#else
	memcpy(code, qemu_plugin_insn_data(insn), sizeof(code));
#endif
	return !memcmp(code, bytes, sizeof(code));
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *b = find_block(qemu_plugin_tb_vaddr(tb), n);
	struct qemu_plugin_insn *insn;

	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (is_insn(insn, "\x66\x87\xdb"))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, 0, NULL);
		else if (is_insn(insn, "\x66\x87\xc9"))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
		else if (is_insn(insn, "\x0f\x01\xd8")) {
			b->enters = true;
			after_vmrun = qemu_plugin_insn_vaddr(insn) + 3;
		}
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run_block, 0, b);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
