// Colours of the heatmap: the same stops and curve as the pictures in the chat.

export const GROUND = "#0a0d1a";
export const UP = "#34f5b0";
export const DOWN = "#ff4d6a";
export const OUTLINE = "#05070f";
export const INK = "#ffffff";
export const LONG = "#ff8a94";
export const SHORT = "#5ff0c0";
export const PILL = "#060812";
const GAMMA = 2.1;
const STOPS = [
  [0, GROUND], [0.18, "#1b1440"], [0.36, "#3d1a6e"], [0.52, "#7a1f7c"],
  [0.66, "#c2356b"], [0.79, "#f2674a"], [0.9, "#ffb13d"], [1, "#fff9c4"],
];

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Return the colour (packed ABGR) at `x`, 0 to 1 on the log scale between bottom and top. */
function colourAt(x) {
  const y = Math.min(1, Math.max(0, x)) ** GAMMA;
  let k = 0;
  while (k < STOPS.length - 2 && y > STOPS[k + 1][0]) k++;
  const [from, a] = STOPS[k];
  const [to, b] = STOPS[k + 1];
  const f = (y - from) / (to - from);
  const low = rgb(a);
  const [r, g, bl] = rgb(b).map((v, i) => Math.round(low[i] + (v - low[i]) * f));
  return ((255 << 24) | (bl << 16) | (g << 8) | r) >>> 0;
}

/** Return the dollars of every code of a scale; code 0 is nothing. */
export function dollarsOf(scale) {
  const step = Math.log(scale.high / scale.low) / 254;
  return Float64Array.from({ length: 256 }, (_, c) => (c ? scale.low * Math.exp((c - 1) * step) : 0));
}

const SHADES = 1024;
const RAMP = Uint32Array.from({ length: SHADES }, (_, i) => colourAt(i / (SHADES - 1)));

/** Return a function that gives the colour of dollars on a scale. */
export function colourOf(scale) {
  const reach = (SHADES - 1) / Math.log(scale.top / scale.bottom);
  const { bottom } = scale;
  return (dollars) => {
    if (dollars <= bottom) return RAMP[0];
    const shade = Math.log(dollars / bottom) * reach;
    return RAMP[shade >= SHADES - 1 ? SHADES - 1 : shade | 0];
  };
}
