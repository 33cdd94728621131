import { Secret } from "../../base/secret.js";

/** Whether a peer's node may have this name; undefined: it gives none. */
export type AllowsName = (name: string | undefined) => boolean;

/** Parts of a certificate's subject, such as `CN` → `pool-a`; all of them must be in it. */
type Subject = Readonly<Record<string, string>>;

/** A peer with this token or certificate may use these names of nodes. */
export type AccessRule = { readonly nodes: readonly string[] } & (
  | { readonly token: string }
  | { readonly subject: Subject }
);

/** Which peers a listening link accepts. `anyone`: every peer, with a certificate if one is asked for, as any node. */
export type Access = "anyone" | readonly AccessRule[];

/** The credentials that a peer has shown. */
export interface Shown {
  readonly token?: string | undefined;
  /** The subject of a certificate that our authority has signed; one name may have several values. */
  readonly subject?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
}

/** The names that a peer may use with its credentials, absent: any; or why it is not accepted. */
export type Admission = { readonly allows?: AllowsName } | { readonly refused: "token" | "certificate" };

/**
 * Finds the rules that a peer matches: it may use the names of all of them. A wrong token is refused, whatever else is shown.
 */
export function admit(access: Access, shown: Shown): Admission {
  if (access === "anyone") return {};
  const byToken = access.filter((rule) => "token" in rule);
  const bySubject = access.filter((rule) => "subject" in rule);
  // Every token is compared, so that the time does not reveal which one was nearly right.
  const tokens = byToken.filter(({ token }) => new Secret(token).isSame(shown.token ?? ""));
  if (byToken.length > 0 && shown.token !== undefined && tokens.length === 0) return { refused: "token" };
  const subjects = bySubject.filter(({ subject }) => isWithin(subject, shown.subject ?? {}));
  const met = [...tokens, ...subjects];
  if (met.length === 0) return { refused: byToken.length > 0 ? "token" : "certificate" };
  return { allows: allowing(met.flatMap(({ nodes }) => nodes)) };
}

/**
 * Allows names that match one of the patterns as a whole; `*` matches any characters. The part after a name's last slash decides
 * on the node's directory, so it must match as well. Without a name only `*` matches.
 */
export function allowing(patterns: readonly string[]): AllowsName {
  const matches = (name: string) => patterns.some((pattern) => matchesWhole(pattern, name));
  return (name) => {
    if (name === undefined) return patterns.includes("*");
    return matches(name) && matches(name.slice(name.lastIndexOf("/") + 1));
  };
}

/** Linear in the name for each star: it uses the first place for each piece between stars, which is never worse. */
function matchesWhole(pattern: string, name: string): boolean {
  const [first, ...pieces] = pattern.split("*") as [string, ...string[]];
  if (pieces.length === 0) return name === pattern;
  const last = pieces.pop()!;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
}

function isWithin(wanted: Subject, subject: NonNullable<Shown["subject"]>): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const values = Object.hasOwn(subject, key) ? subject[key] : undefined;
    return typeof values === "string" ? values === value : (values?.includes(value) ?? false);
  });
}
