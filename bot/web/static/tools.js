// What is chosen by hand: window, columns, sides, leverages, colours; and the parts that come after the first picture.

import { byId, el, markRadio, memory, wireRadio } from "./dom.js";
import { Exchanges } from "./exchanges.js";
import { startFacts } from "./facts.js";
import { startKeys } from "./keys.js";
import { startOffline } from "./keep.js";
import { startSearch } from "./search.js";
import { startTable } from "./table.js";
import { WINDOWS, isPossible, LEVERAGES } from "./state.js";
import { ZoneList } from "./zonelist.js";

const GAP_PX = 8;

/** Start everything that the first picture did not need. */
export function startTools(app) {
  startSwitches(app);
  startLeverage(app);
  startLayers(app);
  startMenus();
  app.exchanges = new Exchanges(app);
  app.list = new ZoneList(app);
  app.search = startSearch(app);
  app.table = startTable(app);
  app.shoot = async () => (await import("./shoot.js")).shoot(app);
  byId("shoot").addEventListener("click", () => app.shoot());
  byId("fit").addEventListener("click", () => app.chart.fit());
  startFacts(app);
  startKeys(app);
  startOffline(app);
  const mark = () => marked(app.state.now);
  app.addEventListener("chosen", mark);
  mark();
}

function startSwitches({ state }) {
  for (const button of byId("windows").children) button.title = `The last ${WINDOWS[button.dataset.value]}`;
  wireRadio(byId("windows"), (window) => state.change({ window }));
  wireRadio(byId("intervals"), (interval) => state.change({ interval }));
  wireRadio(byId("sides"), (side) => state.change({ side }));
  wireRadio(byId("palettes"), (palette) => state.change({ palette }, { replace: true }));
  wireRadio(byId("themes"), (theme) => state.change({ theme }, { replace: true }));
}

function marked(now) {
  markRadio(byId("palettes"), now.palette);
  markRadio(byId("themes"), now.theme);
  for (const button of byId("intervals").children) {
    button.disabled = !isPossible(now.window, button.dataset.value);
    button.title = button.disabled ? `Too many columns for ${WINDOWS[now.window]}` : "";
  }
  byId("leverage-text").textContent = now.leverage.length ? now.leverage.map((each) => `${each}x`).join(" ") : "all";
  byId("leverage-open").classList.toggle("on", now.leverage.length > 0);
  for (const chip of byId("leverage-chips").children) chip.setAttribute("aria-pressed", String(now.leverage.includes(Number(chip.dataset.value))));
  const count = (now.interval !== "auto") + (now.side !== "both") + (now.leverage.length > 0) + (now.exchanges.length > 0);
  byId("filters-count").hidden = !count;
  byId("filters-count").textContent = count;
}

function startLeverage({ state }) {
  const toggle = (each) => {
    const { leverage } = state.now;
    const next = leverage.includes(each) ? leverage.filter((other) => other !== each) : [...leverage, each].sort((a, b) => a - b);
    state.change({ leverage: next.length === LEVERAGES.length ? [] : next });
  };
  byId("leverage-chips").replaceChildren(...LEVERAGES.map((each) =>
    el("button", { type: "button", text: `${each}x`, "aria-pressed": "false", data: { value: each }, on: { click: () => toggle(each) } })));
  byId("leverage-all").addEventListener("click", () => state.change({ leverage: [] }));
}

/** Let each layer over the heatmap be hidden, and remember it. */
function startLayers({ layers }) {
  for (const box of byId("layers").querySelectorAll("input")) {
    const { layer } = box.dataset;
    box.checked = memory.get(`layer.${layer}`) !== "hidden";
    if (!box.checked) layers.toggle(layer, false);
    box.addEventListener("change", () => {
      memory.set(`layer.${layer}`, box.checked ? "shown" : "hidden");
      layers.toggle(layer, box.checked);
    });
  }
}

/** Put each menu under its button, within the window. */
function startMenus() {
  for (const menu of document.querySelectorAll(".menu")) {
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    menu.addEventListener("toggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState !== "open") return;
      const under = button.getBoundingClientRect();
      const left = Math.max(GAP_PX, Math.min(under.left, innerWidth - menu.offsetWidth - GAP_PX));
      const below = under.bottom + 6;
      const top = below + menu.offsetHeight > innerHeight - GAP_PX ? Math.max(GAP_PX, under.top - menu.offsetHeight - 6) : below;
      menu.style.left = `${left}px`;
      menu.style.top = `${top}px`;
      menu.querySelector("[tabindex='0'], button, input")?.focus({ preventScroll: true });
    });
  }
  const filters = byId("filters-toggle");
  filters.addEventListener("click", () => {
    const open = filters.getAttribute("aria-expanded") !== "true";
    filters.setAttribute("aria-expanded", String(open));
    byId("filters").dataset.open = String(open);
  });
}
