"use strict";
// The lists: tasks, interest table, blocking pool, the program's output, and the log of
// all events.

const TASKS_SHOWN = 40;
const LINES_SHOWN = 200;
const STATE_SIGNS = { polled: "▶ polled", ready: "● ready", waiting: "… waiting", done: "✓ ended", panicked: "✗ panicked", aborted: "✗ aborted", dropped: "✗ dropped" };

// ── tasks ─────────────────────────────────────────────────────────────────

/** Those that are alive first, in the order of their spawns; of very many, a part. */
function drawTasks({ trace, state }) {
  const tasks = Object.values(state.tasks);
  const alive = tasks.filter((task) => !ENDED.has(task.state));
  const ended = tasks.filter((task) => ENDED.has(task.state)).reverse();
  const about = trace.about[state.n];
  const ordered = [...alive, ...ended];
  const place = ordered.findIndex((task) => task.id === about);
  const first = Math.max(0, Math.min(place - TASKS_SHOWN / 2, ordered.length - TASKS_SHOWN));
  const shown = ordered.slice(first, first + TASKS_SHOWN);
  const behind = ordered.length - first - shown.length;
  fill("tasks", moreRow(first), shown.map((task) => taskRow(trace, task, task.id === about)), moreRow(behind));
  bringIntoSight("tasks");
}

const moreRow = (count) => (count > 0 ? [el("tr", {}, el("td", { colspan: 4, class: "more" }, `and ${count} more`))] : []);

/** Scrolls a table to the row that the event is about. */
function bringIntoSight(id) {
  const row = byId(id).querySelector(".now");
  const box = byId(id).closest("div");
  if (row) scrollTo(box, row);
}

function taskRow(trace, { id, state, polls, waits }, now) {
  const waited = state === "polled" ? [] : waitGroups(waits);
  const words = listed(waited.map((wait) => taskWait(trace, wait)), 4);
  return el(
    "tr",
    { class: `${now ? "now" : ""} ${ENDED.has(state) ? "ended" : ""}` },
    el("td", {}, chip(trace, id)),
    el("td", {}, STATE_SIGNS[state] ?? state),
    el("td", {}, polls),
    el("td", {}, rendered(trace, words)),
  );
}

function taskWait(trace, wait) {
  const place = placeText(trace, wait);
  return [waitPieces(wait), place && ` · ${place}`].flat();
}

// ── interest table and blocking pool ──────────────────────────────────────

const WANTS = { r: "read", w: "write", rw: "both" };

function drawInterest({ trace, state, event }) {
  const rows = Object.values(state.watched).map(({ fd, want, got }) => {
    const waiting = Object.values(state.tasks).filter(({ waits }) => waits.some((wait) => wait.fd === fd));
    const signs = `${WANTS[want] ?? want}${got ? " ● ready" : ""}`;
    const now = event?.fd === fd ? "now" : undefined;
    return el("tr", { class: now }, el("td", {}, fd), el("td", {}, signs), el("td", {}, waiting.map(({ id }) => chip(trace, id))));
  });
  fill("interest", rows.length ? rows : emptyRow("nothing is watched"));
}

function drawPool({ trace, state, event }) {
  const rows = Object.values(state.jobs).map(({ job, what, task: id, done }) => {
    const now = event?.job === job ? "now" : undefined;
    const name = what ? `${job} ${what}` : job;
    const owner = id === undefined ? "" : chip(trace, id);
    return el("tr", { class: now }, el("td", {}, name), el("td", {}, done ? "✓ done" : "out"), el("td", {}, owner));
  });
  fill("pool", rows.length ? rows : emptyRow("no job is out"));
}

const emptyRow = (text) => el("tr", {}, el("td", { colspan: 3, class: "empty" }, text));

// ── output ────────────────────────────────────────────────────────────────

function drawOutput({ trace, state, event }) {
  const lines = trace.printed.slice(Math.max(0, state.printed - LINES_SHOWN), state.printed);
  const items = lines.map((out) => {
    const button = el("button", { type: "button", "data-n": out.n, title: `event ${out.n}` }, String(out.text));
    return el("li", { class: out === event ? "now" : undefined }, button);
  });
  fill("output", items.length ? items : el("li", { class: "empty" }, "nothing yet"));
  byId("output").scrollTop = byId("output").scrollHeight;
}

// ── the event log ─────────────────────────────────────────────────────────

const ROW = 22;

/** Scrolls the present event into the middle; the rows in sight are drawn then. */
function drawLog(view) {
  const box = byId("log");
  byId("rows").style.height = `${view.trace.events.length * ROW}px`;
  box.scrollTop = (view.state.n - 0.5) * ROW - box.clientHeight / 2;
  drawLogRows(view);
}

/** Of twenty thousand rows, those that can be seen. */
function drawLogRows({ trace, state }) {
  const box = byId("log");
  const first = Math.max(1, Math.floor(box.scrollTop / ROW) - 1);
  const last = Math.min(trace.events.length, first + Math.ceil((box.clientHeight || 300) / ROW) + 2);
  const rows = [];
  for (let n = first; n <= last; n += 1) rows.push(logRow(trace, n, state.n));
  fill("rows", rows);
}

function logRow(trace, n, current) {
  const event = trace.events[n - 1];
  const text = flat(trace, inShort(trace, n));
  const button = el(
    "button",
    { type: "button", "data-n": n, tabindex: n === current ? 0 : -1, "aria-current": n === current && "step", title: text },
    el("small", {}, span(event.t)),
    ` ${text}`,
  );
  const kind = event.ev === "phase" ? "part" : n > current ? "later" : "";
  return el("li", { style: `top: ${(n - 1) * ROW}px`, class: kind }, button);
}
