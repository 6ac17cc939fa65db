"use strict";
// What a test asks of a player's page, from inside of it. The test puts this script into
// the page, with `window.asked`: which of the checks to make. Each returns what is wrong,
// as a list of texts; they are written into the page, for the test to read.

const CHECKS = {
  /** The states and the picture are the same, however an event was reached. */
  stepping() {
    const { count, goTo, stateAt } = window.glassloop;
    const plain = emptyState();
    const states = player.trace.events.map((event) => { apply(plain, event); return JSON.stringify(plain); });
    for (let n = count; n >= 1; n -= 1) {
      expect(states[n - 1] === JSON.stringify(stateAt(n)), `event ${n}: the state is not that of all events in order`);
    }
    const looked = lookedAt(count);
    const pictures = new Map();
    for (const n of looked) {
      if (n > 1 && player.n === n - 1) click("next");
      else goTo(n);
      pictures.set(n, picture());
      checkOneIsLit(n);
    }
    for (const n of looked.toReversed()) {
      if (player.n === n + 1) press("ArrowLeft");
      else goTo(n);
      expectSame(pictures.get(n), picture(), `event ${n}: looks different on the way back`);
    }
    for (const n of looked.filter((_, index) => index % 7 === 0)) {
      goTo(n > count / 2 ? 1 : count);
      goTo(n);
      expectSame(pictures.get(n), picture(), `event ${n}: looks different when it is opened directly`);
    }
  },

  /** Each event has its words, and what the state says of the queue can be. */
  sense() {
    const { count, stateAt, text } = window.glassloop;
    for (let n = 1; n <= count; n += 1) {
      expect(/\w.*[.!?”…]/s.test(text(n)), `event ${n} has no sentence: ${text(n)}`);
      expect(!/undefined|NaN|\[object|null/.test(text(n)), `event ${n}: ${text(n)}`);
      expect(isInShort(n), `event ${n} has no words for the log`);
      const { queue, snapshot } = stateAt(n);
      expect(new Set(queue).size === queue.length, `event ${n}: a task stands in the queue twice`);
      expect(snapshot === null || snapshot <= queue.length, `event ${n}: the cut lies behind the queue`);
    }
  },

  /** The events of this trace carry what is to be told of them: `says`, which words;
      `shows`, which line; `marked`, where bookmarks lie. */
  told() {
    for (const { n, says = [], shows, marked } of player.trace.events) {
      const { at } = window.glassloop.stateAt(n);
      const told = window.glassloop.text(n);
      for (const words of says) expect(told.includes(words), `event ${n} does not say “${words}”, but: ${told}`);
      expect(shows === undefined || at?.line === shows, `event ${n} shows line ${at?.line}, not ${shows}`);
      const lines = [...bookmarks(window.glassloop.stateAt(n), at?.file).keys()].join();
      expect(marked === undefined || lines === marked.join(), `event ${n} has bookmarks at ${lines}, not ${marked}`);
    }
    expect(player.trace.events.some(({ says }) => says), "nothing is expected of this trace");
  },

  /** No event of these traces is unknown to the player. */
  known() {
    for (const { ev, n } of player.trace.events) {
      expect(Object.hasOwn(SENTENCES, ev) && Object.hasOwn(SHORT, ev), `event ${n} has no words: ${ev}`);
      expect(NO_EFFECT.has(ev) || Object.hasOwn(EFFECTS, ev), `event ${n} changes nothing: ${ev}`);
    }
  },

  /** The keys and buttons lead where they say. */
  controls() {
    const { count } = window.glassloop;
    const leads = (act, n, why) => { act(); expect(player.n === n, `${why}: at event ${player.n}, not ${n}`); };
    leads(() => press("End"), count, "End");
    leads(() => press("ArrowRight"), count, "→ at the end");
    leads(() => press("Home"), 1, "Home");
    leads(() => press("ArrowLeft"), 1, "← at the beginning");
    leads(() => press("ArrowRight"), 2, "→");
    const turns = player.trace.events.filter((event, index, all) => event.turn !== all[index - 1]?.turn);
    window.glassloop.goTo(1);
    for (const { n } of turns.slice(1)) leads(() => press("PageDown"), n, "PageDown");
    for (const { n } of turns.slice(1, -1).reverse()) leads(() => press("PageUp"), n, "PageUp");
    byId("chosen").value = "2";
    byId("chosen").dispatchEvent(new Event("change"));
    window.glassloop.goTo(1);
    for (const n of player.trace.touching.get(2)) leads(() => press("ArrowRight", { shiftKey: true }), n, "Shift →");
    byId("slider").value = 5;
    leads(() => byId("slider").dispatchEvent(new Event("input")), 5, "the slider");
    leads(() => document.querySelector('#rows [data-n="6"]').click(), 6, "a click into the log");
    press(" ");
    expect(player.playing !== null, "space plays");
    expect(byId("sentence").getAttribute("aria-live") === "off", "while it plays, nothing is read aloud");
    press(" ");
    expect(player.playing === null, "space pauses");
    window.glassloop.goTo(1);
    for (let n = 1; n <= Math.min(count, 20); n += 1) clickColumn(n);
  },

  /** Whoever hears the page, or uses no mouse, finds everything by its name. */
  names() {
    for (const control of document.querySelectorAll("button, select, input, svg[role], [tabindex='0']")) {
      const written = control.tagName === "BUTTON" ? control.textContent : control.labels?.[0]?.textContent;
      const label = control.getAttribute("aria-label") ?? written ?? "";
      expect(label.trim() !== "", `no name: ${control.outerHTML.slice(0, 80)}`);
    }
    for (const section of document.querySelectorAll("main section, table")) {
      const name = byId(section.getAttribute("aria-labelledby"))?.textContent ?? "";
      expect(name !== "", `no heading: ${section.outerHTML.slice(0, 80)}`);
    }
    expect(byId("sentence").getAttribute("aria-live") === "polite", "the sentence is read aloud");
    expect(document.documentElement.lang === "en", "the language is named");
  },

  /** Every text stands out from what is behind it, in both themes. */
  contrast() {
    for (const theme of ["light", "dark"]) {
      document.documentElement.dataset.theme = theme;
      for (let n = 1; n <= window.glassloop.count; n += 5) {
        window.glassloop.goTo(n);
        for (const element of document.querySelectorAll("body *")) checkContrast(element, theme);
      }
    }
  },

  /** On a laptop: one screen, and nothing sticks out of it or of its panel. */
  oneScreen() {
    for (let n = 1; n <= window.glassloop.count; n += 1) {
      window.glassloop.goTo(n);
      const { scrollHeight, scrollWidth, clientWidth } = document.documentElement;
      expect(scrollHeight <= window.innerHeight, `event ${n}: the page is ${scrollHeight} high, the screen ${window.innerHeight}`);
      expect(scrollWidth <= clientWidth, `event ${n}: the page is ${scrollWidth} wide, the screen ${clientWidth}`);
      checkNothingSticksOut(n);
    }
  },

  /** On a phone: no scrolling sideways, and the controls and the sentence stay in sight. */
  phone() {
    for (let n = 1; n <= window.glassloop.count; n += 1) {
      window.glassloop.goTo(n);
      const { scrollWidth, clientWidth } = document.documentElement;
      expect(scrollWidth <= clientWidth, `event ${n}: the page is ${scrollWidth} wide, the screen ${clientWidth}`);
      checkNothingSticksOut(n);
    }
    window.scrollTo(0, document.documentElement.scrollHeight);
    expect(window.scrollY > 300, "there is nothing to scroll");
    for (const id of ["play", "slider", "lead", "why"]) {
      const { top, bottom } = byId(id).getBoundingClientRect();
      expect(top >= 0 && bottom <= window.innerHeight / 2, `#${id} is out of sight: ${top} to ${bottom}`);
    }
  },

  /** Names and output came as texts; what they say was not carried out. */
  noHtml() {
    for (let n = 1; n <= window.glassloop.count; n += 1) window.glassloop.goTo(n);
    expect(window.attacked === undefined, "a name of the trace was run as a script");
    for (const tag of ["img", "i.evil", "iframe"]) {
      expect(document.querySelector(`body ${tag}`) === null, `a <${tag}> of the trace is in the page`);
    }
    expect(document.body.textContent.includes("<i class=evil>"), "the name is not there as text");
  },

  /** How long it takes; said, and held to several times as much. */
  speed() {
    const { count, goTo } = window.glassloop;
    const load = performance.now();
    const times = [];
    for (let n = 1; n <= count; n += Math.max(1, Math.floor(count / 100))) times.push(timed(() => goTo(n)));
    times.push(timed(() => goTo(count)));
    times.sort((a, b) => a - b);
    const middle = times[Math.floor(times.length / 2)];
    say_(`${count} events: loaded in ${load.toFixed(0)} ms; a step takes ${middle.toFixed(1)} ms, at most ${times.at(-1).toFixed(1)} ms`);
    expect(load < 10_000, `loading took ${load} ms`);
    expect(middle < 100, `a step takes ${middle} ms`);
  },
};

/** Events that are only told, since how the loop stands is told by others. */
const NO_EFFECT = new Set(["join", "cut"]);

// ── what the checks are made of ───────────────────────────────────────────

const wrong = [];
const said = [];
const say_ = (text) => said.push(text);

function expect(isSo, otherwise) {
  if (!isSo && wrong.length < 20) wrong.push(otherwise);
}

function expectSame(a, b, otherwise) {
  if (a === b) return;
  let at = 0;
  while (a[at] === b[at]) at += 1;
  const part = (text) => text.slice(Math.max(0, at - 60), at + 60);
  expect(false, `${otherwise}: ${part(a)} … ${part(b)}`);
}

/** The events whose picture is compared: of a long trace the two ends, and here and there. */
function lookedAt(count) {
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const each = Math.ceil(count / 12);
  return all.filter((n) => n <= 25 || n > count - 10 || n % each === 0);
}

/** All that can be seen, as text. */
function picture() {
  const parts = ["#sentence", "#position", "main"].map((part) => document.querySelector(part).outerHTML);
  return parts.join("\n");
}

const click = (way) => document.querySelector(`[data-go="${way}"]`).click();

function press(key, more = {}) {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

function checkOneIsLit(n) {
  const lit = document.querySelectorAll("#phases [aria-current=step]").length;
  expect(lit === 1, `event ${n}: ${lit} phases are lit`);
  const rows = document.querySelectorAll("#rows [aria-current]").length;
  expect(rows === 1, `event ${n}: ${rows} rows of the log are marked`);
}

function isInShort(n) {
  const short = flat(player.trace, inShort(player.trace, n));
  return short.trim() !== "" && !/undefined|NaN|\[object|null/.test(short);
}

function clickColumn(n) {
  const box = byId("lanes");
  const { left, top } = box.getBoundingClientRect();
  const clientX = left + LANE.label + (n - Number(box.dataset.first) + 0.5) * Number(box.dataset.wide);
  box.dispatchEvent(new MouseEvent("click", { clientX, clientY: top + 40, bubbles: true }));
  expect(player.n === n, `a click on the column of event ${n} leads to ${player.n}`);
}

function timed(act) {
  const began = performance.now();
  act();
  document.body.getBoundingClientRect(); // with the layout
  return performance.now() - began;
}

// ── contrast, as WCAG 2 computes it ───────────────────────────────────────

function checkContrast(element, theme) {
  const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");
  if (text.length === 0 || element.closest("svg, script, style, option, [hidden], #findings")) return;
  const ratio = contrast(getComputedStyle(element).color, backgroundOf(element));
  expect(ratio >= 4.5, `${theme}: “${text[0].data.trim().slice(0, 30)}” has ${ratio.toFixed(2)} in ${element.outerHTML.slice(0, 60)}`);
}

function backgroundOf(element) {
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (!/rgba\(.*, 0\)|transparent/.test(backgroundColor)) return backgroundColor;
  }
  return "rgb(255, 255, 255)";
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// ── layout ────────────────────────────────────────────────────────────────

/** No panel lies over another, and no box over its panel's edge (what scrolls, may). */
function checkNothingSticksOut(n) {
  const panels = [...document.querySelectorAll("main > section")];
  const boxes = panels.map((panel) => panel.getBoundingClientRect());
  panels.forEach((panel, index) => {
    for (let other = index + 1; other < panels.length; other += 1) {
      expect(!overlap(boxes[index], boxes[other]), `event ${n}: ${panel.className} lies over ${panels[other].className}`);
    }
    for (const child of panel.querySelectorAll(":scope > *, #phases > li, .belt > div")) {
      const { left, right, top, bottom } = child.getBoundingClientRect();
      const edge = boxes[index];
      const inside = left >= edge.left - 1 && right <= edge.right + 1 && top >= edge.top - 1 && bottom <= edge.bottom + 1;
      expect(inside, `event ${n}: ${child.tagName} ${child.id} sticks out of ${panel.className}`);
    }
  });
  const above = [...document.querySelectorAll("h1, .options > *, .controls > *")];
  const places = above.map((item) => item.getBoundingClientRect());
  above.forEach((item, index) => {
    const under = above.find((_, other) => other > index && overlap(places[index], places[other]));
    expect(!under, `event ${n}: ${item.outerHTML.slice(0, 40)} lies over ${under?.outerHTML.slice(0, 40)}`);
  });
  for (const box of document.querySelectorAll("#phases > li, #lead, #why, #position")) {
    expect(box.scrollWidth <= box.clientWidth + 1, `event ${n}: a text is too wide: ${box.textContent}`);
  }
}

const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;

// ── the report ────────────────────────────────────────────────────────────

function report() {
  for (const name of window.asked) {
    try {
      CHECKS[name]();
    } catch (error) {
      wrong.push(`${name}: ${error.stack}`);
    }
  }
  const where = location.pathname.split("/").at(-1);
  tell([...said.map((text) => `said ${text}`), ...wrong.map((text) => `wrong ${where}: ${text}`), "finished"]);
}

/** Into this page; or, if it stands in a frame, into the one around it. */
function tell(lines) {
  const text = lines.map((line) => line.replace(/\s*\n\s*/g, " / ")).join("\n");
  if (window.parent !== window) window.parent.postMessage(text, "*");
  else document.body.append(el("pre", { id: "findings" }, text));
}

document.addEventListener("DOMContentLoaded", report);
