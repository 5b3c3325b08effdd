/* SPDX-License-Identifier: MIT */
/*
 * signal.c: signals, of which there is none: handlers are remembered and never
 * called, and what would kill a process ends the image.
 */
#include <errno.h>
#include <lunik/panic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct sigaction handlers[_NSIG];

int sigaction(int number, const struct sigaction *restrict in,
              struct sigaction *restrict old_out)
{
    if (number < 1 || number >= _NSIG || number == SIGKILL ||
        number == SIGSTOP) {
        errno = EINVAL;
        return -1;
    }
    if (old_out)
        *old_out = handlers[number];
    if (in)
        handlers[number] = *in;
    return 0;
}

void (*signal(int number, void (*handler)(int)))(int)
{
    struct sigaction in, old;

    memset(&in, 0, sizeof(in));
    in.sa_handler = handler;
    in.sa_flags = SA_RESTART;
    return sigaction(number, &in, &old) ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *restrict in, sigset_t *restrict out)
{
    (void)how;
    (void)in;
    if (out)
        sigemptyset(out);
    return 0;
}

/* Upstream's own files hold signals off under these names. */
void __block_app_sigs(void *set)
{
    (void)set;
}

void __restore_sigs(void *set)
{
    (void)set;
}

/* A handler that is raised by hand is called by hand. */
int raise(int number)
{
    if (number < 1 || number >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    if (handlers[number].sa_handler == SIG_IGN)
        return 0;
    if (handlers[number].sa_handler == SIG_DFL)
        lunik_panic("the program raised signal %d", number);
    handlers[number].sa_handler(number);
    return 0;
}

int kill(pid_t pid, int number)
{
    if (pid != 1 && pid != 0 && pid != -1) {
        errno = ESRCH;
        return -1;
    }
    return number == 0 ? 0 : raise(number);
}
