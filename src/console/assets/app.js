// What pages do beyond reading and sending forms, both of which they do without this. Texts come
// from the page; the attributes that are looked for begin with `data-`.
"use strict";

const policy = window.trustedTypes?.createPolicy("chartroom", { createHTML: (text) => text });
const parse = (text) =>
  new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const on = (selector, event, act) =>
  document.addEventListener(event, (happened) => {
    const found = happened.target.closest?.(selector);
    if (found) act(found, happened);
  });

// What needs a script is hidden without one.
for (const one of all("[data-script]")) one.hidden = false;
document.querySelector("[data-focus]")?.focus();

// Copying a text: `data-copy` names the element.
on("[data-copy]", "click", async (button) => {
  const text = document.querySelector(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text.trim());
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => (button.textContent = before), 2000);
});

// Showing a password while it is typed.
on("[data-show]", "change", (box) => {
  document.querySelector(box.dataset.show).type = box.checked ? "text" : "password";
});

// A search that is sent as one types: `data-live` names the part of the page that is replaced.
let typing;
let asked = 0;
on("form[data-live]", "input", (form) => {
  clearTimeout(typing);
  typing = setTimeout(() => live(form), 200);
});
async function live(form) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  const url = `${form.action.split("?")[0]}?${query}`;
  const turn = ++asked;
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (turn !== asked || !answer.ok) return;
  const fresh = parse(await answer.text()).querySelector(form.dataset.live);
  const old = document.querySelector(form.dataset.live);
  if (!fresh || !old) return;
  old.replaceWith(document.adoptNode(fresh));
  history.replaceState(null, "", url);
}

// A form is sent once, and what was typed is not lost by leaving the page.
const dirty = new Set();
on("form[data-guard]", "input", (field, happened) => dirty.add(happened.target.form));
document.addEventListener("submit", ({ target: form, submitter }) => {
  dirty.delete(form);
  if (form.method !== "post") return;
  // After the form has been read, which takes the button along.
  setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
  setTimeout(() => all("button", form).forEach((button) => (button.disabled = false)), 8000);
  if (submitter?.dataset.keeps === undefined) forget(form);
});
addEventListener("beforeunload", (happened) => {
  if (dirty.size) happened.preventDefault();
});
addEventListener("pageshow", (shown) => {
  if (shown.persisted) all("form button").forEach((button) => (button.disabled = false));
});

// A text that is long to write is kept in this browser until it is sent.
const place = (field) => `draft:${field.dataset.draft}`;
function forget(form) {
  for (const field of all("[data-draft]", form)) localStorage.removeItem(place(field));
}
on("[data-draft]", "input", (field) => localStorage.setItem(place(field), field.value));
for (const field of all("[data-draft]")) {
  const kept = localStorage.getItem(place(field));
  if (kept && !field.value) field.value = kept;
}

// A file is sent with its progress, to where `data-upload` says, by its type or as `data-type`.
const types = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.file",
  arrows: "application/vnd.apache.arrow.stream",
};
on("form[data-upload]", "submit", (form, happened) => {
  const file = form.elements.file.files[0];
  const type = form.dataset.type ?? types[file?.name.split(".").pop().toLowerCase()];
  if (!file || !type) return;
  happened.preventDefault();
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form))
    if (typeof value === "string" && value && name !== "key") query.append(name, value);
  const bar = form.querySelector("progress");
  const said = form.querySelector("output");
  const request = new XMLHttpRequest();
  request.open("POST", `${form.dataset.upload}?${query}`);
  request.setRequestHeader("content-type", type);
  request.setRequestHeader("idempotency-key", form.elements.key.value);
  bar.hidden = false;
  const begun = Date.now();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.max = total;
    bar.value = loaded;
    const left = ((Date.now() - begun) / loaded) * (total - loaded);
    said.value = `${Math.floor((100 * loaded) / total)} %, ${Math.ceil(left / 1000)} s`;
  });
  const failed = () => {
    bar.hidden = true;
    let told = {};
    try {
      told = JSON.parse(request.responseText);
    } catch {}
    said.value = told.detail ?? form.dataset.failed;
    all("button", form).forEach((button) => (button.disabled = false));
  };
  request.addEventListener("error", failed);
  request.addEventListener("load", () => {
    const at = request.getResponseHeader("location");
    if (at) location.assign(at.replace("/api/v1", ""));
    else failed();
  });
  request.send(file);
});

// An error that passes by itself: a page that was only asked for is asked for again.
for (const notice of all("[data-again]")) {
  let seconds = Number(notice.dataset.again);
  const tick = setInterval(() => {
    seconds -= 1;
    notice.textContent = notice.textContent.replace(/\d+/, Math.max(seconds, 0));
    if (seconds > 0) return;
    clearInterval(tick);
    if (notice.dataset.get !== undefined) location.reload();
  }, 1000);
}

// The keyboard, which the settings can turn off.
const keys = document.documentElement.dataset.keys !== "off";
let after = "";
const rows = () => all("[data-rows] a[data-row]");
function step(by) {
  const list = rows();
  if (!list.length) return;
  const at = list.indexOf(document.activeElement);
  const to = at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1);
  list[to].focus();
}
document.addEventListener("keydown", (pressed) => {
  const typed = pressed.target.closest("input, textarea, select, dialog, [contenteditable]");
  if (!keys || typed || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
  const { key } = pressed;
  const places = { h: "/home", p: "/projects", o: "/posts", d: "/datasets", m: "/models" };
  if (after === "g" && places[key]) {
    after = "";
    location.assign(places[key]);
    return;
  }
  after = key === "g" ? "g" : "";
  if (key === "/") {
    const search = document.querySelector("main input[type=search]");
    if (!search) return;
    pressed.preventDefault();
    search.focus();
    search.select();
  } else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "?") document.querySelector("#keys")?.showModal();
});
on("[data-close]", "click", (button) => button.closest("dialog").close());
