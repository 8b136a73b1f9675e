// Everything by keys, and the page that says so.

import { byId, el } from "./dom.js";
import { SIDES, WINDOWS, isPossible } from "./state.js";
import { PALETTES } from "./palette.js";

const HELP = {
  "Market and chart": [
    ["S", "change the market"], ["1 … 5", "12 h, 24 h, 3 d, 7 d, 30 d"], ["I", "length of columns"],
    ["B", "both sides, longs, shorts"], ["L", "leverages"], ["X", "exchanges"], ["F", "fit to view"],
  ],
  "On the chart": [
    ["← → ↑ ↓", "cross-hair (Shift: by ten)"], ["Alt ← →", "move the view"], ["+ −", "zoom"], ["Esc", "no cross-hair"], ["C", "go to the chart"],
  ],
  "The page": [
    ["/", "type a command"], ["A", "alerts and commands"], ["Z", "zones"], ["T", "what stands now, as a table"], ["G", "next colours"],
    ["D", "dark or light"], ["V", "view"], ["P", "download a picture"], ["?", "this help"],
  ],
};
const INTERVALS = ["auto", "5m", "15m", "1h", "4h"];

const next = (list, value) => list[(list.indexOf(value) + 1) % list.length];

/** Listen for keys wherever nothing is typed. */
export function startKeys(app) {
  const { state, chart } = app;
  const menu = (name) => byId(name).offsetParent ? byId(name).click() : (byId("filters-toggle").click(), byId(name).click());
  const actions = {
    s: () => app.search(),
    i: () => {
      const possible = INTERVALS.filter((each) => isPossible(state.now.window, each));
      state.change({ interval: next(possible, state.now.interval) });
    },
    b: () => state.change({ side: next(SIDES, state.now.side) }),
    l: () => menu("leverage-open"),
    x: () => menu("exchanges-open"),
    v: () => menu("view-open"),
    f: () => chart.fit(),
    c: () => byId("chart").focus(),
    a: () => byId("panel-toggle").click(),
    z: () => app.list.toggle(),
    t: () => app.table(),
    g: () => state.change({ palette: next(PALETTES, state.now.palette) }, { replace: true }),
    d: () => state.change({ theme: chart.look.theme === "dark" ? "light" : "dark" }, { replace: true }),
    p: () => app.shoot(),
    "?": () => help(),
  };
  Object.keys(WINDOWS).forEach((window, i) => { actions[i + 1] = () => state.change({ window }); });
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      app.search();
      return;
    }
    const taken = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey;
    if (taken || isTyping() || document.querySelector("dialog[open]")) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : ""];
    if (!action) return;
    event.preventDefault();
    action();
  });
  byId("chart").addEventListener("keydown", (event) => onChart(event, chart));
  byId("help-open").addEventListener("click", help);
  byId("help").addEventListener("click", (event) => event.target === byId("help") && byId("help").close());
}

const isTyping = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "") && document.activeElement.type !== "checkbox";

/** Keys of the chart itself. */
function onChart(event, chart) {
  const by = event.shiftKey ? 10 : 1;
  const moves = {
    ArrowLeft: () => (event.altKey ? chart.pan(-0.1) : chart.step(-by, 0)),
    ArrowRight: () => (event.altKey ? chart.pan(0.1) : chart.step(by, 0)),
    ArrowUp: () => chart.step(0, by),
    ArrowDown: () => chart.step(0, -by),
    "+": () => chart.zoom(0.8), "=": () => chart.zoom(0.8), "-": () => chart.zoom(1.25),
    Home: () => chart.fit(),
    Escape: () => chart.leave(),
  };
  const move = moves[event.key];
  if (!move || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  move();
}

function help() {
  byId("help-body").replaceChildren(...Object.entries(HELP).map(([title, rows]) =>
    el("section", {}, el("h3", { text: title }), el("dl", {}, ...rows.flatMap(([key, about]) => [el("dt", {}, ...keysOf(key)), el("dd", { text: about })])))));
  if (!byId("help").open) byId("help").showModal();
}

const keysOf = (text) => text.split(" ").map((key) => (key === "…" ? " … " : el("kbd", { text: key })));
