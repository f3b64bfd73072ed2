/* SPDX-License-Identifier: Apache-2.0 */
// curve_plot.js - curves in a window that their reader moves: drawn as SVG in the manner of
// svg_chart.c, zoomed by dragging, panned with Shift or a finger, pinched by two.
//
//   const plot = new CurvePlot(box, { window, hover, label });
//   plot.draw(curves, [from, to], log, shaded);
//
// A curve is { points: [[x, y] ...], color, dash, dots, faint }; a y that is NaN, or of a log axis
// not above 0, leaves a gap. `shaded`: a stretch [from, to], if there is one. window(range) is called
// with what the reader chose, null: all of it; hover(x) with the place of the pointer, null: it
// left; label(number) writes a number on an axis.
"use strict";

const CurvePlot = (() => {
  const LEFT = 62; // of the paper, for the labels of the y axis
  const BELOW = 24;
  const BESIDE = 6; // for half a dot
  const ABOVE = 6;
  const APART = { x: 90, y: 28 }; // pixels between ticks, at least
  const DRAG = 4; // pixels that are no accident

  const make = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  };

  // The least of 1, 2, 5 times a power of ten with which `span` takes at most `most` strides.
  function roundStride(span, most) {
    const power = 10 ** Math.floor(Math.log10(span / most));
    for (const digit of [1, 2, 5])
      if (span <= digit * power * most * (1 + 1e-9)) return digit * power;
    return 10 * power;
  }

  function linearTicks(least, greatest, most) {
    const stride = roundStride(greatest - least, most);
    const ticks = [];
    for (let k = Math.ceil(least / stride - 1e-9); k * stride <= greatest + 1e-9 * stride; k++)
      ticks.push(Number((k * stride).toPrecision(12)));
    return ticks;
  }

  // Powers of ten, every second or third where there are many; less than two decades: round ones.
  function logTicks(least, greatest, most) {
    const low = Math.ceil(Math.log10(least) - 1e-9);
    const high = Math.floor(Math.log10(greatest) + 1e-9);
    const every = Math.max(1, Math.ceil((high - low) / most));
    const ticks = [];
    for (let k = Math.ceil(low / every) * every; k <= high; k += every)
      ticks.push(Number(`1e${k}`));
    return ticks.length > 1 ? ticks : linearTicks(least, greatest, most);
  }

  // There is room for seven characters.
  const yLabel = (value, label) =>
    Math.abs(value) < 1e6 ? label(value) : value.toExponential().replace("e+", "e");

  // Between values and pixels; `log`: by their logarithms.
  function axis(least, greatest, from, to, log) {
    const scale = log ? Math.log10 : (value) => value;
    const low = scale(least);
    const per = (to - from) / (scale(greatest) - low);
    return {
      least,
      greatest,
      place: (value) => from + (scale(value) - low) * per,
      value: (place) => (log ? 10 ** (low + (place - from) / per) : low + (place - from) / per),
    };
  }

  // The values within the window, and a little room. Nothing to show: 0 to 1.
  function yRange(curves, [from, to], log) {
    let least = Infinity;
    let greatest = -Infinity;
    for (const { points } of curves)
      for (const [x, y] of points)
        if (x >= from && x <= to && (log ? y > 0 : true)) {
          if (y < least) least = y;
          if (y > greatest) greatest = y;
        }
    if (!(least <= greatest)) return log ? [0.1, 1] : [0, 1];
    if (log) {
      const room = (greatest / least) ** 0.05;
      return room > 1 ? [least / room, greatest * room] : [least / 2, greatest * 2];
    }
    const room = least < greatest ? 0.06 * (greatest - least) : 0.1 * Math.abs(greatest) || 1;
    return [least >= 0 && least < room ? 0 : least - room, greatest + room];
  }

  return class {
    constructor(box, told) {
      this.box = box;
      this.told = told;
      this.svg = null;
      this.gesture = null;
      this.fingers = new Map(); // pointer to its place
      this.listen();
      new ResizeObserver(() => {
        if (this.drawn && this.width !== box.clientWidth) this.redraw();
      }).observe(box);
    }

    draw(curves, window, log, shaded) {
      this.drawn = { curves, window, log, shaded };
      this.redraw();
    }

    redraw(window = this.drawn.window) {
      const { curves } = this.drawn;
      this.width = this.box.clientWidth;
      const { width } = this;
      const height = this.box.clientHeight;
      const log = this.drawn.log && curves.some(({ points }) => points.some(([, y]) => y > 0));
      this.x = axis(...window, LEFT, width - BESIDE, false);
      this.y = axis(...yRange(curves, window, log), height - BELOW, ABOVE, log);
      this.svg?.remove();
      this.svg = make("svg", { class: "chart", viewBox: `0 0 ${width} ${height}` }, this.box);
      this.drawAxes(width, height, log);
      const inside = { x: LEFT, y: 0, width: width - LEFT, height: height - BELOW };
      const clip = { ...inside, viewBox: `${LEFT} 0 ${inside.width} ${inside.height}` };
      const area = make("svg", clip, this.svg);
      if (this.drawn.shaded) this.shade(this.drawn.shaded, area, inside.height);
      for (const curve of curves) this.drawCurve(curve, area, log);
      this.height = inside.height;
    }

    shade(stretch, area, height) {
      const [from, to] = stretch.map(this.x.place);
      const place = { x: from, y: ABOVE, width: to - from, height: height - ABOVE };
      make("rect", { class: "band", ...place }, area);
    }

    drawAxes(width, height, log) {
      const most = (pixels, apart) => Math.max(2, Math.floor(pixels / apart));
      const bottom = height - BELOW;
      const rows = most(bottom, APART.y);
      const { least, greatest } = this.y;
      const columns = most(width - LEFT, APART.x);
      for (const value of linearTicks(this.x.least, this.x.greatest, columns)) {
        const x = this.x.place(value);
        make("path", { class: "grid", d: `M${x} ${ABOVE}V${bottom}` }, this.svg);
        const text = make("text", { class: "tick tick-x middle", y: bottom + 16 }, this.svg);
        text.textContent = this.told.label(value);
        const half = text.getComputedTextLength() / 2; // none leaves the paper
        text.setAttribute("x", Math.min(x, width - half));
      }
      for (const value of (log ? logTicks : linearTicks)(least, greatest, rows)) {
        const y = this.y.place(value);
        make("path", { class: "grid", d: `M${LEFT} ${y}H${width - BESIDE}` }, this.svg);
        const text = make("text", { class: "tick tick-y end", x: LEFT - 6, y: y + 4 }, this.svg);
        text.textContent = yLabel(value, this.told.label);
      }
      make("path", { class: "axis", d: `M${LEFT} ${ABOVE}V${bottom}H${width - BESIDE}` }, this.svg);
    }

    // A point between two gaps is a dot.
    drawCurve({ points, color, dash, dots, faint }, area, log) {
      const pieces = [];
      let piece = null;
      for (const [x, y] of points) {
        if (y !== y || (log && !(y > 0))) piece = null;
        else {
          if (!piece) pieces.push((piece = []));
          piece.push(`${this.x.place(x).toFixed(1)} ${this.y.place(y).toFixed(1)}`);
        }
      }
      const line = pieces.map((p) => (p.length > 1 ? `M${p.join("L")}` : `M${p[0]}h0`)).join("");
      const classes = `s${color}${faint ? " faint" : ""}`;
      const dashes = dash ? { "stroke-dasharray": dash.join(" ") } : {};
      make("path", { class: `line ${classes}`, d: line, ...dashes }, area);
      if (!dots) return;
      const spots = pieces.flat().map((at) => `M${at}h0`);
      make("path", { class: `dots ${classes}`, d: spots.join("") }, area);
    }

    // ---- the pointer --------------------------------------------------------------------------

    placeOf(event) {
      return event.clientX - this.box.getBoundingClientRect().left;
    }

    listen() {
      const { box, told } = this;
      const on = (name, handle) => box.addEventListener(name, handle);
      on("pointerdown", (event) => this.begin(event));
      on("pointermove", (event) => this.move(event));
      on("pointerup", (event) => this.end(event, true));
      on("pointercancel", (event) => this.end(event, false));
      on("mousemove", (event) => this.svg && told.hover(this.x.value(this.placeOf(event))));
      on("mouseout", () => told.hover(null));
      on("dblclick", () => told.window(null));
    }

    // What is under the fingers, or under the button, stays there.
    begin(event) {
      if (!this.svg || event.button !== 0) return;
      const touch = event.pointerType === "touch";
      this.fingers.set(event.pointerId, this.placeOf(event));
      this.box.setPointerCapture(event.pointerId);
      const pans = touch || event.shiftKey;
      this.gesture = { pans, x: this.x, from: new Map(this.fingers), window: null, moved: false };
      if (!pans) event.preventDefault(); // no text is marked
    }

    move(event) {
      if (!this.gesture || !this.fingers.has(event.pointerId)) return;
      this.fingers.set(event.pointerId, this.placeOf(event));
      const g = this.gesture;
      g.moved ||= Math.abs(this.fingers.get(event.pointerId) - g.from.get(event.pointerId)) > DRAG;
      if (!g.moved) return;
      if (g.pans) this.redraw((g.window = this.pannedWindow(g)));
      else this.mark(g.from.get(event.pointerId), this.fingers.get(event.pointerId));
    }

    end(event, done) {
      const g = this.gesture;
      const at = this.fingers.get(event.pointerId);
      if (!g || !this.fingers.delete(event.pointerId)) return;
      this.marked?.remove();
      this.gesture = null;
      if (!g.moved) return;
      const from = g.from.get(event.pointerId);
      if (!done) this.redraw();
      else if (g.pans) this.told.window(g.window);
      else this.told.window([Math.min(from, at), Math.max(from, at)].map(g.x.value));
    }

    // One place moves the window, two stretch it too.
    pannedWindow({ x, from }) {
      const [first, second] = [...this.fingers.keys()];
      const value = x.value(from.get(first));
      let per = (x.greatest - x.least) / (this.width - BESIDE - LEFT);
      if (second !== undefined) {
        const apart = Math.max(Math.abs(this.fingers.get(second) - this.fingers.get(first)), 20);
        per = Math.abs(x.value(from.get(second)) - value) / apart;
      }
      const least = value - (this.fingers.get(first) - LEFT) * per;
      return [least, least + per * (this.width - BESIDE - LEFT)];
    }

    mark(from, to) {
      this.marked?.remove();
      const at = { x: Math.min(from, to), width: Math.abs(to - from), y: 0, height: this.height };
      this.marked = make("rect", { class: "marked", ...at }, this.svg);
    }
  };
})();
