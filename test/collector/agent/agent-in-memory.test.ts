/** The program that is uploaded after each end of a first exec, and odd frames, over channels in memory. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';

import { bundleOf } from '../../../src/collector/agent/agent-bundles.ts';
import { runAgent, takeStream, type FrameTaking } from '../../../src/collector/agent/agent-stream.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { pushLimits, pushMarker } from '../../../src/report/seal/push.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import { loaderStatus } from '../../../src/transport/loader/loader.ts';
import { noExit, type Channel, type ChannelExit, type Connection } from '../../../src/transport/transport.ts';

const { publicKey } = generateKeyPair();
const reportId = '11111111-2222-4333-8444-555555555555';
const report = encodeFrame('R', sealReport({ publicKey, reportId, client: 'web-1', plaintext: Buffer.from('{}') }));
const helloOf = (more: object = {}): Buffer =>
  encodeJsonFrame('H', { v: 1, agent: '9', wall_ms: 1000, monotonic_ms: 1, boot_id: null, ...more });
const end = encodeJsonFrame('E', { left: 0, place: null, spool_error: null });
const bundles = {
  agent: bundleOf(Buffer.from('agent')),
  inventory: bundleOf(Buffer.from('inventory')),
  shell: { ...bundleOf(Buffer.from('shell')), packed: () => Buffer.from('shell') },
};
const common: FrameTaking = {
  client: 'web-1',
  kind: 'visit',
  runId: randomUUID(),
  publicKey,
  unsealed: 'allow',
  now: () => 1500,
  dryRun: false,
  signal: new AbortController().signal,
  onReport: () => Promise.resolve('acknowledge'),
};

/** The answer to one exec. */
interface Said {
  /** The status in the loader's sign; null for a shell that runs no loader. */
  readonly sign: number | null;
  /** The frames behind the marker. Default: no marker either. */
  readonly frames?: readonly Buffer[];
  readonly exit?: Partial<ChannelExit>;
  readonly hangs?: boolean;
}

/** Visits a client whose execs answer this. Returns the result, and what was written to each exec. */
async function meet(said: readonly Said[], agentTimeoutMs = 60_000) {
  const written: Promise<Buffer>[] = [];
  const exec: Connection['exec'] = (command) => {
    const { sign, frames, exit = {}, hangs = false } = said[written.length] ?? assert.fail('one exec too many');
    const marker = /' fh '([\w-]+)'/.exec(command)?.[1] ?? '';
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    written.push(buffer(stdin));
    if (sign !== null) stdout.write(`fh-${marker}-loader-${sign}\n`);
    if (frames !== undefined) stdout.write(Buffer.concat([Buffer.from(marker, 'base64url'), ...frames]));
    if (!hangs) stdout.end();
    setImmediate(() => hangs || stdin.end());
    return Promise.resolve({ stdin, stdout, stderr, exit: Promise.resolve({ ...noExit, ...exit }) });
  };
  const result = await runAgent({
    ...{ ...common, was: null, collectorId: randomUUID(), probeOptions: {}, checks: [], bundles, node: null },
    ...{ connection: { exec } as Partial<Connection> as Connection, agentTimeoutMs, waitForExit: false },
  });
  const execs = written.length;
  return { result, execs, second: execs < 2 ? null : (await written[1])?.toString('latin1') };
}

const { agentAbsent, inventoryAbsent, shellAbsent, noRuntime } = loaderStatus;
const packed = bundles.agent.packed().toString('latin1');
const packedInventory = bundles.inventory.packed().toString('latin1');
for (const { what, first, uploaded } of [
  { what: 'the agent is missing', first: { sign: agentAbsent, exit: { status: agentAbsent } }, uploaded: packed },
  {
    what: 'the program for inventories is missing',
    first: { sign: inventoryAbsent, exit: { status: inventoryAbsent } },
    uploaded: packedInventory,
  },
  {
    what: 'the shell agent is missing',
    first: { sign: shellAbsent, exit: { status: shellAbsent } },
    uploaded: 'shell',
  },
  { what: 'the server says no end', first: { sign: agentAbsent }, uploaded: packed },
  { what: 'its file may be damaged', first: { sign: agentAbsent, exit: { status: 3 } }, uploaded: packed },
  { what: 'nothing is missing', first: { sign: 10, exit: { status: 3 } }, uploaded: null },
  { what: 'no loader ran', first: { sign: null, exit: { status: agentAbsent } }, uploaded: null },
  { what: 'there is no node', first: { sign: agentAbsent, exit: { status: noRuntime } }, uploaded: null },
  { what: 'a signal ended it', first: { sign: agentAbsent, exit: { signal: 'TERM' } }, uploaded: null },
  { what: 'it was killed', first: { sign: agentAbsent, exit: { status: 137 } }, uploaded: null },
  { what: 'it began', first: { sign: agentAbsent, frames: [helloOf()], exit: { status: 3 } }, uploaded: null },
] satisfies readonly { what: string; first: Said; uploaded: string | null }[]) {
  test(`${uploaded === null ? 'nothing is uploaded' : 'a program is uploaded'} if ${what}`, async () => {
    const { result, second } = await meet([first, { sign: 10, frames: [helloOf(), end] }]);
    assert.equal(second, uploaded);
    assert.deepEqual([result.uploaded, result.fault === null], [uploaded !== null, uploaded !== null]);
  });
}

test('a client that is silent after its loader gets no upload, and none gets a second one', async () => {
  const silent = await meet([{ sign: agentAbsent, hangs: true }], 20);
  assert.deepEqual([silent.execs, silent.result.fault?.code], [1, 'agent-timeout']);
  const absent = { sign: agentAbsent, exit: { status: agentAbsent } };
  const { result, execs } = await meet([absent, absent]);
  assert.deepEqual([execs, result.uploaded, result.fault?.code], [2, false, 'agent-failed']);
});

for (const [what, frames, message] of [
  ['a report before the hello', [report], 'frames in an order no agent keeps'],
  ['a second hello', [helloOf(), helloOf()], 'frames in an order no agent keeps'],
  ['a hello of another version', [helloOf({ v: 2 })], 'an agent that speaks version 2'],
] as const) {
  test(`a client that sends ${what} is no agent that this collector knows`, async () => {
    const { result } = await meet([{ sign: 10, frames: [...frames, end] }]);
    const { code, stage, client, message: says } = result.fault ?? {};
    assert.deepEqual([code, stage, client, says], ['agent-output', 'agent', 'web-1', `web-1: ${message}`]);
    assert.equal(result.acknowledged, 0);
  });
}

test('a fault of the agent is told in its words, the first of several, and its reports count', async () => {
  const faultOf = (message: string): Buffer => encodeJsonFrame('F', { code: 'agent-stuck', message });
  const { result } = await meet([
    { sign: 10, frames: [helloOf(), faultOf('a\u0007b'), faultOf('again'), report, end] },
  ]);
  const { fault, hello, reports, acknowledged, reader } = result;
  assert.deepEqual([fault?.code, fault?.stage, fault?.message], ['agent-stuck', 'agent', 'web-1: a b']);
  assert.deepEqual([reports, acknowledged, reader, hello?.offsetMs], [1, 1, 'node', -500]);
});

/** Takes a stream that a client opened. */
async function pushed(frames: readonly Buffer[], { hangs = false, timeoutMs = 60_000 } = {}) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const channel: Channel = { stdin, stdout, stderr, exit: Promise.resolve(noExit) };
  stdout.write(Buffer.concat(frames));
  if (!hangs) stdout.end();
  const result = await takeStream({ ...common, channel, marker: pushMarker, limits: pushLimits, timeoutMs });
  return { result, answer: stdin.read() as Buffer | null };
}

test('a pushed stream is answered with the marker, then with the id of each report', async () => {
  const { result, answer } = await pushed([Buffer.from('Welcome\n'), pushMarker, helloOf(), report, end]);
  const { fault, reports, acknowledged, uploaded, reader } = result;
  assert.deepEqual([fault, reports, acknowledged, uploaded, reader], [null, 1, 1, false, 'push']);
  const id = Buffer.from(reportId.replaceAll('-', ''), 'hex');
  assert.deepEqual(answer, Buffer.concat([pushMarker, id]));
});

for (const { what, frames, hangs, message, reader } of [
  {
    what: 'ends too early',
    frames: [pushMarker, helloOf()],
    hangs: false,
    message: 'the stream ended too early',
    reader: 'push',
  },
  { what: 'does not begin', frames: [], hangs: false, message: 'the stream ended too early', reader: null },
  {
    what: 'does not end',
    frames: [pushMarker],
    hangs: true,
    message: 'the stream did not end within 20 ms',
    reader: null,
  },
] as const) {
  test(`a pushed stream that ${what} is a fault of the client`, async () => {
    const { result } = await pushed(frames, { hangs, ...(hangs ? { timeoutMs: 20 } : {}) });
    const { code, stage, client, message: says } = result.fault ?? {};
    assert.deepEqual([code, stage, client, says], ['agent-output', 'agent', 'web-1', `web-1: ${message}`]);
    assert.equal(result.reader, reader);
  });
}
