/** What operators ask the server, under /api/admin. */

export interface NodeMetrics {
  sendsPerS?: number;
  pushesPerS?: number;
  framesPerS?: number;
  p50Ms?: number;
  p99Ms?: number;
  queue?: number;
  busLagMs?: number;
  outboxRows?: number;
  outboxAgeMs?: number;
  canaryMs?: number;
  canaryAgeMs?: number;
  cpuPercent?: number;
  rssBytes?: number;
}

export interface NodeEntry {
  /** Unique per start of the process. */
  id: string;
  name: string;
  role: "comet" | "logic" | "job" | "standalone";
  version: string;
  startedAtMs: number;
  address: string;
  draining: boolean;
  seenMs: number;
  connections: number;
  metrics: NodeMetrics;
}

export interface FoundUser {
  id: string;
  username: string;
  operator: boolean;
  online: boolean;
}

export interface LiveConnection {
  key: string;
  comet: string;
  platform: string;
}

export interface DeadLetter {
  partition: number;
  offset: number;
  reason: string;
  key: string;
  atMs: number;
  bytes: number;
}

export interface Hop {
  /** µs since the epoch, by the clock of the process. */
  atUs: number;
  step: "accepted" | "committed" | "published" | "taken" | "routed" | "pushed" | "acked" | "written";
  node: string;
  role: NodeEntry["role"];
  comet?: string;
  partition?: number;
  offset?: number;
  batch?: number;
  comets?: number;
  missing?: number;
  sessions?: number;
  behind?: number;
}

/** Where a message has been. */
export interface MessageTrace {
  conversationId: string;
  seq: number;
  createdAtMs: number;
  senderId: string;
  traceId?: string;
  hops: Hop[];
  members: { known: number; delivered: number; read: number };
  answered: { node: string; role: string; sinceUs: number }[];
  silent: { node: string; role: string }[];
}

export interface ReplayOrder {
  conversationId?: string;
  fromSeq?: number;
  toSeq?: number;
  userId?: string;
  sinceMs?: number;
}

export interface Replayed {
  messages: number;
  conversations: number;
  hasMore: boolean;
  nextSeq?: number;
}

export interface AuditEntry {
  id: string;
  atMs: number;
  actorId: string;
  /** Empty: the command line, or the server itself. */
  actor: string;
  action: string;
  /** To whom or what. */
  subject: string;
  details: unknown;
}

/** A refusal of the server, or that it could not be reached. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? undefined : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "unreachable", "the server cannot be reached");
  }
  const text = await response.text();
  const parsed = parse(text);
  if (response.ok) return parsed as T;
  const { code = "internal", message = `the server answered ${response.status}` } = (parsed ?? {}) as Partial<Refused>;
  throw new Refused(response.status, code, message);
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

const segment = encodeURIComponent;

export const admin = {
  me: (signal?: AbortSignal) =>
    call<{ id: string; username: string; operator?: boolean }>("GET", "/api/me", undefined, signal),
  nodes: (signal?: AbortSignal) => call<{ nodes: NodeEntry[] }>("GET", "/api/admin/nodes", undefined, signal),
  outbox: (signal?: AbortSignal) =>
    call<{ rows: number; oldestMs: number }>("GET", "/api/admin/outbox", undefined, signal),
  deadLetters: (signal?: AbortSignal, after?: string) =>
    call<{ letters: DeadLetter[]; next?: string }>(
      "GET",
      `/api/admin/dead-letters?limit=50${after ? `&after=${segment(after)}` : ""}`,
      undefined,
      signal,
    ),
  users: (query: string, signal?: AbortSignal) =>
    call<{ users: FoundUser[] }>("GET", `/api/admin/users?query=${segment(query)}`, undefined, signal),
  connections: (userId: string, signal?: AbortSignal) =>
    call<{ connections: LiveConnection[] }>(
      "GET",
      `/api/admin/users/${segment(userId)}/connections`,
      undefined,
      signal,
    ),
  kick: (userId: string, key?: string) =>
    call<void>("DELETE", `/api/admin/users/${segment(userId)}/connections${key ? `/${segment(key)}` : ""}`),
  broadcast: (operation: number, body: string) => call<void>("POST", "/api/admin/broadcast", { operation, body }),
  trace: (conversation: string, seq: number) =>
    call<MessageTrace>("GET", `/api/admin/messages/${segment(conversation)}/${seq}/trace`),
  replay: (order: ReplayOrder) => call<Replayed>("POST", "/api/admin/replay", order),
  audit: (signal?: AbortSignal, before?: string) =>
    call<{ entries: AuditEntry[]; next?: string }>(
      "GET",
      `/api/admin/audit?limit=50${before ? `&before=${segment(before)}` : ""}`,
      undefined,
      signal,
    ),
};
