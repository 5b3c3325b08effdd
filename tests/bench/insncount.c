/* SPDX-License-Identifier: MIT */
/*
 * insncount.c: a plugin for QEMU that counts the instructions a guest runs.
 *
 *     cc -O2 -shared -fPIC -o insncount.so tests/bench/insncount.c
 *     qemu-system-x86_64 … -plugin ./insncount.so,out=FILE,at=0x100000,at=0x…
 *
 * FILE gets one line "at ADDRESS COUNT" for each address given, when the guest
 * is about to run it for the first time; one line "signal COUNT" for each
 * SIGUSR2 sent to QEMU; and "end COUNT". The difference of two lines is what
 * lies between. With one virtual processor the counts are exact and the same
 * on every machine, however busy it is.
 *
 * The few declarations are of QEMU's plugin interface, version 1, which QEMU
 * 4.2 and all later ones keep; so none of its headers is needed.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MARKS_MAX 64
#define ADD_U64 0 /* enum qemu_plugin_op */
#define NO_REGISTERS 0

struct block;
struct instruction;
typedef void on_block_fn(uint64_t plugin, struct block *block);
typedef void on_run_fn(unsigned cpu, void *arg);

size_t qemu_plugin_tb_n_insns(const struct block *block);
struct instruction *qemu_plugin_tb_get_insn(const struct block *block,
                                            size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct instruction *instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, on_block_fn *fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction *instruction,
                                            on_run_fn *fn, int flags,
                                            void *arg);
void qemu_plugin_register_vcpu_insn_exec_inline(struct instruction *instruction,
                                                int op, void *counter,
                                                uint64_t add);
void qemu_plugin_register_atexit_cb(uint64_t plugin,
                                    void (*fn)(uint64_t plugin, void *arg),
                                    void *arg);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(uint64_t plugin, const void *info, int argc,
                               char **argv);

struct mark {
    uint64_t address;
    int was_reached;
};
static struct mark marks[MARKS_MAX];
static size_t mark_count;
static uint64_t count;
static FILE *out;

static void on_mark(unsigned cpu, void *arg)
{
    struct mark *mark = arg;

    (void)cpu;
    if (mark->was_reached)
        return;
    mark->was_reached = 1;
    fprintf(out, "at 0x%" PRIx64 " %" PRIu64 "\n", mark->address, count);
    fflush(out);
}

/* The counter goes up before each instruction, not once for its block: a fault
 * may leave a block in the middle. */
static void on_block(uint64_t plugin, struct block *block)
{
    size_t size = qemu_plugin_tb_n_insns(block);

    (void)plugin;
    for (size_t i = 0; i < size; i++) {
        struct instruction *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);

        for (size_t m = 0; m < mark_count; m++)
            if (marks[m].address == address)
                qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark,
                                                       NO_REGISTERS, &marks[m]);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &count,
                                                   1);
    }
}

static void on_signal(int number)
{
    (void)number;
    fprintf(out, "signal %" PRIu64 "\n", count);
    fflush(out);
}

static void on_end(uint64_t plugin, void *arg)
{
    (void)plugin;
    (void)arg;
    fprintf(out, "end %" PRIu64 "\n", count);
    fflush(out);
}

int qemu_plugin_install(uint64_t plugin, const void *info, int argc,
                        char **argv)
{
    (void)info;
    out = stderr;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "at=", 3) == 0 && mark_count < MARKS_MAX) {
            marks[mark_count++].address = strtoull(argv[i] + 3, NULL, 0);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
            if (!out)
                return -1;
        } else {
            fprintf(stderr, "insncount: cannot take '%s'\n", argv[i]);
            return -1;
        }
    }
    signal(SIGUSR2, on_signal);
    qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_block);
    qemu_plugin_register_atexit_cb(plugin, on_end, NULL);
    return 0;
}
