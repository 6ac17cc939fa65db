"use strict";
// The loop itself: which part of its turn it is in, who has the thread, who is next.

function drawLoop({ trace, state }) {
  for (const box of byId("phases").children) drawPhase(box, state);
  fill("polled", state.polled === null ? el("em", {}, "nobody") : chip(trace, state.polled));
  fill("queue", queueItems(trace, state));
}

/** Exactly one of the boxes is lit. */
function drawPhase(box, state) {
  const lit = box.dataset.phase === state.phase;
  box.setAttribute("aria-current", lit ? "step" : "false");
  box.dataset.asleep = lit && state.asleep !== null;
}

/** More than these are not drawn, before and behind the cut. */
const NOW_SHOWN = 5;
const LATER_SHOWN = 4;

/** The queue, with a cut behind those who have their turn now. */
function queueItems(trace, { queue, snapshot }) {
  if (queue.length === 0 && snapshot === null) return [el("li", { class: "empty" }, "empty: nobody is ready")];
  const now = queue.slice(0, snapshot ?? queue.length);
  const later = queue.slice(now.length);
  const items = someOf(trace, now, NOW_SHOWN);
  if (snapshot === null) return items;
  const sides = [now.length ? "this turn" : "nobody left this turn", later.length ? "next turn" : ""];
  const line = el("li", { class: "cut" }, sides.map((text) => el("span", {}, text)));
  return [...items, line, ...someOf(trace, later, LATER_SHOWN)];
}

function someOf(trace, queue, most) {
  const items = queue.slice(0, most).map((id) => el("li", {}, chip(trace, id)));
  if (queue.length > most) items.push(el("li", { class: "more" }, `+ ${queue.length - most}`));
  return items;
}
