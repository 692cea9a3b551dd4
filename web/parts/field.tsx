import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx";

export const inputClass =
  "h-10 w-full rounded-lg border border-line-strong bg-surface px-3 text-text transition-colors " +
  "hover:border-muted focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0 " +
  "aria-invalid:border-danger";

interface FieldProps extends ComponentProps<"input"> {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** Stands in the field at its end. */
  end?: ReactNode;
}

/** An input with its label, a hint, and what is wrong with it; all of them tied together for readers. */
export function Field({ label, hint, error, end, className, ...rest }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={cx("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          className={cx(inputClass, end ? "pr-11" : null)}
          {...rest}
        />
        {end ? <div className="absolute inset-y-0 right-0.5 flex items-center">{end}</div> : null}
      </div>
      {note ? (
        <p id={`${id}-note`} className={cx("text-sm", error ? "text-danger" : "text-muted")}>
          {note}
        </p>
      ) : null}
    </div>
  );
}
