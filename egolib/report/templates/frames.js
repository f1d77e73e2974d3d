// The image of a frame of the gallery with the true (white) and the predicted joints on it.
const strips = new Map(), shown = [];
gallery.sequences.forEach((sequence, s) => {
  for (let i = 0; i < sequence.length; i++) shown.push([s, i]);
});

function stripOf(s) {
  if (!strips.has(s)) {
    const image = new Image();
    image.src = `images/${s}.webp`;
    strips.set(s, image);
  }
  return strips.get(s);
}

function drawPose(context, flat, visible, scale, width, colourOf, opacity) {
  const at = name => { const i = gallery.heatmap_joints.indexOf(name); return i < 0 || !visible(i) ? null :
    [(flat[2 * i] / 10 + 0.5) * scale, (flat[2 * i + 1] / 10 + 0.5) * scale, opacity(i)]; };
  for (const [start, end] of gallery.bones) {
    const a = at(start), b = at(end);
    if (!a || !b) continue;
    context.globalAlpha = Math.min(a[2], b[2]);
    context.strokeStyle = colourOf(end);
    context.lineWidth = width;
    context.lineCap = "round";
    context.beginPath(); context.moveTo(a[0], a[1]); context.lineTo(b[0], b[1]); context.stroke();
  }
  for (const name of gallery.heatmap_joints) {
    const p = at(name);
    if (!p) continue;
    context.globalAlpha = p[2];
    context.fillStyle = colourOf(name);
    context.beginPath(); context.arc(p[0], p[1], 1.5 * width, 0, 7); context.fill();
  }
  context.globalAlpha = 1;
}

function drawFrame(canvas, g, model) {
  const [s, i] = shown[g], strip = stripOf(s), context = canvas.getContext("2d");
  const paint = () => {
    if (canvas.wanted !== g) return;
    const side = canvas.width, predicted = gallery.models[model], scale = side / gallery.px;
    context.drawImage(strip, i * gallery.px, 0, gallery.px, gallery.px, 0, 0, side, side);
    drawPose(context, gallery.truth.px[g], j => gallery.inside[g][j], scale, 4, () => "#ffffff", () => 0.9);
    drawPose(context, predicted.px[g], () => true, scale, 2.5, name => gallery.colours[name],
      j => 0.25 + 0.75 * Math.min(1, predicted.confidence[g][j] / 100));
    canvas.dataset.frame = g;
  };
  canvas.wanted = g;
  if (strip.complete && strip.naturalWidth) paint(); else strip.addEventListener("load", paint, { once: true });
}
