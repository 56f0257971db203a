// The editor of an alarm: CodeMirror on its two texts, saving while somebody types, on Ctrl-S and on leaving, and a
// copy of every keystroke in this browser, which is offered again when the server has not got it.
// A module, so that its names are its own.

const IDLE_MS = 2000;
const LONGEST_WAIT_MS = 8000;
const RETRY_SAVE_MS = 10000;
const SAVE_MS = 15000;
const KEPT_ALIVE_LENGTH = 60000; // browsers take 64 KiB with them when a page is left
const DRAFT_DAYS = 30;
const DRAFTS = "pagerpal-alarm:";
const DAY_MS = 86400000;

const editor = document.getElementById("editor");
const areas = {};

function dress(name, mode) {
  const area = document.getElementById(`alarm-${name}`);
  if (!area || !window.CodeMirror) return;
  const label = document.querySelector(`label[for="alarm-${name}"]`);
  const hadFocus = document.activeElement === area;
  const { selectionStart, selectionEnd } = area;
  const code = CodeMirror.fromTextArea(area, {
    mode, lineWrapping: true, lineNumbers: mode !== "markdown", matchBrackets: true, indentUnit: 2, tabSize: 2,
    viewportMargin: Infinity, theme: "pagerpal", screenReaderLabel: label?.textContent ?? "",
    extraKeys: { Tab: false, "Shift-Tab": false },
  });
  code.getInputField().setAttribute("aria-describedby", area.getAttribute("aria-describedby") ?? "");
  label?.addEventListener("click", () => code.focus());
  // Somebody was typing already: the next key must not fall beside the new field.
  if (hadFocus) {
    code.focus();
    code.setSelection(code.posFromIndex(selectionStart), code.posFromIndex(selectionEnd));
  }
  // The textarea always has the text: what sends the form sends what is seen.
  code.on("change", () => {
    code.save();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  areas[name] = code;
}

dress("content", "markdown");
dress("params", { name: "javascript", json: true });

// --- what the form says ---------------------------------------------------------------------------------------------

// What stands in the form; with `offered`, what the server put there, which is less than the rest while a page loads.
function typed(offered = false) {
  const said = {};
  for (const control of editor.elements) {
    if (!control.name || ["csrf_token", "version", "number", "as"].includes(control.name) || control.type === "submit") continue;
    said[control.name] = offered ? defaultOf(control) : control.type === "checkbox" ? control.checked : control.value;
  }
  return said;
}

function defaultOf(control) {
  if (control.type === "checkbox") return control.defaultChecked;
  if (!control.options) return control.defaultValue;
  return ([...control.options].find((option) => option.defaultSelected) ?? control.options[0])?.value ?? "";
}

function put(said) {
  for (const [name, value] of Object.entries(said)) {
    const control = editor.elements[name];
    if (!control) continue;
    if (control.type === "checkbox") control.checked = value;
    else if (areas[name]) areas[name].setValue(value);
    else control.value = value;
  }
}

function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// The settings as the server takes them; parameters that are no JSON object are left out, and `broken` says so.
function settings(said) {
  const hours = Number(said.renotification_window_hours.replace(",", "."));
  const sent = {
    ...said,
    recipients: said.recipients.split(/[\n,]/).map((word) => word.trim()).filter(Boolean),
    renotification_window_hours: Number.isNaN(hours) ? said.renotification_window_hours : hours,
    escalation_policy_id: said.escalation_policy_id ? Number(said.escalation_policy_id) : null,
  };
  let broken = "";
  try {
    sent.params = JSON.parse(said.params.trim() || "{}");
    if (sent.params === null || typeof sent.params !== "object" || Array.isArray(sent.params)) throw new SyntaxError("it is no object");
  } catch (fault) {
    delete sent.params;
    broken = fault.message;
  }
  return { sent, broken };
}

// --- the copy in this browser ---------------------------------------------------------------------------------------

function ownKey() {
  let tab = sessionStorage.getItem("pagerpal-tab");
  if (!tab) {
    tab = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
    sessionStorage.setItem("pagerpal-tab", tab);
  }
  return `${DRAFTS}${editor.dataset.alarm}:${tab}`;
}

function keep(said) {
  try {
    localStorage.setItem(ownKey(), JSON.stringify({ at: Date.now(), said }));
  } catch {
    // A browser that keeps nothing still saves to the server.
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key ?? ownKey());
  } catch {
    // Nothing was kept.
  }
}

function keys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(DRAFTS));
  } catch {
    return [];
  }
}

function drafts() {
  const found = [];
  for (const key of keys()) {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      if (Date.now() - draft.at > DRAFT_DAYS * DAY_MS) localStorage.removeItem(key);
      else if (key.startsWith(`${DRAFTS}${editor.dataset.alarm}:`)) found.push({ key, ...draft });
    } catch {
      localStorage.removeItem(key);
    }
  }
  return found.sort((one, other) => other.at - one.at);
}

function show(why) {
  const list = document.getElementById("local-copies");
  const rows = drafts().filter((draft) => !isSame(draft.said, stored));
  for (const draft of drafts()) if (isSame(draft.said, stored)) forget(draft.key);
  list.replaceChildren(...rows.map((draft) => row(draft, why)));
  list.hidden = !rows.length;
}

function row(draft, why) {
  const copy = document.getElementById("local-copy").content.cloneNode(true);
  copy.querySelector("[data-why]").textContent = why;
  copy.querySelector("[data-when]").textContent = `this browser, ${new Date(draft.at).toLocaleString()}`;
  copy.querySelector("[data-restore]").addEventListener("click", () => {
    put(draft.said);
    wasTyped();
  });
  copy.querySelector("[data-forget]").addEventListener("click", () => {
    forget(draft.key);
    show(why);
  });
  return copy;
}

// --- saving ---------------------------------------------------------------------------------------------------------

let stored = null; // what the server has, as far as this page knows
let savedVersion = 0;
let saving = null;
let flying = null; // what the save under way says
let idle = null;
let latest = null;
let isLeaving = false;
let isOvertaken = false;

function report(state, words) {
  const line = document.getElementById("saved");
  line.dataset.state = state;
  line.querySelector(".dot").className = `dot ${{ saved: "ok", typing: "wait", saving: "wait" }[state] ?? "bad"}`;
  const said = line.querySelector(".words");
  if (said.textContent !== words) said.textContent = words;
}

function isDirty() {
  return !isSame(typed(), stored);
}

function wasTyped() {
  keep(typed());
  if (isOvertaken) return;
  if (!isDirty()) return report("saved", `Version ${savedVersion}, saved`);
  report("typing", "Not saved yet");
  clearTimeout(idle);
  idle = setTimeout(() => save(), IDLE_MS);
  latest ??= setTimeout(() => save(), LONGEST_WAIT_MS);
}

const token = () => editor.elements.csrf_token.value;

// One at a time: each save names the version that the one before it made.
async function save(isMeant = false) {
  while (saving) await saving;
  if (!isMeant && !isDirty()) return;
  clearTimeout(idle);
  clearTimeout(latest);
  latest = null;
  saving = attempt(isMeant).finally(() => {
    saving = flying = null;
  });
  await saving;
}

async function attempt(isMeant) {
  const said = typed();
  const { sent, broken } = settings(said);
  const text = JSON.stringify({ ...sent, version: savedVersion, ...(isMeant ? {} : { csrf_token: token() }) });
  flying = said;
  report("saving", "Saving");
  try {
    const answer = await fetch(isMeant ? editor.dataset.api : `${editor.dataset.api}/autosave`, {
      method: isMeant ? "PATCH" : "POST", body: text, credentials: "same-origin", redirect: "error",
      keepalive: text.length < KEPT_ALIVE_LENGTH, signal: AbortSignal.timeout(SAVE_MS),
      headers: { "content-type": "application/json", "x-csrf-token": token() },
    });
    const told = await answer.json();
    if (answer.ok) saved(told, said, broken);
    else refused(answer.status, told);
  } catch {
    unreachable();
  }
}

function saved(told, said, broken) {
  savedVersion = told.version;
  editor.elements.version.value = told.version;
  if (broken) {
    stored = { ...said, params: stored?.params ?? "" };
    report("wrong", `Saved as version ${told.version}, all but the parameters: ${broken}`);
    return show("parameters are no JSON");
  }
  stored = said;
  delete editor.dataset.unsaved;
  show("not on the server");
  if (isDirty()) wasTyped();
  else {
    forget();
    report("saved", `Saved as version ${told.version}`);
  }
}

// A field as the page names it, with the rest of its path: «params.limit» is «Parameters limit».
function place(path) {
  const [name, ...rest] = path.split(".");
  const label = document.querySelector(`label[for="alarm-${name.split("[")[0]}"]`)?.firstChild?.textContent.trim();
  return [label || name, ...rest].join(" ");
}

function refused(status, told) {
  if (status === 409 && told.current) {
    isOvertaken = true;
    savedVersion = told.current.version;
    document.getElementById("overtaken").hidden = false;
    report("wrong", `Not saved: somebody saved version ${savedVersion} meanwhile`);
  } else {
    const faults = (told.errors ?? []).map((each) => `${place(each.path)} ${each.message}`);
    report("wrong", `Not saved: ${faults.join("; ") || told.detail}`);
  }
  show("not on the server");
}

function unreachable() {
  report("wrong", "The server cannot be reached. Your text is kept in this browser and is saved when it is back.");
  show("not on the server");
  clearTimeout(idle);
  idle = setTimeout(() => save(), RETRY_SAVE_MS);
}

// The last chance: no answer can be waited for, so the copy in this browser stays until a page sees it stored. A save
// that is under way makes the next version, and this one is meant to come after it.
function leave() {
  if (isLeaving || isOvertaken || !isDirty() || isSame(typed(), flying)) return;
  const text = JSON.stringify({ ...settings(typed()).sent, version: savedVersion + (flying ? 1 : 0), csrf_token: token() });
  navigator.sendBeacon(`${editor.dataset.api}/autosave`, new Blob([text], { type: "application/json" }));
  isLeaving = true;
}

function openEditor() {
  savedVersion = Number(editor.elements.version.value);
  // What was loaded from an older version, or came back from a refused save, is not what the server has.
  stored = "loaded" in editor.dataset || "unsaved" in editor.dataset ? null : typed(true);
  const shown = typed();
  isOvertaken = !document.getElementById("overtaken").hidden;
  if ("loaded" in editor.dataset) {
    stored = shown;
    report("typing", `Version ${editor.dataset.loaded} is loaded and not saved`);
  } else if ("unsaved" in editor.dataset) report("wrong", "Not saved yet");
  show("not on the server");

  editor.addEventListener("input", wasTyped);
  editor.addEventListener("change", wasTyped);
  // Somebody typed before this script was there.
  if (stored !== null && isDirty()) wasTyped();
  editor.addEventListener("submit", (event) => {
    const action = event.submitter?.getAttribute("formaction");
    if (event.submitter?.getAttribute("formtarget")) return;
    if (!action && !("unsaved" in editor.dataset)) {
      event.preventDefault();
      press();
    } else isLeaving = true;
  }, true);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    // Whoever was told of somebody else's save decides with a button, not with a habit.
    if (isOvertaken) document.querySelector("[data-keep-mine]").focus();
    else press();
  });
  document.querySelector("[data-keep-mine]").addEventListener("click", press);
  document.querySelector("[data-take-theirs]").addEventListener("click", () => {
    keep(typed());
    isLeaving = true;
    location.assign(location.pathname);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && !isOvertaken && !isLeaving && isDirty()) save();
  });
  window.addEventListener("pagehide", leave);
  new MutationObserver(notice).observe(document.getElementById("history"), { childList: true, subtree: true });
}

// Save is meant: it says so, and after somebody else's save it makes the next version.
function press() {
  isOvertaken = false;
  document.getElementById("overtaken").hidden = true;
  save(true);
}

// The list of versions is live: who else saves is told before anything is lost.
function notice() {
  const newest = Number(document.getElementById("versions")?.dataset.version ?? 0);
  if (newest <= savedVersion || saving || isOvertaken) return;
  if (isDirty()) save();
  else report("wrong", `Somebody saved version ${newest}: reload the page before you go on.`);
}

if (editor) openEditor();
