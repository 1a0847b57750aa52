/* Records what a process does to the files under one directory, so that the state of the disk after a power cut at
 * any moment can be rebuilt. Loaded with LD_PRELOAD. Each intercepted call is carried out and logged under one lock,
 * so the log has the order in which the calls took effect. A rename that was made without libc (as by the crate
 * tempfile, for fjall) is logged when the file is opened under its new name, which fjall does at once, to sync it.
 *
 * STRONGROOM_RECORD_DIR  absolute path of the directory, without a slash at its end
 * STRONGROOM_RECORD_LOG  file to append the log to
 *
 * A record is: kind (1 byte), file id (u32), offset (u64), length of payload (u64), payload; little-endian.
 *   C created file id (payload path)     E opened existing file id (payload path)
 *   W written at offset (payload bytes)  T set to length `offset`     S synced (fsync or fdatasync)
 *   G sync_file_range, which is no sync  D directory synced (payload path)
 *   R renamed (payload from NUL to)      U unlinked    M directory made    X directory removed (payload path)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 65536
#define FILES_MAX 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *dir;
static size_t dir_length;
static int log_fd = -1;
static uint32_t file_of_fd[FDS_MAX]; /* file id + 1; 0 is a file outside */
static ino_t inode_of_file[FILES_MAX];
static char *path_of_file[FILES_MAX];
static uint32_t files;

static void fail(const char *what) {
    dprintf(2, "recorder: %s\n", what);
    _exit(97);
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("STRONGROOM_RECORD_LOG");
    dir = getenv("STRONGROOM_RECORD_DIR");
    if (!path || !dir) return;
    dir_length = strlen(dir);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0) fail("cannot open the log");
}

static void put(char kind, uint32_t file, uint64_t offset, const void *payload, uint64_t length) {
    unsigned char head[21];
    head[0] = (unsigned char)kind;
    memcpy(head + 1, &file, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 8);
    if (syscall(SYS_write, log_fd, head, sizeof head) != (long)sizeof head) fail("cannot write the log");
    const char *rest = payload;
    while (length > 0) {
        long wrote = syscall(SYS_write, log_fd, rest, length);
        if (wrote <= 0) fail("cannot write the log");
        rest += wrote;
        length -= (uint64_t)wrote;
    }
}

static void put_path(char kind, uint32_t file, const char *path) { put(kind, file, 0, path, strlen(path)); }

/* Fills `full` and returns 1 when the path lies under the directory, or is the directory. */
static int under(int at, const char *path, char *full) {
    if (log_fd < 0 || !path) return 0;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(full, path);
    } else {
        char base[PATH_MAX], link[64];
        ssize_t length;
        if (at == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            length = readlink(link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    return strncmp(full, dir, dir_length) == 0 && (full[dir_length] == '/' || full[dir_length] == 0);
}

static int is_dir(int fd, ino_t *inode) {
    struct stat about;
    if (fstat(fd, &about) != 0) fail("fstat");
    *inode = about.st_ino;
    return S_ISDIR(about.st_mode);
}

static uint32_t id_of(ino_t inode, int is_new) {
    if (!is_new)
        for (uint32_t id = files; id-- > 0;)
            if (inode_of_file[id] == inode) return id;
    if (files == FILES_MAX) fail("too many files");
    inode_of_file[files] = inode;
    return files++;
}

static void put_rename(const char *from, const char *to) {
    char both[2 * PATH_MAX];
    size_t length = strlen(from) + 1, whole = length + strlen(to);
    if (whole >= sizeof both) fail("a path is too long");
    memcpy(both, from, length);
    strcpy(both + length, to);
    put('R', 0, 0, both, whole);
}

static void named(uint32_t id, const char *path) {
    free(path_of_file[id]);
    path_of_file[id] = strdup(path);
    if (!path_of_file[id]) fail("no memory");
}

/* A known file that has left its name for `path`: nobody told us. */
static void find_rename(uint32_t id, const char *path) {
    const char *old = path_of_file[id];
    if (old && strcmp(old, path) != 0 && syscall(SYS_faccessat, AT_FDCWD, old, F_OK) != 0) put_rename(old, path);
}

static int open_logged(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!under(at, path, full)) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    int existed = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    ino_t inode;
    if (fd >= 0 && fd < FDS_MAX) {
        file_of_fd[fd] = 0;
        if (!is_dir(fd, &inode)) {
            uint32_t id = id_of(inode, !existed);
            file_of_fd[fd] = id + 1;
            if (existed) find_rename(id, full);
            named(id, full);
            put_path(existed ? 'E' : 'C', id, full);
            if (existed && (flags & O_TRUNC)) put('T', id, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN_MODE(flags, last)                          \
    mode_t mode = 0;                                    \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {            \
        va_list more;                                   \
        va_start(more, last);                           \
        mode = va_arg(more, mode_t);                    \
        va_end(more);                                   \
    }

int open(const char *path, int flags, ...) { OPEN_MODE(flags, flags) return open_logged(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags, flags) return open_logged(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags, flags) return open_logged(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags, flags) return open_logged(at, path, flags | O_LARGEFILE, mode); }
int creat(const char *path, mode_t mode) { return open_logged(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static int logged(int fd) { return log_fd >= 0 && fd >= 0 && fd < FDS_MAX && file_of_fd[fd] != 0; }

int close(int fd) {
    if (!logged(fd)) return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    file_of_fd[fd] = 0;
    int result = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static void copied(int from, int to) {
    if (to >= 0 && to < FDS_MAX && from >= 0 && from < FDS_MAX) file_of_fd[to] = file_of_fd[from];
}

int dup(int fd) {
    int other = (int)syscall(SYS_dup, fd);
    copied(fd, other);
    return other;
}

int dup2(int fd, int other) {
    int result = (int)syscall(SYS_dup3, fd, other, 0);
    copied(fd, result);
    return result;
}

static int fcntl_logged(int fd, int command, long argument) {
    int result = (int)syscall(SYS_fcntl, fd, command, argument);
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) copied(fd, result);
    return result;
}

int fcntl(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    long argument = va_arg(more, long);
    va_end(more);
    return fcntl_logged(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    long argument = va_arg(more, long);
    va_end(more);
    return fcntl_logged(fd, command, argument);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    if (!logged(fd)) return syscall(SYS_pwrite64, fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t wrote = syscall(SYS_pwrite64, fd, bytes, length, offset);
    if (wrote > 0) put('W', file_of_fd[fd] - 1, (uint64_t)offset, bytes, (uint64_t)wrote);
    pthread_mutex_unlock(&lock);
    return wrote;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!logged(fd)) return syscall(SYS_write, fd, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t wrote = syscall(SYS_write, fd, bytes, length);
    if (wrote > 0) {
        off_t end = syscall(SYS_lseek, fd, 0, SEEK_CUR);
        put('W', file_of_fd[fd] - 1, (uint64_t)(end - wrote), bytes, (uint64_t)wrote);
    }
    pthread_mutex_unlock(&lock);
    return wrote;
}

/* A short count is allowed, so the first part that is not empty stands for all. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!logged(fd)) return syscall(SYS_writev, fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    if (!logged(fd)) return syscall(SYS_pwritev, fd, parts, count, offset, 0L);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len > 0) return pwrite64(fd, parts[i].iov_base, parts[i].iov_len, offset);
    return 0;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev64(fd, parts, count, offset); }

int ftruncate64(int fd, off64_t length) {
    if (!logged(fd)) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (result == 0) put('T', file_of_fd[fd] - 1, (uint64_t)length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* Nothing under test uses these; better to stop than to record a lie. */
int fallocate(int fd, int mode, off_t offset, off_t length) {
    if (logged(fd)) fail("fallocate is not recorded");
    return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length); }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return fallocate(fd, 0, offset, length); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    if (logged(out)) fail("copy_file_range is not recorded");
    return syscall(SYS_copy_file_range, in, from, out, to, length, flags);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) {
    if (logged(out)) fail("sendfile is not recorded");
    return syscall(SYS_sendfile, out, in, offset, count);
}

static int sync_logged(long call, int fd) {
    if (log_fd < 0) return (int)syscall(call, fd);
    char link[64], path[PATH_MAX];
    ino_t inode;
    pthread_mutex_lock(&lock);
    int result = (int)syscall(call, fd);
    if (result == 0 && logged(fd)) {
        put('S', file_of_fd[fd] - 1, 0, NULL, 0);
    } else if (result == 0 && is_dir(fd, &inode)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (strncmp(path, dir, dir_length) == 0) put_path('D', 0, path);
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return sync_logged(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_logged(SYS_fdatasync, fd); }

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
    if (!logged(fd)) return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
    put('G', file_of_fd[fd] - 1, (uint64_t)offset, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

static int renamed(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char source[PATH_MAX], target[PATH_MAX];
    if (!under(from_at, from, source) || !under(to_at, to, target))
        return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (result == 0) {
        put_rename(source, target);
        for (uint32_t id = files; id-- > 0;)
            if (path_of_file[id] && strcmp(path_of_file[id], source) == 0) {
                named(id, target);
                break;
            }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) { return renamed(from_at, from, to_at, to, 0); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) { return renamed(from_at, from, to_at, to, flags); }

static int removed(int at, const char *path, int flags) {
    char full[PATH_MAX];
    if (!under(at, path, full)) return (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (result == 0) put_path(flags & AT_REMOVEDIR ? 'X' : 'U', 0, full);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return removed(at, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

static int made(int at, const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (!under(at, path, full)) return (int)syscall(SYS_mkdirat, at, path, mode);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_mkdirat, at, path, mode);
    if (result == 0) put_path('M', 0, full);
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return made(at, path, mode); }
