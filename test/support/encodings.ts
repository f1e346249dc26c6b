/** The encodings in which a machine may repeat a secret between other words. */
import assert from 'node:assert/strict';

type Encoding = (secret: string, before: string, after: string) => string;

const encodings: Readonly<Record<string, Encoding>> = {
  plain: (...words) => joined(words),
  'upper case': (...words) => joined(words).toUpperCase(),
  'lower case': (...words) => joined(words).toLowerCase(),
  base64: (...words) => base64(words),
  'base64 of URLs': (...words) => Buffer.from(joined(words)).toString('base64url'),
  'base64 in a URL': (...words) => encodeURIComponent(base64(words)),
  'base64 in JSON of PHP': (...words) => base64(words).replaceAll('/', String.raw`\/`),
  'base64 in capitals': (...words) => base64(words).toUpperCase(),
  'base64 in lines': (...words) => base64(words).replace(/.{20}/g, '$&\r\n'),
  hexadecimal: (...words) => bytes(words, ''),
  'hexadecimal in capitals': (...words) => bytes(words, '').toUpperCase(),
  'hexadecimal with colons': (...words) => bytes(words, ':').slice(1),
  'hexadecimal of C': (...words) => bytes(words, String.raw`\x`),
  'octal of C': (...words) => each(words, (one) => `\\${one.toString(8).padStart(3, '0')}`),
  'a list of bytes': (...words) => JSON.stringify([...Buffer.from(joined(words))]),
  URL: (...words) => encodeURIComponent(joined(words)),
  form: (...words) => new URLSearchParams([['a', joined(words)]]).toString(),
  '%xx': (...words) => bytes(words, '%'),
  '%XX': (...words) => bytes(words, '%').toUpperCase(),
  'some %xx': (...words) => joined(words).replace(/[a-f0-9%]/g, (one) => bytes([one], '%')),
  'quoted-printable': (...words) => bytes(words, '=').toUpperCase().replace(/.{15}/g, '$&=\r\n'),
  'JSON in ASCII': (...words) => joined(words).replace(/[^]/g, (one) => `\\u${codeOf(one).padStart(4, '0')}`),
  'HTML in hexadecimal': (...words) => joined(words).replace(/[^]/gu, (one) => `&#x${codeOf(one)};`),
  'HTML in decimal': (...words) => joined(words).replace(/[^]/gu, (one) => `&#${one.codePointAt(0)};`),
  HTML: (...words) => joined(words).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
  'UTF-16': (...words) => joined(words).replace(/[^]/g, '$&\0'),
  'letters apart': (...words) => joined(words).replace(/[^]/g, '$& '),
};
export const encodingNames = Object.keys(encodings);

/** Joins a secret and the words around it. */
function joined([secret, before, after]: readonly string[]): string {
  return `${before ?? ''}${secret ?? ''}${after ?? ''}`;
}

function base64(words: readonly string[]): string {
  return Buffer.from(joined(words)).toString('base64');
}

function bytes(words: readonly string[], prefix: string): string {
  return each(words, (one) => `${prefix}${one.toString(16).padStart(2, '0')}`);
}

function each(words: readonly string[], write: (byte: number) => string): string {
  return Array.from(Buffer.from(joined(words)), write).join('');
}

function codeOf(character: string): string {
  return character.codePointAt(0)?.toString(16) ?? '';
}

/** Encodes a secret with words before and after it. */
export function encoded(name: string, ...words: Parameters<Encoding>): string {
  return (encodings[name] ?? assert.fail(name))(...words);
}

/**
 * Fails if eight characters of an encoded secret in a row are shown, unless the words around it, encoded without it,
 * have the same eight.
 */
export function assertHidden(shown: string, alone: string, name: string, words = ''): void {
  assert.match(shown, /\[secret\]/, `${name}: ${shown}`);
  for (let at = 0; at + 8 <= alone.length; at += 1) {
    const eight = alone.slice(at, at + 8);
    assert.ok(!shown.includes(eight) || words.includes(eight), `${name}: ${shown}`);
  }
}
