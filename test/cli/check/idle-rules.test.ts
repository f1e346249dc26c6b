import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explainClient } from '../../../src/alerter/explain/explain-client.ts';
import { explanationText } from '../../../src/cli/alerts/explain-words.ts';
import { findIdleRules, findUnknownRules, idleWords, unknownRuleJson } from '../../../src/cli/check/idle-rules.ts';
import { createOutput } from '../../../src/cli/terminal/output.ts';
import { readerTime } from '../../../src/cli/terminal/reader-time.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import { at } from '../../alerter/support/rows.ts';
import { stationFor, type Station } from '../../alerter/support/station.ts';
import { everyMs } from '../../alerter/support/time-line.ts';
import { worker } from '../../report/support/sample-report.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { item, ordinaryWorkers } from '../../storage/support/samples.ts';
import { pluck } from '../../support/pluck.ts';

const elements = `<alerts zone="UTC"><mail to="ops@example.org"/>
    <alert type="service" unit="nginx.service" state="active"/>
    <alert metric="clock_synchronised" op="lt" limit="1"/>
    <alert type="temperature" sensor="no-such*" limit="80"/>
    <alert type="temperature" sensor="cpu*" limit="80"/>
    <alert type="swap" limit="50%"/>
    <alert type="cpu" limit="90%"/>
  </alerts>
  <client name="alpine-1" ip="192.0.2.1"/><client name="web-1" ip="192.0.2.2"/>`;

const sensors = worker('temperatures', [{ name: 'temperature', data: [{ sensor: 'cpu 0', celsius: 40 }] }]);

const withSystemd: readonly WorkerReport[] = [
  ...ordinaryWorkers().filter(({ name }) => !['services', 'swap', 'clock'].includes(name)),
  worker('swap', [{ name: 'swap', data: [{ total_bytes: 1, used_bytes: 0, used_percent: 0 }] }]),
  worker('services', [
    { name: 'services', data: [{ failed_units: 0 }] },
    { name: 'unit', data: [{ unit: 'nginx.service', state: 'active', active: 1 }] },
  ]),
  worker('clock', [{ name: 'clock', data: [{ synchronised: 1 }] }]),
  sensors,
];

const unknown = (field: string, reason: string) => ({ field, reason });
const withoutSystemd: readonly WorkerReport[] = [
  ...ordinaryWorkers().filter(({ name }) => !['services', 'swap', 'clock'].includes(name)),
  worker('swap', [
    { name: 'swap', data: [{ total_bytes: 0, used_percent: null }], unknown: [unknown('used_percent', 'no swap')] },
  ]),
  worker('services', [
    { name: 'services', data: [{ failed_units: null }], unknown: [unknown('failed_units', 'no systemd')] },
    { name: 'unit', data: [{ unit: 'nginx.service', active: null }], unknown: [unknown('active', 'no systemd')] },
  ]),
  worker('temperatures', [{ name: 'temperature', data: [] }]),
];

async function play(station: Station, workersOf: (visit: number) => readonly WorkerReport[]): Promise<void> {
  for (const visit of [0, 1, 2]) {
    station.at(at('08:00') + visit * everyMs);
    const observedAtMs = station.nowMs();
    await station.storage.reports.ingest([
      item({ client: 'alpine-1', observedAtMs, workers: workersOf(visit) }),
      item({ client: 'web-1', observedAtMs, workers: withSystemd }),
    ]);
    await station.pass();
  }
}

onEachDatabase('rules that cannot evaluate a client', (kit) => {
  test('explain says of each of them why, in the words of the client, and since when', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await play(station, (visit) => (visit === 0 ? withSystemd : withoutSystemd));
    const config = station.config();
    const [client] = config.clients;
    assert.ok(client);
    const nowMs = station.nowMs();
    const asked = { config, storage: station.storage, isWanted: () => true, nowMs, firstPass: false };
    const explained = await explainClient({ ...asked, client });
    const { rules } = explained;
    const unknown = rules.flatMap(({ rule, unknown }) =>
      unknown === null || rule.origin !== 'file' ? [] : [[rule.name, unknown.reason, unknown.sinceMs]],
    );
    const fromSecond = at('08:05');
    assert.deepEqual(unknown, [
      ['service unit=nginx.service', 'no systemd', fromSecond],
      ['clock_synchronised', 'its reports do not say it', fromSecond],
      ['temperature sensor=no-such*', 'its reports list nothing that it selects', at('08:00')],
      ['temperature sensor=cpu*', 'its reports list nothing that it selects', fromSecond],
      ['swap', 'no swap', fromSecond],
    ]);
    const service = rules.find(({ rule }) => rule.name === 'service');
    assert.equal(service?.unknown?.reason, 'no systemd', 'defaults too');
    const output = createOutput({ json: false, verbosity: 'normal', stdout: process.stdout, stderr: process.stderr });
    const text = explanationText(output, config, { ...explained, head: [] }, { nowMs, detailed: false });
    assert.match(text, /swap \(.*\).*: unknown since 2026-11-20 08:05 \(5m ago\): no swap\n/);
  });

  test('check names the rules that cannot evaluate some client, and those that match nothing of any', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await play(station, () => withoutSystemd);
    const found = await findUnknownRules(station.config(), station.storage.history);
    const idle = found.map(({ name, clients }) => [name, ...clients]);
    assert.deepEqual(idle, [
      ['service unit=nginx.service', 'alpine-1'],
      ['clock_synchronised', 'alpine-1'],
      ['temperature sensor=no-such*', 'alpine-1', 'web-1'],
      ['swap', 'alpine-1'],
    ]);
    const words = idleWords([], found, readerTime(station.config(), at('08:15')));
    assert.equal(
      words[0],
      'line 2: service unit=nginx.service cannot evaluate alpine-1 since 2026-11-20 08:00 (15m ago): ' +
        'fleet-health explain alpine-1',
    );
    assert.match(words[2] ?? '', /cannot evaluate 2 clients, alpine-1 among them, since/);
    const swap = { name: 'swap', line: 6, clients: ['alpine-1'], since: '2026-11-20T08:00:00.000Z' };
    assert.deepEqual(found.map(unknownRuleJson)[3], swap);
  });

  test('check names the rules for checks that no client reports and config.xml has not', async (t) => {
    const rule = (check: string): string => `<alert type="check" check="${check}"/>`;
    const station = await stationFor(t, {
      storage: await kit.migrated(),
      elements: `<alerts><mail to="ops@example.org"/>
        ${['disk', 'd*,!disk', 'local/*', 'load', '/etc/*', 'mailq'].map(rule).join('\n')}
        <alert type="check"/></alerts>
        <client name="web-1" ip="192.0.2.1"><check name="load" command="true"/></client>
        <client name="web-2" ip="192.0.2.2"/>
        <client name="new" ip="192.0.2.3"><check name="mailq" command="true"/></client>`,
    });
    const result = { format: 'nagios', exit: 0, why: null, output: 'OK', age_s: 0 } as const;
    const observedAtMs = at('08:00');
    await station.storage.reports.ingest([
      item({
        client: 'web-1',
        observedAtMs,
        checks: [
          { ...result, name: 'disk' },
          { ...result, name: 'local', format: 'checkmk', output: '0 raid - well' },
        ],
        refused: [{ path: '/etc/fleet-health/checks.d/x.conf', why: 'untrusted: /etc' }],
      }),
      item({ client: 'web-2', observedAtMs }),
    ]);
    const { clients } = station.config();
    const found = await findIdleRules(clients, station.storage.history);
    assert.deepEqual(
      found.map(({ name, what, line, clients: count }) => [name, what, line, count]),
      [
        ['check check=d*,!disk', 'check', 3, 2],
        ['check check=/etc/*', 'check', 6, 2],
        ['check check=mailq', 'check', 7, 2],
      ],
    );
    const words = idleWords(found.slice(0, 1), [], readerTime(station.config(), at('08:15')));
    assert.deepEqual(words, [
      'line 3: check check=d*,!disk (2 clients) matches no check of the newest reports and no <check>',
    ]);
  });

  test('one report without a figure is no reason for a warning', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await play(station, (visit) => (visit === 2 ? withoutSystemd : withSystemd));
    const found = await findUnknownRules(station.config(), station.storage.history);
    assert.deepEqual(pluck(found, 'name'), ['temperature sensor=no-such*']);
  });
});
