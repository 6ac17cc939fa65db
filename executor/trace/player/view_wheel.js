"use strict";
// The timer wheel: two of its rings as a watch, all armed timers as a list. The outer
// ring is the finest; a round of it is one slot of the inner ring.

const RINGS = [
  { level: 0, inner: 100, outer: 114 },
  { level: 1, inner: 74, outer: 88 },
];
const TIMERS_SHOWN = 5;
const wheelSlots = [];

/** Draws the empty rings once; later only what a slot holds changes. */
function makeWheel(trace) {
  const count = slots(trace);
  const drawn = RINGS.map((ring) => {
    wheelSlots[ring.level] = Array.from({ length: count }, (_, slot) => slotShape(ring, slot, count));
    return wheelSlots[ring.level];
  });
  const numbers = [0, 1, 2, 3].map((quarter) => {
    const [x, y] = onCircle(123, (quarter * count) / 4, count);
    return svg("text", { x, y, class: "number" }, (quarter * count) / 4);
  });
  const hands = [svg("line", { id: "hand0" }), svg("line", { id: "hand1" })];
  const texts = [svg("text", { y: -21 }, "turned to"), svg("text", { id: "hand-time", y: -6 }), svg("text", { id: "hand-next", y: 11 })];
  fill("wheel", drawn, numbers, hands, texts);
  const widths = RINGS.map(({ level }) => slotWidth(trace, level));
  fill("rings", `outer: ring 0, ${widths[0]} a slot; inner: ring 1, ${widths[1]}. Yellow: the cursor, which moves when the loop checks its timers, not in between.`);
}

function slotShape({ inner, outer }, slot, count) {
  const corners = [
    onCircle(inner, slot - 0.4, count),
    onCircle(outer, slot - 0.4, count),
    onCircle(outer, slot + 0.4, count),
    onCircle(inner, slot + 0.4, count),
  ];
  return svg("polygon", { points: corners.map((corner) => corner.join(",")).join(" ") });
}

/** A point on a circle, at the middle of a slot; slot 0 is on top, as on a watch. */
function onCircle(radius, slot, count) {
  const angle = (slot / count) * 2 * Math.PI;
  return [radius * Math.sin(angle), -radius * Math.cos(angle)].map((number) => number.toFixed(2));
}

function drawWheel({ trace, state, event }) {
  const timers = Object.values(state.timers).sort((a, b) => a.deadline - b.deadline);
  const tick = Math.floor(state.hand / (trace.header.tick_us ?? 65.536));
  RINGS.forEach((ring) => drawRing(trace, ring, timers, tick));
  fill("hand-time", clock(state.hand));
  const due = timers[0]?.deadline <= state.t ? "due" : "next";
  fill("hand-next", timers.length ? `${due} ${clock(timers[0].deadline)}` : "no timer");
  byId("wheel").setAttribute("aria-label", wheelInWords(state, timers));
  const items = timers.slice(0, TIMERS_SHOWN).map((timer) => timerItem(trace, timer, event));
  if (timers.length > TIMERS_SHOWN) items.push(el("li", { class: "more" }, `and ${timers.length - TIMERS_SHOWN} more`));
  fill("timers", items.length ? items : el("li", { class: "empty" }, "no timer is armed"));
}

function drawRing(trace, { level, inner }, timers, tick) {
  const count = slots(trace);
  const under = Math.floor(tick / count ** level) % count;
  const held = new Map();
  for (const timer of timers) if (timer.level === level) addTo(held, timer.slot, timer);
  wheelSlots[level].forEach((shape, slot) => {
    const inside = held.get(slot);
    const colour = inside ? (inside.every((timer) => timer.task === inside[0].task) ? `hue${hue(inside[0].task)}` : "several") : "";
    shape.setAttribute("class", `slot ${colour} ${slot === under ? "under" : ""}`);
  });
  const [x1, y1] = onCircle(42, under, count);
  const [x2, y2] = onCircle(inner - 3, under, count);
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) byId(`hand${level}`).setAttribute(name, value);
}

function wheelInWords(state, timers) {
  const next = timers[0] ? `the earliest deadline is ${clock(timers[0].deadline)}` : "none is armed";
  return `Timer wheel: the cursor is at ${clock(state.hand)}; armed timers: ${timers.length}; ${next}.`;
}

function timerItem(trace, timer, event) {
  const place = timer.level < 0 ? "due soon" : `ring ${timer.level}, slot ${timer.slot}`;
  const who = timer.task === undefined ? "" : chip(trace, timer.task, {}, 12);
  const now = event?.timer === timer.timer ? "now" : undefined;
  return el("li", { class: now }, el("b", {}, `${timer.timer}`), who, el("span", {}, clock(timer.deadline)), el("small", {}, place));
}
