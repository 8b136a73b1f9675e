// A picture of the chart as it stands, with what it shows and where it is from.

import { base, moment, price as priceText } from "./format.js";
import { byId } from "./dom.js";
import { gradientStops } from "./palette.js";
import { WINDOWS } from "./state.js";

const HEAD = 54;
const FOOT = 36;

/** Draw the picture and hand it to the browser to keep; null where there is nothing yet. */
export async function shoot(app) {
  const { chart, state, market } = app;
  if (!chart.heat) return null;
  const shot = chart.chart.takeScreenshot(true, false);
  const ratio = shot.width / Math.max(1, chart.chart.paneSize().width + chart.chart.priceScale("right").width());
  const canvas = document.createElement("canvas");
  canvas.width = shot.width;
  canvas.height = shot.height + Math.round((HEAD + FOOT) * ratio);
  const pen = canvas.getContext("2d");
  pen.fillStyle = chart.look.ground;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(shot, 0, Math.round(HEAD * ratio));
  pen.scale(ratio, ratio);
  const width = canvas.width / ratio;
  head(pen, chart.look, titleOf(state.now, market), width);
  foot(pen, chart.look, width, canvas.height / ratio - FOOT);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `liqwatch-${base(state.now.symbol).toLowerCase()}-${state.now.window}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return { width: canvas.width, height: canvas.height, name: link.download, bytes: blob.size };
}

function titleOf(now, market) {
  const parts = [WINDOWS[now.window]];
  if (now.side !== "both") parts.push(`${now.side}s only`);
  if (now.exchanges.length) parts.push(now.exchanges.join(", "));
  if (now.leverage.length) parts.push(now.leverage.map((each) => `${each}x`).join(" "));
  const price = market.price ? ` $${priceText(market.price)}` : "";
  return { bold: `${base(now.symbol)}${price}`, rest: parts.join(" · ") };
}

function head(pen, look, { bold, rest }, width) {
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.fillStyle = look.ink;
  pen.font = "700 20px Inter, sans-serif";
  pen.fillText(bold, 16, HEAD / 2);
  const after = 16 + pen.measureText(bold).width + 14;
  pen.fillStyle = look.dim;
  pen.font = "500 14px Inter, sans-serif";
  pen.fillText(rest, after, HEAD / 2 + 1);
  pen.textAlign = "right";
  const label = byId("source").textContent || moment(Date.now());
  pen.fillText(label, width - 16, HEAD / 2 + 1);
}

function foot(pen, look, width, top) {
  const middle = top + FOOT / 2;
  pen.font = "500 13px Inter, sans-serif";
  pen.textAlign = "left";
  pen.fillStyle = look.dim;
  const low = byId("legend-low").textContent;
  pen.fillText(low, 16, middle);
  const from = 16 + pen.measureText(low).width + 10;
  const ramp = pen.createLinearGradient(from, 0, from + 150, 0);
  for (const [at, colour] of gradientStops(look.palette, look.theme)) ramp.addColorStop(at, colour);
  pen.fillStyle = ramp;
  pen.fillRect(from, middle - 5, 150, 10);
  pen.fillStyle = look.dim;
  pen.fillText(`${byId("legend-high").textContent}  ${byId("legend-unit").textContent}`, from + 160, middle);
  pen.textAlign = "right";
  pen.fillText("Liqwatch · estimates from public data, not advice · charting by TradingView", width - 16, middle);
}
