"use client";

import { type ComponentType, type ReactNode, Suspense, useState } from "react";
import { NotLoadedNote } from "./not-loaded";

interface OnIntentProps<P> {
  /** Fetches the part; the browser does so once. */
  load: () => Promise<unknown>;
  /** The part, lazy; it opens by itself when it appears. */
  part: ComponentType<P>;
  props: P;
  /** The button alone, until it is pressed for the first time. */
  button: (press: { onClick: () => void; onPointerEnter: () => void; onFocus: () => void }) => ReactNode;
}

/** A button whose menu is fetched when somebody goes near it: the first page has less to load. */
export function OnIntent<P extends object>({ load, part: Part, props, button }: OnIntentProps<P>) {
  const [state, setState] = useState<"idle" | "there" | "failed">("idle");
  const fetch = () => void load().catch(() => {});
  // Drawn when it is there: a part that did not come would not be asked for again.
  const open = () =>
    void load().then(
      () => setState("there"),
      () => setState("failed"),
    );
  const plain = button({ onClick: open, onPointerEnter: fetch, onFocus: fetch });
  if (state === "there")
    return (
      <Suspense fallback={plain}>
        <Part {...props} />
      </Suspense>
    );
  return (
    <>
      {plain}
      {state === "failed" ? <NotLoadedNote onAgain={open} onClose={() => setState("idle")} /> : null}
    </>
  );
}
