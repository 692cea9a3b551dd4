"use client";

import { useTranslations } from "use-intl";
import { useRefusalText } from "@/client/refusal";
import { cx } from "@/parts/cx";
import { Notice } from "@/parts/notice";
import { admin } from "./api";
import { Card } from "./card";
import { count, span } from "./figures";
import { usePolled } from "./polling";
import { adminTestids } from "./testids";

const EVERY_MS = 2000;
/** What is told is taken within a call; what waits for longer waits for the receiver. */
const OLD_MS = 10_000;

const BEFORE = ["allowed", "replaced", "refused", "passedUnasked", "refusedUnasked"] as const;
const AFTER = ["told", "dropped", "conversations"] as const;

/** Servers of the operator's that are asked before a message is stored and told after it was. */
export function Hooks() {
  const t = useTranslations("admin.hooks");
  const refusalText = useRefusalText();
  const { value, error } = usePolled(admin.hooks, EVERY_MS);
  const { before, after } = value ?? {};
  const isOld = (after?.oldestMs ?? 0) > OLD_MS;
  return (
    <Card title={t("title")}>
      <Notice>{error && refusalText(error)}</Notice>
      {value && !before && !after ? <p className="text-muted text-sm">{t("none")}</p> : null}
      {before || after ? <p className="text-muted text-sm">{t("ofNode")}</p> : null}
      {before ? (
        <section aria-label={t("before")} data-testid={adminTestids.hookBefore} className="flex flex-col gap-2">
          <h3 className="font-semibold">{t("before")}</h3>
          <dl className="flex flex-wrap gap-x-10 gap-y-3">
            {BEFORE.map((name) => (
              <Figure key={name} label={t(name)} text={count(before[name])} />
            ))}
          </dl>
          <p className="text-muted text-sm">{t(before.onFailure)}</p>
        </section>
      ) : null}
      {after ? (
        <section aria-label={t("after")} data-testid={adminTestids.hookAfter} className="flex flex-col gap-2">
          <h3 className="font-semibold">{t("after")}</h3>
          <dl className="flex flex-wrap gap-x-10 gap-y-3">
            {AFTER.map((name) => (
              <Figure key={name} label={t(name)} text={count(after[name])} />
            ))}
            <Figure label={t("oldest")} text={span(after.oldestMs)} isOld={isOld} />
          </dl>
          {isOld ? <p className="text-sm text-warn">{t("isOld")}</p> : null}
        </section>
      ) : null}
    </Card>
  );
}

function Figure({ label, text, isOld = false }: { label: string; text: string; isOld?: boolean }) {
  return (
    <div>
      <dt className="text-muted text-sm">{label}</dt>
      <dd className={cx("font-semibold text-xl tabular-nums", isOld && "text-warn")}>{text}</dd>
    </div>
  );
}
