/** The exchange of a started agent and the collector, over streams in memory: its end, and what is told of it. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { exchange, type ExchangeOptions } from '../../../src/collector/agent/agent-exchange.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { maxGreetingBytes } from '../../../src/report/wire.ts';
import type { ChannelExit } from '../../../src/transport/transport.ts';

const marker = Buffer.alloc(16, 7);
const sign = `fh-${marker.toString('base64url')}-loader-81\n`;
const report = encodeFrame('R', Buffer.from('report'));
const end = encodeJsonFrame('E', { left: 0, place: null, spool_error: null });
const unknown: ChannelExit = { status: null, signal: null };

interface Said {
  readonly out?: readonly (string | Uint8Array)[];
  readonly err?: string;
  readonly exit?: Partial<ChannelExit>;
  /** True if the output does not end. */
  readonly hangs?: boolean;
}

/** Exchanges with an agent that says this, and acknowledges each report with `ok`. */
function meet({ out = [], err = '', exit = {}, hangs = false }: Said, more: Partial<ExchangeOptions> = {}) {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const types: string[] = [];
  for (const part of out) stdout.write(part);
  stderr.write(err);
  if (!hangs) stdout.end();
  const ended = exchange({
    channel: { stdin, stdout, stderr, exit: Promise.resolve({ ...unknown, ...exit }) },
    ...{ marker, input: null, limits: { maxReports: 2, maxTotalBytes: 100 }, timeoutMs: 60_000 },
    ...{ signal: new AbortController().signal, client: 'web-1', waitForExit: false },
    onFrame: ({ type }) => {
      types.push(type);
      return Promise.resolve({ answer: type === 'R' ? Buffer.from('ok') : null, last: type === 'E' });
    },
    ...more,
  });
  return { ended, types, stdin, stdout, stderr };
}
const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';

test('frames are handled in order and answered, and the input ends behind the last answer', async () => {
  const input = Buffer.from('program ');
  const { ended, types, stdin } = meet({ out: ['Welcome', marker, report, report, end], hangs: true }, { input });
  assert.equal(await ended, null);
  assert.deepEqual(types, ['R', 'R', 'E']);
  assert.deepEqual([text(stdin), stdin.writableEnded], ['program okok', true]);
});

test('nothing is written to an agent that is given no program and reports nothing', async () => {
  const { ended, stdin } = meet({ out: [marker, end] });
  assert.equal(await ended, null);
  assert.equal(text(stdin), '');
});

for (const { what, said, told } of [
  { what: 'no word', said: {}, told: {} },
  { what: 'a greeting', said: { out: ['Welcome'], exit: { status: 1 } }, told: { printed: 'Welcome', status: 1 } },
  {
    what: 'the sign of the loader',
    said: { out: [sign], err: 'no node', exit: { status: 83 } },
    told: { sign: { absentStatus: 81 }, printed: sign, complained: 'no node', status: 83 },
  },
  {
    what: 'an agent that began',
    said: { out: [sign, marker, report], exit: { status: 3 } },
    told: { sign: { absentStatus: 81 }, started: true, printed: sign, status: 3 },
  },
  { what: 'the status of a kill', said: { exit: { status: 137 } }, told: { status: 137, killed: true } },
  { what: 'the status beside that of a kill', said: { exit: { status: 136 } }, told: { status: 136 } },
  { what: 'a kill', said: { exit: { signal: 'SIGKILL' } }, told: { signal: 'SIGKILL', killed: true } },
  { what: 'a kill, as SSH says it', said: { exit: { signal: 'KILL' } }, told: { signal: 'KILL', killed: true } },
  { what: 'another signal', said: { exit: { signal: 'TERM' } }, told: { signal: 'TERM' } },
] satisfies readonly { what: string; said: Said; told: object }[]) {
  test(`the end of an exec without the last frame: ${what}`, async () => {
    assert.deepEqual(await meet(said).ended, {
      ...{ sign: null, started: false, status: null, signal: null, killed: false, timedOut: false },
      ...{ unsentBytes: 0, printed: '', complained: '', ...told },
    });
  });
}

test('an agent that says nothing in its time is late, and its exit is not waited for', async () => {
  const said = { out: [sign], exit: { status: 3 }, hangs: true } as const;
  const { timedOut, status, killed, sign: found } = (await meet(said, { timeoutMs: 20 }).ended) ?? {};
  assert.deepEqual([timedOut, status, killed, found], [true, null, false, { absentStatus: 81 }]);
});

test('a command has ended with its exit, although a process in the background holds its output open', async () => {
  const said = { out: [sign], exit: { status: 81 }, hangs: true } as const;
  const { timedOut, status, sign: found } = (await meet(said).ended) ?? {};
  assert.deepEqual([timedOut, status, found], [false, 81, { absentStatus: 81 }]);
});

test('output that comes after the exit, in pieces, is waited for', async () => {
  const { ended, types, stdout } = meet({ out: [sign], exit: { status: 0 }, hangs: true });
  for (const piece of [marker, report.subarray(0, 4), report.subarray(4), end]) {
    await sleep(400);
    stdout.write(piece);
  }
  assert.equal(await ended, null);
  assert.deepEqual(types, ['R', 'E']);
});

test('what a client did not take of the program is counted', async () => {
  const stdin = new Writable({ write: () => undefined });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const channel = { stdin, stdout, stderr, exit: Promise.resolve(unknown) };
  const { timedOut, unsentBytes } =
    (await meet({}, { channel, input: Buffer.alloc(300_000), timeoutMs: 20 }).ended) ?? {};
  assert.deepEqual([timedOut, unsentBytes], [true, 300_000]);
});

test('an error of the input says nothing that the output does not', async () => {
  const { ended, stdin } = meet({ out: ['gone'], exit: { status: 1 } });
  stdin.destroy(new Error('EPIPE'));
  assert.equal((await ended)?.printed, 'gone');
});

for (const { what, said, code, message } of [
  {
    what: 'more reports than were asked for',
    said: { out: [marker, report, report, report] },
    code: 'agent-output',
    message: /^web-1: more reports than were asked for: 3, /,
  },
  {
    what: 'more bytes of reports than were asked for',
    said: { out: [marker, encodeFrame('R', Buffer.alloc(101))] },
    code: 'agent-output',
    message: /^web-1: more reports than were asked for: 1, 101 bytes$/,
  },
  {
    what: 'a greeting without an end',
    said: { out: ['x'.repeat(maxGreetingBytes + 16)] },
    code: 'agent-output',
    message: /^web-1: more than 65536 bytes before the agent's first frame$/,
  },
  {
    what: 'a byte of complaints too many',
    said: { err: 'x'.repeat(2 ** 20 + 1), hangs: true },
    code: 'agent-output',
    message: /^web-1: more than 1048576 bytes of complaints$/,
  },
] satisfies readonly { what: string; said: Said; code: string; message: RegExp }[]) {
  test(`a client that sends ${what} is not read any further`, async () => {
    await assert.rejects(meet(said).ended, { name: 'FleetError', code, stage: 'agent', client: 'web-1', message });
  });
}

test('complaints up to the limit are no fault, and their first 4096 bytes are told', async () => {
  const { ended, stdout, stderr } = meet({ err: 'x'.repeat(2 ** 20), hangs: true });
  while (stderr.readableLength > 0) await new Promise((resolve) => setImmediate(resolve));
  stdout.end();
  assert.equal((await ended)?.complained, 'x'.repeat(4096));
});

test('a signal ends the wait by its own fault, or as the deadline of the visit', async () => {
  const fault = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended' });
  await assert.rejects(meet({ hangs: true }, { signal: AbortSignal.abort(fault) }).ended, fault);
  const controller = new AbortController();
  const { ended } = meet({ hangs: true }, { signal: controller.signal });
  controller.abort(new Error('ended'));
  await assert.rejects(ended, {
    ...{ name: 'FleetError', code: 'visit-deadline', stage: 'agent', client: 'web-1' },
    message: 'web-1: the visit was ended before the agent had answered',
  });
});

test('a broken output is the fault of the connection as it is', async () => {
  const { ended, stdout } = meet({ hangs: true });
  const reset = new Error('reset');
  stdout.destroy(reset);
  await assert.rejects(ended, reset);
});

test('behind the last frame a mebibyte is dropped, and then nothing more is read', async () => {
  const { ended, stdout } = meet({ out: [marker, end], hangs: true });
  assert.equal(await ended, null);
  stdout.write(Buffer.alloc(2 ** 20));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stdout.isPaused(), false);
  stdout.write(Buffer.alloc(1));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stdout.isPaused(), true);
});

test('the exit is waited for if another exec follows, and a connection that breaks then costs nothing', async () => {
  const [stdout, stdin, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdout.write(Buffer.concat([marker, end]));
  let fail: (reason: Error) => void = () => undefined;
  const exit = new Promise<ChannelExit>((_resolve, reject) => (fail = reject));
  let isOver = false;
  const { ended } = meet({}, { channel: { stdin, stdout, stderr, exit }, waitForExit: true });
  void ended.then(() => (isOver = true));
  while (!stdin.writableEnded) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  fail(new Error('reset'));
  assert.equal(await ended, null);
});
