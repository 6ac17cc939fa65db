"use strict";
// The model: what the lines of a trace say, and how the loop stood after each event.
//
//   readTrace(text)    the lines, sorted: header, sources, events
//   stateAt(trace, n)  how everything stood right after event n
//
// It knows nothing of the page. A state follows from the events alone, so that a step
// back shows exactly what was there before.

/** So far apart are the states that are kept; what is between is worked out again. */
const CHECKPOINT_EVERY = 256;

// ── reading ───────────────────────────────────────────────────────────────

function readTrace(text) {
  const trace = { header: {}, sources: new Map(), events: [], notices: [] };
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  let unreadable = 0;
  lines.forEach((line, index) => {
    const object = readLine(line);
    if (object) sortIn(trace, object);
    else if (index === lines.length - 1) trace.notices.push(TORN);
    else unreadable += 1;
  });
  if (unreadable > 0) trace.notices.push(`Lines that could not be read: ${unreadable}.`);
  addNotices(trace);
  return indexed(trace);
}

const TORN = "The last line is torn: the program stopped while it was written.";

function readLine(line) {
  try {
    const object = JSON.parse(line);
    return object !== null && typeof object === "object" ? object : undefined;
  } catch {
    return undefined;
  }
}

function sortIn(trace, object) {
  if (object.ev === "source") trace.sources.set(String(object.file), String(object.text));
  else if (object.ev !== undefined) trace.events.push({ ...object, n: trace.events.length + 1 });
  else if (object.glassloop !== undefined) trace.header = { ...object, ...trace.header };
}

function addNotices(trace) {
  const last = trace.events.at(-1);
  if (!last) trace.notices.push("There are no events in this trace.");
  else if (last.ev === "cut") trace.notices.push("The trace was cut, the program was not.");
  else if (last.ev !== "end") {
    trace.notices.push("The trace has no end: the program was stopped, or is still running.");
  }
}

/** Goes once through all events, and keeps what is looked up again and again. */
function indexed(trace) {
  const state = emptyState();
  trace.tasks = new Map(); // a task's number → the event that made it
  trace.about = [null]; // per event: the task that it is about
  trace.touching = new Map(); // a task's number → the events that touch it
  trace.printed = []; // the events that print
  trace.checkpoints = [copyOf(state)];
  const began = beginnings(trace);
  for (const event of trace.events) {
    if (event.ev === "spawn") {
      trace.tasks.set(event.task, event);
      event.code = began.get(event.task);
    }
    if (event.ev === "out") trace.printed.push(event);
    const touched = tasksTouched(state, event);
    trace.about.push(touched[0] ?? null);
    for (const id of new Set(touched)) addTo(trace.touching, id, event.n);
    apply(state, event);
    if (event.n % CHECKPOINT_EVERY === 0) trace.checkpoints.push(copyOf(state));
  }
  return trace;
}

function addTo(lists, key, value) {
  if (!lists.has(key)) lists.set(key, []);
  lists.get(key).push(value);
}

/** The tasks that an event touches; first the one that it is about. */
function tasksTouched(state, event) {
  const through = state.timers[event.timer] ?? state.jobs[event.job];
  const by = /^task (\d+)$/.exec(event.by ?? "");
  const whose = event.task ?? through?.task ?? event.tasks?.[0] ?? state.polled ?? undefined;
  const tasks = [whose, ...(event.tasks ?? []), event.target];
  return [...tasks, by ? Number(by[1]) : undefined].filter((id) => id !== undefined);
}

// ── states ────────────────────────────────────────────────────────────────

function emptyState() {
  return {
    n: 0,
    t: 0,
    turn: 0,
    phase: "outside", // or io, timers, ready
    asleep: null, // or { us }: parked, for so long at most
    polled: null, // the task that has the thread
    queue: [], // the tasks that are ready, the front first
    snapshot: null, // in phase ready: how many of them have their turn now
    tasks: {},
    timers: {}, // those that are armed
    watched: {}, // per descriptor: what the system was asked to report
    jobs: {}, // those that are out, and those that were done in this turn
    hand: 0, // the time to which the wheel was turned
    printed: 0,
    at: null, // the place in the source that was named last
    exact: false, // whether it was this event that named it
  };
}

/** A copy that may be changed: what lies in a state is replaced, never altered. */
function copyOf(state) {
  return {
    ...state,
    queue: [...state.queue],
    tasks: { ...state.tasks },
    timers: { ...state.timers },
    watched: { ...state.watched },
    jobs: { ...state.jobs },
  };
}

function stateAt(trace, n) {
  const start = Math.floor(n / CHECKPOINT_EVERY);
  const state = copyOf(trace.checkpoints[start]);
  const events = trace.events.slice(start * CHECKPOINT_EVERY, n);
  for (const event of events) apply(state, event);
  return state;
}

function apply(state, event) {
  const turn = event.turn ?? state.turn;
  if (turn !== state.turn) beginTurn(state, turn);
  state.n = event.n;
  state.t = event.t ?? state.t;
  seeOwnLine(state, event);
  const place = placeOf(state, event);
  state.at = place ?? state.at;
  state.exact = place !== null && !isNear(state, event);
  if (Object.hasOwn(EFFECTS, event.ev)) EFFECTS[event.ev](state, event);
}

/** What was marked as having just happened is not new any more. */
function beginTurn(state, turn) {
  state.turn = turn;
  for (const [id, job] of Object.entries(state.jobs)) if (job.done) delete state.jobs[id];
  for (const [fd, entry] of Object.entries(state.watched)) {
    if (entry.got) state.watched[fd] = { ...entry, got: null };
  }
}

/** What each event changes. One that is not here changes nothing. */
const EFFECTS = {
  spawn(state, { task, name, by, file, line, code }) {
    state.tasks[task] = { ...newTask(task), name, by, spawned: { file, line }, at: code };
    enqueue(state, task);
    if (by === "start") state.phase = "outside";
  },
  phase(state, { p }) {
    state.phase = p;
    state.snapshot = p === "ready" ? state.queue.length : null;
    if (p !== "io") state.hand = state.t;
  },
  poll(state, { task, k }) {
    leaveQueue(state, task);
    state.polled = task;
    change(state, task, { state: "polled", polls: k });
  },
  pending(state, { task, waits }) {
    state.polled = null;
    const ready = state.queue.includes(task);
    change(state, task, { state: ready ? "ready" : "waiting", waits: waits ?? [], wokenBy: null });
  },
  done: (state, { task }) => finish(state, task, "done"),
  panic: (state, { task }) => finish(state, task, "panicked"),
  abort: (state, { task }) => finish(state, task, "aborted"),
  drop: (state, { task }) => finish(state, task, "dropped"),
  wake(state, { task, by, dup }) {
    if (dup || state.queue.includes(task)) return;
    enqueue(state, task);
    change(state, task, { state: state.polled === task ? "polled" : "ready", wokenBy: by });
  },
  arm(state, { timer, task, deadline, level, slot }) {
    state.timers[timer] = { timer, task, deadline, level, slot };
  },
  cascade(state, { timer, level, slot }) {
    state.timers[timer] = { ...state.timers[timer], timer, level, slot };
  },
  fire: (state, { timer }) => delete state.timers[timer],
  cancel: (state, { timer }) => delete state.timers[timer],
  watch: (state, { fd, want }) => (state.watched[fd] = { fd, want, got: null }),
  unwatch: (state, { fd }) => delete state.watched[fd],
  fdready(state, { fd, got }) {
    state.watched[fd] = { want: "", ...state.watched[fd], fd, got };
  },
  job(state, { job, task, file, line }) {
    state.jobs[job] = { job, task, file, line, done: false };
  },
  jobdone: (state, { job }) => (state.jobs[job] = { ...state.jobs[job], job, done: true }),
  park: (state, { us }) => (state.asleep = { us: us ?? null }),
  unpark: (state) => (state.asleep = null),
  out: (state) => (state.printed += 1),
  end(state) {
    state.phase = "outside";
    state.snapshot = null;
  },
};

function newTask(id) {
  return { id, state: "ready", polls: 0, waits: [] };
}

function change(state, id, changes) {
  state.tasks[id] = { ...(state.tasks[id] ?? newTask(id)), ...changes };
}

function enqueue(state, id) {
  state.queue.push(id);
}

function leaveQueue(state, id) {
  const place = state.queue.indexOf(id);
  if (place < 0) return;
  state.queue.splice(place, 1);
  if (state.snapshot !== null && place < state.snapshot) state.snapshot -= 1;
}

function finish(state, id, how) {
  leaveQueue(state, id);
  if (state.polled === id) state.polled = null;
  change(state, id, { state: how, waits: [] });
}

// ── places in the source ──────────────────────────────────────────────────

/** Where the wait of a task stands in its own code. (Who awaits the end of another task
    names the line that spawned that task: the line of the wait is not known then.) */
const ownWait = (waits) => (waits ?? []).find((wait) => wait.file !== undefined && wait.target === undefined);

/** The line that an event shows of a task's own code: { id, file, line }. */
function ownLine({ ev, by, task, job, waits, file, line }) {
  const spawner = ev === "spawn" && /^task (\d+)$/.exec(by ?? "");
  if (spawner) return { id: Number(spawner[1]), file, line };
  if (ev === "job" && job !== undefined) return { id: task, file, line };
  const wait = ev === "pending" ? ownWait(waits) : undefined;
  return wait && { id: task, file: wait.file, line: wait.line };
}

function seeOwnLine(state, event) {
  const seen = ownLine(event);
  if (seen?.file === undefined || !state.tasks[seen.id]) return;
  change(state, seen.id, { at: { file: seen.file, line: seen.line } });
}

/** The place that an event names, or where the task that it is about is suspended. */
function placeOf(state, event) {
  if (event.file !== undefined && event.ev !== "pending") return { file: event.file, line: event.line };
  const id = event.task ?? state.timers[event.timer]?.task ?? event.tasks?.[0];
  const task = state.tasks[id];
  if (!task || !SHOWS_ITS_TASK.has(event.ev)) return null;
  const wait = waitedFor(task, event);
  const place = wait?.target === undefined && wait?.file !== undefined ? wait : task.at ?? task.spawned;
  return place?.file === undefined ? null : { file: place.file, line: place.line };
}

const SHOWS_ITS_TASK = new Set(["poll", "pending", "wake", "fire", "cascade", "fdready", "abort", "drop", "join", "arm", "out", "done", "panic"]);
/** In the middle of a poll: the task is somewhere behind the place where it was last seen. */
const WITHIN_POLL = new Set(["join", "arm", "out", "done", "panic"]);

/** Whether the place is only where the task was seen last, or where its code begins. */
function isNear(state, event) {
  if (event.ev === "poll" && event.k === 1) return true;
  if (event.ev === "pending") return !ownWait(event.waits);
  if (event.file !== undefined) return false;
  const task = state.tasks[event.task];
  return WITHIN_POLL.has(event.ev) || (task !== undefined && !ownWait(task.waits));
}

/** Of all that a task waits for, what this event is about. */
function waitedFor(task, event) {
  const [, kind, number] = /^(timer|fd|job|task) (\d+)$/.exec(event.by ?? "") ?? [];
  const key = kind === "task" ? "target" : kind;
  return task.waits.find((wait) => {
    if (key) return String(wait[key]) === number;
    return ["timer", "fd", "job"].some((k) => event[k] !== undefined && event[k] === wait[k]);
  });
}

// Where the code of a task begins: a spawn names the line that spawned it, not the one
// that it runs.

/** A task's number → where its code begins, as far as that can be known. */
function beginnings(trace) {
  const first = new Map();
  for (const { id, file, line } of trace.events.map(ownLine).filter((seen) => seen?.file !== undefined)) {
    if (!first.has(id)) first.set(id, { file, line });
  }
  const found = new Map(); // what each line spawns
  const begins = (spawn) => {
    const line = `${spawn.file}:${spawn.line}`;
    if (!found.has(line)) found.set(line, codeOf(trace, spawn));
    return found.get(line) ?? first.get(spawn.task) ?? placeIn(spawn);
  };
  const spawns = trace.events.filter(({ ev, file }) => ev === "spawn" && file !== undefined);
  return new Map(spawns.map((spawn) => [spawn.task, begins(spawn)]));
}

const placeIn = ({ file, line }) => ({ file, line });

/** An async block begins on the line of its spawn; of a function, the source is searched. */
function codeOf(trace, spawn) {
  const call = callAt(trace, spawn);
  if (/\basync\b/.test(call)) return placeIn(spawn);
  for (const [, name] of call.matchAll(/\b([a-z_]\w*)\(/g)) {
    const found = /^(spawn|block_on)/.test(name) ? undefined : functionNamed(trace, spawn.file, name);
    if (found) return found;
  }
  return undefined;
}

/** The text of the call that spawns: from its name to its last bracket, of six lines at most. */
function callAt(trace, { file, line }) {
  const text = (trace.sources.get(file) ?? "").split("\n").slice(line - 1, line + 5).join("\n");
  const from = Math.max(0, text.search(/\b(spawn\w*|block_on)\s*\(/));
  let open = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "(") open += 1;
    if (text[at] === ")") open -= 1;
    if (text[at] === ")" && open === 0) return text.slice(from, at);
  }
  return text.slice(from);
}

function functionNamed(trace, file, name) {
  const lines = (trace.sources.get(file) ?? "").split("\n");
  const index = lines.findIndex((line) => line.includes("async fn") && new RegExp(`\\basync fn ${name}\\b`).test(line));
  return index < 0 ? undefined : { file, line: index + 1 };
}

/** What has a number of its own. */
const kindOf = (wait) => ["timer", "fd", "job"].find((kind) => wait[kind] !== undefined);

/** Which tasks are suspended where in a file: line → task → in how many places at once.
    (The one that is being polled is not suspended: its mark is where it went on from.) */
function bookmarks(state, file) {
  const lines = new Map();
  for (const task of Object.values(state.tasks)) {
    const own = task.waits.filter((wait) => wait.target === undefined);
    const marked = task.state === "polled" ? [task.at ?? {}] : own;
    for (const { line, count } of waitGroups(marked.filter((wait) => wait.file === file))) {
      const here = lines.get(line) ?? new Map();
      here.set(task.id, (here.get(task.id) ?? 0) + count);
      lines.set(line, here);
    }
  }
  return lines;
}

/** What a task waits for; things of the same kind, of the same place, are taken together. */
function waitGroups(waits) {
  const groups = new Map();
  for (const wait of waits) {
    const key = [kindOf(wait) ?? wait.what, wait.file, wait.line, wait.target].join("\n");
    const group = groups.get(key) ?? { ...wait, count: 0 };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  return [...groups.values()];
}

const ENDED = new Set(["done", "panicked", "aborted", "dropped"]);
