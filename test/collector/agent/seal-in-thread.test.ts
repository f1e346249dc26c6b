import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import fc from 'fast-check';

import type { CaptureCosts } from '../../../src/collector/agent/capture-costs.ts';
import { CaptureThread, captureLimits, type CaptureJob } from '../../../src/collector/agent/seal-in-thread.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { readHeader } from '../../../src/report/seal/sealed-message.ts';

const { publicKey } = generateKeyPair();
const small = 'proc/uptime:77.50 1.00\n';
const large = Array.from({ length: 16_000 }, (_, at) => `proc/${at}/stat:${at} (${'sh'.repeat(60)}) S 1\n`).join('');
const never = new AbortController().signal;

function jobOf(client: string, text: string): CaptureJob {
  const hello = { v: 1, agent: '9', wall_ms: 1, monotonic_ms: 1, boot_id: null, reader: 'shell' } as const;
  const task = { client, runId: randomUUID(), publicKey, probeOptions: {} };
  return { hello, task, payload: Buffer.from(`${text}=place /x\n=end 1|2|3|\n`) };
}

test('a capture beyond its limit costs its client alone, and the captures behind it are sealed', async () => {
  const limits = { ...captureLimits, cpuMs: 1 };
  const thread = new CaptureThread(limits);
  const dear = thread.seal(jobOf('dear', large), never);
  const behind = thread.seal(jobOf('web-1', small), never);
  await assert.rejects(dear, (thrown) => {
    // The capture behind it has not begun: its thread starts first.
    limits.cpuMs = captureLimits.cpuMs;
    assert.ok(thrown instanceof FleetError);
    assert.deepEqual([thrown.code, thrown.client, thrown.stage], ['report-too-large', 'dear', 'report']);
    assert.equal(thrown.message, 'dear: a capture whose parsing takes more than 1 ms of CPU');
    return true;
  });
  const { sealed, place } = await behind;
  assert.equal(readHeader(sealed).client, 'web-1');
  assert.equal(place, '/x');
});

test('the event loop turns while a capture is sealed, and a fault keeps its words', async () => {
  const thread = new CaptureThread();
  thread.prepare();
  await thread.seal(jobOf('web-1', small), never);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    await thread.seal(jobOf('web-1', large), never);
  } finally {
    clearInterval(timer);
  }
  assert.ok(turns > 1, `${turns} turns`);
  await assert.rejects(thread.seal(jobOf('web-1', `${'a/'.repeat(2000)}:x\n`), never), {
    name: 'FleetError',
    code: 'report-invalid',
    message: 'web-1: $: a path that no probe reads',
  });
});

test('the capture of a visit that has ended is not parsed any more', async () => {
  const thread = new CaptureThread();
  const ended = AbortSignal.abort(new Error('the visit did not end'));
  const before = thread.seal(jobOf('web-1', small), never);
  await assert.rejects(thread.seal(jobOf('web-2', large), ended), { message: 'the visit did not end' });
  await before;
});

function costsOf(dear: ReadonlySet<string>, spent = new Map<string, number>()): CaptureCosts {
  return {
    isDear: (client) => dear.has(client),
    spentMs: (client) => spent.get(client) ?? 0,
    note: (client, ms) => void spent.set(client, (spent.get(client) ?? 0) + ms),
    save: () => undefined,
  };
}

test('of captures that wait, those of dear clients come last, and small ones before others', async () => {
  const thread = new CaptureThread();
  const arrivals = fc.array(fc.record({ isDear: fc.boolean(), lines: fc.nat(3) }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(arrivals, async (arrived) => {
      const named = arrived.map((one, at) => ({ ...one, client: `web-${at}`, at }));
      const costs = costsOf(new Set(named.flatMap(({ isDear, client }) => (isDear ? client : []))));
      const sealed: string[] = [];
      const clocks: string[] = [];
      const seal = async (client: string, text: string): Promise<void> => {
        const deadline = {
          pause: () => void clocks.push(`-${client}`),
          resume: () => void clocks.push(`+${client}`),
        };
        await thread.seal(jobOf(client, text), never, { costs, deadline });
        sealed.push(client);
      };
      const all = [seal('first', small)];
      for (const { client, lines } of named) all.push(seal(client, small.repeat(1 + lines)));
      // Each that waits has its time stopped before another begins.
      assert.deepEqual(
        clocks,
        named.map(({ client }) => `-${client}`),
      );
      await Promise.all(all);
      const expected = named
        .toSorted((a, b) => Number(a.isDear) - Number(b.isDear) || a.lines - b.lines || a.at - b.at)
        .map(({ client }) => client);
      assert.deepEqual(sealed, ['first', ...expected]);
      assert.deepEqual(
        clocks.slice(named.length),
        expected.map((client) => `+${client}`),
      );
      assert.ok(named.every(({ client }) => costs.spentMs(client) > 0));
    }),
    { numRuns: 20 },
  );
});

test('a client has so much CPU for all its captures of a run, and others have theirs', async () => {
  const thread = new CaptureThread({ ...captureLimits, runCpuMs: 50 });
  const costs = costsOf(new Set(), new Map([['dear', 49.5]]));
  await assert.rejects(thread.seal(jobOf('dear', large), never, { costs }), {
    ...{ code: 'report-too-large', stage: 'report', client: 'dear' },
    message: 'dear: a capture whose parsing takes more than 1 ms of CPU',
  });
  await assert.rejects(thread.seal(jobOf('dear', small), never, { costs }), {
    ...{ code: 'report-too-large', stage: 'report', client: 'dear' },
    message: 'dear: captures whose parsing takes more than 50 ms of CPU in a run',
  });
  await thread.seal(jobOf('web-1', small), never, { costs });
});
