/* Lets each call that changes a file system fail once, so that a program can be tried with a disk
 * that fills up, breaks or is taken away at any of its writes.
 *
 *     cc -O1 -shared -fPIC -o fail_each_write.so fail_each_write.c -ldl
 *     FAULT_ROOT=/folder FAULT_SEEN=/elsewhere/seen FAULT_ERRNO=28 LD_PRELOAD=... PROGRAM
 *
 * FAULT_ROOT    only calls on what lies in this folder (absolute, without symbolic links) count
 * FAULT_SEEN    the calls that have failed so far, a line each: call, path, how often this process
 *               has made it. The first call that is not in it is added and fails. Repeated until
 *               nothing is added, every call has failed once, wherever threads order them.
 * FAULT_ERRNO   what it fails with; 0: the process is killed before the call; -1: the process is
 *               killed after half of what was to be written. Without it nothing fails, and each call
 *               is added.
 * FAULT_SHARE   K/N: only the calls of the K-th of N shares (from 0), drawn by their names
 * FAULT_ONCE    if set, only that call fails; else every later one does, too, as on a full disk.
 *               Removing goes on working then, unless the error is EROFS or EIO.
 * FAULT_LOCK    what every flock fails with, as on a file system without locks
 *
 * Calls: open with O_CREAT or O_TRUNC, write, pwrite, writev, pwritev, fsync, fdatasync, ftruncate,
 * fallocate, posix_fallocate, copy_file_range, sendfile, a shared writable mmap, rename, link,
 * symlink, mkdir, unlink, rmdir. Times in the names of TensorBoard's files are left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char **seen;
static size_t n_seen, room;
static char **made; /* calls of this process, for their numbers */
static size_t *n_made;
static size_t n_different, room_made;
static int is_ready, is_failing;
static const char *root;

static void add_seen(const char *key) {
    if (n_seen == room) {
        room = room ? 2 * room : 1024;
        seen = realloc(seen, room * sizeof *seen);
    }
    seen[n_seen++] = strdup(key);
}

static void prepare(void) {
    is_ready = 1;
    root = getenv("FAULT_ROOT");
    const char *path = getenv("FAULT_SEEN");
    FILE *file = path ? fopen(path, "re") : NULL;
    char line[2 * PATH_MAX];
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        add_seen(line);
    }
    if (file) fclose(file);
}

static int is_seen(const char *key) {
    for (size_t i = 0; i < n_seen; i++)
        if (!strcmp(seen[i], key)) return 1;
    return 0;
}

/* Whether a call belongs to the share that is tried. */
static int is_in_share(const char *key) {
    const char *share = getenv("FAULT_SHARE");
    unsigned k, n, hash = 2166136261u;
    if (!share || sscanf(share, "%u/%u", &k, &n) != 2 || !n) return 1;
    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 16777619u;
    return (hash >> 8) % n == k;
}

static size_t number_of(const char *call) {
    for (size_t i = 0; i < n_different; i++)
        if (!strcmp(made[i], call)) return ++n_made[i];
    if (n_different == room_made) {
        room_made = room_made ? 2 * room_made : 1024;
        made = realloc(made, room_made * sizeof *made);
        n_made = realloc(n_made, room_made * sizeof *n_made);
    }
    made[n_different] = strdup(call);
    n_made[n_different] = 1;
    return n_made[n_different++];
}

static void remember(const char *key) {
    add_seen(key);
    const char *path = getenv("FAULT_SEEN");
    if (!path) return;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return;
    char line[2 * PATH_MAX];
    int n = snprintf(line, sizeof line, "%s\n", key);
    syscall(SYS_write, fd, line, n);
    syscall(SYS_close, fd);
}

enum { GOES_ON = 0, HALF = -1 };

/* What a call ends with: GOES_ON, HALF, or an error number. */
static int verdict(const char *call, const char *path, int removes) {
    int saved = errno;
    pthread_mutex_lock(&mutex);
    if (!is_ready) prepare();
    int result = GOES_ON;
    size_t length = root ? strlen(root) : 0;
    if (root && !strncmp(path, root, length) && (path[length] == '/' || !path[length])) {
        char what[PATH_MAX + 64], key[PATH_MAX + 128];
        snprintf(what, sizeof what, "%s %s", call, path[length] ? path + length + 1 : ".");
        char *event = strstr(what, "tfevents.");
        for (char *at = event; at && *at; at++)
            if (*at >= '0' && *at <= '9') *at = '0';
        snprintf(key, sizeof key, "%s %zu", what, number_of(what));
        const char *error = getenv("FAULT_ERRNO");
        int number = error ? atoi(error) : 0;
        if (is_failing) {
            int blocks = !removes || number == EROFS || number == EIO;
            result = blocks && !getenv("FAULT_ONCE") ? number : GOES_ON;
        } else if (is_in_share(key) && !is_seen(key)) {
            remember(key);
            if (error) {
                is_failing = 1;
                if (number == 0) syscall(SYS_kill, getpid(), SIGKILL);
                result = number;
            }
        }
    }
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}

static const char *place_of(int dir, const char *path, char *buffer) {
    if (path[0] == '/') return path;
    if (dir == AT_FDCWD) {
        if (!getcwd(buffer, PATH_MAX)) return path;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, buffer, PATH_MAX - 1);
        if (n < 0) return path;
        buffer[n] = 0;
    }
    size_t n = strlen(buffer);
    snprintf(buffer + n, PATH_MAX - n, "/%s", path);
    return buffer;
}

static int of_path(const char *call, int dir, const char *path, int removes) {
    char buffer[PATH_MAX];
    return verdict(call, place_of(dir, path, buffer), removes);
}

static int of_file(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return GOES_ON;
    path[n] = 0;
    return verdict(call, path, 0);
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define FAIL_IF(fault)                                                                             \
    do {                                                                                           \
        int fault_ = (fault);                                                                      \
        if (fault_ == HALF) syscall(SYS_kill, getpid(), SIGKILL);                                  \
        if (fault_ != GOES_ON) {                                                                   \
            errno = fault_;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC))
#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    if (CHANGES(flags)) FAIL_IF(of_path("open", AT_FDCWD, path, 0));
    return REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags)
    if (CHANGES(flags)) FAIL_IF(of_path("open", AT_FDCWD, path, 0));
    return REAL(open64)(path, flags, mode);
}
int openat(int dir, const char *path, int flags, ...) {
    MODE(flags)
    if (CHANGES(flags)) FAIL_IF(of_path("open", dir, path, 0));
    return REAL(openat)(dir, path, flags, mode);
}
int openat64(int dir, const char *path, int flags, ...) {
    MODE(flags)
    if (CHANGES(flags)) FAIL_IF(of_path("open", dir, path, 0));
    return REAL(openat64)(dir, path, flags, mode);
}

/* Half of what was to be written, and then the end. */
static void half(int fd, const void *bytes, size_t n) {
    syscall(SYS_write, fd, bytes, n / 2);
    syscall(SYS_kill, getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    int fault = of_file("write", fd);
    if (fault == HALF) half(fd, bytes, n);
    FAIL_IF(fault);
    return REAL(write)(fd, bytes, n);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    int fault = of_file("write", fd);
    if (fault == HALF && n > 0) half(fd, parts[0].iov_base, parts[0].iov_len);
    FAIL_IF(fault);
    return REAL(writev)(fd, parts, n);
}
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
    FAIL_IF(of_file("write", fd));
    return REAL(pwrite)(fd, bytes, n, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    FAIL_IF(of_file("write", fd));
    return REAL(pwrite64)(fd, bytes, n, at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at) {
    FAIL_IF(of_file("write", fd));
    return REAL(pwritev)(fd, parts, n, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int n, off64_t at) {
    FAIL_IF(of_file("write", fd));
    return REAL(pwritev64)(fd, parts, n, at);
}
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t n, unsigned flags) {
    FAIL_IF(of_file("copy", to));
    return REAL(copy_file_range)(from, a, to, b, n, flags);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t n);
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) {
    FAIL_IF(of_file("copy", to));
    return REAL(sendfile64)(to, from, at, n);
}
int fsync(int fd) {
    FAIL_IF(of_file("fsync", fd));
    return REAL(fsync)(fd);
}
int fdatasync(int fd) {
    FAIL_IF(of_file("fsync", fd));
    return REAL(fdatasync)(fd);
}
int ftruncate(int fd, off_t n) {
    FAIL_IF(of_file("ftruncate", fd));
    return REAL(ftruncate)(fd, n);
}
int ftruncate64(int fd, off64_t n) {
    FAIL_IF(of_file("ftruncate", fd));
    return REAL(ftruncate64)(fd, n);
}
int fallocate(int fd, int mode, off_t at, off_t n) {
    FAIL_IF(of_file("fallocate", fd));
    return REAL(fallocate)(fd, mode, at, n);
}
int fallocate64(int fd, int mode, off64_t at, off64_t n) {
    FAIL_IF(of_file("fallocate", fd));
    return REAL(fallocate64)(fd, mode, at, n);
}
int posix_fallocate(int fd, off_t at, off_t n) {
    int fault = of_file("fallocate", fd);
    return fault > 0 ? fault : REAL(posix_fallocate)(fd, at, n);
}
int posix_fallocate64(int fd, off64_t at, off64_t n) {
    int fault = of_file("fallocate", fd);
    return fault > 0 ? fault : REAL(posix_fallocate64)(fd, at, n);
}
static int mmap_fault(int protection, int flags, int fd) {
    int is_shared = (flags & MAP_TYPE) == MAP_SHARED && fd >= 0;
    return is_shared && (protection & PROT_WRITE) ? of_file("mmap", fd) : GOES_ON;
}
void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
    int fault = mmap_fault(protection, flags, fd);
    if (fault > 0) {
        errno = fault;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset) {
    return mmap(at, n, protection, flags, fd, offset);
}
int rename(const char *from, const char *to) {
    FAIL_IF(of_path("rename", AT_FDCWD, to, 0));
    return REAL(rename)(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    FAIL_IF(of_path("rename", b, to, 0));
    return REAL(renameat)(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    FAIL_IF(of_path("rename", b, to, 0));
    return REAL(renameat2)(a, from, b, to, flags);
}
int link(const char *from, const char *to) {
    FAIL_IF(of_path("link", AT_FDCWD, to, 0));
    return REAL(link)(from, to);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
    FAIL_IF(of_path("link", b, to, 0));
    return REAL(linkat)(a, from, b, to, flags);
}
int symlink(const char *from, const char *to) {
    FAIL_IF(of_path("symlink", AT_FDCWD, to, 0));
    return REAL(symlink)(from, to);
}
/* A folder that is there already is not made. */
static int is_there(int dir, const char *path) {
    struct stat found;
    int saved = errno, result = !fstatat(dir, path, &found, 0);
    errno = saved;
    return result;
}
int mkdir(const char *path, mode_t mode) {
    if (!is_there(AT_FDCWD, path)) FAIL_IF(of_path("mkdir", AT_FDCWD, path, 0));
    return REAL(mkdir)(path, mode);
}
int mkdirat(int dir, const char *path, mode_t mode) {
    if (!is_there(dir, path)) FAIL_IF(of_path("mkdir", dir, path, 0));
    return REAL(mkdirat)(dir, path, mode);
}
int unlink(const char *path) {
    FAIL_IF(of_path("unlink", AT_FDCWD, path, 1));
    return REAL(unlink)(path);
}
int unlinkat(int dir, const char *path, int flags) {
    FAIL_IF(of_path("unlink", dir, path, 1));
    return REAL(unlinkat)(dir, path, flags);
}
int rmdir(const char *path) {
    FAIL_IF(of_path("unlink", AT_FDCWD, path, 1));
    return REAL(rmdir)(path);
}
int flock(int fd, int operation) {
    const char *error = getenv("FAULT_LOCK");
    if (error) {
        errno = atoi(error);
        return -1;
    }
    return REAL(flock)(fd, operation);
}
