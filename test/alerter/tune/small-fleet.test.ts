// Second tier: a fleet with weeks of rows.
import { test } from 'node:test';

import { quiets } from './support/check-fleet.ts';

test('edits quiet the noise of a small planted fleet', (t) =>
  quiets(t, {
    seed: 27,
    days: { read: 2, all: 2 },
    often: 14,
    elements: [
      '<alerts zone="UTC"><mail to="ops@example.org"/></alerts>',
      '<client name="web-1" ip="192.0.2.1" username="u"><alert type="memory" limit="90%"/></client>',
    ],
  }));
