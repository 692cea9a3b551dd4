import { uniqueId } from "@oort/sdk";
import type { Draft, Store, StoredFile } from "./oort";

/** What a browser knows of a file without the server. */
export interface Looked {
  /** It can be drawn as a picture. */
  preview?: string;
  /** Of an image or video, pixels. */
  width?: number;
  height?: number;
  /** Of sound and video. */
  durationMs?: number;
}

/** A file that was chosen, on its way to the server. */
export interface Picked extends Looked {
  /** The same for every attempt: the server goes on from what it has. */
  readonly key: string;
  readonly file: File;
  readonly state: "waiting" | "uploading" | "ready" | "failed";
  readonly storedBytes: number;
  /** `ready`: what the server has. */
  readonly stored?: StoredFile;
  /** `failed`: why. */
  readonly error?: unknown;
}

interface Way {
  upload(
    file: File,
    options: { key: string; signal: AbortSignal; onProgress: (stored: number) => void },
  ): Promise<StoredFile>;
  /** Deletes one that is not sent after all. */
  remove(id: string): Promise<unknown>;
  look(file: File): Promise<Looked>;
}

/** Files that wait in one conversation. */
export const pickedMax = 10;
/** Uploads of one conversation at the same time. */
const uploadsMax = 2;

/** Files chosen for one conversation: uploaded at once, kept until they are sent or taken off. */
export class Tray implements Store<readonly Picked[]> {
  #items: readonly Picked[] = [];
  readonly #way: Way;
  readonly #listeners = new Set<() => void>();
  readonly #stops = new Map<string, AbortController>();
  readonly #looks = new Map<string, Promise<void>>();

  constructor(way: Way) {
    this.#way = way;
  }

  get = (): readonly Picked[] => this.#items;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  };

  /** Takes files as long as there is room; says how many were left out. */
  add(files: readonly File[]): number {
    const taken = files.slice(0, Math.max(0, pickedMax - this.#items.length));
    const added = taken.map((file): Picked => ({ key: uniqueId(), file, state: "waiting", storedBytes: 0 }));
    this.#set([...this.#items, ...added]);
    for (const { key, file } of added) this.#looks.set(key, this.#look(key, file));
    this.#goOn();
    return files.length - taken.length;
  }

  /** Tries one again that failed. */
  retry(key: string): void {
    if (this.#find(key)?.state !== "failed") return;
    this.#change(key, { state: "waiting", error: undefined });
    this.#goOn();
  }

  /** Takes one off. What is stored of it is deleted: now, or by the server after a time. */
  discard(key: string): void {
    const item = this.#find(key);
    this.#stops.get(key)?.abort();
    this.taken(key);
    // What cannot be deleted now the server deletes later.
    if (item?.stored) this.#way.remove(item.stored.id).catch(() => {});
  }

  /** It was sent. */
  taken(key: string): void {
    const preview = this.#find(key)?.preview;
    this.#set(this.#items.filter((item) => item.key !== key));
    if (preview) URL.revokeObjectURL(preview);
    this.#looks.delete(key);
    this.#goOn();
  }

  async #look(key: string, file: File): Promise<void> {
    // A file that cannot be looked at is sent all the same.
    const looked = await this.#way.look(file).catch((): Looked => ({}));
    if (this.#find(key)) this.#change(key, looked);
    else if (looked.preview) URL.revokeObjectURL(looked.preview);
  }

  #goOn(): void {
    for (const item of this.#items) {
      if (this.#stops.size >= uploadsMax) return;
      if (item.state === "waiting" && !this.#stops.has(item.key)) void this.#upload(item);
    }
  }

  async #upload({ key, file }: Picked): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(key, stop);
    this.#change(key, { state: "uploading" });
    try {
      const onProgress = (storedBytes: number) => this.#change(key, { storedBytes });
      const stored = await this.#way.upload(file, { key, signal: stop.signal, onProgress });
      // What it is sent as depends on it.
      await this.#looks.get(key);
      if (stop.signal.aborted) this.#way.remove(stored.id).catch(() => {});
      else this.#change(key, { state: "ready", storedBytes: file.size, stored });
    } catch (error) {
      if (!stop.signal.aborted) this.#change(key, { state: "failed", error });
    }
    this.#stops.delete(key);
    this.#goOn();
  }

  #find(key: string): Picked | undefined {
    return this.#items.find((item) => item.key === key);
  }

  #change(key: string, change: Partial<Picked>): void {
    this.#set(this.#items.map((item) => (item.key === key ? { ...item, ...change } : item)));
  }

  #set(items: readonly Picked[]): void {
    this.#items = items;
    for (const listener of this.#listeners) listener();
  }
}

/** All of them are stored. */
export function areReady(picked: readonly Picked[]): picked is readonly (Picked & { stored: StoredFile })[] {
  return picked.every(({ stored }) => stored !== undefined);
}

/** The messages that carry files and a text: each file is one of its own; the first answers, and what is said stands with the last. */
export function messagesOf(
  text: Draft,
  picked: readonly (Picked & { stored: StoredFile })[],
): readonly { draft: Draft; key?: string }[] {
  if (picked.length === 0) return [{ draft: text }];
  const { replyTo, ...last } = text;
  return picked.map((item, at) => {
    const { contentKind, attachment } = draftOf(item);
    const said = at === picked.length - 1 ? last : { content: "" };
    const answers = at === 0 && replyTo !== undefined ? { replyTo } : {};
    return { draft: { ...said, ...answers, contentKind, attachment }, key: item.key };
  });
}

/** The message that carries it, as what it is. What the server says counts more than what the browser believes. */
export function draftOf(picked: Picked & { stored: StoredFile }): Draft {
  const { stored, durationMs } = picked;
  const { id: fileId, name, size, mime } = stored;
  const about = { fileId, name, size, ...(mime && { mime }) };
  const width = stored.width ?? picked.width;
  const height = stored.height ?? picked.height;
  const sides = width && height ? { width, height } : {};
  const lasts = durationMs === undefined ? {} : { durationMs };
  const isShown = stored.hasThumbnail || mime === "image/gif";
  if (isShown) return { content: "", contentKind: "image", attachment: { ...about, ...sides } };
  if (mime?.startsWith("video/") && (width || durationMs === undefined))
    return { content: "", contentKind: "video", attachment: { ...about, ...sides, ...lasts } };
  // A container for video may hold sound alone.
  if (durationMs !== undefined && /^(audio|video)\//.test(mime ?? ""))
    return { content: "", contentKind: "voice", attachment: { ...about, ...lasts } };
  return { content: "", contentKind: "file", attachment: about };
}
