import { isUtf8 } from 'node:buffer';
import { cutBefore } from './cut-before.ts';

/** Line breaks of every kind, tabs and runs of spaces. */
const spaces = /[\s\u0085]+/gu;
/**
 * Control characters, lone surrogates, code points that are no characters, and format characters: overrides and marks
 * of direction, invisible spaces, tags. Not matched are the joiners, without which Persian, Hindi and many emoji break
 * apart, and the signs that Arabic and Syriac write around numbers.
 */
const harmful = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]|(?![\u0600-\u0605\u06dd\u070f\u200c\u200d])\p{Cf}/gu;
const joinersInARow = /([\u200c\u200d])[\u200c\u200d]+/gu;
const marksInARow = /(\p{M}{4})\p{M}+/gu;
const rightToLeft =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

const maxCharacters = 2000;

/** Formats a file and a line for people: `config.xml:12`. `null`: the file alone. */
export function placeInFile(file: string, line: number | null): string {
  return line === null ? file : `${file}:${line}`;
}

/** Removes full stops and blanks at the end of a message, which becomes a part of a sentence. */
export function withoutStop(message: string): string {
  // A search from the end stays linear where a message has many blanks.
  let end = message.length;
  while (end > 0 && /[.\s]/.test(message.charAt(end - 1))) end -= 1;
  return message.slice(0, end);
}

/** Returns `SUBJECT: MESSAGE`, or the message alone if it begins with the subject. */
export function withSubject(subject: string, message: string): string {
  return beginsWithName(message, subject) ? message : `${subject}: ${message}`;
}

/** True if a text begins with a name, and not with a longer word. */
export function beginsWithName(text: string, name: string): boolean {
  return text.startsWith(name) && !/^[\w-]/.test(text.slice(name.length));
}

/**
 * Returns text from outside as one line that is safe in a mail: without line breaks and without characters that change
 * the order of the text around it. A removed character leaves a visible U+FFFD. Cuts the line at 2,000 code units.
 */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 2 * maxCharacters)
    .replace(spaces, ' ')
    .replace(harmful, '\ufffd')
    .replace(joinersInARow, '$1')
    .replace(marksInARow, '$1')
    .trim();
  if (line.length <= maxCharacters) return line;
  return `${cutBefore(line, maxCharacters - 1)}…`;
}

/**
 * Returns `oneLine` of the text for use within a sentence. Isolates text written from right to left (U+2068, U+2069),
 * so that numbers and punctuation beside it keep their place.
 */
export function quoted(text: string): string {
  const line = oneLine(text);
  return hasRightToLeft(line) ? `\u2068${line}\u2069` : line;
}

/** True if a part of the text is written from right to left. */
export function hasRightToLeft(text: string): boolean {
  return rightToLeft.test(text);
}

/** The least bytes of a text that somebody cut. A shorter one ends as its author ended it. */
const minCutBytes = 1024;

/** The characters of Windows-1252 from 0x80 to 0x9f. TextDecoder of Node 20 reads them as Latin-1. */
const windowsSigns = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/**
 * Decodes the bytes of a file or a body of somebody else, whatever its program chose: UTF-8 or UTF-16 with a byte order
 * mark, which is no part of the text, UTF-8 without one, and anything else as Windows-1252.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (isUtf8(bytes) || endsWithin(bytes)) return new TextDecoder().decode(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return text.replace(/[\x80-\x9f]/g, (sign) => windowsSigns.charAt(sign.charCodeAt(0) - 0x80));
}

/** True if a text is UTF-8 but for the beginning of a character at its end, where somebody cut it. */
function endsWithin(bytes: Uint8Array): boolean {
  if (bytes.length < minCutBytes) return false;
  return [1, 2, 3].some((cut) => {
    const lead = bytes[bytes.length - cut] ?? 0;
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    return length > cut && isUtf8(bytes.subarray(0, bytes.length - cut));
  });
}

/**
 * Returns the value of a header as its sender wrote it. Node reads the bytes of headers as Latin-1 (RFC 9110, section
 * 5.5), and programs send UTF-8.
 */
export function headerText(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  return /[^\0-\xff]/.test(value) || !isUtf8(bytes) ? value : bytes.toString('utf8');
}
