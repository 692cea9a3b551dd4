const widths = ["w-24", "w-32", "w-20", "w-28", "w-36", "w-24"];

/** The shape of the list while it comes. */
export function ListSkeleton() {
  return (
    <div aria-hidden="true" className="flex flex-col">
      {widths.map((width, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move.
        <div key={at} className="flex h-16 animate-pulse items-center gap-3 px-2">
          <div className="size-10 rounded-full bg-sunken" />
          <div className="flex flex-1 flex-col gap-2">
            <div className={`h-3 rounded bg-sunken ${width}`} />
            <div className="h-2.5 w-4/5 rounded bg-sunken" />
          </div>
        </div>
      ))}
    </div>
  );
}
