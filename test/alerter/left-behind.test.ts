/** A machine that is back while what it carries is not: the mail about it tells of what is still away. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { openReceiver } from '../support/servers/http-receiver.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stationFor } from './support/station.ts';

const vms = ['a', 'b', 'c']
  .map((name, index) => `<client name="vm-${name}" ip="192.0.2.1${index}" username="u" on="hv-1"/>`)
  .join('');
const away = 'fails connect-refused';
const guests = { 'vm-a': away, 'vm-b': away, 'vm-c': away };

/** The part of Alertmanager's document that says what fires. */
interface Paged {
  readonly alerts: readonly { readonly status: string; readonly labels: { readonly instance: string } }[];
}

test('a hypervisor that is back without its guests names them, in every channel', async (t) => {
  const http = await openReceiver(t);
  const elements = `<collector every="5m"/><alerts zone="UTC"><mail to="ops@example.org"/>
      <webhook name="chat" url="${http.origin}/chat" format="text"/>
      <webhook name="pager" url="${http.origin}/pager" format="alertmanager"/></alerts>
    <client name="hv-1" ip="192.0.2.1" username="u"/>
    ${vms}<client name="db-1" ip="192.0.2.9" username="u"/>`;
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements });
  const subjects: string[] = [];
  const passAt = async (time: string, says: Readonly<Record<string, string>>): Promise<string> => {
    station.at(time);
    await station.collect(says);
    const { events } = await station.pass();
    subjects.length = 0;
    for (const event of events) if (event.kind === 'composed') subjects.push(event.subject);
    return subjects[0] ?? '';
  };
  await passAt('08:00', {});
  for (const time of ['08:05', '08:10']) await passAt(time, { 'hv-1': away, ...guests });
  for (const time of ['08:15', '08:20']) await passAt(time, { 'hv-1': away, ...guests });
  const told: string[] = [];
  for (const time of ['08:25', '08:30', '08:35']) told.push(await passAt(time, guests));
  const [subject = ''] = told.filter((one) => one !== '');
  assert.equal(subject, 'CRITICAL: hv-1 is back, still away: vm-a, vm-b, vm-c (+1 resolved)');
  assert.deepEqual(told.filter((one) => one !== '').length, 1);
  assert.match(station.server.mails.at(-1)?.content ?? '', /hv-1 is back, still away: vm-a, vm-b, vm-c/);
  const bodies = (to: string) => http.received.filter((post) => post.path === to).map(({ body }) => body);
  assert.match(bodies('/chat').at(-1) ?? '', /^CRITICAL: hv-1 is back, still away: vm-a, vm-b, vm-c/);
  const paged = JSON.parse(bodies('/pager').at(-1) ?? '') as Paged;
  const states = paged.alerts.map(({ status, labels }) => `${labels.instance} ${status}`);
  assert.deepEqual(states, ['vm-a firing', 'vm-b firing', 'vm-c firing', 'hv-1 resolved']);
  for (const time of ['08:40', '08:45']) told.push(await passAt(time, {}));
  assert.match(told.at(-1) ?? '', /^Resolved: /);
});
