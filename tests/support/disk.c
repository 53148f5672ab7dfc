/* A disk that fails, for a program that is started with this as LD_PRELOAD. Below the folder that FAILING_DISK names, no
 * file grows while there is a file FOLDER.full, and nothing is written while there is a file FOLDER.read-only: calls of the
 * system end as they do on such disks. It takes neither a mount nor root, and can be mended while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int marked(const char *state) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.%s", getenv("FAILING_DISK"), state);
    return access(path, F_OK) == 0;
}

static int below(const char *path) {
    const char *folder = getenv("FAILING_DISK");
    size_t length = folder ? strlen(folder) : 0;
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Why a file cannot be written as far as `end`; 0 if it can. */
static int refusal(int file, off_t end) {
    struct stat status;
    char link[64], path[PATH_MAX];
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!below(path)) return 0;
    if (marked("read-only")) return EROFS;
    return end > status.st_size && marked("full") ? ENOSPC : 0;
}

static off_t total(const struct iovec *parts, int count) {
    off_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

/* The function that the program means, unless the disk refuses: then -1 and the reason in errno, or the reason itself. */
#define WRAP(type, name, parameters, arguments, file, end, refused)  \
    type name parameters {                                           \
        static type (*real) parameters;                              \
        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
        int why = refusal(file, end);                                \
        if (why) return refused;                                     \
        return real arguments;                                       \
    }
#define ERRNO (errno = why, -1)

WRAP(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count), file,
     lseek(file, 0, SEEK_CUR) + (off_t)count, ERRNO)
WRAP(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, count, at), file,
     at + (off_t)count, ERRNO)
WRAP(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, count, at), file,
     at + (off_t)count, ERRNO)
WRAP(ssize_t, pwritev, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at), file,
     at + total(parts, count), ERRNO)
WRAP(ssize_t, pwritev64, (int file, const struct iovec *parts, int count, off64_t at), (file, parts, count, at), file,
     at + total(parts, count), ERRNO)
WRAP(int, ftruncate, (int file, off_t size), (file, size), file, size, ERRNO)
WRAP(int, ftruncate64, (int file, off64_t size), (file, size), file, size, ERRNO)
WRAP(int, posix_fallocate, (int file, off_t at, off_t count), (file, at, count), file, at + count, why)
WRAP(int, posix_fallocate64, (int file, off64_t at, off64_t count), (file, at, count), file, at + count, why)

#define WRAP_OPEN(name)                                                                                \
    int name(const char *path, int flags, ...) {                                                      \
        static int (*real)(const char *, int, ...);                                                    \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                    \
        va_list rest;                                                                                  \
        va_start(rest, flags);                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                        \
        va_end(rest);                                                                                  \
        if (flags & (O_WRONLY | O_RDWR | O_CREAT) && below(path) && marked("read-only")) return errno = EROFS, -1; \
        return real(path, flags, mode);                                                                \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
