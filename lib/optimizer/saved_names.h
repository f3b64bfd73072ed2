/* saved_names.h - how a checkpoint calls the state of a parameter: state.NAME.KEY. */
#ifndef RAVINE_OPTIMIZER_SAVED_NAMES_H
#define RAVINE_OPTIMIZER_SAVED_NAMES_H

#define CHECKPOINT_STATE "state."
#define STEP_KEY         "step" /* the key of its clock; the others are ravine_state_key's */

#endif
