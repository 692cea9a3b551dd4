"use client";

import { Download, KeyRound, Moon, Trash2 } from "lucide-react";
import { Suspense, useState } from "react";
import { useTranslations } from "use-intl";
import { testids } from "@/lib/testids";
import { Button } from "@/parts/button";
import { lazyWindow } from "../lazy-part";
import { Row } from "./settings";

const PasswordDialog = lazyWindow(() => import("./password-dialog"));
const GoDialog = lazyWindow(() => import("./go-dialog"));

/** Password, data, and leaving. */
export function AccountRows() {
  const t = useTranslations("account");
  const [open, setOpen] = useState<"password" | "deactivate" | "delete" | null>(null);
  const [changed, setChanged] = useState(false);
  const close = () => setOpen(null);
  return (
    <>
      <Row label={t("password")} hint={t("passwordHint")}>
        <Button small data-testid={testids.changePassword} onClick={() => setOpen("password")}>
          <KeyRound aria-hidden="true" className="size-4" />
          {t("change")}
        </Button>
      </Row>
      <p role="status" className="text-ok text-sm empty:hidden" data-testid={testids.passwordChanged}>
        {changed ? t("changed") : null}
      </p>
      <Row label={t("export")} hint={t("exportHint")}>
        <a
          href="/api/me/export"
          download="oort.json"
          data-testid={testids.exportData}
          className="inline-flex h-8 shrink-0 items-center gap-2 rounded-lg border border-line px-3 font-medium text-sm hover:bg-hover"
        >
          <Download aria-hidden="true" className="size-4" />
          {t("download")}
        </a>
      </Row>
      <Row label={t("deactivate")} hint={t("deactivateHint")}>
        <Button small kind="danger" data-testid={testids.deactivate} onClick={() => setOpen("deactivate")}>
          <Moon aria-hidden="true" className="size-4" />
          {t("deactivate")}
        </Button>
      </Row>
      <Row label={t("delete")} hint={t("deleteHint")}>
        <Button small kind="danger" data-testid={testids.deleteAccount} onClick={() => setOpen("delete")}>
          <Trash2 aria-hidden="true" className="size-4" />
          {t("delete")}
        </Button>
      </Row>
      <Suspense fallback={null}>
        {open === "password" ? <PasswordDialog onClose={close} onChanged={() => setChanged(true)} /> : null}
        {open === "deactivate" || open === "delete" ? <GoDialog how={open} onClose={close} /> : null}
      </Suspense>
    </>
  );
}
