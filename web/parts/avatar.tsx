import { Hash, Users } from "lucide-react";
import { initial, tint } from "@/lib/avatar";
import { cx } from "./cx";

interface AvatarProps {
  /** Decides the colour. */
  id: string;
  name: string;
  kind?: "direct" | "group" | "room";
  size?: "sm" | "md" | "lg";
  /** Shows a dot when told. */
  online?: boolean;
}

const sizes = { sm: "size-8 text-sm", md: "size-10 text-base", lg: "size-16 text-xl" };

/** Decoration: the name stands beside it. */
export function Avatar({ id, name, kind = "direct", size = "md", online }: AvatarProps) {
  return (
    <span aria-hidden="true" className="relative shrink-0">
      <span
        className={cx(
          "avatar flex select-none items-center justify-center font-semibold",
          kind === "direct" ? "rounded-full" : "rounded-xl",
          sizes[size],
          `tint-${tint(`${kind === "direct" ? "user" : "room"}${id}`)}`,
        )}
      >
        {kind === "room" ? (
          <Hash className="size-[45%]" />
        ) : kind === "group" ? (
          <Users className="size-[45%]" />
        ) : (
          initial(name)
        )}
      </span>
      {online ? (
        <span className="absolute -right-0.5 -bottom-0.5 size-3 rounded-full border-2 border-surface bg-ok" />
      ) : null}
    </span>
  );
}
