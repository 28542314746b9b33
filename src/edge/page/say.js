// What people say of findings, sent to /api/feedback; who may, /api/actions tells.
"use strict";
let actions = null, token = sessionStorage.getItem("token") || "";

async function mayI() {
  if (actions === null) actions = await fetch("/api/actions").then((answer) => answer.json()).catch(() => null);
  return actions;
}

// The buttons beside an incident, or an entity where there is none.
function sayParts(entity, incident) {
  const box = make("section", null, "say"), note = make("input"), said = make("p", "", "quiet");
  if (!state.about || !state.about.hears) return [];
  said.setAttribute("role", "status");
  const button = (words, why, objects, done) => {
    const one = make("button", words, "chip");
    one.type = "button";
    one.title = why;
    one.addEventListener("click", () => say(box, said, objects(), done));
    return one;
  };
  const remark = () => (note.value.trim() ? { note: note.value.trim().slice(0, 140) } : {});
  const row = make("div", null, "row");
  if (incident) {
    note.maxLength = 140;
    const label = make("label", "Why, in your words ", "find");
    label.append(note);
    const marks = (word) => incident.reasons.map((reason) => ({ tidewatch: word, entity, incident: incident.id, finding: { metric: reason.metric, value: reason.value, expected: reason.expected, contributions: reason.contributions.slice(0, 1) }, ...remark() }));
    row.append(
      button("This is expected", "Nothing like it is told of this entity any more; what is worse is", () => marks("expected"), "Nothing like it is told any more; what is worse is."),
      button("It was worth telling", "Kept for the next incident of this entity", () => [{ tidewatch: "confirmed", entity, incident: incident.id, ...remark() }], "Kept for the next incident."),
      label,
    );
  }
  // By the fleet's own time, which a simulation or a replay has of its own.
  const mute = (hours) => ({ tidewatch: "mute", entity, until: new Date((state.time || Date.now()) + hours * 3600000).toISOString() });
  for (const [words, hours] of [["Mute for an hour", 1], ["Mute for a day", 24]]) row.append(button(words, "Nothing is told of this entity meanwhile", () => [mute(hours)], `Nothing is told of ${shorten(entity, 60)} for ${hours} h.`));
  row.append(button("Unmute", "Ends every mute of this entity that was set here", () => [{ tidewatch: "unmute", entity }], "Mutes of it have ended."));
  box.append(make("h3", "What do you say?"), row, said);
  return [box];
}

async function say(box, said, objects, done) {
  if ((await mayI()) === "none") return void (said.textContent = "Nobody may speak here: the page can be reached from elsewhere, and TIDEWATCH_TOKEN is not set.");
  if (actions === "token" && !token) return ask(box, said, objects, done);
  said.textContent = "…";
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch("/api/feedback", { method: "POST", headers, body: JSON.stringify(objects) }).catch(() => null);
  if (answer && answer.status === 401) {
    token = "";
    return ask(box, said, objects, done);
  }
  if (answer && answer.ok && token) sessionStorage.setItem("token", token);
  said.textContent = !answer ? "Not connected." : answer.ok ? done : `Not taken: ${(await answer.text()).trim()}`;
}

function ask(box, said, objects, done) {
  if (box.querySelector("form")) return;
  const form = make("form", null, "row"), label = make("label", "Token ", "find"), input = make("input"), go = make("button", "Speak", "chip");
  input.type = "password";
  input.autocomplete = "off";
  label.append(input);
  form.append(label, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    token = input.value.trim();
    form.remove();
    if (token) say(box, said, objects, done);
  });
  said.textContent = "Whoever speaks here has to know the token (TIDEWATCH_TOKEN).";
  box.append(form);
  input.focus();
}
