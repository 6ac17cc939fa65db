"use strict";
// The lists: tasks, interest table, blocking pool, the program's output, and the log of
// all events.

const TASKS_SHOWN = 12;
const ROWS_SHOWN = 16;
const LINES_SHOWN = 60;
const STATE_SIGNS = { polled: "▶ polled", ready: "● ready", waiting: "… suspended", done: "✓ ended", panicked: "✗ panicked", aborted: "✗ aborted", dropped: "✗ dropped" };

// ── tasks ─────────────────────────────────────────────────────────────────

const TASK_ROW = 23; // as in the style sheet

/** Those that are alive first, in the order of their spawns; of very many, a part. */
function drawTasks({ trace, state, sizes }) {
  const tasks = Object.values(state.tasks);
  const alive = tasks.filter((task) => !ENDED.has(task.state));
  const ended = tasks.filter((task) => ENDED.has(task.state)).reverse();
  const about = trace.about[state.n];
  const ordered = [...alive, ...ended];
  const rows = Math.max(2, sizes.tasks.rows);
  const shown = ordered.length <= rows ? ordered : someTasks(trace, state, ordered, rows - 1);
  const letters = Math.floor((sizes.tasks.width * 0.26 - 32) / 8);
  const waits = Math.floor((sizes.tasks.width * 0.74 - 150) / 6.6);
  fill("tasks", shown.map((task) => taskRow(trace, task, task.id === about, [letters, waits])), moreRow(ordered.length - shown.length));
}

/** Of too many tasks: who the event names, who has the thread; then the first in order. */
function someTasks(trace, state, ordered, most) {
  const named = namedAt(trace, state);
  const first = ordered.filter(({ id }) => named.has(id));
  const chosen = new Set([...first, ...ordered.filter(({ id }) => !named.has(id))].slice(0, most));
  return ordered.filter((task) => chosen.has(task));
}

/** The tasks that an event is about, and the one that has the thread. */
function namedAt(trace, state) {
  const event = trace.events[state.n - 1];
  return new Set([...(event ? tasksTouched(state, event) : []), trace.about[state.n], state.polled].filter((id) => id !== null));
}

const moreRow = (count) => (count > 0 ? [el("tr", {}, el("td", { colspan: 4, class: "more" }, `and ${count} more`))] : []);

/** After all has been drawn: scrolls a table to the row that the event is about. */
function settleTable(id) {
  const row = byId(id).querySelector(".now");
  if (row) scrollToRows(byId(id).closest("div"), row, row);
}

/** What is waited for, where there is little room. */
function inFewer(wait) {
  if (wait.target !== undefined) return [task(wait.target), "’s end"];
  return waitPieces(wait).map((text) => text.replace("descriptor ", "fd ").replace("blocking job", "job"));
}

function taskRow(trace, { id, state, polls, waits }, now, [letters, widest]) {
  const past = state === "ready" && waits.length > 0;
  const prefix = past ? (widest > 24 ? "waited for " : "was: ") : "";
  const most = widest - prefix.length;
  const groups = state === "polled" ? [] : waitGroups(waits);
  const ways = [listed(groups.map((wait) => waitWithPlace(trace, wait)), 4), listed(groups.map(waitPieces), 4)];
  const fits = (words) => flat(trace, words).length <= most;
  const words = ways.find(fits) ?? listed(groups.map(inFewer), 2);
  return el(
    "tr",
    { class: `${now ? "now" : ""} ${ENDED.has(state) ? "ended" : ""}` },
    el("td", {}, chip(trace, id, {}, letters)),
    el("td", {}, STATE_SIGNS[state] ?? state),
    el("td", {}, polls),
    el("td", { class: past ? "past" : undefined, title: fits(ways[0]) ? undefined : flat(trace, ways[0]) }, prefix, rendered(trace, words, most - 8)),
  );
}

// ── interest table and blocking pool ──────────────────────────────────────

const WANTS = { r: "read", w: "write", rw: "both" };

function drawInterest({ trace, state, event }) {
  const waitingFor = new Map();
  for (const { id, waits, state: how } of Object.values(state.tasks)) {
    if (how === "waiting") for (const { fd } of waits) if (fd !== undefined) addTo(waitingFor, fd, id);
  }
  const rows = nearest(Object.values(state.watched), ({ fd }) => fd === event?.fd).map(({ fd, want, got }) => {
    const waiting = waitingFor.get(fd) ?? [];
    const signs = `${WANTS[want] ?? want}${got ? " ● now" : ""}`;
    const now = event?.fd === fd ? "now" : undefined;
    return el("tr", { class: now }, el("td", {}, fd), el("td", {}, signs), el("td", {}, waiting.map((id) => chip(trace, id, {}, 8))));
  });
  const more = Object.keys(state.watched).length - rows.length;
  fill("interest", rows.length ? rows : emptyRow("nothing is watched"), moreRow(more));
}

/** Of many rows, as many as are shown: so that the one that matters is among them. */
function nearest(rows, matters) {
  const first = Math.max(0, rows.findIndex(matters) - ROWS_SHOWN + 1);
  return rows.slice(first, first + ROWS_SHOWN);
}

function drawPool({ trace, state, event }) {
  const rows = nearest(Object.values(state.jobs), ({ job }) => job === event?.job).map(({ job, task: id, file, line, done }) => {
    const now = event?.job === job ? "now" : undefined;
    const place = placeText(trace, { file, line });
    const owner = id === undefined ? "" : chip(trace, id, {}, 8);
    return el("tr", { class: now }, el("td", {}, job, place && el("small", {}, ` ${place}`)), el("td", {}, done ? "✓ done" : "out"), el("td", {}, owner));
  });
  const more = Object.keys(state.jobs).length - rows.length;
  fill("pool", rows.length ? rows : emptyRow("no job is out"), moreRow(more));
}

const emptyRow = (text) => el("tr", {}, el("td", { colspan: 3, class: "empty" }, text));

// ── output ────────────────────────────────────────────────────────────────

function drawOutput({ trace, state, event }) {
  const lines = trace.printed.slice(Math.max(0, state.printed - LINES_SHOWN), state.printed);
  const items = lines.map((out) => {
    const button = el("button", { type: "button", "data-n": out.n, title: `event ${out.n}` }, String(out.text));
    return el("li", { class: out === event ? "now" : undefined }, button);
  });
  const nothing = trace.printed.length ? "nothing yet" : "none: only what glassloop::println! prints is recorded";
  fill("output", items.length ? items : el("li", { class: "empty" }, nothing));
}

const settleOutput = () => (byId("output").scrollTop = byId("output").scrollHeight);

// ── the event log ─────────────────────────────────────────────────────────

const ROW = 22;

/** The present event in the middle, as far as the ends of the list allow that. */
function drawLog({ trace, n, sizes }) {
  drawLogRows(trace, n, sizes, logTop(trace, n, sizes));
}

function logTop(trace, n, { logHeight }) {
  const lowest = trace.events.length * ROW - logHeight;
  return Math.max(0, Math.min((n - 0.5) * ROW - logHeight / 2, lowest));
}

const settleLog = ({ trace, n, sizes }) => (byId("log").scrollTop = logTop(trace, n, sizes));

/** Of twenty thousand rows, those that can be seen. */
function drawLogRows(trace, present, { logHeight }, top) {
  const first = Math.max(1, Math.floor(top / ROW));
  const last = Math.min(trace.events.length, first + Math.ceil(logHeight / ROW) + 2);
  const rows = [];
  for (let n = first; n <= last; n += 1) rows.push(logRow(trace, n, present));
  fill("rows", rows);
}

function logRow(trace, n, present) {
  const event = trace.events[n - 1];
  const text = flat(trace, inShort(trace, n));
  const button = el(
    "button",
    { type: "button", "data-n": n, tabindex: n === present ? 0 : -1, "aria-current": n === present && "step", title: text },
    el("small", {}, n),
    el("small", {}, clock(event.t)),
    ` ${text}`,
  );
  const kind = event.ev === "phase" ? "part" : n > present ? "later" : "";
  return el("li", { style: `top: ${(n - 1) * ROW}px`, class: kind }, button);
}
