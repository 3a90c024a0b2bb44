/* The login page: name and password, or choosing a password with a one-time link. */

import { change } from "./api.js";
import { make } from "./node.js";
import { storedLanguage, storeLanguage, textsOf } from "./text.js";

const DESK = "/desk";

class Login {
  constructor(link) {
    this.link = link;
    this.owner = null;
    this.language = storedLanguage();
    this.title = make("h1", {});
    this.text = make("p", { class: "soft" });
    this.fields = make("div", { class: "fields" });
    this.error = make("p", { class: "error", role: "alert" });
    this.button = make("button", { class: "primary" });
    this.form = make("form", { novalidate: true }, this.fields, this.error, this.button);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.languageButton = make("button", { type: "button", class: "language", onclick: () => this.setLanguage(this.language === "en" ? "zh" : "en") });
    const mark = make("img", { src: "/desk/icon.svg", alt: "", width: 44, height: 44 });
    document.body.append(make("main", {}, make("div", { class: "box" }, mark, this.title, this.text, this.form), this.languageButton));
    this.buildFields();
    this.speak();
    if (link) this.greet();
  }

  field(name, type, autocomplete) {
    const input = make("input", { id: name, name, type, autocomplete, required: true, maxlength: 200, "aria-describedby": "error", spellcheck: "false", autocapitalize: "none" });
    const label = make("label", { for: name });
    this.fields.append(label, input);
    return { input, label };
  }

  buildFields() {
    this.error.id = "error";
    if (this.link) {
      this.shown = this.field("display-name", "text", "nickname");
      this.password = this.field("new-password", "password", "new-password");
      this.rule = make("p", { class: "soft rule", id: "rule" });
      this.password.input.setAttribute("aria-describedby", "rule error");
      this.fields.append(this.rule);
      this.repeat = this.field("repeat", "password", "new-password");
    } else {
      this.name = this.field("name", "text", "username");
      this.password = this.field("password", "password", "current-password");
    }
    (this.link ? this.password : this.name).input.focus();
  }

  setLanguage(language) {
    this.language = language;
    this.speak();
  }

  speak() {
    const texts = textsOf(this.language);
    this.texts = texts;
    storeLanguage(this.language);
    document.title = texts.title;
    this.title.textContent = this.link ? texts.chooseTitle(this.owner || "…") : texts.loginTitle;
    this.text.textContent = this.link ? texts.chooseText : texts.loginText;
    this.button.textContent = this.link ? texts.save : texts.login;
    this.password.label.textContent = this.link ? texts.newPassword : texts.password;
    if (this.shown) this.shown.label.textContent = texts.shownName;
    if (this.repeat) this.repeat.label.textContent = texts.repeat;
    if (this.rule) this.rule.textContent = texts.rule;
    if (this.name) this.name.label.textContent = texts.name;
    this.languageButton.textContent = texts.language;
    this.languageButton.setAttribute("aria-label", texts.languageLabel);
    this.languageButton.lang = this.language === "zh" ? "en" : "zh-CN";
    this.showError(this.problem);
  }

  /** `problem`: {en, zh} or nothing. */
  showError(problem) {
    this.problem = problem;
    this.error.textContent = problem ? problem[this.language] : "";
  }

  /** Whose link it is. The link is not used up by looking. */
  async greet() {
    try {
      this.owner = (await change("link", { link: this.link })).display_name;
      if (!this.shown.input.value) this.shown.input.value = this.owner;
      this.speak();
    } catch (refused) {
      this.showError(refused.text);
      if (refused.code !== "link_void") return;
      this.fields.hidden = true;
      this.button.hidden = true;
      this.title.textContent = this.texts.title;
      this.text.replaceChildren(make("a", { href: "/desk/login" }, this.texts.toLogin));
    }
  }

  async submit() {
    this.showError(null);
    if (this.repeat && this.repeat.input.value !== this.password.input.value) {
      this.showError({ en: textsOf("en").different, zh: textsOf("zh").different });
      this.repeat.input.focus();
      return;
    }
    const password = this.password.input.value;
    this.button.disabled = true;
    try {
      if (this.link) await change("password", { link: this.link, password, display_name: this.shown.input.value });
      else await change("login", { name: this.name.input.value, password });
      location.assign(DESK);
    } catch (refused) {
      this.showError(refused.text);
      this.password.input.focus();
      this.password.input.select();
    } finally {
      this.button.disabled = false;
    }
  }
}

const link = new URLSearchParams(location.search).get("link");
// The token must not stay in the address bar, the history or a screenshot.
if (link) history.replaceState(null, "", location.pathname);
new Login(link);
