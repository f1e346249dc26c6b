// XML 1.0, 2.2: no control characters but tab and line breaks, no lone surrogates, no FFFE and FFFF.
export const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

const reference = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g;
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Returns what is wrong with the text between the quotes of an attribute, to follow the attribute's name, or null. */
export function valueFault(raw: string): string | null {
  if (raw.includes('<')) return 'a < in the value; write &lt;';
  return raw.includes('&') && !onlyKnownReferences(raw) ? 'a & that begins no known entity; write &amp;' : null;
}

/** Returns the value of an attribute (XML 1.0, 3.3.3): line breaks and tabs are spaces, references are replaced. */
export function attributeValue(raw: string): string {
  if (!/[&\t\n\r]/.test(raw)) return raw;
  return raw
    .replace(/\r\n?|[\t\n]/g, ' ')
    .replace(reference, (_, name: string | undefined, decimal: string | undefined, hex: string | undefined) =>
      name === undefined ? String.fromCodePoint(codePoint(decimal, hex)) : (named[name] ?? ''),
    );
}

function onlyKnownReferences(raw: string): boolean {
  for (const [, name, decimal, hex] of raw.matchAll(reference)) {
    const code = name === undefined ? codePoint(decimal, hex) : 0x20;
    if (code > 0x10_ffff || String.fromCodePoint(code).search(forbidden) >= 0) return false;
  }
  return !raw.replace(reference, '').includes('&');
}

function codePoint(decimal: string | undefined, hex: string | undefined): number {
  return decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
}
