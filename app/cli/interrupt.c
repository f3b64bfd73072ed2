/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.c - signals as flags that every loop of the training looks at. */
#include "cli/interrupt.h"

#include "cli/cli.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile sig_atomic_t held, came, save_wanted;

static void note(int signal_number) {
    if (signal_number == SIGUSR1) {
        save_wanted = 1;
        return;
    }
    if (!held || came) _exit(cli_exit_code(FAILURE_INTERRUPTED));
    came = 1;
}

/* One that is ignored when the program starts stays so: nohup and a shell's & rely on it. */
static void catch_one(int signal_number) {
    struct sigaction before, action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
    sigaction(signal_number, &action, NULL);
}

static void mask_wish(int how) {
    sigset_t wish;
    sigemptyset(&wish);
    sigaddset(&wish, SIGUSR1);
    sigprocmask(how, &wish, NULL);
}

void interrupt_catch(void) {
    catch_one(SIGHUP);
    catch_one(SIGINT);
    catch_one(SIGTERM);
    catch_one(SIGUSR1);
    mask_wish(SIG_UNBLOCK);
}

void interrupt_defer_wish(void) {
    mask_wish(SIG_BLOCK);
}

/* A terminal, and `timeout`, signal every process of a group: two at once would be one too many. */
void interrupt_obey_parent(pid_t parent) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigaction(SIGUSR2, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    if (getppid() != parent) _exit(cli_exit_code(FAILURE_INTERRUPTED)); /* it ended before that */
}

void interrupt_pass_on(pid_t child) {
    kill(child, SIGUSR2);
}

void interrupt_hold(void) {
    held = 1;
}

bool interrupt_came(void) {
    return came;
}

void interrupt_want_save(void) {
    save_wanted = 1;
}

bool interrupt_takes_save(void) {
    if (!save_wanted) return false;
    save_wanted = 0;
    return true;
}
