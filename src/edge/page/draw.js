// Drawing: cells of the fleet on a canvas, series as SVG. Names are only ever set as text.
"use strict";
const HEALTH = ["learning", "healthy", "low", "medium", "high"];
const HEALTH_WORDS = ["still learning", "healthy", "low", "medium", "high"];
const SVG = "http://www.w3.org/2000/svg";

function make(tag, content, name) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (content !== undefined && content !== null) element.textContent = String(content);
  return element;
}

function shorten(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function whole(value) {
  return value === undefined || value === null ? "–" : Math.round(value).toLocaleString("en");
}

function figure(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return size >= 10 ? value.toFixed(1) : size >= 0.1 || size === 0 ? value.toFixed(2) : size >= 0.0005 ? value.toFixed(4) : value.toExponential(1);
}

function clock(ms) {
  return ms === null || ms === undefined ? "–" : new Date(ms).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

function span(ms) {
  const minutes = Math.max(0, Math.round(ms / 60000));
  if (minutes < 120) return minutes + " min";
  return minutes < 2880 ? Math.round(minutes / 60) + " h" : Math.round(minutes / 1440) + " d";
}

let colours = [];
function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = HEALTH.map((name) => style.getPropertyValue("--cell-" + name).trim());
  colours.ink = style.getPropertyValue("--ink").trim();
  colours.card = style.getPropertyValue("--card").trim();
}

// Health is told by shape as well as by colour: a ring, a dot, a triangle, a diamond, a full square with a cross.
function cell(pen, x, y, size, health) {
  const middle = size / 2, cx = x + middle, cy = y + middle;
  pen.fillStyle = pen.strokeStyle = colours[health];
  if (size < 6) {
    pen.fillRect(x, y, size - 1, size - 1);
    return;
  }
  pen.beginPath();
  if (health === 0) {
    pen.lineWidth = Math.max(1, size / 8);
    pen.arc(cx, cy, size * 0.27, 0, 7);
    pen.stroke();
  } else if (health === 1) {
    pen.arc(cx, cy, size * 0.32, 0, 7);
    pen.fill();
  } else if (health === 2) {
    pen.moveTo(cx, y + 1); pen.lineTo(x + size - 1, y + size - 2); pen.lineTo(x + 1, y + size - 2);
    pen.fill();
  } else if (health === 3) {
    pen.moveTo(cx, y); pen.lineTo(x + size, cy); pen.lineTo(cx, y + size); pen.lineTo(x, cy);
    pen.fill();
  } else {
    pen.fillRect(x + 1, y + 1, size - 2, size - 2);
    pen.strokeStyle = colours.card;
    pen.lineWidth = Math.max(1, size / 9);
    pen.moveTo(x + size * 0.3, y + size * 0.3); pen.lineTo(x + size * 0.7, y + size * 0.7);
    pen.moveTo(x + size * 0.7, y + size * 0.3); pen.lineTo(x + size * 0.3, y + size * 0.7);
    pen.stroke();
  }
}

function shape(tag, attributes, name) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (name) element.setAttribute("class", name);
  return element;
}

// A series before its expected band; `during` marks the time of an incident, `marks` its anomalous values.
function plot({ metric, unit, points, marks, expected, during }) {
  const width = 420, height = 150, left = 50, right = 8, top = 8, bottom = 20;
  const box = make("figure");
  const caption = make("figcaption", metric + " ");
  caption.append(make("small", unit || ""));
  box.append(caption);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${metric} over time` });
  box.append(svg);
  const all = points.concat(marks || []);
  if (!all.length) {
    const text = shape("text", { x: left, y: height / 2 });
    text.textContent = "no values yet";
    svg.append(text);
    return box;
  }
  const values = all.map((point) => point[1]).concat(expected ? [expected.low, expected.high] : []);
  let low = Math.min(...values), high = Math.max(...values);
  const times = all.map((point) => point[0]), from = Math.min(...times), to = Math.max(...times);
  const first = low, last = high, margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  low -= margin; high += margin;
  const x = (ms) => left + (to > from ? (ms - from) / (to - from) : 0.5) * (width - left - right);
  const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - bottom - top);
  if (during) {
    const begin = x(Math.max(from, during[0])), end = x(Math.min(to, during[1]));
    svg.append(shape("rect", { x: begin, y: top, width: Math.max(1, end - begin), height: height - bottom - top }, "s-during"));
  }
  if (expected) {
    const band = shape("rect", { x: left, y: y(expected.high), width: width - left - right, height: Math.max(1, y(expected.low) - y(expected.high)) }, "s-band");
    const title = shape("title", {});
    title.textContent = `expected: ${figure(expected.low)} to ${figure(expected.high)}`;
    band.append(title);
    svg.append(band);
  }
  svg.append(shape("polyline", { points: points.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(" ") }, "s-series"));
  for (const [ms, value] of marks || []) svg.append(shape("circle", { cx: x(ms), cy: y(value), r: 3 }, "s-mark"));
  const words = (text, at, anchor) => {
    const element = shape("text", { x: at[0], y: at[1], "text-anchor": anchor });
    element.textContent = text;
    svg.append(element);
  };
  words(figure(last), [left - 5, y(last) + 4], "end");
  if (last > first) words(figure(first), [left - 5, y(first) + 4], "end");
  words(clock(from).slice(5, 16), [left, height - 5], "start");
  words(clock(to).slice(5, 16), [width - right, height - 5], "end");
  return box;
}
