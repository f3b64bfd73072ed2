/* SPDX-License-Identifier: Apache-2.0 */
// chart.js - a chart of svg_chart.c as its readers use it: where a value lies on its axes, a line
// at one step in all of its panels, and the values under the pointer. A chart tells the page of the
// step that is pointed at, event "pointed" ({ detail: null }: none), and the page a chart of one
// that is pointed at elsewhere, event "point". After languages.js.
"use strict";

const chartElement = (name, attributes, parent) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
};

// ---- axes

// Between places on the paper, `from` to `to`, and values; [low, high, log] as in data-x and data-y.
const chartAxis = (text, from, to) => {
  const [low, high, log] = JSON.parse(text);
  const per = (to - from) / (high - low);
  const valueAt = (place) => {
    const value = low + (place - from) / per;
    return log ? 10 ** value : value;
  };
  return {
    valueAt,
    placeOf: (value) => from + ((log ? Math.log10(value) : value) - low) * per,
    // As many digits as a tenth of the paper's unit tells.
    textAt: (place) => {
      const value = valueAt(place);
      const grain = Math.abs(valueAt(place + 0.05) - valueAt(place - 0.05));
      const digits = Math.min(Math.max(Math.ceil(Math.log10(Math.abs(value) / grain)), 1), 6);
      if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7))
        return value.toExponential(Math.max(digits, 2) - 1).replace("e+", "e");
      return value.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, 2) });
    },
  };
};

const chartPanels = (chart) =>
  [...chart.querySelectorAll(".panel")].map((group) => {
    const rect = group.querySelector("clipPath rect");
    const [left, top, width, height] = ["x", "y", "width", "height"].map((name) =>
      Number(rect.getAttribute(name)),
    );
    return {
      group,
      left,
      top,
      right: left + width,
      bottom: top + height,
      x: chartAxis(group.dataset.x, left, left + width),
      y: chartAxis(group.dataset.y, top + height, top),
      // The x axis counts steps, from 0 or from 1.
      firstStep: group.dataset.steps === undefined ? null : Number(group.dataset.steps),
    };
  });

// Moves a line to a step in every panel that counts steps; to null: hides it.
const chartCursor = (chart, panels) => {
  const lines = panels
    .filter((panel) => panel.firstStep !== null)
    .map((panel) => ({ panel, line: chartElement("path", { class: "cursor" }, chart) }));
  return (step) => {
    for (const { panel, line } of lines) {
      const x = step === null ? NaN : panel.x.placeOf(step + panel.firstStep);
      const seen = x >= panel.left && x <= panel.right;
      line.style.display = seen ? "" : "none";
      if (seen) line.setAttribute("d", `M${x} ${panel.top}V${panel.bottom}`);
    }
  };
};

// ---- values under the pointer

// The pieces of a path of M, L, h0 and Z, each a list of [x, y].
const chartPieces = (path) =>
  path
    .getAttribute("d")
    .split("M")
    .slice(1)
    .map((piece) =>
      [...piece.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
    );

// Highest and lowest place of a curve at x, or null. A curve that swings is an outline: its lines
// cross x twice.
const chartRange = (pieces, x) => {
  let high = Infinity;
  let low = -Infinity;
  const meet = (y) => {
    high = Math.min(high, y);
    low = Math.max(low, y);
  };
  for (const piece of pieces)
    piece.forEach(([x1, y1], k) => {
      if (Math.abs(x1 - x) < 0.5) meet(y1);
      const [x0, y0] = piece[k - 1] ?? [x1, y1];
      if ((x0 - x) * (x1 - x) < 0) meet(y0 + ((x - x0) / (x1 - x0)) * (y1 - y0));
    });
  return high <= low ? [high, low] : null;
};

const chartPointer = (chart) => {
  const panels = chartPanels(chart);
  const moveCursor = chartCursor(chart, panels);
  const readout = document.createElement("div");
  readout.className = "readout";
  readout.hidden = true;
  chart.after(readout);
  chart.parentElement.style.position = "relative";

  const row = (name, value, series) => {
    const line = document.createElement("div");
    if (series) line.className = `s${series}`;
    const strong = document.createElement("b");
    strong.textContent = value;
    line.append(name ? `${name} ` : "", strong);
    return line;
  };
  const curves = new Map(); // of a panel: [{ series, name, pieces }]
  const curvesOf = (panel) => {
    if (!curves.has(panel)) {
      const drawn = panel.group.querySelectorAll("g:not(.walked) > .line:not(.trail, .swatch)");
      const describe = (path) => {
        const series = path.getAttribute("class").match(/\bs(\d+)/)[1];
        const look = `.s${series}${path.matches(".dashed") ? ".dashed" : ":not(.dashed)"}`;
        const swing = panel.group.querySelector(`.swing${look}`);
        const legend = `.swatch${look} + .name`; // of its panel or, named once, of another
        return {
          series,
          name: panel.group.querySelector(legend) ?? chart.querySelector(legend),
          pieces: [...chartPieces(path), ...(swing ? chartPieces(swing) : [])],
        };
      };
      curves.set(panel, [...drawn].map(describe));
    }
    return curves.get(panel);
  };

  const rowsAt = (panel, x, y) => {
    const label = (which) => textInLanguage(panel.group.querySelector(which));
    const rows = [row(label(".label.middle"), panel.x.textAt(x))];
    const list = curvesOf(panel);
    if (list.length === 0) rows.push(row(label(".label:not(.middle)"), panel.y.textAt(y)));
    for (const { series, name, pieces } of list) {
      const range = chartRange(pieces, x);
      if (!range) continue;
      const [high, low] = range;
      const value =
        low - high < 2 // within the width of the line
          ? panel.y.textAt((low + high) / 2)
          : `${panel.y.textAt(low)} … ${panel.y.textAt(high)}`;
      rows.push(row(textInLanguage(name), value, series));
    }
    return rows;
  };

  // Beside a place on the screen.
  const place = (rows, left, top) => {
    readout.hidden = false;
    readout.replaceChildren(...rows);
    const frame = chart.parentElement.getBoundingClientRect();
    const x = left - frame.left;
    const room = frame.width - readout.offsetWidth;
    const beside = x > frame.width / 2 ? x - readout.offsetWidth - 14 : Math.min(x + 14, room);
    readout.style.left = `${Math.max(0, beside)}px`;
    readout.style.top = `${top - frame.top}px`;
  };
  const tell = (step) => chart.dispatchEvent(new CustomEvent("pointed", { detail: step }));
  const show = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      chart.getScreenCTM().inverse(),
    );
    const panel = panels.find(
      (p) => at.x >= p.left && at.x <= p.right && at.y >= p.top && at.y <= p.bottom,
    );
    const step = panel && panel.firstStep !== null ? panel.x.valueAt(at.x) - panel.firstStep : null;
    moveCursor(step);
    tell(step);
    if (panel) place(rowsAt(panel, at.x, at.y), event.clientX, event.clientY + 14);
    else readout.hidden = true;
  };
  const hide = () => {
    readout.hidden = true;
    moveCursor(null);
  };
  // The same without a pointer: at the step, the values of all panels that count steps.
  const showStep = (step) => {
    hide();
    const counting = panels.filter((panel) => panel.firstStep !== null);
    const [first] = counting;
    const x = step === null || !first ? NaN : first.x.placeOf(step + first.firstStep);
    if (!(x >= first?.left && x <= first.right)) return;
    moveCursor(step);
    const at = new DOMPoint(x, first.top).matrixTransform(chart.getScreenCTM());
    place(counting.flatMap((panel) => rowsAt(panel, x).slice(1)), at.x, at.y);
  };
  chart.addEventListener("pointermove", show);
  chart.addEventListener("pointerdown", show);
  chart.addEventListener("pointerleave", () => {
    hide();
    tell(null);
  });
  chart.addEventListener("point", (event) => showStep(event.detail));
  hide();
};
document.querySelectorAll(".chart").forEach(chartPointer);
