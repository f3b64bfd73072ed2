/* SPDX-License-Identifier: Apache-2.0 */
// languages.js - the languages of pages, and which one a reader prefers. Where a page has a button for
// them: its language, at first the reader's, then what the button leads on to.
"use strict";
const LANGUAGES = ["en", "zh-CN", "zh-TW"];
const preferredLanguage = () => {
  const wanted = (navigator.language || "").toLowerCase();
  if (!wanted.startsWith("zh")) return "en";
  return /-(tw|hk|mo|hant)/.test(wanted) ? "zh-TW" : "zh-CN";
};
const nextLanguage = (language) => LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];

const languageButton = document.querySelector("#language [lang]")?.parentElement;
if (languageButton) {
  const setPageLanguage = (language) => {
    document.documentElement.lang = language;
    document.title = document.querySelector(`h1 [lang="${language}"]`).textContent;
  };
  languageButton.hidden = false;
  languageButton.addEventListener("click", () =>
    setPageLanguage(nextLanguage(document.documentElement.lang)),
  );
  setPageLanguage(preferredLanguage());
}
