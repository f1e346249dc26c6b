import assert from 'node:assert/strict';
import { test } from 'node:test';

import { notVisitedLines, type Skipped, skippedLog } from '../../../src/cli/runs/not-visited.ts';
import { createOutputLog } from '../../../src/cli/terminal/output.ts';
import { readerTime } from '../../../src/cli/terminal/reader-time.ts';
import type { Config } from '../../../src/config/config.ts';
import { recordedOutput } from '../support/recorded-output.ts';

const alerts = { zone: 'Asia/Kolkata' } as Config['alerts'];
const time = readerTime({ alerts }, Date.UTC(2026, 10, 20, 10));
const skip = (client: string, options: Partial<Skipped> = {}): Skipped => ({
  ...{ kind: 'skipped', client, reason: 'unreached', code: null, nextAttemptAtMs: null },
  ...options,
});
const refused = (client: string): Skipped =>
  skip(client, { reason: 'login_refused', code: 'auth-failed', nextAttemptAtMs: Date.UTC(2026, 10, 20, 10, 30) });
const many = (count: number): readonly Skipped[] => Array.from({ length: count }, (_, index) => skip(`c${index}`));

test('each reason is a line: how many, the first names, until when and what helps', () => {
  const behind = skip('db-2', { reason: 'login_refused', code: 'bastion-failed', nextAttemptAtMs: 0 });
  const lines = notVisitedLines(
    [refused('web-1'), refused("o'neill"), behind, skip('old', { reason: 'retired' }), ...many(10_000)],
    time,
  );
  assert.deepEqual(lines, [
    "2 not visited, left alone after a refused login: web-1 until 2026-11-20 16:00, o'neill until 2026-11-20 16:00; " +
      "fleet-health collect web-1 'o'\\''neill' tries now",
    '1 not visited, left alone after a refused login (bastion-failed): db-2 until 1970-01-01 05:30; ' +
      'fleet-health collect db-2 tries now',
    '1 not visited, retired in config.xml: old',
    '10000 not visited, as the run ended before their turn; the next one visits them: ' +
      'c0, c1, c2, c3, c4 and 9995 more',
  ]);
  assert.deepEqual(notVisitedLines([], time), []);
});

test('a hostile name is harmless in them', () => {
  const [line = ''] = notVisitedLines([refused('\u001b[2J\u202eweb')], time);
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
});

for (const [verbosity, events, last] of [
  ['normal', 21, /event=skipped reason=unreached clients_more=80$/],
  ['verbose', 101, /event=skipped client=old code=- next_attempt=- reason=retired$/],
  ['quiet', 0, /^$/],
] as const) {
  test(`a ${verbosity} log has ${events} lines of a hundred clients and a retired one`, () => {
    const { output, stdout } = recordedOutput({ verbosity });
    const skipped = skippedLog(createOutputLog(output), verbosity);
    for (const event of [...many(100), skip('old', { reason: 'retired' })]) skipped.log(event);
    skipped.end();
    assert.equal(stdout.length, events);
    assert.match(stdout.at(-1) ?? '', last);
  });
}
