/* SPDX-License-Identifier: Apache-2.0 */
// heat_map.js - numbers of a plane as a table of buttons, and of a line as points with their spread.
//
// A cell is { value, count, diverged, label, best, deviation, seeds }: value null where none of its
// runs came to its end. Colours run over lightness (cividis), so they are told apart without hues.
"use strict";

const HeatMap = (() => {
  const STOPS = ["#00224e", "#31446b", "#666970", "#958f78", "#cab969", "#fee838"];
  const CROSS = "✕";

  const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

  // The colour at t in [0, 1] between the stops, 1: the lightest.
  function mix(t) {
    const at = Math.min(Math.max(t, 0), 1) * (STOPS.length - 1);
    const k = Math.min(Math.floor(at), STOPS.length - 2);
    const [from, to] = [channels(STOPS[k]), channels(STOPS[k + 1])];
    return from.map((c, i) => Math.round(c + (to[i] - c) * (at - k)));
  }

  const isLight = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b > 130;

  // "0.178", "1240", "4.9e+8"
  function short(value) {
    const size = Math.abs(value);
    if (size >= 1e5 || (size > 0 && size < 1e-4)) return value.toExponential(1).replace(".0e", "e");
    return String(Number(value.toPrecision(size >= 1000 ? 4 : 3)));
  }

  // The least is the lightest; what is far above the others does not stretch the scale.
  function scaleOf(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const least = sorted[0];
    const middle = sorted[Math.floor(sorted.length / 2)];
    const positive = least > 0;
    const greatest = positive
      ? Math.min(sorted.at(-1), 4 * middle)
      : Math.min(sorted.at(-1), middle + 4 * (middle - least));
    const place = (v) => (positive ? Math.log(v / least) : v - least);
    const span = place(greatest) || 1;
    return {
      least,
      greatest,
      cut: greatest < sorted.at(-1),
      color: (v) => mix(1 - Math.max(place(v), 0) / span),
    };
  }

  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  function paint(button, cell, scale) {
    if (cell.value === null || cell.diverged) {
      button.className = "diverged";
      button.textContent = cell.value === null ? CROSS : `${CROSS} ${short(cell.value)}`;
    } else {
      const color = scale.color(cell.value);
      button.className = isLight(color) ? "light" : "dark";
      button.style.background = `rgb(${color.join(" ")})`;
      button.textContent = `${cell.best ? "★ " : ""}${short(cell.value)}`;
    }
    if (cell.best) button.classList.add("best");
    button.setAttribute("aria-label", cell.label);
    button.title = cell.label;
  }

  // told: { choose(cell), show(cell) }: a click, and the pointer or the focus; show(null): it left.
  function attend(target, cell, told) {
    target.addEventListener("click", () => told.choose(cell));
    target.addEventListener("pointerenter", () => told.show(cell));
    target.addEventListener("focus", () => told.show(cell));
    target.addEventListener("pointerleave", () => told.show(null));
    target.addEventListener("blur", () => told.show(null));
  }

  function legend(box, scale) {
    const stops = [1, 0.8, 0.6, 0.4, 0.2, 0].map((t) => `rgb(${mix(t).join(" ")})`);
    const ramp = element("span", "", { class: "ramp" });
    ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    const most = `${short(scale.greatest)}${scale.cut ? sayWords("more") : ""}`;
    box.replaceChildren(
      short(scale.least),
      ramp,
      `${most}${sayWords("key", { cross: CROSS })}`,
    );
  }

  function corner(down, across) {
    const made = element("th", "", { class: "key" });
    made.append(`${across.key} \u2192`, element("br"), `${down.key} \u2193`);
    return made;
  }

  // across, down: { key, values }; rows[j][i] is the cell of down.values[j] and across.values[i].
  function draw(table, scaleBox, across, down, rows, told) {
    const all = rows.flat();
    const values = all.filter((c) => c.value !== null && !c.diverged).map((c) => c.value);
    const scale = scaleOf(values.length ? values : [1]);
    const head = element("tr");
    head.append(
      corner(down, across),
      ...across.values.map((v) => element("th", v, { scope: "col" })),
    );
    const body = rows.map((row, j) => {
      const line = element("tr");
      line.append(element("th", down.values[j], { scope: "row" }));
      for (const cell of row) {
        const button = element("button", "", { type: "button" });
        paint(button, cell, scale);
        button.setAttribute("aria-pressed", String(Boolean(cell.chosen)));
        attend(button, cell, told);
        const place = element("td");
        place.append(button);
        line.append(place);
      }
      return line;
    });
    table.replaceChildren(head, ...body);
    legend(scaleBox, scale);
  }

  return { draw, attend, short, CROSS };
})();
