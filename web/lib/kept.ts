import { saved } from "./saved";

/** What this browser remembers of one user's conversations. */
export interface Kept {
  /** Rooms that were opened or written in: they count as the user's own. */
  touched: readonly string[];
}

/** Ids are short, so 500 fit easily; the oldest go first. */
const keptMax = 500;

const cache = new Map<string, ReturnType<typeof make>>();

export function keptOf(userId: string) {
  let kept = cache.get(userId);
  if (!kept) {
    kept = make(userId);
    cache.set(userId, kept);
  }
  return kept;
}

function make(userId: string) {
  const store = saved<Kept>(`oort.kept.${userId}`, (stored) => {
    const given = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
    return { touched: ids(given.touched) };
  });
  return {
    ...store,
    touch(id: string): void {
      const { touched } = store.get();
      if (!touched.includes(id)) store.set({ touched: [...touched, id].slice(-keptMax) });
    },
  };
}

function ids(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === "string") : [];
}
