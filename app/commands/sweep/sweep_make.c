/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_make.c - a sweep from its options to what its runs came to. */
#include "commands/sweep/sweep.h"
#include "file/folder.h"
#include "trainer/train.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Two at once would make the same runs. File systems without locks do without; the runs that the
 * sweep makes hold the lock too, until they have ended. */
static int lock_folder(sweep *s) {
    int status = failure_of(ravine_folder_create(s->folder, NULL));
    if (status) return status;
    s->lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock < 0)
        return failure(FAILURE_INPUT, "cannot open %s: %s", s->folder, strerror(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 0;
    return failure(FAILURE_INPUT, "%s: another sweep is at work there", s->folder);
}

static bool varies_data(const sweep *s) {
    for (int k = 0; k < s->naxes; k++)
        if (!strncmp(s->axis[k].target.name, "data.", 5)) return true;
    return false;
}

/* Before a folder is made: the first run can be made of its data. */
static int prepare(sweep *s) {
    training t;
    const run_config *first = &s->run[0].config;
    int status = training_is_told(first, "sweep");
    if (!status) status = training_create(&t, first);
    if (status) return status;
    status = lock_folder(s);
    if (!status) status = sweep_find(s, varies_data(s) ? NULL : &t.data);
    training_free(&t);
    return status;
}

int sweep_make(sweep *s, const cli_args *args) {
    *s = (sweep){.args = args, .lock = -1, .score = "accuracy", .validates = true};
    int status = sweep_grid_make(s);
    if (!status) status = prepare(s);
    if (!status) status = sweep_run_all(s);
    if (!status) sweep_sum_up(s);
    return status;
}

void sweep_free(sweep *s) {
    if (s->lock >= 0) close(s->lock);
    sweep_grid_free(s);
}
