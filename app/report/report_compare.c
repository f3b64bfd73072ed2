/* SPDX-License-Identifier: Apache-2.0 */
/* report_compare.c - several runs: which one did best, what differs, what the seeds make of it. */
#include "report/comparison.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { NAME_SIZE = 512, TEXT_SIZE = 2 * NAME_SIZE + 256 };

/* What the holes are filled from, and whom the words go to. */
typedef struct told {
    const report_comparison *c;
    const report_settings *s;
    report_line *line;
    void *context;
} told;

/* ---- words ---- */

static const char *name_of_loss(const told *t) {
    if (!t->c->validated) return "training loss at the end";
    for (size_t run = 0; run < t->s->r->nruns; run++)
        if (report_is_log(&t->s->r->run[run])) return "held-out loss";
    return "validation loss";
}

/* "mlp", of several seeds "mlp and 2 other seeds" */
static const char *name_of_group(const told *t, size_t group, char text[NAME_SIZE]) {
    const report_group *g = &t->c->groups[group];
    const char *label = report_label(t->s->r, g->first);
    if (g->loss.count < 2)
        snprintf(text, NAME_SIZE, "%.480s", label);
    else
        snprintf(text, NAME_SIZE, "%.440s and %" PRId64 " other seed%s", label, g->loss.count - 1,
                 g->loss.count > 2 ? "s" : "");
    return text;
}

static void say_the_only_one(const told *t) {
    const report_group *g = &t->c->groups[t->c->best];
    char text[TEXT_SIZE], name[NAME_SIZE];
    if (g->loss.count > 1 && t->c->ngroups == 1)
        snprintf(text, sizeof text,
                 "These runs differ in nothing but the seed: their %s is %.4g on average, with a "
                 "standard deviation of %.2g, from %.4g to %.4g.",
                 name_of_loss(t), g->loss.mean, g->loss.deviation, g->loss.least, g->loss.greatest);
    else if (t->c->ngroups == 1)
        snprintf(text, sizeof text, "These runs have the same settings and the same seed.");
    else
        snprintf(text, sizeof text, "Only %s %s a %s: there is nothing to compare it with.",
                 name_of_group(t, t->c->best, name), g->loss.count > 1 ? "have" : "has",
                 name_of_loss(t));
    t->line(t->context, text);
}

static void say_the_best(const told *t) {
    const report_comparison *c = t->c;
    const double best = c->groups[c->best].loss.mean, next = c->groups[c->next].loss.mean;
    const bool several = c->groups[c->best].loss.count > 1;
    char text[TEXT_SIZE], name[NAME_SIZE], other[NAME_SIZE], percent[32] = "";
    name_of_group(t, c->best, name);
    name_of_group(t, c->next, other);
    if (next > 0) snprintf(percent, sizeof percent, " (%.2g %%)", 100 * c->lead / next);
    if (c->lead > 0)
        snprintf(text, sizeof text, "%s %s the lowest %s, %.4g%s: %.2g%s below %s.", name,
                 several ? "have" : "has", name_of_loss(t), best, several ? " on average" : "",
                 c->lead, percent, other);
    else
        snprintf(text, sizeof text, "%s and %s have the same %s, %.4g.", name, other,
                 name_of_loss(t), best);
    t->line(t->context, text);
}

static void say_chance(const told *t) {
    const report_comparison *c = t->c;
    char text[TEXT_SIZE];
    if (isnan(c->chance))
        snprintf(text, sizeof text,
                 "One run each cannot tell chance from difference: train each with other seeds "
                 "too, ravine train CONFIG --seeds 5.");
    else if (c->spread == 0)
        snprintf(text, sizeof text, "Seeds make no difference here, so this is one.");
    else
        snprintf(text, sizeof text,
                 "Seeds alone spread by %.2g (standard deviation): the lead is %.2g times that. "
                 "Chance makes one above %.2g once in twenty times, so %s.",
                 c->spread, c->lead / c->spread, c->chance,
                 c->lead > c->chance ? "this is a difference" : "this one may be chance");
    t->line(t->context, text);
}

/* "Without a validation loss, and not compared: a, b." */
static void say_who_is_left_out(const told *t) {
    const report *r = t->s->r;
    char text[TEXT_SIZE];
    size_t used =
        (size_t)snprintf(text, sizeof text, "Without a %s, and not compared:", name_of_loss(t));
    size_t count = 0;
    for (size_t run = 0; run < r->nruns; run++)
        if (isnan(t->c->loss[run]) && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %.100s",
                                     count++ ? "," : "", report_label(r, run));
    if (used + 1 < sizeof text) strcpy(text + used, ".");
    if (count) t->line(t->context, text);
}

static bool is_of_data(const char *key) {
    return !strncmp(key, "data.", 5) || !strncmp(key, "data_files.", 11);
}

/* ---- which settings differ ---- */

/* In any two runs that are ours: logs of others tell no settings. */
static bool differs(const report_settings *s, size_t key) {
    const report *r = s->r;
    size_t first = 0;
    while (first < r->nruns && report_is_log(&r->run[first])) first++;
    for (size_t run = first; run < r->nruns; run++)
        if (!report_is_log(&r->run[run]) && !report_settings_agree(s, key, first, run))
            return !report_is_place(s->key[key]);
    return false;
}

static void say_that_data_differ(const told *t) {
    for (size_t k = 0; k < t->s->nconfig; k++) {
        if (!is_of_data(t->s->key[k]) || !differs(t->s, k)) continue;
        t->line(t->context, "Settings of the data differ: the losses may be of different "
                            "examples, and the lower one be of easier ones.");
        return;
    }
}

void report_compare_words(const report_comparison *c, const report_settings *s, report_line *line,
                          void *context) {
    const told t = {.c = c, .s = s, .line = line, .context = context};
    if (!c->comparable) {
        line(context, "These runs learn different things: their losses are of different kinds, "
                      "and none is the better one.");
        return;
    }
    if (c->best == c->ngroups) {
        line(context, "No run has a loss yet.");
        return;
    }
    if (c->next == c->ngroups) {
        say_the_only_one(&t);
    } else {
        say_the_best(&t);
        say_chance(&t);
        say_that_data_differ(&t);
    }
    say_who_is_left_out(&t);
}

/* ---- the page ---- */

static void put_line(void *context, const char *text) {
    page *p = context;
    page_add(p, "<p class=\"sentence\">");
    page_escape(p, text);
    page_add(p, "</p>\n");
}

static void put_words(page *p, void *context) {
    const told *t = context;
    report_compare_words(t->c, t->s, put_line, p);
}

static size_t count_differing(const report_settings *s) {
    size_t count = 0;
    for (size_t k = 0; k < s->nconfig; k++) count += differs(s, k);
    return count;
}

static void put_none(page *p, void *context) {
    const report_settings *s = ((const told *)context)->s;
    size_t ours = 0;
    for (size_t run = 0; run < s->r->nruns; run++) ours += !report_is_log(&s->r->run[run]);
    if (ours < s->r->nruns) page_add(p, "<p>Logs of other programs tell no settings.</p>\n");
    if (ours > 1 && count_differing(s) == 0) page_add(p, "<p>No setting differs.</p>\n");
}

/* What the settings led to, the best in bold. */
static void put_losses(page *p, const told *t) {
    page_format(p, "<tr id=\"outcome\"><th>%s</th>", name_of_loss(t));
    for (size_t run = 0; run < t->s->r->nruns; run++) {
        const bool best = t->c->comparable && t->c->group[run] == t->c->best;
        page_add(p, best ? "<td class=\"best\">" : "<td>");
        if (isfinite(t->c->loss[run]))
            page_format(p, "%.4g", t->c->loss[run]);
        else
            page_add(p, "-");
        page_add(p, "</td>");
    }
    page_add(p, "</tr>\n");
}

static void put_settings(page *p, void *context) {
    const told *t = context;
    report_settings_head(t->s->r, p);
    for (size_t k = 0; k < t->s->nconfig; k++)
        if (differs(t->s, k)) report_settings_row(t->s, k, false, p);
    put_losses(p, t);
    page_add(p, "</tbody>");
}

static void put_members(page *p, const told *t, size_t group) {
    size_t count = 0;
    for (size_t run = 0; run < t->s->r->nruns; run++) {
        if (t->c->group[run] != group) continue;
        page_add(p, count++ ? ", " : "");
        page_escape(p, report_label(t->s->r, run));
    }
}

static void put_groups(page *p, void *context) {
    const told *t = context;
    for (size_t k = 0; k < t->c->ngroups; k++) {
        const report_group *g = &t->c->groups[k];
        if (g->loss.count == 0) continue;
        page_add(p, "<tr><td>");
        put_members(p, t, k);
        page_format(p, "</td><td class=\"number\">%" PRId64 "</td>", g->loss.count);
        report_cell(p, "%.4g", g->loss.mean);
        report_cell(p, "%.2g", g->loss.deviation);
        report_cell(p, "%.4g", g->loss.least);
        report_cell(p, "%.4g", g->loss.greatest);
        page_add(p, "</tr>\n");
    }
}

static void put_seeds(page *p, void *context) {
    const page_hole rows = {"rows", .put = put_groups};
    if (!isnan(((const told *)context)->c->spread))
        page_fill(p, &asset_seeds_html, &rows, 1, context);
}

void report_compare_page(const report_settings *s, page *p) {
    report_comparison c;
    report_compare(&c, s);
    told t = {.c = &c, .s = s};
    const page_hole holes[] = {{"words", .put = put_words},
                               {"none", .put = put_none},
                               {"settings", .put = put_settings},
                               {"seeds", .put = put_seeds}};
    page_fill(p, &asset_compare_html, holes, sizeof holes / sizeof *holes, &t);
}
