/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_words.c - what came of a sweep, in words: for the terminal and the page. */
#include "commands/sweep/sweep.h"

#include <stdio.h>
#include <string.h>

static const char *count(char text[PHRASE_NUMBER], int64_t number) {
    return phrase_number(text, "%.0f", (double)number);
}

/* "lr=0.01, batch_size=32" */
static const char *write_cell(const sweep *s, int64_t cell, char text[PHRASE_SIZE / 2]) {
    size_t used = 0;
    *text = '\0';
    for (int k = 0; k < s->naxes && used < PHRASE_SIZE / 2; k++)
        used += (size_t)snprintf(text + used, PHRASE_SIZE / 2 - used, "%s%s=%s", k ? ", " : "",
                                 s->axis[k].target.name, sweep_text_of(s, cell, k));
    return text;
}

svg_text sweep_loss_name(const sweep *s) {
    return s->validates ? (svg_text){"validation loss", "验证损失"}
                        : (svg_text){"training loss", "训练损失"};
}

static void say_best(const sweep *s, int64_t best, const phrase_receiver *to) {
    const ravine_spread *loss = &s->cell[best].loss;
    char cell[PHRASE_SIZE / 2], mean[PHRASE_NUMBER], deviation[PHRASE_NUMBER], seeds[PHRASE_NUMBER];
    const svg_text one = {"best: {cell}: {kind} {mean}", "最好：{cell}：{kind} {mean}"},
                   several = {
                       "best: {cell}: {kind} {mean}, deviation {deviation} over {seeds} seeds",
                       "最好：{cell}：{kind} {mean}，{seeds} 个种子的标准差 {deviation}"};
    phrase_tell(
        to, loss->count > 1 ? several : one,
        (phrase_hole[]){{"cell", .text = write_cell(s, best, cell)},
                        {"kind", .words = sweep_loss_name(s)},
                        {"mean", .text = phrase_number(mean, "%.4g", loss->mean)},
                        {"deviation", .text = phrase_number(deviation, "%.2g", loss->deviation)},
                        {"seeds", .text = count(seeds, loss->count)},
                        {0}});
}

/* On the terminal they stand below what is told of the next. */
static void say_lead(const sweep *s, const sweep_lead *lead, const phrase_receiver *to) {
    char lower[PHRASE_NUMBER], seeds[PHRASE_NUMBER], by[PHRASE_NUMBER], times[PHRASE_NUMBER];
    const svg_text plain = {"      the best is lower with {lower} of {seeds} seeds, by {by}",
                            "{seeds} 个种子中有 {lower} 个，最好的更低，低 {by}"},
                   in_deviations = {
                       "      the best is lower with {lower} of {seeds} seeds, by {by} "
                       "on average, {times} times the deviation of the seeds",
                       "{seeds} 个种子中有 {lower} 个，最好的更低，平均低 "
                       "{by}，是种子标准差的 {times} 倍"};
    phrase_tell(to, lead->seeds > 0 ? in_deviations : plain,
                (phrase_hole[]){
                    {"lower", .text = count(lower, lead->lower_in)},
                    {"seeds", .text = count(seeds, s->nseeds)},
                    {"by", .text = phrase_number(by, "%.2g", lead->by.mean)},
                    {"times", .text = phrase_number(times, "%.2g", lead->by.mean / lead->seeds)},
                    {0}});
    if (lead->lower_in < s->nseeds)
        phrase_tell(
            to, (svg_text){"      the seeds do not tell the two apart", "这些种子分不出两者的高下"},
            NULL);
}

static void say_next(const sweep *s, const sweep_lead *lead, const phrase_receiver *to) {
    if (lead->next < 0) return;
    char cell[PHRASE_SIZE / 2], loss[PHRASE_NUMBER];
    const svg_text next = {"next: {cell}: {loss}", "其次：{cell}：{loss}"},
                   by_chance = {"next: {cell}: {loss}; one seed says nothing of chance: --seeds 3",
                                "其次：{cell}：{loss}；只有一个种子，看不出是不是偶然：--seeds 3"};
    phrase_tell(to, s->nseeds == 1 ? by_chance : next,
                (phrase_hole[]){
                    {"cell", .text = write_cell(s, lead->next, cell)},
                    {"loss", .text = phrase_number(loss, "%.4g", s->cell[lead->next].loss.mean)},
                    {0}});
    if (s->nseeds > 1) say_lead(s, lead, to);
}

static void say_edges(const sweep *s, int64_t cell, const phrase_receiver *to) {
    const svg_text least = {"{key}={value} is the least that was tried: a wider range may hold a "
                            "better one",
                            "{key}={value} 是试过的最小值：更宽的范围里也许有更好的"},
                   greatest = {
                       "{key}={value} is the greatest that was tried: a wider range may hold "
                       "a better one",
                       "{key}={value} 是试过的最大值：更宽的范围里也许有更好的"};
    for (int k = 0; k < s->naxes; k++) {
        const int edge = sweep_edge(s, cell, k);
        if (edge)
            phrase_tell(to, edge < 0 ? least : greatest,
                        (phrase_hole[]){{"key", .text = s->axis[k].target.name},
                                        {"value", .text = sweep_text_of(s, cell, k)},
                                        {0}});
    }
}

void sweep_say_answer(const sweep *s, const phrase_receiver *to) {
    const sweep_lead lead = sweep_find_lead(s);
    if (lead.best < 0) {
        phrase_tell(to,
                    (svg_text){"no combination came to its end with every seed",
                               "没有一种组合在每个种子下都训练到了最后"},
                    NULL);
        return;
    }
    say_best(s, lead.best, to);
    say_next(s, &lead, to);
    say_edges(s, lead.best, to);
}

static const char *several(int64_t number) {
    return number == 1 ? "" : "s";
}

void sweep_say_size(const sweep *s, phrase *out) {
    char cells[PHRASE_NUMBER], seeds[PHRASE_NUMBER], runs[PHRASE_NUMBER];
    phrase_fill(out,
                (svg_text){"{cells} combination{s}, {seeds} seed{ss} each: {runs} run{sss}",
                           "{cells} 种组合，每种 {seeds} 个种子：共 {runs} 次训练"},
                (phrase_hole[]){{"cells", .text = count(cells, s->ncells)},
                                {"seeds", .text = count(seeds, s->nseeds)},
                                {"runs", .text = count(runs, s->nruns)},
                                {"s", .text = several(s->ncells)},
                                {"ss", .text = several(s->nseeds)},
                                {"sss", .text = several(s->nruns)},
                                {0}});
}
