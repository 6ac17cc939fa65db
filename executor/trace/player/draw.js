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

/** Puts the children in place of those that are there; those that look alike stay, for
    what is not touched need not be laid out again. */
function fill(id, ...children) {
  const box = byId(id);
  const wanted = children.flat(3).map((child) => (child instanceof Node ? child : new Text(child)));
  wanted.forEach((child, index) => {
    const old = box.childNodes[index];
    if (!old) box.append(child);
    else if (!old.isEqualNode(child)) old.replaceWith(child);
  });
  while (box.childNodes.length > wanted.length) box.lastChild.remove();
}

// ── tasks ─────────────────────────────────────────────────────────────────

const HUES = 10;
const hue = (id) => (Number(id) - 1) % HUES;

/** A task as a coloured chip. Its number stands in it: the colour only helps. */
function chip(trace, id, more = {}, most = 40) {
  const text = label(trace, id);
  return el("span", { class: `chip hue${hue(id)}`, title: text, ...more }, most < 7 ? `#${id}` : shortened(text, most));
}

function rendered(trace, pieces, most) {
  return pieces.map((piece) => (piece.task === undefined ? String(piece) : chip(trace, piece.task, {}, most)));
}

/** A name that fits into so many characters: it is cut in the middle, since names often
    differ in the number at their end; of a path, the end is kept. */
function shortened(text, most) {
  if (text.length <= most) return text;
  const [, number, file] = /^(#\d+ ).*\/([^/]+)$/.exec(text) ?? [];
  if (file) return cut(`${number}…${file}`, most);
  const [end] = /\d{1,3}$/.exec(text) ?? [""];
  return `${text.slice(0, most - end.length - 1).trimEnd()}…${end}`;
}

/** A text that fits into so many characters. */
const cut = (text, most) => (text.length > most ? `${text.slice(0, Math.max(most - 1, 0))}…` : text);
