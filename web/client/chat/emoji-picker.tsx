"use client";

import * as Popover from "@radix-ui/react-popover";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";

const groups = {
  faces:
    "😀 😃 😄 😁 😆 😅 😂 🤣 🙂 😉 😊 😇 🥰 😍 🤩 😘 😋 😜 🤪 🤗 🤔 🤨 😐 😑 🙄 😏 😬 😌 😔 😴 😷 🤒 🥵 🥶 😵 🤯 😎 🤓 🧐 😕 😟 😮 😳 🥺 😢 😭 😱 😤 😡 🤬 💀 🤡 👻 🤖",
  hands: "👍 👎 👌 🤌 ✌️ 🤞 🤙 👈 👉 👆 👇 👋 🤚 ✋ 👏 🙌 🤝 🙏 💪 👀 🧠 🙋 🤷 🤦 💁 🙇",
  hearts: "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 ❣️ 💯 💥 ✨ ⭐ 🔥 🎉 🎊 🎁 🏆 🥇",
  things:
    "☕ 🍵 🍰 🍺 🍜 🍚 🥟 🍎 🌱 🌸 🌧️ ☀️ 🌙 ☄️ 🪐 🚀 ✈️ 🚲 🏠 💻 📱 📎 📌 📅 ✏️ 🔒 🔑 🔧 🐛 🐢 🐱 🐶 ✅ ❌ ❓ ❗ ⚠️ ➕ ⏰ 🎵",
} as const;

const columns = 8;

interface EmojiPickerProps {
  trigger: ReactNode;
  onPick: (emoji: string) => void;
}

/** The emoji people use most; the system's own picker has the rest. Arrows move, Enter picks. */
export default function EmojiPicker({ trigger, onPick }: EmojiPickerProps) {
  const t = useTranslations("emoji");
  const [open, setOpen] = useState(true);

  function keys(event: KeyboardEvent<HTMLElement>) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = Array.from(event.currentTarget.querySelectorAll<HTMLElement>("[data-emoji]"));
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
  }

  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="start"
          sideOffset={10}
          collisionPadding={8}
          aria-label={t("label")}
          onKeyDown={keys}
          onCloseAutoFocus={(event) => event.preventDefault()}
          className="z-40 max-h-72 w-80 max-w-[calc(100vw-1rem)] animate-appear overflow-y-auto overscroll-contain rounded-2xl border border-line bg-raised p-2 shadow-pop"
        >
          {Object.entries(groups).map(([group, emoji]) => (
            <section key={group} aria-label={t(group as keyof typeof groups)}>
              <h3 className="px-1 pt-1 pb-0.5 font-medium text-muted text-xs">{t(group as keyof typeof groups)}</h3>
              <div className="grid grid-cols-8">
                {emoji.split(" ").map((each) => (
                  <button
                    key={each}
                    type="button"
                    data-emoji
                    data-testid={testids.emojiItem}
                    onClick={() => {
                      onPick(each);
                      setOpen(false);
                    }}
                    className="flex aspect-square items-center justify-center rounded-lg font-emoji text-xl hover:bg-hover focus-visible:-outline-offset-2"
                  >
                    {each}
                  </button>
                ))}
              </div>
            </section>
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
