// Second tier: a mail server for each refusal.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { openReceiver, type HttpReceiver } from '../support/servers/http-receiver.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { at } from './support/rows.ts';
import { stationFor, type Station } from './support/station.ts';

const minuteMs = 60_000;
const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
const disk = '<alert type="disk" critical="95%"/>';

interface Played {
  readonly station: Station;
  readonly heartbeats: HttpReceiver;
  /** Makes a run and a pass each five minutes. Returns the exit status of each pass. */
  readonly play: (minutes: number, used: number) => Promise<readonly number[]>;
}

async function open(t: TestContext, alerts: string): Promise<Played> {
  const heartbeats = await openReceiver(t);
  const elements = `<collector every="5m"/><heartbeat url="${heartbeats.origin}/alive"/>
    <alerts repeat="12h" groupInterval="1m">${alerts}${disk}</alerts>${client}`;
  const station = await stationFor(t, { storage: sqliteConfig(`${tempFolder(t)}/a.db`), elements });
  let minute = 0;
  const play = async (minutes: number, used: number): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (const end = minute + minutes; minute < end; minute += 5) {
      station.at(at('08:00') + minute * minuteMs);
      await station.collect({ 'web-1': `disk / ${used}` });
      station.at(station.nowMs() + 30_000);
      statuses.push((await station.pass()).result.exitStatus);
    }
    return statuses;
  };
  return { station, heartbeats, play };
}

function subjectsOf(station: Station): readonly string[] {
  const subjects = station.subjects();
  return station.server.mails.map(({ content }) => {
    const id = /^Message-ID: (<.*>)\r?$/im.exec(content)?.[1] ?? '';
    return subjects.get(id) ?? '';
  });
}

test('while a mail about an open alert is refused, each pass ends with 1 and no heartbeat follows', async (t) => {
  const { station, heartbeats, play } = await open(t, '<mail to="ops@example.org"/>');
  assert.deepEqual(await play(5, 50), [0]);
  const before = heartbeats.received.length;
  assert.ok(before > 0);
  station.act(({ phase }) => (phase === 'rcpt' ? '550 5.1.1 no such user' : undefined));
  assert.deepEqual([...new Set(await play(70, 96))], [1]);
  assert.equal(heartbeats.received.length, before);
  const attempts = station.server.lines.filter((line) => /RCPT TO:<ops@/.test(line)).length;
  assert.equal(attempts, 3, 'after 5 minutes, after 15 more, and then hourly');
  station.act(() => undefined);
  const statuses = await play(30, 96);
  assert.deepEqual([statuses[0], statuses.at(-1)], [1, 0]);
  assert.deepEqual(subjectsOf(station), ['CRITICAL web-1: disk / 96 %']);
  assert.ok(heartbeats.received.length > before);
  await play(15, 50);
  assert.deepEqual(subjectsOf(station).slice(1), ['Resolved: web-1 disk /']);
});

test('nobody is notified of the end of an alert that was never delivered: it comes as past', async (t) => {
  const { station, play } = await open(t, '<mail to="ops@example.org"/>');
  await play(5, 50);
  station.act(({ phase }) => (phase === 'dot' ? '554 5.6.0 refused' : undefined));
  await play(30, 96);
  assert.deepEqual([...new Set((await play(30, 50)).slice(2))], [1]);
  station.act(() => undefined);
  await play(65, 50);
  assert.equal(station.server.mails.length, 1);
  assert.match(subjectsOf(station)[0] ?? '', /^Over already: web-1 disk \//);
});

for (const status of [404, 302]) {
  test(`a webhook that answers ${status} gets the open alert when it accepts posts again, and its end after that`, async (t) => {
    const receiver = await openReceiver(t);
    const { play } = await open(t, `<webhook name="chat" url="${receiver.origin}/T0KEN"/>`);
    const states: string[] = [];
    let answer = status;
    receiver.act(({ body }) => {
      if (answer === 200) states.push((JSON.parse(body) as { status: string }).status);
      return { status: answer };
    });
    await play(5, 50);
    assert.deepEqual([...new Set(await play(50, 96))], [1]);
    answer = 200;
    await play(60, 96);
    assert.deepEqual(states, ['firing']);
    await play(15, 50);
    assert.deepEqual(states, ['firing', 'resolved']);
  });
}
