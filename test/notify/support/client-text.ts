import fc from 'fast-check';

import { oneLine } from '../../../src/text/plain-text.ts';

/** Text as a client sends it: any, of the markup of all readers, with characters that control them. */
export const rawText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom(
        ...['@everyone ', '<!here>', '<!channel>', '<at>Kim</at>', '<b>x</b>', '"><script>alert(1)</script>', '&lt;'],
        ...['[x](https://evil.example)', '/start', '*_~`|#', '{{DATE(1)}}', '$(x)`x`', '"\\', '%41&token=x'],
      ),
      fc.constantFrom(
        '\r\nBcc: x@evil.example\r\n\r\n.\r\n',
        '\r\nX-Priority: 1',
        '=?utf-8?q?Bcc:_x?=',
        '\n\n@channel',
      ),
      fc.constantFrom('\u001b[2J\u0007', '\u009b31m', '\u202egnp.exe', '\u2066\u200f', '\u2028', '\ud800', '\u0000'),
      fc.constantFrom('\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', '\u{1f1e9}\u{1f1ea}', 'e\u0301', '日本', 'שרת'),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((parts) => parts.join(''));

/** Text of a client as notifications have it: one line, without characters that control its reader. */
export const clientText = rawText.map(oneLine);
