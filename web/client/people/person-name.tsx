"use client";

import type { ComponentProps } from "react";
import type { User } from "@/lib/oort";
import { Avatar } from "@/parts/avatar";
import { facePicture, useProfile } from "./profiles";

interface PersonNameProps {
  user: User;
  className?: string;
}

/** What somebody wants to be called, and beside it their user name: a nickname may be anybody's. */
export function PersonName({ user: { id, username }, className }: PersonNameProps) {
  const nick = useProfile(id)?.nick;
  return (
    <span className={className}>
      {nick ? <bdi>{nick}</bdi> : null}
      {nick ? " " : null}
      <bdi className={nick ? "font-normal text-[0.9em] text-muted" : undefined}>{username}</bdi>
    </span>
  );
}

type FaceProps = { user: User } & Pick<ComponentProps<typeof Avatar>, "size" | "standing">;

/** The picture of somebody, or the first letter of their name. */
export function Face({ user, ...rest }: FaceProps) {
  const profile = useProfile(user.id);
  return <Avatar id={user.id} name={profile?.nick || user.username} picture={facePicture(profile)} {...rest} />;
}
