/** The beginning of an alert is its first bad row, wherever people and programs read of it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { serveFolder } from '../../look/serve/support/served-fleet.ts';
import { item } from '../../storage/support/samples.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { alertFolder, ended, firing } from '../support/stored-alerts.ts';

const clock = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);
// No axis of a plot has a mark at these minutes.
const beganMs = Math.floor(Date.now() / hourMs) * hourMs - 5 * hourMs + 3 * minuteMs;
const firedMs = beganMs + 8 * minuteMs;
const times = { pendingSinceMs: beganMs, firingSinceMs: firedMs };
const resolvedAtMs = beganMs + hourMs;

test('lists, explanations, pages, digests, mails and webhooks have the same beginning', async (t) => {
  const { origin, received } = await openReceiver(t);
  const config = `<config><alerts zone="UTC"><mail to="ops@example.org"/>
      <webhook name="text" url="${origin}/text" format="text"/>
      <webhook name="state" url="${origin}/state" format="alertmanager"/>
      <alert type="disk" warning="85%" critical="95%" for="8m"/></alerts>
    <client name="web-[1-2]" ip="192.0.2.[1-2]"/></config>`;
  const alerts = [firing(times), ended({ ...times, client: 'web-2', resolvedAtMs })];
  const { dir, run, said, ran, json, store } = await alertFolder(t, { config, alerts });
  await ran({ startedAtMs: firedMs + minuteMs });
  await store(({ reports }) => reports.ingest([item({ client: 'web-1', observedAtMs: beganMs - hourMs })]));
  const read: Record<string, string> = {};
  const commands = ['alerts --all', 'explain web-1 disk', 'explain web-2 disk', 'show web-1', 'digest --since 7h'];
  for (const line of commands) read[line] = await said(...line.split(' '));
  await said('report', '--output', 'fleet.html');
  read['report'] = readFileSync(path.join(dir, 'fleet.html'), 'utf8');
  await run('alert');
  const outbox = path.join(dir, 'state', 'outbox');
  for (const file of readdirSync(outbox)) read[file] = readFileSync(path.join(outbox, file), 'utf8');
  for (const { path: to, body } of received) read[to] = body;
  const { ask } = await serveFolder(t, dir, {});
  for (const page of ['/', '/alerts', '/alerts/1', '/alerts/2', '/c/web-1']) read[page] = (await ask(page)).body;
  assert.equal(Object.keys(read).length, commands.length + 1 + readdirSync(outbox).length + 2 + 5);
  const named = Object.entries(read).map(([place, text]) => [place, places(text)]);
  assert.deepEqual(
    named,
    Object.keys(read).map((place) => [place, 'the first bad row']),
  );
  const [first] = (await json('alerts'))['alerts'] as readonly { readonly pending_since: string }[];
  assert.equal(Date.parse(first?.pending_since ?? ''), beganMs, 'documents have both');
});

function places(text: string): string {
  const shown = text.replaceAll(/\b\d{2}:\d{2}:\d{2}\.\d+Z"|=\r?\n/g, (found) => found.replace('=', ''));
  const [isBegin, isFiring] = [shown.includes(clock(beganMs)), shown.includes(clock(firedMs))];
  return `${isBegin ? 'the first bad row' : ''}${isFiring ? 'the row that fired' : ''}`;
}
