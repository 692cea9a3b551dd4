import { TIMES } from "../limits.js";

/** How long to wait after a connection ended with this code, the `attempt`th time in a row (from 0), ms. */
export function backoffMs(code: number, attempt: number, random: () => number): number {
  const grown = Math.min(TIMES.backoffMaxMs, TIMES.backoffMinMs * 2 ** Math.min(attempt, 16));
  switch (code) {
    // Frames were lost: at once, but not all clients in the same instant.
    case 1012:
      return random() * (attempt === 0 ? 200 : grown);
    // A fault of the server, or it is full: nobody is helped by haste.
    case 1011:
    case 1013:
      return Math.min(TIMES.backoffMaxMs, 1000 + grown) * (0.5 + random() / 2);
    // Something that trying again soon will not mend.
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
      return TIMES.backoffMaxMs * (0.5 + random() / 2);
    default:
      return random() * grown;
  }
}
