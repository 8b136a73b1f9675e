// What stands now as a table: for those who cannot see the chart, and for copying.

import { byId, el } from "./dom.js";
import { base, percent, price as priceText, usd } from "./format.js";
import { titleOf } from "./venues.js";

const ROWS = 12; // steps of price on each side

/** Start the table; returns a function that opens it. */
export function startTable(app) {
  const dialog = byId("table");
  const show = () => {
    byId("table-title").textContent = `What stands now: ${base(app.state.now.symbol)}`;
    byId("table-body").replaceChildren(app.layers.profile.edges.length > 1 ? tableOf(app) : el("p", { text: "There is nothing to show yet." }));
  };
  const open = () => {
    show();
    if (!dialog.open) dialog.showModal();
  };
  app.addEventListener("profile", () => dialog.open && show());
  byId("table-open").addEventListener("click", open);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return open;
}

/** Return steps of price, highest first, with both sides' dollars, the distance, and each exchange's part. */
function tableOf({ layers: { profile }, market }) {
  const { edges, parts } = profile;
  const each = Math.max(1, Math.ceil((edges.length - 1) / (2 * ROWS)));
  const rows = [];
  for (let from = 0; from < edges.length - 1; from += each) {
    const to = Math.min(edges.length - 1, from + each);
    const sum = (name, some = parts) => some.reduce((total, part) => total + part[name].slice(from, to).reduce((a, b) => a + b, 0), 0);
    const [low, high, long, short] = [edges[from], edges[to], sum("long_profile_usd"), sum("short_profile_usd")];
    const away = market.price > high ? high / market.price - 1 : market.price < low ? low / market.price - 1 : 0;
    const split = parts.map((part) => usd(sum("long_profile_usd", [part]) + sum("short_profile_usd", [part])));
    rows.unshift([`${priceText(low)} – ${priceText(high)}`, usd(short), usd(long), away ? percent(away) : "price is here", ...split]);
  }
  const heads = ["Price", "Shorts", "Longs", "Away", ...parts.map((part) => titleOf(part.exchange))];
  const cells = (tag, row) => row.map((text, i) => el(tag, { class: i ? "num" : undefined, scope: tag === "th" ? "col" : undefined, text }));
  return el("table", {}, el("thead", {}, el("tr", {}, ...cells("th", heads))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells("td", row)))));
}
