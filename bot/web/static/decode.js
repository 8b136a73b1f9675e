// Unpack the binary heatmap messages of docs/websocket.md. Throws where a message is damaged.

const MAGIC = 0x3257514c; // "LQW2"
const NO_PRICE = -1;
const GAP = 255; // as many cells that do not change, and no change after them
const MOST_CELLS = 1 << 24;

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return whole numbers from four planes of bytes, undoing the differences. */
function integers(body, offset, count) {
  const out = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = offset + i;
    sum += body[at] | (body[at + count] << 8) | (body[at + 2 * count] << 16) | (body[at + 3 * count] << 24);
    out[i] = sum;
  }
  return out;
}

/** Return by how much each cell's code differs from that of the column before: runs[i] times 0, then the next value. */
function changesOf(body, offset, runs, cells) {
  const changes = new Uint8Array(cells);
  let value = offset + runs;
  let at = 0;
  for (let i = offset; i < offset + runs; i++) {
    at += body[i];
    if (body[i] === GAP) continue;
    if (at >= cells) throw new Error("heatmap message with changes beyond its cells");
    changes[at++] = body[value++];
  }
  if (value !== body.length) throw new Error("heatmap message of a wrong length");
  return changes;
}

/** Return the code of the scale that is nearest to each level; where there are no levels codes are the scale's own. */
function codesOf({ low, high, levels }) {
  if (!levels) return null;
  const step = Math.log(high / low) / 254;
  const nearest = (level) => Math.min(255, Math.max(1, Math.round(Math.log(level / low) / step) + 1));
  return Uint8Array.from({ length: 256 }, (_, i) => (i && i <= levels.length ? nearest(levels[i - 1]) : 0));
}

/** Return codes column by column, adding up the changes that are stored bin by bin. */
function surface(changes, columns, bins, table) {
  const codes = new Uint8Array(columns * bins);
  for (let p = 0, from = 0; p < bins; p++) {
    let code = 0;
    for (let i = 0, to = p; i < columns; i++, to += bins) {
      code = (code + changes[from++]) & 255;
      codes[to] = table ? table[code] : code;
    }
  }
  return codes;
}

/**
 * Return a message as { header, ts, open, high, low, close, long, short }: times in ms, prices (NaN where there is no
 * candle), and codes of `header.columns` x `header.bins`, column after column.
 */
export async function decode(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new Error("not a heatmap message");
  const size = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const body = await inflate(new Uint8Array(buffer, 8 + size));
  const { columns, bins, runs } = header;
  const counts = [columns, bins, runs, MOST_CELLS - columns * bins, body.length - 20 * columns - runs];
  if (!counts.every((n) => Number.isInteger(n) && n >= 0)) throw new Error("heatmap message of a wrong length");
  const changes = changesOf(body, 20 * columns, runs, 2 * columns * bins);
  const table = codesOf(header.scale);
  const prices = (row) =>
    integers(body, row * 4 * columns, columns).map((n) => (n === NO_PRICE ? NaN : n * header.price_unit));
  return {
    header,
    ts: integers(body, 0, columns).map((s) => header.first_ts + s * 1000),
    open: prices(1),
    high: prices(2),
    low: prices(3),
    close: prices(4),
    long: surface(changes, columns, bins, table),
    short: surface(changes.subarray(columns * bins), columns, bins, table),
  };
}
