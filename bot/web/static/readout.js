// What lies under the cross-hair, in words: when, at what price, how much, and on which exchanges.

import { byId, el } from "./dom.js";
import { moment, price as priceText, stepText, usd } from "./format.js";
import { colourOf, titleOf } from "./venues.js";

const MOST_PARTS = 4;
const share = (value) => `${value >= 0.995 ? 100 : value >= 0.1 ? Math.round(value * 100) : (value * 100).toFixed(1)}%`;

/** Show a point of the chart; `parts` are the exchanges' dollars at its price now. */
export function showPoint(point, parts, side, theme) {
  byId("readout").replaceChildren(...(point ? rowsOf(point, parts, side, theme) : []));
}

/** Return the same as one sentence, for those who move the cross-hair by keys. */
export function sentenceOf(point, parts) {
  const { cell } = point;
  const when = point.ts === null ? "now" : moment(point.ts);
  const stands = cell ? `longs ${usd(cell.long)}, shorts ${usd(cell.short)}` : "outside the heatmap";
  const split = parts.map((part) => `${part.title} ${share(part.share)}`).join(", ");
  return `${when}, ${point.text} dollars: ${stands}.${split ? ` Now ${split}.` : ""}`;
}

function rowsOf({ ts, text, cell, bar, report, newest }, parts, side, theme) {
  const when = ts === null ? "now" : moment(ts);
  const rows = [el("div", {}, el("span", { class: "dim", text: `${when}  ` }), el("b", { text: `$${text}` }))];
  if (report) rows.push(reportRow(report));
  if (cell) rows.push(cellRow(cell, side));
  if (cell && parts.length) rows.push(partsRow(parts, newest, theme));
  if (bar?.open !== undefined) {
    const prices = ["open", "high", "low", "close"].map((name) => `${name[0].toUpperCase()} ${priceText(bar[name])}`);
    rows.push(el("div", { class: "dim candle", text: prices.join("  ") }));
  }
  return rows;
}

function cellRow(cell, side) {
  const told = (name, dollars) => el("span", { class: name, text: `${name}s ${dollars ? usd(dollars) : "none"}` });
  const row = el("div", {});
  if (side !== "short") row.append(told("long", cell.long));
  if (side === "both") row.append(" · ");
  if (side !== "long") row.append(told("short", cell.short));
  row.append(el("span", { class: "dim", text: `  per $${stepText(cell.high - cell.low)}` }));
  return row;
}

function partsRow(parts, newest, theme) {
  const row = el("div", { class: "split" }, newest ? null : el("span", { class: "dim", text: "now " }));
  for (const part of parts.slice(0, MOST_PARTS)) {
    const dot = el("i", { class: "swatch", "aria-hidden": "true" });
    dot.style.background = colourOf(part.exchange, theme);
    row.append(el("span", {}, dot, ` ${part.title} ${share(part.share)}`));
  }
  return row;
}

function reportRow(report) {
  const words = `${report.side} liquidated: ${usd(report.usd)} at ${priceText(report.price)}, ${titleOf(report.venue)}`;
  return el("div", { class: report.side, text: words });
}
