/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_jobs.c - a process for each run, so many at a time. What a run has come to is read from its
 * folder; the process says only how it ended. */
#include "cli/interrupt.h"
#include "commands/sweep/sweep.h"
#include "commands/train/train_one.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process says of itself, in one write that is whole or not at all. */
typedef struct word {
    int status;
    char text[1024];
} word;

typedef struct job {
    sweep_run *run; /* NULL: the place is free */
    pid_t process;
    int pipe; /* its word comes from here */
} job;

typedef struct crew {
    sweep *sweep;
    job *job;              /* [jobs] */
    struct pollfd *waited; /* [jobs] */
    int64_t busy, next;    /* runs that are made; the first one that was not looked at */
    int64_t ended;         /* all that have ended, before and now */
    bool stopping;
    int status; /* of the first that failed, with: */
    char told[1024];
    sweep_watch watch;
} crew;

/* ---- the process ---- */

static void make_run(const sweep_run *run, int out, pid_t parent) {
    interrupt_obey_parent(parent);
    word said = {0};
    said.status =
        train_quietly(&run->config, run->state == SWEEP_OPEN ? run->folder : NULL, NULL, NULL);
    if (said.status) snprintf(said.text, sizeof said.text, "%s", failure_text());
    const bool whole = write(out, &said, sizeof said) == (ssize_t)sizeof said;
    _exit(whole ? 0 : 1);
}

/* What waits to be written would be written twice. */
static int start(crew *c, job *j, sweep_run *run) {
    int ends[2];
    fflush(NULL);
    if (pipe(ends) != 0)
        return failure(FAILURE_INPUT, "cannot begin a run: pipe: %s", strerror(errno));
    const pid_t parent = getpid(), process = fork();
    if (process == 0) {
        close(ends[0]);
        make_run(run, ends[1], parent);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return failure(FAILURE_INPUT, "cannot begin a run: fork: %s", strerror(errno));
    }
    *j = (job){run, process, ends[0]};
    c->busy++;
    return 0;
}

/* ---- all of them ---- */

static void stop_all(crew *c) {
    if (c->stopping) return;
    c->stopping = true;
    for (int64_t k = 0; k < c->sweep->jobs; k++)
        if (c->job[k].run) interrupt_pass_on(c->job[k].process);
}

/* The first failure is the one that is told. */
static void fail(crew *c, int status, const char *text) {
    if (!c->status) snprintf(c->told, sizeof c->told, "%s", text);
    if (!c->status) c->status = status;
    stop_all(c);
}

static void start_next(crew *c, job *j) {
    sweep *s = c->sweep;
    while (c->next < s->nruns && s->run[c->next].state == SWEEP_ENDED) c->next++;
    if (c->next == s->nruns) return;
    if (start(c, j, &s->run[c->next++])) fail(c, FAILURE_INPUT, failure_text());
}

static void fill_places(crew *c) {
    for (int64_t k = 0; k < c->sweep->jobs && !c->stopping; k++)
        if (!c->job[k].run) start_next(c, &c->job[k]);
}

/* It was killed: memory ended, or a fault of ours. While all stop, nobody asks why. */
static void lose(crew *c, const job *j, int how) {
    char text[sizeof c->told];
    if (c->stopping) return;
    snprintf(text, sizeof text,
             "the process of the run in %s ended by itself: %s; the same command goes on",
             j->run->folder, WIFSIGNALED(how) ? strsignal(WTERMSIG(how)) : "it could not say why");
    fail(c, FAILURE_INPUT, text);
}

static void take_end(crew *c, const job *j) {
    if (sweep_result_read(c->sweep, j->run)) {
        fail(c, FAILURE_INPUT, failure_text());
        return;
    }
    c->ended++;
    sweep_sum_up(c->sweep);
}

/* A process has said its word, or has ended without one. */
static void take(crew *c, job *j) {
    word said;
    int how = 0;
    const bool whole = read(j->pipe, &said, sizeof said) == (ssize_t)sizeof said;
    close(j->pipe);
    while (waitpid(j->process, &how, 0) < 0 && errno == EINTR) continue;
    if (!whole)
        lose(c, j, how);
    else if (said.status == 0 || said.status == FAILURE_DIVERGED)
        take_end(c, j);
    else if (said.status == FAILURE_INTERRUPTED)
        stop_all(c);
    else
        fail(c, said.status, said.text);
    *j = (job){NULL, 0, -1};
    c->busy--;
}

/* Looks at the clock and for signals a few times a second. */
static void wait_a_little(crew *c) {
    enum { MILLISECONDS = 200 };
    const int64_t jobs = c->sweep->jobs;
    for (int64_t k = 0; k < jobs; k++)
        c->waited[k] = (struct pollfd){.fd = c->job[k].run ? c->job[k].pipe : -1, .events = POLLIN};
    if (poll(c->waited, (nfds_t)jobs, MILLISECONDS) <= 0) return;
    for (int64_t k = 0; k < jobs; k++)
        if (c->waited[k].revents) take(c, &c->job[k]);
}

static void work(crew *c) {
    fill_places(c);
    while (c->busy > 0) {
        wait_a_little(c);
        if (interrupt_came()) stop_all(c);
        fill_places(c);
        sweep_watch_draw(&c->watch, c->ended);
    }
}

static int end(const crew *c) {
    const sweep *s = c->sweep;
    if (c->status) return failure(c->status, "%s", c->told);
    if (c->ended == s->nruns) return 0;
    return failure(FAILURE_INTERRUPTED,
                   "interrupted: %lld of %lld runs in %s have ended; the same command goes on",
                   (long long)c->ended, (long long)s->nruns, s->folder);
}

static int64_t count_ended(const sweep *s) {
    int64_t ended = 0;
    for (int64_t k = 0; k < s->nruns; k++) ended += s->run[k].state == SWEEP_ENDED;
    return ended;
}

int sweep_run_all(sweep *s) {
    crew c = {.sweep = s, .ended = count_ended(s)};
    if (s->jobs > s->nruns) s->jobs = s->nruns;
    c.job = calloc((size_t)s->jobs, sizeof *c.job);
    c.waited = calloc((size_t)s->jobs, sizeof *c.waited);
    int status = c.job && c.waited ? 0 : failure(FAILURE_INPUT, "out of memory for the runs");
    if (!status) {
        interrupt_hold();
        sweep_watch_begin(&c.watch, s);
        work(&c);
        sweep_watch_end(&c.watch);
        status = end(&c);
    }
    free(c.job);
    free(c.waited);
    return status;
}
