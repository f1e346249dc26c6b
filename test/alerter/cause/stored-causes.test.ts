import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { explainClient } from '../../../src/alerter/explain/explain-client.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { stateItem } from '../../storage/support/state-samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { bound, openStation, type Station } from '../support/station.ts';
import { at } from '../support/rows.ts';
import { client } from '../support/fleet-passes.ts';

const hour = 3_600_000;
const names = Array.from({ length: 8 }, (_, index) => `web-${index + 1}`);

interface World {
  readonly alerts?: string;
  readonly clients?: readonly string[];
}

/** Opens a group whose members have had a state for a month. */
async function openWorld(t: TestContext, { alerts = '', clients = names }: World = {}): Promise<Station> {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const members = clients
    .map((name, index) => client(name, index < 4 ? 'labels="rack=r3"' : 'labels="rack=r4"'))
    .join('');
  const elements = `<alerts mail="ops@example.org" defaults="no" ${alerts}><alert name="disk" type="disk" limit="90%"/></alerts><group name="web">${members}</group>`;
  const station = await openStation({ storage, elements });
  t.after(() => station.close());
  for (const name of clients) await look(station, name, at('08:00') - 720 * hour, ['app amd64\t1', 'base all\t1']);
  for (const name of clients) await look(station, name, at('08:00') - 2 * hour, ['app amd64\t1', 'base all\t1']);
  return station;
}

async function look(
  { storage }: Station,
  name: string,
  atMs: number,
  lines: readonly string[],
  error: string | null = null,
) {
  const section = { kind: 'package', digest: stateDigest(lines), error, lines: error === null ? lines : null } as const;
  const [result] = await storage.reports.ingest([stateItem(name, atMs, [section])]);
  assert.equal(result?.kind, 'stored');
}

const upgraded = ['app amd64\t2', 'base all\t1', 'libapp amd64\t2'];

/** Upgrades members ten minutes before the disk of some is full, and returns the mail's text. */
async function incident(station: Station, changed: readonly string[], failing: readonly string[]): Promise<string> {
  for (const name of changed) await look(station, name, at('07:45'), ['app amd64\t1', 'base all\t1']);
  for (const name of changed) await look(station, name, at('07:50'), upgraded);
  await station.collect(Object.fromEntries(failing.map((name) => [name, 'disk / 96'])));
  station.at('08:02');
  return composedText(await station.pass());
}

function composedText({ events }: Awaited<ReturnType<Station['pass']>>): string {
  return events
    .flatMap((event) => (event.kind === 'composed' ? event.text : []))
    .join('\n')
    .replace(/\s+/g, ' ');
}

async function explained(station: Station, name: string) {
  const own = station.config().clients.find((one) => one.name === name);
  assert.ok(own !== undefined);
  const common = { config: station.config(), storage: station.storage, isWanted: () => true, firstPass: false };
  const { rules } = await explainClient({ ...common, nowMs: station.nowMs(), client: own });
  return rules.flatMap(({ alerts }) => alerts.flatMap(({ changed }) => changed ?? []));
}

test('a mail says what changed before its alert, and the alert keeps it', async (t) => {
  const station = await openWorld(t);
  const text = await incident(station, ['web-1'], ['web-1']);
  assert.match(text, /Changed before it: app 1 to 2 and 1 more package, 15 min before, on web-1 alone of 8 in web\./);
  const [alert] = await station.storage.evaluation.openAlerts(null);
  assert.deepEqual(
    alert?.cause?.changes.map(({ item, before, after }) => [item, before, after]),
    [['app amd64', '1', '2']],
  );
  // Another row changes the alert and not its cause.
  station.at('08:05');
  await station.collect({ 'web-1': 'disk / 97' });
  await station.pass();
  const [later] = await station.storage.evaluation.openAlerts(null);
  assert.deepEqual(later?.cause, alert.cause);
});

test('a rack that fails after its own rollout is said to be one', async (t) => {
  const station = await openWorld(t);
  const rack = names.slice(0, 4);
  const text = await incident(station, rack, rack);
  assert.match(text, /on all 4 that fail and on none of the other 4 of web\. They are also all of rack=r3\./);
});

test('nothing is said of a change that others have and do not fail, nor with cause="no"', async (t) => {
  const all = await openWorld(t);
  assert.doesNotMatch(await incident(all, names, ['web-1']), /Changed before/);
  const [found] = await explained(all, 'web-1');
  assert.deepEqual(
    found?.sets.map(({ verdict, others }) => [verdict, others]),
    [['others-have-it', { having: 7, all: 7 }]],
  );
  const silent = await openWorld(t, { alerts: 'cause="no"' });
  assert.doesNotMatch(await incident(silent, ['web-1'], ['web-1']), /Changed before/);
  assert.equal((await explained(silent, 'web-1'))[0]?.sets[0]?.verdict, 'by-chance');
});

test('a mail that is composed again after a crash has the same words, and a reminder looks again', async (t) => {
  const station = await openWorld(t, { alerts: 'repeat="4h"' });
  let isCut = true;
  for (const name of ['web-1']) await look(station, name, at('07:50'), upgraded);
  await station.collect({ 'web-1': 'disk / 96' });
  station.at('08:02');
  const wrap: NonNullable<Parameters<Station['pass']>[0]>['wrap'] = (database) => ({
    ...bound(database),
    write: (work) =>
      database.write((session) =>
        work({
          ...session,
          run: (sql, values) =>
            isCut && /INTO\s+mails/.test(sql) ? Promise.reject(new Error('cut')) : session.run(sql, values),
        }),
      ),
  });
  await assert.rejects(station.pass({ wrap }), /cut/);
  const [cut] = await station.storage.evaluation.openAlerts(null);
  assert.equal(cut?.cause?.atMs, at('08:02'));
  isCut = false;
  // The change becomes unknowable meanwhile: the words stay those of the first attempt.
  await station.database.write((session) => session.run('DELETE FROM state_changes'));
  station.at('08:03');
  assert.match(composedText(await station.pass()), /Changed before it: app 1 to 2/);
  station.at('12:10');
  await station.collect({ 'web-1': 'disk / 96' });
  assert.doesNotMatch(composedText(await station.pass()), /Changed before it/);
  const [reminded] = await station.storage.evaluation.openAlerts(null);
  assert.deepEqual([reminded?.cause?.atMs, reminded?.cause?.changes], [at('12:10'), []]);
});

test('explain names the part of a state that is not known, and config.xml that changed', async (t) => {
  const station = await openWorld(t);
  station.at('07:51');
  await station.collect();
  await station.pass();
  station.configure(
    `<alerts mail="ops@example.org" defaults="no"><alert name="disk" type="disk" limit="80%"/></alerts><group name="web">${names.map((name) => client(name)).join('')}</group>`,
  );
  await look(station, 'web-1', at('07:58'), [], 'dpkg-query failed');
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 85' });
  station.at('08:01');
  await station.pass();
  const [found] = await explained(station, 'web-1');
  assert.deepEqual(
    found?.sections.map(({ kind, error }) => [kind, error]),
    [['package', 'dpkg-query failed']],
  );
});
