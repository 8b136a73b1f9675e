// Decode messages with the page's own decoder: node decoded.mjs DECODER FILE prints a line for each, "refused" or a digest.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const { decode } = await import(process.argv[2]);
const file = readFileSync(process.argv[3]);

function digest({ header, ts, open, high, low, close, long, short }) {
  const sha = createHash("sha256");
  for (const row of [ts, open, high, low, close]) {
    const plain = Float64Array.from(row, (n) => (Number.isNaN(n) ? -1 : n));
    sha.update(Buffer.from(plain.buffer));
  }
  sha.update(long).update(short);
  const whole = long.length === header.columns * header.bins && short.length === long.length;
  return whole && ts.length === header.columns ? sha.digest("hex") : "of another size";
}

for (let at = 0; at < file.length; ) {
  const size = file.readUInt32LE(at);
  const message = file.buffer.slice(file.byteOffset + at + 4, file.byteOffset + at + 4 + size);
  at += 4 + size;
  console.log(await decode(message).then(digest, () => "refused"));
}
