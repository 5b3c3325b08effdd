# musl.cmake: which of musl's files an image may use, and its headers.
#
# Upstream's tree is pinned by the sum of its tarball, so here, and nowhere
# else, its folders are globbed. One object for each file: an image gets only
# what it calls.

# Folders that are taken whole, but for the files in the next list.
set(_musl_folders
    complex
    conf
    ctype
    dirent
    env
    errno
    exit
    fcntl
    fenv
    internal
    legacy
    locale
    math
    misc
    mman
    multibyte
    prng
    regex
    search
    setjmp
    stat
    stdio
    stdlib
    string
    temp
    termios
    time
    unistd)

# Left out: what needs processes, threads, users or another machine word, and
# what port/musl has in its own way.
set(_musl_without
    # There is one address space, started by libos/core/start.c.
    env/__init_tls
    env/__libc_start_main
    env/__reset_tls
    env/__stack_chk_fail
    internal/defsysinfo
    internal/emulate_wait4
    internal/vdso
    # No processes, users, terminals, signals from outside.
    legacy/cuserid
    legacy/daemon
    legacy/getpass
    legacy/getusershell
    legacy/utmpx
    misc/forkpty
    misc/getdomainname
    misc/initgroups
    misc/login_tty
    misc/mntent
    misc/openpty
    misc/ptsname
    misc/pty
    misc/setdomainname
    misc/syslog
    misc/wordexp
    mman/shm_open
    stdio/pclose
    stdio/popen
    unistd/acct
    unistd/setegid
    unistd/seteuid
    unistd/setgid
    unistd/setregid
    unistd/setresgid
    unistd/setresuid
    unistd/setreuid
    unistd/setuid
    unistd/setxid
    # Any number to any system call: not a function call at link time.
    misc/syscall
    # CVE-2026-6042, and half a megabyte of tables.
    locale/iconv
    locale/iconv_close
    # Message catalogues, read by mapping files.
    locale/__mo_lookup
    locale/bind_textdomain_codeset
    locale/catclose
    locale/catgets
    locale/catopen
    locale/dcngettext
    locale/pleval
    locale/textdomain
    time/__map_file
    # Timers by threads.
    time/timer_create
    time/timer_delete
    time/timer_getoverrun
    time/timer_gettime
    time/timer_settime
    # Needs every thread to agree, an interval timer, or what start-up left.
    legacy/ulimit
    legacy/valloc
    misc/getauxval
    misc/setrlimit
    unistd/alarm
    unistd/ualarm
    # The port's own: signal.c, locale.c, stdin.c, stdout.c, sort.c
    # (CVE-2026-40200), tz.c.
    exit/abort
    exit/abort_lock
    locale/locale_map
    stdio/stdin
    stdio/stdout
    stdlib/qsort
    stdlib/qsort_nr
    time/__tz
    # Asks a child process about another user.
    unistd/faccessat)

# Folders of which only these files are taken.
set(_musl_only
    linux/flock
    linux/getdents
    linux/getrandom
    linux/gettid
    linux/statx
    linux/sysinfo
    linux/utimes
    malloc/reallocarray
    network/accept
    network/accept4
    network/bind
    network/connect
    network/freeaddrinfo
    network/gai_strerror
    network/getaddrinfo
    network/gethostbyname
    network/gethostbyname2
    network/gethostbyname2_r
    network/gethostbyname_r
    network/getpeername
    network/getservbyname
    network/getservbyname_r
    network/getsockname
    network/getsockopt
    network/h_errno
    network/herror
    network/hstrerror
    network/htonl
    network/htons
    network/in6addr_any
    network/in6addr_loopback
    network/inet_addr
    network/inet_aton
    network/inet_legacy
    network/inet_ntoa
    network/inet_ntop
    network/inet_pton
    network/listen
    network/netname
    network/ntohl
    network/ntohs
    network/proto
    network/recv
    network/recvfrom
    network/recvmsg
    network/send
    network/sendmsg
    network/sendto
    network/setsockopt
    network/shutdown
    network/sockatmark
    network/socket
    network/socketpair
    sched/sched_cpucount
    sched/sched_yield
    select/poll
    select/ppoll
    select/pselect
    select/select
    signal/psignal
    signal/sigaddset
    signal/sigandset
    signal/sigdelset
    signal/sigemptyset
    signal/sigfillset
    signal/sigisemptyset
    signal/sigismember
    signal/siglongjmp
    signal/sigorset
    signal/sigsetjmp
    signal/sigsetjmp_tail
    # Locks for code that was written for threads.
    thread/__lock
    thread/__timedwait
    thread/__wait
    thread/call_once
    thread/cnd_broadcast
    thread/cnd_destroy
    thread/cnd_init
    thread/cnd_signal
    thread/cnd_timedwait
    thread/cnd_wait
    thread/mtx_destroy
    thread/mtx_init
    thread/mtx_lock
    thread/mtx_timedlock
    thread/mtx_trylock
    thread/mtx_unlock
    thread/pthread_cleanup_push
    thread/pthread_cond_broadcast
    thread/pthread_cond_destroy
    thread/pthread_cond_init
    thread/pthread_cond_signal
    thread/pthread_cond_timedwait
    thread/pthread_cond_wait
    thread/pthread_condattr_destroy
    thread/pthread_condattr_init
    thread/pthread_condattr_setclock
    thread/pthread_condattr_setpshared
    thread/pthread_equal
    thread/pthread_getspecific
    thread/pthread_key_create
    thread/pthread_mutex_destroy
    thread/pthread_mutex_init
    thread/pthread_mutex_lock
    thread/pthread_mutex_timedlock
    thread/pthread_mutex_trylock
    thread/pthread_mutex_unlock
    thread/pthread_mutexattr_destroy
    thread/pthread_mutexattr_init
    thread/pthread_mutexattr_settype
    thread/pthread_once
    thread/pthread_rwlock_destroy
    thread/pthread_rwlock_init
    thread/pthread_rwlock_rdlock
    thread/pthread_rwlock_timedrdlock
    thread/pthread_rwlock_timedwrlock
    thread/pthread_rwlock_tryrdlock
    thread/pthread_rwlock_trywrlock
    thread/pthread_rwlock_unlock
    thread/pthread_rwlock_wrlock
    thread/pthread_self
    thread/pthread_setcancelstate
    thread/pthread_setspecific
    thread/pthread_spin_destroy
    thread/pthread_spin_init
    thread/pthread_spin_lock
    thread/pthread_spin_trylock
    thread/pthread_spin_unlock
    thread/pthread_testcancel
    thread/sem_destroy
    thread/sem_getvalue
    thread/sem_init
    thread/sem_post
    thread/sem_timedwait
    thread/sem_trywait
    thread/sem_wait
    thread/thrd_sleep
    thread/thrd_yield
    thread/tss_create
    thread/tss_delete
    thread/tss_set
    thread/vmlock)

# The better code for what Lua and C programs call all the time.
set(_musl_fast string)

# Adds to OUT the file for FOLDER/NAME: the processor's own, if there is one.
macro(_lunik_musl_take name out)
  get_filename_component(_folder "${name}" DIRECTORY)
  get_filename_component(_file "${name}" NAME)
  set(_found "${LUNIK_DEP_MUSL_DIR}/src/${name}.c")
  foreach(_kind IN ITEMS s c)
    set(_own
        "${LUNIK_DEP_MUSL_DIR}/src/${_folder}/${LUNIK_ARCH}/${_file}.${_kind}")
    if(EXISTS "${_own}")
      set(_found "${_own}")
    endif()
  endforeach()
  if(NOT EXISTS "${_found}")
    message(FATAL_ERROR "musl ${LUNIK_DEP_MUSL_VERSION} has no ${name}.c")
  endif()
  if(_folder IN_LIST _musl_fast)
    set_source_files_properties("${_found}" PROPERTIES COMPILE_OPTIONS -O2)
  endif()
  list(APPEND ${out} "${_found}")
endmacro()

# Sets OUT to the sources of the C library.
macro(lunik_musl_sources out)
  set(${out})
  foreach(name IN LISTS _musl_without)
    if(NOT EXISTS "${LUNIK_DEP_MUSL_DIR}/src/${name}.c")
      message(FATAL_ERROR "musl ${LUNIK_DEP_MUSL_VERSION} has no ${name}.c")
    endif()
  endforeach()
  foreach(folder IN LISTS _musl_folders)
    set(src "${LUNIK_DEP_MUSL_DIR}/src/${folder}")
    file(GLOB files "${src}/*.c" "${src}/${LUNIK_ARCH}/*.c"
         "${src}/${LUNIK_ARCH}/*.s")
    set(names)
    foreach(file IN LISTS files)
      get_filename_component(name "${file}" NAME_WE)
      list(APPEND names "${folder}/${name}")
    endforeach()
    list(REMOVE_DUPLICATES names)
    list(REMOVE_ITEM names ${_musl_without})
    foreach(name IN LISTS names)
      _lunik_musl_take("${name}" ${out})
    endforeach()
  endforeach()
  foreach(name IN LISTS _musl_only)
    _lunik_musl_take("${name}" ${out})
  endforeach()
endmacro()

# Puts the public headers into INCLUDE and version.h into INTERNAL.
function(lunik_musl_make_headers include internal)
  set(musl "${LUNIK_DEP_MUSL_DIR}")
  if(EXISTS "${internal}/version.h") # written last
    return()
  endif()
  file(COPY "${musl}/include/" DESTINATION "${include}" PATTERN "*.in" EXCLUDE)
  # The processor's own first. (Copying over the other would not do: a file of
  # the same age is taken for the same file.)
  file(GLOB bits "${musl}/arch/${LUNIK_ARCH}/bits/*.h")
  file(COPY ${bits} DESTINATION "${include}/bits")
  file(GLOB bits RELATIVE "${musl}/arch/generic/bits"
       "${musl}/arch/generic/bits/*.h")
  foreach(name IN LISTS bits)
    if(NOT EXISTS "${musl}/arch/${LUNIK_ARCH}/bits/${name}")
      file(COPY "${musl}/arch/generic/bits/${name}"
           DESTINATION "${include}/bits")
    endif()
  endforeach()

  # The one header of C11 that only a compiler can write.
  execute_process(
    COMMAND "${CMAKE_C_COMPILER}" -print-file-name=include/stdatomic.h
    OUTPUT_VARIABLE atomics OUTPUT_STRIP_TRAILING_WHITESPACE
                    COMMAND_ERROR_IS_FATAL ANY)
  file(COPY "${atomics}" DESTINATION "${include}")

  execute_process(
    COMMAND
      sed -f "${musl}/tools/mkalltypes.sed"
      "${musl}/arch/${LUNIK_ARCH}/bits/alltypes.h.in"
      "${musl}/include/alltypes.h.in"
    OUTPUT_VARIABLE types COMMAND_ERROR_IS_FATAL ANY)
  file(CONFIGURE OUTPUT "${include}/bits/alltypes.h" CONTENT "${types}" @ONLY)

  file(READ "${musl}/arch/${LUNIK_ARCH}/bits/syscall.h.in" calls)
  string(REPLACE "__NR_" "SYS_" names "${calls}")
  file(CONFIGURE OUTPUT "${include}/bits/syscall.h" CONTENT "${calls}${names}"
       @ONLY)
  # An older install of other headers must not pass for these.
  file(GLOB_RECURSE headers "${include}/*.h")
  file(TOUCH ${headers})
  file(CONFIGURE OUTPUT "${internal}/version.h" CONTENT
       "#define VERSION \"${LUNIK_DEP_MUSL_VERSION}\"\n" @ONLY)
endfunction()
