// lecture.js - the language of the page, and trails that are played, paused and scrubbed.
"use strict";

// ---- language: the browser's at first, then the button's
const setLanguage = (language) => {
  document.documentElement.lang = language;
  document.title = document.querySelector(`h1 [lang=${language.slice(0, 2)}]`).textContent;
};
const languageButton = document.getElementById("language");
languageButton.hidden = false;
languageButton.addEventListener("click", () =>
  setLanguage(document.documentElement.lang === "en" ? "zh-CN" : "en"),
);
setLanguage((navigator.language || "").toLowerCase().startsWith("zh") ? "zh-CN" : "en");

// ---- players
const SECONDS = 12; // a whole trail takes so long
const LAST = 1000; // of the slider
const NS = "http://www.w3.org/2000/svg";
const element = (name, attributes, parent) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
};

// The part of a trail that was walked by `step`, as a path, and where it ends.
const walked = (at, step) => {
  let path = "";
  let k = 0;
  for (; k < at.length && at[k] <= step; k += 3)
    path += `${k ? "L" : "M"}${at[k + 1]} ${at[k + 2]}`;
  return { path, x: at[k - 2], y: at[k - 1] };
};

const playTrails = (controls) => {
  const id = controls.dataset.figure;
  const picture = document.getElementById(id);
  const data = JSON.parse(
    document.querySelector(`script.trails[data-figure="${id}"]`).textContent,
  );
  const group = element("g", { class: "head", "clip-path": `url(#${id}-area-0)` }, picture);
  const heads = data.trails.map((trail) => {
    const parent = element("g", { class: `s${trail.color}` }, group);
    return {
      at: trail.at,
      line: element("path", { class: `line s${trail.color}` }, parent),
      dot: element("circle", { r: 5 }, parent),
    };
  });

  // In 100,000 steps the first ones are the long ones: there time is logarithmic.
  const stepOf = (value) =>
    Math.round(
      data.last > 10000 ? (data.last + 1) ** (value / LAST) - 1 : (data.last * value) / LAST,
    );
  const show = (value) => {
    const step = stepOf(value);
    const whole = value === LAST;
    picture.classList.toggle("played", !whole);
    group.style.display = whole ? "none" : "";
    for (const head of heads) {
      const { path, x, y } = walked(head.at, step);
      head.line.setAttribute("d", path);
      head.dot.setAttribute("cx", x);
      head.dot.setAttribute("cy", y);
    }
    return `t = ${step.toLocaleString("en")}`;
  };
  const label = (button, playing) => {
    const [en, zh] = button.querySelectorAll("span");
    en.textContent = playing ? "Pause" : "Play";
    zh.textContent = playing ? "暂停" : "播放";
  };
  makePlayer(controls, { last: LAST, seconds: SECONDS, show, label });
};
document.querySelectorAll(".player").forEach(playTrails);
