/* A question before something that can't be taken back. */

import { make } from "./node.js";

/** Resolves to whether the question was answered with yes. */
export function ask({ title, text, yes, no }) {
  return new Promise((resolve) => {
    const confirm = make("button", { value: "yes", class: "primary", autofocus: true }, yes);
    const form = make("form", { method: "dialog" }, make("h2", { id: "question" }, title), make("p", {}, text), make("div", { class: "choices" }, make("button", { value: "no" }, no), confirm));
    const dialog = make("dialog", { "aria-labelledby": "question" }, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
