"use strict";
// The page of the chat: joins, shows and sends messages, and comes back by
// itself when the server was away.
const $ = (id) => document.getElementById(id);
const log = $("log");

const state = {
  socket: null,
  name: "", // what we asked to be called
  you: "", // what we are called
  room: "", // which room that was: another one after the server began anew
  last: 0, // the newest message of it that is shown
  waiting: new Map(), // key -> { text, item }: sent, not yet seen by the server
  delay: 0,
  timer: 0,
  unique: Math.random().toString(36).slice(2, 10),
  keys: 0,
};

// ---- Showing ----

function setStatus(kind, text) {
  $("status").dataset.state = kind;
  $("status-text").textContent = text;
}

function isAtEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
}

function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
  $("newer").hidden = true;
}

function makeItem(name, text, seconds, isMine) {
  const item = document.createElement("li");
  const by = document.createElement("span");
  const who = document.createElement("b");
  const bubble = document.createElement("p");
  item.className = isMine ? "message mine" : "message";
  by.className = "by";
  who.textContent = isMine ? "You" : name;
  by.append(who);
  if (seconds) {
    const time = document.createElement("time");
    const date = new Date(seconds * 1000);
    time.dateTime = date.toISOString();
    time.textContent = " " + date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    by.append(time);
  }
  bubble.className = "bubble";
  bubble.textContent = text;
  item.append(by, bubble);
  return item;
}

function addItem(item, isMine) {
  const follow = isMine || isAtEnd();
  log.append(item);
  $("empty").hidden = true;
  if (follow) scrollToEnd();
  else $("newer").hidden = false;
}

function showSaid(said) {
  if (said.id <= state.last) return;
  state.last = said.id;
  const mine = said.key && state.waiting.get(said.key);
  const isMine = Boolean(said.key && said.key.startsWith(state.unique));
  if (mine) {
    state.waiting.delete(said.key);
    mine.item.remove();
  }
  addItem(makeItem(said.name, said.text, said.seconds, isMine), isMine);
}

function showPeople(people) {
  $("count").textContent = people.length;
  $("people").replaceChildren(...people.map((name) => {
    const item = document.createElement("li");
    item.textContent = name === state.you ? name + " (you)" : name;
    return item;
  }));
}

function showProblem(text) {
  $("problem").textContent = text;
}

// ---- The connection ----

function transmit(message) {
  if (state.socket && state.socket.readyState === WebSocket.OPEN) {
    state.socket.send(JSON.stringify(message));
  }
}

const hear = {
  welcome(message) {
    state.you = message.you;
    state.delay = 0;
    $("you").textContent = message.you;
    setStatus("open", "Connected");
    // A server that began anew counts from 1 again.
    if (message.room !== state.room) state.last = 0;
    state.room = message.room;
    message.said.forEach(showSaid);
    showPeople(message.people);
    // What was lost on the way goes out again; the key keeps it from doubling.
    for (const [key, { text }] of state.waiting) transmit({ type: "say", text, key });
  },
  people: (message) => showPeople(message.people),
  said: (message) => showSaid(message),
  error: (message) => showProblem(message.text),
};

function connect() {
  clearTimeout(state.timer);
  const address = new URL("chat", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  state.socket = socket;
  socket.addEventListener("open", () => transmit({ type: "join", name: state.name }));
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (hear[message.type]) hear[message.type](message);
  });
  socket.addEventListener("close", () => {
    if (state.socket === socket) reconnect();
  });
}

// Longer and longer waits, none like another's, so that a server that comes
// back is not met by all at once.
function reconnect() {
  state.socket = null;
  state.delay = Math.min(state.delay ? state.delay * 2 : 500, 15000);
  setStatus("lost", "Connection lost. Trying again…");
  state.timer = setTimeout(connect, state.delay * (0.5 + Math.random() / 2));
}

addEventListener("online", () => {
  if (state.name && !state.socket) connect();
});

// ---- What people do ----

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) return;
  state.name = name;
  $("join").hidden = true;
  $("say").hidden = false;
  $("you").textContent = name;
  $("text").focus();
  setStatus("waiting", "Connecting…");
  connect();
});

function say() {
  const text = $("text").value.trim();
  if (!text) return;
  const key = state.unique + "-" + ++state.keys;
  const item = makeItem(state.you, text, 0, true);
  item.classList.add("pending");
  state.waiting.set(key, { text, item });
  addItem(item, true);
  transmit({ type: "say", text, key });
  $("text").value = "";
  fit();
  showProblem("");
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});

$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    say();
  }
});

// The field grows with its text.
function fit() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = field.scrollHeight + 2 + "px";
}
$("text").addEventListener("input", fit);

$("newer").addEventListener("click", () => {
  scrollToEnd();
  $("text").focus();
});
log.addEventListener("scroll", () => {
  if (isAtEnd()) $("newer").hidden = true;
});

$("name").focus();
