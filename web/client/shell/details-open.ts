import { saved } from "@/lib/saved";

/** Whether the third column is wanted where there is room for it. */
export const detailsOpen = saved<boolean>("oort.details", (stored) => stored !== false);
