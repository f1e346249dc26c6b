/** The result of a pass, which of its parts send, and when it leaves a row, over a real database. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { AlertEvent, AlertResult } from '../../../src/alerter/alert-options.ts';
import { makeAlertPass } from '../../../src/alerter/pass/alert-pass.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { item, runStart, worker } from '../../storage/support/samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import type { SmtpAct, SmtpMoment } from '../../support/servers/smtp-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { stationFor, type Station } from '../support/station.ts';

const clients = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const disk = '<alert type="disk" limit="90%"/>';
/** An alert, a digest and a canary: nobody listens on port 1. */
const three = `<collector every="15m"/><replies imap="imap://fleet@127.0.0.1:1/INBOX" password="x"/>
  <canary to="canary@example.org" at="08:00"/><alerts zone="UTC"><mail to="ops@example.org"/>
  <digest to="boss@example.org" at="08:00"/>${disk}</alerts>${clients}`;
const plain = `<collector every="15m"/><alerts zone="UTC"><mail to="ops@example.org"/>${disk}</alerts>${clients}`;

async function stationOf(t: TestContext, elements = plain): Promise<Station> {
  const station = await stationFor(t, { storage: sqliteConfig(path.join(tempFolder(t), 'fleet.db')), elements });
  mkdirSync(station.config().stateDir, { recursive: true });
  return station;
}

interface Given {
  readonly dryRun?: boolean;
  /** This machine's clock less the database's. */
  readonly aheadMs?: number;
  readonly over?: (storage: Storage) => Partial<Storage>;
  readonly signal?: AbortSignal;
}

const running = new AbortController().signal;

/** Makes a pass without the lock of the machine. */
async function passOf(
  station: Station,
  { dryRun = false, aheadMs = 0, over = () => ({}), signal = running }: Given = {},
) {
  const events: AlertEvent[] = [];
  const result = await makeAlertPass({
    ...{ config: station.config(), storage: { ...station.storage, ...over(station.storage) }, dryRun },
    ...{ signal, observe: (event) => void events.push(event), host: 'mon-1' },
    now: () => station.nowMs() + aheadMs,
    openStorage: () => assert.fail(),
    start: runStart({ id: randomUUID(), program: 'alert', collectorId: '' }),
  });
  const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
  const texts = events.flatMap((event) => (event.kind === 'composed' ? event.text : []));
  return { result, faults, texts };
}

const countsOf = ({ composed, sent, putOff, refused, exitStatus }: AlertResult): readonly number[] => [
  ...[composed, sent, putOff, refused, exitStatus],
];
const answering =
  (text: string) =>
  ({ phase }: SmtpMoment): SmtpAct | undefined =>
    phase === 'rcpt' ? text : undefined;

for (const [what, answer, counts] of [
  ['is sent', undefined, [3, 3, 0, 0, 0]],
  ['is put off', answering('451 4.7.1 later'), [3, 0, 3, 0, 1]],
  // A refused mail about an open alert waits for its next try.
  ['is refused', answering('550 5.1.1 no'), [3, 0, 1, 2, 1]],
] as const) {
  test(`an alert, a digest and a canary in one pass are counted together: each ${what}`, async (t) => {
    const station = await stationOf(t, three);
    station.at('07:45');
    await station.collect();
    station.configure(plain);
    await passOf(station);
    station.configure(three);
    station.at('08:00');
    await station.collect({ 'web-1': 'disk / 96' });
    if (answer !== undefined) station.act(answer);
    const { result } = await passOf(station);
    assert.deepEqual(countsOf(result), counts);
  });
}

test('a refused mail that no open alert lacks is status 1 in its pass alone', async (t) => {
  const station = await stationOf(t, plain.replace('<alert ', '<digest to="boss@example.org" at="08:00"/><alert '));
  station.at('07:45');
  await station.collect();
  await passOf(station);
  station.at('08:00');
  await station.collect();
  station.act(answering('451 4.7.1 later'));
  assert.deepEqual(countsOf((await passOf(station)).result), [1, 0, 1, 0, 1]);
  station.act(answering('550 5.1.1 no'));
  station.at('08:02');
  assert.deepEqual(countsOf((await passOf(station)).result), [0, 0, 0, 1, 1]);
  assert.deepEqual(countsOf((await passOf(station)).result), [0, 0, 0, 0, 0]);
  assert.equal((await station.storage.fleet.runs('alert', 0)).length, 3, 'the refusal has a row');
});

test('a dry run alone says what is held back and whether rows are left, and sends nothing', async (t) => {
  const station = await stationOf(t, three);
  station.at('07:45');
  await station.collect();
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96' });
  const endsAtMs = station.nowMs() + 60 * minuteMs;
  const silence = { client: 'web-2', rule: '*', subject: '*', startsAtMs: station.nowMs(), endsAtMs };
  await station.storage.operator.addSilence({ ...silence, author: 'kim', comment: '' });
  for (const more of [true, false]) {
    const over = ({ evaluation }: Storage): Partial<Storage> => ({
      evaluation: {
        ...evaluation,
        unprocessed: async (...given) => ({ ...(await evaluation.unprocessed(...given)), more }),
      },
    });
    for (const dryRun of [true, false]) {
      const { result } = await passOf(station, { dryRun, over });
      const held = result.heldBack.map(({ silence: id, untilMs, alerts }) => [id, untilMs, alerts]);
      assert.deepEqual([result.more, held], [dryRun && more, dryRun ? [[1, endsAtMs, 0]] : []]);
      // The canary is none of what it shows.
      if (dryRun) assert.deepEqual(countsOf(result), [more ? 2 : 0, 0, 0, 0, 0]);
    }
  }
  assert.deepEqual(new Set(station.server.mails.map(({ to }) => to)).size, 3);
});

test('a dry run that shows a digest sends no mail that waits', async (t) => {
  const station = await stationOf(t, three);
  for (const time of ['07:30', '07:45']) {
    station.at(time);
    await station.collect({ 'web-1': 'disk / 96' });
    station.act(answering('451 4.7.1 later'));
    await passOf(station);
  }
  station.act(() => undefined);
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96' });
  const { result, texts, faults } = await passOf(station, { dryRun: true });
  assert.ok(texts.some((text) => text.includes('BEGAN AND ENDED')));
  assert.deepEqual([countsOf(result).slice(1), station.server.mails], [[0, 0, 0, 0], []]);
  assert.deepEqual(faults, [], 'it reads no mailbox');
});

test('a pass that was interrupted has a row, also just after another one', async (t) => {
  const station = await stationOf(t);
  await passOf(station);
  await passOf(station, { signal: AbortSignal.abort() });
  const runs = await station.storage.fleet.runs('alert', 0);
  assert.deepEqual(runs.map(({ outcome }) => outcome).toSorted(), ['finished', 'interrupted']);
});

test('a mail of new rows is written at the time at which they were processed', async (t) => {
  const station = await stationOf(t);
  await station.collect({ 'web-1': 'disk / 96' });
  let calls = 0;
  const over = () => ({ nowMs: () => Promise.resolve(station.nowMs() + 10 * minuteMs * calls++) });
  const { texts } = await passOf(station, { over });
  assert.match(texts.join(), /\nAs of Fri 20 Nov 08:10\./);
});

test('where the database’s clock is ahead of this machine’s, a silent collector is told with that', async (t) => {
  const station = await stationOf(t);
  for (const time of ['07:30', '07:45']) {
    station.at(time);
    await station.collect();
    await passOf(station);
  }
  for (let minute = 0; minute <= 60; minute += 5) {
    station.at(`08:${String(minute).padStart(2, '0')}`.replace('08:60', '09:00'));
    const { texts } = await passOf(station, { aheadMs: -10 * minuteMs });
    if (texts.length === 0) continue;
    assert.match(texts.join(), /the\s+database's clock is 10m ahead of this machine's/);
    return;
  }
  assert.fail('nobody was told');
});

/** Steps, each after some minutes: what has happened, what the mail server answers, and whether the pass has a row. */
const rows: readonly (readonly [what: string, minutes: number, hasRow: boolean, step: (one: Station) => unknown])[] = [
  ['nothing, in a first pass', 0, true, () => null],
  ['nothing, at the same time', 0, false, () => null],
  ['nothing, just after it', 1, false, () => null],
  ['visits alone', 1, true, (one) => one.collect({ 'web-1': 'mute', 'web-2': 'mute' })],
  ['a report alone', 1, true, (one) => one.storage.reports.ingest([full(one, 50)])],
  ['a mail that is put off', 1, true, (one) => (one.act(answering('451 4.7.1 later')), ingestFull(one))],
  ['nothing, while the mail waits', 0.5, false, () => null],
  ['a second try that is put off', 5, true, () => null],
  ['a mail that is sent later', 7, true, (one) => one.act(() => undefined)],
  ['nothing, less than half of `every` later', 7, false, () => null],
  ['nothing but a run of the collector, half of `every` later', 0.5, true, (one) => one.collect(absent)],
  ['nothing, under a clock that was put back', -60, true, () => null],
];
const absent = { 'web-1': 'absent', 'web-2': 'absent' };
const full = (one: Station, percent: number) =>
  item({
    ...{ client: 'web-1', observedAtMs: one.nowMs() },
    workers: [worker('disk', { mount: '/', fstype: 'ext4', scope: 'local', mode: 'rw', used_percent: percent })],
  });
const ingestFull = (one: Station) => one.storage.reports.ingest([full(one, 96)]);

test('a pass has a row if it did something, and else after half of `every`', async (t) => {
  const station = await stationOf(t);
  const found: (readonly [string, boolean])[] = [];
  const count = async (): Promise<number> => (await station.storage.fleet.runs('alert', 0)).length;
  for (const [what, minutes, , step] of rows) {
    station.at(station.nowMs() + minutes * minuteMs);
    await step(station);
    const before = await count();
    await passOf(station);
    found.push([what, (await count()) > before]);
  }
  assert.deepEqual(
    found,
    rows.map(([what, , hasRow]) => [what, hasRow]),
  );
});

for (const [what, store, isKnown] of [
  ['a visit', (one: Station) => one.collect({ ...absent, 'web-1': 'mute' }), true],
  ['a report', (one: Station) => one.storage.reports.ingest([full(one, 50)]), true],
  ['no row', (one: Station) => one.collect(absent), false],
] as const) {
  test(`the rules of config.xml are known ${isKnown ? 'after' : 'before'} a pass with ${what}`, async (t) => {
    const station = await stationOf(t);
    await store(station);
    await passOf(station);
    const memory = (await station.storage.evaluation.ruleStates([''])).get('');
    assert.equal(memory?.rules !== undefined, isKnown);
  });
}
