"use strict";
// The player: it knows which event is shown, and what buttons, keys and address do.
//
//   start ─▶ readTrace ─▶ goTo(n) ─▶ stateAt(n) ─▶ every view draws
//               ▲            ▲
//           the page     buttons, keys, slider, clicks, #n=22 in the address

const player = { trace: null, n: 0, chosen: null, file: null, playing: null, sizes: null };

function start() {
  const trace = readTrace(byId("trace")?.textContent ?? "");
  player.trace = trace;
  showHeader(trace);
  makeWheel(trace);
  listen();
  measure();
  goTo(numberInAddress() ?? 1);
  const { events } = trace;
  // For tests, and for whoever opens the browser's console.
  window.glassloop = { ready: true, count: events.length, goTo, stateAt: (n) => stateAt(trace, n), text };
}

function text(n) {
  const { lead, why } = sentence(player.trace, n);
  return flat(player.trace, [...lead, " ", ...why]);
}

function showHeader({ header, events, sources, notices }) {
  const program = header.program ?? "a trace";
  document.title = `${program} – glassloop player`;
  fill("program", `${program}, ${header.clock === "virtual" ? "virtual" : "real"} clock`);
  fill("notice", notices.join(" "));
  byId("notice").hidden = notices.length === 0;
  byId("slider").max = Math.max(1, events.length);
  byId("rows").style.height = `${events.length * ROW}px`;
  fill("files", [...sources.keys()].map((file) => el("option", { value: file }, file)));
  byId("files").hidden = sources.size < 1;
  fill("chosen", el("option", { value: "" }, "this task"), chosenOptions());
  showTheme();
  showUsed(events);
}

/** What this program never uses takes less room. */
function showUsed(events) {
  const uses = (...kinds) => events.some(({ ev }) => kinds.includes(ev));
  document.body.classList.toggle("no-system", !uses("watch", "fdready", "job"));
  document.body.classList.toggle("no-output", !uses("out"));
}

/** As many tasks to choose from as a list can be read. */
function chosenOptions() {
  const ids = [...player.trace.tasks.keys()].slice(0, 200);
  return ids.map((id) => el("option", { value: id }, label(player.trace, id)));
}

// ── going to an event ─────────────────────────────────────────────────────

function goTo(n) {
  const { trace } = player;
  const wanted = Number.isFinite(n) ? Math.round(n) : 1;
  player.n = Math.min(Math.max(wanted, 1), trace.events.length);
  player.file = null;
  draw();
  followInAddress();
}

function draw() {
  const { trace, n, file, sizes } = player;
  const view = { trace, n, file, sizes, state: stateAt(trace, n), event: trace.events[n - 1] };
  for (const part of PARTS) part(view);
  // Asking where things are makes the browser lay out the page: once, when all is drawn.
  settleSource();
  ["interest", "pool"].forEach(settleTable);
  settleOutput();
  settleLog(view);
}

const PARTS = [
  drawSentence, drawPosition, drawLoop, drawSource, drawWheel, drawTasks,
  drawInterest, drawPool, drawOutput, drawLanes, drawLog,
];

/** How much room there is for what is drawn only as far as it can be seen. */
function measure() {
  const [lanes, log, queue, tasks] = ["lanes", "log", "queue", "tasks-room"].map(byId);
  const size = { width: lanes.clientWidth || 640, height: lanes.clientHeight || 190 };
  const isOneScreen = getComputedStyle(tasks).overflowY === "hidden";
  player.sizes = {
    lanes: size,
    logHeight: log.clientHeight || 300,
    queue: queue.clientWidth || 400,
    tasks: { rows: isOneScreen ? Math.floor(tasks.clientHeight / TASK_ROW) - 1 : TASKS_SHOWN, width: tasks.clientWidth || 400 },
  };
}

function resized() {
  measure();
  draw();
}

const LETTERS_IN_SENTENCE = 28;

function drawSentence({ trace, n }) {
  const { lead, why } = sentence(trace, n);
  fill("lead", rendered(trace, lead, LETTERS_IN_SENTENCE));
  fill("why", rendered(trace, why, LETTERS_IN_SENTENCE));
}

function drawPosition({ trace, n, state }) {
  const [count, time] = [trace.events.length, clock(state.t)];
  fill("position", el("b", {}, `event ${n}`), ` of ${count} · turn ${state.turn} · ${time}`);
  const slider = byId("slider");
  slider.value = n;
  slider.setAttribute("aria-valuetext", `event ${n} of ${count}, turn ${state.turn}, ${time}`);
}

/** Where each button leads, seen from event n. */
const WAYS = {
  first: () => 1,
  last: () => player.trace.events.length,
  back: (n) => n - 1,
  next: (n) => n + 1,
  turnBack: (n) => turnStart(turnStart(n) === n ? n - 1 : n),
  turnNext: (n) => nextWhere(n, (event, from) => event.turn !== from.turn) ?? player.trace.events.length,
  taskBack: (n) => ofTask().findLast((at) => at < n) ?? n,
  taskNext: (n) => ofTask().find((at) => at > n) ?? n,
};

function turnStart(n) {
  const { events } = player.trace;
  const turn = events[n - 1]?.turn;
  while (n > 1 && events[n - 2].turn === turn) n -= 1;
  return n;
}

function nextWhere(n, isIt) {
  const { events } = player.trace;
  const at = events.findIndex((event, index) => index >= n && isIt(event, events[n - 1]));
  return at < 0 ? undefined : at + 1;
}

/** The events of the chosen task; if none was chosen, of the one on the stage. */
function ofTask() {
  const { trace, n, chosen } = player;
  return trace.touching.get(chosen ?? trace.about[n] ?? 1) ?? [];
}

// ── playing ───────────────────────────────────────────────────────────────

function play(on) {
  clearInterval(player.playing);
  player.playing = on ? setInterval(playOn, 1000 / Number(byId("speed").value)) : null;
  byId("play").setAttribute("aria-label", on ? "Pause" : "Play");
  byId("play").classList.toggle("on", on);
  // Read aloud, one sentence would cut off the other.
  byId("sentence").setAttribute("aria-live", on ? "off" : "polite");
}

function playOn() {
  if (player.n < player.trace.events.length) goTo(player.n + 1);
  else play(false);
}

// ── buttons and keys ──────────────────────────────────────────────────────

const KEYS = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", PageUp: "turnBack", PageDown: "turnNext" };
const SHIFT_KEYS = { ArrowLeft: "taskBack", ArrowRight: "taskNext" };

function listen() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => goTo(numberInAddress() ?? player.n));
  window.addEventListener("resize", resized);
  byId("slider").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("speed").addEventListener("change", () => play(player.playing !== null));
  byId("chosen").addEventListener("change", (event) => (player.chosen = Number(event.target.value) || null));
  byId("files").addEventListener("change", (event) => { player.file = event.target.value; draw(); });
  byId("log").addEventListener("scroll", () => drawLogRows(player.trace, player.n, player.sizes, byId("log").scrollTop));
  byId("lanes").addEventListener("click", (event) => goToIfThere(eventAtColumn(event)));
  byId("theme").addEventListener("click", nextTheme);
  byId("play").addEventListener("click", () => play(player.playing === null));
}

function goToIfThere(n) {
  if (n >= 1 && n <= player.trace.events.length) goTo(n);
}

function onClick({ target }) {
  const button = target.closest("[data-go], [data-n]");
  if (button?.dataset.go) goTo(WAYS[button.dataset.go](player.n));
  else if (button?.dataset.n) goTo(Number(button.dataset.n));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
  const onButton = event.target.closest("button");
  if (event.key === " " && !onButton) play(player.playing === null);
  else if (!go((event.shiftKey ? SHIFT_KEYS : KEYS)[event.key])) return;
  event.preventDefault();
}

function go(way) {
  if (!way) return false;
  goTo(WAYS[way](player.n));
  return true;
}

// ── the address ───────────────────────────────────────────────────────────

function numberInAddress() {
  const number = /[#&]n=(\d+)/.exec(location.hash)?.[1];
  return number === undefined ? undefined : Number(number);
}

let addressTimer;

/** A little later, since browsers forbid to change the address many times a second. */
function followInAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    try {
      history.replaceState(null, "", `#n=${player.n}`);
    } catch {
      // It may be forbidden altogether; everything else works without.
    }
  }, 100);
}

// ── light and dark ────────────────────────────────────────────────────────

const THEMES = ["auto", "light", "dark"];

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "auto";
  document.documentElement.dataset.theme = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  showTheme();
}

function showTheme() {
  fill("theme", `theme: ${document.documentElement.dataset.theme ?? "auto"}`);
}

document.addEventListener("DOMContentLoaded", start);
