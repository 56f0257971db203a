// The part of PagerPal that works while no page is open: shows what is pushed, and acknowledges from the lock screen.
"use strict";

const ICON = "/static/icons/app-192.png";
const BADGE = "/static/icons/badge-96.png";
const ANSWER_MS = 15000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));

self.addEventListener("notificationclick", (event) => {
  const page = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(event.action === "acknowledge" ? acknowledge(page) : open(page));
});

function read(data) {
  try {
    return data.json();
  } catch {
    return { title: "PagerPal", body: data ? data.text() : "Something happened. Open PagerPal to see it." };
  }
}

function show(page) {
  const open = { action: "open", title: "Open" };
  return self.registration.showNotification(page.title, {
    body: page.body,
    tag: page.tag ?? "pagerpal",
    renotify: true,
    requireInteraction: page.severity === "critical",
    icon: ICON,
    badge: BADGE,
    data: page,
    actions: page.acknowledge ? [{ action: "acknowledge", title: "Acknowledge" }, open] : [open],
  });
}

// Links name the public address; whatever that is, this worker talks to the PagerPal that it came from.
function own(address) {
  return new URL(new URL(address, self.location.origin).pathname, self.location.origin).href;
}

async function acknowledge(page) {
  try {
    const answer = await fetch(own(page.acknowledge), {
      method: "POST",
      credentials: "omit",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html" },
      body: "action=acknowledge",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.ok) return tell(page, "Acknowledged", "You have it. Nobody else is paged.");
    if (answer.status === 409) return tell(page, "Answered already", "Somebody was faster. Tap to see who.");
    return fail(page, `PagerPal answered ${answer.status}.`);
  } catch {
    return fail(page, "There was no connection.");
  }
}

function tell(page, title, body) {
  return self.registration.showNotification(`${title}: ${page.title}`, {
    body, tag: page.tag ?? "pagerpal", icon: ICON, badge: BADGE, silent: true, data: { url: page.url },
  });
}

// A page that was not acknowledged is still a page: it stays and can be tried again.
function fail(page, why) {
  return show({ ...page, body: `Not acknowledged. ${why} Try again, or open the incident.` });
}

async function open(page) {
  const address = own(page.url ?? "/incidents");
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const each of windows) {
    if (each.url === address) return each.focus();
  }
  return self.clients.openWindow(address);
}
