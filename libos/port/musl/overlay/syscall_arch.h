/* SPDX-License-Identifier: MIT */
/*
 * syscall_arch.h: the C library's system calls as plain function calls.
 *
 * musl writes each call as __syscallN(NUMBER, …) with a constant number, so the
 * switch below is decided by the compiler: what stays is one direct call, and
 * the linker leaves out every function that nobody calls. The functions are in
 * syscall.c and file_calls.c; they answer as Linux does, -errno for an error.
 *
 * Included by musl's own files only, between its features.h and its macros
 * around these names.
 */
long lunik_sys_accept4(long fd, void *address, void *len, long flags);
long lunik_sys_bind(long fd, const void *address, unsigned long len);
long lunik_sys_brk(void);
long lunik_sys_chdir(const char *path);
long lunik_sys_clock_getres(long clock, void *out);
long lunik_sys_clock_gettime(long clock, void *out);
long lunik_sys_clock_nanosleep(long clock, long flags, const void *in,
                               void *left_out);
long lunik_sys_close(long fd);
long lunik_sys_connect(long fd, const void *address, unsigned long len);
long lunik_sys_dup(long fd);
long lunik_sys_dup3(long fd, long to, long flags);
long lunik_sys_exit(long code);
long lunik_sys_faccessat(long dir, const char *path, long mode);
long lunik_sys_fchdir(long fd);
long lunik_sys_fcntl(long fd, long command, long arg);
long lunik_sys_fstat(long fd, void *out);
long lunik_sys_fstatat(long dir, const char *path, void *out, long flags);
long lunik_sys_ftruncate(long fd, long size);
long lunik_sys_futex(int *word, long op, long value, const void *timeout);
long lunik_sys_getcwd(char *out, unsigned long size);
long lunik_sys_getdents(long fd, void *out, unsigned long size);
long lunik_sys_getpeername(long fd, void *address, void *len);
long lunik_sys_getrandom(void *out, unsigned long size);
long lunik_sys_getsockname(long fd, void *address, void *len);
long lunik_sys_getsockopt(long fd, long level, long option, void *out,
                          void *len);
long lunik_sys_gettimeofday(void *out);
long lunik_sys_ioctl(long fd, long request, void *arg);
long lunik_sys_listen(long fd, long backlog);
long lunik_sys_lseek(long fd, long offset, long whence);
long lunik_sys_mkdirat(long dir, const char *path);
long lunik_sys_mmap(unsigned long size, long protection, long flags);
long lunik_sys_munmap(void *memory, unsigned long size);
long lunik_sys_openat(long dir, const char *path, long flags);
long lunik_sys_poll(void *list, unsigned long count, long timeout_ms);
long lunik_sys_ppoll(void *list, unsigned long count, const void *timeout);
long lunik_sys_pread(long fd, void *out, unsigned long size, long offset);
long lunik_sys_pselect(long count, void *read, void *write, void *except,
                       const void *timeout);
long lunik_sys_pwrite(long fd, const void *in, unsigned long size, long offset);
long lunik_sys_read(long fd, void *out, unsigned long size);
long lunik_sys_readlinkat(long dir, const char *path);
long lunik_sys_readv(long fd, const void *parts, long count);
long lunik_sys_recvfrom(long fd, void *out, unsigned long size, long flags,
                        void *address, void *len);
long lunik_sys_recvmsg(long fd, void *message, long flags);
long lunik_sys_renameat(long from_dir, const char *from, long to_dir,
                        const char *to);
long lunik_sys_sched_yield(void);
long lunik_sys_select(long count, void *read, void *write, void *except,
                      void *timeout);
long lunik_sys_sendmsg(long fd, const void *message, long flags);
long lunik_sys_sendto(long fd, const void *in, unsigned long size, long flags,
                      const void *address, unsigned long len);
long lunik_sys_setsockopt(long fd, long level, long option, const void *in,
                          unsigned long len);
long lunik_sys_shutdown(long fd, long how);
long lunik_sys_socket(long domain, long type, long protocol);
long lunik_sys_sysinfo(void *out);
long lunik_sys_truncate(const char *path, long size);
long lunik_sys_uname(void *out);
long lunik_sys_unlinkat(long dir, const char *path, long flags);
long lunik_sys_utimensat(long dir, const char *path, const void *times);
long lunik_sys_write(long fd, const void *in, unsigned long size);
long lunik_sys_writev(long fd, const void *parts, long count);
long lunik_sys_unknown(long number);

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

#define LUNIK_SYS_INLINE static inline __attribute__((always_inline, unused))
#define LUNIK_AT_FDCWD (-100)
#define LUNIK_AT_REMOVEDIR 0x200
#define LUNIK_AT_SYMLINK_NOFOLLOW 0x100

/* Calls on paths. */
LUNIK_SYS_INLINE long lunik_syscall_path(long n, long a, long b, long c, long d)
{
    switch (n) {
    case SYS_open:
        return lunik_sys_openat(LUNIK_AT_FDCWD, (void *)a, b);
    case SYS_openat:
        return lunik_sys_openat(a, (void *)b, c);
    case SYS_stat:
    case SYS_lstat:
        return lunik_sys_fstatat(LUNIK_AT_FDCWD, (void *)a, (void *)b, 0);
    case SYS_newfstatat:
        return lunik_sys_fstatat(a, (void *)b, (void *)c, d);
    case SYS_access:
        return lunik_sys_faccessat(LUNIK_AT_FDCWD, (void *)a, b);
    case SYS_faccessat:
    case SYS_faccessat2:
        return lunik_sys_faccessat(a, (void *)b, c);
    case SYS_rename:
        return lunik_sys_renameat(LUNIK_AT_FDCWD, (void *)a, LUNIK_AT_FDCWD,
                                  (void *)b);
    case SYS_renameat:
        return lunik_sys_renameat(a, (void *)b, c, (void *)d);
    case SYS_mkdir:
        return lunik_sys_mkdirat(LUNIK_AT_FDCWD, (void *)a);
    case SYS_mkdirat:
        return lunik_sys_mkdirat(a, (void *)b);
    case SYS_unlink:
        return lunik_sys_unlinkat(LUNIK_AT_FDCWD, (void *)a, 0);
    case SYS_rmdir:
        return lunik_sys_unlinkat(LUNIK_AT_FDCWD, (void *)a,
                                  LUNIK_AT_REMOVEDIR);
    case SYS_unlinkat:
        return lunik_sys_unlinkat(a, (void *)b, c);
    case SYS_readlink:
        return lunik_sys_readlinkat(LUNIK_AT_FDCWD, (void *)a);
    case SYS_readlinkat:
        return lunik_sys_readlinkat(a, (void *)b);
    case SYS_truncate:
        return lunik_sys_truncate((void *)a, b);
    case SYS_utimensat:
        return lunik_sys_utimensat(a, (void *)b, (void *)c);
    case SYS_chdir:
        return lunik_sys_chdir((void *)a);
    case SYS_getcwd:
        return lunik_sys_getcwd((void *)a, b);
    default:
        return lunik_sys_unknown(n);
    }
}

/* Calls on descriptors. */
LUNIK_SYS_INLINE long lunik_syscall_file(long n, long a, long b, long c, long d)
{
    switch (n) {
    case SYS_read:
        return lunik_sys_read(a, (void *)b, c);
    case SYS_write:
        return lunik_sys_write(a, (void *)b, c);
    case SYS_readv:
        return lunik_sys_readv(a, (void *)b, c);
    case SYS_writev:
        return lunik_sys_writev(a, (void *)b, c);
    case SYS_pread64:
        return lunik_sys_pread(a, (void *)b, c, d);
    case SYS_pwrite64:
        return lunik_sys_pwrite(a, (void *)b, c, d);
    case SYS_close:
        return lunik_sys_close(a);
    case SYS_lseek:
        return lunik_sys_lseek(a, b, c);
    case SYS_fstat:
        return lunik_sys_fstat(a, (void *)b);
    case SYS_ftruncate:
        return lunik_sys_ftruncate(a, b);
    case SYS_getdents64:
        return lunik_sys_getdents(a, (void *)b, c);
    case SYS_dup:
        return lunik_sys_dup(a);
    case SYS_dup2:
        return lunik_sys_dup3(a, b, -1);
    case SYS_dup3:
        return lunik_sys_dup3(a, b, c);
    case SYS_fcntl:
        return lunik_sys_fcntl(a, b, c);
    case SYS_fchdir:
        return lunik_sys_fchdir(a);
    case SYS_ioctl:
        return lunik_sys_ioctl(a, b, (void *)c);
    default:
        return lunik_syscall_path(n, a, b, c, d);
    }
}

/* Calls on sockets. */
LUNIK_SYS_INLINE long lunik_syscall_socket(long n, long a, long b, long c,
                                           long d, long e, long f)
{
    switch (n) {
    case SYS_socket:
        return lunik_sys_socket(a, b, c);
    case SYS_bind:
        return lunik_sys_bind(a, (void *)b, c);
    case SYS_listen:
        return lunik_sys_listen(a, b);
    case SYS_accept:
        return lunik_sys_accept4(a, (void *)b, (void *)c, 0);
    case SYS_accept4:
        return lunik_sys_accept4(a, (void *)b, (void *)c, d);
    case SYS_connect:
        return lunik_sys_connect(a, (void *)b, c);
    case SYS_shutdown:
        return lunik_sys_shutdown(a, b);
    case SYS_getsockname:
        return lunik_sys_getsockname(a, (void *)b, (void *)c);
    case SYS_getpeername:
        return lunik_sys_getpeername(a, (void *)b, (void *)c);
    case SYS_getsockopt:
        return lunik_sys_getsockopt(a, b, c, (void *)d, (void *)e);
    case SYS_setsockopt:
        return lunik_sys_setsockopt(a, b, c, (void *)d, e);
    case SYS_sendto:
        return lunik_sys_sendto(a, (void *)b, c, d, (void *)e, f);
    case SYS_sendmsg:
        return lunik_sys_sendmsg(a, (void *)b, c);
    case SYS_recvfrom:
        return lunik_sys_recvfrom(a, (void *)b, c, d, (void *)e, (void *)f);
    case SYS_recvmsg:
        return lunik_sys_recvmsg(a, (void *)b, c);
    case SYS_poll:
        return lunik_sys_poll((void *)a, b, c);
    case SYS_ppoll:
        return lunik_sys_ppoll((void *)a, b, (void *)c);
    case SYS_select:
        return lunik_sys_select(a, (void *)b, (void *)c, (void *)d, (void *)e);
    case SYS_pselect6:
        return lunik_sys_pselect(a, (void *)b, (void *)c, (void *)d, (void *)e);
    /* Neighbours in the same machine: there are none. */
    case SYS_socketpair:
        return -97; /* EAFNOSUPPORT */
    default:
        return lunik_syscall_file(n, a, b, c, d);
    }
}

LUNIK_SYS_INLINE long lunik_syscall(long n, long a, long b, long c, long d,
                                    long e, long f)
{
    switch (n) {
    case SYS_clock_getres:
        return lunik_sys_clock_getres(a, (void *)b);
    case SYS_clock_gettime:
        return lunik_sys_clock_gettime(a, (void *)b);
    case SYS_clock_nanosleep:
        return lunik_sys_clock_nanosleep(a, b, (void *)c, (void *)d);
    case SYS_nanosleep:
        return lunik_sys_clock_nanosleep(0, 0, (void *)a, (void *)b);
    case SYS_gettimeofday:
        return lunik_sys_gettimeofday((void *)a);
    case SYS_getrandom:
        return lunik_sys_getrandom((void *)a, b);
    case SYS_mmap:
        return lunik_sys_mmap(b, c, d);
    case SYS_munmap:
        return lunik_sys_munmap((void *)a, b);
    case SYS_brk:
        return lunik_sys_brk();
    case SYS_futex:
        return lunik_sys_futex((void *)a, b, c, (void *)d);
    case SYS_sched_yield:
        return lunik_sys_sched_yield();
    case SYS_sysinfo:
        return lunik_sys_sysinfo((void *)a);
    case SYS_uname:
        return lunik_sys_uname((void *)a);
    case SYS_exit:
    case SYS_exit_group:
        return lunik_sys_exit(a);
    case SYS_getpid:
    case SYS_gettid:
    case SYS_set_tid_address:
        return 1;
    /* One user, root; nobody's child; no signals; nothing to write back. */
    case SYS_getppid:
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_rt_sigprocmask:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sync:
    case SYS_madvise:
    case SYS_flock:
        return 0;
    case SYS_umask:
        return 022;
    default:
        return lunik_syscall_socket(n, a, b, c, d, e, f);
    }
}

LUNIK_SYS_INLINE long __syscall0(long n)
{
    return lunik_syscall(n, 0, 0, 0, 0, 0, 0);
}

LUNIK_SYS_INLINE long __syscall1(long n, long a)
{
    return lunik_syscall(n, a, 0, 0, 0, 0, 0);
}

LUNIK_SYS_INLINE long __syscall2(long n, long a, long b)
{
    return lunik_syscall(n, a, b, 0, 0, 0, 0);
}

LUNIK_SYS_INLINE long __syscall3(long n, long a, long b, long c)
{
    return lunik_syscall(n, a, b, c, 0, 0, 0);
}

LUNIK_SYS_INLINE long __syscall4(long n, long a, long b, long c, long d)
{
    return lunik_syscall(n, a, b, c, d, 0, 0);
}

LUNIK_SYS_INLINE long __syscall5(long n, long a, long b, long c, long d, long e)
{
    return lunik_syscall(n, a, b, c, d, e, 0);
}

LUNIK_SYS_INLINE long __syscall6(long n, long a, long b, long c, long d, long e,
                                 long f)
{
    return lunik_syscall(n, a, b, c, d, e, f);
}

/* Points where a thread may be cancelled. There are no threads to cancel: the
 * same calls. Upstream declares the function after this definition, which then
 * stays inline, so that its number is a constant, too. */
LUNIK_SYS_INLINE long __syscall_cp(long n, long a, long b, long c, long d,
                                   long e, long f)
{
    return lunik_syscall(n, a, b, c, d, e, f);
}

#undef LUNIK_SYS_INLINE

#define IPC_64 0
