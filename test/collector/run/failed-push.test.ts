/** The last push of a client that pushes by itself, for the result of a run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failedPush } from '../../../src/collector/run/silent-clients.ts';
import type { Client } from '../../../src/config/config.ts';
import type { ClientFacts } from '../../../src/storage/store/storage.ts';
import { runStart } from '../../storage/support/samples.ts';

const client = { name: 'laptop', address: '192.0.2.7' } as Partial<Client> as Client;
const start = runStart({ id: 'run-1', startedAtMs: 5000 });
const lastVisitAtMs = Date.UTC(2026, 0, 2);

for (const [what, facts] of [
  ['that was never seen', undefined],
  ['whose last push was well', { failedCode: null, lastVisitAtMs }],
  ['that is silent no longer', { failedCode: 'push-silent', lastVisitAtMs }],
  ['whose last push has no time', { failedCode: 'agent-output', lastVisitAtMs: null }],
] as const) {
  test(`a client ${what} has not failed`, () => {
    assert.equal(failedPush(client, start, facts as ClientFacts | undefined), null);
  });
}

test('a push that failed is a failed visit of this run, without time and bytes, by its code', () => {
  const facts = { failedCode: 'agent-output', lastVisitAtMs } as Partial<ClientFacts> as ClientFacts;
  assert.deepEqual(failedPush(client, start, facts), {
    ...{ runId: 'run-1', client: 'laptop', address: '192.0.2.7', startedAtMs: 5000, durationMs: 0, ok: false },
    ...{ stage: 'report', code: 'agent-output', connectMs: null, bytesIn: 0, bytesOut: 0, uploaded: false },
    ...{ reader: null, bootId: null, nextAttemptAtMs: null },
    message: 'the last push of laptop, of 2026-01-02T00:00:00.000Z, failed',
  });
});
