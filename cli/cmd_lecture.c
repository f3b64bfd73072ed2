/* cmd_lecture.c - `ravine lecture`: the figures, and whether their numbers are the lecture's. */
#include "cli.h"
#include "lecture/lecture.h"

int cmd_lecture(const cli_args *args) {
    const char *folder = cli_text(args, CLI_FOLDER);
    json_t *numbers;
    const int status = lecture_write(folder, &numbers);
    if (status) return status;
    json_int_t checked = 0, agree = 0;
    json_unpack(numbers, "{s{sI sI}}", "agreement", "checked", &checked, "agree", &agree);
    if (cli_is_given(args, CLI_JSON)) {
        json_dumpf(numbers, stdout, JSON_INDENT(1));
        putchar('\n');
    } else {
        printf("%s/index.html: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " numbers are the lecture's\n",
               folder, agree, checked);
    }
    json_decref(numbers);
    if (agree == checked) return 0;
    return failure(EXIT_NO,
                   "%lld of %lld numbers are not what the lecture's are; see %s/index.html",
                   (long long)(checked - agree), (long long)checked, folder);
}
