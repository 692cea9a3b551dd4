import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx";
import { inputClass } from "./field";

interface TextAreaProps extends ComponentProps<"textarea"> {
  label: string;
  hint?: ReactNode;
}

/** A field of several lines with its label and a hint. */
export function TextArea({ label, hint, className, ...rest }: TextAreaProps) {
  const id = useId();
  return (
    <div className={cx("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      <textarea
        id={id}
        dir="auto"
        aria-describedby={hint ? `${id}-note` : undefined}
        className={cx(inputClass, "h-auto! resize-y py-2")}
        {...rest}
      />
      {hint ? (
        <p id={`${id}-note`} className="text-muted text-sm">
          {hint}
        </p>
      ) : null}
    </div>
  );
}
