"use client";

import { Download, File as FileIcon, Image as ImageIcon, Play } from "lucide-react";
import { type ReactNode, useContext, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { boxOf, durationText, type Shown, sizeText } from "@/lib/attachments";
import { testids } from "@/lib/testids";
import { ActionsContext } from "../chat/actions-context";

/** What was uploaded to this server: pictures drawn, sound and films played piece by piece, all else to be saved. */
export function Stored({ shown }: { shown: Shown }) {
  switch (shown.kind) {
    case "image":
      return <Picture shown={shown} />;
    case "video":
      return <Film shown={shown} />;
    case "voice":
      return <Voice shown={shown} />;
    default:
      return <SavedFile shown={shown} />;
  }
}

/** Wide and high before anything is loaded, and never wider than there is room for. */
function styleOf({ width, height }: Shown) {
  const box = boxOf(width, height);
  return { width: box.width, aspectRatio: `${box.width} / ${box.height}` };
}

function Picture({ shown }: { shown: Shown }) {
  const t = useTranslations("files");
  const { view } = useContext(ActionsContext);
  const [broken, setBroken] = useState(false);
  return (
    <button
      type="button"
      aria-label={t("openPicture", { name: shown.name ?? "" })}
      data-testid={testids.picture}
      onClick={() => view(shown)}
      style={styleOf(shown)}
      className="flex max-w-full items-center justify-center overflow-hidden rounded-lg bg-sunken hover:opacity-90"
    >
      {broken || !shown.picture ? (
        <ImageIcon aria-hidden="true" className="size-8 text-muted" />
      ) : (
        // biome-ignore lint/performance/noImgElement: there is no server to make it smaller.
        <img
          src={shown.picture}
          alt=""
          decoding="async"
          onError={() => setBroken(true)}
          className="size-full object-cover"
        />
      )}
    </button>
  );
}

/** Nothing of it is loaded until somebody wants to see it. */
function Film({ shown }: { shown: Shown }) {
  const t = useTranslations("files");
  const [playing, setPlaying] = useState(false);
  return (
    <span className="flex max-w-full flex-col">
      {playing ? (
        // biome-ignore lint/a11y/useMediaCaption: nobody has written any.
        <video
          data-testid={testids.player}
          src={shown.href}
          controls
          autoPlay
          playsInline
          aria-label={shown.name}
          style={styleOf(shown)}
          className="max-w-full rounded-lg bg-black"
        />
      ) : (
        <button
          type="button"
          aria-label={t("playFilm", { name: shown.name ?? "" })}
          data-testid={testids.play}
          onClick={() => setPlaying(true)}
          style={styleOf(shown)}
          className="group/film flex max-w-full items-center justify-center rounded-lg bg-sunken"
        >
          <span className="flex size-14 items-center justify-center rounded-full bg-accent text-on-accent transition-colors group-hover/film:bg-accent-strong">
            <Play aria-hidden="true" className="ml-1 size-6 fill-current" />
          </span>
        </button>
      )}
      <Line shown={shown} />
    </span>
  );
}

function Voice({ shown }: { shown: Shown }) {
  return (
    <span className="flex w-72 max-w-full flex-col">
      {/* biome-ignore lint/a11y/useMediaCaption: nobody has written any. */}
      <audio
        data-testid={testids.player}
        src={shown.href}
        controls
        // The browser has a way to save it of its own.
        controlsList="nodownload"
        preload="none"
        aria-label={shown.name}
        className="h-11 w-full"
      />
      <Line shown={shown} />
    </span>
  );
}

function SavedFile({ shown }: { shown: Shown }) {
  const t = useTranslations("files");
  return (
    <SaveLink shown={shown} className="bg-sunken">
      <span className="sr-only">{t("download")} </span>
      <FileIcon aria-hidden="true" className="size-5 shrink-0 text-accent" />
      <span className="flex min-w-0 flex-1 flex-col leading-tight">
        <bdi className="truncate font-medium text-sm text-text">{shown.name}</bdi>
        <About shown={shown} />
      </span>
      <Download aria-hidden="true" className="size-4 shrink-0 text-muted" />
    </SaveLink>
  );
}

/** Below what is played: what it is called, and the way to save it. */
function Line({ shown }: { shown: Shown }) {
  const t = useTranslations("files");
  return (
    <span className="flex min-w-0 items-center gap-2 pt-1">
      <span className="flex min-w-0 flex-1 flex-col leading-tight">
        <bdi className="truncate text-sm text-text">{shown.name}</bdi>
        <About shown={shown} />
      </span>
      <SaveLink shown={shown} label={t("downloadOf", { name: shown.name ?? "" })} className="w-9! justify-center px-0!">
        <Download aria-hidden="true" className="size-4 shrink-0 text-muted" />
      </SaveLink>
    </span>
  );
}

function About({ shown: { sizeBytes, durationMs } }: { shown: Shown }) {
  const locale = useLocale();
  const parts = [
    durationMs === undefined ? null : durationText(durationMs),
    sizeBytes === undefined ? null : sizeText(sizeBytes, locale),
  ].filter((part) => part !== null);
  return parts.length > 0 ? <span className="truncate text-muted text-xs">{parts.join(" · ")}</span> : null;
}

interface SaveLinkProps {
  shown: Shown;
  /** Absent: what it is stands in it. */
  label?: string;
  className: string;
  children: ReactNode;
}

function SaveLink({ shown, label, className, children }: SaveLinkProps) {
  return (
    <a
      href={shown.href}
      download={shown.name ?? ""}
      aria-label={label}
      title={label}
      data-testid={testids.download}
      className={`flex w-64 min-w-0 max-w-full shrink-0 items-center gap-3 rounded-lg px-3 py-2 hover:bg-hover pointer-coarse:min-h-11 ${className}`}
    >
      {children}
    </a>
  );
}
