import { type ReactNode, useId } from "react";
import { cx } from "@/parts/cx";

interface CardProps {
  title: string;
  /** Stands at the end of the line of the title. */
  end?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A section of its own. */
export function Card({ title, end, className, children }: CardProps) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className={cx("flex flex-col gap-3 rounded-2xl border border-line bg-surface p-4", className)}
    >
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 id={id} className="font-semibold">
          {title}
        </h2>
        {end}
      </div>
      {children}
    </section>
  );
}
