// The page of a server without the web client: register, log in, chat.
// Messages are only ever set as text. docs/protocol.md describes the frames.
"use strict";

const $ = (id) => document.getElementById(id);
const rooms = new Map(); // id -> {id, name, kind, head, log: Map(seq -> message), hasMore, unread}
const unsent = new Map(); // clientMsgId -> {roomId, content}
let session = JSON.parse(sessionStorage.getItem("oort") || "null");
let socket, current, attempt = 0, retry;

async function api(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (session) headers.authorization = `Bearer ${session.accessToken}`;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const reply = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw Object.assign(new Error(reply.message || response.statusText), { code: reply.code });
  return reply;
}

async function refresh() {
  const { refreshToken } = session;
  session = null;
  save(await api("POST", "/api/sessions/refresh", { refreshToken }));
}

function save(value) {
  session = value;
  sessionStorage.setItem("oort", JSON.stringify(value));
}

// ---- connection -------------------------------------------------------------------------------

async function connect() {
  clearTimeout(retry);
  tell("connecting…");
  try {
    if (session.accessExpiresAtMs < Date.now() + 30_000) await refresh();
  } catch (error) {
    return error.code ? logout() : later(backoff());
  }
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/api/ws`, ["oort.v1", `bearer.${session.accessToken}`]);
  socket.onmessage = ({ data }) => {
    const { type, payload } = JSON.parse(data);
    frames[type]?.(payload);
  };
  socket.onclose = async ({ code }) => {
    if (!session) return;
    if (code === 1008) {
      try { await refresh(); } catch (error) { if (error.code) return logout(); }
    }
    later(socket.reconnectAfterMs ?? backoff());
  };
}

const backoff = () => Math.random() * Math.min(15_000, 500 * 2 ** attempt++);

function later(ms) {
  tell("offline, trying again…");
  retry = setTimeout(connect, ms);
}

function send(type, payload) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type, payload }));
}

const frames = {
  hello({ me, rooms: list }) {
    attempt = 0;
    $("me").textContent = me.username;
    for (const room of list) {
      const known = place(room);
      const last = lastSeq(known);
      if (last === 0) known.hasMore = room.hasMoreMessages;
      room.messages.forEach((message) => put(known, message));
      // What was missed while away: from the last one that is here.
      if (last > 0 && lowest(room.messages) > last + 1) send("requestRoomHistory", { roomId: known.id, afterSeq: last, count: 100 });
    }
    if (!rooms.has(current)) current = rooms.keys().next().value;
    for (const [clientMsgId, { roomId, content }] of unsent) send("clientMessages", { roomId, messages: [{ clientMsgId, content }] });
    tell("online");
    draw();
  },
  serverMessages({ roomId, messages }) {
    const room = rooms.get(roomId);
    if (!room) return;
    for (const message of messages) {
      const last = lastSeq(room);
      if (last > 0 && message.seq > last + 1) send("requestRoomHistory", { roomId, afterSeq: last, count: 100 });
      if (put(room, message) && roomId !== current) room.unread++;
      if (message.clientMsgId) unsent.delete(message.clientMsgId);
    }
    draw();
  },
  serverRoomHistory({ roomId, messages, hasMoreMessages }) {
    const room = rooms.get(roomId);
    if (!room) return;
    const forward = messages.length > 1 && messages[0].seq < messages[1].seq;
    messages.forEach((message) => put(room, message));
    if (!forward) room.hasMore = hasMoreMessages;
    else if (hasMoreMessages) send("requestRoomHistory", { roomId, afterSeq: messages.at(-1).seq, count: 100 });
    draw();
  },
  serverCreateRoom({ roomId, roomName }) {
    if (!roomId) return complain("That room name is taken.");
    place({ id: roomId, name: roomName });
    draw();
  },
  conversation({ change, room }) {
    if (change === "left") rooms.delete(room.id);
    else place(room);
    draw();
  },
  sendAck({ results }) {
    for (const { clientMsgId, error } of results) {
      if (error && !error.retryAfterMs) {
        unsent.delete(clientMsgId);
        complain(error.message);
      }
    }
    draw();
  },
  behind({ rooms: list }) {
    const affected = list.length ? list.map(({ roomId }) => rooms.get(roomId)) : [...rooms.values()];
    for (const room of affected) if (room) send("requestRoomHistory", { roomId: room.id, afterSeq: lastSeq(room), count: 100 });
  },
  reconnect({ afterMs }) { socket.reconnectAfterMs = afterMs; },
  error({ message }) { complain(message); },
};

// ---- state ------------------------------------------------------------------------------------

function place({ id, name, kind }) {
  const known = rooms.get(id) ?? { id, log: new Map(), hasMore: false, unread: 0 };
  Object.assign(known, { name, kind: kind ?? known.kind });
  rooms.set(id, known);
  return known;
}

function put(room, message) {
  if (room.log.has(message.seq)) return false;
  room.log.set(message.seq, message);
  return true;
}

const lastSeq = (room) => Math.max(0, ...room.log.keys());
const lowest = (messages) => Math.min(...messages.map(({ seq }) => seq), Infinity);

// ---- drawing ----------------------------------------------------------------------------------

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function draw() {
  $("rooms").replaceChildren(...[...rooms.values()].map((room) => {
    const button = element("button", { type: "button" }, element("span", {}, room.kind === "direct" ? `@${room.name}` : room.name));
    if (room.unread) button.append(element("span", { className: "new" }, String(room.unread)));
    button.setAttribute("aria-current", String(room.id === current));
    button.onclick = () => { current = room.id; draw(); $("composer").text.focus(); };
    return element("li", {}, button);
  }));
  const room = rooms.get(current);
  $("title").textContent = room ? room.name : "";
  if (!room) return $("messages").replaceChildren();
  room.unread = 0;
  const list = $("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const lines = [...room.log.values()].sort((a, b) => a.seq - b.seq).map((message) => {
    const line = element("li", { className: message.user.id === session.user.id ? "mine" : "" });
    line.append(element("span", { className: "who" }, message.user.username));
    line.append(message.kind === "system" ? element("span", { className: "system" }, message.content) : message.content);
    line.append(element("time", {}, new Date(message.timestamp).toLocaleTimeString()));
    return line;
  });
  for (const { roomId, content } of unsent.values()) {
    if (roomId === current) lines.push(element("li", { className: "mine" }, element("span", { className: "who" }, session.user.username), content, element("span", { className: "pending" }, "sending…")));
  }
  if (room.hasMore) {
    const older = element("button", { type: "button", className: "quiet" }, "Older messages");
    older.onclick = () => send("requestRoomHistory", { roomId: room.id, firstMessageId: `${room.id}-${lowest([...room.log.values()])}`, count: 30 });
    lines.unshift(element("li", { className: "older" }, older));
  }
  list.replaceChildren(...lines);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

const tell = (text) => { $("state").textContent = text; };
function complain(text) {
  $("nav-error").textContent = text;
  setTimeout(() => { $("nav-error").textContent = ""; }, 5000);
}

// ---- forms ------------------------------------------------------------------------------------

function enter() {
  $("door").hidden = true;
  $("chat").hidden = false;
  connect();
}

async function logout() {
  const old = session;
  if (old) await api("DELETE", "/api/sessions/current").catch(() => {});
  session = null;
  sessionStorage.removeItem("oort");
  clearTimeout(retry);
  socket?.close();
  rooms.clear();
  unsent.clear();
  current = undefined;
  $("chat").hidden = true;
  $("door").hidden = false;
}

$("credentials").onsubmit = async (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(event.target));
  const create = event.submitter?.value === "create";
  $("door-error").textContent = "";
  try {
    save(create ? await api("POST", "/api/accounts", { username, password }) : await api("POST", "/api/sessions", { login: username, password }));
    event.target.reset();
    enter();
  } catch (error) {
    $("door-error").textContent = error.message;
  }
};

$("composer").onsubmit = (event) => {
  event.preventDefault();
  const content = event.target.text.value;
  if (!content || !current) return;
  const clientMsgId = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  unsent.set(clientMsgId, { roomId: current, content });
  send("clientMessages", { roomId: current, messages: [{ clientMsgId, content }] });
  event.target.reset();
  draw();
  $("messages").scrollTop = $("messages").scrollHeight;
};

$("new-room").onsubmit = (event) => {
  event.preventDefault();
  send("clientCreateRoom", { roomName: event.target.elements.namedItem("name").value });
  event.target.reset();
};

$("new-direct").onsubmit = async (event) => {
  event.preventDefault();
  const wanted = event.target.elements.namedItem("name").value.trim();
  event.target.reset();
  try {
    const { users } = await api("GET", `/api/users?prefix=${encodeURIComponent(wanted)}&limit=1`);
    const peer = users.find(({ username }) => username.toLowerCase() === wanted.toLowerCase());
    if (!peer) return complain(`There is no user ${wanted}.`);
    const { id } = await api("POST", "/api/direct", { userId: peer.id });
    current = id;
    place({ id, name: peer.username, kind: "direct" });
    draw();
  } catch (error) {
    complain(error.message);
  }
};

$("logout").onclick = logout;
if (session) enter();
