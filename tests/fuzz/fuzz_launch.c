/* SPDX-License-Identifier: MIT */
/* fuzz_launch.c: any bytes as a launch line. */
#include "launch.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(const struct lunik_launch *launch, const char *word)
{
    return word >= launch->text && word < launch->text + sizeof(launch->text) &&
           memchr(word, '\0',
                  (size_t)(launch->text + sizeof(launch->text) - word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lunik_launch *launch = malloc(sizeof(*launch));
    char *line = malloc(size + 1);
    char why[200] = "";

    must(launch && line);
    memset(launch, 0xa5, sizeof(*launch));
    memcpy(line, data, size);
    line[size] = '\0';
    if (lunik_launch_parse(line, launch, why, sizeof(why))) {
        must(why[0] == '\0');
        for (size_t i = 0; i < launch->option_count; i++) {
            must(is_inside(launch, launch->options[i]));
            must(strchr(launch->options[i], '=') != NULL);
        }
        for (size_t i = 0; i < launch->arg_count; i++)
            must(is_inside(launch, launch->args[i]));
    } else {
        must(why[0] != '\0');
        for (size_t i = 0; why[i]; i++)
            must(why[i] >= ' ' && why[i] < 0x7f);
    }
    must(launch->option_count <= LUNIK_LAUNCH_OPTIONS_MAX);
    must(launch->arg_count <= LUNIK_LAUNCH_ARGS_MAX);
    free(line);
    free(launch);
    return 0;
}
