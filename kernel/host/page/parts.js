"use strict";
// Elements and the small controls that all views are made of. What comes from a store becomes text or an attribute,
// never markup.

// make("a", {href: "#/"}, "text", child): false, null and undefined are left out, of attributes and of children.
const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== false && child !== null && child !== undefined));
  return node;
};
const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw_in = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const button = (text, pressed, attributes = {}) =>
  make("button", { type: "button", onclick: pressed, ...attributes }, text);
const note = (...children) => make("p", { class: "note" }, ...children);
const empty_state = (...children) => make("p", { class: "empty" }, ...children);
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

// One of a few: buttons side by side, of which one is pressed.
const choice = (title, names, current, picked, key) =>
  make(
    "span",
    { class: "choice-of" },
    make("span", { id: `${key}-title` }, title),
    make(
      "span",
      { class: "choice", role: "group", "aria-labelledby": `${key}-title` },
      names.map(([value, text, more]) =>
        button(text, () => picked(value), {
          "aria-pressed": String(value === current),
          title: more,
          "data-key": `${key}-${value}`,
        }),
      ),
    ),
  );

// One of many: a list that opens.
const select = (title, names, current, picked, key) => {
  const list = make(
    "select",
    { "data-key": key, onchange: () => picked(list.value) },
    names.map(([value, text]) => make("option", { value, selected: value === current }, text)),
  );
  return make("label", { class: "choice-of" }, title, list);
};

// Any of many: a list of boxes behind a button, by the names that are chosen.
const choose = (title, names, chosen, picked, key) => {
  const toggle = (name, on) =>
    picked(names.map(([value]) => value).filter((value) => (value === name ? on : chosen.includes(value))));
  return make(
    "details",
    { class: "choose", "data-open": key },
    make("summary", { "data-key": `${key}-summary` }, title),
    make(
      "div",
      { class: "boxes" },
      names.map(([value, text, more]) =>
        make(
          "label",
          { title: more },
          make("input", {
            type: "checkbox",
            checked: chosen.includes(value),
            "data-key": `${key}-${value}`,
            onchange: (event) => toggle(value, event.target.checked),
          }),
          text,
        ),
      ),
    ),
  );
};

// A table with heads: columns are {title, number, wrap, more}, rows are lists of cells, each a text, an element or
// {inside, ...attributes}.
const cell_of = (tag, column, content) => {
  const { inside, ...attributes } =
    content !== null && typeof content === "object" && "inside" in content ? content : { inside: content };
  const name = [column.number && "number", column.wrap && "wrap", attributes.class].filter(Boolean).join(" ");
  return make(tag, { ...attributes, class: name || null }, inside);
};
const table_of = (caption, columns, rows, key) =>
  make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-scroll": key || caption },
    make(
      "table",
      {},
      make("caption", { class: "unseen" }, caption),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          columns.map((column) =>
            make("th", { scope: "col", class: column.number ? "number" : null, title: column.more }, column.title),
          ),
        ),
      ),
      make(
        "tbody",
        {},
        rows.map((row) =>
          make(
            "tr",
            {},
            row.map((cell, i) => cell_of("td", columns[i], cell)),
          ),
        ),
      ),
    ),
  );

// Names and values side by side.
const pairs_of = (caption, pairs) =>
  make(
    "div",
    { class: "scroll pairs", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", { class: "unseen" }, caption),
      make(
        "tbody",
        {},
        pairs.map(([name, value]) =>
          make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "wrap" }, value)),
        ),
      ),
    ),
  );

const folded = (title, key, ...children) =>
  make("details", { "data-open": key }, make("summary", { "data-key": `${key}-summary` }, title), ...children);
const preformatted = (text, key) => make("pre", { tabindex: "0", "data-scroll": key }, text);

// Draws a part anew without losing what the reader has in hand: the focus, what is open, how far things are scrolled.
const keeping = (node, draw) => {
  const focused = node.contains(document.activeElement) ? document.activeElement : null,
    focus = focused?.dataset.key;
  const caret = focused?.type === "search" ? focused.selectionStart : null;
  const open = new Map([...node.querySelectorAll("[data-open]")].map((one) => [one.dataset.open, one.open]));
  const scrolled = [...node.querySelectorAll("[data-scroll]")].map((one) => [
    one.dataset.scroll,
    one.scrollLeft,
    one.scrollTop,
  ]);
  draw();
  for (const one of node.querySelectorAll("[data-open]"))
    if (open.has(one.dataset.open)) one.open = open.get(one.dataset.open);
  for (const [key, left, top] of scrolled) {
    const one = node.querySelector(`[data-scroll="${CSS.escape(key)}"]`);
    if (one) [one.scrollLeft, one.scrollTop] = [left, top];
  }
  const next = focus && !node.contains(focused) ? node.querySelector(`[data-key="${CSS.escape(focus)}"]`) : null;
  next?.focus({ preventScroll: true });
  if (next && caret !== null) next.setSelectionRange(caret, caret);
};

// Puts these children in place of those that are there. What would be the same stays, so that an open list or a half
// written word in it lives through news of the store.
const renew = (node, ...children) => {
  const made = children
    .flat(Infinity)
    .filter(Boolean)
    .map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  const old = [...node.childNodes];
  if (made.length !== old.length) keeping(node, () => node.replaceChildren(...made));
  else if (made.some((child, i) => !old[i].isEqualNode(child)))
    keeping(node, () =>
      made.forEach((child, i) => {
        if (!old[i].isEqualNode(child)) old[i].replaceWith(child);
      }),
    );
};
