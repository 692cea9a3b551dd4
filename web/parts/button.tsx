import type { ComponentProps } from "react";
import { cx } from "./cx";
import { Spinner } from "./spinner";

export type ButtonKind = "primary" | "outline" | "quiet" | "danger" | "quietDanger";

const kinds: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong disabled:bg-sunken disabled:text-muted",
  outline: "border border-line bg-surface text-text hover:bg-hover disabled:text-muted",
  quiet: "text-text hover:bg-hover disabled:text-muted",
  quietDanger: "text-danger hover:bg-danger-soft disabled:text-muted",
  danger: "border border-line bg-surface text-danger hover:bg-danger-soft disabled:text-muted",
};

interface ButtonProps extends ComponentProps<"button"> {
  kind?: ButtonKind;
  small?: boolean;
  /** Work goes on: a second press does nothing. */
  busy?: boolean;
}

export function Button({ kind = "outline", small, busy, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      disabled={disabled || busy}
      className={cx(
        "inline-flex shrink-0 select-none items-center justify-center gap-2 rounded-lg font-medium transition-colors",
        small ? "h-8 px-3 text-sm" : "h-10 px-4",
        kinds[kind],
        className,
      )}
      {...rest}
    >
      {busy ? <Spinner /> : null}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  /** What it does: read aloud, and shown on hover. */
  label: string;
  pressed?: boolean;
}

export function IconButton({ label, pressed, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      className={cx(
        "inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-muted transition-colors",
        "hover:bg-hover hover:text-text aria-pressed:bg-accent-soft aria-pressed:text-accent-text disabled:opacity-40",
        "pointer-coarse:size-11",
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  );
}
