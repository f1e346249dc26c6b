import fc from 'fast-check';

import { oneLine } from '../../../src/text/plain-text.ts';

/** Text of a client: any, of the markup of all vendors, and of characters of several code points. */
export const clientText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom(
        '@everyone ',
        '<!here>',
        '<b>x</b>',
        '[x](https://evil.example)',
        '/start',
        '*_~`|#',
        '&lt;',
        '"\\',
      ),
      fc.constantFrom(
        '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
        '\u{1f1e9}\u{1f1ea}',
        'e\u0301',
        '日本',
        '%41&token=x',
      ),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((parts) => oneLine(parts.join('')));
