// Second tier: whole alerters under the inspector.
// Runs alone: others may have loaded the packages before.
/** Packages that an alerter loads only if config.xml needs them. */
import assert from 'node:assert/strict';
import { Session, type Debugger, type InspectorNotification } from 'node:inspector';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { startImapServer } from '../support/servers/imap-server.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stationFor } from './support/station.ts';

/** Returns a function that lists the given packages that this process has loaded. */
function watchLoaded(t: TestContext, packages: readonly string[]): () => readonly string[] {
  const session = new Session();
  session.connect();
  t.after(() => session.disconnect());
  const urls: string[] = [];
  session.on('Debugger.scriptParsed', ({ params }: InspectorNotification<Debugger.ScriptParsedEventDataType>) => {
    urls.push(params.url);
  });
  session.post('Debugger.enable');
  return () => packages.filter((name) => urls.some((url) => url.includes(`/node_modules/${name}/`)));
}

test('what reads replies and mails is loaded only where <replies> stands', async (t) => {
  const loaded = watchLoaded(t, ['imapflow', 'nodemailer', 'postal-mime']);
  const imap = await startImapServer();
  t.after(() => imap.stop());
  const elements = `<collector every="15m"/>
    <alerts zone="UTC" mail="ops@example.org"><digest to="boss@example.org" at="08:00"/>
      <alert type="disk" warning="85%" critical="95%"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`;
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements });
  for (const time of ['07:30', '07:45']) {
    station.at(time);
    await station.collect({ 'web-1': 'disk / 96' });
  }
  station.at('08:00');
  const { arrived } = await station.pass();
  assert.equal(arrived.length, 2, 'an alert and a digest');
  assert.deepEqual(loaded(), ['nodemailer']);
  const login = `password="${imap.password.replaceAll('"', '&quot;')}"`;
  station.configure(`<replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" ${login}/>${elements}`);
  await station.pass();
  assert.deepEqual(loaded(), ['imapflow', 'nodemailer', 'postal-mime']);
});
