/**
 * Remembers the secrets that were sent at logins, and removes them from the output of machines: a machine that received
 * a password may repeat it, also encoded.
 */
import { decodings, withoutGaps } from './decodings.ts';

/** Forms of secrets by their first characters: a text is searched once, however many forms there are. */
type Forms = Map<string, Set<string>>;

const forms: Forms = new Map();
/** Parts of secrets. If quotes, backslashes and non-ASCII characters were replaced, the parts between are unchanged. */
const parts: Forms = new Map();
const remembered = new Set<string>();
const indexed = 4;

/**
 * Remembers a secret for `withoutSecrets`. Ignores a secret that may be an ordinary name (short, or letters and hyphens
 * alone): removing it from every sentence would reveal it.
 */
export function rememberSecret(secret: string): void {
  if (remembered.has(secret)) return;
  remembered.add(secret);
  if (!isTelling(secret)) return;
  const bytes = Buffer.from(secret);
  for (const form of [secret, withoutGaps(secret), bytes.toString('hex'), ...base64Forms(bytes)]) add(forms, form);
  for (const part of secret.match(/[ !#-[\]-~]+/g) ?? []) if (isTelling(part)) add(parts, part.trim());
}

function add(all: Forms, text: string): void {
  const form = folded(text);
  const start = form.slice(0, indexed);
  if (start.length === indexed) all.set(start, (all.get(start) ?? new Set()).add(form));
}

function isTelling(text: string): boolean {
  return text.length >= 16 || (text.length >= 6 && !/^[A-Za-z-]*$/.test(text));
}

/** Returns the characters of base64 that the bytes alone determine, at each place in a text, in both alphabets. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const digits = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const form = digits.slice(before === 0 ? 0 : before + 1);
    // The last character depends on the bytes that follow.
    const inside = digits.length % 4 === 0 ? form : form.slice(0, -1);
    return [form, inside].flatMap((one) => [one, one.replaceAll('+', '-').replaceAll('/', '_')]);
  });
}

/** Returns the text in lower case, with as many characters as before. */
function folded(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return Array.from(text, (one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one)).join('');
}

const gap = '[secret]';
/** The longest beginning of a text that is decoded. `oneLine` shows less of it. */
const maxDecoded = 8_192;

/**
 * Returns the text with `[secret]` in place of every revealed secret, in any case, also in base64 and hexadecimal
 * digits. Puts it in place of each word that decodes to a secret in further ways, and of the whole text if several
 * words do together.
 */
export function withoutSecrets(text: string): string {
  if (forms.size === 0) return text;
  return without(parts, withoutEncoded(without(forms, text)));
}

function withoutEncoded(text: string): string {
  const start = text.slice(0, maxDecoded);
  if (!hidesSecret(start)) return text;
  const safe = start.replace(/\S+/g, (word) => (hidesSecret(word) ? gap : word));
  // Several words of the rest may be a secret together.
  return hidesSecret(safe) ? gap : safe;
}

/** True if something that the text decodes to has a secret. */
function hidesSecret(text: string): boolean {
  return decodings(text).some((decoded) => nextIn(forms, folded(decoded), 0) !== null);
}

function without(all: Forms, text: string): string {
  const searched = folded(text);
  let safe = '';
  let kept = 0;
  for (let found = nextIn(all, searched, 0); found !== null; found = nextIn(all, searched, kept)) {
    safe += `${text.slice(kept, found.at)}${gap}`;
    kept = found.end;
  }
  return kept === 0 ? text : safe + text.slice(kept);
}

/** Finds the first secret of a text in lower case, and the longest form of it there. */
function nextIn(all: Forms, text: string, from: number): { readonly at: number; readonly end: number } | null {
  for (let at = from; at <= text.length - indexed; at += 1) {
    const starting = all.get(text.slice(at, at + indexed));
    if (starting === undefined) continue;
    const lengths = [...starting].flatMap((form) => (text.startsWith(form, at) ? form.length : []));
    if (lengths.length > 0) return { at, end: at + lengths.reduce((one, other) => Math.max(one, other)) };
  }
  return null;
}
