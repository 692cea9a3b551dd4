"use client";

import { FileAudio, File as FileIcon, FileVideo, RotateCw, X } from "lucide-react";
import { useLocale, useTranslations } from "use-intl";
import { sizeText } from "@/lib/attachments";
import { testids } from "@/lib/testids";
import type { Picked, Tray } from "@/lib/tray";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { useFileRefusal } from "./refusal";

interface TrayBarProps {
  tray: Tray;
  picked: readonly Picked[];
  /** They are sent as soon as all are there. */
  waits: boolean;
}

/** What was chosen for the next message: how far each is on its way, and the way to take it off. */
export default function TrayBar({ tray, picked, waits }: TrayBarProps) {
  const t = useTranslations("files");
  const ready = picked.filter(({ state }) => state === "ready").length;
  return (
    <div className="pb-1.5">
      <p role="status" className={waits ? "px-1 pb-1 text-muted text-sm" : "sr-only"}>
        {waits ? t("sendsWhenReady") : t("readyCount", { ready, count: picked.length })}
      </p>
      <ul
        // biome-ignore lint/a11y/noRedundantRoles: without bullets Safari does not take it for a list.
        role="list"
        aria-label={t("chosen")}
        className="grid max-h-52 grid-cols-[repeat(auto-fill,minmax(min(100%,15rem),1fr))] gap-1.5 overflow-y-auto overscroll-contain"
      >
        {picked.map((item) => (
          <Item key={item.key} item={item} tray={tray} />
        ))}
      </ul>
    </div>
  );
}

function Item({ item, tray }: { item: Picked; tray: Tray }) {
  const t = useTranslations("files");
  const locale = useLocale();
  const refusal = useFileRefusal();
  const { key, file, state, storedBytes, error } = item;
  const failed = state === "failed";
  const percent = file.size === 0 ? 0 : Math.floor((100 * storedBytes) / file.size);
  return (
    <li
      data-testid={testids.pickedFile}
      data-state={state}
      className={cx(
        "flex min-h-14 min-w-0 items-center gap-2.5 rounded-xl border bg-surface py-1 pr-1 pl-2",
        failed ? "border-danger" : "border-line",
      )}
    >
      <Preview item={item} />
      <span className="flex min-w-0 flex-1 flex-col gap-1 leading-tight">
        <bdi className="truncate font-medium text-sm">{file.name}</bdi>
        {failed ? (
          <span role="alert" className="text-danger text-xs">
            {refusal(error)}
          </span>
        ) : state === "uploading" ? (
          <span
            role="progressbar"
            aria-label={t("uploading", { name: file.name })}
            aria-valuenow={percent}
            className="my-1 block h-1.5 overflow-hidden rounded-full bg-sunken"
          >
            <span
              style={{ width: `${Math.max(3, percent)}%` }}
              className="block h-full rounded-full bg-accent transition-[width]"
            />
          </span>
        ) : (
          <span className="truncate text-muted text-xs">
            {state === "waiting" ? t("waiting") : sizeText(file.size, locale)}
          </span>
        )}
      </span>
      {failed ? (
        <IconButton
          label={t("retryOf", { name: file.name })}
          data-testid={testids.retryFile}
          onClick={() => tray.retry(key)}
        >
          <RotateCw className="size-4" />
        </IconButton>
      ) : null}
      <IconButton
        label={t(state === "ready" || failed ? "takeOff" : "stop", { name: file.name })}
        data-testid={testids.discardFile}
        onClick={() => tray.discard(key)}
      >
        <X className="size-4" />
      </IconButton>
    </li>
  );
}

function Preview({ item: { preview, file } }: { item: Picked }) {
  // biome-ignore lint/performance/noImgElement: it is on this machine already.
  if (preview) return <img src={preview} alt="" className="size-11 shrink-0 rounded-lg object-cover" />;
  const kind = file.type.split("/")[0];
  const Icon = kind === "video" ? FileVideo : kind === "audio" ? FileAudio : FileIcon;
  return (
    <span className="flex size-11 shrink-0 items-center justify-center rounded-lg bg-sunken text-accent">
      <Icon aria-hidden="true" className="size-5" />
    </span>
  );
}
