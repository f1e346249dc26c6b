/** `init`: a first config.xml from flags alone, which passes `check`. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { exits, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const flags = ['--mail-to', 'ops@example.org, on&call@example.org', '--clients', 'web-1,db-1=192.0.2.7,local'];

test('init writes what was answered, a sender too, and check takes it', async (t) => {
  const dir = tempFolder(t);
  const words = [...flags, '--smtp', 'mail.example.org:465', '--login', 'monitor:/etc/key', '--dir', dir];
  const bin = tempFolder(t);
  writeFileSync(path.join(bin, 'crontab'), '');
  const said = await succeeded(runCli(['init', ...words], { env: { PATH: bin } }));
  const file = path.join(dir, 'config.xml');
  assert.equal(
    said,
    `${file} is written. Next:
  fleet-health -c ${file} check --connect
  fleet-health -c ${file} trust
  fleet-health -c ${file} collect
  fleet-health -c ${file} crontab --install
`,
  );
  assert.equal(statSync(file).mode & 0o777, 0o640);
  const text = readFileSync(file, 'utf8');
  for (const element of [
    ...['<mail to="ops@example.org"/>', '<mail to="on&amp;call@example.org"/>'],
    ...[
      '<smtp host="mail.example.org" port="465" from="fleet-health@example.org"/>',
      '<ssh username="monitor" privateKey="/etc/key"/>',
    ],
    ...['<client name="web-1"/>', '<client name="db-1" ip="192.0.2.7"/>'],
  ]) {
    assert.ok(text.includes(element), `${element} in ${text}`);
  }
  const { status, stdout } = await runCli(['-c', file, 'check']);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /is valid: 3 clients/);
  assert.doesNotMatch(stdout, /<smtp> has no from/);
});

test('init writes the file that -c names', async (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'fleet.xml');
  const said = await succeeded(runCli(['-c', file, 'init', ...flags, '--smtp', 'none'], { cwd: dir }));
  assert.match(said, /fleet\.xml is written\. Next:\n {2}fleet-health -c \S*fleet\.xml check --connect$/m);
  assert.deepEqual(readdirSync(dir), ['fleet.xml']);
  await exits(2, runCli(['-c', file, 'init', ...flags, '--dir', dir]), /give one of them/);
});

test('init takes a file of import, and leaves a config.xml that is there', async (t) => {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, 'hosts.xml'), '<config><client name="a" ip="192.0.2.1"/></config>', { mode: 0o600 });
  const words = ['--mail-to', 'ops@example.org', '--clients', 'hosts.xml', '--smtp', 'none', '--dir', dir];
  await succeeded(runCli(['init', ...words]));
  const text = readFileSync(path.join(dir, 'config.xml'), 'utf8');
  assert.match(text, /<include file="hosts\.xml"\/>/);
  assert.doesNotMatch(text, /<smtp/);
  await exits(2, runCli(['init', ...words]), /exists, and is left as it is/);
  assert.equal(readFileSync(path.join(dir, 'config.xml'), 'utf8'), text);
});

test('init without a terminal names the flags that are missing, and leaves no file with a fault', async (t) => {
  const dir = tempFolder(t);
  await exits(2, runCli(['init', '--dir', dir]), /Give --mail-to and --clients/);
  await exits(2, runCli(['init', '--mail-to', 'nobody', '--clients', 'web-1', '--dir', dir]), /nobody/);
  await exits(2, runCli(['init', ...flags, '--dir', path.join(dir, 'none')]), /there is no folder/);
  const login = ['--mail-to', 'ops@example.org', '--clients', 'root@web-1'];
  await exits(
    2,
    runCli(['init', ...login, '--dir', dir]),
    /"root@web-1" is no host name; write the user as username=.* is not written\./,
  );
  assert.deepEqual(readdirSync(dir), []);
});
