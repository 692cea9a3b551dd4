import found from "../messages/compiled/features.json" with { type: "json" };

/** What the server can do that not every server can. What it cannot is not shown. */
export const features: Readonly<Record<keyof typeof found, boolean>> = found;
