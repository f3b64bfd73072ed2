/* SPDX-License-Identifier: Apache-2.0 */
#include "faults/disk.h"

#include "file/files.h"
#include "math/random.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

enum { FILES_MAX = 128, NAMES_MAX = 128, HANDLES_MAX = 64, OPERATIONS_MAX = 4096, SECTOR = 512 };
enum { FOLDER = -2, FREE = -1, FIRST_FD = 1000 };

typedef struct content {
    char *bytes;
    size_t size;
} content;

typedef struct name_entry {
    char name[256];
    int file; /* FREE: the entry is not used */
} name_entry;

typedef enum operation_kind { WRITE, FSYNC, LINK, RENAME, UNLINK, MARK } operation_kind;
typedef struct operation {
    operation_kind kind;
    int file; /* FOLDER: an fsync of it, or an unlink */
    int64_t mark;
    size_t at, size;
    char *bytes;             /* [size] of a write */
    char name[256], to[256]; /* of the others */
} operation;

typedef struct handle {
    int file; /* FREE, FOLDER, or its number */
    bool locked;
    int position; /* of readdir */
    struct dirent entry;
} handle;

static struct disk {
    content file[FILES_MAX], old_file[FILES_MAX]; /* now, and when disk_put put it */
    mode_t mode[FILES_MAX];
    name_entry name[NAMES_MAX], old_name[NAMES_MAX];
    handle handle[HANDLES_MAX];
    operation log[OPERATIONS_MAX];
    int nfiles, nlog;
} disk;
static file_operations real;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void out_of_room(const char *what) {
    fprintf(stderr, "the disk in memory has no room for more %s\n", what);
    abort();
}

static int fails(int reason) {
    errno = reason;
    return -1;
}

/* ---- names and contents ---------------------------------------------------------------------- */

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static name_entry *find(name_entry *names, const char *path) {
    for (int k = 0; k < NAMES_MAX; k++)
        if (names[k].file != FREE && !strcmp(names[k].name, last_part(path))) return &names[k];
    return NULL;
}

static void link_name(name_entry *names, const char *path, int file) {
    name_entry *entry = find(names, path);
    for (int k = 0; !entry && k < NAMES_MAX; k++)
        if (names[k].file == FREE) entry = &names[k];
    if (!entry) out_of_room("names");
    snprintf(entry->name, sizeof entry->name, "%s", last_part(path));
    entry->file = file;
}

/* A directory holds numbers of files: `to` is that file now, whatever `from` has become. */
static void rename_name(name_entry *names, int file, const char *from, const char *to) {
    name_entry *entry = find(names, from);
    if (entry && entry->file == file) entry->file = FREE;
    link_name(names, to, file);
}

static void put_bytes(content *c, size_t at, const void *bytes, size_t size) {
    if (at + size > c->size) {
        c->bytes = realloc(c->bytes, at + size);
        if (!c->bytes) out_of_room("bytes");
        memset(c->bytes + c->size, 0, at + size - c->size);
        c->size = at + size;
    }
    if (size) memcpy(c->bytes + at, bytes, size);
}

static void copy_content(content *to, const content *from) {
    to->size = 0;
    put_bytes(to, 0, from->bytes, from->size);
}

static operation *add_operation(operation_kind kind, int file) {
    if (disk.nlog == OPERATIONS_MAX) out_of_room("operations");
    operation *o = &disk.log[disk.nlog++];
    *o = (operation){.kind = kind, .file = file};
    return o;
}

/* ---- the operations -------------------------------------------------------------------------- */

static handle *handle_of(int fd) {
    const int k = fd - FIRST_FD;
    return k >= 0 && k < HANDLES_MAX && disk.handle[k].file != FREE ? &disk.handle[k] : NULL;
}

static int new_handle(int file) {
    for (int k = 0; k < HANDLES_MAX; k++)
        if (disk.handle[k].file == FREE) {
            disk.handle[k] = (handle){.file = file};
            return FIRST_FD + k;
        }
    return fails(EMFILE);
}

static int disk_openat(int folder, const char *path, int flags, mode_t mode) {
    (void)folder;
    if (flags & O_DIRECTORY) return new_handle(FOLDER);
    const name_entry *entry = find(disk.name, path);
    if (entry && flags & O_EXCL) return fails(EEXIST);
    if (entry) return new_handle(entry->file);
    if (!(flags & O_CREAT)) return fails(ENOENT);
    if (disk.nfiles == FILES_MAX) out_of_room("files");
    const int file = disk.nfiles++;
    disk.mode[file] = S_IFREG | (mode & 0755);
    link_name(disk.name, path, file);
    operation *o = add_operation(LINK, file);
    snprintf(o->name, sizeof o->name, "%s", last_part(path));
    return new_handle(file);
}

static int disk_close(int fd) {
    handle *h = handle_of(fd);
    if (!h) return fails(EBADF);
    h->file = FREE;
    return 0;
}

static ssize_t disk_pread(int fd, void *bytes, size_t size, off_t offset) {
    const handle *h = handle_of(fd);
    if (!h || h->file == FOLDER) return fails(h ? EISDIR : EBADF);
    const content *c = &disk.file[h->file];
    const size_t at = (size_t)offset;
    if (at >= c->size) return 0;
    if (size > c->size - at) size = c->size - at;
    memcpy(bytes, c->bytes + at, size);
    return (ssize_t)size;
}

static ssize_t disk_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    const handle *h = handle_of(fd);
    if (!h || h->file == FOLDER) return fails(EBADF);
    put_bytes(&disk.file[h->file], (size_t)offset, bytes, size);
    operation *o = add_operation(WRITE, h->file);
    o->at = (size_t)offset;
    o->size = size;
    o->bytes = malloc(size + 1);
    if (!o->bytes) out_of_room("bytes");
    memcpy(o->bytes, bytes, size);
    return (ssize_t)size;
}

static int disk_fsync(int fd) {
    const handle *h = handle_of(fd);
    if (!h) return fails(EBADF);
    add_operation(FSYNC, h->file);
    return 0;
}

static int disk_flock(int fd, int how) {
    handle *h = handle_of(fd);
    (void)how;
    for (int k = 0; k < HANDLES_MAX; k++)
        if (&disk.handle[k] != h && disk.handle[k].file == h->file && disk.handle[k].locked)
            return fails(EWOULDBLOCK);
    h->locked = true;
    return 0;
}

static int disk_fchmod(int fd, mode_t mode) {
    disk.mode[handle_of(fd)->file] = S_IFREG | mode;
    return 0;
}

static int tell_facts(int file, struct stat *facts) {
    *facts = (struct stat){.st_mode = S_IFDIR | 0755, .st_nlink = 1, .st_ino = 1};
    if (file == FOLDER) return 0;
    facts->st_mode = disk.mode[file];
    facts->st_size = (off_t)disk.file[file].size;
    facts->st_ino = (ino_t)file + 2;
    facts->st_nlink = 0;
    for (int k = 0; k < NAMES_MAX; k++) facts->st_nlink += disk.name[k].file == file;
    return 0;
}

static int disk_fstat(int fd, struct stat *facts) {
    return tell_facts(handle_of(fd)->file, facts);
}

static int disk_fstatat(int folder, const char *path, struct stat *facts, int flags) {
    (void)folder, (void)flags;
    const name_entry *entry = find(disk.name, path);
    return entry ? tell_facts(entry->file, facts) : fails(ENOENT);
}

static int disk_fstatvfs(int fd, struct statvfs *facts) {
    (void)fd;
    *facts = (struct statvfs){.f_frsize = 4096, .f_blocks = 1000000, .f_bavail = 1000000};
    return 0;
}

static int disk_renameat(int from_folder, const char *from, int to_folder, const char *to) {
    (void)from_folder, (void)to_folder;
    const name_entry *entry = find(disk.name, from);
    if (!entry) return fails(ENOENT);
    const int file = entry->file;
    rename_name(disk.name, file, from, to);
    operation *o = add_operation(RENAME, file);
    snprintf(o->name, sizeof o->name, "%s", last_part(from));
    snprintf(o->to, sizeof o->to, "%s", last_part(to));
    return 0;
}

static int disk_unlinkat(int folder, const char *path, int flags) {
    (void)folder, (void)flags;
    name_entry *entry = find(disk.name, path);
    if (!entry) return fails(ENOENT);
    entry->file = FREE;
    operation *o = add_operation(UNLINK, FOLDER);
    snprintf(o->name, sizeof o->name, "%s", last_part(path));
    return 0;
}

static int disk_mkdirat(int folder, const char *path, mode_t mode) {
    (void)folder, (void)path, (void)mode;
    return 0;
}

static char *disk_realpath(const char *path, char *resolved) {
    return strcpy(resolved, path);
}

static DIR *disk_fdopendir(int fd) {
    return (DIR *)handle_of(fd);
}

static struct dirent *disk_readdir(DIR *folder) {
    handle *h = (handle *)folder;
    while (h->position < NAMES_MAX) {
        const name_entry *entry = &disk.name[h->position++];
        if (entry->file == FREE) continue;
        snprintf(h->entry.d_name, sizeof h->entry.d_name, "%s", entry->name);
        return &h->entry;
    }
    return NULL;
}

static int disk_closedir(DIR *folder) {
    ((handle *)folder)->file = FREE;
    return 0;
}

/* Each call under the lock: a saver has a thread of its own. */
#define LOCKED(type, name, parameters, arguments)  \
    static type locked_##name parameters {         \
        pthread_mutex_lock(&mutex);                \
        type const result = disk_##name arguments; \
        const int reason = errno;                  \
        pthread_mutex_unlock(&mutex);              \
        errno = reason;                            \
        return result;                             \
    }
LOCKED(int, openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
LOCKED(int, close, (int fd), (fd))
LOCKED(ssize_t, pread, (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
LOCKED(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
LOCKED(int, fsync, (int fd), (fd))
LOCKED(int, flock, (int fd, int how), (fd, how))
LOCKED(int, fchmod, (int fd, mode_t m), (fd, m))
LOCKED(int, fstat, (int fd, struct stat *s), (fd, s))
LOCKED(int, fstatat, (int d, const char *p, struct stat *s, int f), (d, p, s, f))
LOCKED(int, fstatvfs, (int fd, struct statvfs *s), (fd, s))
LOCKED(int, renameat, (int d, const char *p, int e, const char *q), (d, p, e, q))
LOCKED(int, unlinkat, (int d, const char *p, int f), (d, p, f))
LOCKED(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
LOCKED(char *, realpath, (const char *p, char *r), (p, r))
LOCKED(DIR *, fdopendir, (int fd), (fd))
LOCKED(struct dirent *, readdir, (DIR * d), (d))
LOCKED(int, closedir, (DIR * d), (d))

static const file_operations operations = {
    locked_openat,   locked_close,    locked_pread,   locked_pwrite,   locked_fsync,
    locked_flock,    locked_fchmod,   locked_fstat,   locked_fstatat,  locked_fstatvfs,
    locked_renameat, locked_unlinkat, locked_mkdirat, locked_realpath, locked_fdopendir,
    locked_readdir,  locked_closedir};

/* ---- life ------------------------------------------------------------------------------------ */

static void clear_names(name_entry *names) {
    for (int k = 0; k < NAMES_MAX; k++) names[k].file = FREE;
}

void disk_install(void) {
    clear_names(disk.name);
    clear_names(disk.old_name);
    for (int k = 0; k < HANDLES_MAX; k++) disk.handle[k].file = FREE;
    real = ravine_files;
    ravine_files = operations;
}

void disk_remove(void) {
    ravine_files = real;
    for (int k = 0; k < disk.nfiles; k++) {
        free(disk.file[k].bytes);
        free(disk.old_file[k].bytes);
        disk.file[k] = disk.old_file[k] = (content){0};
    }
    for (int k = 0; k < disk.nlog; k++) free(disk.log[k].bytes);
    disk.nfiles = disk.nlog = 0;
}

void disk_put(const char *name, const void *bytes, size_t size) {
    const name_entry *entry = find(disk.name, name);
    if (!entry && disk.nfiles == FILES_MAX) out_of_room("files");
    const int file = entry ? entry->file : disk.nfiles++;
    disk.mode[file] = S_IFREG | 0644;
    disk.file[file].size = 0;
    put_bytes(&disk.file[file], 0, bytes, size);
    copy_content(&disk.old_file[file], &disk.file[file]);
    link_name(disk.name, name, file);
    link_name(disk.old_name, name, file);
}

const char *disk_get(const char *name, size_t *size) {
    const name_entry *entry = find(disk.name, name);
    if (!entry) return NULL;
    *size = disk.file[entry->file].size;
    return disk.file[entry->file].bytes;
}

int disk_file_count(void) {
    int count = 0;
    for (int k = 0; k < NAMES_MAX; k++) count += disk.name[k].file != FREE;
    return count;
}

int disk_handle_count(void) {
    int count = 0;
    for (int k = 0; k < HANDLES_MAX; k++) count += disk.handle[k].file != FREE;
    return count;
}

void disk_mark(int64_t mark) {
    pthread_mutex_lock(&mutex);
    add_operation(MARK, FOLDER)->mark = mark;
    pthread_mutex_unlock(&mutex);
}

/* ---- loss of power --------------------------------------------------------------------------- */

static int sectors_of(const operation *o) {
    const size_t sectors = (o->size + SECTOR - 1) / SECTOR;
    if (sectors > 30) out_of_room("sectors in a write");
    return (int)sectors;
}

/* What may have become of an operation that no fsync has followed: 0: it is missing; 1: it is
 * there. Of a write also: 2 ...: the file has grown, and each sector is there or not; then: it ends
 * after so many sectors. */
static int64_t fates(const operation *o) {
    if (o->kind != WRITE) return 2;
    const int sectors = sectors_of(o);
    return 1 + ((int64_t)1 << sectors) + (sectors > 1 ? sectors - 1 : 0);
}

static void put_sectors(content *c, const operation *o, int64_t mask) {
    for (int k = 0; k < sectors_of(o); k++) {
        const size_t begin = (size_t)k * SECTOR, left = o->size - begin;
        if (mask >> k & 1)
            put_bytes(c, o->at + begin, o->bytes + begin, left < SECTOR ? left : SECTOR);
    }
}

static void apply_write(content *c, const operation *o, int64_t fate) {
    const int sectors = sectors_of(o);
    const int64_t all = ((int64_t)1 << sectors) - 1;
    if (fate == 0 || o->size == 0) return;
    if (fate > all + 1) { /* it ends after 1, 2, ... sectors */
        put_sectors(c, o, ((int64_t)1 << (fate - all - 1)) - 1);
        return;
    }
    if (o->at + o->size > c->size) { /* the size comes first: zeros */
        const char zero = 0;
        put_bytes(c, o->at + o->size - 1, &zero, 1);
    }
    put_sectors(c, o, fate == 1 ? all : fate - 2);
}

/* True if an fsync in log[k + 1 ... n) makes operation k durable. */
static bool is_durable(int k, int n) {
    const operation *o = &disk.log[k];
    const int synced = o->kind == WRITE ? o->file : FOLDER;
    for (int j = k + 1; j < n; j++)
        if (disk.log[j].kind == FSYNC && disk.log[j].file == synced) return true;
    return false;
}

/* Sets the disk to the old one and the first n operations, the pending ones with these fates. */
static void set_state(int n, const int64_t *fate) {
    memcpy(disk.name, disk.old_name, sizeof disk.name);
    for (int k = 0; k < disk.nfiles; k++) copy_content(&disk.file[k], &disk.old_file[k]);
    for (int k = 0; k < n; k++) {
        const operation *o = &disk.log[k];
        if (o->kind == WRITE) apply_write(&disk.file[o->file], o, fate[k]);
        if (o->kind == FSYNC || o->kind == MARK || fate[k] == 0) continue;
        if (o->kind == LINK) link_name(disk.name, o->name, o->file);
        if (o->kind == RENAME) rename_name(disk.name, o->file, o->name, o->to);
        name_entry *entry = o->kind == UNLINK ? find(disk.name, o->name) : NULL;
        if (entry) entry->file = FREE;
    }
}

/* The disks that may be left after the first n operations. */
static void lose_power_at(int n, bool (*check)(void *, int64_t), void *context, int64_t most,
                          disk_states *total) {
    static int64_t fate[OPERATIONS_MAX], options[OPERATIONS_MAX];
    int64_t product = 1, mark = 0;
    for (int k = 0; k < n; k++) {
        const operation_kind kind = disk.log[k].kind;
        const bool is_done = kind == FSYNC || kind == MARK || is_durable(k, n);
        if (kind == MARK) mark = disk.log[k].mark;
        options[k] = is_done ? 1 : fates(&disk.log[k]);
        if (product <= most) product *= options[k];
    }
    const bool all = product <= most;
    for (int64_t state = 0; state < (all ? product : most); state++) {
        int64_t rest = state;
        for (int k = 0; k < n; k++) {
            const uint64_t of = (uint64_t)options[k];
            fate[k] =
                options[k] == 1 ? 1
                : all           ? rest % options[k]
                      : (int64_t)ravine_random_below((uint64_t)n, (uint64_t)state, (uint64_t)k, of);
            if (all) rest /= options[k];
        }
        set_state(n, fate);
        total->states++;
        total->lost += !check(context, mark);
    }
    total->points++;
}

disk_states disk_lose_power(bool (*check)(void *context, int64_t mark), void *context,
                            int64_t most) {
    static int64_t done[OPERATIONS_MAX];
    disk_states total = {0};
    const int n = disk.nlog;
    for (int k = 0; k <= n; k++) lose_power_at(k, check, context, most, &total);
    for (int k = 0; k < n; k++) done[k] = 1;
    set_state(n, done);
    return total;
}
