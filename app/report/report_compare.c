/* SPDX-License-Identifier: Apache-2.0 */
/* report_compare.c - several runs: which one did best, what differs, what the seeds make of it. */
#include "report/comparison.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What the holes are filled from, and whom the words go to. */
typedef struct told {
    const report_comparison *c;
    const report_settings *s;
    const phrase_receiver *to;
} told;

/* ---- words ---- */

static svg_text name_of_loss(const told *t) {
    if (!t->c->validated) return (svg_text){"training loss at the end", "最后的训练损失"};
    for (size_t run = 0; run < t->s->r->nruns; run++)
        if (report_is_log(&t->s->r->run[run])) return (svg_text){"held-out loss", "留出样本的损失"};
    return (svg_text){"validation loss", "验证损失"};
}

/* "mlp", of several seeds "mlp and 2 other seeds" */
static void name_group(const told *t, size_t group, phrase *name) {
    const report_group *g = &t->c->groups[group];
    char others[PHRASE_NUMBER];
    const svg_text of_one = {"{label}", "{label} "},
                   of_two = {"{label} and {others} other seed", "{label} 和另 {others} 个种子"},
                   of_more = {"{label} and {others} other seeds", "{label} 和另 {others} 个种子"};
    phrase_fill(name,
                g->loss.count < 2    ? of_one
                : g->loss.count == 2 ? of_two
                                     : of_more,
                (phrase_hole[]){
                    {"label", .text = report_label(t->s->r, g->first)},
                    {"others", .text = phrase_number(others, "%.0f", (double)(g->loss.count - 1))},
                    {0}});
}

static void say_the_seeds(const told *t, const ravine_spread *loss) {
    char mean[PHRASE_NUMBER], deviation[PHRASE_NUMBER], least[PHRASE_NUMBER],
        greatest[PHRASE_NUMBER];
    phrase_tell(
        t->to,
        (svg_text){"These runs differ in nothing but the seed: their {loss} is {mean} on average, "
                   "with a standard deviation of {deviation}, from {least} to {greatest}.",
                   "这些运行只有种子不同：{loss}平均为 {mean}，标准差 {deviation}，从 {least} 到 "
                   "{greatest}。"},
        (phrase_hole[]){{"loss", .words = name_of_loss(t)},
                        {"mean", .text = phrase_number(mean, "%.4g", loss->mean)},
                        {"deviation", .text = phrase_number(deviation, "%.2g", loss->deviation)},
                        {"least", .text = phrase_number(least, "%.4g", loss->least)},
                        {"greatest", .text = phrase_number(greatest, "%.4g", loss->greatest)},
                        {0}});
}

static bool has_diverged(const report *r, size_t run) {
    return !strcmp(r->run[run].data.state, "diverged");
}

static bool all_others_diverged(const told *t) {
    for (size_t run = 0; run < t->s->r->nruns; run++)
        if (isnan(t->c->loss[run]) && !has_diverged(t->s->r, run)) return false;
    return true;
}

static void say_the_only_one(const told *t) {
    const report_group *g = &t->c->groups[t->c->best];
    phrase name;
    if (g->loss.count > 1 && t->c->ngroups == 1) {
        say_the_seeds(t, &g->loss);
        return;
    }
    if (t->c->ngroups == 1) {
        phrase_tell(t->to,
                    (svg_text){"These runs have the same settings and the same seed.",
                               "这些运行的设置相同，种子也相同。"},
                    NULL);
        return;
    }
    name_group(t, t->c->best, &name);
    if (all_others_diverged(t)) {
        phrase_tell(t->to, (svg_text){"Only {name} did not diverge.", "只有 {name}没有发散。"},
                    (phrase_hole[]){{"name", .phrase = &name}, {0}});
        return;
    }
    const svg_text one = {"Only {name} has a {loss}: there is nothing to compare it with.",
                          "只有 {name}有{loss}：没有可以与之比较的。"},
                   several = {"Only {name} have a {loss}: there is nothing to compare it with.",
                              "只有 {name}有{loss}：没有可以与之比较的。"};
    phrase_tell(
        t->to, g->loss.count > 1 ? several : one,
        (phrase_hole[]){{"name", .phrase = &name}, {"loss", .words = name_of_loss(t)}, {0}});
}

static void say_the_best(const told *t) {
    const report_comparison *c = t->c;
    const double best = c->groups[c->best].loss.mean, next = c->groups[c->next].loss.mean;
    const bool several = c->groups[c->best].loss.count > 1;
    char loss[PHRASE_NUMBER], lead[PHRASE_NUMBER], share[PHRASE_NUMBER];
    phrase name, other, percent;
    name_group(t, c->best, &name);
    name_group(t, c->next, &other);
    phrase_fill(&percent,
                next > 0 ? (svg_text){" ({share} %)", "（{share}%）"} : (svg_text){"", NULL},
                (phrase_hole[]){
                    {"share", .text = phrase_number(share, "%.2g", 100 * c->lead / next)}, {0}});
    const svg_text same = {"{name} and {other} have the same {kind}, {loss}.",
                           "{name}和 {other}的{kind}相同，都是 {loss}。"},
                   lowest = {"{name} has the lowest {kind}, {loss}: {lead}{percent} below {other}.",
                             "{name}的{kind}最低，为 {loss}：比 {other}低 {lead}{percent}。"},
                   lowest_on_average = {
                       "{name} have the lowest {kind}, {loss} on average: {lead}{percent} below "
                       "{other}.",
                       "{name}的{kind}最低，平均为 {loss}：比 {other}低 {lead}{percent}。"};
    phrase_tell(t->to,
                !(c->lead > 0) ? same
                : several      ? lowest_on_average
                               : lowest,
                (phrase_hole[]){{"name", .phrase = &name},
                                {"other", .phrase = &other},
                                {"kind", .words = name_of_loss(t)},
                                {"loss", .text = phrase_number(loss, "%.4g", best)},
                                {"lead", .text = phrase_number(lead, "%.2g", c->lead)},
                                {"percent", .phrase = &percent},
                                {0}});
}

static void say_the_odds(const told *t) {
    const report_comparison *c = t->c;
    char spread[PHRASE_NUMBER], times[PHRASE_NUMBER], chance[PHRASE_NUMBER];
    const svg_text difference = {"this is a difference", "这是真正的差别"},
                   luck = {"this one may be chance", "这一次可能只是偶然"};
    phrase_tell(
        t->to,
        (svg_text){"Seeds alone spread by {spread} (standard deviation): the lead is {times} times "
                   "that. Chance makes one above {chance} once in twenty times, so {conclusion}.",
                   "仅种子不同就会相差 {spread}（标准差）：领先的幅度是它的 {times} "
                   "倍。偶然造成的领先，二十次里有一次超过 {chance}，所以{conclusion}。"},
        (phrase_hole[]){{"spread", .text = phrase_number(spread, "%.2g", c->spread)},
                        {"times", .text = phrase_number(times, "%.2g", c->lead / c->spread)},
                        {"chance", .text = phrase_number(chance, "%.2g", c->chance)},
                        {"conclusion", .words = c->lead > c->chance ? difference : luck},
                        {0}});
}

static void say_chance(const told *t) {
    if (isnan(t->c->chance))
        phrase_tell(
            t->to,
            (svg_text){"One run each cannot tell chance from difference: train each with other "
                       "seeds too, ravine train CONFIG --seeds 5.",
                       "各只有一次运行，分不清偶然与差别：请再用别的种子各训练几次，ravine train "
                       "CONFIG --seeds 5。"},
            NULL);
    else if (t->c->spread == 0)
        phrase_tell(t->to,
                    (svg_text){"Seeds make no difference here, so this is one.",
                               "在这里种子不造成差别，所以这就是差别。"},
                    NULL);
    else
        say_the_odds(t);
}

/* "Without a validation loss, and not compared: a, b." */
static void say_who_is_left_out(const told *t, bool diverged) {
    const report *r = t->s->r;
    char names[PHRASE_SIZE / 2] = "";
    size_t used = 0, count = 0;
    for (size_t run = 0; run < r->nruns; run++)
        if (isnan(t->c->loss[run]) && has_diverged(r, run) == diverged && used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.100s",
                                     count++ ? ", " : "", report_label(r, run));
    if (count)
        phrase_tell(
            t->to,
            diverged ? (svg_text){"Diverged, and not compared: {names}.",
                                  "发散了，不参加比较：{names}。"}
                     : (svg_text){"Without a {loss}, and not compared: {names}.",
                                  "没有{loss}，不参加比较：{names}。"},
            (phrase_hole[]){{"loss", .words = name_of_loss(t)}, {"names", .text = names}, {0}});
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
        phrase_tell(
            t->to,
            (svg_text){"Settings of the data differ: the losses may be of different examples, and "
                       "the lower one be of easier ones.",
                       "数据的设置不同：损失可能来自不同的样本，较低的那个也许只是样本更容易。"},
            NULL);
        return;
    }
}

void report_compare_words(const report_comparison *c, const report_settings *s,
                          const phrase_receiver *to) {
    const told t = {.c = c, .s = s, .to = to};
    if (!c->comparable) {
        phrase_tell(
            to,
            (svg_text){"These runs learn different things: their losses are of different kinds, "
                       "and none is the better one.",
                       "这些运行学的东西不同：损失不是同一种，谈不上哪个更好。"},
            NULL);
        return;
    }
    if (c->best == c->ngroups) {
        phrase_tell(to, (svg_text){"No run has a loss yet.", "还没有一次运行有损失。"}, NULL);
        return;
    }
    if (c->next == c->ngroups) {
        say_the_only_one(&t);
    } else {
        say_the_best(&t);
        say_chance(&t);
        say_that_data_differ(&t);
    }
    say_who_is_left_out(&t, true);
    say_who_is_left_out(&t, false);
}

/* ---- the page ---- */

static void put_line(void *context, const phrase *text) {
    page *p = context;
    page_add(p, "<p class=\"sentence\">");
    page_put_phrase(p, "span", text);
    page_add(p, "</p>\n");
}

static void put_words(page *p, void *context) {
    const told *t = context;
    report_compare_words(t->c, t->s, &(phrase_receiver){put_line, p});
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
    if (ours < s->r->nruns)
        page_say(p, "p",
                 (svg_text){"Logs of other programs tell no settings.", "其他程序的日志不含设置。"},
                 NULL);
    if (ours > 1 && count_differing(s) == 0)
        page_say(p, "p", (svg_text){"No setting differs.", "没有不同的设置。"}, NULL);
}

/* What the settings led to, the best in bold. */
static void put_losses(page *p, const told *t) {
    page_add(p, "<tr id=\"outcome\"><th>");
    page_say(p, "span", name_of_loss(t), NULL);
    page_add(p, "</th>");
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
