/**
 * Remembers the secrets that were sent at logins, and removes them from what machines say: a machine that was sent a
 * password may repeat it.
 */

/**
 * The first characters of each form -> the forms that begin so: a text is looked through once, however many there are.
 */
const forms = new Map<string, string[]>();
const remembered = new Set<string>();
const indexed = 4;

/**
 * Remembers a secret for `withoutSecrets`. One that may be a name of something (short, or letters and hyphens alone) is
 * not: taking it out of every sentence would tell it.
 */
export function rememberSecret(secret: string): void {
  if (remembered.has(secret)) return;
  remembered.add(secret);
  if (!isTelling(secret)) return;
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  // Where quotes, backslashes and what is not ASCII were escaped, the rest is as it was.
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

/** The text with `[secret]` in the place of every secret that was revealed, also in base64, hexadecimal or URL form. */
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
