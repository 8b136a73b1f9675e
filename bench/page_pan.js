// Pan the page's own chart over 1,000 columns of 500 bins while columns come in; return frames a second.
async (durationMs) => {
  const [{ Chart }, { lookOf }] = await Promise.all([import("/static/chart.js"), import("/static/palette.js")]);
  const [COLUMNS, BINS, STEP_MS, FIRST_TS, LOW, HIGH] = [1000, 500, 300000, 1760000100000, 100000, 125000];
  const scale = { low: 1000, high: 5e6, bottom: 10000, top: 2e6 };
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const level = Array.from({ length: BINS }, () => Math.floor(random() * 200));
  const frameOf = (first, columns) => {
    const frame = { header: { columns, bins: BINS, step_ms: STEP_MS, low: LOW, high: HIGH, scale }, ts: [], open: [], high: [], low: [], close: [] };
    frame.long = new Uint8Array(columns * BINS);
    frame.short = new Uint8Array(columns * BINS);
    for (let i = 0; i < columns; i++) {
      const at = 112500 + 6000 * Math.sin((first + i) / 90);
      const close = at + 400 * (random() - 0.5);
      frame.ts.push(FIRST_TS + (first + i) * STEP_MS);
      frame.open.push(at);
      frame.close.push(close);
      frame.high.push(Math.max(at, close) + 150);
      frame.low.push(Math.min(at, close) - 150);
      for (let p = 0; p < BINS; p++) {
        const below = LOW + (p * (HIGH - LOW)) / BINS < at;
        (below ? frame.long : frame.short)[i * BINS + p] = level[p] + Math.floor(random() * 12);
      }
    }
    return frame;
  };
  document.body.replaceChildren();
  const host = document.body.appendChild(document.createElement("div"));
  Object.assign(host.style, { position: "fixed", inset: "0" });
  const chart = new Chart(host, lookOf("inferno", "dark"), { point() {} });
  chart.show(frameOf(0, COLUMNS));
  chart.zoom(0.5);
  await new Promise((done) => setTimeout(done, 500));
  let [frames, columns, told] = [0, COLUMNS, 0];
  const began = performance.now();
  for (let now = began; now - began < durationMs;) {
    now = await new Promise(requestAnimationFrame);
    chart.pan(Math.sin(frames / 40) * 0.01);
    if (now - told > 100) {
      chart.add(frameOf(columns - 1, 2));
      columns += 1;
      told = now;
    }
    frames += 1;
  }
  return (frames * 1000) / (performance.now() - began);
}
