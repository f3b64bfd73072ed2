/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - help, man pages and completion, from options.def alone. */
#include "cli/table.h"
#include "ravine.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { WIDTH = 79, TEXT_COLUMN = 26 };

/* Does a character begin here that is two columns wide, as Chinese ones and their marks are? */
static bool is_wide(const char *text) {
    return (unsigned char)*text >= 0xE3;
}

static bool is_wide_mark(const char *text) {
    static const char *const marks[] = {"，", "。", "：", "；", "、", "）", "！"};
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
        if (!strncmp(text, marks[k], strlen(marks[k]))) return true;
    return false;
}

/* Bytes of the next word; a wide character is one of its own, with the mark behind it. */
static int measure_word(const char *text, int *columns) {
    int bytes = 0;
    *columns = 0;
    if (is_wide(text)) {
        do {
            do bytes++;
            while ((text[bytes] & 0xC0) == 0x80);
            *columns += 2;
        } while (is_wide_mark(text + bytes));
        return bytes;
    }
    while (text[bytes] && text[bytes] != ' ' && text[bytes] != '\n' && !is_wide(text + bytes))
        *columns += (text[bytes++] & 0xC0) != 0x80;
    return bytes;
}

void cli_print_wrapped(FILE *out, const char *text, int at, int indent, int width) {
    bool first = true;
    while (*text) {
        if (*text == '\n') {
            fprintf(out, "\n\n%*s", indent, "");
            at = indent;
            first = true;
            text += strspn(text, "\n");
            continue;
        }
        int blank = *text == ' ', columns;
        text += strspn(text, " ");
        const int bytes = measure_word(text, &columns);
        if (first) blank = 0;
        if (!first && at + blank + columns > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            blank = 0;
        }
        fprintf(out, "%*s%.*s", blank, "", bytes, text);
        at += blank + columns;
        first = false;
        text += bytes;
    }
    fputc('\n', out);
}

/* Up to the end of the line, with the blanks that it has. */
static const char *print_line(FILE *out, const char *text, const char *mark, int width) {
    enum { DEEPER = 2 };
    const size_t marked = strncmp(text, mark, strlen(mark)) ? 0 : strlen(mark);
    const int indent = (int)(marked + strspn(text + marked, " ")) + DEEPER;
    int at = 0;
    while (*text && *text != '\n') {
        int blanks = (int)strspn(text, " "), columns;
        text += blanks;
        const int bytes = measure_word(text, &columns);
        if (at > indent && columns > width - at - blanks) {
            fprintf(out, "\n%s%*s", mark, indent - (int)strlen(mark), "");
            at = indent;
            blanks = 0;
        }
        fprintf(out, "%*s%.*s", blanks, "", bytes, text);
        at += blanks + columns;
        text += bytes;
    }
    return text;
}

void cli_print_lines(FILE *out, const char *lines, const char *mark) {
    const int width = cli_terminal(out) ? cli_width(out) : INT_MAX / 2;
    while (*lines) {
        lines = print_line(out, lines, mark, width);
        if (*lines == '\n') fputc(*lines++, out);
    }
}

/* "-n, --name NAME" */
static int format_option(char *text, size_t capacity, const cli_option_row *row) {
    char letter[8] = "    ";
    if (row->letter) snprintf(letter, sizeof letter, "-%c, ", row->letter);
    return snprintf(text, capacity, "%s--%s%s%s", letter, row->name, *row->metavar ? " " : "",
                    row->metavar);
}

/* The text with what the table knows beside it: bounds, fallback, variable. */
static void format_text(char *text, size_t capacity, const cli_option_row *row) {
    size_t used = (size_t)snprintf(text, capacity, "%s", row->text);
    char notes[3][80];
    int n = 0;
    if (row->kind == CLI_KIND_COUNT)
        snprintf(notes[n++], sizeof *notes, "%" PRId64 " to %" PRId64, row->least, row->greatest);
    if (row->fallback) snprintf(notes[n++], sizeof *notes, "default %s", row->fallback);
    if (row->variable) snprintf(notes[n++], sizeof *notes, "variable %s", row->variable);
    for (int k = 0; k < n && used < capacity; k++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%s%s", k ? "; " : " (", notes[k],
                                 k == n - 1 ? ")" : "");
}

static void print_options(FILE *out, cli_command command) {
    fputs("\nOptions:\n", out);
    for (int o = 0; o < CLI_OPTION_COUNT; o++) {
        if (!cli_takes(command, (cli_option)o)) continue;
        char name[80], text[512];
        int length = format_option(name, sizeof name, &cli_options[o]);
        format_text(text, sizeof text, &cli_options[o]);
        int at = fprintf(out, "  %s", name);
        if (length > TEXT_COLUMN - 4) { /* too long to have text beside it */
            fputc('\n', out);
            at = 0;
        }
        at += fprintf(out, "%*s", TEXT_COLUMN - at, "");
        cli_print_wrapped(out, text, at, TEXT_COLUMN, WIDTH);
    }
}

void cli_print_help(FILE *out, cli_command command) {
    if (command == CLI_COMMAND_COUNT) {
        fputs("ravine trains networks out of the ravine they are stuck in: every optimizer is\n"
              "    theta <- theta - (eta_t / sigma_t) * m_t\n\n"
              "Usage: ravine COMMAND [OPTION...]\n\nCommands:\n",
              out);
        for (int c = 0; c < CLI_COMMAND_COUNT; c++)
            fprintf(out, "  %-12s %s\n", cli_commands[c].name, cli_commands[c].summary);
        print_options(out, command);
        fputs("\n`ravine COMMAND --help` explains a command. Exit codes: 0 done, 1 the answer is\n"
              "no, 2 wrong usage, 3 unreadable or unwritable file, 4 training diverged, 130\n"
              "interrupted.\n",
              out);
        return;
    }
    const cli_command_row *row = &cli_commands[command];
    fprintf(out, "Usage: ravine %s [OPTION...]%s%s\n\n", row->name, *row->operands ? " " : "",
            row->operands);
    cli_print_wrapped(out, row->text, 0, 0, WIDTH);
    print_options(out, command);
}

/* Text for roff: a dash may be typed at a shell, a backslash is an escape, and a line must not
 * begin with a control character. */
static void print_roff(FILE *out, const char *text) {
    for (const char *c = text; *c; c++) {
        bool begins = c == text || c[-1] == '\n';
        if (begins && (*c == '.' || *c == '\'')) fputs("\\&", out);
        if (c[0] == '\n' && c[1] == '\n') {
            fputs("\n.PP", out);
            continue;
        }
        if (*c == '-')
            fputs("\\-", out);
        else if (*c == '\\')
            fputs("\\e", out);
        else
            fputc(*c, out);
    }
}

static void print_man_options(FILE *out, cli_command command) {
    fputs(".SH OPTIONS\n", out);
    for (int o = 0; o < CLI_OPTION_COUNT; o++) {
        if (!cli_takes(command, (cli_option)o)) continue;
        const cli_option_row *row = &cli_options[o];
        char text[512];
        fputs(".TP\n.B ", out);
        if (row->letter) fprintf(out, "\\-%c, ", row->letter);
        fputs("\\-\\-", out);
        print_roff(out, row->name);
        if (*row->metavar) fprintf(out, " \\fI%s\\fR", row->metavar);
        fputc('\n', out);
        format_text(text, sizeof text, row);
        print_roff(out, text);
        fputc('\n', out);
    }
}

static void print_man_title(FILE *out, const char *suffix, const char *summary) {
    char title[40] = "RAVINE";
    size_t used = strlen(title);
    for (const char *c = suffix; *c && used + 1 < sizeof title; c++)
        title[used++] = (char)toupper((unsigned char)*c);
    fprintf(out, ".TH \"%s\" 1 \"\" \"ravine %s\" \"Ravine\"\n.SH NAME\nravine", title,
            ravine_version());
    print_roff(out, suffix);
    fputs(" \\- ", out);
    print_roff(out, summary);
    fputs("\n.SH SYNOPSIS\n", out);
}

static void print_man(FILE *out, cli_command command) {
    if (command == CLI_COMMAND_COUNT) {
        print_man_title(out, "", "train networks out of the ravine they are stuck in");
        fputs(".B ravine\n.I COMMAND\n[\\fIOPTION\\fR...]\n.SH COMMANDS\n", out);
        for (int c = 0; c < CLI_COMMAND_COUNT; c++) {
            fprintf(out, ".TP\n.BR ravine\\-%s (1)\n", cli_commands[c].name);
            print_roff(out, cli_commands[c].summary);
            fputc('\n', out);
        }
        print_man_options(out, command);
        fputs(".SH EXIT STATUS\n0 done; 1 the answer is no; 2 wrong usage; 3 unreadable or "
              "unwritable file; 4 training diverged; 130 interrupted.\n",
              out);
        return;
    }
    const cli_command_row *row = &cli_commands[command];
    char suffix[40];
    snprintf(suffix, sizeof suffix, "-%s", row->name);
    print_man_title(out, suffix, row->summary);
    fprintf(out, ".B ravine %s\n[\\fIOPTION\\fR...]\n", row->name);
    if (*row->operands) fprintf(out, "%s\n", row->operands);
    fputs(".SH DESCRIPTION\n", out);
    print_roff(out, row->text);
    fputc('\n', out);
    print_man_options(out, command);
    fputs(".SH SEE ALSO\n.BR ravine (1)\n", out);
}

static void print_words(FILE *out, cli_command command) {
    for (int o = 0; o < CLI_OPTION_COUNT; o++)
        if (cli_takes(command, (cli_option)o)) fprintf(out, "--%s ", cli_options[o].name);
}

static void print_operand_words(FILE *out, cli_completes completes) {
    if (completes == CLI_COMPLETES_COMMANDS)
        for (int c = 0; c < CLI_COMMAND_COUNT; c++) fprintf(out, "%s ", cli_commands[c].name);
    if (completes == CLI_COMPLETES_RULES)
        for (int r = 0; r < RAVINE_RULE_COUNT; r++)
            fprintf(out, "%s ", ravine_rule_describe(r)->name);
}

static void print_completion(FILE *out) {
    fputs("# bash completion of ravine, written by: ravine help --completion bash\n"
          "_ravine() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} words\n"
          "    case ${COMP_CWORD}:${COMP_WORDS[1]} in\n"
          "    1:*) words='",
          out);
    print_operand_words(out, CLI_COMPLETES_COMMANDS);
    print_words(out, CLI_COMMAND_COUNT);
    fputs("' ;;\n", out);
    for (int c = 0; c < CLI_COMMAND_COUNT; c++) {
        fprintf(out, "    *:%s) words='", cli_commands[c].name);
        print_operand_words(out, cli_commands[c].completes);
        print_words(out, (cli_command)c);
        fputs("' ;;\n", out);
    }
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "}\n"
          "complete -o default -F _ravine ravine\n",
          out);
}

int cmd_help(const cli_args *args) {
    cli_command command = CLI_COMMAND_COUNT;
    if (args->operand[0]) {
        int status = cli_find_command(args->operand[0], &command);
        if (status) return status;
    }
    const char *shell = cli_text(args, CLI_COMPLETION);
    if (shell && strcmp(shell, "bash"))
        return failure(FAILURE_USAGE, "--completion is \"%s\"; there is bash", shell);
    if (shell)
        print_completion(stdout);
    else if (cli_is_given(args, CLI_MAN))
        print_man(stdout, command);
    else
        cli_print_help(stdout, command);
    return 0;
}
