/* interrupt.c - signals as flags that every loop of the training looks at. */
#include "io/failure.h"
#include "train.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t held, came, save_wanted;

static void note(int signal_number) {
    if (signal_number == SIGUSR1) {
        save_wanted = 1;
        return;
    }
    if (!held || came) _exit(EXIT_INTERRUPTED);
    came = 1;
}

void interrupt_catch(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
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
