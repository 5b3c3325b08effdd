/* SPDX-License-Identifier: MIT */
/*
 * worker.c: calls of Linux's C library that block, each in a thread.
 *
 * A thread touches its job and the list of finished ones, and wakes the loop by
 * a pipe that is watched like any descriptor. A caller who gives up leaves the
 * job behind; the loop frees it when its thread is done.
 */
#include "host.h"
#include "platform.h"
#include <fcntl.h>
#include <lunik/panic.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

/* More calls than this wait for a thread. */
#define THREADS_MAX 16
#define THREAD_STACK_SIZE ((size_t)1024 * 1024)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct platform_host_job *finished; /* under the mutex */
static int wake[2] = { -1, -1 };
static unsigned threads; /* running; the loop's alone */
static struct lunik_event thread_free;

static void *thread_main(void *arg)
{
    struct platform_host_job *job = arg;

    job->run(job);
    pthread_mutex_lock(&mutex);
    job->next = finished;
    finished = job;
    pthread_mutex_unlock(&mutex);
    /* A full pipe wakes the loop just as well. */
    if (write(wake[1], "", 1) < 0)
        return NULL;
    return NULL;
}

static void on_wake(struct platform_host_watch *watch, uint32_t events)
{
    struct platform_host_job *job, *next;
    char drop[64];

    (void)events;
    while (read(watch->fd, drop, sizeof(drop)) > 0)
        ;
    pthread_mutex_lock(&mutex);
    job = finished;
    finished = NULL;
    pthread_mutex_unlock(&mutex);
    for (; job; job = next) {
        next = job->next;
        threads--;
        lunik_event_signal_one(&thread_free);
        job->is_done = true;
        if (job->is_given_up)
            job->drop(job);
        else
            lunik_event_signal(&job->done);
    }
}

static struct platform_host_watch wake_watch = { .fn = on_wake,
                                                 .wants = EPOLLIN };

static void init(void)
{
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        lunik_panic("no pipe for threads");
    wake_watch.fd = wake[0];
    if (platform_host_watch_add(&wake_watch) != LUNIK_OK)
        lunik_panic("no watch for threads");
}

/* Signals are the loop's: threads take none. */
static lunik_result start(struct platform_host_job *job)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int failed;

    if (pthread_attr_init(&attributes) != 0)
        return LUNIK_ENOMEM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, thread_main, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed)
        return LUNIK_ENOMEM;
    threads++;
    return LUNIK_OK;
}

lunik_result platform_host_job_run(struct platform_host_job *job,
                                   uint64_t deadline_ns)
{
    lunik_result result = LUNIK_OK;

    if (wake[0] < 0)
        init();
    while (result == LUNIK_OK && threads == THREADS_MAX)
        result = lunik_event_wait(&thread_free, deadline_ns);
    if (result == LUNIK_OK)
        result = start(job);
    if (result != LUNIK_OK) {
        job->drop(job);
        return result;
    }
    while (!job->is_done && result == LUNIK_OK)
        result = lunik_event_wait(&job->done, deadline_ns);
    /* A wait may end in the turn in which the job did. */
    if (job->is_done && result == LUNIK_OK)
        return LUNIK_OK;
    if (job->is_done)
        job->drop(job);
    else
        job->is_given_up = true;
    return result;
}
