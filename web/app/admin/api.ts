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
  role?: OperatorRole;
  online: boolean;
  ban?: Sanction;
  mute?: Sanction;
}

/** What an operator may do: the server decides, the page only shows what is theirs. */
export type OperatorRole = "viewer" | "moderator" | "administrator";

export type SanctionKind = "ban" | "mute";

export interface Sanction {
  reason: string;
  /** Absent: without end. */
  until?: number;
  atMs: number;
  actorId: string;
}

export interface FoundGroup {
  id: string;
  name: string;
  members: number;
  muteAll: boolean;
  dissolvedAtMs?: number;
}

export const KEY_SCOPES = ["messages:send", "users:read", "groups:write", "push"] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  scopes: KeyScope[];
  user?: { id: string; username: string };
  createdAtMs: number;
  expiresAtMs?: number;
  usedAtMs?: number;
}

export interface CreatedKey {
  /** Shown this once. */
  secret: string;
  key: ApiKey;
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

/** The operator's hooks; what is absent is not set up. */
export interface Hooks {
  before?: {
    onFailure: "open" | "closed";
    allowed: number;
    replaced: number;
    refused: number;
    passedUnasked: number;
    refusedUnasked: number;
  };
  after?: { told: number; dropped: number; conversations: number; oldestMs: number };
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
    call<{ user: { id: string; username: string }; operator?: boolean; operatorRole?: OperatorRole }>(
      "GET",
      "/api/me",
      undefined,
      signal,
    ),
  nodes: (signal?: AbortSignal) => call<{ nodes: NodeEntry[] }>("GET", "/api/admin/nodes", undefined, signal),
  outbox: (signal?: AbortSignal) =>
    call<{ rows: number; oldestMs: number }>("GET", "/api/admin/outbox", undefined, signal),
  hooks: (signal?: AbortSignal) => call<Hooks>("GET", "/api/admin/hooks", undefined, signal),
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
  sanction: (userId: string, kind: SanctionKind, reason: string, until?: number) =>
    call<void>("PUT", `/api/admin/users/${segment(userId)}/${kind}`, { reason, until }),
  lift: (userId: string, kind: SanctionKind) => call<void>("DELETE", `/api/admin/users/${segment(userId)}/${kind}`),
  erase: (conversation: string, seq: number) =>
    call<void>("DELETE", `/api/admin/messages/${segment(conversation)}/${seq}`),
  group: (id: string) => call<FoundGroup>("GET", `/api/admin/groups/${segment(id)}`),
  muteGroup: (id: string, muteAll: boolean) => call<void>("PATCH", `/api/admin/groups/${segment(id)}`, { muteAll }),
  dissolve: (id: string) => call<void>("DELETE", `/api/admin/groups/${segment(id)}`),
  keys: (signal?: AbortSignal) => call<{ keys: ApiKey[] }>("GET", "/api/admin/keys", undefined, signal),
  createKey: (key: { name: string; scopes: readonly KeyScope[]; userId?: string }) =>
    call<CreatedKey>("POST", "/api/admin/keys", key),
  revokeKey: (id: string) => call<void>("DELETE", `/api/admin/keys/${segment(id)}`),
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
