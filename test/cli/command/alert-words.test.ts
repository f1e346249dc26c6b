import assert from 'node:assert/strict';
import { test } from 'node:test';

import { heldBackText } from '../../../src/cli/command/alert-words.ts';
import { readerTime } from '../../../src/cli/terminal/reader-time.ts';

const time = readerTime({ alerts: { zone: 'UTC' } } as Parameters<typeof readerTime>[0], 0);
const until = { untilMs: Date.UTC(2026, 10, 20, 18) };

for (const [held, said] of [
  [[{ silence: 3, alerts: 2 }], 'silence 3 until 2026-11-20 18:00 holds back 2 alerts'],
  [[{ silence: null, alerts: 1 }], 'window until 2026-11-20 18:00 holds back 1 alert'],
  [[{ silence: 3, alerts: 0 }], 'silence 3 until 2026-11-20 18:00 holds back nothing'],
  [
    [
      { silence: 3, alerts: 0 },
      { silence: null, alerts: 0 },
    ],
    '2 silences and windows hold back nothing',
  ],
  [
    [
      { silence: 3, alerts: 0 },
      { silence: 4, alerts: 1 },
      { silence: 5, alerts: 0 },
    ],
    'silence 4 until 2026-11-20 18:00 holds back 1 alert, 2 others hold back nothing',
  ],
] as const) {
  test(said, () => {
    assert.equal(
      heldBackText(
        held.map((one) => ({ ...one, ...until })),
        time,
      ),
      said,
    );
  });
}
