// What the console does in a browser beyond forms and links. Every page works without it.
"use strict";

// ---- live: fragments follow what the server says has changed ----------------------------------------------------

const QUIET = 300; // milliseconds between a change and the request for what is shown of it
let lastNews = new Date();
let asked = null;
let asking = false;

function concerns(element, names) {
  const of = element.dataset.liveOf;
  return !of || names.includes("*") || of.split(" ").some((name) => names.includes(name));
}

// Each element with `data-live` and an id is shown anew; its value is the address, or empty for this page's.
async function refresh(names) {
  const elements = [...document.querySelectorAll("[data-live][id]")].filter((each) => concerns(each, names));
  const pages = new Map();
  for (const each of elements) {
    const address = each.dataset.live || location.href;
    if (!pages.has(address)) pages.set(address, fetchPage(address));
    const page = await pages.get(address);
    const now = page && page.getElementById(each.id);
    if (now && each.isConnected) morphToEnd(each, now);
  }
}

// What was scrolled to its end stays there.
function morphToEnd(old, now) {
  const ends = [...old.querySelectorAll("[data-end]")].filter((each) => each.scrollHeight - each.scrollTop - each.clientHeight < 8);
  morph(old, now);
  for (const each of ends) each.scrollTop = each.scrollHeight;
}

async function fetchPage(address) {
  const answer = await fetch(address, { headers: { "X-Live": "1" }, credentials: "same-origin" });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return location.assign(answer.url);
  return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

function soon(names) {
  const before = asked;
  asked = new Set([...(asked || []), ...names]);
  if (before || asking) return;
  setTimeout(async () => {
    const wanted = [...asked];
    asked = null;
    asking = true;
    try { await refresh(wanted); } catch { /* the stream says when the server is there again */ }
    asking = false;
    if (asked) { const again = asked; asked = null; soon(again); }
  }, QUIET);
}

function lost(is) {
  const callout = document.getElementById("lost");
  if (!callout) return;
  callout.hidden = !is;
  callout.querySelector("[data-lost-since]").textContent = lastNews.toISOString().slice(11, 19);
}

function follow(address) {
  const stream = new EventSource(address);
  stream.addEventListener("changed", (event) => { lastNews = new Date(); soon(event.data.split(" ")); });
  stream.addEventListener("open", () => { lastNews = new Date(); lost(false); });
  stream.addEventListener("error", () => {
    lost(true);
    if (stream.readyState !== EventSource.CLOSED) return;
    fetchPage(location.href).catch(() => {}); // which leads to the sign-in, if nobody is signed in any more
    setTimeout(() => follow(address), 3000);
  });
  addEventListener("pagehide", () => stream.close());
}

// ---- morphing: the old tree becomes as the new one, and keeps focus, what was typed, and what was opened ----------

const THEIRS = new Set(["open", "value", "checked"]); // what people change, on what they change it

function keeps(element, name) {
  if (name === "open") return element.matches("details, dialog");
  if (name === "value" || name === "checked") return element.matches("input, select, textarea");
  return false;
}

function morph(old, now) {
  if (old.isEqualNode(now) || old.hasAttribute?.("data-keep")) return;
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(document.importNode(now, true));
  if (old.nodeType !== Node.ELEMENT_NODE) { old.data = now.data; return; }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && !(THEIRS.has(name) && keeps(old, name))) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value && !(THEIRS.has(name) && keeps(old, name))) old.setAttribute(name, value);
  if (old.matches("progress") && now.hasAttribute("value")) old.value = Number(now.getAttribute("value"));
  if (old.matches("textarea")) return;
  morphChildren(old, now);
}

function keyOf(node) { return (node.nodeType === Node.ELEMENT_NODE && (node.id || node.dataset.key)) || null; }

function morphChildren(old, now) {
  const keyed = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  let at = old.firstChild;
  for (const wanted of [...now.childNodes]) {
    const key = keyOf(wanted);
    const match = key ? keyed.get(key) : at && !keyOf(at) && at.nodeName === wanted.nodeName ? at : null;
    if (!match) { old.insertBefore(document.importNode(wanted, true), at); continue; }
    if (match !== at) old.insertBefore(match, at); else at = at.nextSibling;
    morph(match, wanted);
  }
  while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
}

// ---- small helps --------------------------------------------------------------------------------------------------

// Where a browser knows no `command` on buttons.
function command(button) {
  const target = document.getElementById(button.getAttribute("commandfor"));
  if (!target) return;
  if (button.getAttribute("command") === "show-modal") target.showModal();
  if (button.getAttribute("command") === "close") target.close();
}

async function copy(button) {
  await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
  const label = button.lastChild;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2000);
}

// A link with `data-dialog` leads to a page that is a dialog: it opens over this page instead.
async function overlay(link) {
  const page = await fetchPage(link.href);
  const dialog = page && page.querySelector("dialog[open]");
  if (!dialog) return location.assign(link.href);
  const shown = document.importNode(dialog, true);
  shown.removeAttribute("open");
  shown.addEventListener("close", () => shown.remove());
  document.body.append(shown);
  shown.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog], dialog a[data-closes]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches("[data-closes]") && !link.closest("dialog").matches(":modal")) return;
  event.preventDefault();
  if (link.matches("[data-closes]")) link.closest("dialog").close();
  else overlay(link);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.hasAttribute("commandfor") && !("commandForElement" in HTMLButtonElement.prototype)) command(button);
  if (button.hasAttribute("data-copy")) copy(button);
});

// A form with `data-submits` is sent when a choice in it changes; its button is for those without this script.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submits]");
  if (form) form.requestSubmit();
});

// A form with `data-preview` shows in each `data-previewed` what the server says of what is typed so far.
let typing = null;
async function preview(form) {
  const turn = form.dataset.turn = String(Number(form.dataset.turn || 0) + 1);
  const typed = [...new FormData(form)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
  const page = await fetchPage(`${form.dataset.preview}?${new URLSearchParams(typed)}`);
  if (!page || turn !== form.dataset.turn) return;
  for (const each of form.querySelectorAll("[data-previewed][id]")) {
    const now = page.getElementById(each.id);
    if (now) morph(each, now);
  }
}

// A choice with `data-fills` puts its value into the field of that id; what is typed there is the last choice.
function fill(target) {
  const choice = target.matches("[data-fills]") ? target : document.querySelector(`[data-fills="${CSS.escape(target.id)}"]`);
  if (!choice) return;
  const field = document.getElementById(choice.dataset.fills);
  const options = [...choice.options];
  if (target === choice) field.value = choice.selectedOptions[0].dataset.value || field.value;
  else choice.value = (options.find((each) => each.dataset.value === field.value) || options.at(-1)).value;
}

document.addEventListener("input", (event) => {
  fill(event.target);
  const form = event.target.closest("form[data-preview]");
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => preview(form), QUIET);
});

setInterval(() => {
  const clock = document.getElementById("clock");
  if (clock) clock.textContent = `${new Date().toISOString().slice(11, 16)} UTC`;
}, 10000);
for (const each of document.querySelectorAll("[data-end]")) each.scrollTop = each.scrollHeight;
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone
for (const each of document.querySelectorAll("[data-passes]")) setTimeout(() => each.remove(), 5000);
if (document.body.dataset.liveStream && document.querySelector("[data-live]")) follow(document.body.dataset.liveStream);
