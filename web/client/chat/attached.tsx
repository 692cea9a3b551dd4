"use client";

import { Box, File, Image, type LucideIcon, MapPin, Mic, Video } from "lucide-react";
import { useMemo, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { durationText, type Shown, shownOf, sizeText } from "@/lib/attachments";
import type { Attachment } from "@/lib/oort";
import { testids } from "@/lib/testids";
import { Stored } from "../files/stored";

const icons: Record<Shown["kind"], LucideIcon> = {
  image: Image,
  voice: Mic,
  video: Video,
  file: File,
  location: MapPin,
  custom: Box,
};

interface AttachedProps {
  kind: Shown["kind"];
  attachment: Attachment;
}

/** What came with a message. Pictures are drawn that lie on this server; to everything else a link leads. */
export default function Attached({ kind, attachment }: AttachedProps) {
  const t = useTranslations("kinds");
  const shown = useMemo(() => shownOf(kind, attachment, location.origin), [kind, attachment]);
  const [broken, setBroken] = useState(false);
  if (shown.stored)
    return (
      <span data-testid={testids.attachment} data-kind={kind} className="my-1 block">
        <Stored shown={shown} />
      </span>
    );
  const Icon = icons[kind];
  const title = shown.name ?? shown.place?.address ?? shown.type ?? t(kind);
  const content =
    shown.picture && !broken ? (
      // biome-ignore lint/performance/noImgElement: there is no server to make it smaller.
      <img
        src={shown.picture}
        alt={title}
        width={shown.width}
        height={shown.height}
        onError={() => setBroken(true)}
        className="h-auto max-h-80 w-auto max-w-full rounded-lg"
      />
    ) : (
      <span className="flex min-w-0 max-w-72 items-center gap-3 rounded-lg bg-sunken px-3 py-2">
        <Icon aria-hidden="true" className="size-5 shrink-0 text-accent" />
        <span className="flex min-w-0 flex-col leading-tight">
          <bdi className="truncate font-medium text-sm text-text">{title}</bdi>
          <More shown={shown} />
        </span>
      </span>
    );
  return (
    <span data-testid={testids.attachment} data-kind={kind} className="my-1 block">
      {shown.href ? (
        <a
          href={shown.href}
          target="_blank"
          rel="noopener noreferrer nofollow"
          className="inline-block max-w-full rounded-lg hover:opacity-85"
        >
          {content}
        </a>
      ) : (
        content
      )}
    </span>
  );
}

function More({ shown: { kind, href, sizeBytes, durationMs, place, name, type } }: { shown: Shown }) {
  const t = useTranslations("kinds");
  const locale = useLocale();
  const parts = [
    name !== undefined || type !== undefined || place?.address !== undefined ? t(kind) : null,
    durationMs === undefined ? null : durationText(durationMs),
    sizeBytes === undefined ? null : sizeText(sizeBytes, locale),
    place ? `${place.lat.toFixed(4)}, ${place.lon.toFixed(4)}` : null,
    // Where it leads to is to be seen before it is gone to.
    href?.startsWith("http") && new URL(href).origin !== location.origin ? new URL(href).host : null,
  ].filter((part) => part !== null);
  return parts.length > 0 ? <span className="truncate text-muted text-xs">{parts.join(" · ")}</span> : null;
}
