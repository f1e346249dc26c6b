import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Context } from '../../../src/cli/command/context.ts';
import { repeatEvery, repeatRuns } from '../../../src/cli/runs/repeat-runs.ts';
import { FleetError, usageError } from '../../../src/platform/errors/errors.ts';
import { recordedOutput } from '../support/recorded-output.ts';

type Pass = (count: number, signal: AbortSignal, end: () => void) => Promise<0 | 1>;

/** Repeats passes every millisecond. Each gets its number, its signal, and a function that ends the program. */
async function repeated(pass: Pass, limitMs = 60_000) {
  const { output, stderr } = recordedOutput();
  const ending = new AbortController();
  const context: Context = { output, configFile: null, signal: ending.signal };
  let count = 0;
  const status = await repeatEvery(context, { everyMs: 1, limitMs }, ({ signal }) =>
    pass((count += 1), signal, () => ending.abort()),
  );
  return { status, stderr, count };
}

const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'connect ECONNREFUSED' });

test('one bad pass does not end it, a signal does, with 0', async () => {
  const { status, stderr, count } = await repeated(async (number, _, end) => {
    if (number === 2) throw away;
    if (number === 3) throw usageError('config.xml is broken by now');
    if (number === 5) end();
    return Promise.resolve(number === 4 ? 1 : 0);
  });
  assert.deepEqual([status, count, stderr.length], [0, 5, 2], stderr.join('\n'));
  assert.match(stderr[0] ?? '', /ECONNREFUSED \(storage-unavailable\)/);
});

test('a signal during a pass interrupts it and ends the program without a complaint', async () => {
  const { status, stderr, count } = await repeated((_, signal, end) => {
    end();
    return Promise.reject(signal.aborted ? (signal.reason as Error) : new Error('the pass was not interrupted'));
  });
  assert.deepEqual([status, count, stderr], [0, 1, []]);
});

test('a wrong command line or config.xml at the start ends it, and so does an interval that is none', async () => {
  await assert.rejects(
    repeated(() => Promise.reject(usageError('no such client'))),
    { code: 'usage' },
  );
  const { output } = recordedOutput();
  const context: Context = { output, configFile: null, signal: new AbortController().signal };
  for (const every of ['5 minutes', '1s', '2d']) {
    await assert.rejects(
      repeatRuns(context, every, () => Promise.resolve(0)),
      /give a duration from 10s to 1d/,
    );
  }
});

test('a pass that takes too long is interrupted, and the next one is made', async () => {
  const { stderr, count } = await repeated(async (number, signal, end) => {
    if (number === 2) end();
    else
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    return 0;
  }, 20);
  assert.equal(count, 2);
  assert.match(stderr[0] ?? '', /not done within 20 ms/);
});

test('a pass that does not end after that ends the program', async () => {
  await assert.rejects(
    repeated(() => new Promise<0>(() => undefined), 20),
    { code: 'interrupted' },
  );
});
