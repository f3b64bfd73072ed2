/* SPDX-License-Identifier: Apache-2.0 */
// lecture.js - the language of the page: the browser's at first, then the button's.
"use strict";
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
