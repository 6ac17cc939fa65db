"use strict";
// The loop itself: which part of its turn it is in, who has the thread, who is next.

function drawLoop({ trace, state, sizes }) {
  for (const box of byId("phases").children) drawPhase(box, state);
  fill("polled", state.polled === null ? el("em", {}, "nobody") : chip(trace, state.polled, {}, 13));
  fill("queue", queueItems(trace, state, sizes.queue));
}

/** Exactly one of the boxes is lit. */
function drawPhase(box, state) {
  const lit = box.dataset.phase === state.phase;
  box.setAttribute("aria-current", lit ? "step" : "false");
  box.dataset.asleep = lit && state.asleep !== null;
}

/** The queue, with a cut behind those who have their turn now. */
function queueItems(trace, { queue, snapshot }, room) {
  if (queue.length === 0 && snapshot === null) return [el("li", { class: "empty" }, "empty: nobody is ready")];
  const now = queue.slice(0, snapshot ?? queue.length);
  const later = queue.slice(now.length);
  if (snapshot === null) return someOf(trace, now, room);
  const sides = [now.length ? "this turn" : "nobody left this turn", later.length ? "next turn" : ""];
  const line = el("li", { class: "cut" }, sides.map((text) => el("span", {}, text)));
  const left = room - (now.length ? 85 : 140) - (later.length ? 65 : 0);
  const share = later.length === 0 ? left : Math.max(left / 2, left - widthOf(trace, later));
  const items = someOf(trace, now, share);
  return [...items, line, ...someOf(trace, later, left - Math.min(share, widthOf(trace, now)))];
}

/** So many letters of a name are written; fewer, if there is not enough room. */
const LETTERS = { many: 13, few: 9 };
const chipWidth = (trace, id, letters) => 18 + 8 * Math.min(label(trace, id).length, letters);
const widthOf = (trace, queue, letters = LETTERS.few) => queue.slice(0, 40).reduce((sum, id) => sum + chipWidth(trace, id, letters), 0);

/** As many from the front as there is room for, and how many more there are. */
function someOf(trace, queue, room) {
  const letters = widthOf(trace, queue, LETTERS.many) <= room ? LETTERS.many : LETTERS.few;
  let most = 0;
  let used = 0;
  while (most < queue.length) {
    used += chipWidth(trace, queue[most], letters);
    const rest = queue.length - most > 1 ? 40 : 0;
    if (most > 0 && used + rest > room) break;
    most += 1;
  }
  const items = queue.slice(0, most).map((id) => el("li", {}, chip(trace, id, {}, letters)));
  const names = queue.slice(most, most + 30).map((id) => label(trace, id)).join(", ");
  if (queue.length > most) items.push(el("li", { class: "more", title: names }, `+ ${queue.length - most}`));
  return items;
}
