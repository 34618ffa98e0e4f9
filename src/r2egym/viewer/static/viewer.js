// Pages work without this: it adds keys, the theme, live updates, and fetches long text in place.
"use strict";

const root = document.documentElement;
const kept = (() => { try { return localStorage.getItem("r2egym-theme"); } catch { return null; } })();
if (kept === "light" || kept === "dark") root.dataset.theme = kept;

function switchTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("r2egym-theme", root.dataset.theme); } catch { /* a page without storage forgets it */ }
}

// --- places: steps on an attempt's page, rows elsewhere ---

const steps = () => [...document.querySelectorAll(".step")];
const rows = () => [...document.querySelectorAll(".list tbody tr")];
let here = -1;

function mark(list, at) {
  for (const one of document.querySelectorAll(".here:not(.marks .here)")) one.classList.remove("here");
  here = at;
  const one = list[at];
  if (!one) return;
  one.classList.add("here");
  one.scrollIntoView({ block: one.offsetHeight > innerHeight * 0.8 ? "start" : "nearest" });
  if (one.id) {
    history.replaceState(null, "", "#" + one.id);
    const entry = document.querySelector(`.outline a[href="#${one.id}"]`);
    if (entry) { entry.parentElement.classList.add("here"); entry.scrollIntoView({ block: "nearest" }); }
    one.focus({ preventScroll: true });
  } else {
    one.querySelector("a")?.focus({ preventScroll: true });
  }
}

function move(by) {
  const list = steps().length ? steps() : rows();
  if (!list.length) return;
  if (here < 0 && location.hash) here = list.findIndex(one => "#" + one.id === location.hash);
  mark(list, Math.max(0, Math.min(list.length - 1, here + by)));
}

function fold(parts) {
  const all = [...parts];
  const open = all.some(one => !one.open);
  for (const one of all) one.open = open;
}

const follow = selector => { const link = document.querySelector(selector); if (link) location.href = link.href; };

const keys = {
  "/": () => { const box = document.querySelector(".filters input[type=search]") ?? document.getElementById("find"); box.focus(); box.select(); },
  "j": () => move(1),
  "k": () => move(-1),
  "n": () => follow(".above a[rel=next], .pager a[rel=next]"),
  "p": () => follow(".above a[rel=prev], .pager a[rel=prev]"),
  "u": () => follow(document.getElementById("up") ? "#up" : ".crumbs a:last-of-type"),
  "o": () => { const one = steps()[Math.max(here, 0)]; if (one) fold(one.querySelectorAll("details")); },
  "e": () => fold(document.querySelectorAll("main details")),
  "t": switchTheme,
  "?": () => document.getElementById("help").showModal(),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (/^[1-7]$/.test(event.key)) return follow(`.tabs a:nth-of-type(${event.key})`);
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});

// --- long text in place: the page that a link leads to, its text taken over ---

async function fetchMore(link) {
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href);
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main pre");
    if (!answer.ok || !found) throw new Error("nothing there");
    const text = document.createElement("pre");
    text.className = "text";
    text.tabIndex = 0;
    text.textContent = found.textContent;
    const whole = document.createElement("a");
    whole.href = link.href;
    whole.textContent = "on a page of its own";
    link.replaceWith(text, whole);
    text.focus({ preventScroll: true });
  } catch {
    location.href = link.href;
  }
}

// --- live: a part of the page is asked for again while there is something to wait for ---

async function renew(part) {
  if (document.hidden || part.contains(document.activeElement) && document.activeElement.matches("a")) return;
  try {
    const answer = await fetch(part.dataset.live);
    if (!answer.ok) return;
    const text = await answer.text();
    if (text !== part.said) { part.said = text; part.innerHTML = text; }
    if (!part.querySelector(".state")) clearInterval(part.timer);
  } catch { /* the server went away: the page stays as it is */ }
}

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme")?.addEventListener("click", switchTheme);
  document.getElementById("keys")?.addEventListener("click", keys["?"]);
  for (const part of document.querySelectorAll("[data-live]")) part.timer = setInterval(renew, 2000, part);
  document.addEventListener("click", event => {
    const link = event.target.closest("a[data-more]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); fetchMore(link); }
  });
  for (const choice of document.querySelectorAll(".filters select")) choice.addEventListener("change", () => choice.form.requestSubmit());
  if (location.hash.startsWith("#step-")) here = steps().findIndex(one => "#" + one.id === location.hash);
});
