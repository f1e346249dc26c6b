/** The page of events, and its document. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { configFolder } from '../../../support/programs/run-cli.ts';
import { until } from '../../../support/until.ts';
import { openEndpoint } from '../support/event-endpoints.ts';
import { serveFolder } from '../support/served-fleet.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';

const config = `<config><collector every="1d"/>
  <alerts zone="UTC"><alert type="event" service="backup*" within="26h"/></alerts>
  <client name="nas" ip="192.0.2.7"/></config>`;

/** The events of the tests. */
const sent = [
  { host: 'nas', service: 'backup', status: 'CRIT', description: 'old news' },
  { host: 'nas', service: 'backup', instance: 'home', status: 'OK', description: '' },
  { host: 'nas', service: 'backup', status: 'OK', description: '3 GB' },
  { host: '<i>x', service: 'cron', status: 'WARN', description: '<script>alert(1)</script>' },
  { host: '', service: 'backup-laptop', status: 'OK', description: 'gone', ttl: 60 },
  { host: 'web', service: 'deploy', status: 'UNKNOWN', description: '' },
];

/** Stores the events. The laptop's is old: its time to live has passed. */
async function store({ dir, post, stored }: Awaited<ReturnType<typeof openEndpoint>>): Promise<void> {
  for (const event of sent) assert.equal((await post(JSON.stringify(event))).status, 200);
  await until(() => stored('id').length === sent.length, 'the events are no rows');
  const database = openBeside(path.join(dir, 'state', 'fleet.db'));
  database.exec("UPDATE events SET received_at = '2026-01-02 00:00:00.000' WHERE service = 'backup-laptop'");
  database.close();
}

test('the newest event of each service: the worst first, escaped, with the time of its silence', async (t) => {
  const endpoint = await openEndpoint(t, { parts: '<look/><events/>' }, configFolder(t, config));
  const { ask } = endpoint;
  const empty = await ask('/events/newest');
  assert.equal(empty.status, 200);
  assert.match(empty.body, /None has come yet\. <code translate="no">fleet-health events url SERVICE<\/code>/);
  assert.match(empty.body, /<a href="\/events\/newest" aria-current="page">Events<\/a>/);
  await store(endpoint);
  const { body } = await ask('/events/newest');
  assert.match(body, /5 services heard of, 3 of them silent or not OK\./);
  const rows = [...body.matchAll(/<tr class="(\w+)"><td><span class="mark">(\w+)<\/span><\/td>.*?"name">([^<]*)</g)];
  assert.deepEqual(
    rows.map(([, ...cells]) => cells.join(' ')),
    [
      ...['critical silent backup-laptop', 'warning WARN cron', 'failing UNKNOWN deploy'],
      ...['fine OK backup', 'fine OK backup/home'],
    ],
  );
  assert.match(body, /<span class="words">after OK: gone<\/span>/);
  assert.match(body, /<td>&lt;i&gt;x<\/td>.*&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.match(body, /<a href="\/c\/nas" translate="no">nas<\/a>/);
  assert.doesNotMatch(body, /<script>|old news/);
  assertDocument(JSON.parse((await ask('/api/v1/events')).body) as EventsDocument);
});

interface EventsDocument {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

function assertDocument(document: EventsDocument): void {
  const of = (service: string): Readonly<Record<string, unknown>> =>
    document.events.find((event) => event['service'] === service) ?? {};
  const { received_at: receivedAt, silence_due: due, ...backup } = of('backup');
  assert.deepEqual(backup, {
    ...{ host: 'nas', service: 'backup', instance: '', status: 'OK', description: '3 GB' },
    silent: false,
  });
  assert.equal(Date.parse(String(due)) - Date.parse(String(receivedAt)), 26 * 3_600_000);
  assert.equal(of('cron')['silence_due'], null);
  assert.equal(of('backup-laptop')['silent'], true);
}

test('without <events/> there is no such page, and none in the navigation', async (t) => {
  const { ask } = await serveFolder(t, configFolder(t, config), { parts: '<look/>' });
  for (const path of ['/events/newest', '/api/v1/events']) {
    const { status, body } = await ask(path);
    assert.equal(status, 404);
    assert.doesNotMatch(body, />Events</);
  }
});
