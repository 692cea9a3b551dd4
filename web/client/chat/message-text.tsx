import { memo } from "react";
import { testids } from "@/lib/testids";
import { segments } from "@/lib/text/links";
import { cx } from "@/parts/cx";

/** A message as text: nothing in it is ever markup. Links open apart and learn nothing of this page. */
export const MessageText = memo(function MessageText({ content, large }: { content: string; large: boolean }) {
  return (
    <span
      dir="auto"
      data-testid={testids.messageText}
      className={cx("whitespace-pre-wrap [overflow-wrap:anywhere]", large && "font-emoji text-4xl leading-tight")}
    >
      {segments(content).map((part, at) =>
        part.kind === "text" ? (
          part.text
        ) : (
          <a
            // biome-ignore lint/suspicious/noArrayIndexKey: a message does not change.
            key={at}
            href={part.href}
            target="_blank"
            rel="noopener noreferrer nofollow"
            className="rounded-sm text-accent underline decoration-from-font underline-offset-2 hover:text-accent-strong"
          >
            {part.text}
          </a>
        ),
      )}
    </span>
  );
});
