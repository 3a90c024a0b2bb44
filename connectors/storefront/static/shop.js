/* The page's language, kept in step with the widget's. */
const root = document.documentElement;
const button = document.getElementById("language");
const TITLES = { en: "Demo Shop · clothing and electronics", zh: "演示商店 · 服装与电子产品" };
const widget = () => document.querySelector("shoptalk-widget");

function show(language) {
  root.lang = language === "zh" ? "zh-CN" : "en";
  document.title = TITLES[language];
  document.getElementById("navigation").setAttribute("aria-label", language === "zh" ? "导航" : "Main");
  button.textContent = language === "zh" ? "EN" : "中文";
}

const wanted = new URLSearchParams(location.search).get("lang") || navigator.language;
let language = wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
show(language);

button.addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  show(language);
  widget()?.setAttribute("lang", language);
});
let asked = new URLSearchParams(location.search).get("lang");
document.addEventListener("shoptalk-language", (event) => {
  if (asked) {
    // The address wins once, over what the widget remembers or the browser prefers.
    const first = asked;
    asked = null;
    event.target.setAttribute("lang", first);
    return;
  }
  language = event.detail;
  show(language);
});
document.getElementById("ask").addEventListener("click", () => widget()?.open());
