import type admin from "../messages/admin/en.json";
import type en from "../messages/en.json";

declare module "use-intl" {
  interface AppConfig {
    Locale: "en" | "zh";
    /** Each page loads one of the two: the operator's has the second, and the refusals. */
    Messages: typeof en & typeof admin;
  }
}
