// Keeps relative times true while a page stays open. The words are those of app/web/ui/words.py.
"use strict";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

function pair(large, largeUnit, small, smallUnit) {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(Math.floor(whole / MINUTE), "m", whole % MINUTE, "s");
  if (whole < DAY) return pair(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "m");
  return pair(Math.floor(whole / DAY), "d", Math.floor((whole % DAY) / HOUR), "h");
}

function age(seconds) {
  if (seconds < MINUTE) return "now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} m`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

function ago(seconds) {
  const size = Math.abs(seconds);
  if (size < MINUTE) return seconds >= 0 ? "just now" : "in a moment";
  let words = `${Math.floor(size / DAY)} days`;
  if (size < HOUR) words = `${Math.floor(size / MINUTE)} min`;
  else if (size < 2 * DAY) words = `${Math.floor(size / HOUR)} h`;
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

function due(seconds) {
  return -seconds >= 1 ? `in ${duration(-seconds)}` : "now";
}

// The reader's clock may be wrong; the server's, told with the page, is the one that pages.
const skew = Date.parse(document.documentElement.dataset.now) - Date.now();

function refresh() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-ago], time[data-age], time[data-due]")) {
    const seconds = (now - Date.parse(time.dateTime)) / 1000;
    const words = "ago" in time.dataset ? ago(seconds) : "age" in time.dataset ? age(seconds) : due(seconds);
    if (time.textContent !== words) time.textContent = words;
  }
}

refresh();
setInterval(refresh, 1000);
