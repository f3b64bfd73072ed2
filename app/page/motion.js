/* SPDX-License-Identifier: Apache-2.0 */
// motion.js - plays the figures of svg_motion.c: each trail as far as it was walked, and where that
// is in the curves over the steps. After player.js and chart.js.
"use strict";
document.querySelectorAll(".player").forEach((controls) => {
  const id = controls.dataset.figure;
  const picture = document.getElementById(id);
  const motion = JSON.parse(
    document.querySelector(`script.motion[data-figure="${id}"]`).textContent,
  );
  const last = motion.step.length - 1;
  const moveCursor = chartCursor(picture, chartPanels(picture));
  // Of each panel: the paths of its trails, and the group for what was walked of them.
  const layers = [...picture.querySelectorAll(".panel > g[clip-path]")].map((trails) => {
    const walked = chartElement("g", { class: "walked" }, picture);
    walked.setAttribute("clip-path", trails.getAttribute("clip-path"));
    trails.after(walked); // under the names of the points
    return { walked, drawn: [...trails.querySelectorAll(".trail")] };
  });
  const heads = motion.trails.map(({ panel, color, dot, trail }) => {
    const { walked, drawn } = layers[panel];
    const style = drawn.shift().getAttribute("class").replace("trail", "");
    return {
      trail,
      at: dot,
      line: chartElement("path", { class: style }, walked),
      dot: chartElement("circle", { class: `s${color}`, r: 4.5 }, walked),
    };
  });

  const show = (frame) => {
    const step = motion.step[frame];
    for (const { trail, at, line, dot } of heads) {
      let d = "";
      for (let k = 0; k < trail.length && trail[k] <= step; k += 4)
        d += `${trail[k + 3] ? "L" : "M"}${trail[k + 1]} ${trail[k + 2]}`;
      line.setAttribute("d", d);
      const seen = at[2 * frame] !== null;
      dot.style.display = seen ? "" : "none";
      if (!seen) continue;
      dot.setAttribute("cx", at[2 * frame]);
      dot.setAttribute("cy", at[2 * frame + 1]);
    }
    moveCursor(frame < last ? step : null);
    picture.classList.toggle("played", frame < last);
    return `t = ${step.toLocaleString("en")}`;
  };
  makePlayer(controls, { last, seconds: motion.seconds, show });
});
