"use client";

import { type ComponentType, type ReactNode, Suspense, useState } from "react";

interface OnIntentProps<P> {
  /** Starts to fetch the part; the browser does so once. */
  load: () => Promise<unknown>;
  /** The part, lazy; it opens by itself when it appears. */
  part: ComponentType<P>;
  props: P;
  /** The button alone, until it is pressed for the first time. */
  button: (press: { onClick: () => void; onPointerEnter: () => void; onFocus: () => void }) => ReactNode;
}

/** A button whose menu is fetched when somebody goes near it: the first page has less to load. */
export function OnIntent<P extends object>({ load, part: Part, props, button }: OnIntentProps<P>) {
  const [wanted, setWanted] = useState(false);
  const fetch = () => void load().catch(() => {});
  const plain = button({ onClick: () => setWanted(true), onPointerEnter: fetch, onFocus: fetch });
  if (!wanted) return plain;
  return (
    <Suspense fallback={plain}>
      <Part {...props} />
    </Suspense>
  );
}
