(() => {
  const found = new Set();
  for (const canvas of document.querySelectorAll("#chart canvas")) {
    const { width, height } = canvas;
    if (width < 200 || height < 200) continue;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    for (let i = 0; i < pixels.length; i += 4 * 97) found.add(`${pixels[i]},${pixels[i + 1]},${pixels[i + 2]}`);
  }
  return found.size;
})()
