// Second tier: a fleet whose programs are upgraded.
/** The canary through the alerter: its mail, its alert, and who is told of it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { startHttpReceiver } from '../support/servers/http-receiver.ts';
import { startImapServer } from '../support/servers/imap-server.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stationFor } from './support/station.ts';

async function sceneFor(t: TestContext, recipients = '<mail to="ops@example.org, kim@elsewhere.test"/>') {
  const imap = await startImapServer({ password: 'x' });
  const http = await startHttpReceiver();
  t.after(async () => {
    http.stop();
    await imap.stop();
  });
  const elements = `<replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" password="x"/><collector every="5m"/>
    <heartbeat url="${http.origin}/beat"/><canary to="canary@example.org" at="08:00"/>
    <alerts zone="UTC">${recipients}<webhook name="chat" url="${http.origin}/chat" format="text"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`;
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements });
  /** Makes a pass at a time. Returns what it sent: mails by recipient, posts to the chat, and heartbeats. */
  const passAt = async (time: string, exitStatus = 0): Promise<readonly string[]> => {
    station.at(time);
    const [mails, posts] = [station.server.mails.length, http.received.length];
    const { result, events } = await station.pass();
    assert.equal(result.exitStatus, exitStatus);
    const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
    const posted = http.received
      .slice(posts)
      .map(({ path: to, body }) => `${to} ${body.split('\n', 1)[0] ?? ''}`.trim());
    return [...station.server.mails.slice(mails).map(({ to }) => to), ...posted, ...faults];
  };
  const newest = (): string => station.server.mails.findLast(({ to }) => to.startsWith('canary'))?.content ?? '';
  const state = async () => (await station.storage.evaluation.ruleStates([''])).get('')?.canary;
  return { station, imap, passAt, newest, state };
}

test('the first canary goes at once; one that is back is no alert; the next follows a day later', async (t) => {
  const { station, imap, passAt, newest, state } = await sceneFor(t);
  assert.deepEqual(await passAt('08:05'), ['canary@example.org', '/beat']);
  const token =
    /^Subject: Fleet Health canary of 08:05 ([0-9a-f]{24})\r$/m.exec(newest())?.[1] ?? assert.fail(newest());
  assert.match(newest(), new RegExp(`^Message-ID: <canary-${token}@example\\.org>\r$`, 'm'));
  assert.match(newest(), /^X-Auto-Response-Suppress: All\r$/m);
  imap.deliver(newest(), station.nowMs() + 40_000);
  assert.deepEqual(await passAt('08:06'), ['/beat']);
  assert.deepEqual((await state())?.newest, { atMs: station.nowMs(), afterMs: 40_000 });
  assert.deepEqual(await passAt('08:40'), ['/beat']);
  imap.commands.splice(0);
  assert.deepEqual(await passAt('+1 07:59'), ['/beat']);
  // The mailbox is read for replies alone.
  assert.equal(imap.commands.filter((command) => command.includes('SUBJECT')).length, 0);
  assert.deepEqual(await passAt('+1 08:00'), ['canary@example.org', '/beat']);
});

test('a lost canary is told beside its path, without a heartbeat, and so is its end', async (t) => {
  const { station, imap, passAt, newest } = await sceneFor(t);
  for (const time of ['08:00', '08:15', '09:00']) {
    assert.deepEqual(await passAt(time), ['canary@example.org', '/beat'], time);
  }
  assert.deepEqual(await passAt('09:15'), []);
  const [mail = '', chat = ''] = await passAt('09:16');
  assert.equal(mail, 'kim@elsewhere.test');
  assert.match(chat, /^\/chat CRITICAL: the canary of 08:00 did not come back: the mail server took it/);
  assert.deepEqual(await passAt('10:00'), ['canary@example.org']);
  imap.deliver(newest(), station.nowMs() + 5_000);
  assert.deepEqual(await passAt('10:01'), ['/beat']);
  const [end = '', told = ''] = await passAt('10:02');
  assert.equal(end, 'kim@elsewhere.test');
  assert.match(told, /^\/chat Resolved: mail-path/);
  assert.match(station.server.mails.at(-1)?.content ?? '', /the canary of 10:00 was back after 5s/);
});

test('a canary in Junk is a warning; a refused one is named, and nobody is sent a notice of it', async (t) => {
  const { station, imap, passAt, newest } = await sceneFor(t);
  await passAt('08:00');
  imap.junk.push({ uid: 1, arrivedAtMs: station.nowMs(), source: newest() });
  assert.deepEqual(await passAt('08:01'), ['/beat']);
  assert.deepEqual(await passAt('08:02'), [
    'kim@elsewhere.test',
    '/chat Warning: the canary of 08:00 arrived in Junk',
    '/beat',
  ]);
  station.act(({ phase, line }) =>
    phase === 'rcpt' && line.includes('canary') ? '550 5.1.1 no such user' : undefined,
  );
  for (const time of ['+1 08:00', '+1 08:15', '+1 09:00']) await passAt(time, 1);
  for (const time of ['+1 09:01', '+1 09:02']) await passAt(time);
  const [text = ''] = station.server.mails.slice(-1).map(({ content }) => content);
  assert.match(
    text,
    /^ {2}the canary of 08:00 did not come back: it was refused: mail server\r\n.*550 5\.1\.1 no such user\r$/m,
  );
  assert.deepEqual(await station.storage.mails.undelivered(), []);
});

test('a folder that the server does not open is passed over, and an unreadable mailbox is reported once', async (t) => {
  const { station, imap, passAt, newest, state } = await sceneFor(t);
  await passAt('08:00');
  imap.act = (command) => (/^EXAMINE .*Junk/.test(command) ? 'NO [NOPERM] not yours' : undefined);
  assert.deepEqual(await passAt('08:01'), ['/beat']);
  assert.equal((await state())?.unreadSinceMs, null);
  imap.act = (command) => (/^EXAMINE/.test(command) ? 'NO [SERVERBUG] disk' : undefined);
  const [fault = '', ...others] = await passAt('08:02');
  assert.match(`${fault} ${others.join()}`, /^\/beat replies at 127\.0\.0\.1:\d+: disk$/);
  assert.equal((await state())?.unreadSinceMs, station.nowMs());
  imap.act = null;
  imap.deliver(newest(), station.nowMs());
  assert.deepEqual(await passAt('08:03'), ['/beat']);
});
