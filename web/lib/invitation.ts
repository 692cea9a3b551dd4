/** The token of a link that somebody came by, until it is used or put away. It is kept while this window lives: a log-in may lie between. */
const key = "oort.invitation";
let fallback: string | null = null;

export const invitation = {
  get(): string | null {
    try {
      return sessionStorage.getItem(key) ?? fallback;
    } catch {
      return fallback;
    }
  },
  keep(token: string | null): void {
    fallback = token;
    try {
      if (token === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, token);
    } catch {
      // Storage is forbidden: it is kept as long as the page is.
    }
  },
};

/** Where whoever has the token can join. It stands after #, which browsers tell no server and no other page. */
export function invitationAddress(origin: string, token: string): string {
  return `${origin}/join/#${encodeURIComponent(token)}`;
}

/** The token of such an address. */
export function invitationOf(hash: string): string | null {
  try {
    const token = decodeURIComponent(hash.replace(/^#/u, ""));
    return /^[\w-]{8,256}$/u.test(token) ? token : null;
  } catch {
    return null;
  }
}
