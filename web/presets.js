/* SPDX-License-Identifier: Apache-2.0 */
// presets.js - the runs of each figure of the lecture, as the part of the link after #. Where a figure
// shows something else than these, texts.js has a note of its name. tests/python/test_playground.py
// holds them to what `ravine lecture` measures.
"use strict";
const presets = {
  a: "surface=ravine&steps=400&run=sgd lr=3&run=sgd lr=0.3",
  b: "surface=lecture&steps=100000&run=sgd lr=1e-2&run=sgd lr=1e-3&run=sgd lr=1e-4&run=sgd lr=1e-5&run=sgd lr=1e-6&run=sgd lr=1e-7",
  c: "surface=lecture&steps=100000&run=adagrad_mean lr=1",
  d: "surface=crescent&start=-1.5,2&steps=3000&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.002&run=adagrad_mean lr=0.002",
  e: "surface=lecture&steps=3000&run=adagrad_mean lr=1",
  f: "surface=lecture&steps=100000&run=adagrad_mean lr=1&run=adagrad_mean lr=1|linear(100000, to=0) lr=1&run=adagrad lr=1",
  g: "surface=lecture&steps=100000&run=adagrad_mean lr=1&run=adagrad_mean lr=1|warmup(1000) constant lr=1&run=adagrad_mean lr=1|warmup(1000) inverse_sqrt(timescale=1000) lr=1",
  h: "surface=lecture&steps=100000&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.1&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=1&run=adam lr=1&run=adam amsgrad=true lr=1&run=radam lr=1",
  i: "surface=lecture&steps=1000&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.1",
  j: "surface=lecture&steps=100000&run=sgd lr=1e-6&run=adagrad_mean lr=1&run=adam lr=1&run=adam lr=1|warmup(1000) inverse_sqrt(timescale=1000) lr=1&run=adam lr=1|warmup(1000) exponential(99000, to=1e-6) lr=1",
  k: "surface=crescent&start=-1,1.01&steps=4000&run=rmsprop alpha=0.1 initial_form=gradient eps=0 lr=0.02&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.02&run=rmsprop alpha=0.999 initial_form=gradient eps=0 lr=0.02",
  l: "surface=noisy_quadratic size=2 noise=1&start=0,0&steps=100&run=adam lr=0.03&run=adam lr=0.03|warmup(100) constant lr=0.03&run=radam lr=0.03",
  o: "surface=ravine flat=0.05&steps=300&run=sgd lr=5|constant(200, from=5) constant(100, from=1)&run=sgd lr=1.5",
  p: "surface=lecture&steps=100000&run=sgd lr=1e-6&run=sgd momentum=0.9 lr=1e-6&run=adagrad_mean lr=1&run=rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.1&run=adam lr=1&run=adam lr=1|warmup(1000) exponential(99000, to=1e-6) lr=1",
};
