/* SPDX-License-Identifier: Apache-2.0 */
// sweep.js - the pictures of a sweep: the map of two keys or the line of one, the runs of a cell, and
// their curves. Data: what --json prints, with the page and the curve of each run.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const axes = data.vary;
  const state = { across: 0, down: 1, chosen: null, shown: null, window: null };

  const make = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  };
  const element = (name, text = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };

  // ---- cells ------------------------------------------------------------------------------------

  // Which value of each axis the cell with that number has; the last axis changes fastest.
  function placesOf(number) {
    const places = [];
    for (let k = axes.length - 1; k >= 0; k--) {
      places[k] = number % axes[k].values.length;
      number = Math.floor(number / axes[k].values.length);
    }
    return places;
  }

  const nameOf = (settings) =>
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}`)
      .join(", ");
  const lossOf = (run) => {
    const loss = run.state === "finished" ? run[data.decided_by]?.loss : null;
    return loss ?? null;
  };

  const cells = data.cells.map((cell, number) => {
    const value = cell.loss ? cell.loss.mean : null;
    const spread = cell.loss?.deviation ?? null;
    return {
      number,
      value,
      deviation: spread,
      places: placesOf(number),
      diverged: cell.diverged,
      best: data.best?.cell === number,
      get label() {
        const told = value === null ? sayWords("none") : `${HeatMap.short(value)}`;
        const beside = spread === null ? "" : ` ± ${HeatMap.short(spread)}`;
        const counts = { lost: cell.diverged, all: cell.runs.length };
        const lost = cell.diverged ? sayWords("diverged", counts) : "";
        return `${nameOf(cell.settings)}: ${told}${beside}${lost}`;
      },
      settings: cell.settings,
      runs: cell.runs,
    };
  });

  // Of several cells the one to show: the least mean of those that came to their end.
  function bestOf(some) {
    const rank = (cell) => (cell.diverged ? 1e300 : 0) + (cell.value ?? Infinity);
    return some.reduce((best, cell) => (rank(cell) < rank(best) ? cell : best));
  }

  // ---- the map ----------------------------------------------------------------------------------

  function drawMap() {
    const across = axes[state.across];
    const down = axes[state.down];
    const rows = down.values.map((_, j) =>
      across.values.map((_, i) => {
        const at = (c) => c.places[state.across] === i && c.places[state.down] === j;
        return bestOf(cells.filter(at));
      }),
    );
    for (const cell of cells) cell.chosen = cell === state.chosen;
    HeatMap.draw(byId("map").querySelector("table"), byId("scale"), across, down, rows, told);
  }

  function offerAxes() {
    for (const [id, other] of [
      ["across", "down"],
      ["down", "across"],
    ]) {
      axes.forEach((axis, k) => byId(id).append(new Option(axis.key, k)));
      byId(id).value = state[id];
      byId(id).addEventListener("change", () => {
        const chosen = Number(byId(id).value);
        if (chosen === state[other]) state[other] = state[id];
        state[id] = chosen;
        byId(other).value = state[other];
        drawMap();
      });
    }
    byId("choice").hidden = false;
    byId("others").hidden = axes.length < 3;
  }

  // ---- the line of one key ----------------------------------------------------------------------

  // Where the values lie, from 0 to 1: by their size where they are numbers, else evenly.
  function spots(axis) {
    const numbers = axis.values.map(Number);
    const log = axis.spacing === "log";
    const sized = numbers.every((n) => Number.isFinite(n) && (!log || n > 0));
    const at = sized ? numbers.map((n) => (log ? Math.log(n) : n)) : numbers.map((_, k) => k);
    const [least, greatest] = [Math.min(...at), Math.max(...at)];
    return at.map((a) => (greatest > least ? (a - least) / (greatest - least) : 0.5));
  }

  function heights() {
    const all = cells.flatMap((c) => c.runs.map(lossOf).filter((v) => v !== null));
    const sorted = all.sort((a, b) => a - b);
    if (sorted.length === 0) return { least: 0, greatest: 1, log: false };
    const [least, greatest] = [sorted[0], sorted.at(-1)];
    const log = least > 0 && greatest > 20 * least;
    const room = log ? 1.1 : 0.08 * (greatest - least) || Math.abs(least) || 1;
    return log
      ? { least: least / room, greatest: greatest * room, log }
      : { least: least - room, greatest: greatest + room, log };
  }

  function drawLine() {
    const box = byId("line").querySelector(".plot");
    const [width, height, left, below, above] = [box.clientWidth, box.clientHeight, 58, 40, 22];
    const range = heights();
    const scale = range.log ? Math.log : (v) => v;
    const per = (height - below - above) / (scale(range.greatest) - scale(range.least));
    const y = (v) => Math.max(above, height - below - (scale(v) - scale(range.least)) * per);
    const x = spots(axes[0]).map((t) => left + 20 + t * (width - left - 40));
    box.replaceChildren();
    const svg = make("svg", { class: "chart", viewBox: `0 0 ${width} ${height}` }, box);
    drawFrame(svg, { width, height, left, below, above, range, y, x });
    const line = cells.filter((c) => c.value !== null && !c.diverged);
    const path = line.map((c) => `${x[c.number]} ${y(c.value)}`).join("L");
    if (line.length > 1) make("path", { class: "line s0", d: `M${path}` }, svg);
    for (const cell of cells) drawPoint(svg, cell, x[cell.number], { y, range, above });
  }

  function drawFrame(svg, { width, height, left, below, above, range, y, x }) {
    const bottom = height - below;
    make("path", { class: "axis", d: `M${left} ${above}V${bottom}H${width - 6}` }, svg);
    const rows = 5;
    for (let k = 0; k <= rows; k++) {
      const t = k / rows;
      const value = range.log
        ? range.least * (range.greatest / range.least) ** t
        : range.least + t * (range.greatest - range.least);
      const tick = make("text", { class: "tick end", x: left - 6, y: y(value) + 4 }, svg);
      tick.textContent = HeatMap.short(value);
      make("path", { class: "grid", d: `M${left} ${y(value)}H${width - 6}` }, svg);
    }
    let free = -Infinity; // labels that would overlap are left out
    axes[0].values.forEach((value, k) => {
      const half = 3.6 * value.length + 4;
      if (x[k] - half < free) return;
      free = x[k] + half;
      const tick = make("text", { class: "tick middle", x: x[k], y: bottom + 16 }, svg);
      tick.textContent = value;
    });
    const key = make("text", { class: "label middle", x: (left + width) / 2, y: height - 4 }, svg);
    key.textContent = axes[0].key;
  }

  function drawPoint(svg, cell, x, { y, range, above: top }) {
    const pressed = String(cell === state.chosen);
    const about = { class: "point", tabindex: 0, role: "button", "aria-pressed": pressed };
    const point = make("g", { ...about, "aria-label": cell.label }, svg);
    make("rect", { x: x - 10, y: top, width: 20, height: 1e3, fill: "transparent" }, point);
    for (const run of cell.runs) {
      const loss = lossOf(run);
      if (loss !== null) make("circle", { class: "seed", cx: x, cy: y(loss), r: 2.2 }, point);
    }
    const cross = `M${x - 5} ${top - 12}l10 10m0 -10l-10 10`;
    if (cell.diverged) make("path", { class: "cross", d: cross }, point);
    if (cell.value !== null && !cell.diverged) {
      const spread = cell.deviation ?? 0;
      const bar = `M${x} ${y(Math.max(cell.value - spread, range.least))}V${y(cell.value + spread)}`;
      make("path", { class: "bar", d: bar }, point);
      make("circle", { class: "mean", cx: x, cy: y(cell.value), r: cell.best ? 7 : 4.5 }, point);
    }
    HeatMap.attend(point, cell, told);
    point.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") told.choose(cell);
    });
  }

  // ---- a cell -----------------------------------------------------------------------------------

  function rowOf(run) {
    const row = element("tr");
    const link = element("a", sayWords("seed", run));
    link.href = run.page;
    const first = element("td");
    first.append(link);
    const number = (value) => {
      const cell = element("td", value === null || value === undefined ? "" : HeatMap.short(value));
      cell.className = "number";
      return cell;
    };
    row.append(first, number(run.validation?.loss), number(run.train?.loss));
    const ended = run.state === "finished";
    const state = ended ? "" : `${HeatMap.CROSS} ${sayWords(`${run.state}-state`)}`;
    const counts = { best: run.best_epoch, all: run.epochs };
    const epoch = run.best_epoch ? sayWords("epoch", counts) : "";
    row.append(element("td", state || epoch), element("td", run.verdict ?? ""));
    return row;
  }

  function drawCell() {
    const cell = state.shown ?? state.chosen;
    byId("cell").replaceChildren();
    if (!cell) return;
    const wide = element("div");
    wide.className = "wide";
    const table = wide.appendChild(element("table"));
    const head = table.appendChild(element("thead")).appendChild(element("tr"));
    for (const name of ["run", "validation", "train", "", "doctor"])
      head.append(element("th", name && sayWords(name)));
    table.appendChild(element("tbody")).append(...cell.runs.map(rowOf));
    byId("cell").append(element("h3", cell.label), wide);
  }

  // ---- curves -----------------------------------------------------------------------------------

  // What a run that diverges leaves behind would press all others flat: nothing is drawn far above
  // where they start, or far below where nearly all of them are.
  const inOrder = (numbers) => numbers.filter((n) => n !== null).sort((a, b) => a - b);
  const at = (sorted, share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 1;
  const most = 4 * at(inOrder(cells.flatMap((c) => c.runs.map((run) => run.losses[0] ?? null))), 0.5);
  const low = at(inOrder(cells.flatMap((c) => c.runs.flatMap((run) => run.losses))), 0.02);
  const least = low > 0 ? low / 10 : -Infinity;
  const drawn = (loss) => (loss !== null && loss <= most && loss >= least ? loss : NaN);
  byId("most").textContent = HeatMap.short(most);

  const curvesOf = (cell, look) =>
    cell.runs.map((run) => ({
      points: run.steps.map((step, k) => [step, drawn(run.losses[k])]),
      ...look,
    }));

  const plot = new CurvePlot(byId("curves").querySelector(".plot"), {
    window: (range) => {
      state.window = range;
      drawCurves();
    },
    hover: () => {},
    label: HeatMap.short,
  });

  function drawCurves() {
    const shown = state.shown ?? state.chosen;
    const best = cells.find((c) => c.best);
    const others = cells.filter((c) => c !== shown && c !== best);
    const curves = others.flatMap((c) => curvesOf(c, { color: "", faint: true }));
    if (best && best !== shown) curves.push(...curvesOf(best, { color: 0 }));
    if (shown) curves.push(...curvesOf(shown, { color: shown === best ? 0 : 1 }));
    const last = Math.max(1, ...curves.flatMap(({ points }) => points.map(([x]) => x)));
    byId("chosen").hidden = !shown || shown === best;
    byId("chosen").lastElementChild.textContent = shown ? nameOf(shown.settings) : "";
    plot.draw(curves, state.window ?? [0, last], byId("log").checked);
  }

  // ---- the page ---------------------------------------------------------------------------------

  const isLine = axes.length === 1;
  const drawPicture = () => (isLine ? drawLine() : drawMap());
  const told = {
    choose: (cell) => {
      state.chosen = cell === state.chosen ? null : cell;
      state.shown = null;
      const at = document.activeElement?.getAttribute("aria-label");
      drawPicture();
      const again = [...document.querySelectorAll("[aria-pressed]")];
      again.find((e) => at && e.getAttribute("aria-label") === at)?.focus();
      drawCell();
      drawCurves();
    },
    show: (cell) => {
      if (state.shown === cell) return;
      state.shown = cell;
      drawCell();
      drawCurves();
    },
  };

  const counts = axes.map((axis) => axis.values.length);
  if (!isLine) {
    state.across = counts.indexOf(Math.max(...counts));
    state.down = state.across === 0 ? 1 : 0;
    offerAxes();
  }
  byId("map").hidden = isLine;
  byId("line").hidden = !isLine;
  state.chosen = cells.find((c) => c.best) ?? null;
  byId("log").checked = true;
  byId("log").addEventListener("change", drawCurves);
  byId("whole").addEventListener("click", () => {
    state.window = null;
    drawCurves();
  });
  document.addEventListener("language", () => {
    drawPicture();
    drawCell();
  });
  if (isLine) new ResizeObserver(drawLine).observe(byId("line").querySelector(".plot"));
  drawPicture();
  drawCell();
  drawCurves();
})();
