/**
 * Remembers the secrets that were sent at logins, and removes them from the output of machines: a machine that received
 * a password may repeat it.
 */

/** The forms of secrets by their first characters: a text is searched once, however many forms there are. */
const forms = new Map<string, string[]>();
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
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  // If quotes, backslashes and non-ASCII characters were escaped, the parts between them are unchanged.
  const plain = (secret.match(/[ !#-[\]-~]+/g) ?? []).filter(isTelling);
  for (const form of new Set([secret, ...plain, encodeURIComponent(secret), bytes.toString('hex'), base64])) {
    const start = form.slice(0, indexed);
    const others = forms.get(start);
    if (others === undefined) forms.set(start, [form]);
    else others.push(form);
  }
}

function isTelling(text: string): boolean {
  return text.length >= 16 || (text.length >= 6 && !/^[A-Za-z-]*$/.test(text));
}

/** Returns the text with `[secret]` in place of every revealed secret, also in base64, hexadecimal or URL form. */
export function withoutSecrets(text: string): string {
  if (forms.size === 0) return text;
  let safe = '';
  let kept = 0;
  for (let at = 0; at <= text.length - indexed;) {
    const found = forms.get(text.slice(at, at + indexed))?.filter((form) => text.startsWith(form, at)) ?? [];
    const length = Math.max(0, ...found.map((form) => form.length));
    if (length > 0) {
      safe += `${text.slice(kept, at)}[secret]`;
      kept = at + length;
    }
    at += Math.max(1, length);
  }
  return kept === 0 ? text : safe + text.slice(kept);
}
