/* SPDX-License-Identifier: Apache-2.0 */
/* read_wandb.c - a run that Weights & Biases keeps on the disk: run-ID.wandb, the folder of it, or
 * a folder wandb/ with several.
 *
 * The file: ":W&B", 0xBEE1 and a version, 7 bytes; then records in blocks of 32,768 bytes, that
 * first head counted, as LevelDB's log has them (doc/log_format.md): check, length, type, where
 * type is whole, first, middle or last piece; a block's last bytes are 0 where no head fits. The
 * check is zlib's crc32 of type and data. A record is a protobuf Record (wandb_internal.proto), of
 * which the history is looked at: key and value, the value as JSON or, since 0.2x, as its own type.
 */
#include "cli/progress.h"
#include "data/csv.h"
#include "io/failure.h"
#include "io/input.h"
#include "io/wire.h"
#include "logs/log_folder.h"
#include "logs/log_reader.h"
#include "logs/log_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { BLOCK_SIZE = 32768, FILE_HEAD = 7, PIECE_HEAD = 7, RECORD_MAX = 1 << 26 };
enum { WHOLE = 1, FIRST, MIDDLE, LAST };
enum { RECORD_HISTORY = 2 };
enum { HISTORY_ITEM = 1, HISTORY_STEP };
enum { STEP_NUMBER = 1 };
enum { ITEM_KEY = 1, ITEM_NESTED_KEY, ITEM_BOOLEAN = 4, ITEM_INTEGER, ITEM_NUMBER, ITEM_TEXT };
enum { ITEM_JSON = 16 };

/* ---- a history ------------------------------------------------------------------------------- */

typedef struct item {
    char key[LOG_KEY_MAX + 1];
    bool number, text;
    double value;
    char word[64];
} item;

/* "a", "b" is "a.b"; false: there is no room. */
static bool add_key(item *i, const wire_field *f) {
    const size_t used = strlen(i->key), dot = used > 0;
    if (used + dot >= sizeof i->key) return false;
    if (!wire_text(f, i->key + used + dot, sizeof i->key - used - dot)) return false;
    if (dot) i->key[used] = '.';
    return true;
}

/* What is longer than a number, a list or an image, is no word of ours. JSON has no NaN: it may
 * stand in quotes. */
static void take_word(item *i, const wire_field *f) {
    i->text = wire_text(f, i->word, sizeof i->word);
    const size_t length = strlen(i->word);
    if (!i->text || length < 2 || i->word[0] != '"' || i->word[length - 1] != '"') return;
    memmove(i->word, i->word + 1, length - 2);
    i->word[length - 2] = '\0';
}

static void take_number(item *i, double value) {
    i->number = true;
    i->value = value;
}

static bool read_item(wire message, item *i) {
    wire_field f;
    *i = (item){0};
    while (wire_next(&message, &f)) switch (f.number) {
        case ITEM_KEY:
        case ITEM_NESTED_KEY:
            if (!add_key(i, &f)) return false;
            break;
        case ITEM_INTEGER: take_number(i, wire_signed(&f)); break;
        case ITEM_NUMBER: take_number(i, wire_double(&f)); break;
        case ITEM_TEXT:
        case ITEM_JSON: take_word(i, &f); break;
        default: break;
        }
    return !message.damaged && *i->key && (i->number || i->text);
}

/* A step is left out where it is 0. */
static double read_step(wire message) {
    wire_field f;
    double step = 0;
    while (wire_next(&message, &f))
        if (f.number == STEP_NUMBER && f.type == WIRE_VARINT) step = (double)(int64_t)f.value;
    return step;
}

static int put_item(log_data *log, const item *i) {
    if (i->number) return log_put(log, i->key, i->value);
    return *i->word == '{' || *i->word == '[' ? 0 : log_put_text(log, i->key, i->word, false);
}

static int read_history(log_data *log, wire message) {
    wire_field f;
    double step = (double)NAN;
    bool has_step = false;
    int status = log_row(log, 0);
    while (!status && wire_next(&message, &f)) {
        item i;
        if (f.type != WIRE_BYTES) continue;
        if (f.number == HISTORY_STEP) step = read_step(f.bytes);
        if (f.number != HISTORY_ITEM || !read_item(f.bytes, &i)) continue;
        has_step |= !strcmp(i.key, "_step");
        status = put_item(log, &i);
    }
    return status || has_step || isnan(step) ? status : log_put(log, "_step", step);
}

/* False: it is no record. */
static bool read_record(log_data *log, wire message, int *status) {
    wire_field f;
    *status = 0;
    while (!*status && wire_next(&message, &f))
        if (f.number == RECORD_HISTORY && f.type == WIRE_BYTES)
            *status = read_history(log, f.bytes);
    return !message.damaged;
}

/* ---- pieces of records ----------------------------------------------------------------------- */

typedef struct reader {
    log_data *log;
    const char *path;
    FILE *file;
    uint64_t at, size; /* where the piece begins; of the file */
    unsigned char piece[BLOCK_SIZE];
    unsigned char *bytes; /* of the record that is put together */
    size_t used, room;
    bool open, done;
} reader;

/* What stands before the damage is told. */
static int stop(reader *r, const char *what) {
    r->done = true;
    if (r->at == FILE_HEAD) return failure(FAILURE_INPUT, "%s: its first record %s", r->path, what);
    log_note(r->log, "%s: the record at byte %llu %s; what follows it was not read",
             log_path_name(r->path), (unsigned long long)r->at, what);
    return 0;
}

static int add_piece(reader *r, size_t size) {
    if (r->used + size > RECORD_MAX)
        return failure(FAILURE_INPUT, "%s: the record before byte %llu is longer than %d bytes",
                       r->path, (unsigned long long)r->at, RECORD_MAX);
    if (r->used + size > r->room) {
        const size_t room = 2 * (r->used + size);
        unsigned char *grown = realloc(r->bytes, room);
        if (!grown) return failure(FAILURE_INPUT, "%s: out of memory", r->path);
        r->bytes = grown;
        r->room = room;
    }
    memcpy(r->bytes + r->used, r->piece + PIECE_HEAD, size);
    r->used += size;
    return 0;
}

static int take_piece(reader *r, int type, size_t size) {
    const bool begins = type == WHOLE || type == FIRST, ends = type == WHOLE || type == LAST;
    int status = 0;
    if (type < WHOLE || type > LAST) return stop(r, "is of no known type");
    if (begins == r->open) return stop(r, r->open ? "has no end" : "has no beginning");
    if (begins) r->used = 0;
    r->open = !ends;
    status = size ? add_piece(r, size) : 0;
    if (status || !ends || r->used == 0) return status; /* a record may have no field */
    if (!read_record(r->log, wire_of(r->bytes, r->used), &status))
        return stop(r, "is no record of W&B");
    return status;
}

static uint32_t check_of(const unsigned char *bytes, size_t size) {
    return (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)size);
}

static int read_piece(reader *r) {
    const size_t left = BLOCK_SIZE - r->at % BLOCK_SIZE;
    if (left < PIECE_HEAD) { /* nothing but zeros fits */
        r->at += left;
        return fseeko(r->file, (off_t)r->at, SEEK_SET) ? stop(r, "cannot be read") : 0;
    }
    if (fread(r->piece, 1, PIECE_HEAD, r->file) != PIECE_HEAD) return stop(r, "is cut");
    const size_t size = (size_t)wire_load(r->piece + 4, 2);
    if (size > left - PIECE_HEAD) return stop(r, "is longer than its block");
    if (fread(r->piece + PIECE_HEAD, 1, size, r->file) != size) return stop(r, "is cut");
    if (check_of(r->piece + PIECE_HEAD - 1, size + 1) != wire_load(r->piece, 4))
        return stop(r, "has a wrong check");
    const int status = take_piece(r, r->piece[PIECE_HEAD - 1], size);
    r->at += PIECE_HEAD + size;
    return status;
}

static bool head_is_right(const unsigned char *head) {
    return !memcmp(head, ":W&B", 4) && wire_load(head + 4, 2) == 0xBEE1;
}

static int read_pieces(reader *r) {
    unsigned char head[FILE_HEAD];
    struct stat facts;
    if (!fstat(fileno(r->file), &facts)) r->size = (uint64_t)facts.st_size;
    if (fread(head, 1, FILE_HEAD, r->file) != FILE_HEAD || !head_is_right(head))
        return failure(FAILURE_INPUT, "%s: it does not begin as a run of W&B does", r->path);
    if (head[FILE_HEAD - 1] != 0)
        return failure(FAILURE_INPUT, "%s: a run of W&B in version %d of its format; 0 is known",
                       r->path, head[FILE_HEAD - 1]);
    r->at = FILE_HEAD;
    int status = 0;
    progress shown = progress_begin_bytes("reading the log", (int64_t)r->size);
    for (; !status && !r->done && r->at < r->size; progress_to_byte(&shown, (int64_t)r->at))
        status = read_piece(r);
    progress_end(&shown);
    return status;
}

static int read_file(log_data *log, const char *path) {
    reader *r = calloc(1, sizeof *r);
    if (!r) return failure(FAILURE_INPUT, "%s: out of memory", path);
    r->log = log;
    r->path = path;
    int status = input_open(path, &r->file);
    if (!status) {
        status = read_pieces(r);
        fclose(r->file);
    }
    free(r->bytes);
    free(r);
    if (status || log->nrows > 0) return status;
    return failure(FAILURE_INPUT, "%s: a run of W&B without a history", path);
}

/* ---- where it lies --------------------------------------------------------------------------- */

static bool ends_in_wandb(const char *name) {
    const size_t length = strlen(name);
    return length > 6 && !strcmp(name + length - 6, ".wandb");
}

/* Files of the folder, by their paths from `root`; `deeper`: and of the folders in it, but not of
 * "latest-run", which is a second way to one of them. */
static int find_files(log_store *runs, const char *root, const char *below, bool deeper) {
    char folder[PATH_MAX], path[PATH_MAX], inside[PATH_MAX];
    log_list entries = {0};
    if (!log_path_join(folder, root, below)) return 0;
    int status = log_folder_list(&entries, folder);
    for (size_t k = 0; k < entries.count && !status; k++) {
        const char *name = entries.text[k];
        if (!(*below ? log_path_join(inside, below, name) : log_path_join(inside, name, "")) ||
            !log_path_join(path, root, inside))
            continue;
        if (ends_in_wandb(name) && log_is_file(path))
            status = log_store_add(runs, root, inside, "");
        else if (deeper && strcmp(name, "latest-run") != 0 && input_is_folder(path))
            status = find_files(runs, root, inside, false);
    }
    log_list_free(&entries);
    return status;
}

bool log_wandb_recognises(const log_source *source) {
    log_store runs = {0};
    if (!source->folder) return source->size >= FILE_HEAD && head_is_right(source->head);
    const bool found = !find_files(&runs, source->path, "", true) && runs.count > 0;
    log_store_free(&runs);
    return found;
}

int log_wandb_read(log_data *log, const log_source *source) {
    char path[PATH_MAX];
    log_store runs = {0};
    size_t chosen = 0;
    if (!source->folder) return read_file(log, source->path);
    int status = find_files(&runs, source->path, "", true);
    if (!status) status = log_store_choose(&runs, log, source->run, &chosen);
    if (!status && log_path_join(path, source->path, runs.run[chosen].id))
        status = read_file(log, path);
    log_store_free(&runs);
    return status;
}
