/* SPDX-License-Identifier: Apache-2.0 */
// lecture.js - the language of the page: the browser's at first, then what the button leads on to.
"use strict";
const pageLanguages = ["en", "zh-CN", "zh-TW"];
const setLanguage = (language) => {
  document.documentElement.lang = language;
  document.title = document.querySelector(`h1 [lang="${language}"]`).textContent;
};
const languageButton = document.getElementById("language");
languageButton.hidden = false;
languageButton.addEventListener("click", () => {
  const now = pageLanguages.indexOf(document.documentElement.lang);
  setLanguage(pageLanguages[(now + 1) % pageLanguages.length]);
});
const preferredLanguage = (wanted) => {
  if (!wanted.startsWith("zh")) return "en";
  return /-(tw|hk|mo|hant)/.test(wanted) ? "zh-TW" : "zh-CN";
};
setLanguage(preferredLanguage((navigator.language || "").toLowerCase()));
