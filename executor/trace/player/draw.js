"use strict";
// What all views draw with. What comes from a trace reaches the page as text only,
// never as HTML: a task may be called "<b>".

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; `undefined` and `false` leave one out. */
function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(3).filter((child) => child !== undefined));
  return element;
}

/** The children, in place of those that were there. */
function fill(id, ...children) {
  byId(id).replaceChildren(...children.flat(3));
}

// ── tasks ─────────────────────────────────────────────────────────────────

const HUES = 8;
const hue = (id) => (Number(id) - 1) % HUES;

/** A task as a coloured chip. Its number stands in it: the colour only helps. */
function chip(trace, id, more = {}) {
  const text = label(trace, id);
  return el("span", { class: `chip hue${hue(id)}`, title: text, ...more }, text);
}

function rendered(trace, pieces) {
  return pieces.map((piece) => (piece.task === undefined ? String(piece) : chip(trace, piece.task)));
}

/** A text that fits into so many characters. */
const cut = (text, most) => (text.length > most ? `${text.slice(0, Math.max(most - 1, 0))}…` : text);
