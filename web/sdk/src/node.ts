// The same for Node: version 20 has no WebSocket of its own.
import { platform } from "./client.js";
import type { SocketClass } from "./io/leader.js";

platform.socketClass = async () => {
  if (typeof WebSocket === "function") return WebSocket;
  const { WebSocket: Socket } = await import("ws");
  return Socket as unknown as SocketClass;
};

export * from "./index.js";
