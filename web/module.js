/* SPDX-License-Identifier: Apache-2.0 */
// module.js - the WebAssembly module of web/playground.h, as JavaScript calls it.
//
//   const ravine = await openRavine();
//   ravine.tables                            what playground_describe() says
//   ravine.setSurface("crescent")            throws an Error with the library's message
//   ravine.race(0, { start, optimizer, schedule, steps })
//       .step .loss .eta ... as Float64Array; theta, gradient, sigma, m: [rows, size]; verdicts
"use strict";

const COLUMNS = ["step", "loss", "gradNorm", "eta", "sharpness", "limit"];
const MATRICES = ["theta", "gradient", "sigma", "m"];

const openRavine = async () => {
  const coded = atob(document.getElementById("module").textContent);
  const bytes = Uint8Array.from(coded, (letter) => letter.charCodeAt(0));
  // What the C library asks of its system: no file, no variable, no argument is there.
  const none = () => 0;
  const system = new Proxy({}, { get: (_, name) => (name === "proc_exit" ? stop : none) });
  const stop = (code) => {
    throw new Error(`the module ended with ${code}`);
  };
  const compiled = await WebAssembly.compile(bytes);
  const wanted = Object.fromEntries(
    WebAssembly.Module.imports(compiled).map(({ name }) => [name, system[name]]),
  );
  // environ_sizes_get, fd_prestat_get ...: 0 variables; 8 is EBADF, no such descriptor
  if (wanted.environ_sizes_get)
    wanted.environ_sizes_get = (count, size) => {
      const view = new DataView(instance.exports.memory.buffer);
      view.setUint32(count, 0, true);
      view.setUint32(size, 0, true);
      return 0;
    };
  for (const name of Object.keys(wanted)) if (name.startsWith("fd_")) wanted[name] = () => 8;
  const instance = await WebAssembly.instantiate(compiled, { wasi_snapshot_preview1: wanted });
  const c = instance.exports;
  c._initialize();

  const numbersAt = (at, n) => new Float64Array(c.memory.buffer, at, n).slice();
  const textAt = (at) => {
    const memory = new Uint8Array(c.memory.buffer, at);
    return new TextDecoder().decode(memory.subarray(0, memory.indexOf(0)));
  };
  const put = (bytesOf) => {
    const at = c.playground_room(bytesOf.length);
    if (!at) throw new Error("out of memory");
    new Uint8Array(c.memory.buffer).set(bytesOf, at);
    return at;
  };
  const putText = (text) => put(new TextEncoder().encode(`${text}\0`));
  // Calls a function with texts and numbers (arrays) put into the module's memory.
  const call = (name, ...values) => {
    const rooms = [];
    const given = values.map((value) => {
      if (typeof value === "number") return value;
      const bytesOf = new Uint8Array(value.buffer ?? []);
      rooms.push(typeof value === "string" ? putText(value) : put(bytesOf));
      return rooms.at(-1);
    });
    const answer = c[name](...given);
    rooms.forEach((room) => c.playground_give(room));
    return answer;
  };
  const check = (code) => {
    if (code) throw new Error(textAt(c.playground_message()));
  };
  return {
    bytes: bytes.length,
    tables: JSON.parse(textAt(c.playground_describe())),
    setSurface(spec) {
      check(call("playground_surface", spec));
      return { size: c.playground_size(), least: c.playground_least() };
    },
    losses({ x, y }, nx, ny) {
      return numbersAt(c.playground_losses(x[0], x[1], y[0], y[1], nx, ny), nx * ny);
    },
    race(k, { start, optimizer, schedule, steps }) {
      const at = Float64Array.from(start);
      check(call("playground_race", k, at, optimizer, schedule, steps));
      const rows = c.playground_rows(k);
      const size = c.playground_size();
      const race = { size, verdicts: JSON.parse(textAt(c.playground_verdicts(k))) };
      [...COLUMNS, ...MATRICES].forEach((name, column) => {
        const width = column < COLUMNS.length ? 1 : size;
        race[name] = numbersAt(c.playground_column(k, column), rows * width);
      });
      return race;
    },
  };
};
