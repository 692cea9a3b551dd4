import type { Looked } from "./tray";

/** A file that tells nothing within this time is taken as it is. */
const patienceMs = 5000;

/** What this browser can tell of a file: whether it can draw it, how large it is, how long it lasts. */
export async function look(file: File): Promise<Looked> {
  const kind = file.type.split("/")[0];
  if (kind !== "image" && kind !== "video" && kind !== "audio") return {};
  const address = URL.createObjectURL(file);
  if (kind === "image") {
    const image = new Image();
    image.src = address;
    try {
      await image.decode();
      // Its sides as it is shown: the browser has turned it already.
      return { preview: address, width: image.naturalWidth, height: image.naturalHeight };
    } catch {
      URL.revokeObjectURL(address);
      return {};
    }
  }
  const media = document.createElement(kind);
  const known = await new Promise<boolean>((resolve) => {
    media.onloadedmetadata = () => resolve(true);
    media.onerror = () => resolve(false);
    setTimeout(() => resolve(false), patienceMs);
    media.preload = "metadata";
    media.src = address;
  });
  const { duration } = media;
  const { videoWidth = 0, videoHeight = 0 } = media as Partial<HTMLVideoElement>;
  media.removeAttribute("src");
  URL.revokeObjectURL(address);
  if (!known) return {};
  return {
    ...(videoWidth > 0 && { width: videoWidth, height: videoHeight }),
    ...(Number.isFinite(duration) && { durationMs: Math.round(duration * 1000) }),
  };
}
