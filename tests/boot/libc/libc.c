/* SPDX-License-Identifier: MIT */
/*
 * libc.c: the C library as a program inside an image sees it.
 *
 * Prints a line for each thing that is wrong, then a count; exits with 0 if
 * nothing is. Run with `-- read` it copies standard input to standard output
 * instead, line by line, from two fibers.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <lunik/event.h>
#include <lunik/sys.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static unsigned passed, failed;

#define CHECK(x)                                           \
    do {                                                   \
        if (x) {                                           \
            passed++;                                      \
        } else {                                           \
            failed++;                                      \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #x); \
        }                                                  \
    } while (0)

/* Checks that a call fails, with this errno. */
#define FAILS(call, error)         \
    do {                           \
        errno = 0;                 \
        CHECK((long)(call) == -1); \
        CHECK(errno == (error));   \
    } while (0)

static void test_stdio(void)
{
    char line[64], copy[64];
    FILE *file = fopen("/tmp/stdio", "w+");
    int number = 0;

    CHECK(file != NULL);
    if (!file)
        return;
    CHECK(fprintf(file, "%s %d %.3f\n", "one", 2, 3.0) == 12);
    CHECK(fputs("second\n", file) >= 0);
    rewind(file);
    CHECK(fgets(line, sizeof(line), file) && !strcmp(line, "one 2 3.000\n"));
    CHECK(ftell(file) == 12);
    CHECK(fscanf(file, "%63s", copy) == 1 && !strcmp(copy, "second"));
    CHECK(fgetc(file) == '\n' && fgetc(file) == EOF && feof(file));
    CHECK(fseek(file, 0, SEEK_END) == 0 && ftell(file) == 19);
    CHECK(fclose(file) == 0);
    CHECK(remove("/tmp/stdio") == 0);
    CHECK(fopen("/tmp/stdio", "r") == NULL && errno == ENOENT);
    snprintf(line, sizeof(line), "%.17g %a %Lg", 0.1, 1.5, 2.5L);
    CHECK(!strcmp(line, "0.10000000000000001 0x1.8p+0 2.5"));
    CHECK(sscanf("0x1f", "%i", &number) == 1 && number == 31);
    CHECK(strtod("1e400", NULL) == HUGE_VAL && errno == ERANGE);
    file = tmpfile();
    CHECK(file && fputs("x", file) >= 0 && fclose(file) == 0);
}

static void test_tree(void)
{
    char text[32] = "", cwd[64];
    struct stat stat_a, stat_b;
    int names = 0, fd = open("/tree/text", O_RDONLY);
    struct dirent *entry;
    DIR *dir;

    CHECK(fd >= 3);
    CHECK(read(fd, text, sizeof(text)) == 12);
    CHECK(!strcmp(text, "sealed text\n"));
    CHECK(fstat(fd, &stat_a) == 0 && stat("/tree/text", &stat_b) == 0);
    CHECK(stat_a.st_size == 12 && stat_a.st_ino == stat_b.st_ino);
    CHECK(close(fd) == 0);
    FAILS(open("/tree/text", O_RDWR), EROFS);
    FAILS(open("/tree/none", O_RDONLY), ENOENT);
    FAILS(mkdir("/new", 0777), EROFS);
    FAILS(access("/tree/text", W_OK), EROFS);
    CHECK(access("/tree/text", R_OK) == 0);
    dir = opendir("/tree");
    CHECK(dir != NULL);
    while (dir && (entry = readdir(dir)))
        names += strcmp(entry->d_name, "text") == 0
                     ? entry->d_type == DT_REG
                     : 10 * (strcmp(entry->d_name, "below") == 0 &&
                             entry->d_type == DT_DIR);
    CHECK(names == 11);
    CHECK(dir && closedir(dir) == 0);
    CHECK(chdir("/tree/below") == 0);
    CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/tree/below"));
    CHECK(access("text", F_OK) == 0);
    CHECK(chdir("/") == 0);
    CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
    CHECK(realpath("/tree/../tree/./text", cwd) == cwd);
    CHECK(!strcmp(cwd, "/tree/text"));
}

static void test_tmp(void)
{
    char name[] = "/tmp/testXXXXXX", text[8] = "";
    int fd = mkstemp(name);
    struct stat st;

    CHECK(fd >= 0);
    CHECK(write(fd, "abc", 3) == 3);
    CHECK(lseek(fd, 100000, SEEK_SET) == 100000 && write(fd, "d", 1) == 1);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 100001);
    CHECK(st.st_blocks * 512 < 50000);
    CHECK(pread(fd, text, 3, 1) == 3 && !memcmp(text, "bc\0", 3));
    CHECK(ftruncate(fd, 2) == 0 && lseek(fd, 0, SEEK_END) == 2);
    CHECK(rename(name, "/tmp/other") == 0);
    CHECK(unlink("/tmp/other") == 0 && close(fd) == 0);
    CHECK(mkdir("/tmp/d", 0777) == 0);
    FAILS(mkdir("/tmp/d", 0777), EEXIST);
    FAILS(rename("/tmp/d", "/d"), EXDEV);
    CHECK(rmdir("/tmp/d") == 0);
    FAILS(rmdir("/tmp/d"), ENOENT);
}

/* Files in memory end at their bound, and give it back. */
static void test_tmp_bound(void)
{
    static char block[65536];
    int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0666);
    struct sysinfo info;
    size_t total = 0;
    ssize_t put;

    CHECK(sysinfo(&info) == 0);
    while ((put = write(fd, block, sizeof(block))) > 0)
        total += (size_t)put;
    CHECK(put == -1 && (errno == ENOSPC || errno == EFBIG));
    CHECK(total > info.totalram / 16 && total <= info.totalram / 8);
    CHECK(close(fd) == 0 && unlink("/tmp/full") == 0);
    fd = open("/tmp/full", O_WRONLY | O_CREAT, 0666);
    CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    CHECK(close(fd) == 0 && unlink("/tmp/full") == 0);
}

static void test_devices(void)
{
    unsigned char a[32], b[32] = { 0 };
    int fd = open("/dev/urandom", O_RDONLY);

    CHECK(read(fd, a, 32) == 32 && memcmp(a, b, 32) != 0);
    CHECK(close(fd) == 0);
    CHECK(getrandom(b, 32, 0) == 32 && memcmp(a, b, 32) != 0);
    fd = open("/dev/zero", O_RDONLY);
    CHECK(read(fd, a, 32) == 32 && a[0] == 0 && a[31] == 0);
    CHECK(close(fd) == 0);
    FAILS(lseek(1, 0, SEEK_CUR), ESPIPE);
    CHECK(!isatty(1) && errno == ENOTTY);
    FAILS(write(17, "x", 1), EBADF);
}

static void test_memory(void)
{
    void *aligned = NULL;
    volatile size_t half = SIZE_MAX / 2; /* or compilers warn of it */
    char *p = malloc(100);

    CHECK(p && malloc_usable_size(p) >= 100);
    p = realloc(p, 100000);
    CHECK(p != NULL);
    free(p);
    CHECK(calloc(half, 3) == NULL && errno == ENOMEM);
    CHECK(posix_memalign(&aligned, 256, 1000) == 0);
    CHECK((size_t)aligned % 256 == 0);
    free(aligned);
    CHECK(posix_memalign(&aligned, 3, 10) == EINVAL);
    p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    CHECK(p != MAP_FAILED && p[0] == 0 && p[9999] == 0);
    CHECK(munmap(p, 10000) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
               -1, 0) == MAP_FAILED);
}

static void test_time(void)
{
    struct timespec before, after, bad = { 0, -1 };
    struct tm tm = { .tm_year = 124, .tm_mon = 1, .tm_mday = 29 };
    time_t day = mktime(&tm);
    char text[64];

    CHECK(day == 1709164800);
    CHECK(localtime(&day)->tm_wday == 4);
    CHECK(strftime(text, sizeof(text), "%F %Z %z", gmtime(&day)) > 0);
    CHECK(!strcmp(text, "2024-02-29 UTC +0000"));
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK(usleep(20000) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
              before.tv_nsec >=
          20000000);
    FAILS(nanosleep(&bad, NULL), EINVAL);
    FAILS(clock_gettime(99, &after), EINVAL);
    CHECK(clock() >= 0);
}

static int handled;

static void handler(int number)
{
    handled = number;
}

static void test_rest(void)
{
    struct utsname name;
    sigjmp_buf env;

    CHECK(uname(&name) == 0 && !strcmp(name.sysname, "Lunik"));
    CHECK(getenv("LIBC_TEST") != NULL);
    CHECK(setenv("A", "b", 1) == 0 && !strcmp(getenv("A"), "b"));
    CHECK(setlocale(LC_ALL, "de_DE.UTF-8") == NULL);
    CHECK(!strcmp(setlocale(LC_ALL, NULL), "C"));
    CHECK(getpid() == 1 && getuid() == 0);
    CHECK(sysconf(_SC_PAGESIZE) == 4096);
    CHECK(signal(SIGUSR1, handler) == SIG_DFL);
    CHECK(raise(SIGUSR1) == 0 && handled == SIGUSR1);
    CHECK(signal(SIGPIPE, SIG_IGN) == SIG_DFL);
    CHECK(raise(SIGPIPE) == 0);
    FAILS(pipe((int[2]) { 0 }), ENOSYS);
    if (sigsetjmp(env, 1) == 0)
        siglongjmp(env, 5);
    CHECK(!strcmp(strerror(ENOSPC), "No space left on device"));
    CHECK(fabs(sin(1) * sin(1) + cos(1) * cos(1) - 1) < 1e-15);
    CHECK(pow(2, 0.5) == sqrt(2) && log2(8) == 3 && fmod(7, 4) == 3);
}

/* ---- Fibers ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int inside, most_inside, done, once_count;

static void count_once(void)
{
    once_count++;
}

static void locker(void *arg)
{
    (void)arg;
    pthread_once(&once, count_once);
    for (int i = 0; i < 10; i++) {
        pthread_mutex_lock(&mutex);
        inside++;
        most_inside = inside > most_inside ? inside : most_inside;
        usleep(100); /* others run, and want the lock */
        inside--;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    done++;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

static void test_fibers(void)
{
    struct lunik_fiber *fiber;

    for (int i = 0; i < 4; i++)
        CHECK(lunik_fiber_create("locker", locker, NULL, &fiber) == LUNIK_OK);
    pthread_mutex_lock(&mutex);
    while (done < 4)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    CHECK(most_inside == 1);
    CHECK(once_count == 1);
}

/* ---- Reading ---- */

static void reader(void *arg)
{
    char line[128];

    while (fgets(line, sizeof(line), stdin))
        printf("%s: %s", (const char *)arg, line);
    done++;
}

static int read_all(void)
{
    static char first[] = "first", second[] = "second";
    struct lunik_fiber *fiber;

    if (lunik_fiber_create(first, reader, first, &fiber) != LUNIK_OK ||
        lunik_fiber_create(second, reader, second, &fiber) != LUNIK_OK)
        return 1;
    while (done < 2)
        usleep(1000);
    return 0;
}

static void at_exit(void)
{
    printf("%u passed, %u failed", passed, failed); /* flushed after this */
}

int lunik_main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "read"))
        return read_all();
    atexit(at_exit);
    test_stdio();
    test_tree();
    test_tmp();
    test_tmp_bound();
    test_devices();
    test_memory();
    test_time();
    test_rest();
    test_fibers();
    return failed != 0;
}
