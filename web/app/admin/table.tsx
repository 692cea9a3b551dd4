import type { ReactNode } from "react";
import { cx } from "@/parts/cx";

interface TableProps {
  /** Read aloud before the rows. */
  caption: string;
  columns: readonly { label: string; end?: boolean }[];
  children: ReactNode;
}

/** Rows that may be wider than the screen: they scroll by themselves, the page never does. */
export function Table({ caption, columns, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard.
    <section tabIndex={0} className="-mx-4 overflow-x-auto px-4">
      <table className="w-full border-collapse whitespace-nowrap text-sm tabular-nums">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-line border-b text-muted">
            {columns.map(({ label, end }) => (
              <th
                key={label}
                scope="col"
                className={cx("px-2 pb-2 font-medium first:pl-0 last:pr-0", end ? "text-right" : "text-left")}
              >
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

interface RowProps {
  children: ReactNode;
  testid?: string;
  name?: string;
}

export function Row({ children, testid, name }: RowProps) {
  return (
    <tr data-testid={testid} data-name={name} className="border-line border-b last:border-b-0">
      {children}
    </tr>
  );
}

export function Cell({ children, end, className }: { children?: ReactNode; end?: boolean; className?: string }) {
  return (
    <td className={cx("px-2 py-2 first:pl-0 last:pr-0", end ? "text-right" : "text-left", className)}>{children}</td>
  );
}
