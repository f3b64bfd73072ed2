/* SPDX-License-Identifier: Apache-2.0 */
// report.js - the curves of the report: window, hover, log scale, smoothing, runs on and off.
//
// A run is a table of buckets (curves.h). What a chart draws is made anew for every window: each
// run's points there, thinned to the least and greatest value of every pixel, so that a million
// steps draw as quickly as a thousand and no spike is lost.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const COLORS = 8; // --series-0 ... of page.css, .s0 ... of svg_chart.css
  const DASHES = [null, [6, 3], [2, 3], [8, 3, 2, 3]];

  // ---- data -----------------------------------------------------------------------------------

  function decode(text, Type) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    const view = new DataView(bytes.buffer);
    const values = new Type(raw.length / Type.BYTES_PER_ELEMENT);
    const get = Type === Float64Array ? "getFloat64" : "getFloat32";
    for (let k = 0; k < values.length; k++)
      values[k] = view[get](k * Type.BYTES_PER_ELEMENT, true);
    return values;
  }

  // Columns are decoded when they are first drawn.
  function openTable(table) {
    const curves = new Map();
    const axis = {};
    return {
      every: table.every,
      x(name) {
        axis[name] ??= decode(table[name], name === "step" ? Float64Array : Float32Array);
        return axis[name];
      },
      curve(name) {
        if (!table.curves[name]) return null;
        if (!curves.has(name)) {
          const [mean, least, greatest] = table.curves[name].map((t) => decode(t, Float32Array));
          curves.set(name, { mean, least: least ?? mean, greatest: greatest ?? mean });
        }
        return curves.get(name);
      },
    };
  }

  const runs = JSON.parse($("data").textContent).runs.map((run, index) => ({
    ...run,
    color: index % COLORS,
    shown: true,
    steps: openTable(run.steps),
    epochs: openTable(run.epochs),
  }));

  // ---- what the reader has chosen ---------------------------------------------------------------

  // A loss that ran away hides on a linear axis what was before.
  const RAN_AWAY = 1e4;
  const ranAway = ({ steps }) => {
    const { mean } = steps.curve("loss");
    const start = mean.find((value) => value > 0);
    return mean.some((value) => value > RAN_AWAY * start && Number.isFinite(value));
  };
  const view = { axis: "step", log: runs.some(ranAway), smooth: 0, window: null };
  $("log").checked = view.log;

  // From the first to the last point of the runs that are shown.
  function wholeWindow() {
    let least = Infinity;
    let greatest = -Infinity;
    for (const run of runs)
      for (const table of [run.steps, run.epochs])
        for (const x of [table.x(view.axis)])
          if (run.shown && x.length) {
            if (x[0] < least) least = x[0];
            if (x[x.length - 1] > greatest) greatest = x[x.length - 1];
          }
    if (!(least <= greatest)) return [0, 1];
    return least < greatest ? [least, greatest] : [least - 1, greatest + 1];
  }

  const currentWindow = () => view.window ?? wholeWindow();

  // The slider is the logarithm of how many buckets are averaged, up to a tenth of the run.
  function smoothBuckets(length) {
    return view.smooth === 0 ? 0 : Math.pow(Math.max(length / 10, 2), view.smooth / 100);
  }

  // The running mean with exponential weights, without the bias of its start; gaps stay gaps.
  const smoothed = new WeakMap();
  function smooth(curve) {
    const buckets = smoothBuckets(curve.mean.length);
    let kept = smoothed.get(curve);
    if (kept?.buckets === buckets) return kept.curve;
    const keep = Math.exp(-1 / buckets);
    const mean = new Float32Array(curve.mean.length);
    let sum = 0;
    let weight = 0;
    for (let k = 0; k < mean.length; k++) {
      const value = curve.mean[k];
      if (value === value) {
        sum = keep * sum + (1 - keep) * value;
        weight = keep * weight + (1 - keep);
        mean[k] = sum / weight;
      } else mean[k] = NaN;
    }
    kept = { buckets, curve: { mean, least: mean, greatest: mean } };
    smoothed.set(curve, kept);
    return kept.curve;
  }

  // ---- thinning ---------------------------------------------------------------------------------

  // The first index with x[index] >= value.
  function firstFrom(x, value) {
    let low = 0;
    let high = x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // NaN if there are no numbers.
  function leastOf(values, start, end) {
    let least = NaN;
    for (let k = start; k < end; k++)
      if (values[k] < least || least !== least) least = values[k];
    return least;
  }

  function greatestOf(values, start, end) {
    let greatest = NaN;
    for (let k = start; k < end; k++)
      if (values[k] > greatest || greatest !== greatest) greatest = values[k];
    return greatest;
  }

  // Calls add(x, y) for the points of the window and one beyond each end: the buckets where there
  // are few, else `columns` columns of them, each with its least and its greatest value.
  function thin(x, curve, [from, to], columns, add) {
    const low = Math.max(firstFrom(x, from) - 1, 0);
    const high = Math.min(firstFrom(x, to) + 1, x.length);
    const stride = Math.max((high - low) / columns, 1);
    for (let column = 0; ; column++) {
      const start = low + Math.floor(column * stride);
      const end = Math.min(low + Math.floor((column + 1) * stride), high);
      if (start >= high) return;
      const least = leastOf(curve.least, start, end);
      const greatest = greatestOf(curve.greatest, start, end);
      add(x[start], least);
      if (greatest > least) add(x[start], greatest);
    }
  }

  // ---- charts -----------------------------------------------------------------------------------

  // Four digits: "0.3125", "1.5e-7"; whole numbers all of them: "1,000,000".
  function shortNumber(value) {
    if (!Number.isFinite(value)) return "-";
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e15) return value.toLocaleString("en");
    const rounded = Number(value.toPrecision(4));
    return size < 1e-3 || size >= 1e6 ? rounded.toExponential() : String(rounded);
  }

  // A line of a chart: {run, table, curve} and, where it has them, {name, or named by a text of
  // report.html, color, dash, dots, scale}.
  const alone = runs.length === 1;
  const lines = {
    steps: (name, more) =>
      runs.map((run) => ({ run, table: run.steps, curve: run.steps.curve(name), ...more })),
    epochs: (name, more) =>
      runs.map((run) => ({ run, table: run.epochs, curve: run.epochs.curve(name), ...more })),
  };
  const heldOut = (name) =>
    lines
      .epochs(name, { dots: true, color: alone ? 1 : undefined })
      .map((line) => ({ ...line, named: line.run.held_out }));
  const batches = () => lines.steps("loss").map((line) => ({ ...line, named: line.run.batches }));
  // One run: a colour for each group. Several: a colour for each run, a dash for each group.
  const groupLines = () =>
    runs.flatMap((run) =>
      run.groups.map((group, g) => ({
        run,
        table: run.steps,
        curve: run.steps.curve(`ratio_${g}`),
        name: group,
        color: alone ? g % COLORS : run.color,
        dash: alone ? DASHES[Math.floor(g / COLORS) % 4] : DASHES[g % 4],
      })),
    );
  const sources = {
    loss: () => [...batches(), ...heldOut("validation_loss")],
    grad_norm: () => lines.steps("grad_norm"),
    score: () => [
      ...heldOut("validation_score"),
      ...lines.epochs("train_score", { dash: DASHES[1], named: "training" }),
      ...lines.epochs("averaged_score", { dash: DASHES[2], named: "averaged" }),
    ],
    lr: () => lines.steps("lr"),
    ratio: groupLines,
    step_time: () => lines.steps("step_time", { scale: 1000 }), // milliseconds
  };

  // Since when the evidence holds, on the axis of the charts.
  function shadedStretch() {
    const [{ shaded }] = runs;
    if (!alone || !shaded) return null;
    return shaded.map((step) => moved(step, "step", view.axis));
  }

  // A place of the single run on one axis, on another one.
  function moved(x, from, to) {
    if (from === to) return x;
    const [given, wanted] = [from, to].map(runs[0].steps.x);
    return wanted[Math.min(firstFrom(given, x), wanted.length - 1)];
  }

  class Chart {
    constructor(figure) {
      this.box = figure.querySelector(".plot");
      this.legend = figure.querySelector(".legend");
      this.lines = sources[figure.id]().filter((line) =>
        line.curve?.mean.some((value) => value === value),
      );
      figure.hidden = this.lines.length === 0;
      this.alwaysLog = figure.id === "ratio"; // it spans decades
      this.plot = null;
      this.cursor = document.createElement("div");
      this.cursor.className = "cursor";
      this.cursor.hidden = true;
      this.box.append(this.cursor);
      this.makeLegend();
    }

    isLog() {
      return view.log || this.alwaysLog;
    }

    makeLegend() {
      for (const line of this.lines) {
        const swatch = document.createElement("span");
        swatch.className = "swatch";
        swatch.style.color = `var(--series-${line.color ?? line.run.color})`;
        if (line.dash) swatch.style.borderTopStyle = "dashed";
        if (line.dots) swatch.classList.add("dotted");
        line.text = document.createElement("span");
        line.text.className = "value";
        line.entry = document.createElement("span");
        const label = alone ? [] : [`${line.run.label} `];
        const name = line.named ? [wordsOf(line.named), " "] : line.name ? [`${line.name} `] : [];
        const parts = [...label, ...name];
        line.entry.append(...(parts.length ? [swatch, ...parts] : []), line.text);
        this.legend.append(line.entry);
      }
    }

    // The points of a line in the window and beyond it, for panning to show what is next.
    points(line, window) {
      const span = window[1] - window[0];
      const wide = [window[0] - span, window[1] + span];
      const columns = 3 * Math.max(this.box.clientWidth, 200);
      const scale = line.scale ?? 1;
      const points = [];
      const add = (x, y) => points.push([x, y * scale]);
      thin(line.table.x(view.axis), line.drawn, wide, columns, add);
      return points;
    }

    // What is drawn: every line, and behind a smoothed one the raw one, faint.
    drawnLines() {
      const shown = this.lines.filter((line) => line.run.shown);
      for (const line of this.lines) line.entry.hidden = !line.run.shown;
      if (view.smooth === 0) return shown.map((line) => ({ ...line, drawn: line.curve }));
      const raw = shown
        .filter((line) => !line.dots && line.table === line.run.steps)
        .map((line) => ({ ...line, drawn: line.curve, faint: true }));
      const clear = shown.map((line) => ({
        ...line,
        drawn: line.table === line.run.steps ? smooth(line.curve) : line.curve,
      }));
      return [...raw, ...clear];
    }

    draw() {
      if (this.box.parentElement.hidden) return;
      const window = currentWindow();
      const curves = this.drawnLines().map((line) => ({
        points: this.points(line, window),
        color: line.color ?? line.run.color,
        dash: line.dash,
        dots: line.dots,
        faint: line.faint,
      }));
      this.plot ??= new CurvePlot(this.box, { window: setWindow, hover, label: shortNumber });
      this.plot.draw(curves, window, this.isLog(), shadedStretch());
    }

    // Writes the values at x, and marks x; null: nothing.
    hover(x) {
      const place = x === null || !this.plot ? NaN : this.plot.x.place(x);
      this.cursor.hidden = !(place >= 0);
      if (place >= 0) {
        this.cursor.style.left = `${place}px`;
        this.cursor.style.height = `${this.plot.height}px`;
      }
      for (const line of this.lines) line.text.textContent = x === null ? "" : valueAt(line, x);
    }
  }

  // "0.3125", or for a bucket of several steps "0.31 (0.28 to 0.44)"
  function valueAt(line, x) {
    const axis = line.table.x(view.axis);
    if (axis.length === 0) return "";
    let k = Math.min(firstFrom(axis, x), axis.length - 1);
    if (k > 0 && x - axis[k - 1] < axis[k] - x) k--;
    const scale = line.scale ?? 1;
    const { mean, least, greatest } = line.curve;
    const holes = { value: shortNumber(mean[k] * scale), x: shortNumber(axis[k]) };
    if (least[k] === greatest[k] || least[k] !== least[k]) return sayWords("at", holes);
    holes.least = shortNumber(least[k] * scale);
    holes.greatest = shortNumber(greatest[k] * scale);
    return sayWords("range", holes);
  }

  // ---- the page ---------------------------------------------------------------------------------

  const charts = [];
  const drawAll = () => charts.forEach((chart) => chart.draw());
  const hoverCharts = (x) => charts.forEach((chart) => chart.hover(x));
  // In all charts, the doctor's picture too, which is over steps.
  const picture = document.querySelector("#verdict .chart");
  const hover = (x) => {
    hoverCharts(x);
    const detail = x === null ? null : moved(x, view.axis, "step");
    picture?.dispatchEvent(new CustomEvent("point", { detail }));
  };
  picture?.addEventListener("pointed", ({ detail: step }) =>
    hoverCharts(step === null ? null : moved(step, "step", view.axis)),
  );

  function setWindow(window) {
    const whole = wholeWindow();
    if (window) {
      const span = Math.min(window[1] - window[0], whole[1] - whole[0]);
      const from = Math.min(Math.max(window[0], whole[0]), whole[1] - span);
      window = span < whole[1] - whole[0] ? [from, from + span] : null;
    }
    view.window = window;
    drawAll();
  }

  // Scales the window about its middle and moves it by a share of its width.
  function moveWindow(scale, shift) {
    const [from, to] = currentWindow();
    const half = ((to - from) / 2) * scale;
    const middle = (from + to) / 2 + (to - from) * shift;
    setWindow([middle - half, middle + half]);
  }

  function showSmoothing() {
    const x = runs[0].steps.x("step");
    const buckets = smoothBuckets(x.length);
    const apart = x.length > 1 ? (x[x.length - 1] - x[0]) / (x.length - 1) : 1;
    const steps = shortNumber(Math.round(buckets * apart));
    $("smooth-steps").textContent = buckets ? sayWords("over", { steps }) : sayWords("off");
  }

  function makeRunSwitches() {
    if (alone) return;
    for (const run of runs) {
      const button = document.createElement("button");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.color = `var(--series-${run.color})`;
      button.append(swatch, run.label);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        run.shown = !run.shown;
        button.setAttribute("aria-pressed", String(run.shown));
        drawAll();
      });
      $("runs").append(button);
    }
  }

  function listen() {
    $("axis").addEventListener("change", (event) => {
      view.axis = event.target.value;
      setWindow(null);
    });
    $("log").addEventListener("change", (event) => {
      view.log = event.target.checked;
      drawAll();
    });
    $("smooth").addEventListener("input", (event) => {
      view.smooth = Number(event.target.value);
      showSmoothing();
      drawAll();
    });
    $("left").addEventListener("click", () => moveWindow(1, -0.5));
    $("right").addEventListener("click", () => moveWindow(1, 0.5));
    $("in").addEventListener("click", () => moveWindow(0.5, 0));
    $("out").addEventListener("click", () => moveWindow(2, 0));
    $("all").addEventListener("click", () => setWindow(null));
    $("differing")?.addEventListener("change", (event) => {
      $("config").classList.toggle("differing", event.target.checked);
    });
    matchMedia("print").addEventListener("change", drawAll);
    document.addEventListener("language", showSmoothing);
  }

  // The first chart at once, the others behind it, so that there is something to see soon.
  function drawNext(figures) {
    if (figures.length === 0) return;
    const chart = new Chart(figures[0]);
    charts.push(chart);
    chart.draw();
    setTimeout(() => drawNext(figures.slice(1)));
  }

  makeRunSwitches();
  listen();
  showSmoothing();
  drawNext([...document.querySelectorAll("figure[id]")]);
})();
