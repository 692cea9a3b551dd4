import { memo } from "react";
import { calls } from "@/lib/mentions";
import { testids } from "@/lib/testids";
import { segments } from "@/lib/text/links";
import { cx } from "@/parts/cx";

/** A message as text: nothing in it is ever markup. Links open apart and learn nothing of this page. */
export const MessageText = memo(function MessageText({
  content,
  large,
  called,
}: {
  content: string;
  large: boolean;
  /** It speaks to people: their names stand out. */
  called: boolean;
}) {
  return (
    <span
      dir="auto"
      data-testid={testids.messageText}
      className={cx("whitespace-pre-wrap [overflow-wrap:anywhere]", large && "font-emoji text-4xl leading-tight")}
    >
      {segments(content).map((part, at) =>
        part.kind === "text" ? (
          called ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: a message does not change.
            <Calls key={at} text={part.text} />
          ) : (
            part.text
          )
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

function Calls({ text }: { text: string }) {
  return calls(text).map((part, at) =>
    part.called ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: a message does not change.
      <span key={at} data-testid={testids.mention} className="font-medium text-accent">
        {part.text}
      </span>
    ) : (
      part.text
    ),
  );
}
