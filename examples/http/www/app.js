"use strict";
// The page of the example: lists, adds and removes notes by the JSON API.
const list = document.getElementById("notes");
const form = document.getElementById("form");
const field = document.getElementById("text");
const status = document.getElementById("status");

async function call(method, path, value) {
  const answer = await fetch("api/notes/" + path, {
    method,
    headers: value ? { "Content-Type": "application/json" } : {},
    body: value ? JSON.stringify(value) : undefined,
  });
  const result = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(result.error || "error " + answer.status);
  return result;
}

async function run(action) {
  try {
    await action();
    await show();
    status.textContent = "";
  } catch (error) {
    status.textContent = "That did not work: " + error.message;
  }
}

async function show() {
  const { notes } = await call("GET", "");
  list.replaceChildren(...notes.map((note) => {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const remove = document.createElement("button");
    text.textContent = note.text;
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", "Remove the note " + note.text);
    remove.addEventListener("click", () => run(() => call("DELETE", String(note.id))));
    item.append(text, remove);
    return item;
  }));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(async () => {
    await call("POST", "", { text: field.value });
    field.value = "";
    field.focus();
  });
});

run(async () => {});
