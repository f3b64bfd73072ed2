// race.js - plays a race: each path as far as it was walked, and where that is on the curve of the
// loss. The controls are player.js's.
"use strict";
(() => {
  const FRAMES_PER_SECOND = 60;
  const race = JSON.parse(document.getElementById("race-data").textContent);
  const picture = document.getElementById("race");
  const last = race.step.length - 1;

  const add = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  };

  const panels = picture.querySelectorAll("clipPath rect");
  const lossPanel = panels[panels.length - 1];
  const top = Number(lossPanel.getAttribute("y"));
  const cursor = add("path", { class: "cursor" }, picture);
  const walked = add("g", { class: "walked", "clip-path": "url(#race-area-0)" }, picture);
  picture.querySelector("g:not(.walked)").after(walked); // under the names of the points
  const heads = race.runs
    .filter((run) => run.trail)
    .map((run) => ({
      trail: run.trail,
      at: run.dot,
      line: add("path", { class: `line s${run.color}` }, walked),
      dot: add("circle", { class: `s${run.color}`, r: 4 }, walked),
    }));

  const show = (frame) => {
    const step = race.step[frame];
    for (const head of heads) {
      const { trail } = head;
      let d = "";
      for (let k = 0; k < trail.length && trail[k] <= step; k += 4)
        d += `${trail[k + 3] ? "L" : "M"}${trail[k + 1]} ${trail[k + 2]}`;
      head.line.setAttribute("d", d);
      head.dot.setAttribute("cx", head.at[2 * frame]);
      head.dot.setAttribute("cy", head.at[2 * frame + 1]);
    }
    cursor.setAttribute("d", `M${race.cursor[frame]} ${top}v${lossPanel.getAttribute("height")}`);
    picture.classList.toggle("played", frame < last);
    return `step ${step.toLocaleString("en")}`;
  };

  makePlayer(document.getElementById("player"), {
    last,
    seconds: last / FRAMES_PER_SECOND,
    show,
    label: (button, playing) => {
      button.textContent = playing ? "Pause" : "Play";
    },
  });
})();
