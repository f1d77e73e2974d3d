"use strict";
const byId = id => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const options = { responsive: true, displaylogo: false, displayModeBar: false };

function fill(select, names) {
  select.replaceChildren(...names.map((name, i) => new Option(name, i)));
}

function onTheme(draw) { dark.addEventListener("change", draw); }

function themed(layout) {
  const ink = colour("--ink"), line = colour("--line");
  const axis = { gridcolor: line, zerolinecolor: line, color: ink };
  return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
    margin: { l: 55, r: 10, t: 10, b: 45 }, ...layout,
    xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis } };
}

function spaceOf(range) {
  const axis = i => ({ range: range[i], showbackground: false, gridcolor: colour("--line"),
    zeroline: false, color: colour("--soft"), title: { text: "" }, dtick: 500, showticklabels: false });
  return { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), aspectmode: "data",
    camera: { eye: { x: 0.9, y: 1.5, z: 0.35 } } };
}

// A skeleton in space: points as flat [right, forward, up, ...] in mm; one trace a colour.
function skeleton(points, bones, joints, colourOf, width, name) {
  const traces = {};
  for (const [start, end] of bones) {
    const [a, b] = [joints.indexOf(start), joints.indexOf(end)], c = colourOf(end);
    const t = traces[c] ??= { type: "scatter3d", mode: "lines", x: [], y: [], z: [], hoverinfo: "skip",
      line: { color: c, width }, showlegend: false, name };
    for (const i of [a, b]) { t.x.push(points[3 * i]); t.y.push(points[3 * i + 1]); t.z.push(points[3 * i + 2]); }
    t.x.push(null); t.y.push(null); t.z.push(null);
  }
  return Object.values(traces);
}
