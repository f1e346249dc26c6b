/** A collector that polls an agent over HTTP, without a network between them. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test, type TestContext } from 'node:test';

import { listSpool } from '../../../agent/spool/spool.ts';
import { openOwnVisit, noOwnReport } from '../../../src/agent-program/push/own-visit.ts';
import { pushStreams } from '../../../src/agent-program/push/push-stream.ts';
import { readSettings } from '../../../src/agent-program/settings.ts';
import { acknowledge, answerVisit } from '../../../src/agent-program/spoke/spoke-visit.ts';
import { laterInventory } from '../../../src/agent-program/spoke/spoke-inventory.ts';
import { pollAgent, type PollOptions } from '../../../src/collector/agent/poll-agent.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { encodePolledVisit, pushMarker, type PolledVisit } from '../../../src/report/seal/push.ts';
import type { ChannelExit, PolledConnection } from '../../../src/transport/transport.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const exit: ChannelExit = { status: null, signal: null };

/** Enrols a machine. Returns the functions of the machine, and the requests and reports of its collector. */
function machine(t: TestContext) {
  const dir = tempFolder(t);
  const file = path.join(dir, 'agent.json');
  const publicKey = Buffer.from(generateKeyPair().publicKey).toString('base64url');
  const pushKey = Buffer.alloc(32, 7).toString('base64url');
  const content = { client: 'web-1', collector: randomUUID(), publicKey, pushKey };
  writeFileSync(file, JSON.stringify({ ...content, state_directory: path.join(dir, 'state') }), { mode: 0o600 });
  const settings = readSettings(file);
  const { enrolment } = settings;
  assert.ok(enrolment !== null);
  const own = openOwnVisit(settings, enrolment);
  /** Spools a report of 20 KB. Returns its id. */
  const spool = (atMs: number): string => {
    const plaintext = randomBytes(20_000);
    const { reportId, sealed } = sealedSample({ key: generateKeyPair(), inside: { client: 'web-1' }, plaintext });
    writeFileSync(path.join(own.visit.dirs[0] ?? '', `${atMs}-${reportId}.fhs`), sealed, { mode: 0o600 });
    return reportId;
  };
  const log = { event: () => undefined, problem: () => undefined };
  const spoke = { settings, log, note: () => undefined };
  const requests: PolledVisit[] = [];
  const poll: PolledConnection['poll'] = async (request) => {
    requests.push(request);
    const answer = await answerVisit(spoke, encodePolledVisit(request));
    assert.ok(Buffer.isBuffer(answer));
    const written: Buffer[] = [];
    let finish: (end: Promise<ChannelExit>) => void = () => undefined;
    const ended = new Promise<ChannelExit>((resolve) => (finish = resolve));
    const stdin = new Writable({
      write: (chunk: Buffer, _, done) => {
        written.push(chunk);
        done();
      },
      final: (done) => {
        finish(acknowledge(spoke, Buffer.concat(written)).then(() => exit));
        done();
      },
    });
    return { stdin, stdout: Readable.from([answer]), stderr: Readable.from([]), exit: ended };
  };
  const arrived: string[] = [];
  const options = (refused: ReadonlySet<string>): PollOptions => ({
    ...{ client: 'web-1', kind: 'visit', unsealed: 'refuse', runId: randomUUID(), publicKey: Buffer.alloc(32) },
    ...{ now: Date.now, dryRun: false, agentTimeoutMs: 60_000, signal: new AbortController().signal },
    connection: { poll } as Partial<PolledConnection> as PolledConnection,
    onReport: ({ header }) => {
      arrived.push(header.reportId);
      return Promise.resolve(refused.has(header.reportId) ? 'keep' : 'acknowledge');
    },
  });
  return { settings, spool, options, poll, own, arrived, requests };
}

test('reports that are refused keep no later ones back, and the own one comes first', async (t) => {
  const { spool, options, arrived, requests } = machine(t);
  const beganMs = Date.now() - 1_000_000;
  const refused = Array.from({ length: 40 }, (_, index) => spool(beganMs + index));
  const later = Array.from({ length: 3 }, (_, index) => spool(beganMs + 1000 + index));
  const first = await pollAgent(options(new Set(refused)));
  assert.deepEqual(
    { fault: first.fault, reports: first.reports, acknowledged: first.acknowledged },
    { fault: null, reports: 44, acknowledged: 4 },
  );
  assert.deepEqual(arrived.slice(1), [...refused, ...later]);
  assert.ok(requests.length > 2, String(requests.length));
  // The next visit receives the refused reports again, after its own.
  arrived.length = 0;
  const second = await pollAgent(options(new Set(refused)));
  assert.equal(second.fault, null);
  assert.equal(second.acknowledged, 1);
  assert.deepEqual(arrived.slice(1), refused);
});

test('a fault after the first stream fails nothing, and no request waits longer than its share', async (t) => {
  const { spool, options, poll, requests } = machine(t);
  for (let index = 0; index < 30; index += 1) spool(Date.now() - 1_000_000 + index);
  const delivered: number[] = [];
  const common = options(new Set());
  const failing: PolledConnection['poll'] = (request) =>
    requests.length > 0 && !request.takesReport ? Promise.reject(new Error('reset')) : poll(request);
  const { fault, reader, acknowledged, end } = await pollAgent({
    ...common,
    connection: { ...common.connection, poll: failing },
    onDelivered: (result) => delivered.push(result.acknowledged),
  });
  assert.deepEqual({ fault, reader, delivered }, { fault: null, reader: 'spoke', delivered: [acknowledged] });
  assert.equal((end?.left ?? 0) + acknowledged, 31);
  await pollAgent({ ...common, connection: { ...common.connection, poll } });
  const further = requests.filter(({ takesReport }) => !takesReport);
  assert.ok(further.length > 0 && further.every(({ timeoutMs }) => timeoutMs <= 30_000), JSON.stringify(further));
});

test('an inventory and the state are made after a visit that succeeded, and come with the next one', async (t) => {
  const { settings, options, own } = machine(t);
  const { signal } = new AbortController();
  const events: string[] = [];
  const noted = (event: string): void => void events.push(event);
  const later = laterInventory({ settings, log: { event: noted, problem: noted }, signal }, 0);
  assert.equal((await pollAgent(options(new Set()))).acknowledged, 1);
  later();
  later();
  await until(() => events.length > 1, 'no inventory or no state was made');
  assert.deepEqual([events, listSpool(own.visit.dirs).length], [['inventory-made', 'state-made'], 2]);
  assert.equal((await pollAgent(options(new Set()))).acknowledged, 3);
});

test('a report that could not be spooled goes before a backlog', (t) => {
  const { spool, own } = machine(t);
  for (let index = 0; index < 30; index += 1) spool(Date.now() - 1_000_000 + index);
  const { reportId, sealed } = sealedSample({ key: generateKeyPair(), inside: { client: 'web-1' } });
  const { fault } = noOwnReport;
  const asked = { reportId, after: null };
  const stream = pushStreams({ ...own, fault, unspooled: sealed, failures: 0, asked })();
  assert.equal([...(stream?.files.keys() ?? [])][0], reportId.replaceAll('-', ''));
  assert.ok((stream?.left ?? 0) > 0);
});

test('the first request is for a new report, in all of the agent’s time, and its fault is the visit’s', async (t) => {
  const { options } = machine(t);
  const asked: PolledVisit[] = [];
  const poll: PolledConnection['poll'] = (request) => {
    asked.push(request);
    return Promise.reject(new Error('reset'));
  };
  const connection = { poll } as Partial<PolledConnection> as PolledConnection;
  const delivered: unknown[] = [];
  const result = await pollAgent({ ...options(new Set()), connection, onDelivered: (one) => delivered.push(one) });
  const { fault, hello, end, reader, reports, acknowledged, uploaded } = result;
  assert.deepEqual(
    [fault?.code, fault?.stage, fault?.client, fault?.message],
    ['agent-failed', 'agent', 'web-1', 'reset'],
  );
  assert.deepEqual(
    { hello, end, reader, reports, acknowledged, uploaded },
    {
      ...{ hello: null, end: null, reader: null, reports: 0, acknowledged: 0, uploaded: false },
    },
  );
  assert.deepEqual([asked, delivered], [[{ takesReport: true, timeoutMs: 60_000, after: null }], []]);
});

test('a dry run asks once, and acknowledges nothing', async (t) => {
  const { spool, options, poll, requests } = machine(t);
  for (let index = 0; index < 30; index += 1) spool(Date.now() - 1_000_000 + index);
  const common = options(new Set());
  const { fault, acknowledged, end } = await pollAgent({
    ...common,
    connection: { ...common.connection, poll },
    dryRun: true,
  });
  assert.deepEqual([fault, acknowledged, requests.length], [null, 0, 1]);
  assert.ok((end?.left ?? 0) > 0);
});

/** The end of one stream. */
interface Streamed {
  readonly reports: number;
  readonly left: number;
  readonly next?: string;
}

for (const { what, streams, keeps = false, asked } of [
  { what: 'nothing is left', streams: [{ reports: 1, left: 0, next: 'a' }], asked: [null] },
  { what: 'a stream brings nothing', streams: [{ reports: 0, left: 5, next: 'a' }], asked: [null] },
  { what: 'all are kept and no place follows', streams: [{ reports: 2, left: 5 }], keeps: true, asked: [null] },
  {
    what: 'the last place was reached',
    streams: [
      { reports: 2, left: 3, next: 'a' },
      { reports: 2, left: 1, next: 'b' },
      { reports: 1, left: 0 },
    ],
    keeps: true,
    asked: [null, 'a', 'b'],
  },
  {
    what: 'acknowledged reports without a place were followed by the rest',
    streams: [
      { reports: 2, left: 1 },
      { reports: 1, left: 0 },
    ],
    asked: [null, null],
  },
] satisfies readonly {
  what: string;
  streams: readonly Streamed[];
  keeps?: boolean;
  asked: readonly (string | null)[];
}[]) {
  test(`an agent is asked for more reports until ${what}`, async (t) => {
    const places: (string | null)[] = [];
    let ended = 0;
    const poll: PolledConnection['poll'] = ({ after, takesReport }) => {
      assert.deepEqual([takesReport, ended], [places.length === 0, places.length], 'each exchange has ended before');
      const { reports, left, next } = streams[places.length] ?? assert.fail('a request too many');
      places.push(after);
      const hello = { v: 1, agent: '9', wall_ms: 1, monotonic_ms: 1, boot_id: null };
      const sealed = () => sealedSample({ key: generateKeyPair(), inside: { client: 'web-1' } }).sealed;
      const frames = [
        encodeJsonFrame('H', hello),
        ...Array.from({ length: reports }, () => encodeFrame('R', sealed())),
        encodeJsonFrame('E', { left, place: null, spool_error: null, ...(next === undefined ? {} : { next }) }),
      ];
      const stdin = new Writable({ write: (_chunk, _encoding, done) => done() });
      const over = new Promise<ChannelExit>((resolve) => {
        const finish = (): void => {
          ended += 1;
          resolve(exit);
        };
        stdin.on('finish', () => setImmediate(finish));
      });
      const stdout = Readable.from([Buffer.concat([pushMarker, ...frames])]);
      return Promise.resolve({ stdin, stdout, stderr: Readable.from([]), exit: over });
    };
    const { fault, reports, acknowledged, end } = await pollAgent({
      ...machine(t).options(new Set()),
      connection: { poll } as Partial<PolledConnection> as PolledConnection,
      onReport: () => Promise.resolve(keeps ? 'keep' : 'acknowledge'),
    });
    const sum = streams.reduce((all, one) => all + one.reports, 0);
    assert.deepEqual([fault, places, reports, acknowledged], [null, asked, sum, keeps ? 0 : sum]);
    assert.equal(end?.left, streams.at(-1)?.left);
  });
}
