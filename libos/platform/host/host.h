/* SPDX-License-Identifier: MIT */
/* host.h: what the files of the host platform tell each other, and tests. */
#ifndef LUNIK_PLATFORM_HOST_H
#define LUNIK_PLATFORM_HOST_H

#include <lunik/attr.h>
#include <lunik/event.h>
#include <lunik/result.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes the process's arguments: `[--image FILE] [--memory SIZE]`, and after
 * these the words of the launch line. A mistake in them ends the process with
 * exit code 64 and a sentence. To be called before lunik_start().
 */
void platform_host_arguments(int argc, char **argv);

/* Reads the whole of (path) and finds the seal in it: the file is a seal, or
 * an ELF image that has one. Ends the process if it cannot. */
void platform_host_load_seal(const char *path);

/* Has SIGINT and SIGTERM ask for an orderly stop, and faults panic. */
void platform_host_init_signals(void);

/* Starts the watchdog if the launch line asks for one. */
void platform_host_init_watchdog(void);

/* True if a read of the console would find something. */
bool platform_host_console_is_readable(void);

/* ---- Descriptors in the event loop ---- */

/*
 * A watch has (fn)(watch, events) called from the event loop when (fd) becomes
 * ready for one of (wants), or fails: EPOLLIN, EPOLLOUT, EPOLLRDHUP. It tells
 * of changes (and, once added, of what is so already), not of states: look
 * again with poll(). (fn) must not wait; it may take any watch off. Set (fn),
 * (fd) and (wants), zero the rest. A descriptor may have several.
 */
struct platform_host_watch {
    void (*fn)(struct platform_host_watch *watch, uint32_t events);
    int fd;
    uint32_t wants;
    /* private */
    struct platform_host_watch *next;
    bool is_on;
};

/* LUNIK_ENOMEM; LUNIK_EINVAL: a descriptor that cannot be waited for, such as
 * a file. */
LUNIK_MUST_CHECK lunik_result
platform_host_watch_add(struct platform_host_watch *watch);

/* To be called before the descriptor is closed: another process may hold the
 * same socket, and then closing does not end Linux's reports of it. */
void platform_host_watch_remove(struct platform_host_watch *watch);

/* Puts a copy of (by) in the place of (fd), whose watches then are that one's.
 * Returns: false if Linux will not. */
bool platform_host_watch_replace(int fd, int by);

/* The descriptor to sleep on, -1 as long as there was no watch; readable: call
 * platform_host_watch_notify(). Around the sleep, begin and end: begin returns
 * false if there is to be no sleep yet. */
int platform_host_watch_fd(void);
bool platform_host_watch_begin_idle(void);
void platform_host_watch_end_idle(void);
void platform_host_watch_notify(void);

/* ---- Calls that block ---- */

/*
 * Runs (job->run)(job) in a thread of its own while the calling fiber waits.
 * (run) must use nothing of the core. Afterwards, or when the caller gave up
 * and (run) has returned, (job->drop)(job) frees it, from the event loop or
 * the caller.
 */
struct platform_host_job {
    void (*run)(struct platform_host_job *job);
    void (*drop)(struct platform_host_job *job);
    /* private */
    struct platform_host_job *next;
    struct lunik_event done;
    bool is_done, is_given_up;
};

/* LUNIK_OK: it ran; read its results, and then drop it. Anything else (as a
 * wait's, or LUNIK_ENOMEM): it is not the caller's any more. */
LUNIK_MUST_CHECK lunik_result
platform_host_job_run(struct platform_host_job *job, uint64_t deadline_ns);

/* ---- Listening sockets that outlive a process: `lunik dev` ---- */

struct sockaddr;

/* Takes what was handed over. The two below do this, too, if need be. */
void platform_host_init_listeners(void);

/* If a process before this one listened on (address), puts its socket in the
 * place of (fd), and returns true. */
bool platform_host_adopt(int fd, const struct sockaddr *address,
                         unsigned address_len);

/* Tells whoever keeps the sockets that (fd) listens now. */
void platform_host_announce(int fd);

/* ---- Names for interfaces ---- */

/* Linux's index of an interface as a zone of <lunik/address.h>, and back. */
uint32_t platform_host_zone_from_linux(uint32_t index);
uint32_t platform_host_zone_to_linux(uint32_t zone);

/* ---- Addresses ---- */

struct lunik_address;
struct sockaddr_storage;

/* Linux's form of (address), for a socket of (family), AF_INET or AF_INET6
 * (which then takes an IPv4 one, too). Returns its length; 0: not possible. */
unsigned platform_host_address_to_linux(const struct lunik_address *address,
                                        int family,
                                        struct sockaddr_storage *out);

/* The other way; mapped addresses become IPv4. */
void platform_host_address_from_linux(const struct sockaddr *address,
                                      struct lunik_address *out);

#endif
