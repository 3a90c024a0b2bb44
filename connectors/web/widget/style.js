/* The widget's look, as a constructable style sheet: allowed under style-src 'self' and invisible to the page. */

const CSS = `
:host {
  --accent: var(--shoptalk-accent, #14544b);
  --on-accent: var(--shoptalk-on-accent, #ffffff);
  --paper: #ffffff; --field: #f4f5f3; --ink: #1d2522; --soft: #56615d; --line: #e2e6e3; --warm: #fdf3e3; --warm-ink: #6b4300;
  --alert: #9b2c1f; --shade: 0 18px 50px rgb(20 40 35 / .20), 0 3px 12px rgb(20 40 35 / .10);
  all: initial; position: fixed; right: 24px; bottom: 24px; z-index: 2147483000;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  color: var(--ink); color-scheme: light;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 55%, white); outline-offset: 2px; }
svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }

.launcher {
  position: absolute; right: 0; bottom: 0; width: 60px; height: 60px; border: 0; border-radius: 50%;
  display: grid; place-items: center; background: var(--accent); color: var(--on-accent); box-shadow: var(--shade);
  transition: transform .16s ease;
}
.launcher:hover { transform: translateY(-2px); }
.launcher svg { width: 27px; height: 27px; }
.launcher[aria-expanded="true"] svg:first-of-type, .launcher[aria-expanded="false"] svg:last-of-type { display: none; }
.badge {
  position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  background: var(--alert); color: #fff; font-size: 12px; font-weight: 600; line-height: 22px; text-align: center;
}

.panel {
  position: absolute; right: 0; bottom: 76px; width: min(392px, calc(100vw - 32px)); height: min(640px, calc(100vh - 116px));
  display: flex; flex-direction: column; overflow: hidden; border-radius: 20px; background: var(--paper);
  box-shadow: var(--shade), 0 0 0 1px var(--line); animation: rise .2s ease-out;
}
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }

.top { display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 18px; background: var(--accent); color: var(--on-accent); }
.mark { flex: none; width: 38px; height: 38px; border-radius: 12px; display: grid; place-items: center; background: rgb(255 255 255 / .16); }
.heading { flex: 1; min-width: 0; }
h2 { margin: 0; font-size: 16px; font-weight: 600; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who { margin: 0; font-size: 13px; line-height: 1.35; }
.top button {
  height: 40px; min-width: 40px; padding: 0 9px; border: 0; border-radius: 10px; background: transparent; color: inherit;
  display: grid; place-items: center; font-size: 13px; line-height: 1;
}
.top button:hover { background: rgb(255 255 255 / .14); }
.top :focus-visible { outline-color: #fff; outline-offset: -2px; }
.top svg { width: 21px; height: 21px; }

.banner { display: flex; align-items: center; gap: 10px; margin: 0; padding: 9px 18px; font-size: 13px; background: var(--warm); color: var(--warm-ink); }
.banner span { flex: 1; }
.banner button { border: 0; background: none; padding: 4px; color: inherit; font-weight: 600; text-decoration: underline; }

.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px 16px 8px; display: flex; flex-direction: column; gap: 10px; }
.log::before { content: ""; margin-top: auto; }
.time { align-self: center; margin: 8px 0 2px; font-size: 12px; color: var(--soft); }
.entry { display: flex; flex-direction: column; gap: 6px; }
.entry .state { align-self: flex-end; }
.line { display: flex; flex-direction: column; align-items: flex-start; gap: 7px; max-width: 100%; }
.line.shopper { align-items: flex-end; }
.entry.new { animation: rise .18s ease-out; }
.bubble {
  margin: 0; padding: 9px 14px; max-width: 84%; border-radius: 17px 17px 17px 5px; background: var(--field);
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.bubble a, .line > a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.shopper .bubble { border-radius: 17px 17px 5px 17px; background: var(--accent); color: var(--on-accent); }
.operator .bubble { background: var(--warm); color: var(--ink); }
.speaker { font-size: 12px; color: var(--soft); margin: 2px 0 -3px 4px; }
.system { align-items: center; }
.system .bubble { background: none; padding: 0 12px; font-size: 13px; color: var(--soft); text-align: center; }
.state { margin: -3px 4px 0 0; font-size: 12px; color: var(--soft); }
.state.bad { color: var(--alert); }
.state button { border: 0; padding: 0 0 0 6px; background: none; color: inherit; font-weight: 600; text-decoration: underline; }

.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
.buttons > *, .card-buttons > * {
  padding: 8px 14px; min-height: 40px; border: 1px solid color-mix(in srgb, var(--accent) 45%, var(--paper)); border-radius: 20px;
  background: var(--paper); color: var(--accent); font-size: 14px; line-height: 1.5; text-align: left; text-decoration: none; overflow-wrap: anywhere;
}
.buttons > *:hover, .card-buttons > *:hover { background: color-mix(in srgb, var(--accent) 9%, var(--paper)); }

.picture { width: 260px; max-width: 84%; aspect-ratio: 4 / 3; border-radius: 14px; overflow: hidden; background: var(--field); }
.picture img { width: 100%; height: 100%; object-fit: cover; display: block; }
.card { width: 284px; max-width: 88%; border: 1px solid var(--line); border-radius: 16px; overflow: hidden; background: var(--paper); }
.card .picture { width: 100%; max-width: none; border-radius: 0; }
.card-body { padding: 14px 16px 16px; display: grid; gap: 6px; overflow-wrap: anywhere; }
.card h3 { margin: 0; font-size: 15px; line-height: 1.35; }
.card p { margin: 0; }
.card-subtitle { font-size: 13px; color: var(--soft); }
.card-status { justify-self: start; padding: 2px 10px; border-radius: 10px; font-size: 12px; font-weight: 600; background: color-mix(in srgb, var(--accent) 12%, var(--paper)); color: var(--accent); }
.card dl { margin: 4px 0 0; display: grid; gap: 5px; font-size: 13px; }
.card dl div { display: flex; justify-content: space-between; gap: 14px; border-top: 1px solid var(--line); padding-top: 5px; }
.card dt { color: var(--soft); flex: none; max-width: 45%; }
.card dd { margin: 0; text-align: right; }
.card-buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 6px; }

.typing { display: flex; gap: 5px; padding: 13px 15px; border-radius: 17px 17px 17px 5px; background: var(--field); align-self: flex-start; }
.typing i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: breathe 1.2s infinite ease-in-out; }
.typing i:nth-child(2) { animation-delay: .18s; }
.typing i:nth-child(3) { animation-delay: .36s; }
@keyframes breathe { 0%, 70%, 100% { opacity: .3; } 35% { opacity: 1; } }

form { display: flex; align-items: flex-end; gap: 8px; margin: 6px 12px 0; padding: 5px 5px 5px 14px; border: 1px solid var(--line); border-radius: 22px; background: var(--paper); }
form:focus-within { border-color: var(--accent); box-shadow: 0 0 0 2px color-mix(in srgb, var(--accent) 30%, transparent); }
textarea { flex: 1; min-width: 0; height: 36px; max-height: 132px; padding: 6px 0; border: 0; outline: 0; background: none; resize: none; line-height: 24px; }
textarea:focus-visible { outline: none; } /* the form around it shows the focus */
textarea::placeholder { color: var(--soft); opacity: 1; }
.send { flex: none; width: 36px; height: 36px; border: 0; border-radius: 50%; display: grid; place-items: center; background: var(--accent); color: var(--on-accent); }
.send:disabled { background: var(--field); color: var(--soft); cursor: default; }
.send svg { width: 19px; height: 19px; }
.foot { margin: 0; padding: 6px 18px 10px; font-size: 12px; color: var(--soft); text-align: center; }
.foot.bad { color: var(--alert); }

@media (max-width: 480px) {
  :host { right: calc(16px + env(safe-area-inset-right)); bottom: calc(16px + env(safe-area-inset-bottom)); }
  .panel { position: fixed; inset: 0; width: 100%; height: 100vh; height: 100dvh; border-radius: 0; box-shadow: none; }
  .top { padding-top: calc(12px + env(safe-area-inset-top)); }
  .foot { padding-bottom: calc(10px + env(safe-area-inset-bottom)); }
  textarea { font-size: 16px; }
  .launcher[aria-expanded="true"] { display: none; }
}
@media (prefers-color-scheme: dark) {
  :host {
    --accent: var(--shoptalk-accent-dark, #7fd0bf); --on-accent: var(--shoptalk-on-accent-dark, #06231e);
    --paper: #171c1a; --field: #262d2a; --ink: #edf1ef; --soft: #a9b5b0; --line: #343d39; --warm: #3a2e19; --warm-ink: #f6dfb4; --alert: #ff9c8d;
    --shade: 0 18px 50px rgb(0 0 0 / .5); color-scheme: dark;
  }
  .badge { color: #2a0803; }
  .top { background: #1f2825; color: var(--ink); }
  .mark { color: var(--accent); }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
  .typing i { opacity: .7; }
}
@media (forced-colors: active) { .bubble, .card, .launcher, .panel { border: 1px solid; } }
`;

export const sheet = new CSSStyleSheet();
sheet.replaceSync(CSS);
