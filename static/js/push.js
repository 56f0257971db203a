// The panel «Phones and browsers» of the profile: subscribes this browser to pushes, with the session's own rights.
"use strict";

const panel = document.querySelector("[data-push]");

function bytesOf(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function told(words) {
  panel.querySelector("[data-push-said]").textContent = words;
}

async function hand(subscription) {
  const answer = await fetch("/api/v1/me/push-subscriptions", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-csrf-token": panel.querySelector("[name=csrf_token]").value,
    },
    body: JSON.stringify({ ...subscription.toJSON(), name: panel.dataset.pushName }),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.status;
}

async function switchOn() {
  if ((await Notification.requestPermission()) !== "granted") {
    told("This browser does not allow notifications from here: change that in its settings for this site.");
    return;
  }
  const registration = await navigator.serviceWorker.register("/sw.js");
  await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(panel.dataset.push),
  });
  await hand(subscription);
  location.reload();
}

async function start() {
  const button = panel.querySelector("[data-push-on]");
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
    told("This browser cannot be pushed to. On an iPhone, add PagerPal to the home screen first and open it there.");
    return;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await switchOn();
    } catch (fault) {
      told(`It did not work: ${fault.message}`);
    }
    button.disabled = false;
  });
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = await registration?.pushManager.getSubscription();
  // A browser may renew its subscription by itself: whoever looks at the profile brings it up to date.
  if (subscription && (await hand(subscription)) === 201) location.reload();
}

if (panel) start();
