// Small comforts of every page: theme at once, copy, dismissing, one «acting as» for all forms, the error summary.
"use strict";

const YEAR_SECONDS = 31536000;
const TOAST_MS = 8000;

function chooseTheme(theme) {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  document.cookie = `pagerpal_theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

async function copy(button) {
  const label = button.querySelector("[data-copy-label]");
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    // Without a secure origin there is no clipboard: select the text, so that one key press copies it.
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    label.textContent = "Selected";
  }
}

document.addEventListener("click", (event) => {
  const themeButton = event.target.closest("[data-theme-switch] button");
  if (themeButton) {
    event.preventDefault();
    chooseTheme(themeButton.value);
  }
  const copyButton = event.target.closest("[data-copy]");
  if (copyButton) copy(copyButton);
  const dismissed = event.target.closest("[data-dismiss]");
  if (dismissed) dismissed.closest(".toast").remove();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-acting-as]")) return;
  for (const select of document.querySelectorAll("[data-acting-as]")) select.value = event.target.value;
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Copies of what was being written are for the one who wrote it: they go with the session.
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/logout") return;
  for (const key of Object.keys(localStorage)) if (key.startsWith("pagerpal-alarm:")) localStorage.removeItem(key);
});

// A form that is sent twice by a double tap would act twice.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Where htmx is there, filters apply as they are chosen and need no button.
if (window.htmx) document.documentElement.classList.add("htmx");

document.querySelector("[data-summary]")?.focus();

const zoneField = document.querySelector("[data-fill-zone]");
if (zoneField) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zoneField.options].some((option) => option.value === zone)) zoneField.value = zone;
}

// Good news goes by itself; what went wrong stays until somebody takes it away.
setTimeout(() => document.querySelectorAll(".toast.good").forEach((toast) => toast.remove()), TOAST_MS);
