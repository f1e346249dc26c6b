/** The order, the repetitions and the end of sending the files of a site, over a link in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forward, type ForwardOptions, type WaitingFile } from '../../../src/collector/forward/forward.ts';
import type { PutAnswer, SiteLink } from '../../../src/collector/forward/site-link.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { times } from '../../support/times.ts';

/** The answer to a file: one of the other collector, or an error of the link. */
type Said = PutAnswer | Error;
const taken: PutAnswer = { kind: 'taken' };
const refused: PutAnswer = { kind: 'refused' };
const lost = new FleetError({ code: 'connect-failed', stage: 'connect', message: 'no route' });
const noTime = new FleetError({ code: 'push-failed', stage: 'run', message: 'answered 503' });
const busy: PutAnswer = { kind: 'busy', fault: noTime };

/** Sends files, named `client/name`; without a client a record, and with a `!` one that cannot be read. */
async function send(
  names: readonly string[],
  answerOf: (name: string, at: number, leftMs: number) => Said | Promise<Said>,
  more: Partial<ForwardOptions> = {},
) {
  const [sent, removed, unreadable]: [string[], string[], string[]] = [[], [], []];
  const files = names.map((name): WaitingFile => {
    const [folder = ''] = name.split('/');
    return {
      ...{ folder, name, client: folder === '' ? null : folder },
      read: () => (name.endsWith('!') ? assert.fail('damaged') : Buffer.from(name)),
      remove: () => void removed.push(name),
      onUnreadable: () => void unreadable.push(name),
    };
  });
  const put: SiteLink['put'] = async ({ name, body }, _signal, leftMs = -1) => {
    assert.equal(body.toString(), name);
    sent.push(name);
    const said = await answerOf(name, sent.length, leftMs);
    if (said instanceof Error) throw said;
    return said;
  };
  const { signal } = new AbortController();
  const link = { url: 'http://hq', put, close: () => undefined };
  const sum = await forward({ link, files, endsAt: performance.now() + 60_000, signal, ...more });
  return { sum, sent, removed, unreadable };
}
const whole = { reports: 0, documents: 0, left: 0, refused: [], fault: null };

test('what is acknowledged is counted and removed; what cannot be read is moved away, and does not wait', async () => {
  const names = ['a/1', '/run', 'b/1!', '/run2!', 'a/2'];
  const { sum, sent, removed, unreadable } = await send(names, () => taken);
  assert.deepEqual(sum, { ...whole, reports: 2, documents: 1 });
  assert.deepEqual([sent, removed, unreadable], [['a/1', '/run', 'a/2'], sent, ['b/1!', '/run2!']]);
  assert.deepEqual((await send([], () => taken)).sum, whole);
});

test('after a refusal no other file of that folder is sent, and only clients are named', async () => {
  const names = ['b/1', '/run', 'b/2', '/run2', 'a/1'];
  const { sum, sent, removed } = await send(names, (name) => (name === 'a/1' ? taken : refused));
  assert.deepEqual(sum, { ...whole, reports: 1, left: 2, refused: ['b'] });
  assert.deepEqual([sent, removed], [['b/1', '/run', 'a/1'], ['a/1']]);
});

test('eight refusals are a fault of the other collector if it acknowledges nothing, and otherwise none', async () => {
  const strangers = times(12, (at) => `x${at}/1`);
  const none = await send(strangers, () => refused);
  assert.deepEqual([none.sent.length, none.sum.left, none.sum.refused.length], [8, 12, 8]);
  const { code, stage, message, advice } = none.sum.fault ?? {};
  assert.deepEqual([code, stage, message], ['push-failed', 'run', 'http://hq acknowledged nothing']);
  assert.match(advice ?? '', /^Look at push-refused in the log of `fleet-health serve` there, and at the disk/);
  const one = await send(['a/1', ...strangers], (name) => (name === 'a/1' ? taken : refused));
  assert.deepEqual([one.sent.length, one.sum.fault, one.sum.refused.length], [13, null, 12]);
});

test('files go singly until one is acknowledged, and then eight at a time', async () => {
  let open = 0;
  const most: number[] = [];
  const names = times(20, (at) => `${at}/1`);
  await send(names, async (_name, at) => {
    open += 1;
    most[at] = open;
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return at < 3 ? refused : taken;
  });
  assert.deepEqual(most.slice(1, 4), [1, 1, 1]);
  assert.equal(Math.max(...most.slice(4)), 8);
});

test('a link without an answer is tried with two files, whose fault is told as it is', async () => {
  const names = times(5, (at) => `${at}/1`);
  const { sum, sent } = await send(names, () => lost);
  assert.deepEqual([sum, sent], [{ ...whole, left: 5, fault: lost }, ['0/1', '1/1']]);
  const { sum: strange } = await send(names, () => new Error('a fault of node'));
  assert.deepEqual(
    [strange.fault?.code, strange.fault?.stage, strange.fault?.message],
    ['push-failed', 'run', 'a fault of node'],
  );
});

test('failures count in a row: after an acknowledgement between them sending goes on', async () => {
  let last = Promise.resolve();
  const { sum } = await send(
    times(40, (at) => `${at}/1`),
    async (name) => {
      // Answers come singly, so that other files get across between two that do not.
      const before = last;
      let end = (): void => undefined;
      last = new Promise((resolve) => (end = resolve));
      await before;
      setImmediate(end);
      return name.endsWith('9/1') ? lost : taken;
    },
  );
  assert.deepEqual([sum.reports, sum.left], [36, 4]);
});

test('a report that did not get across where others did is named with its client; a record is not', async () => {
  const { sum, sent, removed } = await send(['a/1', 'b/1'], (name) => (name === 'b/1' ? lost : taken));
  assert.deepEqual([sent, removed, sum.left], [['a/1', 'b/1', 'b/1'], ['a/1'], 1], 'the connection is made anew once');
  const { code, stage, message, advice } = sum.fault ?? {};
  assert.deepEqual([code, stage], ['connect-failed', 'connect']);
  assert.equal(message, 'a report of b did not get across, and others did: no route');
  assert.match(advice ?? '', /^The link is too slow for it, or a proxy cuts it off\. The next run sends it again/);
  const record = await send(['a/1', '/run'], (name) => (name === '/run' ? lost : taken));
  assert.deepEqual(record.sum, { ...whole, reports: 1, fault: lost });
});

test('a kept connection that broke is made anew, and the file gets across', async () => {
  const { sum, sent } = await send(['a/1', 'b/1'], (_name, at) => (at === 2 ? lost : taken));
  assert.deepEqual([sum, sent], [{ ...whole, reports: 2 }, ['a/1', 'b/1', 'b/1']]);
});

test('a collector that is busy until the time is over is a fault, and is not asked again', async () => {
  const { sum, sent } = await send(['a/1'], () => busy, { endsAt: performance.now() + 1900 });
  assert.deepEqual([sent.length, sum.left, sum.fault], [1, 1, noTime]);
});

test('no file is sent when the time is over or the run ends, and neither is a fault', async () => {
  const late = await send(['a/1', '/run'], () => taken, { endsAt: performance.now() });
  assert.deepEqual([late.sum, late.sent], [{ ...whole, left: 1 }, []]);
  const ended = await send(['a/1'], () => taken, { signal: AbortSignal.abort() });
  assert.deepEqual([ended.sum, ended.sent], [{ ...whole, left: 1 }, []]);
  const controller = new AbortController();
  const during = await send(
    ['a/1', 'b/1'],
    () => {
      controller.abort();
      return lost;
    },
    { signal: controller.signal },
  );
  assert.deepEqual([during.sum, during.sent], [{ ...whole, left: 2 }, ['a/1']]);
});

test('each file is told how much time is left', async () => {
  const lefts: number[] = [];
  const endsAt = performance.now() + 30_000;
  await send(['a/1', 'b/1'], (_name, _at, leftMs) => (lefts.push(leftMs), taken), { endsAt });
  const [first = 0, second = 0] = lefts;
  assert.ok(first <= 30_000 && second <= first && second > 20_000, lefts.join(' '));
});
