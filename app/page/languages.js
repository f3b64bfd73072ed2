/* SPDX-License-Identifier: Apache-2.0 */
// languages.js - the languages of pages, and which one a reader prefers. Where a page has a button for
// them: its language, at first the reader's, then what the button leads on to. What shows a text of
// its own listens to the document's event "language".
"use strict";
const LANGUAGES = ["en", "zh-CN", "zh-TW"];
const preferredLanguage = () => {
  const wanted = (navigator.language || "").toLowerCase();
  if (!wanted.startsWith("zh")) return "en";
  return /-(tw|hk|mo|hant)/.test(wanted) ? "zh-TW" : "zh-CN";
};
const nextLanguage = (language) => LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];

// What an element says in the page's language.
const textInLanguage = (element) => {
  const { lang } = document.documentElement;
  return (element?.querySelector(`[lang="${lang}"]`) ?? element)?.textContent ?? "";
};

// A text of the page's <template id="words"> by its name: in all languages, and in the page's, with
// its {holes} filled.
const wordsOf = (name) =>
  document.getElementById("words").content.getElementById(`word-${name}`).cloneNode(true);
const sayWords = (name, holes) =>
  textInLanguage(wordsOf(name)).replace(/{(\w+)}/g, (hole, key) => holes?.[key] ?? hole);

const languageButton = document.querySelector("#language [lang]")?.parentElement;
if (languageButton) {
  const setPageLanguage = (language) => {
    document.documentElement.lang = language;
    document.title = textInLanguage(document.querySelector("h1"));
    for (const element of document.querySelectorAll("[data-said]")) {
      const [attribute, ...texts] = element.dataset.said.split("|");
      element.setAttribute(attribute, texts[LANGUAGES.indexOf(language)]);
    }
    document.dispatchEvent(new Event("language"));
  };
  languageButton.hidden = false;
  languageButton.addEventListener("click", () =>
    setPageLanguage(nextLanguage(document.documentElement.lang)),
  );
  setPageLanguage(preferredLanguage());
}
