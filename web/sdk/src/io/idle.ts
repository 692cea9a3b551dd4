/** Tells when nobody has touched the page for a while, and when somebody does again. The returned function ends it. */
export function watchIdle(
  afterMs: number,
  tell: (away: boolean) => void,
  page: EventTarget = document,
): () => void {
  let isAway = false;
  let timer: ReturnType<typeof setTimeout>;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isAway = true;
      tell(true);
    }, afterMs);
  };
  const touched = () => {
    if (isAway) {
      isAway = false;
      tell(false);
    }
    wait();
  };
  const kinds = ["pointerdown", "pointermove", "keydown", "visibilitychange"];
  for (const kind of kinds) page.addEventListener(kind, touched, { passive: true });
  wait();
  return () => {
    clearTimeout(timer);
    for (const kind of kinds) page.removeEventListener(kind, touched);
  };
}
