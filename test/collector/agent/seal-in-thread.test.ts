import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

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
