/* Making elements. Strings become text nodes; nothing here or elsewhere in the desk parses markup. */

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
  desk: ["M4 8.500A3.500 3.500 0 0 1 7.500 5h9A3.500 3.500 0 0 1 20 8.500v5a3.500 3.500 0 0 1-3.500 3.500H12l-5 3.700V17A3.500 3.500 0 0 1 4 13.500z", "M9 11h.01M12 11h.01M15 11h.01"],
  loud: ["M5 9.500h3L12 6v12l-4-3.500H5z", "M15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11"],
  mute: ["M5 9.500h3L12 6v12l-4-3.500H5z", "M16 10l4 4M20 10l-4 4"],
  send: ["M4.500 12h14M12.500 5.500L19 12l-6.500 6.500"],
  facts: ["M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z", "M12 11v5M12 8h.01"],
  back: ["M14.500 5.500L8 12l6.500 6.500"],
  out: ["M10 5H6.500A1.500 1.500 0 0 0 5 6.500v11A1.500 1.500 0 0 0 6.500 19H10", "M14 8l4 4-4 4M18 12H10"],
  cup: ["M5 9h11v5.500A4.500 4.500 0 0 1 11.500 19h-2A4.500 4.500 0 0 1 5 14.500z", "M16 10.500h1.200a2.300 2.300 0 0 1 0 4.600H16M8.500 3.500v2.200M12 3.500v2.200"],
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

/** An http(s) address to link to, or null. */
export function linkOf(value) {
  try {
    const url = new URL(value, location.origin);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** An address to load a picture from: https, or this server. */
export function imageOf(value) {
  const link = linkOf(value);
  return link && (link.startsWith("https:") || new URL(link).origin === location.origin) ? link : null;
}
