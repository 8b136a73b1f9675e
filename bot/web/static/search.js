// Change the market by typing: names, tickers and contract names are understood, the recent ones lead.

import { found, nameOf } from "./coins.js";
import { byId, el } from "./dom.js";
import { ask } from "./fetch.js";
import { base, percent, price as priceText } from "./format.js";
import { recentSymbols } from "./state.js";

const MOST = 60;

/** Start the search; returns a function that opens it. */
export function startSearch(app) {
  const dialog = byId("search");
  const input = byId("search-input");
  const list = byId("search-list");
  const facts = new Map();
  let at = 0;

  const rows = () => [...list.children].filter((row) => row.dataset.value);
  const choose = (symbol) => {
    dialog.close();
    if (symbol) app.state.change({ symbol });
  };
  const mark = (next) => {
    const all = rows();
    at = all.length ? (next + all.length) % all.length : 0;
    all.forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    all[at]?.scrollIntoView({ block: "nearest" });
    if (all[at]) input.setAttribute("aria-activedescendant", all[at].id);
    else input.removeAttribute("aria-activedescendant");
  };
  const show = () => {
    const recent = recentSymbols();
    const matches = found(input.value, app.symbols, recent).slice(0, MOST);
    list.replaceChildren(...matches.map((symbol, i) => rowOf(symbol, i, facts.get(symbol), !input.value && recent.includes(symbol), symbol === app.state.now.symbol)));
    if (!matches.length) list.replaceChildren(el("li", { class: "nothing", role: "option", "aria-disabled": "true", text: `Nothing here is called ${input.value.trim().slice(0, 24)}.` }));
    mark(0);
  };

  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) mark(at + step);
    else if (event.key === "Enter") choose(rows()[at]?.dataset.value);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => choose(event.target.closest("[data-value]")?.dataset.value));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  const open = async () => {
    if (dialog.open) return;
    input.value = "";
    show();
    dialog.showModal();
    input.focus();
    try {
      const answer = await (await ask("/api/symbols")).json();
      for (const row of answer.symbols) facts.set(row.symbol, row);
      app.symbols = answer.symbols.map((row) => row.symbol); // more may be read by now than when the line was opened
      if (dialog.open) show();
    } catch { /* the names alone will do */ }
  };
  byId("symbol").addEventListener("click", open);
  return open;
}

function rowOf(symbol, i, facts, recent, current) {
  const change = facts?.change_24h;
  return el("li", { role: "option", id: `market-${i}`, "aria-selected": "false", data: { value: symbol } },
    el("b", { text: base(symbol) }),
    el("span", { class: "name", text: [nameOf(symbol), current ? "shown now" : recent ? "recent" : ""].filter(Boolean).join(" · ") }),
    facts ? el("span", { class: "num", text: priceText(facts.price) }) : null,
    change === null || change === undefined ? null : el("span", { class: `num ${change < 0 ? "down" : "up"}`, text: percent(change, 2) }));
}
