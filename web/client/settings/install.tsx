"use client";

import { Download } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/parts/button";
import { Row, Section } from "./settings";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallPrompt | null = null;
const listeners = new Set<() => void>();
function tell(next: InstallPrompt | null): void {
  offer = next;
  for (const listener of listeners) listener();
}

if (typeof window !== "undefined") {
  // The browser offers it once, whenever it likes.
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    tell(event as InstallPrompt);
  });
  addEventListener("appinstalled", () => tell(null));
}

/** Shown where the browser can install the client as an application. */
export function InstallRow() {
  const t = useTranslations("settings");
  const prompt = useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => void listeners.delete(changed);
    },
    () => offer,
    () => null,
  );
  if (!prompt) return null;
  return (
    <Section icon={Download} title={t("install")}>
      <Row label={t("installHint")}>
        <Button
          small
          onClick={() => {
            void prompt.prompt();
            tell(null);
          }}
        >
          {t("install")}
        </Button>
      </Row>
    </Section>
  );
}
