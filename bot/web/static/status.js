// Say how things stand: the light, the veil over the chart, the banner above it, where the data is from.

import { byId } from "./dom.js";

const WORDS = { slow: "slow", polling: "every few seconds", offline: "offline, trying again", connecting: "connecting" };
const TITLES = {
  live: "Every change comes as it happens",
  slow: "Answers come late",
  polling: "The stream cannot be had: this page asks every few seconds",
  offline: "Liqwatch does not answer; this page keeps trying",
  connecting: "Connecting to Liqwatch",
};
const SLOW = "This page takes in messages too slowly. What came meanwhile was left out; a fresh picture follows.";
const STALE = "Not connected. The chart stands still until Liqwatch answers again.";

let live = true;
let state = "connecting";

/** Show where the data is from, and when that is; a replay is never passed off as live. */
export function showSource(source) {
  const badge = byId("source");
  badge.hidden = !source.label;
  badge.textContent = source.label ?? "";
  badge.dataset.state = /paused|ended/.test(source.label) ? "paused" : "running";
  live = source.kind === "live";
  if (state === "live") byId("light-text").textContent = live ? "live" : "replaying";
}

/** Show how the connection is; `loaded` says that there is a chart to look at, `behind` that the page is left out. */
export function showState(next, loaded, behind = false) {
  state = next;
  const light = byId("light");
  light.dataset.state = next;
  light.title = TITLES[next];
  byId("light-text").textContent = next === "live" ? (live ? "live" : "replaying") : WORDS[next];
  banner("slow", behind && next === "slow" ? SLOW : "");
  const shown = veiled();
  if (next === "offline") veil(loaded ? "stale" : "loading", loaded ? STALE : "Waiting for Liqwatch to answer");
  else if (loaded && shown === "stale" && next !== "connecting") veil("none");
}

export const veiled = () => byId("veil").dataset.state;

/** Lay a veil over the chart: none, loading, stale, empty or error; `again` and `clear` offer a way out. */
export function veil(next, text = "", { clear = false } = {}) {
  byId("veil").dataset.state = next;
  byId("veil-text").textContent = text;
  byId("veil-retry").hidden = next !== "error";
  byId("veil-clear").hidden = !clear;
}

const said = new Map();

/** Say something above the chart until it is taken back with an empty text; `name` tells sayings apart. */
export function banner(name, text) {
  if (text) said.set(name, text);
  else said.delete(name);
  const words = [...said.values()].at(-1) ?? "";
  const node = byId("banner");
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}

/** Say something for a few seconds. */
export function mention(text, ms = 7_000) {
  banner("mention", text);
  clearTimeout(mention.timer);
  mention.timer = setTimeout(() => banner("mention", ""), ms);
}
