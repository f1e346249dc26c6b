import { isUtf8 } from 'node:buffer';

import { maxCheckOutputBytes } from '../../src/report/checks.ts';

/**
 * A well-formed UTF-8 sequence (RFC 3629, 4) in a text with one character for each byte, or a byte outside of such a
 * sequence.
 */
const sequence =
  /[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|([^])/g;
/** Control characters except tab and line break, and format characters. */
const unprintable = /[^\t\n -~\u00a0-\uffff]|[\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * Returns the text of the first bytes of output, by default of 4 KiB. The text is never longer than these bytes.
 * Removes null bytes, carriage returns and the line breaks at the end. Replaces bytes that are not UTF-8, control
 * characters and format characters by `?`.
 */
export function outputText(output: Buffer, limit = maxCheckOutputBytes): string {
  const bytes = output
    .subarray(0, limit)
    .toString('latin1')
    .replace(/[\0\r]/g, '');
  const sound = isUtf8(Buffer.from(bytes, 'latin1'))
    ? bytes
    : bytes.replace(sequence, (found, bad?: string) => (bad === undefined ? found : '?'));
  return Buffer.from(sound, 'latin1').toString().replace(unprintable, '?').replace(/\n+$/, '');
}
