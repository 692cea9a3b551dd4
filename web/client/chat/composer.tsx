"use client";

import { Check, Pencil, SendHorizontal, Smile, X } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, lazy, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { utf8Bytes } from "@/lib/text/bytes";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { OnIntent } from "@/parts/on-intent";
import { draftOf, keepDraft } from "./drafts";

const loadPicker = () => import("./emoji-picker");
const EmojiPicker = lazy(loadPicker);

interface ComposerProps {
  id: string;
  name: string;
  /** The text of a message that is to become another; null: a new message is written. */
  editing: string | null;
  /** Says whether it was taken. */
  onSend: (content: string) => boolean | Promise<boolean>;
  onTyping: (active: boolean) => void;
  onCancelEdit: () => void;
  /** Takes up the newest message of one's own again. */
  onEditLast: () => void;
}

/** The server's limit of a message. */
const contentBytesMax = 8192;
/** Room left is told from here on. */
const tellFromBytes = 7000;

/** Where a message is written, or written anew: then another one takes its place on the screen. */
export function Composer({ id, name, editing, onSend, onTyping, onCancelEdit, onEditLast }: ComposerProps) {
  const t = useTranslations("chat");
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => editing ?? draftOf(id));
  const [busy, setBusy] = useState(false);
  // Counting is for long texts only; a UTF-16 unit has 3 bytes at most.
  const bytes = text.length * 3 > tellFromBytes ? utf8Bytes(text) : 0;
  const tooLong = bytes > contentBytesMax;
  const empty = text.trim() === "";

  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (editing !== null || matchMedia("(pointer: fine)").matches) field.current?.focus();
    field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
  }, [editing]);
  useEffect(() => () => onTyping(false), [onTyping]);

  function write(next: string) {
    setText(next);
    // What is written anew is no draft.
    if (editing !== null) return;
    keepDraft(id, next);
    onTyping(next.trim() !== "");
  }

  async function send() {
    if (empty || tooLong || busy) return;
    const taken = onSend(text.trim());
    if (typeof taken !== "boolean") setBusy(true);
    if (!(typeof taken === "boolean" ? taken : await taken)) return setBusy(false);
    if (editing !== null) return;
    write("");
    field.current?.focus();
  }

  function keys(event: KeyboardEvent) {
    if (event.key === "Escape" && editing !== null && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onCancelEdit();
      return;
    }
    if (event.key === "ArrowUp" && text === "" && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      onEditLast();
      return;
    }
    // Enter that ends the choice of an input method sends nothing; 229 is Safari's word for it.
    if (
      event.key !== "Enter" ||
      event.shiftKey ||
      event.altKey ||
      event.nativeEvent.isComposing ||
      event.keyCode === 229
    )
      return;
    // On a touch keyboard Enter is the only way to a new line.
    if (!event.ctrlKey && !event.metaKey && matchMedia("(pointer: coarse) and (hover: none)").matches) return;
    event.preventDefault();
    void send();
  }

  function insert(emoji: string) {
    const { selectionStart = text.length, selectionEnd = text.length } = field.current ?? {};
    write(text.slice(0, selectionStart) + emoji + text.slice(selectionEnd));
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(selectionStart + emoji.length, selectionStart + emoji.length);
    });
  }

  return (
    <form
      data-testid={testids.composer}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      className="safe-bottom shrink-0 px-3 md:px-5"
    >
      {editing === null ? null : (
        <div data-testid={testids.editBar} className="flex items-center gap-2 px-2 pb-1 text-accent text-sm">
          <Pencil aria-hidden="true" className="size-4" />
          <span id="composer-edits" className="flex-1 font-medium">
            {t("editing")}
          </span>
          <IconButton label={t("cancelEdit")} data-testid={testids.cancelEdit} onClick={onCancelEdit}>
            <X className="size-4" />
          </IconButton>
        </div>
      )}
      <div
        className={cx(
          "flex items-end gap-1 rounded-2xl border bg-surface p-1 transition-colors",
          "focus-within:outline-1 focus-within:outline-offset-0",
          tooLong ? "border-danger outline-danger" : "border-line-strong outline-accent focus-within:border-accent",
        )}
      >
        <OnIntent
          load={loadPicker}
          part={EmojiPicker}
          props={{ onPick: insert, trigger: <EmojiButton /> }}
          button={(press) => <EmojiButton aria-haspopup="dialog" {...press} />}
        />
        <textarea
          ref={field}
          data-composer
          data-testid={testids.composerText}
          rows={1}
          value={text}
          aria-label={t("write")}
          aria-invalid={tooLong || undefined}
          aria-describedby={bytes >= tellFromBytes ? "composer-room" : editing === null ? undefined : "composer-edits"}
          placeholder={t("writeTo", { name })}
          enterKeyHint="send"
          onChange={(event) => write(event.target.value)}
          onKeyDown={keys}
          onBlur={() => onTyping(false)}
          className="grow-with-text max-h-44 min-h-9 min-w-0 flex-1 resize-none bg-transparent px-1 py-[0.4375rem] outline-none pointer-coarse:min-h-11 pointer-coarse:py-2.5"
        />
        <button
          type="submit"
          aria-label={t(editing === null ? "send" : "saveEdit")}
          title={t(editing === null ? "send" : "saveEdit")}
          aria-busy={busy || undefined}
          data-testid={testids.composerSend}
          disabled={empty || tooLong || busy}
          className="flex size-9 shrink-0 items-center justify-center rounded-xl bg-accent text-on-accent transition-colors hover:bg-accent-strong disabled:bg-transparent disabled:text-muted pointer-coarse:size-11"
        >
          {editing === null ? (
            <SendHorizontal aria-hidden="true" className="size-4.5" />
          ) : (
            <Check aria-hidden="true" className="size-4.5" />
          )}
        </button>
      </div>
      {bytes >= tellFromBytes ? (
        <p id="composer-room" role="status" className={cx("px-2 pt-1 text-xs", tooLong ? "text-danger" : "text-muted")}>
          {tooLong
            ? t("tooLong", { bytes: bytes - contentBytesMax })
            : t("roomLeft", { bytes: contentBytesMax - bytes })}
        </p>
      ) : null}
    </form>
  );
}

function EmojiButton(props: Partial<ComponentProps<typeof IconButton>>) {
  const t = useTranslations("chat");
  return (
    <IconButton label={t("emoji")} data-testid={testids.emojiToggle} {...props}>
      <Smile className="size-5" />
    </IconButton>
  );
}
