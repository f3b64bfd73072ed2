/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/writer.h"

#include "data/random_stream.h"
#include "io/failure.h"
#include "math/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int text_writer_begin(text_writer *w, const model *m, const unsigned char *prompt, size_t length) {
    const int64_t context = m->encoding.shape[1];
    *w = (text_writer){.m = m, .context = context, .temperature = 1};
    w->x = calloc((size_t)context, sizeof *w->x);
    w->logits = calloc((size_t)context, TEXT_BYTES * sizeof *w->logits);
    if (!w->x || !w->logits)
        return failure(FAILURE_INPUT, "out of memory for a context of %lld", (long long)context);
    if (length == 0) return failure(FAILURE_USAGE, "the prompt is empty; it takes a byte or more");
    const size_t kept = length < (size_t)context ? length : (size_t)context;
    for (size_t k = 0; k < kept; k++) w->x[k] = (float)prompt[length - kept + k];
    w->used = (int64_t)kept;
    return 0;
}

void text_writer_free(text_writer *w) {
    free(w->x);
    free(w->logits);
    *w = (text_writer){0};
}

/* Forgets the older half: places are learned, so what stays is at others, and is worked on again.
 */
static void make_room(text_writer *w) {
    const int64_t kept = w->context / 2 > 0 ? w->context / 2 : 1;
    memmove(w->x, w->x + w->used - kept, (size_t)kept * sizeof *w->x);
    w->used = kept;
    w->known = 0;
}

static int likeliest(const float *z) {
    int best = 0;
    for (int k = 1; k < TEXT_BYTES; k++)
        if (z[k] > z[best]) best = k;
    return best;
}

/* A byte with the probability that its logit over the temperature gives it. */
static int draw(text_writer *w, const float *z, int top) {
    double p[TEXT_BYTES], sum = 0;
    for (int k = 0; k < TEXT_BYTES; k++)
        sum += p[k] = exp(((double)z[k] - (double)z[top]) / w->temperature);
    double left = sum * ravine_random_uniform(w->seed, STREAM_WRITER, (uint64_t)w->drawn);
    for (int k = 0; k < TEXT_BYTES; k++)
        if ((left -= p[k]) < 0) return k;
    return top;
}

int text_writer_next(text_writer *w, unsigned char *byte) {
    const int64_t count = w->used - w->known;
    net_next(w->m->net, w->x, w->known, count, w->logits);
    w->known = w->used;
    const float *z = w->logits + (count - 1) * TEXT_BYTES;
    const int top = likeliest(z);
    for (int k = 0; k < TEXT_BYTES; k++)
        if (!isfinite(z[k]))
            return failure(FAILURE_INPUT, "%s: what the net foretells is not finite", w->m->folder);
    *byte = (unsigned char)(w->temperature > 0 ? draw(w, z, top) : top);
    w->drawn++;
    const bool goes_on = w->m->config.model_name == NET_LSTM;
    if (w->used == w->context && !goes_on) make_room(w);
    w->x[w->used++ % w->context] = (float)*byte;
    return 0;
}
