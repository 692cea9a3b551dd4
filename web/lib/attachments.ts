import type { Attachment, ContentKind } from "./oort";

/** What of an attachment can be shown; nothing in it is taken on trust. */
export interface Shown {
  kind: Exclude<ContentKind, "text">;
  /** Where it is; absent: nowhere that a page may lead to. */
  href?: string;
  /** It was uploaded here: `href` is an address of this server that gives it to who may read it. */
  stored?: boolean;
  /** It, or a smaller picture of it, lies on this server and can be drawn in its place. */
  picture?: string;
  name?: string;
  sizeBytes?: number;
  durationMs?: number;
  /** Of a place. */
  place?: { lat: number; lon: number; address?: string };
  /** Of something of one's own: what its sender's program calls it. */
  type?: string;
  width?: number;
  height?: number;
}

/** Reads what came with a message. */
export function shownOf(kind: Shown["kind"], attachment: Attachment, origin: string): Shown {
  const file = fileIdOf(attachment.fileId);
  const href = file === undefined ? linkOf(attachment.url) : fileUrl(file, "content");
  const thumbnail = linkOf(attachment.thumbnailUrl) ?? (kind === "image" ? href : undefined);
  const picture = file === undefined ? pictureOf(thumbnail, origin) : storedPicture(kind, file, attachment);
  const lat = numberOf(attachment.lat);
  const lon = numberOf(attachment.lon);
  const shown: Shown = {
    kind,
    href: lat !== undefined && lon !== undefined ? `geo:${lat},${lon}` : href,
    stored: file === undefined ? undefined : true,
    picture,
    name: textOf(attachment.name),
    sizeBytes: numberOf(attachment.size),
    durationMs: numberOf(attachment.durationMs),
    type: textOf(attachment.type),
    width: numberOf(attachment.width),
    height: numberOf(attachment.height),
    ...(lat !== undefined && lon !== undefined && { place: { lat, lon, address: textOf(attachment.address) } }),
  };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)) as unknown as Shown;
}

/** Where a file of this server is; the browser is known by its cookie. */
export function fileUrl(id: string, what: "content" | "thumbnail"): string {
  return `/api/files/${id}/${what}`;
}

/** Images of these types have a small picture; an animation moves only as it is. */
const withThumbnail = ["image/png", "image/jpeg", "image/webp"];

function storedPicture(kind: Shown["kind"], file: string, { mime }: Attachment): string | undefined {
  if (kind !== "image") return undefined;
  return fileUrl(file, mime === undefined || withThumbnail.includes(String(mime)) ? "thumbnail" : "content");
}

/** Longest edge of a picture among messages, px. */
const edgePx = 320;
/** What is much longer than wide, or the other way round, is cut. */
const ratioMax = 3;

/** How much room a picture has among messages: known before it is there, so that nothing moves when it comes. */
export function boxOf(width: number | undefined, height: number | undefined): { width: number; height: number } {
  if (!width || !height || width < 0 || height < 0) return { width: 240, height: 160 };
  const ratio = Math.min(ratioMax, Math.max(1 / ratioMax, width / height));
  const fitting = ratio >= 1 ? Math.min(edgePx, width) : Math.min(edgePx, height) * ratio;
  const wide = Math.max(72, Math.round(fitting));
  return { width: wide, height: Math.round(wide / ratio) };
}

/** The room of what is drawn as a picture; null: it is a line. */
export function roomOf(
  kind: ContentKind | undefined,
  { width, height, fileId }: Attachment,
): ReturnType<typeof boxOf> | null {
  const isDrawn = kind === "video" ? fileId !== undefined : kind === "image";
  const [wide, high] = [numberOf(width), numberOf(height)];
  return isDrawn && (fileId !== undefined || (wide && high)) ? boxOf(wide, high) : null;
}

/** An address of a picture on this server. Others are not drawn: whoever gave the address would learn who looks at it. */
export function pictureOf(address: string | undefined, origin: string): string | undefined {
  // The id of a file: those who see its owner may not read it.
  if (address !== undefined && /^\d+$/.test(address)) return undefined;
  const link = linkOf(address, origin);
  return link && new URL(link).origin === origin ? link : undefined;
}

/** An address that a page may lead to. */
function linkOf(value: unknown, base?: string): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  if (!URL.canParse(value, base)) return undefined;
  const url = new URL(value, base);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
}

function fileIdOf(value: unknown): string | undefined {
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, 200) : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** `1.4 MB`, in steps of 1000, as files are told. */
export function sizeText(bytes: number, locale: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let at = 0;
  let size = Math.max(0, bytes);
  while (size >= 995 && at < units.length - 1) {
    size /= 1000;
    at += 1;
  }
  const format = { style: "unit", unit: units[at], unitDisplay: "short", maximumSignificantDigits: 2 } as const;
  return new Intl.NumberFormat(locale, format).format(size);
}

/** `1:05`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
