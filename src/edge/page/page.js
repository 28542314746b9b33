// The live page: follows /api/stream, draws what it hears, and asks for details when they are opened.
"use strict";
const $ = (id) => document.getElementById(id);
const state = { names: [], health: [], incidents: [], metrics: [], about: null, time: null, before: null, rates: {} };
let cursor = -1, columns = 1, size = 16, waiting = false, known = new Set(), shown = "", order = [];

function set(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function follow() {
  const source = new EventSource("/api/stream");
  source.onmessage = (event) => {
    take(JSON.parse(event.data));
    $("link-mark").className = "on";
    set("link-text", "live");
  };
  source.onerror = () => {
    $("link-mark").className = "off";
    set("link-text", "not connected");
    // A refused stream is not tried again by the browser itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  };
}

function take(news) {
  if (news.about) {
    // The first message of a connection tells everything.
    state.about = news.about;
    state.metrics = news.metrics;
    state.names.length = state.health.length = 0;
    state.before = null;
    const words = { run: "next to Kafka", demo: "simulated fleet", replay: "replay" };
    set("about", `${news.about.name} · ${words[news.about.mode] || news.about.mode} · ${news.about.version}`);
  }
  for (const [at, name, health] of news.entities) {
    state.names[at] = name;
    state.health[at] = health;
  }
  state.time = news.time_ms;
  set("t-entities", whole(news.known + news.left_out));
  set("t-time", clock(news.time_ms));
  if (news.incidents) {
    state.incidents = news.incidents;
    listIncidents();
  }
  if (news.entities.length || news.about) draw();
  pipeline(news.pipeline);
  refresh();
}

// ---- incidents

function card(incident) {
  const item = make("li"), button = make("button", null, incident.severity);
  button.type = "button";
  const head = make("span", null, "name");
  head.append(make("span", incident.severity, "badge"), document.createTextNode(shorten(incident.entity, 80)));
  const when = incident.open ? `for ${span(incident.until_ms - incident.since_ms)}, since ${clock(incident.since_ms)}` : `${clock(incident.since_ms)}, for ${span(incident.until_ms - incident.since_ms)}`;
  button.append(head, make("span", incident.why || "", "why"), make("span", when, "when"));
  if (incident.action) button.append(make("span", "→ " + incident.action, "do"));
  button.addEventListener("click", () => go("incident", incident.id));
  if (!known.has(incident.id)) item.className = "new";
  known.add(incident.id);
  item.append(button);
  item.dataset.incident = incident.id;
  return item;
}

function fill(list, incidents) {
  // Whoever is about to press a button keeps it.
  const focused = document.activeElement && document.activeElement.closest("[data-incident]");
  const kept = focused && list.contains(focused) ? focused.dataset.incident : null;
  list.replaceChildren(...incidents.map(card));
  if (kept) for (const item of list.children) if (item.dataset.incident === kept) item.firstChild.focus();
}

function listIncidents() {
  const open = state.incidents.filter((incident) => incident.open), over = state.incidents.filter((incident) => !incident.open);
  fill($("open"), open);
  fill($("over"), over);
  $("no-incidents").hidden = open.length > 0;
  $("over-box").hidden = over.length === 0;
  set("over-count", String(over.length));
  set("t-open", String(open.length));
  document.title = open.length ? `(${open.length}) Tidewatch` : "Tidewatch";
}

// ---- fleet

function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}

function paint() {
  const canvas = $("grid"), box = $("grid-box"), count = state.names.length;
  const width = box.clientWidth - 16, scale = window.devicePixelRatio || 1;
  size = count > 4000 ? 8 : count > 800 ? 11 : count > 200 ? 16 : 22;
  columns = Math.max(1, Math.floor(width / size));
  const height = Math.max(size, Math.ceil(count / columns) * size);
  // The worst come first; among equals the order they were first heard of stays.
  order = [...state.names.keys()].sort((a, b) => Math.max(1, state.health[b]) - Math.max(1, state.health[a]) || a - b);
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const gap = size > 10 ? 3 : 1, totals = [0, 0, 0, 0, 0];
  order.forEach((at, place) => {
    cell(pen, (place % columns) * size, Math.floor(place / columns) * size, size - gap, state.health[at]);
    totals[state.health[at]] += 1;
  });
  if (cursor >= 0 && cursor < count) {
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2;
    pen.strokeRect((cursor % columns) * size - 1, Math.floor(cursor / columns) * size - 1, size - gap + 2, size - gap + 2);
  }
  legend(totals);
}

function legend(totals) {
  const list = $("legend");
  if (!list.children.length) {
    for (const health of [4, 3, 2, 1, 0]) {
      const item = make("li"), mark = make("canvas");
      mark.width = mark.height = 28;
      mark.setAttribute("aria-hidden", "true");
      item.append(mark, make("span"));
      item.dataset.health = health;
      list.append(item);
    }
  }
  for (const item of list.children) {
    const health = Number(item.dataset.health), pen = item.firstChild.getContext("2d");
    pen.clearRect(0, 0, 28, 28);
    cell(pen, 1, 1, 26, health);
    item.lastChild.textContent = `${HEALTH_WORDS[health]}: ${whole(totals[health])}`;
  }
}

function point(place) {
  cursor = Math.max(0, Math.min(order.length - 1, place));
  const at = order[cursor];
  set("hover", at === undefined ? "\u00a0" : `${shorten(state.names[at], 120)}: ${HEALTH_WORDS[state.health[at]]}`);
  draw();
}

function place(event) {
  const box = $("grid").getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left) / size), row = Math.floor((event.clientY - box.top) / size);
  return column >= 0 && column < columns ? row * columns + column : -1;
}

$("grid").addEventListener("mousemove", (event) => {
  const at = place(event);
  if (at >= 0 && at < order.length && at !== cursor) point(at);
});
$("grid").addEventListener("click", (event) => {
  const at = place(event);
  if (at >= 0 && at < order.length) go("entity", state.names[order[at]]);
});
$("grid").addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -order.length, End: order.length };
  if (event.key in steps) {
    event.preventDefault();
    point(cursor < 0 ? 0 : cursor + steps[event.key]);
  } else if (event.key === "Enter" && cursor >= 0 && cursor < order.length) {
    go("entity", state.names[order[cursor]]);
  }
});
$("find").addEventListener("input", () => {
  const wanted = $("find").value.trim().toLowerCase(), list = $("found");
  const hits = wanted ? state.names.filter((name) => name.toLowerCase().includes(wanted)).slice(0, 24) : [];
  list.hidden = !wanted;
  list.replaceChildren(...(hits.length ? hits.map((name) => {
    const item = make("li"), button = make("button", shorten(name, 60), "chip");
    button.addEventListener("click", () => go("entity", name));
    item.append(button);
    return item;
  }) : [make("li", "nothing of that name", "quiet")]));
});

// ---- pipeline

function pipeline(now) {
  const seconds = state.before ? (performance.now() - state.before.at) / 1000 : 0;
  const rate = (flow, what) => {
    const key = flow + what, total = (now.flows[flow] || {})[what] || 0;
    if (seconds > 0.2) {
      const last = ((state.before.flows[flow] || {})[what]) || 0, fresh = Math.max(0, total - last) / seconds;
      // Smoothed: commits come in lumps.
      state.rates[key] = state.rates[key] === undefined ? fresh : state.rates[key] * 0.5 + fresh * 0.5;
    }
    return state.rates[key];
  };
  const sum = (what) => Object.values(now.flows).reduce((all, flow) => all + (flow[what] || 0), 0);
  const detect = now.flows.detect || {};
  set("t-rate", whole(rate("detect", "readings")));
  set("t-findings", whole(detect.findings || 0));
  set("t-late", whole(sum("late")));
  set("t-rejected", whole(sum("rejected")));
  const lagOf = (flow) => now.tasks.filter((task) => task.flow === flow && task.lag !== null).reduce((all, task) => all + task.lag, 0);
  const busy = (flow) => now.tasks.filter((task) => task.flow === flow && !task.live).length;
  const real = state.about && state.about.mode === "run";
  const arrow = (flow, what, words) => ({ arrow: true, text: whole(rate(flow, what)) + "/s", words });
  const node = (name, lines, sick) => ({ name, lines, sick });
  const health = (flow) => (real ? [busy(flow) ? `${busy(flow)} restoring` : `lag ${whole(lagOf(flow))}`] : []);
  const parts = [node("input", [`${whole(state.about && state.about.routes ? (now.flows.route || {}).records : detect.records)} records`])];
  if (state.about && state.about.routes) {
    parts.push(arrow("route", "records", "records"), node("route", ["decode, key", ...health("route")], busy("route")));
    parts.push(arrow("route", "outputs", "readings"));
  } else parts.push(arrow("detect", "records", "records"));
  parts.push(node("detect", [`${whole((detect.opened || 0) - (detect.closed || 0))} windows open`, ...health("detect")], busy("detect")));
  parts.push(arrow("detect", "findings", "findings"));
  if (state.about && state.about.advises) parts.push(node("advise", ["recommend", ...health("advise")], busy("advise")), { arrow: true, text: "", words: "reports" });
  parts.push(node("reports", [`${whole(detect.incidents || 0)} incidents so far`]));
  diagram(parts);
  const reasons = Object.values(now.flows).flatMap((flow) => Object.entries(flow.rejected_by_reason || {}));
  const marks = now.tasks.map((task) => task.watermark_ms).filter((ms) => ms !== null);
  facts([
    ["windows closed", whole(detect.closed)],
    ["windows with a detector still learning", detect.closed ? Math.round((100 * detect.learning) / detect.closed) + " %" : "–"],
    ["event time is at", marks.length ? clock(Math.min(...marks)) : "–"],
    ...(real && marks.length ? [["watermark delay", span(Date.now() - Math.min(...marks))]] : []),
    ...(real ? [["commit, median", now.commit_ms.median === null ? "–" : figure(now.commit_ms.median) + " ms"], ["commit, most", now.commit_ms.most === null ? "–" : figure(now.commit_ms.most) + " ms"], ["commits", whole(now.commits)]] : []),
    ...(now.away ? [["workers without broker", whole(now.away)]] : []),
    ...Object.entries(now.aborted).map(([reason, count]) => [`aborted: ${reason}`, whole(count)]),
    ...reasons.map(([reason, count]) => [`rejected: ${reason}`, whole(count)]),
  ]);
  tasks(real ? now.tasks : []);
  if (!state.before || seconds > 0.2) state.before = { at: performance.now(), flows: now.flows };
}

function diagram(parts) {
  $("topology").replaceChildren(...parts.map((part) => {
    if (part.arrow) {
      const element = make("div", null, "arrow"), way = make("span", "⟶", "way");
      way.setAttribute("aria-hidden", "true");
      element.append(make("b", part.text), way, make("span", " " + part.words));
      return element;
    }
    const element = make("div", null, part.sick ? "node sick" : "node");
    element.append(make("strong", part.name), ...part.lines.map((line) => make("span", line)));
    return element;
  }));
}

function facts(rows) {
  $("facts").replaceChildren(...rows.map(([what, value]) => {
    const row = make("div");
    row.append(make("dt", what), make("dd", value));
    return row;
  }));
}

function tasks(all) {
  $("tasks-box").hidden = !all.length;
  set("task-count", String(all.length));
  if (all.length) table($("tasks"), ["task", "state", "#lag", "#next record", "#rows", "event time"], all.map((task) => [`${task.flow}-${task.partition}`, task.live ? "live" : `restoring, ${whole(task.restoring)} to go`, whole(task.lag), whole(task.next), whole(task.rows), clock(task.watermark_ms)]));
}

function table(element, heads, rows) {
  const row = (tag, cells) => {
    const line = make("tr");
    cells.forEach((text, at) => line.append(make(tag, tag === "th" ? text.replace("#", "") : text, heads[at].startsWith("#") ? "n" : heads[at] === "why" ? "why" : "")));
    return line;
  };
  element.replaceChildren(row("th", heads), ...rows.map((cells) => row("td", cells)));
  return element;
}

// ---- details

function go(what, name) {
  location.hash = `${what}=${encodeURIComponent(name)}`;
}

function back() {
  location.hash = "";
}

async function open() {
  const [what, name] = location.hash.slice(1).split("=");
  const is = (what === "incident" || what === "entity") && name;
  $("overview").hidden = Boolean(is);
  $("detail").hidden = !is;
  if (!is) {
    shown = "";
    draw();
    return;
  }
  const first = shown !== location.hash;
  shown = location.hash;
  const answer = await fetch(`/api/${what === "incident" ? "incidents" : "entities"}/${name}`).catch(() => null);
  if (shown !== location.hash) return;
  if (!answer || !answer.ok) {
    if (first) show([make("p", "It is not known, or no longer.", "quiet")], first);
    return;
  }
  const told = await answer.json();
  if (shown === location.hash) show(what === "incident" ? incidentParts(told) : entityParts(told), first);
}

function show(parts, first) {
  const button = make("button", "← Overview", "back");
  button.addEventListener("click", back);
  const had = document.activeElement && document.activeElement.className;
  // Whoever is about to speak is not interrupted.
  const kept = !first && $("detail").querySelector(".say");
  $("detail").replaceChildren(button, ...parts.map((part) => (kept && part.className === "say" ? kept : part)));
  if (first) { $("detail").focus(); scrollTo(0, 0); } else if (had === "back") button.focus();
}

// What is open is asked for again while the fleet moves, not more often than every 5 s.
let asked = 0;
function refresh() {
  if (shown && performance.now() - asked > 5000) {
    asked = performance.now();
    open();
  }
}

function incidentParts(incident) {
  const heading = make("h2", null, incident.severity);
  heading.append(make("span", incident.severity, "badge"), document.createTextNode(shorten(incident.entity, 200)));
  const state = incident.open ? "open" : "over";
  const line = make("p", `${state}, ${clock(incident.since_ms)} to ${clock(incident.until_ms)} (${span(incident.until_ms - incident.since_ms)}); ${whole(incident.anomalies)} anomalies in ${whole(incident.windows)} windows. `, "quiet");
  const link = make("a", "All metrics of the entity");
  link.href = `#entity=${encodeURIComponent(incident.entity)}`;
  line.append(link);
  const parts = [heading, line];
  if (incident.recommendations.length) {
    const list = make("ol", null, "do-list");
    for (const advice of incident.recommendations) {
      const item = make("li", advice.action);
      item.append(make("small", advice.benefit_estimate));
      list.append(item);
    }
    const source = incident.advice ? ` (${{ llm: "a language model", cache: "a language model, earlier", rules: "the runbook" }[incident.advice.source] || incident.advice.source})` : "";
    parts.push(make("h3", "What to do" + source), list);
  }
  for (const [words, services] of [["Offline", incident.offline], ["Degraded", incident.degraded]]) if (services.length) parts.push(make("p", `${words}: ${services.join(", ")}`));
  parts.push(...sayParts(incident.entity, incident));
  if (incident.plots.length) {
    const plots = make("div", null, "plots"), during = [incident.since_ms, incident.until_ms];
    plots.append(...incident.plots.map((one) => plot({ ...one, during })));
    parts.push(make("h3", "What was seen, and what was expected"), plots);
  }
  const shares = new Map();
  for (const reason of incident.reasons) for (const part of reason.contributions) shares.set(part.metric, (shares.get(part.metric) || 0) + part.share);
  if (shares.size) {
    const list = make("ul", null, "parts"), sum = [...shares.values()].reduce((all, share) => all + share, 0) || 1;
    for (const [metric, share] of [...shares].filter((one) => one[1] / sum >= 0.005).sort((a, b) => b[1] - a[1]).slice(0, 8)) {
      const item = make("li"), meter = make("meter");
      meter.value = share / sum;
      meter.setAttribute("aria-label", metric);
      item.append(make("span", metric, "name"), meter, make("span", Math.round((share / sum) * 100) + " %"));
      list.append(item);
    }
    parts.push(make("h3", "Contributing metrics, over the reasons below"), list);
  }
  if (incident.reasons.length) {
    const box = make("div", null, "scroll");
    box.append(table(make("table"), ["time", "metric", "#value", "#expected", "severity", "#score", "detector", "why"], incident.reasons.map((reason) => [reason.timestamp.replace("T", " ").replace("Z", ""), reason.metric, figure(reason.value), reason.expected ? `${figure(reason.expected.low)} – ${figure(reason.expected.high)}` : "", reason.severity, reason.score.toFixed(2), reason.detector, reason.description])));
    parts.push(make("h3", "Why"), box);
  }
  return parts;
}

function entityParts(entity) {
  const parts = [make("h2", shorten(entity.name, 256)), make("p", entity.health > 1 ? `An incident is open, severity ${HEALTH_WORDS[entity.health]}.` : HEALTH_WORDS[entity.health], "quiet")];
  if (entity.incidents.length) {
    const list = make("ul", null, "cards");
    list.append(...entity.incidents.map(card));
    parts.push(make("h3", "Incidents"), list);
  }
  const plots = make("div", null, "plots");
  for (const one of entity.series) {
    const points = one.means.map((mean, at) => [entity.times[at], mean]).filter((pair) => pair[1] !== null);
    plots.append(plot({ metric: one.metric, unit: one.unit, points }));
  }
  parts.push(...sayParts(entity.name, null), make("h3", "Metrics: the mean of each window"), plots);
  return parts;
}

addEventListener("hashchange", open);
addEventListener("resize", draw);
addEventListener("keydown", (event) => { if (event.key === "Escape" && location.hash) back(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
readColours();
follow();
open();
