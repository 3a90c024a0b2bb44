/* Making elements. Strings become text nodes; nothing here or elsewhere in the widget parses markup. */

/** make("p", {class: "note", onclick: f, disabled: true}, "text", otherElement) */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

const SHAPES = {
  chat: ["M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.6 4.1c-.5.4-1.4.1-1.4-.6V15.9A2.5 2.5 0 0 1 4 13.5z", "M8 8.2h8M8 11.2h5"],
  close: ["M6 6l12 12M18 6L6 18"],
  send: ["M4.5 12h14M12.5 5.5L19 12l-6.5 6.5"],
  bag: ["M5 8h14l-1 11.2a1.9 1.9 0 0 1-1.9 1.8H7.9A1.9 1.9 0 0 1 6 19.200z", "M8.700 10.500V7.300a3.300 3.300 0 0 1 6.600 0v3.200"],
};

/** A line drawing, hidden from screen readers: the button around it has a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}
