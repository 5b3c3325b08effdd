/* SPDX-License-Identifier: MIT */
/* panic.c: the last words of an image, and its end. */
#include "arch.h"
#include "core.h"
#include "platform.h"
#include <lunik/format.h>
#include <lunik/panic.h>
#include <stdarg.h>

#define FRAMES_MAX 32
#define LINE_MAX 768 /* a sentence with all registers */

/* How far the panic has come; what a second panic may still do depends on it.
 */
enum stage {
    STAGE_NONE,
    STAGE_REPORT, /* the sentence and the C traceback */
    STAGE_HOOK,   /* the language's own traceback */
    STAGE_STOP,
};

/* Not on the stack, which may be what ended. */
static struct {
    volatile enum stage stage;
    lunik_exit_status status;
    void (*hook)(void *arg);
    void *hook_arg;
    char line[LINE_MAX];
} panic;

static void print_v(const char *format, va_list args) LUNIK_PRINTF(1, 0);

static void print_v(const char *format, va_list args)
{
    size_t len = lunik_format_v(panic.line, sizeof(panic.line), format, args);

    platform_console_write(panic.line, len);
}

void lunik_panic_print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_v(format, args);
    va_end(args);
}

/*
 * The memory that a traceback from (fp) may read. A fiber's stack is known.
 * Before there is a fiber, and on a trap's own stack, it is the page that (fp)
 * points into, if that is (is_own) this code's own frame: mapped for sure.
 */
static void stack_bounds(uintptr_t fp, bool is_own, struct platform_stack *out)
{
    if (lunik_fiber_stack(out) && fp >= out->low && fp < out->high)
        return;
    *out = (struct platform_stack) { 0, 0 };
    if (is_own) {
        out->low = fp;
        out->high = (fp | 4095) + 1;
    }
}

/* (back) is 1 for a return address: it may already belong to the function
 * behind the one that called. */
static void print_frame(const struct lunik_symbols *symbols, uintptr_t pc,
                        uintptr_t back)
{
    uintptr_t start = 0;
    const char *name = NULL;

    if (symbols != NULL)
        name = lunik_symbols_find(symbols, pc - back, &start);
    if (name != NULL)
        lunik_panic_print("  at %s+0x%zx (0x%zx)\n", name, (size_t)(pc - start),
                          (size_t)pc);
    else
        lunik_panic_print("  at 0x%zx\n", (size_t)pc);
}

/* The seal's symbols, if they are still what was sealed. */
static const struct lunik_symbols *trusted_symbols(void)
{
    const struct lunik_seal *seal = lunik_seal_current();
    const struct lunik_symbols *symbols;

    if (seal == NULL || seal->symbols.size == 0)
        return NULL;
    symbols = &seal->symbols;
    if (arch_crc32c(0, symbols->base, symbols->size) != symbols->crc)
        return NULL;
    return symbols;
}

static void print_traceback(struct arch_frame frame, bool is_own)
{
    const struct lunik_symbols *symbols = trusted_symbols();
    struct platform_stack bounds;
    unsigned count = 0;

    stack_bounds(frame.fp, is_own, &bounds);
    /* One's own frame is the panic's machinery; a trap's is what failed. */
    if (!is_own)
        print_frame(symbols, frame.pc, 0);
    while (arch_frame_next(&frame, bounds.low, bounds.high)) {
        if (++count > FRAMES_MAX) {
            lunik_panic_print("  and more\n");
            break;
        }
        print_frame(symbols, frame.pc, 1);
    }
}

static LUNIK_NORETURN void stop(void)
{
    panic.stage = STAGE_STOP;
    lunik_panic_print("lunik: stopped with status 0x%x\n",
                      (unsigned)panic.status);
    platform_exit((uint8_t)panic.status);
}

/* A panic while one is being reported. */
static LUNIK_NORETURN void end_again(const char *format, va_list args)
    LUNIK_PRINTF(1, 0);

static LUNIK_NORETURN void end_again(const char *format, va_list args)
{
    enum stage stage = panic.stage;

    if (stage == STAGE_STOP)
        platform_exit((uint8_t)panic.status);
    /* Set first: a third panic, from here, must end without printing. */
    panic.stage = STAGE_STOP;
    lunik_panic_print(stage == STAGE_HOOK ? "\nlunik: panic in the traceback: "
                                          : "\nlunik: panic in a panic: ");
    print_v(format, args);
    lunik_panic_print("\n");
    stop();
}

static LUNIK_NORETURN void end(lunik_exit_status status,
                               struct arch_frame frame, bool is_own,
                               const char *format, va_list args)
    LUNIK_PRINTF(4, 0);

static LUNIK_NORETURN void end(lunik_exit_status status,
                               struct arch_frame frame, bool is_own,
                               const char *format, va_list args)
{
    if (panic.stage != STAGE_NONE)
        end_again(format, args);
    panic.stage = STAGE_REPORT;
    panic.status = status;
    lunik_panic_print("lunik: panic: ");
    print_v(format, args);
    lunik_panic_print("\n");
    print_traceback(frame, is_own);
    panic.stage = STAGE_HOOK;
    if (panic.hook != NULL)
        panic.hook(panic.hook_arg);
    stop();
}

void lunik_panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    end(LUNIK_EXIT_PANIC, arch_frame_here(), true, format, args);
}

void lunik_panic_status(lunik_exit_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    end(status, arch_frame_here(), true, format, args);
}

void lunik_panic_trap(lunik_exit_status status, uintptr_t pc, uintptr_t fp,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    end(status, (struct arch_frame) { .pc = pc, .fp = fp }, false, format,
        args);
}

void lunik_assert_failed(const char *expression, const char *file, int line)
{
    lunik_panic("assertion failed: %s, %s:%d", expression, file, line);
}

void lunik_panic_set_hook(void (*print)(void *arg), void *arg)
{
    panic.hook = print;
    panic.hook_arg = arg;
}
