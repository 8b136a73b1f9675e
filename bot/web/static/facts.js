// The day's facts beside the price.

import { byId, el } from "./dom.js";
import { price as priceText, usd } from "./format.js";

/** Keep the facts of the market in step. */
export function startFacts(app) {
  const show = () => {
    const { market } = app;
    const rows = [
      ["24h range", market.low_24h && market.high_24h ? `${priceText(market.low_24h)} – ${priceText(market.high_24h)}` : ""],
      ["24h volume", market.volume_24h_usd ? usd(market.volume_24h_usd) : ""],
      ["Open interest", market.open_interest_usd ? usd(market.open_interest_usd) : ""],
    ].filter(([, value]) => value);
    byId("facts").replaceChildren(...rows.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value }))));
    byId("bubbles-about").textContent = app.source.kind === "replay" ? "none in a replay" : "";
  };
  for (const name of ["zones", "chosen", "hello"]) app.addEventListener(name, show);
  show();
}
