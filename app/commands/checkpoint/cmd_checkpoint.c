/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_checkpoint.c - `ravine checkpoint`: which of its actions is meant. */
#include "commands/checkpoint/checkpoint.h"
#include "text/nearest.h"

#include <string.h>

static const struct {
    const char *name;
    int least, most; /* files */
    int (*run)(const cli_args *args);
} actions[] = {
    {"inspect", 1, 1, checkpoint_inspect},
    {"verify", 1, 1000, checkpoint_verify},
    {"diff", 2, 2, checkpoint_diff},
    {"convert", 2, 2, checkpoint_convert},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

int cmd_checkpoint(const cli_args *args) {
    const char *name = args->operand[0];
    if (!name)
        return failure(EXIT_USAGE, "checkpoint needs an action: inspect, verify, diff or convert");
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int k = 0; k < ACTIONS; k++) {
        ravine_nearest_offer(&nearest, actions[k].name);
        if (strcmp(name, actions[k].name) != 0) continue;
        const int files = args->noperands - 1;
        if (files >= actions[k].least && files <= actions[k].most) return actions[k].run(args);
        return failure(EXIT_USAGE, "checkpoint %s takes %d file%s; %d are given", name,
                       files < actions[k].least ? actions[k].least : actions[k].most,
                       actions[k].least == 1 && actions[k].most > 1 ? " or more"
                       : actions[k].most == 1                       ? ""
                                                                    : "s",
                       files);
    }
    return failure(EXIT_USAGE, "checkpoint has no action %s%s%s", name,
                   nearest.name ? "; nearest is " : "", nearest.name ? nearest.name : "");
}
