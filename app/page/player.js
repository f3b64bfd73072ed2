/* SPDX-License-Identifier: Apache-2.0 */
// player.js - plays, pauses and scrubs: a button, a slider and an output, for any moving picture.
//
//   makePlayer(controls, { last, seconds, show })
//     last     the slider goes from 0 to last, where it begins; all of it plays in `seconds`
//     show     draws the picture at a value and returns what the output says of it
//   The button has a .play and a .pause, of which it shows what it would do.
//
// By keyboard: the slider's own keys, and space plays and pauses. Readers who want no motion see
// ten still pictures, one a second.
"use strict";
const makePlayer = (controls, { last, seconds, show }) => {
  const button = controls.querySelector("button");
  const slider = controls.querySelector("input");
  const output = controls.querySelector("output");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let request = 0;
  let timer = 0;

  const value = () => Number(slider.value);
  const draw = () => {
    output.textContent = show(value());
    slider.setAttribute("aria-valuetext", output.textContent);
  };
  const playing = () => request !== 0 || timer !== 0;
  const tell = () => button.setAttribute("aria-pressed", String(playing()));
  const pause = () => {
    cancelAnimationFrame(request);
    clearInterval(timer);
    request = timer = 0;
    tell();
  };
  const moveTo = (wanted) => {
    slider.value = String(Math.min(last, wanted));
    draw();
    if (value() === last) pause();
  };
  const play = () => {
    if (value() === last) slider.value = "0";
    draw();
    const from = value();
    if (calm.matches) {
      timer = setInterval(() => moveTo(value() + Math.ceil(last / 10)), 1000);
    } else {
      const start = performance.now();
      const tick = (now) => {
        request = requestAnimationFrame(tick);
        moveTo(from + Math.floor((Math.max(0, now - start) / 1000 / seconds) * last));
      };
      request = requestAnimationFrame(tick);
    }
    tell();
  };
  const toggle = () => (playing() ? pause() : play());

  button.addEventListener("click", toggle);
  slider.addEventListener("input", () => {
    pause();
    draw();
  });
  slider.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  });
  slider.max = String(last);
  slider.value = String(last);
  controls.hidden = false;
  draw();
  tell();
};
