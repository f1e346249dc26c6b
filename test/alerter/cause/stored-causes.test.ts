// Second tier: each cause, found in stored rows.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { explainClient } from '../../../src/alerter/explain/explain-client.ts';
import type { StateKind } from '../../../src/report/report.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { stateItem } from '../../storage/support/state-samples.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { times } from '../../support/times.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { bound, openStation, type Station } from '../support/station.ts';
import { Died } from '../support/moments.ts';
import { at } from '../support/rows.ts';
import { client } from '../support/fleet-passes.ts';

const hour = 3_600_000;
const names = Array.from({ length: 8 }, (_, index) => `web-${index + 1}`);

interface World {
  readonly alerts?: string;
  readonly clients?: readonly string[];
  /** The time of the last look before that of the test. Default: 06:00. */
  readonly lookedAtMs?: number;
}

/** Opens a group whose members have had a state for a month. */
async function openWorld(t: TestContext, { alerts = '', clients = names, lookedAtMs }: World = {}): Promise<Station> {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const members = clients
    .map((name, index) => client(name, index < 4 ? 'labels="rack=r3"' : 'labels="rack=r4"'))
    .join('');
  const elements = `<alerts mail="ops@example.org" defaults="no" ${alerts}><alert name="disk" type="disk" limit="90%"/></alerts><group name="web">${members}</group>`;
  const station = await openStation({ storage, elements });
  t.after(() => station.close());
  for (const name of clients) await look(station, name, at('08:00') - 720 * hour, ['app amd64\t1', 'base all\t1']);
  for (const name of clients) await look(station, name, lookedAtMs ?? at('06:00'), ['app amd64\t1', 'base all\t1']);
  return station;
}

async function look(
  { storage }: Station,
  name: string,
  atMs: number,
  lines: readonly string[],
  { kind = 'package', error = null }: { readonly kind?: StateKind; readonly error?: string | null } = {},
) {
  const section = { kind, digest: stateDigest(lines), error, lines: error === null ? lines : null };
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
  assert.match(
    text,
    /Changed before it: app 1 to 2 and libapp 2 installed, 15 min before, on web-1 alone of 8 in web\./,
  );
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

const alone = { clients: ['web-1'], lookedAtMs: at('08:00') - 60 * hour };

/** Brings web-1 back after two days, or after five minutes: it booted meanwhile, and all of this has changed. */
async function comeBack(
  station: Station,
  kinds: Readonly<Partial<Record<StateKind, readonly string[]>>>,
  awayMs = 48 * hour,
): Promise<string> {
  const sections = (lines: (kind: StateKind) => readonly string[]) =>
    (Object.keys(kinds) as StateKind[]).map((kind) => {
      const own = lines(kind);
      return { kind, digest: stateDigest(own), error: null, lines: own };
    });
  const store = async (atMs: number, lines: (kind: StateKind) => readonly string[]): Promise<void> => {
    const [result] = await station.storage.reports.ingest([stateItem('web-1', atMs, sections(lines))]);
    assert.equal(result?.kind, 'stored');
  };
  const before: typeof kinds = { system: ['boot\tone'], package: ['zlib all\t1'] };
  station.at(at('08:00') - awayMs);
  await station.collect({});
  await store(station.nowMs() + 20_000, (kind) => before[kind] ?? []);
  station.at('08:00');
  await station.collect({ 'web-1': 'disk / 96, disk /srv 97, uptime 240' });
  await store(station.nowMs() + 20_000, (kind) => kinds[kind] ?? []);
  station.at('08:02');
  return composedText(await station.pass());
}

test('what changed while a client was away is one line, the rarest first, with its boot', async (t) => {
  const station = await openWorld(t, alone);
  await look(station, 'web-1', alone.lookedAtMs, [], { kind: 'file' });
  const text = await comeBack(station, {
    package: ['app amd64\t2', 'lib amd64\t2', 'vim amd64\t2'],
    // Edited 40 hours before: its own time is known.
    file: [`/etc/app.conf\t1\t${(at('08:00') - 40 * hour) / 1000}`],
    account: ['backup\t34 /var/backups /bin/sh backup', 'zoe\t1001 /home/zoe /bin/bash sudo'],
    system: ['boot\ttwo'],
  });
  const names = 'new account zoe in sudo, booted 4 min before, new /etc/app.conf';
  const rest = 'and 5 more changes (fleet-health changes web-1 --since 2026-11-17)';
  assert.ok(text.includes(`Changed while it was away: ${names} ${rest}. `), text);
  assert.equal(text.split('Changed ').length, 2, 'one line');
  const [found] = await explained(station, 'web-1');
  assert.deepEqual(
    found?.sets.map(({ verdict, changes, bootBeforeMs }) => [verdict, changes.length, bootBeforeMs]),
    [['while-away', 8, 240_000]],
  );
});

test('a client that was never away, or one that nobody asks about, is told as before', async (t) => {
  const station = await openWorld(t, alone);
  const text = await comeBack(station, { system: ['boot\ttwo'] }, hour / 12);
  assert.match(text, /Changed before it: booted, 4 min before\./);
  const silent = await openWorld(t, { ...alone, alerts: 'cause="no"' });
  assert.doesNotMatch(await comeBack(silent, { system: ['boot\ttwo'] }), /Changed/);
});

test('a rack that fails after its own rollout is said to be one', async (t) => {
  const station = await openWorld(t);
  const rack = names.slice(0, 4);
  const text = await incident(station, rack, rack);
  assert.match(text, /on all 4 that fail and on none of the other 4 of web\. They are also all of rack=r3\./);
});

test('a line about alerts of several subjects says before which of them something changed', async (t) => {
  const station = await openWorld(t);
  for (const name of names.slice(0, 4)) await look(station, name, at('07:45'), ['app amd64\t1', 'base all\t1']);
  for (const name of names.slice(0, 4)) await look(station, name, at('07:50'), upgraded);
  const full = names.slice(0, 7).map((name, index) => [name, index < 4 ? 'disk / 96' : 'disk /srv 96'] as const);
  await station.collect(Object.fromEntries(full));
  station.at('08:02');
  const text = composedText(await station.pass());
  assert.match(
    text,
    /disk \(7 of 8 clients\).*Changed before \/: app 1 to 2 and libapp 2 installed,.*on all 4 that fail/,
  );
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
            isCut && /INTO\s+mails/.test(sql) ? Promise.reject(new Died('cut')) : session.run(sql, values),
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

test('explain names the part of a state that is not known, and a mail says that config.xml changed', async (t) => {
  const station = await openWorld(t);
  station.at('07:51');
  await station.collect();
  await station.pass();
  station.configure(
    `<alerts mail="ops@example.org" defaults="no"><alert name="disk" type="disk" limit="80%"/></alerts><group name="web">${names.map((name) => client(name)).join('')}</group>`,
  );
  await look(station, 'web-1', at('07:58'), [], { error: 'dpkg-query failed' });
  station.at('08:00');
  const run = await station.collect({ 'web-1': 'disk / 85' });
  const digestSql = "UPDATE runs SET config_digest = 'another' WHERE id = ?";
  await station.database.write((session) => session.run(digestSql, [run]));
  station.at('08:01');
  assert.match(composedText(await station.pass()), /config\.xml changed \d+ min before it\./);
  const [found] = await explained(station, 'web-1');
  assert.deepEqual(
    found?.sections.map(({ kind, error }) => [kind, error]),
    [['package', 'dpkg-query failed']],
  );
});

const eighty = times(80, (index) => `web-${index + 1}`);

test('a client that lies about its state forges no cause for another of 80', async (t) => {
  const station = await openWorld(t, { clients: eighty });
  // The liar claims at each visit what could explain the alert of another, and fails like it.
  for (const minutes of [40, 45, 50, 55])
    await look(station, 'web-7', at(`07:${minutes}`), [`disk amd64\t${minutes}`, 'app amd64\t1', 'base all\t1']);
  await station.collect({ 'web-1': 'disk / 96', 'web-7': 'disk / 96' });
  station.at('08:02');
  const text = composedText(await station.pass());
  const [found] = await explained(station, 'web-1');
  assert.deepEqual(found?.sets, []);
  const alerts = await station.storage.evaluation.openAlerts(null);
  const namedOf = (name: string) => alerts.find(({ client }) => client === name)?.cause?.changes ?? [];
  assert.deepEqual(namedOf('web-1'), []);
  for (const { failing } of namedOf('web-7')) assert.deepEqual(failing, [1, 2]);
  assert.doesNotMatch(text, /Changed before it: [^.]*web-1\b/);
});

test('a client that lies about its state may silence the test of its group, and no more', async (t) => {
  const station = await openWorld(t, { clients: eighty.slice(0, 20) });
  const [rack, liars] = [eighty.slice(0, 4), eighty.slice(4, 5)];
  const text = await incident(station, [...rack, ...liars], rack);
  assert.match(
    text,
    /app 1 to 2 and libapp 2 installed, 15 min before, on all 4 that fail and on 1 of the other 16 of web/,
  );
});

test('a restless file is never named, and explain says why', async (t) => {
  const station = await openWorld(t);
  const file = (day: number): readonly string[] => [`/etc/resolv.conf\t${String(day).padStart(32, 'a')}\t1`];
  for (const day of times(8, (index) => 8 - index))
    await look(station, 'web-1', at('07:50') - day * 24 * hour, file(day), { kind: 'file' });
  await look(station, 'web-1', at('07:50'), file(0), { kind: 'file' });
  await station.collect({ 'web-1': 'disk / 96' });
  station.at('08:02');
  assert.doesNotMatch(composedText(await station.pass()), /Changed before it/);
  const [found] = await explained(station, 'web-1');
  assert.deepEqual(
    found?.sets.map(({ verdict, changes }) => [verdict, changes.map(({ item }) => item)]),
    [['restless', ['/etc/resolv.conf']]],
  );
});

test('a first look is no cause, and a boot of one machine is', async (t) => {
  const station = await openWorld(t);
  const system = (boot: string) => [`boot\t${boot}`, 'kernel\t6.1'];
  for (const name of names.slice(1)) await look(station, name, at('07:40'), system(name), { kind: 'system' });
  await look(station, 'web-2', at('07:55'), system('another'), { kind: 'system' });
  await look(station, 'web-1', at('07:56'), system('first'), { kind: 'system' });
  await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 97' });
  station.at('08:02');
  await station.pass();
  const [first, second] = [await explained(station, 'web-1'), await explained(station, 'web-2')];
  assert.deepEqual(first[0]?.sets, []);
  assert.deepEqual(
    second[0]?.sets.map(({ changes }) => changes.map(({ item }) => item)),
    [['boot']],
  );
});
