import { Hash, Users } from "lucide-react";
import { initial, tint } from "@/lib/avatar";
import type { Standing } from "@/lib/presence";
import { cx } from "./cx";

interface AvatarProps {
  /** Decides the colour. */
  id: string;
  name: string;
  kind?: "direct" | "group" | "room";
  size?: "sm" | "md" | "lg";
  /** Address of a picture on this server. */
  picture?: string;
  /** Shows a dot for who is there, a ring for who is away from all devices. */
  standing?: Standing;
}

const sizes = { sm: "size-8 text-sm", md: "size-10 text-base", lg: "size-16 text-xl" };

/** Decoration: the name stands beside it. */
export function Avatar({ id, name, kind = "direct", size = "md", picture, standing }: AvatarProps) {
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
        {picture ? (
          // biome-ignore lint/performance/noImgElement: there is no server to make it smaller.
          <img src={picture} alt="" className="size-full rounded-[inherit] object-cover" />
        ) : kind === "room" ? (
          <Hash className="size-[45%]" />
        ) : kind === "group" ? (
          <Users className="size-[45%]" />
        ) : (
          initial(name)
        )}
      </span>
      {standing ? (
        <span className="absolute -right-0.5 -bottom-0.5 flex size-3 items-center justify-center rounded-full bg-surface">
          <span className={cx("size-2 rounded-full", standing === "online" ? "bg-ok" : "border-2 border-warn")} />
        </span>
      ) : null}
    </span>
  );
}
