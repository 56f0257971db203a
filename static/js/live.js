// Live updates: the server says which topic changed, the page asks for itself again and swaps the regions that
// listen to that topic. What changed flashes once. Without a connection it asks every 15 s and says so.
"use strict";

const GATHER_MS = 150;
const POLL_MS = 15000;
const SLOW_MS = 60000;
const RETRY_MS = 5000;
const LOST_AFTER_MS = 4000;
const ASK_MS = 10000;
const LONGEST_MS = 86400000;

const changed = new Set();
let gathering = null;
let isAsking = false;
let polling = null;
let lostTimer = null;
let untilTimer = null;

function say(state) {
  const chip = document.getElementById("connection");
  if (chip) chip.dataset.connection = state;
}

function listens(region) {
  const topics = region.dataset.live.split(" ");
  return topics.some((topic) => topic === "*" || changed.has("*") || changed.has(topic));
}

// What somebody is doing inside a region must survive the swap: open details, typed text, chosen options, the focus.
function carryOver(old, fresh) {
  for (const control of old.querySelectorAll("input, select, textarea")) {
    const twin = control.id && fresh.querySelector(`#${CSS.escape(control.id)}`);
    if (!twin || control.type === "hidden") continue;
    if (control.type === "checkbox" || control.type === "radio") twin.checked = control.checked;
    else if (control.tagName !== "SELECT" || [...twin.options].some((option) => option.value === control.value)) twin.value = control.value;
  }
  const details = fresh.querySelectorAll("details");
  old.querySelectorAll("details").forEach((each, index) => {
    if (details[index] && each.open) details[index].open = true;
  });
}

function bare(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.textContent = "";
  for (const marked of copy.querySelectorAll(".flash")) marked.classList.remove("flash");
  for (const shown of copy.querySelectorAll("[data-connection]")) shown.removeAttribute("data-connection");
  for (const token of copy.querySelectorAll("[class='']")) token.removeAttribute("class");
  for (const held of copy.querySelectorAll("details[open]")) held.removeAttribute("open");
  return copy.innerHTML;
}

function flash(old, fresh) {
  const known = new Map([...old.querySelectorAll("[data-key]")].map((each) => [each.dataset.key, bare(each)]));
  const keyed = [...fresh.querySelectorAll("[data-key]")];
  for (const each of keyed) if (known.get(each.dataset.key) !== bare(each)) each.classList.add("flash");
}

function swap(region, fresh) {
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const path = focused?.id ? `#${CSS.escape(focused.id)}` : focused?.getAttribute("href") ? `[href="${CSS.escape(focused.getAttribute("href"))}"]` : null;
  carryOver(region, fresh);
  flash(region, fresh);
  region.replaceWith(fresh);
  if (path) fresh.querySelector(path)?.focus({ preventScroll: true });
}

async function ask() {
  if (isAsking || !changed.size) return;
  const regions = [...document.querySelectorAll("[data-live][id]")].filter(listens);
  changed.clear();
  if (!regions.length) return;
  isAsking = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-PagerPal-Live": "1" }, credentials: "same-origin", signal: AbortSignal.timeout(ASK_MS) });
    if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of regions) {
      const twin = fresh.getElementById(region.id);
      if (twin && region.isConnected && bare(region) !== bare(twin)) swap(region, document.adoptNode(twin));
    }
    document.title = fresh.title || document.title;
  } catch {
    // The next change or the next poll asks again; the chip already says that the connection is lost.
  } finally {
    isAsking = false;
    arm();
    if (changed.size) gather();
  }
}

function gather() {
  clearTimeout(gathering);
  gathering = setTimeout(ask, GATHER_MS);
}

// Who is on call is old news from a known instant on, the next hand-off; nobody has to change anything for it.
function arm() {
  const ends = [...document.querySelectorAll("[data-until]")].map((each) => Date.parse(each.dataset.until) - Date.now() - skew);
  const ahead = ends.filter((each) => each > 0);
  clearTimeout(untilTimer);
  if (ahead.length) untilTimer = setTimeout(everything, Math.min(...ahead, LONGEST_MS) + GATHER_MS);
}

function everything() {
  changed.add("*");
  gather();
}

function lost() {
  say("lost");
  polling ??= setInterval(everything, POLL_MS);
}

function connect() {
  const source = new EventSource("/events");
  source.addEventListener("open", () => {
    clearTimeout(lostTimer);
    clearInterval(polling);
    const wasLost = polling !== null;
    polling = lostTimer = null;
    say("live");
    if (wasLost) everything();
  });
  source.addEventListener("change", (event) => {
    for (const each of JSON.parse(event.data)) {
      changed.add(each.topic);
      for (const id of [each.id, each.incident_id]) if (id != null) changed.add(`${each.topic}:${id}`);
    }
    gather();
  });
  source.addEventListener("error", () => {
    lostTimer ??= setTimeout(lost, LOST_AFTER_MS);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
  window.addEventListener("pagehide", () => source.close(), { once: true });
}

if (document.querySelector("[data-live]")) {
  connect();
  arm();
  // What changes by time alone (a worker that stalls, a gap that begins) has no event.
  setInterval(everything, SLOW_MS);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
