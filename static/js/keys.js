// The keyboard on lists: j and k move, Enter opens (the row is a link), / searches, g and a letter goes, ? helps.
"use strict";

const PLACES = { d: "/dashboard", i: "/incidents", o: "/oncall" };
const CHORD_MS = 1200;
let chordUntil = 0;

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement.closest("[data-row]"));
  const next = at === -1 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
  rows[next].focus();
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => document.getElementById("keys")?.togglePopover(),
  g: () => {
    chordUntil = Date.now() + CHORD_MS;
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (Date.now() < chordUntil && PLACES[event.key]) {
    location.assign(PLACES[event.key]);
    return;
  }
  chordUntil = 0;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
