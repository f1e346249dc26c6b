/** Conditions of a site whose clients several collectors share: cycles of the site count, not runs of one collector. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { readSites } from '../../../src/alerter/absence/cycles.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { SeenClient } from '../../../src/storage/store/fleet-store.ts';
import { configOf } from '../support/config-of.ts';
import { client, lost, run, seen, startPasses } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';

const shared = (site: string): string =>
  `<storage url="mysql://fleet@127.0.0.1/fleet" password="word"/><collector share="yes" site="${site}"/>`;
const webs = ['web-1', 'web-2', 'web-3'];
const config = configOf(`<alerts zone="UTC"/>${shared('fra')}${webs.map((name) => client(name)).join('')}`);
const sites = new Map([
  ['a', 'fra'],
  ['b', 'fra'],
  ['c', 'fra'],
  ['far', 'ber'],
]);

const runOf = (collectorId: string, time: string, over: Partial<RunFact> = {}): RunFact =>
  run(time, {
    id: `${collectorId} ${time}`,
    collectorId,
    host: `hq-${collectorId}`,
    clients: 1,
    succeeded: 1,
    ...over,
  });

/** Runs at times such as `a 08:00`. */
const runsOf = (...times: readonly string[]): readonly RunFact[] =>
  times.map((text) => {
    const [collectorId = '', time = ''] = text.split(' ');
    return runOf(collectorId, time);
  });

describe('the clients of a shared site', () => {
  const silent = (visited: string): readonly SeenClient[] => [
    seen('web-1', '08:00', { lastVisitAtMs: at(visited) + 1000 }),
    seen('web-2', visited),
    seen('web-3', visited),
  ];

  test('are missed in cycles, whoever finished a run of one', () => {
    const { pass } = startPasses(config);
    const runs = [...runsOf('a 08:00', 'b 08:00', 'c 08:00', 'a 08:05')];
    runs.push(runOf('b', '08:05', { outcome: 'running', finishedAtMs: null }), ...runsOf('b 08:10', 'c 08:15'));
    assert.deepEqual(pass('08:16', runs, { seen: silent('08:15'), sites }), ['web-1 no-report firing']);
  });

  test('are not missed by runs that found all visited', () => {
    const { pass } = startPasses(config);
    const runs = [...runsOf('a 08:00', 'b 08:00')];
    const everybody = { seen: silent('08:00'), sites };
    for (const time of ['08:01', '08:02', '08:03']) {
      runs.push(runOf('b', time, { clients: 0, succeeded: 0, finishedAtMs: at(time) + 1000 }));
      assert.deepEqual(pass(time, runs, everybody), [], time);
    }
  });

  test('are missed in no cycle that goes on', () => {
    const { pass } = startPasses(config);
    const runs = [...runsOf('a 08:00', 'a 08:05', 'a 08:10', 'a 08:15')];
    runs.push(runOf('b', '08:15', { outcome: 'running', finishedAtMs: null }));
    assert.deepEqual(pass('08:16', runs, { seen: silent('08:15'), sites }), ['web-1 no-report pending']);
    runs.push(...runsOf('a 08:20'));
    assert.deepEqual(pass('08:21', runs, { seen: silent('08:20'), sites }), ['web-1 no-report firing']);
  });

  test('are not missed by other sites once all its collectors are gone, unless no collector has the site', () => {
    const labelled = configOf(
      `<alerts zone="UTC"/>${shared('ber')}${webs.map((name) => client(name, 'labels="site=fra"')).join('')}`,
    );
    const all = webs.map((name) => seen(name, '08:00'));
    const runs = [...runsOf('a 08:00', 'far 08:00', 'far 08:05', 'far 08:10', 'far 08:15', 'far 08:20')];
    const gone = startPasses(labelled);
    assert.deepEqual(gone.pass('08:06', runs.slice(0, 3), { seen: all, sites }), []);
    assert.deepEqual(gone.pass('08:21', runs, { seen: all, sites }), ['collector-silent a firing']);
    const misspelt = startPasses(labelled);
    const onlyFar = { seen: all, sites: new Map([['far', 'ber']]) };
    const others = runs.slice(1);
    assert.deepEqual(
      misspelt.pass('08:06', others.slice(0, 2), onlyFar),
      webs.map((name) => `${name} no-report pending`),
    );
    assert.deepEqual(
      misspelt.pass('08:21', others, onlyFar),
      webs.map((name) => `${name} no-report firing`),
    );
  });
});

test('a site without a network is one alert for each collector, though a bastion has more clients than a share', () => {
  const [direct, behind] = [8, 12].map((count, place) =>
    Array.from({ length: count }, (_, index) => `${place === 0 ? 'web' : 'rack'}-${10 * place + index + 1}`),
  );
  const all = [...(direct ?? []), ...(behind ?? [])];
  const fleet = configOf(`${shared('fra')}<bastion name="gate" ip="192.0.2.99" username="u"/>
    ${all.map((name) => client(name, name.startsWith('rack') ? 'proxyJump="gate"' : '')).join('')}`);
  const times = ['08:00', '08:05'];
  const parts = [all.filter((_, index) => index % 2 === 0), all.filter((_, index) => index % 2 === 1)];
  const before = parts.flatMap((names, index) =>
    lost(fleet, times, 'connect-timeout', names, (time) => `${'ab'[index] ?? ''} ${time}`),
  );
  const failed = { clients: 10, succeeded: 0, failed: 10 };
  const runs = times.flatMap((time) => [runOf('a', time, failed), runOf('b', time, failed)]);
  assert.deepEqual(startPasses(fleet, before).pass('08:07', runs, { sites }), [
    'collector-isolated a firing',
    'collector-isolated b firing',
  ]);
});

test('a collector whose clients refuse the login is not isolated by what another one loses at the same time', () => {
  const names = Array.from({ length: 6 }, (_, index) => `web-${index + 1}`);
  const fleet = configOf(`${shared('fra')}${names.map((name) => client(name)).join('')}`);
  const times = ['08:00', '08:05'];
  // Collector a loses three of its clients to the network. Three clients of collector b refuse the login.
  const before = lost(fleet, times, 'connect-timeout', names.slice(0, 3), (time) => `a ${time}`);
  const failed = { clients: 3, succeeded: 0, failed: 3 };
  const runs = times.flatMap((time) => [runOf('a', time, failed), runOf('b', time, failed)]);
  assert.deepEqual(startPasses(fleet, before).pass('08:07', runs, { sites }), ['collector-isolated a firing']);
});

test('two collectors that visit the same clients, without share, are isolated both', () => {
  const names = Array.from({ length: 6 }, (_, index) => `web-${index + 1}`);
  const fleet = configOf(names.map((name) => client(name)).join(''));
  const times = ['08:00', '08:05'];
  // The newest visit of half of the clients is a visit by a, that of the other half a visit by b.
  const before = [names.slice(0, 3), names.slice(3)].flatMap((some, index) =>
    lost(fleet, times, 'connect-timeout', some, (time) => `${'ab'[index] ?? ''} ${time}`),
  );
  const failed = { clients: 6, succeeded: 0, failed: 6 };
  const runs = times.flatMap((time) => [runOf('a', time, failed), runOf('b', time, failed)]);
  const notified = ['collector-isolated a firing', 'collector-isolated b firing'];
  assert.deepEqual(startPasses(fleet, before).pass('08:07', runs), notified);
});

test('an isolated collector has not recovered while its next run goes on', () => {
  const names = Array.from({ length: 6 }, (_, index) => `web-${index + 1}`);
  const fleet = configOf(`${shared('fra')}${names.map((name) => client(name)).join('')}`);
  const times = ['08:00', '08:05'];
  const before = lost(fleet, times, 'connect-timeout', names, (time) => `a ${time}`);
  const failed = { clients: 6, succeeded: 0, failed: 6 };
  const runs = times.map((time) => runOf('a', time, failed));
  const { pass, stored } = startPasses(fleet, before);
  assert.deepEqual(pass('08:07', runs, { sites }), ['collector-isolated a firing']);
  for (const [id, alert] of [...stored].slice(0, 3)) {
    stored.set(id, { ...alert, progress: { ...alert.progress, lastRun: 'a 08:10', lastAtMs: at('08:11') } });
  }
  const goesOn = runOf('a', '08:10', { outcome: 'running', finishedAtMs: null, succeeded: null, failed: null });
  assert.deepEqual(pass('08:11', [...runs, goesOn], { sites }), []);
  const better = runOf('a', '08:10', { ...failed, succeeded: 3, failed: 3 });
  assert.deepEqual(pass('08:12', [...runs, better], { sites }), ['collector-isolated a recovered 08:11']);
});

test('sites are read where collectors share a fleet, and nowhere else', async () => {
  const store = { sharingSites: () => Promise.resolve(sites) };
  assert.equal(await readSites(config, store), sites);
  const alone = { sharingSites: () => assert.fail('read') };
  assert.deepEqual(await readSites(configOf(client('web-1')), alone), new Map());
});
