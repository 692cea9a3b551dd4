import { backoffMs } from "./core/backoff.js";
import { uniqueId } from "./core/random.js";
import { OortError } from "./error.js";
import type { Http } from "./io/http.js";
import { TIMES } from "./limits.js";
import type { StoredFile, UploadOptions } from "./types.js";

/** Failures in a row, without a byte between them, after which an upload is given up. */
const FAILURES_MAX = 8;

/** Files: uploaded part by part, going on where a cut left them; sent and read. */
export class Files {
  readonly #http: Http;
  /** Uploads that wait for a way to the server. */
  readonly #waiting = new Set<() => void>();

  constructor(http: Http) {
    this.#http = http;
  }

  /** Uploads a file; what a lost link interrupts goes on from what is stored. */
  async upload(blob: Blob, options: UploadOptions = {}): Promise<StoredFile> {
    const { signal, onProgress } = options;
    const announced = { name: options.name ?? nameOf(blob), size: blob.size };
    // However often it is asked for, one is begun.
    const headers = { "idempotency-key": options.key ?? uniqueId() };
    const begin = () => this.#http.call<StoredFile>("POST", "/api/files", announced, { headers, signal });
    let file: StoredFile | null = null;
    let isStale = false;
    for (let failures = 0; ; ) {
      try {
        if (!file) file = await begin();
        else if (isStale)
          file = await this.#http.call<StoredFile>("GET", path(file.id), undefined, { signal });
        isStale = false;
        onProgress?.(file.offset, file.size);
        if (file.state === "ready") return file;
        const next: StoredFile = await this.#part(file, blob, signal);
        if (next.offset > file.offset) failures = 0;
        file = next;
      } catch (error) {
        if (!isPassing(error) || ++failures > FAILURES_MAX) {
          // Else it would count as one of theirs until the server gives it up.
          if (signal?.aborted && file) this.remove(file.id).catch(() => {});
          throw error;
        }
        isStale = true;
        const waitMs = error.retryAfterMs ?? backoffMs(0, failures, Math.random);
        await this.#pause(waitMs, error.code === "offline", signal);
      }
    }
  }

  /** There is a way to the server again: what waits for one goes on. */
  reached(): void {
    for (const goOn of this.#waiting) goOn();
  }

  #pause(ms: number, isOffline: boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(goOn);
        signal?.removeEventListener("abort", stop);
      };
      const goOn = () => {
        end();
        resolve();
      };
      const stop = () => {
        end();
        reject(new OortError("stopped", "this was stopped"));
      };
      const timer = setTimeout(goOn, ms);
      if (isOffline) this.#waiting.add(goOn);
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted) stop();
    });
  }

  /** Sends an uploaded file: as an image when it is one. `clientMsgId` makes a repeat the same message. */
  async send(
    conversationId: string,
    file: StoredFile,
    content = "",
    clientMsgId = uniqueId(),
  ): Promise<void> {
    const { id, name, size, mime, width, height, hasThumbnail } = file;
    const about = { fileId: id, name, size, ...(mime && { mime }) };
    const isImage = hasThumbnail && width !== undefined && height !== undefined;
    const message = {
      clientMsgId,
      content,
      kind: isImage ? "image" : "file",
      attachment: isImage ? { ...about, width, height } : about,
    };
    await this.#http.call(
      "POST",
      `/api/conversations/${encodeURIComponent(conversationId)}/messages`,
      message,
    );
  }

  /** How far an upload is, and what a file is. */
  about(id: string): Promise<StoredFile> {
    return this.#http.call("GET", path(id));
  }

  /** Deletes a file of one's own that no message carries. */
  remove(id: string): Promise<void> {
    return this.#http.call("DELETE", path(id));
  }

  /** Its bytes, or those of its thumbnail. */
  read(id: string, what: "content" | "thumbnail" = "content", signal?: AbortSignal): Promise<Blob> {
    return this.#http.blob(path(id, what), { signal, timeoutMs: TIMES.uploadPartMs });
  }

  /** Where a browser that is logged in by cookie finds it: for `src` and `href`. */
  url(id: string, what: "content" | "thumbnail" = "content"): string {
    return this.#http.base + path(id, what);
  }

  #part(file: StoredFile, blob: Blob, signal?: AbortSignal): Promise<StoredFile> {
    const { id, offset, partBytes } = file;
    return this.#http.call("PATCH", path(id, "content"), blob.slice(offset, offset + partBytes), {
      headers: { "upload-offset": String(offset) },
      signal,
      timeoutMs: TIMES.uploadPartMs,
    });
  }
}

function path(id: string, what?: "content" | "thumbnail"): string {
  return `/api/files/${encodeURIComponent(id)}${what ? `/${what}` : ""}`;
}

function nameOf(blob: Blob): string {
  const { name } = blob as Partial<File>;
  // Folders are nobody's business, and refused.
  return name?.split(/[\\/]/).pop() || "file";
}

/** The same may do better a little later, or from where the upload is by now. */
function isPassing(error: unknown): error is OortError {
  if (!(error instanceof OortError)) return false;
  const { code, retryAfterMs, status = 0 } = error;
  return code === "offline" || code === "wrong_offset" || retryAfterMs !== undefined || status >= 500;
}
