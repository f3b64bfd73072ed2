/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - settings by number and by name, for the rooms that need more than ravine.h. */
#ifndef RAVINE_OPTIMIZER_SETTINGS_H
#define RAVINE_OPTIMIZER_SETTINGS_H

#include "ravine.h"
#include "text/number.h"

/* A config of the caller's, whole: what it does not have has its default. E_ARG: it is none. */
ravine_status ravine_config_read(ravine_config *own, const ravine_config *c);

/* The field of a setting in a config of our own, and its value. */
double *ravine_config_number(ravine_config *c, int setting);
double ravine_config_value(const ravine_config *c, int setting);

/* OK if the value is in the setting's bounds; `of` names the owner in the message ("group 1"). */
ravine_status ravine_setting_check(int setting, double value, const char *of);

/* By name; an unknown one is an error that names the nearest. */
ravine_status ravine_setting_lookup(const char *name, int *setting);
ravine_status ravine_rule_lookup(const char *name, int *rule);

/* A number, true or false, or a word, whichever the setting takes. */
ravine_status ravine_setting_read(int setting, const char *text, double *value);

/* The value of a setting as ravine_setting_read reads it; it is within its bounds. */
void ravine_setting_write(char text[RAVINE_NUMBER_MAX], int setting, double value);

/* Bytes of what ravine_config_format writes, at most: a name and a value each. */
#define CONFIG_TEXT_MAX (64 * (RAVINE_SETTING_COUNT + 1))
/* And of ravine_options_format. */
#define OPTIONS_TEXT_MAX 160

/* ravine_config_check of a config of our own, with the owner named. */
ravine_status ravine_config_check_of(const ravine_config *c, const char *of);
/* The part of it that one setting's bounds cannot say. */
ravine_status ravine_config_check_together(const ravine_config *c, const char *of);

#endif
