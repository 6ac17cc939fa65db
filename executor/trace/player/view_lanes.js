"use strict";
// The lanes: a column for each event (not for each microsecond: a loop sleeps most of
// the time), a lane for each task. Only a window of both is drawn.

const LANE = { lowest: 19, highest: 32, top: 20, label: 104, narrowest: 13, widest: 24 };

function drawLanes({ trace, state, sizes }) {
  const box = byId("lanes");
  const { width, height } = sizes.lanes;
  const range = columnWindow(trace, state.n, width - LANE.label - 8);
  const columns = columnsOf(trace, range);
  const room = height - LANE.top - 16;
  const { shown, hidden } = chooseLanes(trace, columns, state, Math.floor(room / LANE.lowest) - 1);
  const lane = Math.min(LANE.highest, Math.max(LANE.lowest, room / (shown.length + 1)));
  const rows = new Map(shown.map((id, index) => [id, LANE.top + (index + 1) * lane]));
  const picture = { trace, range, columns, rows, lane, height };
  box.setAttribute("viewBox", `0 0 ${width} ${height}`);
  box.replaceChildren(
    present(picture, state.n),
    ...turnMarks(picture),
    ...loopLane(picture),
    ...shown.flatMap((id) => taskLane(picture, id)),
    ...columns.flatMap((column) => wakeArrow(picture, column)),
    hiddenNote(hidden, height - 4),
  );
  box.dataset.first = range.first;
  box.dataset.wide = range.wide;
}

/** Which events have a column. The window moves by half of itself, not at each step. */
function columnWindow(trace, n, width) {
  const count = trace.events.length;
  const most = Math.max(8, Math.floor(width / LANE.narrowest));
  const wide = Math.min(LANE.widest, Math.max(LANE.narrowest, width / Math.max(count, 1)));
  const half = Math.floor(most / 2);
  const page = Math.floor(Math.max(n - 1 - Math.floor(half / 2), 0) / half);
  const first = Math.max(1, Math.min(page * half + 1, count - most + 1));
  return { first, last: Math.min(count, first + most - 1), wide };
}

/** Per column: the event, and how the loop and each task stood right after it. */
function columnsOf(trace, { first, last }) {
  const state = stateAt(trace, first - 1);
  return trace.events.slice(first - 1, last).map((event) => {
    const before = state.turn;
    apply(state, event);
    const phase = state.asleep || event.ev === "unpark" ? "asleep" : state.phase;
    return { event, phase, newTurn: state.turn !== before, t: state.t, tasks: { ...state.tasks } };
  });
}

/** If there are more tasks than lanes: those of which there is most to see in this window,
    and in any case those that the present event names. So the lanes change with the
    window, and hardly within it. */
function chooseLanes(trace, columns, state, most) {
  const weight = weights(columns, state);
  const named = [...namedAt(trace, state)].filter((id) => weight.has(id));
  const heaviest = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a) || a - b);
  const shown = new Set([...named, ...heaviest.slice(0, Math.max(1, most))]);
  for (const id of heaviest.slice(0, most).reverse()) {
    if (shown.size > Math.max(most, named.length) && !named.includes(id)) shown.delete(id);
  }
  const isAlive = ({ id, state: how }) => !ENDED.has(how) && !shown.has(id);
  return { shown: [...shown].sort((a, b) => a - b), hidden: Object.values(state.tasks).filter(isAlive).length };
}

/** How much there is to see of each task: its events, and how long it lives. One that
    ended before the first quarter of the window comes behind all the others. */
function weights(columns, state) {
  const weight = new Map();
  const add = (id, some) => weight.set(id, (weight.get(id) ?? 0) + some);
  columns.forEach(({ event, tasks }, index) => {
    for (const { id, state: how } of Object.values(tasks)) if (!ENDED.has(how)) add(id, 0.1);
    for (const id of tasksTouched(state, event)) if (tasks[id]) add(id, 1);
    if (index !== Math.floor(columns.length / 4)) return;
    for (const { id, state: how } of Object.values(tasks)) if (ENDED.has(how) && weight.has(id)) add(id, -1000);
  });
  return weight;
}

const columnX = ({ range }, n) => LANE.label + (n - range.first) * range.wide;

// ── the pieces of the picture ─────────────────────────────────────────────

function present(picture, n) {
  const { wide } = picture.range;
  return svg("rect", { class: "present", x: columnX(picture, n), y: 4, width: wide, height: picture.height - 8, rx: 3 }, svg("title", {}, `event ${n}, which is shown`));
}

/** The turns, numbered along the top where there is room. */
function turnMarks(picture) {
  let free = 0;
  return picture.columns.filter(({ newTurn }) => newTurn).flatMap(({ event, t }) => {
    const x = columnX(picture, event.n);
    const line = svg("line", { class: "turn", x1: x, x2: x, y1: LANE.top - 4, y2: picture.height - 6 });
    const text = `turn ${event.turn} · ${clock(t)}`;
    if (x < free || x + text.length * 6 > picture.range.wide * picture.columns.length + LANE.label + 8) return [line];
    free = x + text.length * 6 + 10;
    return [line, svg("text", { class: "axis", x, y: 12 }, text)];
  });
}

/** Neighbouring columns of the same kind, as one stretch: [{ from, to, kind }]. */
function stretches(columns, kindOf) {
  const found = [];
  for (const column of columns) {
    const kind = kindOf(column);
    const last = found.at(-1);
    if (last && last.kind === kind) last.to = column.event.n;
    else found.push({ from: column.event.n, to: column.event.n, kind, column });
  }
  return found.filter(({ kind }) => kind !== undefined);
}

/** Words for the parts of a turn, the longest first: the first that fits is written. */
const PHASE_WORDS = {
  outside: [],
  io: ["look outside", "outside", "io"],
  timers: ["fire timers", "timers", "t"],
  ready: ["run ready", "ready", "r"],
  asleep: ["asleep", "zz"],
};

function loopLane(picture) {
  const middle = LANE.top + picture.lane / 2 - 1;
  const name = svg("text", { class: "lane", x: 2, y: middle + 4 }, "the loop");
  const parts = stretches(picture.columns, ({ phase, event }) => `${phase} ${event.turn}`).flatMap((stretch) => {
    const phase = stretch.kind.split(" ")[0];
    const { x, width } = extent(picture, stretch);
    const text = (PHASE_WORDS[phase] ?? [phase]).find((word) => word.length * 6.6 < width);
    return [
      svg("rect", { class: `phase ${phase}`, x, y: middle - 9, width, height: 18, rx: 2 }),
      svg("text", { class: "in", x: x + width / 2, y: middle + 4 }, text ?? ""),
    ];
  });
  return [name, ...parts];
}

function extent(picture, { from, to }) {
  const { wide } = picture.range;
  return { x: columnX(picture, from) + 0.5, width: (to - from + 1) * wide - 1 };
}

const TALL = { polled: 18, ready: 10, waiting: 3 };
const END_SIGNS = { done: "✓ ended", panicked: "✗ panicked", aborted: "✗ aborted", dropped: "✗ dropped" };

function taskLane(picture, id) {
  const middle = picture.rows.get(id) + picture.lane / 2 - 1;
  const name = svg("text", { class: "lane", x: 12, y: middle + 4 }, shortened(label(picture.trace, id), 12));
  const kind = ({ tasks }) => tasks[id] && `${tasks[id].state} ${tasks[id].polls}`;
  const parts = stretches(picture.columns, kind).flatMap((stretch) => taskStretch(picture, id, stretch, middle));
  const swatch = svg("rect", { class: `hue${hue(id)} bar`, x: 2, y: middle - 5, width: 6, height: 10, rx: 1.5 });
  return [swatch, name, ...parts];
}

function taskStretch(picture, id, stretch, middle) {
  const state = stretch.kind.split(" ")[0];
  const { x, width } = extent(picture, stretch);
  const tall = TALL[state];
  if (tall === undefined) {
    // Its end: a sign in the column in which it came.
    const ended = picture.trace.touching.get(id)?.includes(stretch.from);
    return ended ? [svg("text", { class: "sign", x: x + 2, y: middle + 4 }, END_SIGNS[state].slice(0, width > 60 ? 12 : 1))] : [];
  }
  const bar = svg("rect", { class: `bar ${state} hue${hue(id)}`, x, y: middle - tall / 2, width, height: tall, rx: 1.5 });
  return [bar, ...(state === "waiting" ? waitNote(picture, id, stretch, x, width, middle) : [])];
}

/** What a suspended task waits for, beside its thin line, if there is room. */
function waitNote(picture, id, stretch, x, width, middle) {
  const groups = waitGroups(stretch.column.tasks[id].waits);
  const text = groups.map((group) => flat(picture.trace, waitPieces(group))).join(", ");
  const most = Math.floor((width - 6) / 5.8);
  return most < 6 ? [] : [svg("text", { class: "note", x: x + 4, y: middle - 4 }, cut(text, most))];
}

/** From who wakes (a task; otherwise the loop) to who is woken. */
function wakeArrow(picture, { event }) {
  if (event.ev !== "wake" || event.dup || !picture.rows.has(event.task)) return [];
  const [, by] = /^task (\d+)$/.exec(event.by ?? "") ?? [];
  const from = picture.rows.get(Number(by)) ?? LANE.top;
  const to = picture.rows.get(event.task);
  if (from === to) return [];
  const x = columnX(picture, event.n) + picture.range.wide / 2;
  const down = to > from;
  const middle = picture.lane / 2 - 1;
  const [y1, y2] = down ? [from + middle + 9, to + middle - 6] : [from + middle - 9, to + middle + 6];
  const tip = down ? -5 : 5;
  const d = `M${x} ${y1}V${y2}M${x - 3} ${y2 + tip}L${x} ${y2}L${x + 3} ${y2 + tip}`;
  return [svg("path", { class: "arrow", d })];
}

function hiddenNote(hidden, y) {
  const text = hidden > 0 ? `and ${hidden} more living task${hidden > 1 ? "s" : ""}, not drawn here` : "";
  return svg("text", { class: "axis", x: 2, y }, text);
}

/** The event whose column was clicked. */
function eventAtColumn(mouse) {
  const box = byId("lanes");
  const column = (mouse.clientX - box.getBoundingClientRect().left - LANE.label) / Number(box.dataset.wide);
  return column < 0 ? undefined : Number(box.dataset.first) + Math.floor(column);
}
