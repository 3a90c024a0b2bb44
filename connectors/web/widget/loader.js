/* The one script tag that a shop puts into its pages:
 *
 *   <script src="https://chat.shop.example/widget.js" async data-lang="auto" data-title="My shop"></script>
 *
 * data-lang        auto (the browser's), en or zh
 * data-title       name shown at the top; data-title-zh for the Chinese interface
 * data-starters    first questions to offer, parted by |; data-starters-zh
 * Colours: set --shoptalk-accent on the shoptalk-widget element in the page's own style sheet.
 */
(() => {
  const script = document.currentScript;
  if (!script || document.querySelector("shoptalk-widget")) return;
  const widget = document.createElement("shoptalk-widget");
  for (const [name, value] of Object.entries(script.dataset)) widget.dataset[name] = value;
  widget.dataset.server = new URL(script.src, location.href).origin;
  const place = () => document.body.append(widget);
  import(new URL("widget/element.js", script.src).href).then(() => {
    if (document.body) place();
    else document.addEventListener("DOMContentLoaded", place, { once: true });
  });
})();
