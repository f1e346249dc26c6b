import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { noOtherAccount } from '../../support/programs/accounts.ts';
import { startLoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { configFolder, exits, runCli } from '../../support/programs/run-cli.ts';

const content = `<config>
  <storage url="mysql://u@127.0.0.1/d" passwordFile="db.password" ca="db-ca.pem"/>
  <smtp host="mail.example.org" username="u" passwordFile="smtp.password" ca="folder"/>
  <notify command="/nope/page"/>
  <notify command="./plain"/>
  <notify command="sh"/>
  <ssh privateKey="id" knownHosts="hosts" agent="none"/>
  <alerts><mail to="a@example.org"/><webhook name="w" url="https://192.0.2.1/" ca="w.pem"/></alerts>
  <client ip="192.0.2.1" passwordFile="there"/>
  <client ip="192.0.2.2" privateKey="id"/>
  <client ip="192.0.2.4" privateKey="there"/>
  <client ip="192.0.2.5" privateKey="torn"/>
  <client ip="192.0.2.3" privateKey="old" state="retired"/>
  <serve port="5999" tlsCert="a.pem" tlsKey="a.key"><look/></serve>
  <alertmanager url="http://192.0.2.1:9093" ca="m.pem"/>
  <replies imap="imaps://fleet@192.0.2.1/INBOX" passwordFile="there" ca="r.pem"/>
</config>`;

test('check names each missing file once, with its element, its line and who needs it', async (t) => {
  const dir = configFolder(t, content);
  mkdirSync(path.join(dir, 'folder'));
  for (const name of ['there', 'plain']) writeFileSync(path.join(dir, name), 'word\n', { mode: 0o600 });
  writeFileSync(path.join(dir, 'torn'), '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n', { mode: 0o600 });
  const { status, stdout } = await runCli(['check'], { cwd: dir });
  assert.equal(status, 0, 'another machine may have them');
  const said = stdout.split('\n').flatMap((line) => /^warning: (config\.xml:\d+: <\w+ \w+>: .*)/.exec(line)?.[1] ?? []);
  assert.deepEqual(said, [
    `config.xml:2: <storage passwordFile>: ${dir}/db.password does not exist; collect and alert need it`,
    `config.xml:2: <storage ca>: ${dir}/db-ca.pem does not exist; collect and alert need it`,
    `config.xml:3: <smtp passwordFile>: ${dir}/smtp.password does not exist; alert needs it`,
    `config.xml:3: <smtp ca>: ${dir}/folder is no regular file; alert needs it`,
    'config.xml:4: <notify command>: /nope/page does not exist; alert needs it',
    'config.xml:5: <notify command>: ./plain cannot be executed by this account; alert needs it',
    `config.xml:7: <ssh privateKey>: ${dir}/id does not exist; collect needs it`,
    `config.xml:7: <ssh knownHosts>: ${dir}/hosts does not exist; collect needs it`,
    `config.xml:8: <webhook ca>: ${dir}/w.pem does not exist; alert needs it`,
    `config.xml:11: <client privateKey>: ${dir}/there is no key; collect needs it`,
    `config.xml:12: <client privateKey>: ${dir}/torn is damaged: its end is missing; collect needs it`,
    `config.xml:14: <serve tlsCert>: ${dir}/a.pem does not exist; serve needs it`,
    `config.xml:14: <serve tlsKey>: ${dir}/a.key does not exist; serve needs it`,
    `config.xml:15: <alertmanager ca>: ${dir}/m.pem does not exist; alert needs it`,
    `config.xml:16: <replies ca>: ${dir}/r.pem does not exist; alert needs it`,
  ]);
});

test('check names each webhook whose URL its format cannot use, and never the URL', async (t) => {
  const dir = configFolder(
    t,
    `<config><alerts><webhook name="bot" format="telegram" url="https://api.telegram.org/botT0KEN/sendMessage"/>
      <webhook name="room" format="matrix" urlFile="room.url"/><webhook name="later" format="gotify" urlEnv="NO_SUCH"/>
      <webhook name="good" format="pushover" url="https://T0KEN@api.pushover.net/user"/></alerts><client ip="192.0.2.1"/></config>`,
  );
  writeFileSync(path.join(dir, 'room.url'), 'https://T0KEN@matrix.example.org/#room\n', { mode: 0o600 });
  const { status, stdout } = await runCli(['check'], { cwd: dir });
  assert.equal(status, 0);
  assert.match(
    stdout,
    /webhook bot: the URL in config\.xml is not of the form https:\/\/TOKEN@api\.telegram\.org\/CHAT;/,
  );
  assert.match(stdout, /webhook room: the URL in .*\/room\.url is not of the form https:\/\/TOKEN@matrix\./);
  assert.doesNotMatch(stdout, /T0KEN|webhook (?:later|good): /);
});

test('check names a file that this account cannot read', { skip: noOtherAccount }, async (t) => {
  const dir = configFolder(t, '<config><client ip="192.0.2.1" passwordFile="word"/></config>');
  writeFileSync(path.join(dir, 'word'), 'word\n', { mode: 0o600 });
  for (const place of [dir, path.join(dir, 'config.xml')]) chownSync(place, 65_534, 65_534);
  chmodSync(dir, 0o755);
  const { stdout, stderr } = await runCli(['check'], { cwd: dir, uid: 65_534 });
  assert.equal(stderr, '');
  assert.match(stdout, /word cannot be read by this account; collect needs it/);
});

test('check --connect fails for a notify command that cannot be started', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  fleet.configure('<notify command="/nope/page"/><notify command="sh"/>');
  const unusable = /failed: notify \/nope\/page: \/nope\/page does not exist \(mail-unavailable\)\./;
  const { stdout } = await exits(1, fleet.run(['check', '--connect']), { stdout: unusable });
  assert.match(stdout, /^Failed: notify \/nope\/page\. Works: /m);
});
