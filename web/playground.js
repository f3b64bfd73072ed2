/* SPDX-License-Identifier: Apache-2.0 */
// playground.js - the page: what is chosen is the link after #; whatever changes, all runs are made
// anew from the start, 6 us a step, and then shown up to the step of the slider.
"use strict";

const find = (id) => document.getElementById(id);
const element = (name, attributes = {}, ...inside) => {
  const made = document.createElement(name);
  Object.assign(made, attributes);
  made.append(...inside);
  return made;
};
const svgElement = (name, attributes, parent) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
};
// Three digits, of a number near 1 of what it lacks: 0.9999.
const shorten = (value) => {
  const from = Math.abs(1 - value) < 0.1 ? 1 : 0;
  return String(Number((from + Number((value - from).toPrecision(3))).toPrecision(12)));
};
const grouped = new Intl.NumberFormat("en");
const label = (value) =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)
    ? value.toExponential().replace("e+", "e")
    : grouped.format(value);

const RUNS_MOST = 6;
const STEPS_MOST = 100000;
const GRID = [480, 360];
const LEVELS = [0.005, 0.015, 0.035, 0.07, 0.12, 0.19, 0.27, 0.36, 0.46, 0.57, 0.69, 0.81, 0.92];
const FRAMES = 400; // that a play takes
const FAR_ABOVE = 1e8; // the start: a run has left for good, and is not drawn to the end

let language = "en";
const among = (texts_) => texts_[LANGUAGES.indexOf(language)];
const say = (key) => among(texts[key]);
const sayStep = (step) => say("step").replace("{}", grouped.format(step));

// ---- what is chosen, and its link ---------------------------------------------------------------

const chosen = { surface: "lecture", start: null, steps: 500, at: null, runs: [] };

const readLink = (link) => {
  const values = new URLSearchParams(link.replaceAll("+", "%2B"));
  chosen.surface = values.get("surface") ?? "crescent";
  chosen.start = values.get("start")?.split(",").map(Number) ?? null;
  const steps = Math.round(Number(values.get("steps") ?? 500));
  chosen.steps = Math.min(Math.max(steps || 1, 1), STEPS_MOST);
  chosen.at = values.has("at") ? Number(values.get("at")) : null;
  chosen.runs = values.getAll("run").slice(0, RUNS_MOST).map((text) => {
    const [optimizer, schedule = ""] = text.split("|");
    return { optimizer, schedule };
  });
  if (chosen.runs.length === 0) chosen.runs = [{ optimizer: "adam lr=0.02", schedule: "" }];
};

const writeLink = (at) => {
  const parts = [`surface=${chosen.surface}`];
  if (chosen.start) parts.push(`start=${chosen.start.join(",")}`);
  parts.push(`steps=${chosen.steps}`);
  if (at !== null) parts.push(`at=${at}`);
  for (const { optimizer, schedule } of chosen.runs)
    parts.push(`run=${optimizer}${schedule ? `|${schedule}` : ""}`);
  return parts.join("&");
};

// The figure of the lecture whose runs these are, or "".
const figureOf = () => Object.keys(presets).find((key) => presets[key] === writeLink(null)) ?? "";

// "adam lr=0.1": the rule, and its settings that are not the default.
const readOptimizer = (text) => {
  const [rule, ...words] = text.trim().split(/\s+/);
  return { rule, set: new Map(words.map((word) => word.split("="))) };
};
const writeOptimizer = ({ rule, set }) =>
  [rule, ...[...set].map(([name, value]) => `${name}=${value}`)].join(" ");

// ---- sliders, from the library's table of bounds ------------------------------------------------

const PLACES = 1000; // of a slider

// Between places of a slider and values. Bounds that are far apart are walked by powers of ten from
// the one that is a number, shares of nearly 1 by what they lack.
const sliderScale = ({ least, greatest, least_open, greatest_open }, fallback) => {
  const powers = (base, sign, low, high, first, last) => ({
    value: (place) => {
      if (place === 0 && first !== null) return first;
      if (place === PLACES && last !== null) return last;
      return base + sign * 10 ** (low + ((high - low) * place) / PLACES);
    },
    place: (value) => {
      if (value === base) return 0;
      const power = Math.log10(Math.abs(value - base));
      return Math.round(PLACES * Math.min(Math.max((power - low) / (high - low), 0), 1));
    },
  });
  if (greatest === 1 && fallback >= 0.5 && least === 0)
    return powers(1, -1, least_open ? -0.01 : 0, -4, least_open ? null : 0, greatest_open ? null : 1);
  if (Number.isFinite(least) && Number.isFinite(greatest))
    return {
      value: (place) => least + ((greatest - least) * Math.min(Math.max(place, least_open), PLACES - greatest_open)) / PLACES,
      place: (value) => Math.round((PLACES * (value - least)) / (greatest - least)),
    };
  const base = Number.isFinite(least) ? least : greatest;
  const sign = Number.isFinite(least) ? 1 : -1;
  const small = fallback !== base && Math.abs(fallback - base) < 1e-7 ? -12 : -8;
  const baseOpen = sign > 0 ? least_open : greatest_open;
  const farOpen = sign > 0 ? greatest_open : least_open;
  return powers(base, sign, small, 3, baseOpen ? null : base, farOpen ? null : sign * Infinity);
};

// ---- the plane ----------------------------------------------------------------------------------

const plane = find("plane");
const canvas = plane.querySelector("canvas");
const drawing = plane.querySelector("svg");
let ravine;
let row; // of the surface
let ground = { size: 2, least: 0 };
let window_ = { x: [0, 1], y: [0, 1] };
let losses;
let races = [];

const placeX = (x) => ((x - window_.x[0]) / (window_.x[1] - window_.x[0])) * plane.clientWidth;
const placeY = (y) => ((window_.y[1] - y) / (window_.y[1] - window_.y[0])) * plane.clientHeight;
const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

// Heights in bands of a given area, darker where it is lower; a line where two bands meet.
const drawGround = () => {
  const [nx, ny] = GRID;
  const sorted = losses.filter(Number.isFinite).sort();
  const levels = LEVELS.map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
  const bands = Uint8Array.from(losses, (loss) => levels.filter((level) => loss > level).length);
  const rgb = (name) => colorOf(name).match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  const [paper, ink] = [rgb("--paper"), rgb("--series-0")];
  [canvas.width, canvas.height] = GRID;
  const picture = canvas.getContext("2d").createImageData(nx, ny);
  bands.forEach((band, k) => {
    const meets = (k % nx < nx - 1 && bands[k + 1] !== band) || (bands[k + nx] ?? band) !== band;
    const share = 0.3 * (1 - band / LEVELS.length) + (meets ? 0.22 : 0);
    const color = paper.map((part, c) => part + share * (ink[c] - part));
    picture.data.set([...color, 255], 4 * k);
  });
  canvas.getContext("2d").putImageData(picture, 0, 0);
};

const startOf = () => [
  ...(chosen.start ?? row.start),
  ...Array(Math.max(0, ground.size - 2)).fill(row.start[1]),
];

const lastRow = (race, step) => {
  let k = race.step.findLastIndex((s) => s <= step);
  return Math.max(k, 0);
};

// The part of the line from a to b that can be seen, or null. An end may be 1e19 away, so a border
// is crossed where the nearer end and the slope say.
const NEAR = 20; // pixels around the picture
const LOST = 1e20; // pixels away: where a line from there would pass, float64 does not tell
const crossing = (a, b, i, border) => {
  const j = 1 - i;
  const base = Math.abs(a[i] - border) < Math.abs(b[i] - border) ? a : b;
  const place = base[j] + (border - base[i]) * ((b[j] - a[j]) / (b[i] - a[i]));
  return i ? [place, border] : [border, place];
};
const inSight = (a, b) => {
  const far = (end) => Math.max(...end.map(Math.abs));
  if (!(Math.min(far(a), far(b)) < LOST && Math.max(far(a), far(b)) < Infinity)) return null;
  const most = [plane.clientWidth + NEAR, plane.clientHeight + NEAR];
  const ends = [a, b];
  for (const i of [0, 1])
    for (const [border, beyond] of [[-NEAR, (end) => end[i] < -NEAR], [most[i], (end) => end[i] > most[i]]]) {
      if (ends.every(beyond)) return null;
      const k = ends.findIndex(beyond);
      if (k >= 0) ends[k] = crossing(a, b, i, border);
    }
  return ends.map((end) => end.map((place) => place.toFixed(1)).join(" "));
};

const pathOf = (race, from, to) => {
  const place = (k) => [placeX(race.theta[k * race.size]), placeY(race.theta[k * race.size + 1])];
  let [path, end, last] = ["", "", place(from)];
  for (let k = from + 1; k <= to; k++) {
    const next = place(k);
    const line = inSight(last, next);
    if (line) path += `${line[0] === end ? "" : `M${line[0]}`}L${line[1]}`;
    end = line?.[1];
    last = next;
  }
  return path;
};

const drawPlane = () => {
  drawing.replaceChildren();
  drawing.setAttribute("viewBox", `0 0 ${plane.clientWidth} ${plane.clientHeight}`);
  for (const [x, y] of row.minima)
    svgElement("path", { class: "minimum", d: `M${placeX(x) - 5} ${placeY(y)}h10m-5 -5v10` }, drawing);
  races.forEach((race, k) => {
    if (!race) return;
    const end = lastRow(race, at());
    const style = `stroke: var(--series-${k})`;
    svgElement("path", { class: "rest", style, d: pathOf(race, end, race.step.length - 1) }, drawing);
    svgElement("path", { class: "walked", style, d: pathOf(race, 0, end) }, drawing);
    const [x, y] = [race.theta[end * race.size], race.theta[end * race.size + 1]];
    if (Number.isFinite(placeX(x)) && Number.isFinite(placeY(y)))
      svgElement("circle", { r: 5, cx: placeX(x), cy: placeY(y), style: `fill: var(--series-${k})` }, drawing);
  });
  const [x, y] = startOf();
  svgElement("circle", { class: "start", r: 7, cx: placeX(x), cy: placeY(y) }, drawing);
  const name = (text, attributes) =>
    (svgElement("text", attributes, drawing).textContent = text ?? "");
  const { clientWidth: width, clientHeight: height } = plane;
  name(`${row.coordinates[0] ?? "x1"}: ${window_.x.map(label).join(" … ")}`, { x: 6, y: height - 6 });
  name(`${row.coordinates[1] ?? "x2"}: ${window_.y.map(label).join(" … ")}`, { x: 6, y: 16 });
};

const moveStart = (x, y) => {
  const inside = (value, [low, high]) =>
    Number(Math.min(Math.max(value, low), high).toPrecision(4));
  chosen.start = [inside(x, window_.x), inside(y, window_.y)];
  changed();
};
const dragTo = (event) => {
  const frame = plane.getBoundingClientRect();
  const right = (event.clientX - frame.left) / frame.width;
  const down = (event.clientY - frame.top) / frame.height;
  const { x, y } = window_;
  moveStart(x[0] + right * (x[1] - x[0]), y[1] - down * (y[1] - y[0]));
};
plane.addEventListener("pointerdown", (event) => {
  plane.setPointerCapture(event.pointerId);
  dragTo(event);
});
plane.addEventListener("pointermove", (event) => event.buttons && dragTo(event));
plane.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (!way) return;
  event.preventDefault();
  const [x, y] = startOf();
  const stride = ([low, high]) => (high - low) / 50;
  moveStart(x + way[0] * stride(window_.x), y + way[1] * stride(window_.y));
});

// ---- curves -------------------------------------------------------------------------------------

const plots = {};
const told = { window: () => {}, hover: () => {}, label };
for (const name of ["loss", "sharpness", "sigma", "momentum", "eta"])
  plots[name] = new CurvePlot(find(`plot-${name}`), told);

const finite = (value) => (Number.isFinite(value) ? value : NaN); // which leaves a gap
const near = (value, start) => (Math.abs(value) > FAR_ABOVE * start ? NaN : value);
const pointsOf = (race, value) =>
  Array.from(race.step, (step, k) => [step, finite(value(k))]).filter(([step]) => step <= at());
const curvesOf = (value) =>
  races.flatMap((race, k) => (race ? [{ color: k, points: pointsOf(race, (r) => value(race, r)) }] : []));
// One solid, one dashed line of each race, for the first two coordinates.
const coordinatesOf = (value) =>
  [0, 1].flatMap((i) =>
    curvesOf((race, r) => Math.abs(value(race, r * race.size + i))).map((curve) => ({
      ...curve,
      dash: i ? [5, 4] : null,
    })),
  );

const drawCurves = () => {
  const all = [0, Math.max(chosen.steps, 1)];
  const above = Number.isFinite(ground.least) ? ground.least : null;
  find("loss-title").textContent = say(above === null ? "plainLoss" : "loss");
  const height = (race, r) => race.loss[r] - (above ?? 0);
  const shown = (race, r) => near(height(race, r), height(race, 0));
  plots.loss.draw(curvesOf(above === null ? height : shown), all, above !== null);
  const limits = curvesOf((race, r) => race.limit[r]).map((curve) => ({ ...curve, dash: [5, 4] }));
  plots.sharpness.draw([...curvesOf((race, r) => race.sharpness[r]), ...limits], all, true);
  plots.sigma.draw(coordinatesOf((race, i) => race.sigma[i]), all, true);
  plots.momentum.draw(coordinatesOf((race, i) => near(race.m[i], race.gradNorm[0])), all, true);
  plots.eta.draw(curvesOf((race, r) => race.eta[r]), all, true);
};

// ---- the doctor ---------------------------------------------------------------------------------

const drawDoctor = () => {
  const lines = chosen.runs.map((_, k) => {
    const race = races[k];
    const verdict = race?.verdicts.findLast(({ step }) => step <= at());
    const line = element("p", { className: verdict?.severity ?? "" });
    line.style.setProperty("--color", `var(--series-${k})`);
    if (!verdict) line.append(say("waiting"));
    else {
      const words = verdict[language];
      const name = `${verdict.word.replaceAll("_", " ")} · ${sayStep(verdict.step)}`;
      line.append(element("b", {}, name), element("br"), words);
    }
    return line;
  });
  find("doctor").replaceChildren(...lines);
};

// ---- playing ------------------------------------------------------------------------------------

const slider = find("at");
const at = () => Number(slider.value);
let playing = 0;
const showStep = () => {
  find("shown").textContent = sayStep(at());
  drawPlane();
  drawCurves();
  drawDoctor();
};
const tellPlay = () => {
  find("play").textContent = say(playing ? "pause" : "play");
  find("play").setAttribute("aria-pressed", String(playing !== 0));
};
const pause = () => {
  cancelAnimationFrame(playing);
  playing = 0;
  tellPlay();
};
const moveTo = (step) => {
  slider.value = String(step);
  chosen.at = at() === chosen.steps ? null : at();
  showStep();
  keepLink();
};
const play = () => {
  if (playing) return pause();
  if (at() >= chosen.steps) slider.value = "0";
  const stride = Math.max(1, Math.round(chosen.steps / FRAMES));
  const tick = () => {
    playing = requestAnimationFrame(tick);
    moveTo(at() + stride);
    if (at() >= chosen.steps) pause();
  };
  playing = requestAnimationFrame(tick);
  tellPlay();
};
find("play").addEventListener("click", play);
find("back").addEventListener("click", () => (pause(), moveTo(at() - 1)));
find("forward").addEventListener("click", () => (pause(), moveTo(at() + 1)));
slider.addEventListener("input", () => (pause(), moveTo(at())));
slider.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  play();
});

// ---- runs ---------------------------------------------------------------------------------------

const complain = (message) => {
  find("failure").hidden = !message;
  find("failure").textContent = message;
};

const setting = (run, name, fallback) => {
  const info = ravine.tables.settings[name];
  const { rule, set } = readOptimizer(run.optimizer);
  const text = set.get(name);
  const change = (value) => {
    set.set(name, value);
    run.optimizer = writeOptimizer({ rule, set });
    changed();
  };
  const title = info.text;
  const row_ = element("div", { className: "setting", title }, element("span", {}, name));
  if (info.kind === 1) {
    const box = element("input", { type: "checkbox", checked: text ? text === "true" || text === "1" : fallback !== 0 });
    box.setAttribute("aria-label", name);
    box.addEventListener("change", () => change(String(box.checked)));
    row_.append(box);
  } else if (info.kind === 2) {
    const choice = element("select", {}, ...info.choices.map((word) => element("option", { value: word }, word)));
    choice.value = text ?? info.choices[fallback];
    choice.setAttribute("aria-label", name);
    choice.addEventListener("change", () => change(choice.value));
    row_.append(choice);
  } else {
    const scale = sliderScale(info, fallback);
    const value = text === undefined ? fallback : text === "inf" ? Infinity : Number(text);
    const range = element("input", { type: "range", min: 0, max: PLACES, value: scale.place(value) });
    const field = element("input", { type: "text", value: text ?? label_(fallback) });
    for (const [input, name_] of [[range, name], [field, `${name} ${info.interval}`]]) {
      input.setAttribute("aria-label", name_);
      input.dataset.setting = name;
    }
    range.addEventListener("input", () => {
      const moved = scale.value(Number(range.value));
      field.value = Number.isFinite(moved) ? shorten(moved) : "inf";
      change(field.value);
    });
    field.addEventListener("change", () => {
      range.value = scale.place(Number(field.value));
      change(field.value);
    });
    row_.append(range, field);
  }
  return row_;
};
const label_ = (value) => (Number.isFinite(value) ? String(value) : "inf");

const drawRuns = () => {
  const rules = Object.entries(ravine.tables.rules);
  find("runs").replaceChildren(
    ...chosen.runs.map((run, k) => {
      const { rule } = readOptimizer(run.optimizer);
      const known = ravine.tables.rules[rule];
      const names = rules.map(([name, { title }]) => element("option", { value: name, title }, name));
      const choice = element("select", {}, ...names);
      choice.value = rule;
      choice.addEventListener("change", () => {
        run.optimizer = choice.value;
        drawRuns();
        changed();
      });
      const schedule = element("input", { type: "text", value: run.schedule, placeholder: say("constant") });
      schedule.addEventListener("change", () => {
        run.schedule = schedule.value.trim();
        changed();
      });
      const remove = element("button", { type: "button", disabled: chosen.runs.length === 1 }, say("remove"));
      remove.addEventListener("click", () => {
        chosen.runs.splice(k, 1);
        drawRuns();
        changed();
      });
      const all = Object.entries(known?.settings ?? {}).map(([name, value]) => setting(run, name, value));
      const box = element("div", { className: "run" });
      box.style.setProperty("--color", `var(--series-${k})`);
      box.append(
        element("div", { className: "controls" },
          element("label", {}, say("rule"), " ", choice), remove),
        element("div", { className: "controls" }, element("label", {}, say("schedule"), " ", schedule)),
        all[0] ?? "",
        element("details", {}, element("summary", {}, say("more")), ...all.slice(1)),
        element("p", { className: "muted" }, element("code", {}, known?.formula ?? "")),
      );
      return box;
    }),
  );
  find("add").disabled = chosen.runs.length >= RUNS_MOST;
};
find("add").addEventListener("click", () => {
  chosen.runs.push({ optimizer: "sgd", schedule: "" });
  drawRuns();
  changed();
});

// ---- anew ---------------------------------------------------------------------------------------

// A browser refuses a page that writes its address at every move of a hand; the last state is what
// counts.
const WRITE_EVERY = 250; // ms
let written = "";
let writing = 0;
const writeAddress = () => {
  clearTimeout(writing);
  writing = 0;
  written = `#${encodeURI(writeLink(chosen.at))}`;
  history.replaceState(null, "", written);
};
const keepLink = () => {
  writing ||= setTimeout(writeAddress, WRITE_EVERY);
};
addEventListener("pagehide", () => writing && writeAddress());

// So that the start can be taken hold of.
const widen = ([low, high], value) => {
  const air = 0.1 * (high - low);
  return [Math.min(low, value - air), Math.max(high, value + air)];
};

const openSurface = () => {
  ground = ravine.setSurface(chosen.surface);
  const name = chosen.surface.split(" ")[0];
  row = ravine.tables.surfaces.find((one) => one.name === name) ?? ravine.tables.surfaces[1];
  const [x, y] = startOf();
  window_ = { x: widen(row.x, x), y: widen(row.y, y) };
  losses = ravine.losses(window_, ...GRID);
  find("surface").value = row.name;
  drawGround();
};

// The surface in words, and what a figure of the lecture shows besides.
const tellSurface = () => {
  const figure = figureOf();
  const note = `note_${figure}`;
  find("figure").value = figure;
  find("note").hidden = !(note in texts);
  find("note").textContent = note in texts ? say(note) : "";
  find("surface-title").textContent = among(row.title);
  find("formula").textContent = row.formula;
};

const makeRace = (run, k) => {
  try {
    return ravine.race(k, { ...run, start: startOf(), steps: chosen.steps });
  } catch (error) {
    complain(error.message);
    return null;
  }
};

// Every run from the start; the others are shown where one cannot be made. What takes longer than a
// hand notices is made run by run, and given up where something has changed meanwhile.
const PATIENCE = 100; // ms
let round = 0;
const changed = async () => {
  const mine = ++round;
  complain("");
  races = [];
  plane.ariaBusy = "true";
  slider.max = String(chosen.steps);
  slider.value = String(chosen.at ?? chosen.steps);
  find("start").textContent = startOf().slice(0, 2).map((v) => Number(v.toPrecision(4))).join(", ");
  tellSurface();
  keepLink();
  let begun = performance.now();
  for (const [k, run] of chosen.runs.entries()) {
    races[k] = makeRace(run, k);
    if (k + 1 === chosen.runs.length || performance.now() - begun < PATIENCE) continue;
    showStep();
    await new Promise((go_on) => setTimeout(go_on));
    if (mine !== round) return;
    begun = performance.now();
  }
  plane.ariaBusy = "false";
  showStep();
};

const open = (link) => {
  readLink(link);
  pause();
  try {
    openSurface();
  } catch (error) {
    const { message } = error;
    chosen.surface = row?.name ?? "crescent";
    openSurface();
    setTimeout(() => complain(message));
  }
  find("steps").value = String(chosen.steps);
  drawRuns();
  return changed();
};

// ---- words --------------------------------------------------------------------------------------

const setLanguage = (wanted) => {
  language = wanted;
  document.documentElement.lang = wanted;
  document.title = `Ravine: ${say("title")}`;
  document.querySelectorAll("[data-text]").forEach((e) => (e.textContent = say(e.dataset.text)));
  find("language").textContent = say("language");
  find("at").setAttribute("aria-label", say("at"));
  find("back").setAttribute("aria-label", say("back"));
  find("forward").setAttribute("aria-label", say("forward"));
  plane.setAttribute("aria-label", say("plane"));
  find("figure").options[0].textContent = say("own");
  tellPlay();
};
find("language").addEventListener("click", () => {
  setLanguage(nextLanguage(language));
  tellSurface();
  drawRuns();
  showStep();
});

// ---- the first time -----------------------------------------------------------------------------

find("surface").addEventListener("change", () => {
  chosen.surface = find("surface").value;
  chosen.start = chosen.at = null;
  openSurface();
  changed();
});
find("steps").addEventListener("change", () => {
  chosen.steps = Math.min(Math.max(Math.round(Number(find("steps").value)) || 1, 1), STEPS_MOST);
  find("steps").value = String(chosen.steps);
  chosen.at = null;
  changed();
});
find("figure").addEventListener("change", () => open(presets[find("figure").value]));
find("link").addEventListener("click", async () => {
  writeAddress();
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  find("link").textContent = say(copied ? "copied" : "not_copied");
  setTimeout(() => (find("link").textContent = say("link")), 1500);
});
// What was asked for is in the event; the address may have been written since.
addEventListener("hashchange", (event) => {
  const { hash } = new URL(event.newURL);
  if (hash && hash !== written) open(linkOf(hash));
});
// "#b" is a figure's name, anything longer says all.
const linkOf = (hash) => presets[hash.slice(1)] ?? hash.slice(1);

const begin = async () => {
  ravine = await openRavine();
  find("version").textContent = `ravine ${ravine.tables.version}`;
  find("surface").append(...ravine.tables.surfaces.map(({ name }) => element("option", { value: name }, name)));
  find("figure").append(element("option", { value: "" }));
  find("figure").append(...Object.keys(presets).map((key) => element("option", { value: key }, `(${key})`)));
  setLanguage(preferredLanguage());
  await open(location.hash ? linkOf(location.hash) : presets.e);
  new ResizeObserver(() => drawPlane()).observe(plane);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawGround);
  performance.mark("picture");
  document.body.dataset.ready = "true";
};
begin().catch((error) => complain(error.message));
