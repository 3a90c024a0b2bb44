/* Calls to the desk's JSON API. */

/** An answer that is an error. `text`: {en, zh}; `status` 0: no answer at all. */
export class Refused extends Error {
  constructor(status, code, text) {
    super(text.en);
    this.status = status;
    this.code = code;
    this.text = text;
  }
}

let csrf = "";

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(`/desk/api/${path}`, { credentials: "same-origin", ...options });
  } catch {
    throw new Refused(0, "offline", { en: "No connection.", zh: "网络已断开。" });
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw new Refused(answer.status, body.code || "", { en: body.message || String(answer.status), zh: body.message_zh || String(answer.status) });
}

export function read(path, parameters = {}) {
  return call(`${path}?${new URLSearchParams(parameters)}`, {});
}

export function change(path, body = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Who is logged in; their token goes with every change from now on. */
export async function whoAmI() {
  const me = await read("me");
  csrf = me.csrf;
  return me;
}

/** A random id of 32 hexadecimal digits; crypto.randomUUID exists only on https pages. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
