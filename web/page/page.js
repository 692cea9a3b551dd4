// The page of a server without the web client: register, log in, chat.
// Messages are only ever set as text. docs/protocol.md describes the frames.
"use strict";

const $ = (id) => document.getElementById(id);
const rooms = new Map(); // id -> room, see place()
const unsent = new Map(); // clientMsgId -> {roomId, content, failed}
let session = JSON.parse(sessionStorage.getItem("oort") || "null");
let socket, limits, current, drawn, atEnd = true, attempt = 0, retry, renewal;

// ---- session ----------------------------------------------------------------------------------

async function call(method, path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  // Without the cookie: two windows of one browser may be two users.
  const response = await fetch(path, { method, headers, credentials: "omit", body: body && JSON.stringify(body) })
    .catch(() => { throw new Error("The server cannot be reached."); });
  const reply = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(sentence(reply.message || response.statusText)), { status: response.status });
  return reply;
}

async function api(method, path, body) {
  await renew();
  return call(method, path, body, session.accessToken);
}

// One renewal at a time: a refresh token serves once.
async function renew() {
  if (session.accessExpiresAtMs > Date.now() + 30_000) return;
  renewal ??= call("POST", "/api/sessions/refresh", { refreshToken: session.refreshToken })
    .then((renewed) => session && save(renewed))
    .finally(() => { renewal = undefined; });
  await renewal;
}

function save(value) {
  session = value;
  sessionStorage.setItem("oort", JSON.stringify(value));
}

function enter() {
  $("door").hidden = true;
  $("chat").hidden = false;
  $("me").textContent = session.user.username;
  connect();
}

function leave(reason) {
  disconnect();
  session = current = undefined;
  attempt = 0;
  sessionStorage.removeItem("oort");
  rooms.clear();
  unsent.clear();
  draw();
  complain("");
  document.querySelectorAll("form").forEach((form) => form.reset());
  $("chat").hidden = true;
  $("door").hidden = false;
  $("door-error").textContent = reason;
  $("credentials").username.focus();
}

// ---- connection -------------------------------------------------------------------------------

async function connect() {
  tell("connecting…");
  try {
    await renew();
  } catch (error) {
    if (!session) return;
    return error.status === 401 ? leave("Your session is over. Please log in again.") : later(backoff());
  }
  if (!session) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const link = socket = new WebSocket(`${scheme}//${location.host}/api/ws`, ["oort.v1", `bearer.${session.accessToken}`]);
  link.onmessage = ({ data }) => {
    if (link !== socket) return;
    const { type, payload } = JSON.parse(data);
    frames[type]?.(payload);
  };
  link.onclose = ({ code }) => {
    if (link !== socket) return;
    if (code === 1008) session.accessExpiresAtMs = 0;
    later(link.reconnectAtMs ? Math.max(0, link.reconnectAtMs - performance.now()) : backoff());
  };
}

function disconnect() {
  clearTimeout(retry);
  const link = socket;
  socket = undefined;
  link?.close();
}

const backoff = () => Math.random() * Math.min(15_000, 500 * 2 ** attempt++);

function later(ms) {
  tell("offline, trying again…");
  retry = setTimeout(connect, ms);
}

function send(type, payload) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify({ type, payload }));
  return true;
}

const frames = {
  hello({ session: link, rooms: list }) {
    limits = link.limits;
    attempt = 0;
    tell("online");
    const listed = new Set(list.map(({ id }) => id));
    for (const room of rooms.values()) {
      room.askedAtMs = -Infinity;
      if (!listed.has(room.id)) rooms.delete(room.id);
    }
    list.forEach(place);
    for (const clientMsgId of unsent.keys()) post(clientMsgId);
    draw();
    if (document.activeElement === document.body) $("composer").text.focus();
  },
  serverMessages({ roomId, messages }) {
    const room = rooms.get(roomId);
    if (!room) return;
    messages.forEach((message) => put(room, message));
    catchUp(room, messages.at(-1).seq);
    draw();
  },
  serverRoomHistory({ roomId, messages, hasMoreMessages, requestId }) {
    const room = rooms.get(roomId);
    if (!room) return;
    messages.forEach((message) => put(room, message));
    room.askedAtMs = -Infinity;
    if (requestId === "older") room.hasMore = hasMoreMessages;
    else if (hasMoreMessages) catchUp(room);
    draw();
  },
  serverCreateRoom({ roomId, roomName, kind }) {
    if (!roomId) return complain(`The room name ${roomName} is taken.`);
    $("new-room").reset();
    open(place({ id: roomId, name: roomName, kind }));
  },
  conversation({ change, room }) {
    if (change === "left") rooms.delete(room.id);
    else place(room);
    draw();
  },
  sendAck({ roomId, results }) {
    for (const { clientMsgId, error, ...stored } of results) {
      const sent = unsent.get(clientMsgId);
      if (!sent) continue;
      if (error) refuse(clientMsgId, error);
      else if (rooms.has(roomId)) put(rooms.get(roomId), { ...stored, clientMsgId, content: sent.content, user: session.user });
    }
    draw();
  },
  behind({ rooms: list }) {
    if (!list.length) return rooms.forEach((room) => catchUp(room));
    for (const { roomId } of list) if (rooms.has(roomId)) catchUp(rooms.get(roomId));
  },
  reconnect({ afterMs }) {
    const link = socket;
    link.reconnectAtMs = performance.now() + afterMs;
    setTimeout(() => link.close(), afterMs);
  },
  error({ requestId, message, retryAfterMs }) {
    if (unsent.has(requestId)) refuse(requestId, { message, retryAfterMs });
    else if (rooms.has(requestId) && retryAfterMs) setTimeout(() => rooms.has(requestId) && catchUp(rooms.get(requestId)), retryAfterMs);
    else complain(sentence(message));
    draw();
  },
};

// ---- rooms and messages -----------------------------------------------------------------------

// Takes a room as the server tells it. `last`: all from the oldest one here up to this seq is here.
function place({ id, name, kind, head = 0, hasMoreMessages = false, messages = [] }) {
  let room = rooms.get(id);
  if (!room) {
    room = { id, log: new Map(), last: head, seen: head, hasMore: hasMoreMessages || (head > 0 && !messages.length), askedAtMs: -Infinity };
    rooms.set(id, room);
  }
  Object.assign(room, { name, kind: kind ?? room.kind });
  messages.forEach((message) => put(room, message));
  catchUp(room, head);
  return room;
}

function put(room, message) {
  if (message.user.id === session.user.id) unsent.delete(message.clientMsgId);
  if (!room.log.has(message.seq)) room.log.set(message.seq, message);
  while (room.log.has(room.last + 1)) room.last++;
}

// Asks for what is missing up to `head`. A lost answer is asked for again, but not by each message meanwhile.
function catchUp(room, head = Infinity) {
  if (head <= room.last || performance.now() < room.askedAtMs + 2000) return;
  if (send("requestRoomHistory", { roomId: room.id, afterSeq: room.last, count: 100, requestId: room.id })) room.askedAtMs = performance.now();
}

function askOlder(room) {
  const firstMessageId = room.log.size ? `${room.id}-${Math.min(...room.log.keys())}` : "";
  send("requestRoomHistory", { roomId: room.id, firstMessageId, count: 30, requestId: "older" });
}

// Kept in `unsent` until it is known to be stored: until then the same id may be sent again without fear.
function post(clientMsgId) {
  const message = unsent.get(clientMsgId);
  if (!message || message.failed) return;
  send("clientMessages", { roomId: message.roomId, messages: [{ clientMsgId, content: message.content }], requestId: clientMsgId });
}

function refuse(clientMsgId, { message, retryAfterMs }) {
  if (retryAfterMs) setTimeout(post, retryAfterMs, clientMsgId);
  else {
    unsent.get(clientMsgId).failed = message;
    complain(`Not sent: ${message}.`);
  }
}

function open(room) {
  current = room.id;
  draw();
  room.button.scrollIntoView({ block: "nearest", inline: "nearest" });
  $("composer").text.focus();
}

// ---- drawing ----------------------------------------------------------------------------------

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Makes `nodes` the children of `parent`. What is in place stays untouched, and with it focus and selection.
function sync(parent, nodes) {
  const kept = new Set(nodes);
  [...parent.children].forEach((child) => kept.has(child) || child.remove());
  nodes.forEach((node, index) => parent.children[index] === node || parent.insertBefore(node, parent.children[index] ?? null));
}

function draw() {
  if (!rooms.has(current)) current = rooms.keys().next().value;
  const room = rooms.get(current);
  if (room) room.seen = room.last;
  sync($("rooms"), [...rooms.values()].map(roomItem));
  $("title").textContent = room ? label(room) : "";
  $("composer").hidden = !room;
  drawMessages(room);
}

const label = ({ kind, name }) => (kind === "direct" ? `@${name}` : name);

function roomItem(room) {
  room.button ??= element("button", { type: "button", onclick: () => open(room) });
  room.item ??= element("li", {}, room.button);
  const unread = room.last - room.seen;
  sync(room.button, [room.nameTag ??= element("span", { className: "name" }), ...(unread ? [element("span", { className: "new" }, String(unread))] : [])]);
  room.nameTag.textContent = room.button.title = label(room);
  room.button.setAttribute("aria-current", String(room.id === current));
  return room.item;
}

function drawMessages(room) {
  const list = $("messages");
  if (drawn !== room) atEnd = true;
  drawn = room;
  // The first line in sight stays where it is, whatever comes above it.
  const anchor = [...list.querySelectorAll(".message")].find((line) => line.offsetTop + line.offsetHeight > list.scrollTop);
  const before = anchor?.offsetTop;
  const lines = room ? [...room.log.values()].sort((a, b) => a.seq - b.seq).map((message) => message.line ??= messageLine(message)) : [];
  for (const message of unsent.values()) if (message.roomId === current) lines.push(pendingLine(message));
  if (room?.hasMore) lines.unshift(room.older ??= element("li", { className: "older" }, element("button", { type: "button", className: "quiet", onclick: () => askOlder(room) }, "Older messages")));
  list.dataset.empty = room ? "No messages yet." : "";
  sync(list, lines);
  if (atEnd) toEnd();
  else if (anchor?.isConnected) list.scrollTop += anchor.offsetTop - before;
}

function toEnd() {
  atEnd = true;
  $("messages").scrollTop = $("messages").scrollHeight;
}

$("messages").onscroll = ({ target: list }) => { atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40; };
new ResizeObserver(() => atEnd && toEnd()).observe($("messages"));

function messageLine({ kind, content, timestamp, user }) {
  const at = new Date(timestamp);
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString()} `;
  const time = element("time", { title: at.toLocaleString() }, day + at.toLocaleTimeString([], { timeStyle: "short" }));
  if (kind === "system") return element("li", { className: "message system" }, element("span", { className: "text" }, news(content)), time);
  return line(user, content, time);
}

function pendingLine({ content, failed }) {
  return line(session.user, content, element("span", { className: failed ? "error" : "pending" }, failed ? `not sent: ${failed}` : "sending…"));
}

function line(user, content, note) {
  const mine = user.id === session.user.id ? " mine" : "";
  return element("li", { className: `message${mine}` }, element("span", { className: "who" }, user.username), note, element("span", { className: "text" }, content));
}

// A system message says in JSON who came or went.
function news(content) {
  try {
    const { event, users } = JSON.parse(content);
    return `${users.map(({ username }) => username).join(", ")}: ${event.replaceAll("_", " ")}`;
  } catch {
    return content;
  }
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
const tell = (text) => { $("state").textContent = text; };

let silence;
function complain(text) {
  $("nav-error").textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { $("nav-error").textContent = ""; }, 6000);
}

// ---- forms ------------------------------------------------------------------------------------

$("credentials").onsubmit = async (event) => {
  event.preventDefault();
  const form = event.target;
  const { username, password } = Object.fromEntries(new FormData(form));
  const create = event.submitter?.value === "create";
  const buttons = form.querySelectorAll("button");
  $("door-error").textContent = "";
  buttons.forEach((button) => { button.disabled = true; });
  try {
    save(create ? await call("POST", "/api/accounts", { username, password }) : await call("POST", "/api/sessions", { login: username, password }));
    form.reset();
    enter();
  } catch (error) {
    $("door-error").textContent = error.message;
  }
  buttons.forEach((button) => { button.disabled = false; });
};

$("composer").onsubmit = (event) => {
  event.preventDefault();
  const content = event.target.text.value;
  if (!content.trim() || !current) return;
  if (new TextEncoder().encode(content).length > limits.contentBytesMax) return complain("That message is too long.");
  const clientMsgId = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  unsent.set(clientMsgId, { roomId: current, content });
  post(clientMsgId);
  event.target.reset();
  draw();
  toEnd();
};

$("new-room").onsubmit = (event) => {
  event.preventDefault();
  const roomName = event.target.elements.namedItem("name").value.trim();
  complain("");
  if (roomName && !send("clientCreateRoom", { roomName })) complain("The server cannot be reached.");
};

$("new-direct").onsubmit = async (event) => {
  event.preventDefault();
  const form = event.target;
  const wanted = form.elements.namedItem("name").value.trim();
  complain("");
  try {
    const { users } = await api("GET", `/api/users?prefix=${encodeURIComponent(wanted)}&limit=1`);
    const peer = users.find(({ username }) => username.toLowerCase() === wanted.toLowerCase());
    if (!peer) return complain(`There is no user ${wanted}.`);
    if (peer.id === session.user.id) return complain("That is you.");
    const { id } = await api("POST", "/api/direct", { userId: peer.id });
    form.reset();
    open(rooms.get(id) ?? place({ id, name: peer.username, kind: "direct" }));
  } catch (error) {
    complain(error.message);
  }
};

$("logout").onclick = async () => {
  disconnect();
  tell("logging out…");
  await api("DELETE", "/api/sessions/current").catch(() => {});
  leave("");
};

if (session) enter();
