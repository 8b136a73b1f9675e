// Draw answers and alerts as cards. Everything a server sends is set as text; addresses are checked.

import { byId, el } from "./dom.js";
import { base, moment } from "./format.js";

const SEVERITY = { info: "Info", warning: "Warning", critical: "Critical" };

/** Return an address that may be followed: of this page, or http(s) elsewhere; undefined for anything else. */
function safe(url) {
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const paragraphs = (text) => (text ? text.split(/\n+/).map((line) => el("p", { text: line })) : []);

export function said(line) {
  return el("p", { class: "said", text: line });
}

/** Return the card of a reply. `on` = { press(action, card), command(line), choose(symbol, window) }. */
export function replyCard(reply, on) {
  const card = el("article", { class: "card", data: { tone: reply.error ? "bad" : reply.tone } });
  fillReply(card, reply, on);
  return card;
}

function fillReply(card, reply, on) {
  if (reply.title) card.append(el("h3", { text: reply.title }));
  if (reply.error) card.append(el("p", { class: "wrong", text: reply.error }));
  card.append(...paragraphs(reply.text));
  for (const image of reply.images) card.append(picture(image));
  if (reply.fields.length) card.append(fields(reply.fields));
  if (reply.table?.rows.length) card.append(table(reply.table));
  for (const file of reply.files) card.append(download(file));
  if (reply.example) card.append(el("div", { class: "buttons" }, example(reply.example, on)));
  card.append(...buttonRows(reply.buttons, card, on));
  if (reply.notice) card.append(el("p", { class: "notice", text: reply.notice }));
}

/** Return the card of an alert. */
export function alertCard(alert, on) {
  const card = el("article", {
    class: `card alert${alert.unread ? " unseen" : ""}`,
    role: alert.severity === "critical" && !alert.inbox ? "alert" : undefined,
    data: { severity: alert.severity, alert: alert.alert, delivery: alert.delivery, revision: alert.revision },
  });
  const meta = el("div", { class: "meta" },
    el("span", { class: "chip", text: SEVERITY[alert.severity] ?? alert.severity }),
    el("span", { text: base(alert.symbol) }), el("span", { text: moment(alert.market_ms) }));
  if (alert.folded) meta.append(el("span", { text: `×${alert.folded + 1}` }));
  card.append(meta, el("h3", { text: alert.title }), ...paragraphs(alert.text));
  if (alert.image) card.append(picture(alert.image));
  card.append(...buttonRows([alert.buttons.flat()], card, on));
  const notes = [alert.text.includes(alert.label) ? "" : alert.label, alert.note, alert.late_s ? `${Math.round(alert.late_s / 60)} min late` : ""];
  const notice = notes.filter(Boolean).join(" · ");
  if (notice) card.append(el("p", { class: "notice", text: notice }));
  return card;
}

/** Return the card that stands while an answer is on its way. */
export function pendingCard() {
  return el("article", { class: "card pending", text: "Working on it" });
}

export function errorCard(message, again) {
  const card = el("article", { class: "card", data: { tone: "bad" } }, el("p", { class: "wrong", text: message }));
  if (again) card.append(el("div", { class: "buttons" }, el("button", { type: "button", text: "Try again", on: { click: again } })));
  return card;
}

/** Return the first card a newcomer sees: three ways to begin. */
export function hintCard(command, symbol) {
  const coin = base(symbol).toLowerCase();
  const item = (label, line, style) =>
    el("li", {}, el("button", { type: "button", class: style, on: { click: () => command(line) } }, label, el("span", { text: line })));
  return el("article", { class: "card hint" },
    el("h2", { text: "Ask, and be told" }),
    el("p", { text: "Commands work here as they do in chat. Alerts arrive here while the page is open." }),
    el("ul", {},
      item("See a heatmap", `/heatmap ${coin}`, "primary"),
      item("Be alerted near zones", `/watch ${coin}`),
      item("What else can I ask?", "/help")));
}

/** Return the same three ways as short buttons, for the closed sheet of a phone. */
export function quickButtons(command, symbol) {
  const coin = base(symbol).toLowerCase();
  const lines = { Heatmap: `/heatmap ${coin}`, "Alert me": `/watch ${coin}`, Help: "/help" };
  return Object.entries(lines).map(([label, line]) =>
    el("button", { type: "button", class: label === "Heatmap" ? "primary" : undefined, text: label, on: { click: () => command(line) } }));
}

function picture(image) {
  const url = safe(image.url);
  if (!url || url.origin !== location.origin) return null;
  const shown = el("img", {
    src: url.href, alt: image.alt, loading: "lazy", decoding: "async",
    width: image.width || undefined, height: image.height || undefined,
  });
  const button = el("button", { type: "button", class: "shot", title: "Enlarge", on: { click: () => enlarge(url.href, image) } }, shown);
  shown.addEventListener("error", () => button.replaceWith(el("p", { class: "notice", text: "The picture is no longer kept: ask again." })));
  return button;
}

function enlarge(url, image) {
  const shown = byId("lightbox-image");
  shown.src = url;
  shown.alt = image.alt;
  const save = byId("lightbox-save");
  save.href = url;
  save.download = image.name || "liqwatch.png";
  byId("lightbox").showModal();
}

function fields(pairs) {
  return el("dl", { class: "fields" }, ...pairs.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
}

function table({ headings, rows, numeric }) {
  const align = headings.map((heading) => (numeric.includes(heading) ? "num" : undefined));
  const cells = (tag, row) => row.map((text, i) => el(tag, { class: align[i], text, scope: tag === "th" ? "col" : undefined }));
  return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": headings.join(", ") },
    el("table", {},
      el("thead", {}, el("tr", {}, ...cells("th", headings))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells("td", row))))));
}

function download(file) {
  const url = safe(file.url);
  if (!url || url.origin !== location.origin) return null;
  const size = file.bytes > 1e6 ? `${(file.bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(file.bytes / 1e3)} kB`;
  return el("a", { class: "button file", href: url.href, download: file.name, text: `${file.name} · ${size}` });
}

function example(line, on) {
  return el("button", { type: "button", text: line, title: "Run this", on: { click: () => on.command(line) } });
}

function buttonRows(rows, card, on) {
  return rows.filter((row) => row.length).map((row) =>
    el("div", { class: "buttons" }, ...row.map((button) => (button.url ? link(button, on) : presser(button, card, on)))));
}

function presser(button, card, on) {
  return el("button", {
    type: "button", class: button.style === "plain" ? undefined : button.style, text: button.label,
    disabled: !button.action, on: { click: (event) => on.press(button.action, card, event.currentTarget) },
  });
}

/** A link to this page's own chart changes the chart; any other one opens beside the page. */
function link(button, on) {
  const url = safe(button.url);
  if (!url) return null;
  if (url.origin === location.origin && url.pathname === "/") {
    const symbol = url.searchParams.get("symbol");
    const show = () => on.choose(symbol, url.searchParams.get("window"));
    return el("button", { type: "button", text: button.label, on: { click: show } });
  }
  return el("a", { class: "button", href: url.href, target: "_blank", rel: "noopener noreferrer", text: button.label });
}
