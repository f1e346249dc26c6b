// Second tier: a pass for each stage that fails.
/** Each stage of a pass fails by itself: what is reported, whether the pass has failed, and what goes on beside it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import type { AlertEvent } from '../../../src/alerter/alert-options.ts';
import { makeAlertPass } from '../../../src/alerter/pass/alert-pass.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { runStart } from '../../storage/support/samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { startHttpReceiver } from '../../support/servers/http-receiver.ts';
import { startImapServer } from '../../support/servers/imap-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { openStation, type Station } from '../support/station.ts';

/** Opens a station whose pass has something to do in every stage. */
async function makeScene() {
  const http = await startHttpReceiver();
  after(() => http.stop());
  const imap = await startImapServer({ password: 'x' });
  after(() => imap.stop());
  const elements = `<collector every="15m"/><replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" password="x"/>
    <canary to="canary@example.org" at="08:00"/><alertmanager url="${http.origin}/am"/>
    <heartbeat url="${http.origin}/beat"/><alerts zone="UTC"><mail to="ops@example.org"/>
    <digest to="boss@example.org" at="08:00"/><alert type="disk" limit="90%"/>
    <alert type="event" service="backup" within="1h"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`;
  const station = await openStation({ storage: sqliteConfig(path.join(tempFolder(), 'fleet.db')), elements });
  after(() => station.close());
  mkdirSync(station.config().stateDir, { recursive: true });
  // Forecasts are made once an hour.
  station.at('06:45');
  await station.collect();
  await passWith(station);
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96' });
  let [mails, posts] = [0, 0];
  /** Returns who has heard of the alerter since it was asked last. */
  const heard = (): readonly string[] => {
    const told = station.server.mails.slice(mails).map(({ to }) => to.replace('@example.org', ''));
    const posted = http.received.slice(posts).map((post) => post.path);
    [mails, posts] = [station.server.mails.length, http.received.length];
    return [...told, ...posted];
  };
  heard();
  return { station, elements, heard, ...(await station.snapshot()) };
}

/** Makes a pass in which some methods of the storage, `store.method`, fail. */
async function passWith(station: Station, broken: readonly string[] = [], signal = new AbortController().signal) {
  const events: AlertEvent[] = [];
  const storage: Record<string, unknown> = { ...station.storage };
  for (const one of broken) {
    const [store = '', method = ''] = one.split('.');
    storage[store] = { ...(storage[store] as object), [method]: () => Promise.reject(new Error('broken')) };
  }
  const result = await makeAlertPass({
    ...{ config: station.config(), storage: storage as unknown as Storage, dryRun: false, signal, host: 'mon-1' },
    ...{ observe: (event) => void events.push(event), now: () => station.nowMs(), openStorage: () => assert.fail() },
    start: runStart({ id: randomUUID(), program: 'alert', collectorId: '' }),
  });
  const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
  const [row] = await station.storage.fleet.runs('alert', station.nowMs());
  return { composed: result.composed, exitStatus: result.exitStatus, faults, row: row?.outcome };
}

/** A method of the storage, the fault of its stage, the row of the pass, and who hears of the pass nevertheless. */
const all = ['ops', 'boss', 'canary', '/am/api/v2/alerts', '/beat'];
const without = (...names: readonly string[]): readonly string[] => all.filter((name) => !names.includes(name));
const stages: readonly (readonly [method: string, fault: string | null, row: string, heard: readonly string[]])[] = [
  ['none.none', null, 'finished', all],
  ['evaluation.unprocessed', 'evaluating rows', 'failed', without('ops', '/beat')],
  ['fleet.seenClients', 'evaluating silence', 'failed', without('/beat')],
  ['events.newestEvents', 'evaluating events', 'failed', without('/beat')],
  ['levels.levels', 'evaluating forecasts', 'failed', without('/beat')],
  ['notifications.state', 'planning mails', 'failed', without('ops', '/beat')],
  ['alertHistory.alertsOf', 'posting to Alertmanager', 'finished', without('/am/api/v2/alerts')],
  ['digest.madeDigests', 'making digests', 'finished', without('boss')],
  ['replies.replyPosition', 'reading replies', 'finished', all],
  ['mails.withTokens', 'looking for canaries', 'finished', without('canary')],
];

suite('a pass with a stage that fails', async () => {
  const { station, elements, heard: listen, restore } = await makeScene();

  test('names the stage, which costs itself alone, and has failed if the stage is about alerts', async () => {
    for (const [method, stage, row, heard] of stages) {
      await restore();
      const made = await passWith(station, [method]);
      const faults = stage === null ? [] : [`${stage}: broken`];
      const composed = heard.filter((name) => !name.startsWith('/')).length;
      assert.deepEqual(
        { ...made, heard: listen() },
        { faults, row, heard, composed, exitStatus: row === 'failed' ? 1 : 0 },
        method,
      );
    }
  });

  test('has a row each time and says so at each try where nothing can be delivered', async () => {
    await restore();
    const { faults, row, exitStatus } = await passWith(station, ['outbox.dueMails']);
    assert.deepEqual([new Set(faults), row, exitStatus], [new Set(['delivering mails: broken']), 'failed', 1]);
    assert.deepEqual(listen(), ['/am/api/v2/alerts']);
    station.at('08:01');
    const { composed, row: next } = await passWith(station, ['outbox.dueMails']);
    assert.deepEqual([composed, next], [0, 'failed']);
    station.at('08:00');
    listen();
  });

  test('asks nobody for anything if it was ended before its beginning', async () => {
    await restore();
    const ended = await passWith(station, [], AbortSignal.abort());
    assert.deepEqual(ended, { composed: 0, exitStatus: 1, faults: [], row: 'interrupted' });
    assert.deepEqual(listen(), []);
  });

  test('reads no events where no rule is about them', async () => {
    await restore();
    station.configure(elements.replace(/<alert type="event"[^>]*>/, ''));
    assert.deepEqual((await passWith(station, ['events.newestEvents'])).faults, []);
  });
});
