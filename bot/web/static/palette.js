// Colours of the chart: the same stops and curve as the pictures in the chat, on dark and on light ground.

const GAMMA = 2.1;
const SHADES = 1024;
const DARK = "#0a0d1a";
const LIGHT = "#f8f9fc";

const INKS = {
  dark: {
    ground: DARK, ink: "#ffffff", text: "#c9cfde", grid: "#ffffff0d", hair: "#ffffff80", tag: "#2b3260", outline: "#05070f",
    pill: "#060812", long: "#ff8a94", short: "#5ff0c0", dim: "#a3abbf",
  },
  light: {
    ground: LIGHT, ink: "#10131f", text: "#3d465c", grid: "#10131f0f", hair: "#10131f80", tag: "#3b4265", outline: "#ffffff",
    pill: "#ffffff", long: "#b3123a", short: "#00694f", dim: "#566077",
  },
};
const RAMPS = {
  inferno: {
    dark: [[0, DARK], [0.18, "#1b1440"], [0.36, "#3d1a6e"], [0.52, "#7a1f7c"], [0.66, "#c2356b"], [0.79, "#f2674a"], [0.9, "#ffb13d"], [1, "#fff9c4"]],
    light: [[0, LIGHT], [0.16, "#e9e6f4"], [0.32, "#f6cfc0"], [0.48, "#f5a27a"], [0.62, "#e36464"], [0.76, "#b22d6e"], [0.89, "#6a1669"], [1, "#250a3c"]],
    candles: { dark: ["#34f5b0", "#ff4d6a"], light: ["#007a5c", "#c3113a"] },
  },
  cividis: {
    dark: [[0, DARK], [0.14, "#06204a"], [0.3, "#123f70"], [0.46, "#45526d"], [0.6, "#6f6e72"], [0.74, "#9c8f6c"], [0.87, "#d2b851"], [1, "#fff06a"]],
    light: [[0, LIGHT], [0.16, "#f3edcf"], [0.32, "#e6d68a"], [0.48, "#c3ad62"], [0.62, "#918468"], [0.76, "#62636e"], [0.89, "#2f4870"], [1, "#061a3e"]],
    candles: { dark: ["#ffffff", "#ff7a59"], light: ["#0b5cad", "#b3371b"] },
  },
  viridis: {
    dark: [[0, DARK], [0.16, "#2a1150"], [0.32, "#3f3a80"], [0.48, "#2f648d"], [0.62, "#218f8c"], [0.75, "#3bb873"], [0.88, "#a4da37"], [1, "#fdf58a"]],
    light: [[0, LIGHT], [0.16, "#edf3cf"], [0.32, "#c3e489"], [0.48, "#74c874"], [0.62, "#2f9f88"], [0.76, "#2b6a8c"], [0.89, "#433280"], [1, "#2b0a45"]],
    candles: { dark: ["#ffffff", "#ff5d8f"], light: ["#10131f", "#b3124f"] },
  },
};
export const PALETTES = Object.keys(RAMPS);

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Return 1,024 shades (packed ABGR) from nothing to most: the ramp bent as the pictures bend it. */
function shadesOf(ramp) {
  const stops = ramp.map(([at, colour]) => [at, ...rgb(colour)]);
  let k = 0;
  return Uint32Array.from({ length: SHADES }, (_, i) => {
    const y = (i / (SHADES - 1)) ** GAMMA;
    while (k < stops.length - 2 && y > stops[k + 1][0]) k++;
    const [from, to] = [stops[k], stops[k + 1]];
    const f = (y - from[0]) / (to[0] - from[0]);
    const mixed = (c) => Math.round(from[c] + (to[c] - from[c]) * f);
    return ((255 << 24) | (mixed(3) << 16) | (mixed(2) << 8) | mixed(1)) >>> 0;
  });
}

/** Return how the chart looks: inks, the candles' colours, and the heatmap's shades. */
export function lookOf(palette, theme) {
  const ramp = RAMPS[palette];
  const [up, down] = ramp.candles[theme];
  return { palette, theme, ...INKS[theme], up, down, shades: shadesOf(ramp[theme]) };
}

/** Return where along a legend each colour of a ramp lies, as it runs on the log scale: [[0 to 1, colour], …]. */
export const gradientStops = (palette, theme) => RAMPS[palette][theme].map(([at, colour]) => [at ** (1 / GAMMA), colour]);

/** Return the same as the CSS background of a legend. */
export const gradientOf = (palette, theme) =>
  `linear-gradient(90deg, ${gradientStops(palette, theme).map(([at, colour]) => `${colour} ${at * 100}%`).join(", ")})`;

/** Return the dollars of every code of a scale; code 0 is nothing. */
export function dollarsOf(scale) {
  const step = Math.log(scale.high / scale.low) / 254;
  return Float32Array.from({ length: 256 }, (_, c) => (c ? scale.low * Math.exp((c - 1) * step) : 0));
}

const one = new Float32Array(1);
const bits = new Uint32Array(one.buffer);
const keyOf = (dollars) => { one[0] = dollars; return bits[0] >>> 16; };

/**
 * Return the colour of dollars by the upper half of their float32 bits: steps of half a per cent, and no logarithm for
 * half a million cells.
 */
export function coloursOf(scale, shades) {
  const table = new Uint32Array(1 << 15).fill(shades[0]);
  const reach = (SHADES - 1) / Math.log(scale.top / scale.bottom);
  const end = keyOf(scale.top);
  for (let key = keyOf(scale.bottom); key <= end; key++) {
    bits[0] = key << 16;
    const shade = Math.log(one[0] / scale.bottom) * reach;
    table[key] = shades[Math.min(SHADES - 1, Math.max(0, Math.round(shade)))];
  }
  return table.fill(shades[SHADES - 1], end + 1);
}
