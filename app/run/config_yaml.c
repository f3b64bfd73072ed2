/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml.c - YAML into the struct: libyaml reads, the table of keys decides.
 *
 * libyaml's document is used directly, below libcyaml's schemas: those stop at the first unknown
 * key without its nearest name, and do not tell the column of a value that is out of bounds.
 */
#include "io/failure.h"
#include "io/input.h"
#include "run/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* Room for a list of ITEMS_MAX names; a key in a section with a list is three deep. */
enum { ITEMS_MAX = 4096, FILE_BYTES_MAX = 1 << 18, NODES_MAX = 10000, DEPTH_MAX = 8 };
enum { NAME_MAX_LENGTH = 256 };

typedef struct reader {
    run_config *c;
    const char *path; /* file, or the origin of a single value */
    yaml_document_t document;
    bool seen[CONFIG_KEY_COUNT];
    char where[PATH_MAX + 48]; /* "file:line:column" of the node at hand */
} reader;

static const char *locate(reader *r, const yaml_node_t *node) {
    snprintf(r->where, sizeof r->where, "%s:%zu:%zu", r->path, node->start_mark.line + 1,
             node->start_mark.column + 1);
    return r->where;
}

static const char *scalar(const yaml_node_t *node) {
    return (const char *)node->data.scalar.value;
}

/* A scalar with a NUL inside would be cut short in silence. */
static bool is_text(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE && strlen(scalar(node)) == node->data.scalar.length;
}

static int assign_sequence(reader *r, config_key key, const yaml_node_t *value,
                           const char *origin) {
    const yaml_node_item_t *first = value->data.sequence.items.start;
    int64_t count = value->data.sequence.items.top - first;
    if (count > ITEMS_MAX)
        return failure(FAILURE_USAGE, "%s: %s has %lld items; it may have %d", origin,
                       config_rows[key].key, (long long)count, ITEMS_MAX);
    const char **item = calloc((size_t)count + 1, sizeof *item);
    if (!item) return failure(FAILURE_INPUT, "out of memory");
    int status = 0;
    for (int64_t k = 0; k < count && !status; k++) {
        const yaml_node_t *node = yaml_document_get_node(&r->document, first[k]);
        item[k] = scalar(node);
        if (!is_text(node))
            status = failure(FAILURE_USAGE, "%s: item %lld of %s must be a single value", origin,
                             (long long)k + 1, config_rows[key].key);
    }
    if (!status) status = config_assign(r->c, key, item, count, origin);
    free(item);
    return status;
}

static int assign_node(reader *r, config_key key, const yaml_node_t *value, const char *origin) {
    bool list = config_is_list(key);
    if (value->type == YAML_SEQUENCE_NODE && list) return assign_sequence(r, key, value, origin);
    if (!is_text(value))
        return failure(FAILURE_USAGE, "%s: %s must be %s: %s", origin, config_rows[key].key,
                       list ? "a list, [a, b]" : "a single value", config_rows[key].text);
    const char *text = scalar(value);
    return config_assign(r->c, key, &text, list && !*text ? 0 : 1, origin);
}

static int read_pair(reader *r, const char *section, const yaml_node_t *name,
                     const yaml_node_t *value);

/* The keys of a mapping; `section` is "" at the top, else "model." */
static int read_mapping(reader *r, const char *section, const yaml_node_t *mapping) {
    const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
    for (; pair < mapping->data.mapping.pairs.top; pair++) {
        int status = read_pair(r, section, yaml_document_get_node(&r->document, pair->key),
                               yaml_document_get_node(&r->document, pair->value));
        if (status) return status;
    }
    return 0;
}

static int read_pair(reader *r, const char *section, const yaml_node_t *name,
                     const yaml_node_t *value) {
    const char *where = locate(r, name);
    if (!is_text(name)) return failure(FAILURE_USAGE, "%s: a key must be a word", where);
    char full[NAME_MAX_LENGTH];
    snprintf(full, sizeof full, "%s%s", section, scalar(name));
    if (!*section && config_is_section(full)) {
        if (value->type != YAML_MAPPING_NODE)
            return failure(FAILURE_USAGE, "%s: %s is a section: its keys go below it, indented",
                           where, full);
        char prefix[NAME_MAX_LENGTH + 1];
        snprintf(prefix, sizeof prefix, "%s.", full);
        return read_mapping(r, prefix, value);
    }
    const config_key key = config_look_up(full);
    if (key == CONFIG_KEY_COUNT) return config_fail_unknown(full, where, true);
    if (r->seen[key]) return failure(FAILURE_USAGE, "%s: %s is given a second time", where, full);
    r->seen[key] = true;
    return assign_node(r, key, value, locate(r, value));
}

/* ---- documents ---- */

static bool is_opening(yaml_event_type_t type) {
    return type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
}

static bool is_closing(yaml_event_type_t type) {
    return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
}

/* libyaml needs time n^2 for lists in lists and for anchors; events come one by one, so that what
 * has too many of them is refused before. What is not YAML ends here without a word: load() tells.
 * kind: of a refusal. */
static int check_limits(const unsigned char *bytes, size_t size, const char *path, int kind) {
    yaml_parser_t parser;
    yaml_event_t event;
    if (!yaml_parser_initialize(&parser)) return failure(FAILURE_INPUT, "out of memory");
    yaml_parser_set_input_string(&parser, bytes, size);
    int depth = 0, nodes = 0, status = 0;
    bool more = true;
    while (more && !status && yaml_parser_parse(&parser, &event)) {
        depth += is_opening(event.type) - is_closing(event.type);
        nodes += is_opening(event.type) || event.type == YAML_SCALAR_EVENT;
        if (depth > DEPTH_MAX)
            status =
                failure(kind, "%s:%zu:%zu: lists and sections are %d deep; the limit is %d", path,
                        event.start_mark.line + 1, event.start_mark.column + 1, depth, DEPTH_MAX);
        else if (nodes > NODES_MAX)
            status = failure(kind, "%s: more than %d keys, values and items, the limit", path,
                             NODES_MAX);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* Loads the next document; on an error says where the YAML is wrong. */
static int load(yaml_parser_t *parser, yaml_document_t *document, const char *path) {
    if (yaml_parser_load(parser, document)) return 0;
    if (parser->error == YAML_MEMORY_ERROR) return failure(FAILURE_INPUT, "out of memory");
    return failure(FAILURE_INPUT, "%s:%zu:%zu: not YAML: %s", path, parser->problem_mark.line + 1,
                   parser->problem_mark.column + 1, parser->problem);
}

static int read_document(reader *r, yaml_parser_t *parser) {
    int status = load(parser, &r->document, r->path);
    if (status) return status;
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (!root)
        status = failure(FAILURE_INPUT, "%s: there are no keys in it", r->path);
    else if (root->type != YAML_MAPPING_NODE)
        status = failure(FAILURE_INPUT, "%s: it must be lines of KEY: VALUE", locate(r, root));
    else
        status = read_mapping(r, "", root);
    yaml_document_t more;
    if (!status && !(status = load(parser, &more, r->path))) {
        if (yaml_document_get_root_node(&more))
            status = failure(FAILURE_INPUT, "%s: it holds a second document", r->path);
        yaml_document_delete(&more);
    }
    yaml_document_delete(&r->document);
    return status;
}

/* A person who has a table names that first. */
static int check_kind(const char *path) {
    const char *dot = strrchr(path, '.');
    if (!dot || (strcmp(dot, ".csv") != 0 && strcmp(dot, ".tsv") != 0)) return 0;
    return failure(FAILURE_USAGE,
                   "%s is a table, not a configuration; ravine init %s --target COLUMN writes one",
                   path, path);
}

int config_read_file(run_config *c, const char *path) {
    unsigned char *bytes = NULL;
    size_t size;
    int status = check_kind(path);
    if (!status) status = input_read(path, FILE_BYTES_MAX, &bytes, &size);
    if (!status) status = check_limits(bytes, size, path, FAILURE_INPUT);
    yaml_parser_t parser;
    if (!status && !yaml_parser_initialize(&parser))
        status = failure(FAILURE_INPUT, "out of memory");
    if (status) {
        free(bytes);
        return status;
    }
    yaml_parser_set_input_string(&parser, bytes, size);
    reader r = {.c = c, .path = path};
    status = read_document(&r, &parser);
    yaml_parser_delete(&parser);
    free(bytes);
    return status;
}

/* Nothing follows the document that was loaded. */
static bool is_over(yaml_parser_t *parser) {
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) return false;
    const bool over = !yaml_document_get_root_node(&more);
    yaml_document_delete(&more);
    return over;
}

/* The value of one key; false where the text is not YAML. */
static bool load_value(yaml_document_t *document, const char *yaml) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, strlen(yaml));
    const bool loaded = yaml_parser_load(&parser, document), whole = loaded && is_over(&parser);
    if (loaded && !whole) yaml_document_delete(document);
    yaml_parser_delete(&parser);
    return whole;
}

int config_assign_yaml(run_config *c, config_key key, const char *text, const char *origin) {
    const bool list = config_is_list(key), bare = list && *text != '[';
    char *yaml = malloc(strlen(text) + sizeof "[]");
    if (!yaml) return failure(FAILURE_INPUT, "out of memory");
    sprintf(yaml, bare ? "[%s]" : "%s", text);
    reader r = {.c = c, .path = origin};
    int status = check_limits((unsigned char *)yaml, strlen(yaml), origin, FAILURE_USAGE);
    if (!status && !load_value(&r.document, yaml))
        status = failure(FAILURE_USAGE, "%s: %s is \"%s\"; it must be %s", origin,
                         config_rows[key].key, text, list ? "a list, [a, b]" : "a single value");
    else if (!status) {
        status = assign_node(&r, key, yaml_document_get_root_node(&r.document), origin);
        yaml_document_delete(&r.document);
    }
    free(yaml);
    return status;
}
