"use client";

import { Check, SendHorizontal, Smile } from "lucide-react";
import {
  type ComponentProps,
  type KeyboardEvent,
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useTranslations } from "use-intl";
import {
  everyoneId,
  type MentionQuery,
  mentioned,
  mentionListId,
  mentionQuery,
  names,
  withMention,
} from "@/lib/mentions";
import type { ConversationEntry, Draft, Message, User } from "@/lib/oort";
import type { Outgoing } from "@/lib/outgoing";
import { areFilesMeant } from "@/lib/pasted";
import { useStore } from "@/lib/store";
import { testids } from "@/lib/testids";
import { utf8Bytes } from "@/lib/text/bytes";
import type { Tray } from "@/lib/tray";
import { IconButton } from "@/parts/button";
import { cx } from "@/parts/cx";
import { AttachButton } from "../files/attach-button";
import { filesOf } from "../files/drop";
import { lazyPart } from "../lazy-part";
import { OnIntent } from "../on-intent";
import { useOnChange } from "../use-on-change";
import { calledIn, draftOf, keepDraft } from "./drafts";
import type { MentionKeys } from "./mention-list";

const loadPicker = () => import("./emoji-picker");
const EmojiPicker = lazy(loadPicker);
const MentionList = lazyPart(() => import("./mention-list"));
const EditBar = lazyPart(async () => ({ default: (await import("./composer-bars")).EditBar }));
const ReplyBar = lazyPart(async () => ({ default: (await import("./composer-bars")).ReplyBar }));
const TrayBar = lazyPart(() => import("../files/tray-bar"));

interface ComposerProps {
  entry: ConversationEntry;
  /** The text of a message that is to become another; null: a new message is written. */
  editing: string | null;
  /** The message that is answered. */
  replying: Message | null;
  /** What waits, and the files that go with it. */
  outgoing: Outgoing;
  onFiles: (files: File[]) => void;
  /** Takes what is to be sent. Of what is written anew it is told whether that was done. */
  onSend: (draft: Draft) => Promise<boolean> | undefined;
  onTyping: (active: boolean) => void;
  /** Nothing is edited or answered any more. */
  onCancel: () => void;
  /** Takes up the newest message of one's own again. */
  onEditLast: () => void;
}

const nothingPicked: ReturnType<Tray["get"]> = [];

/** The server's limit of a message. */
const contentBytesMax = 8192;
/** Room left is told from here on. */
const tellFromBytes = 7000;

/** Where a message is written, or written anew: then another one takes its place on the screen. */
export function Composer({
  entry,
  editing,
  replying,
  outgoing,
  onFiles,
  onSend,
  onTyping,
  onCancel,
  onEditLast,
}: ComposerProps) {
  const { id, name } = entry;
  const t = useTranslations("chat");
  const field = useRef<HTMLTextAreaElement>(null);
  /** Where the caret goes with the text that is drawn next; null: it stays. */
  const caret = useRef<number | null>(null);
  const { waiting, sent } = useStore(outgoing);
  const [text, setText] = useState(() => editing ?? waiting?.content ?? draftOf(id));
  const [busy, setBusy] = useState(false);
  // Counting is for long texts only; a UTF-16 unit has 3 bytes at most.
  const bytes = text.length * 3 > tellFromBytes ? utf8Bytes(text) : 0;
  const tooLong = bytes > contentBytesMax;
  const picked = useStore(outgoing.tray);
  const files = editing === null ? picked : nothingPicked;
  const empty = text.trim() === "" && files.length === 0;
  const failed = files.some(({ state }) => state === "failed");
  const waits = editing === null && waiting !== null;
  const stopped = empty || tooLong || failed || busy || waits;
  const [calling, setCalling] = useState<MentionQuery | null>(null);
  const [activeOption, setActiveOption] = useState<string | null>(null);
  const mentionKeys = useRef<MentionKeys>(null);

  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (editing !== null || matchMedia("(pointer: fine)").matches) field.current?.focus();
    field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
  }, [editing]);
  useEffect(() => {
    if (replying) field.current?.focus();
  }, [replying]);
  useEffect(() => () => onTyping(false), [onTyping]);
  // With the text, not a frame later: keys that are pressed meanwhile would go elsewhere.
  useLayoutEffect(() => {
    if (caret.current === null) return;
    field.current?.focus();
    field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });

  function write(next: string) {
    setText(next);
    // What is written anew is no draft.
    if (editing !== null) return;
    keepDraft(id, next);
    onTyping(next.trim() !== "");
  }

  // What is written meanwhile goes with what waits, unless that has become too much.
  useOnChange(text, () => {
    if (!waits) return;
    if (tooLong) outgoing.hold();
    else void onSend(draft());
  });
  useOnChange(sent, () => {
    if (editing === null) write("");
  });

  async function send() {
    if (stopped) return;
    setCalling(null);
    const done = onSend(draft());
    field.current?.focus();
    if (!done) return;
    setBusy(true);
    if (!(await done)) setBusy(false);
  }

  function draft(): Draft {
    const content = text.trim();
    const called = calledIn(id);
    const everyone = called.find((user) => user.id === everyoneId);
    const mentions = mentioned(
      content,
      called.filter((user) => user !== everyone),
    );
    return {
      content,
      ...(mentions.length > 0 && { mentions }),
      ...(everyone && names(content, everyone.username) && { mentionsAll: true }),
    };
  }

  /** Looks whether a name is being typed; between two people there is nobody to choose from. */
  function lookForCall() {
    const { value, selectionStart, selectionEnd } = field.current ?? { value: "", selectionStart: 0, selectionEnd: 0 };
    const wanted = entry.kind !== "direct" && editing === null && selectionStart === selectionEnd;
    setCalling(wanted ? mentionQuery(value, selectionStart) : null);
  }

  const call = useCallback(
    (user: User) => {
      if (!calling) return;
      const next = withMention(text, calling, user.username);
      calledIn(id).push(user);
      setCalling(null);
      caret.current = next.caret;
      setText(next.text);
      keepDraft(id, next.text);
    },
    [calling, text, id],
  );
  const endCall = useCallback(() => setCalling(null), []);

  function keys(event: KeyboardEvent) {
    if (calling && !event.nativeEvent.isComposing && mentionKeys.current?.press(event)) {
      event.preventDefault();
      // Nothing else that hears of keys has to do with it.
      event.stopPropagation();
      return;
    }
    if (event.key === "Escape" && (editing !== null || replying) && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onCancel();
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
    caret.current = selectionStart + emoji.length;
    write(text.slice(0, selectionStart) + emoji + text.slice(selectionEnd));
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
      {calling ? (
        <Suspense fallback={null}>
          <MentionList
            ref={mentionKeys}
            entry={entry}
            query={calling.query}
            onPick={call}
            onClose={endCall}
            onActive={setActiveOption}
          />
        </Suspense>
      ) : null}
      <Suspense fallback={null}>{editing === null ? null : <EditBar onCancel={onCancel} />}</Suspense>
      <Suspense fallback={null}>{replying ? <ReplyBar to={replying} onCancel={onCancel} /> : null}</Suspense>
      <Suspense fallback={null}>
        {files.length > 0 ? <TrayBar tray={outgoing.tray} picked={files} waits={waits} /> : null}
      </Suspense>
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
        {editing === null ? <AttachButton onFiles={onFiles} /> : null}
        <textarea
          ref={field}
          data-composer
          data-testid={testids.composerText}
          rows={1}
          value={text}
          aria-label={t("write")}
          aria-invalid={tooLong || undefined}
          aria-describedby={
            bytes >= tellFromBytes
              ? "composer-room"
              : editing !== null
                ? "composer-edits"
                : replying
                  ? "composer-replies"
                  : undefined
          }
          aria-autocomplete={entry.kind === "direct" ? undefined : "list"}
          aria-controls={activeOption ? mentionListId : undefined}
          aria-activedescendant={activeOption ?? undefined}
          placeholder={t("writeTo", { name })}
          enterKeyHint="send"
          onChange={(event) => {
            write(event.target.value);
            lookForCall();
          }}
          onSelect={lookForCall}
          onPaste={(event) => {
            const pasted = filesOf(event.clipboardData);
            if (editing !== null || !areFilesMeant(event.clipboardData.getData("text/plain"), pasted)) return;
            event.preventDefault();
            onFiles(pasted);
          }}
          onKeyDown={keys}
          onBlur={() => {
            onTyping(false);
            setCalling(null);
          }}
          className="grow-with-text max-h-44 min-h-9 min-w-0 flex-1 resize-none bg-transparent px-1 py-[0.4375rem] outline-none pointer-coarse:min-h-11 pointer-coarse:py-2.5"
        />
        <button
          type="submit"
          aria-label={t(editing === null ? "send" : "saveEdit")}
          title={t(editing === null ? "send" : "saveEdit")}
          aria-busy={busy || waits || undefined}
          data-testid={testids.composerSend}
          disabled={stopped}
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
