// Unpack the binary heatmap messages of docs/websocket.md. Throws where a message is damaged.

const MAGIC = 0x3157514c; // "LQW1"
const NO_PRICE = -1;

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

/** Return codes column by column, undoing the differences that are stored bin by bin. */
function surface(body, offset, columns, bins) {
  const codes = new Uint8Array(columns * bins);
  for (let p = 0, from = offset; p < bins; p++) {
    let code = 0;
    for (let i = 0, to = p; i < columns; i++, to += bins) {
      code = (code + body[from++]) & 255;
      codes[to] = code;
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
  const { columns, bins } = header;
  if (body.length !== columns * (20 + 2 * bins)) throw new Error("heatmap message of a wrong length");
  const prices = (row) =>
    integers(body, row * 4 * columns, columns).map((n) => (n === NO_PRICE ? NaN : n * header.price_unit));
  return {
    header,
    ts: integers(body, 0, columns).map((s) => header.first_ts + s * 1000),
    open: prices(1),
    high: prices(2),
    low: prices(3),
    close: prices(4),
    long: surface(body, 20 * columns, columns, bins),
    short: surface(body, 20 * columns + columns * bins, columns, bins),
  };
}
