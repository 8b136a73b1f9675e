// Numbers and times as people read them. Times are UTC throughout, and say so.

/** Return a number with thousands separated and exactly `digits` decimals. Intl would take longer than the first chart. */
export function fixed(value, digits) {
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${value < 0 ? "-" : ""}${grouped}${part ? `.${part}` : ""}`;
}

/** Return how many decimals a price of this size is shown with. */
export function priceDigits(price) {
  if (price >= 10000) return 0;
  if (price >= 1000) return 1;
  if (price >= 10) return 2;
  return Math.max(2, 4 - Math.floor(Math.log10(Math.max(price, 1e-8))));
}

export const price = (value) => fixed(value, priceDigits(Math.abs(value)));
export const finePrice = (value) => fixed(value, Math.min(8, priceDigits(Math.abs(value)) + 1));

/** Return dollars in short: $39M, $1.4M, $620K. */
export function usd(value) {
  if (!(value > 0)) return "$0";
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (value >= size * 0.9995) {
      const n = value / size;
      return `$${n >= 99.95 ? Math.round(n) : n >= 9.995 ? Math.round(n) : n.toFixed(1)}${letter}`;
    }
  }
  return `$${Math.round(value)}`;
}

export function percent(fraction, digits = 1) {
  const value = fraction * 100;
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(digits)}%`;
}

const pad = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function clock(ms) {
  const t = new Date(ms);
  return `${pad(t.getUTCHours())}:${pad(t.getUTCMinutes())}`;
}

/** Return the label of a time on the axis: the year, month or day where it begins, else the time. */
export function tick(seconds, kind) {
  const t = new Date(seconds * 1000);
  return [String(t.getUTCFullYear()), MONTHS[t.getUTCMonth()], String(t.getUTCDate())][kind] ?? clock(seconds * 1000);
}

export function moment(ms) {
  const t = new Date(ms);
  return `${MONTHS[t.getUTCMonth()]} ${t.getUTCDate()}, ${clock(ms)} UTC`;
}

export const base = (symbol) => symbol.replace(/USDT$/, "");

/** Return a step of price without needless decimals. */
export const stepText = (step) => (step >= 1 ? String(+step.toFixed(1)) : String(+step.toPrecision(2)));

/** Return how long something has been, in its largest unit: 4 min, 7 h, 3 d. */
export function age(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return "new";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** Return how far the nearer edge of a zone is from price, signed; 0 inside it. */
export function distanceOf(zone, price) {
  if (price >= zone.low && price <= zone.high) return 0;
  return (price < zone.low ? zone.low : zone.high) / price - 1;
}
