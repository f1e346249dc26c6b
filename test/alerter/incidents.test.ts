/** A whole alerter and a program that keeps incidents, such as PagerDuty. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { openReceiver } from '../support/servers/http-receiver.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stationFor, type Says } from './support/station.ts';

const dir = tempFolder();
const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
const all = (clients: readonly string[], said: string): Says => Object.fromEntries(clients.map((name) => [name, said]));

interface Event {
  readonly event_action: string;
  readonly dedup_key: string;
  readonly payload?: { readonly summary: string; readonly custom_details: { readonly clients?: readonly string[] } };
}

/** Opens an alerter with a webhook for PagerDuty. `run` collects, passes, and returns the events of the pass. */
async function openKeeper(t: TestContext, clients: string) {
  const receiver = await openReceiver(t);
  receiver.act(() => ({ status: 202 }));
  const url = `${receiver.origin.replace('//', '//KEY@')}/v2/enqueue`;
  const elements = `<collector every="15m" runDeadline="10m"/>
    <alerts groupInterval="1m"><webhook name="page" format="pagerduty" url="${url}"/>
    <alert type="disk" critical="95%"/></alerts>${clients}`;
  const storage = sqliteConfig(path.join(dir, `${randomUUID()}.db`));
  const station = await stationFor(t, { storage, elements, smtp: null });
  return async (time: string, says: Says = {}): Promise<readonly Event[]> => {
    const before = receiver.received.length;
    station.at(time);
    await station.collect(says);
    station.at(station.nowMs() + 60_000);
    await station.pass();
    return receiver.received.slice(before).map(({ body }) => JSON.parse(body) as Event);
  };
}

const actions = (events: readonly Event[]): readonly string[] => events.map((event) => event.event_action);
const keys = (events: readonly Event[]): readonly string[] => events.map((event) => event.dedup_key);
const clientsOf = (events: readonly Event[]) => events.map(({ payload }) => payload?.custom_details.clients);

test('what is one line of a mail is one incident, and ends with the last client of the line', async (t) => {
  const run = await openKeeper(
    t,
    `<bastion name="gate" ip="192.0.2.99" username="u"/>
     <group name="rack" proxyJump="gate"><client name="r-[1-6]" ip="198.51.100.[1-6]" username="u"/></group>
     <client name="web-[1-6]" ip="192.0.2.[1-6]" username="u"/><client name="db-[1-9]" ip="203.0.113.[1-9]" username="u"/>`,
  );
  const [rack, web] = [names('r', 6), names('web', 6)];
  const lost = { ...all(rack, 'fails connect-refused'), ...all(web, 'fails auth-failed') };
  await run('07:45');
  assert.deepEqual(await run('08:00', lost), []);
  const begun = await run('08:15', lost);
  assert.deepEqual(actions(begun), ['trigger', 'trigger']);
  assert.deepEqual(clientsOf(begun), [rack, web]);
  assert.match(begun[0]?.payload?.summary ?? '', /^bastion gate: 6 of 6 behind it unreachable/);
  assert.match(begun[1]?.payload?.summary ?? '', /^6 clients unreachable: login refused/);
  const [gate = '', logins = ''] = keys(begun);
  assert.notEqual(gate, logins);
  // The reminder is about the same incidents.
  const reminded = await run('20:15', lost);
  assert.deepEqual(
    [actions(reminded), keys(reminded)],
    [
      ['trigger', 'trigger'],
      [gate, logins],
    ],
  );
  await run('20:30', all(web, 'fails auth-failed'));
  const back = await run('20:45', all(web, 'fails auth-failed'));
  assert.deepEqual([actions(back), keys(back)], [['resolve'], [gate]]);
  // Two of six are back: the incident goes on.
  await run('21:00', all(web.slice(2), 'fails auth-failed'));
  assert.ok(!keys(await run('21:15', all(web.slice(2), 'fails auth-failed'))).includes(logins));
  await run('21:30');
  assert.ok(keys(await run('21:45')).includes(logins));
});

test('a client that is alone unreachable is an incident of its own', async (t) => {
  const run = await openKeeper(t, '<client name="web-[1-6]" ip="192.0.2.[1-6]" username="u"/>');
  const lost = all(['web-1', 'web-2'], 'fails auth-failed');
  await run('07:45');
  await run('08:00', lost);
  const begun = await run('08:15', lost);
  assert.deepEqual(
    [actions(begun), clientsOf(begun)],
    [
      ['trigger', 'trigger'],
      [undefined, undefined],
    ],
  );
  await run('08:30', all(['web-2'], 'fails auth-failed'));
  const [first = '', second = ''] = keys(begun);
  const back = keys(await run('08:45', all(['web-2'], 'fails auth-failed')));
  assert.ok(back.includes(first) && !back.includes(second));
});

test('nothing is triggered while the newest value is good, and what flaps comes and goes', async (t) => {
  const run = await openKeeper(t, '<client name="web-1" ip="192.0.2.1" username="u"/>');
  const said: string[] = [];
  const disks = [96, 50, 50, 96, 50, 50, 50, 96, 50, 50, 96, 96, ...Array<number>(16).fill(50)];
  const startMs = Date.UTC(2026, 10, 20, 8);
  await run('07:45');
  for (const [index, percent] of disks.entries()) {
    const time = new Date(startMs + index * 900_000).toISOString().slice(11, 16);
    for (const { event_action: action, payload } of await run(time, { 'web-1': `disk / ${percent}` })) {
      said.push(`${time} ${percent} ${action} ${payload?.summary ?? ''}`.trim());
    }
  }
  const bad = said.filter((line) => line.includes('trigger'));
  assert.ok(bad.length > 1 && bad.every((line) => line.includes(' 96 trigger ')), said.join('\n'));
  assert.match(bad.at(-1) ?? '', /trigger comes and goes: web-1: disk \/: 96 % \(limit 95 %\)$/);
  assert.match(said.at(-1) ?? '', /resolve web-1: disk \/: 50 % \(limit 95 %\)$/);
});
