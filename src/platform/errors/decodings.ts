/** The encodings in which programs repeat what they were sent, also one within another. */

/** The most decoded forms of a text that are tried. Ordinary text has none or one. */
const maxForms = 60;

/** Decodes one encoding wherever a text has it. Returns the text itself if it has none. */
type Decoder = (text: string) => readonly string[];

/**
 * Returns what a text decodes to, in one or several steps: URLs, forms, JSON, HTML, quoted-printable, base64, lists of
 * bytes in hexadecimal and decimal digits, and texts with gaps. Does not return the text itself.
 */
export function decodings(text: string): readonly string[] {
  const found = new Set([text]);
  for (const form of found) {
    for (const decoded of decoders.flatMap((decode) => decode(form))) {
      if (found.size > maxForms) return [...found].slice(1);
      found.add(decoded);
    }
  }
  return [...found].slice(1);
}

/** Returns the text without spaces, control characters and characters that nobody sees. */
export function withoutGaps(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}\p{M}]+/gu, '');
}

const entities: ReadonlyMap<string, string> = new Map(
  Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', sol: '/', colon: ':', plus: '+' }),
);

const decoders: readonly Decoder[] = [
  (text) => bytesOf(text, /(?:%[0-9a-f]{2})+/gi, (run) => run.replaceAll('%', '')),
  (text) => (/\+/.test(text) && /%[0-9a-f]{2}|^[^+ ]*\+[^ ]*$/i.test(text) ? [text.replaceAll('+', ' ')] : []),
  (text) => bytesOf(text, /(?:\\x[0-9a-f]{2}|\\[0-3][0-7]{2})+/gi, ofC),
  (text) => replaced(text, /\\u\{?([0-9a-f]{4,6})\}?|\\([\\/"'nrt])/gi, unescaped),
  (text) => replaced(text, /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,5}));?/gi, ofEntity),
  (text) =>
    bytesOf(text.replace(/=(?:[ \t]*\r?\n|(?==))/g, ''), /(?:=[0-9a-f]{2})+/gi, (run) => run.replaceAll('=', '')),
  (text) => [0, 1, 2, 3].flatMap((from) => runsOfBase64(text, from)),
  (text) => [0, 1].flatMap((from) => runsOfHexadecimal(text, from)),
  (text) => replaced(text, /(?:\d{1,3}[\s,;]{1,3}){3,}\d{1,3}/g, ofDecimals),
  (text) => replaced(text, /[\s\p{Cc}\p{Cf}\p{M}]+/gu, () => ''),
];

type Part = string | undefined;

function replaced(text: string, form: RegExp, decode: (whole: string, ...parts: readonly Part[]) => string) {
  const decoded = text.replace(form, (whole: string, ...parts: Part[]) => decode(whole, ...parts));
  return decoded === text ? [] : [decoded];
}

/** Replaces runs of bytes in hexadecimal digits by the text that they are in UTF-8. */
function bytesOf(text: string, form: RegExp, digitsOf: (run: string) => string): readonly string[] {
  return replaced(text, form, (run) => Buffer.from(digitsOf(run), 'hex').toString());
}

/** Returns the hexadecimal digits of bytes that are escaped as in C. */
function ofC(run: string): string {
  return run.replace(/\\x(..)|\\(...)/gi, (_, digits: Part, octal: Part) =>
    octal === undefined ? (digits ?? '') : Number.parseInt(octal, 8).toString(16).padStart(2, '0'),
  );
}

function unescaped(whole: string, code: Part, character: Part): string {
  if (code !== undefined) return ofCode(Number.parseInt(code, 16));
  const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
  return letters[character ?? ''] ?? character ?? whole;
}

function ofEntity(whole: string, hexadecimal: Part, decimal: Part, name: Part): string {
  if (name !== undefined) return entities.get(name.toLowerCase()) ?? whole;
  return ofCode(hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16));
}

/** Returns a character. Halves of a pair stay halves, and meet again in the decoded text. */
function ofCode(code: number): string {
  return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
}

/** Decodes runs of base64, from one of the four places in a group of digits on: a run may follow a word. */
function runsOfBase64(text: string, from: number): readonly string[] {
  return replaced(text, /(?:[\w+/-](?:\r?\n)?){8,}/g, (run) =>
    textOr(run, Buffer.from(run.replace(/[\r\n]+/g, '').slice(from), 'base64')),
  );
}

function runsOfHexadecimal(text: string, from: number): readonly string[] {
  return replaced(text, /(?:(?:0x)?[0-9a-f]{2}[\s:,-]{0,2}){4,}/gi, (run) =>
    textOr(run, Buffer.from(run.replace(/0x|[^0-9a-f]/gi, '').slice(from), 'hex')),
  );
}

/** Returns bytes as a text; the digits that they were decoded from, unless most of the bytes are text. */
function textOr(digits: string, bytes: Buffer): string {
  const decoded = bytes.toString();
  const strange = decoded.match(/\ufffd|(?![\s\0])\p{Cc}/gu) ?? [];
  return strange.length * 4 <= decoded.length ? decoded : digits;
}

function ofDecimals(run: string): string {
  const codes = run.split(/[\s,;]+/).map(Number);
  return codes.every((code) => code < 256) ? Buffer.from(codes).toString() : run;
}
