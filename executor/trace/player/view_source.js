"use strict";
// The source: the line of the event, and a bookmark for each thing that a task waits for.
// A suspended future is just that: a bookmark, and what it will need when it goes on.
//
// A line is known where a leaf was made, so that is where the bookmark lies: mostly at the
// await itself; what reads from a stream has its bookmark where the stream was made.

const shownSource = { file: undefined };

function drawSource(view) {
  const { trace, state } = view;
  const file = view.file ?? fileToShow(trace, state);
  if (file !== shownSource.file) showFile(trace, file);
  const line = state.at && state.at.file === file ? state.at.line : undefined;
  for (const row of document.querySelectorAll("#code .here, #code .near")) row.removeAttribute("class");
  for (const marks of document.querySelectorAll("#code .marks")) marks.remove();
  for (const [at, tasks] of bookmarks(state, file)) drawMarks(trace, state, at, tasks);
  const row = rowOf(line);
  if (row) row.className = state.exact ? "here" : "near";
}

/** After all has been drawn: brings the line into sight, with all bookmarks if they fit;
    if not, with that of the task that is being polled. */
function settleSource() {
  const box = byId("code");
  const line = box.querySelector(".here, .near");
  if (!line) return;
  const runs = box.querySelector(".runs")?.closest("li");
  const rows = [...box.children];
  const wanted = [
    rows.filter((row) => row === line || row.querySelector(".marks")),
    rows.filter((row) => row === line || row === runs),
    [line],
  ];
  const height = (some) => some.at(-1).getBoundingClientRect().bottom - some[0].getBoundingClientRect().top;
  const fitting = wanted.find((some) => height(some) < box.clientHeight - 60) ?? [line];
  scrollToRows(box, fitting[0], fitting.at(-1));
}

/** The file of the place that was named last; if it is not at hand, the program's own. */
function fileToShow({ sources }, { at }) {
  const [own] = sources.keys();
  return own === undefined || sources.has(at?.file) ? at?.file : own;
}

const rowOf = (line) => byId("code").children[line - 1];

function showFile(trace, file) {
  shownSource.file = file;
  const text = trace.sources.get(file);
  const lines = text === undefined ? [] : text.replace(/\n$/, "").split("\n");
  fill("code", lines.map((line) => el("li", {}, el("code", {}, coloured(line)))));
  if (text === undefined) fill("code", el("p", { class: "empty" }, missing(file)));
  for (const option of byId("files").options) option.selected = option.value === file;
}

function missing(file) {
  return file === undefined ? "This trace names no source." : `${file} is not in this trace.`;
}

/** So many tasks, named in so many letters, fit before the line's number. */
const MARKS = 2;
const MARKS_WIDTH = 7;

function drawMarks(trace, state, line, tasks) {
  const runs = (id) => id === state.polled;
  const texts = [...tasks].map(([id, count]) => [id, count > 1 ? `${id}×${count}` : `${runs(id) ? "▸" : "#"}${id}`]);
  const width = texts.map(([, text]) => text).join("").length;
  const fits = texts.length <= MARKS && width <= MARKS_WIDTH;
  const marks = (fits ? texts : texts.slice(0, 1)).map(([id, text]) => {
    const title = `${label(trace, id)} ${runs(id) ? "is being polled: it has gone on from here" : "is suspended here: it waits for what this line made"}`;
    const mark = chip(trace, id, { title });
    mark.classList.toggle("runs", runs(id));
    mark.textContent = text;
    return mark;
  });
  const others = texts.slice(1).map(([id]) => label(trace, id)).join(", ");
  if (!fits && texts.length > 1) marks.push(el("b", { title: `here as well: ${others}` }, `+${texts.length - 1}`));
  rowOf(line)?.prepend(el("span", { class: "marks" }, marks));
}

/** Brings rows, from the first to the last, into the middle of their box, if they are not
    in sight. */
function scrollToRows(box, first, last) {
  const edge = box.getBoundingClientRect().top;
  const top = first.getBoundingClientRect().top - edge;
  const bottom = last.getBoundingClientRect().bottom - edge;
  const inSight = top >= 24 && bottom <= box.clientHeight;
  if (!inSight) box.scrollTop += (top + bottom - box.clientHeight) / 2;
}

// ── a little colour ───────────────────────────────────────────────────────

const WORDS = "async|await|as|break|const|else|enum|fn|for|if|impl|in|let|loop|match|mod|move|mut|pub|ref|return|self|Self|static|struct|trait|use|where|while";
const TOKENS = new RegExp(`(//.*$)|("(?:[^"\\\\]|\\\\.)*")|\\b(${WORDS})\\b`, "g");
const KINDS = ["comment", "string", "word"];

/** A line of Rust in pieces: comments, texts and keywords are set apart. */
function coloured(line) {
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(TOKENS)) {
    const kind = KINDS[[match[1], match[2], match[3]].findIndex((text) => text !== undefined)];
    pieces.push(line.slice(end, match.index), el("span", { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  return [...pieces, line.slice(end)];
}
