import type { Engine, Uplink } from "../core/engine.js";
import { Session, type State } from "../core/session.js";
import { OortError } from "../error.js";
import type { ClientFrame, ServerFrame } from "../generated/oort_v1.js";
import type { ClientOptions } from "../types.js";
import type { Http } from "./http.js";

export type SocketClass = typeof WebSocket;

/** What holds the socket tells those who do not. */
export interface Audience {
  frame(frame: ServerFrame): void;
  state(state: State): void;
  lost(): void;
}

interface Parts {
  readonly engine: Engine;
  readonly http: Http;
  readonly url: string;
  readonly socketClass: () => Promise<SocketClass>;
  readonly trace: ClientOptions["trace"];
  readonly device: ClientOptions["device"];
  readonly audience: Audience;
  readonly shown: State;
  readonly ended: () => void;
}

/** Holds the one connection to the server. */
export class Leader implements Uplink {
  readonly session: Session;
  readonly #parts: Parts;
  readonly #sockets = new Map<number, WebSocket>();
  readonly #closing = new Set<number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { engine, http, audience, shown, ended } = parts;
    this.session = new Session(
      {
        nowMs: () => Date.now(),
        random: () => Math.random(),
        later: (ms, fn) => {
          const timer = setTimeout(fn, ms);
          return () => clearTimeout(timer);
        },
        open: (socket) => void this.#open(socket),
        close: (socket) => this.#close(socket),
        ping: (socket) => void this.#write(socket, { type: "ping", payload: {} }),
        deliver: (frame) => {
          engine.receive(frame);
          audience.frame(frame);
        },
        lost: () => {
          engine.detached();
          audience.lost();
        },
        report: (state) => audience.state(state),
        renew: () => http.renew(),
        ended,
      },
      shown,
    );
  }

  send(frame: ClientFrame): boolean {
    const { socket } = this.session;
    return socket !== null && this.#write(socket, frame);
  }

  restart(): void {
    this.session.restart();
  }

  #write(socket: number, frame: ClientFrame): boolean {
    const open = this.#sockets.get(socket);
    if (open?.readyState !== 1) return false;
    this.#parts.trace?.("out", frame);
    open.send(JSON.stringify(frame));
    return true;
  }

  async #open(id: number): Promise<void> {
    const { engine, http, url, socketClass, trace, device } = this.#parts;
    let socket: WebSocket;
    try {
      const [token, Socket] = await Promise.all([http.token(), socketClass()]);
      if (this.#closing.delete(id)) return;
      const query = new URLSearchParams();
      if (engine.since !== null) query.set("since", engine.since);
      if (device) query.set("device", device);
      const asked = query.size > 0 ? `?${query}` : "";
      engine.seqAtOpen = engine.feed.seq;
      socket = new Socket(
        `${url}/api/ws${asked}`,
        token === null ? ["oort.v1"] : ["oort.v1", `bearer.${token}`],
      );
    } catch (error) {
      const isOver = error instanceof OortError && error.code === "unauthenticated";
      // Like a server that refuses, or that cannot be reached.
      setTimeout(() => this.session.closed(id, isOver ? 1008 : 1006, isOver ? "unauthenticated" : ""), 0);
      return;
    }
    this.#sockets.set(id, socket);
    socket.onopen = () => this.session.opened(id);
    socket.onmessage = ({ data }) => {
      const frame = parse(data);
      if (!frame || !this.#sockets.has(id)) return;
      trace?.("in", frame);
      this.session.received(id, frame);
    };
    // `close` follows.
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => {
      this.#sockets.delete(id);
      this.session.closed(id, code, reason);
    };
  }

  #close(id: number): void {
    const socket = this.#sockets.get(id);
    if (!socket) {
      this.#closing.add(id);
      return;
    }
    this.#sockets.delete(id);
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}

function parse(data: unknown): ServerFrame | null {
  try {
    const frame = JSON.parse(String(data));
    return typeof frame?.type === "string" && typeof frame.payload === "object" ? frame : null;
  } catch {
    return null;
  }
}
