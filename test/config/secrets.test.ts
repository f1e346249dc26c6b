import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { test } from 'node:test';

import { ConfigError } from '../../src/config/xml/findings.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { Secret } from '../../src/config/secret.ts';
import {
  clientOf,
  configFile,
  configFolder,
  faultsOf,
  faultsOfFile,
  faultsOfText,
  load,
  nowMs,
} from './support/config-files.ts';

const isRoot = process.getuid?.() === 0;

function faultsOfMode(file: string, mode: number): string[] {
  chmodSync(file, mode);
  return faultsOfFile(file);
}

/** Configurations with a literal secret, and the place of the secret. */
const literal: readonly (readonly [string, string])[] = [
  ['client password', '<client ip="10.0.0.1" password="hunter2"/>'],
  ['group passphrase', '<group passphrase="hunter2"><client ip="10.0.0.1"/></group>'],
  ['ssh password', '<ssh password="hunter2"/><client ip="10.0.0.1"/>'],
  ['bastion password', '<bastion name="b" ip="10.0.0.9" password="hunter2"/><client ip="10.0.0.1"/>'],
  ['storage password', '<storage url="mysql://u@h/d" password="hunter2"/><client ip="10.0.0.1"/>'],
  ['storage url', '<storage url="mysql://u:hunter2@h/d"/><client ip="10.0.0.1"/>'],
  ['smtp password', '<smtp host="m" username="u" password="hunter2"/><client ip="10.0.0.1"/>'],
];

for (const [where, children] of literal) {
  test(`a literal secret (${where}) needs a file that only its owner reads`, () => {
    const file = configFile(`<config>${children}</config>`);
    const notified = (mode: number): string[] => faultsOfMode(file, mode);
    assert.deepEqual(notified(0o600), []);
    assert.deepEqual(notified(0o400), []);
    assert.deepEqual(notified(0o640), [], 'our own group');
    const open = 'config.xml: holds a secret (line 1) and can be read by everybody; run: chmod 600 config.xml';
    assert.deepEqual(notified(0o644), [open]);
    assert.deepEqual(notified(0o604), [open]);
    assert.throws(() => loadConfig({ file, nowMs }), ConfigError);
    assert.throws(() => loadConfig({ file, nowMs }), { code: 'config-permissions', exitStatus: 2 });
    assert.doesNotThrow(() => loadConfig({ file, nowMs, checkPermissions: false }));
  });
}

test('the mode of a secret that a container gets is set where it gets it', { skip: !isRoot }, (t) => {
  mkdirSync('/run/secrets', { recursive: true });
  const file = `/run/secrets/fleet-health-${process.pid}`;
  t.after(() => rmSync(file));
  writeFileSync(file, 'hunter2\n', { mode: 0o444 });
  const children = `<smtp host="m" username="u" passwordFile="${file}"/><client ip="10.0.0.1"/>`;
  const [notified = ''] = faultsOfFile(configFile(`<config>${children}</config>`));
  assert.match(notified, /can be read by everybody; give it the mode 0400 where the container gets it/);
  chmodSync(file, 0o400);
  assert.deepEqual(faultsOfFile(configFile(`<config>${children}</config>`)), []);
});

test('the command that is named mends it', () => {
  const folder = configFolder({ "it's here/config.xml": '<config><client ip="10.0.0.1" password="x"/></config>' });
  const file = path.join(folder, "it's here/config.xml");
  chmodSync(file, 0o606);
  const [notified = ''] = faultsOf(() => loadConfig({ file, nowMs }), 'no folder');
  assert.ok(notified.endsWith(`run: chmod 600 '${file.replace("'", String.raw`'\''`)}'`), notified);
});

test('a group that is not ours reads no secrets', { skip: isRoot ? false : 'needs root' }, () => {
  const file = configFile('<config><client ip="10.0.0.1" password="x"/></config>');
  chownSync(file, 0, 54_321);
  chmodSync(file, 0o640);
  assert.deepEqual(faultsOfFile(file), [
    'config.xml: holds a secret (line 1) and can be read by the group 54321, which is not ours; run: chmod ' +
      '600 config.xml',
  ]);
  chmodSync(file, 0o600);
  assert.deepEqual(faultsOfFile(file), []);
});

test('files of secrets and keys are checked where they are, and missed where they are not', () => {
  const clients = '<client ip="10.0.0.1"/>\n<client ip="10.0.0.2" passwordFile="none-here"/>';
  const text = `<config>\n<ssh passwordFile="secret" privateKey="key"/>${clients}</config>`;
  const folder = configFolder({ 'config.xml': text, secret: 'x', key: 'x' });
  const file = path.join(folder, 'config.xml');
  chmodSync(file, 0o644);
  assert.deepEqual(faultsOfFile(file), []);
  chmodSync(path.join(folder, 'secret'), 0o644);
  chmodSync(path.join(folder, 'key'), 0o604);
  assert.deepEqual(faultsOfFile(file), [
    'config.xml:2: the secret file secret can be read by everybody; run: chmod 600 secret',
    'config.xml:2: the secret file key can be read by everybody; run: chmod 600 key',
  ]);
});

test('the public half of a key is no secret, whatever its type', () => {
  for (const type of ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'sk-ssh-ed25519@openssh.com', 'ssh-rsa']) {
    const client = '<client ip="10.0.0.1"/>';
    const files = { 'config.xml': `<config><ssh agent="env" privateKey="key.pub"/>${client}</config>` };
    const folder = configFolder({ ...files, 'key.pub': `${type} AAAAC3NzaC1lZDI1NTE5AAAAI me@here\n` });
    chmodSync(path.join(folder, 'key.pub'), 0o644);
    assert.deepEqual(faultsOfFile(path.join(folder, 'config.xml')), [], type);
  }
});

test('a secret file that this account cannot look at is no fault of the configuration', () => {
  for (const key of ['/k'.repeat(1000), `/${'x'.repeat(300)}`, 'config.xml/key']) {
    assert.deepEqual(faultsOfText(`<config><client ip="10.0.0.1" privateKey="${key}"/></config>`), []);
  }
});

test('without literal secrets anybody may read the file, and nobody else write it', () => {
  const file = configFile('<config><client ip="10.0.0.1" agent="env" mail="a@b"/></config>');
  const own = process.geteuid?.() ?? 0;
  const notified = (mode: number): string[] => faultsOfMode(file, mode);
  for (const mode of [0o644, 0o444, 0o600]) assert.deepEqual(notified(mode), []);
  assert.deepEqual(notified(0o646), ['config.xml: can be written by everybody; run: chmod go-w config.xml']);
  assert.deepEqual(notified(0o666), ['config.xml: can be written by everybody; run: chmod go-w config.xml']);
  chownSync(file, own, process.getegid?.() ?? 0);
  // The group whose number equals the account's belongs to the account alone, and may write. Accounts with umask 002
  // have such a group.
  if (process.getegid?.() === own) assert.deepEqual(notified(0o664), []);
  assert.throws(() => loadConfig({ file: (notified(0o666), file), nowMs }), {
    code: 'config-permissions',
    exitStatus: 2,
  });
});

/** Files with this owner, group and mode, and root's refusal of the file; null: root accepts the file. */
const owners = [
  { what: 'root’s, readable by the service account', uid: 0, gid: 54_321, mode: 0o640, says: null },
  { what: 'root’s, of group root, writable by it', uid: 0, gid: 0, mode: 0o660, says: null },
  {
    ...{ what: 'root’s, writable by another group', uid: 0, gid: 54_321, mode: 0o664 },
    says: /: can be written by the group 54321; run: chmod go-w /,
  },
  {
    ...{ what: 'another account’s', uid: 54_321, gid: 54_321, mode: 0o600 },
    says: /: belongs to account 54321, whose commands would run as account 0; /,
  },
  {
    ...{ what: 'another account’s, read-only', uid: 54_321, gid: 0, mode: 0o444 },
    says: /; run this as that account, or, .*: sudo chown root /,
  },
];

for (const { what, uid, gid, mode, says } of owners) {
  for (const [which, name] of Object.entries({ 'config.xml': 'config.xml', 'an included file': 'more.d/web.xml' })) {
    const title = `${which}, ${what}: ${says === null ? 'taken' : 'refused, with what mends it'}`;
    test(title, { skip: isRoot ? false : 'needs root to give a file away' }, () => {
      const inner = '<include file="more.d/*.xml"/><notify command="/bin/true"/><client ip="10.0.0.1"/>';
      const included = '<config><client ip="10.0.0.2"/></config>';
      const folder = configFolder({ 'config.xml': `<config>${inner}</config>`, 'more.d/web.xml': included });
      chownSync(path.join(folder, name), uid, gid);
      chmodSync(path.join(folder, name), mode);
      const notified = faultsOfFile(path.join(folder, 'config.xml'));
      if (says === null) assert.deepEqual(notified, []);
      else {
        assert.equal(notified.length, 1, notified.join('\n'));
        assert.ok(notified[0]?.startsWith(`${name}: `), notified[0]);
        assert.match(notified[0] ?? '', says);
      }
    });
  }
}

test('a link to another account’s file is that file', { skip: isRoot ? false : 'needs root' }, () => {
  const folder = configFolder({ 'theirs.xml': '<config><client ip="10.0.0.1"/></config>' });
  chownSync(path.join(folder, 'theirs.xml'), 54_321, 54_321);
  symlinkSync('theirs.xml', path.join(folder, 'config.xml'));
  const notified = faultsOfFile(path.join(folder, 'config.xml'));
  assert.match(notified[0] ?? '', /^config\.xml: belongs to account 54321/);
});

test('permissions are reported together with all other faults', () => {
  const file = configFile('<config><client ip="10.0.0.1" password="x" port="x"/></config>');
  chmodSync(file, 0o644);
  assert.throws(() => loadConfig({ file, nowMs }), { code: 'config-invalid' });
  assert.equal(faultsOfFile(file).length, 2);
});

test('a secret shows itself to nobody but reveal', () => {
  const config = load(`<storage url="mysql://u:hunter2@h/d"/><smtp host="m" username="u" password="hunter2"/>
     <client ip="10.0.0.1" password="hunter2" passphrase="hunter2"/>`);
  const secret = clientOf(config).ssh.password;
  assert.ok(secret !== null);
  assert.equal(secret.reveal(), 'hunter2');
  assert.ok(config.storage.kind === 'mysql');
  assert.equal(config.storage.password?.reveal(), 'hunter2');
  for (const text of [
    inspect(config, { depth: null, showHidden: true }),
    JSON.stringify(config),
    String(secret),
    inspect(secret, { showHidden: true, customInspect: false }),
    Object.entries(secret).join(),
    JSON.stringify(structuredClone(JSON.parse(JSON.stringify(config)))),
  ]) {
    assert.doesNotMatch(text, /hunter2/);
  }
});

test('no fault repeats a secret, however the file is broken around it', () => {
  const broken = [
    '<client ip="10.0.0.1" password="hunter2" passwordFile="x"/>',
    '<client ip="10.0.0.1" pasword="hunter2"/>',
    '<client ip="10.0.0.1" Password="hunter2"/>',
    '<client ip="10.0.0.1" password=hunter2/>',
    '<client ip="10.0.0.1" password="x"hunter2"/>',
    '<client ip="10.0.0.1" password="x&hunter2;"/>',
    '<client ip="10.0.0.1" password="x<hunter2"/>',
    '<client ip="10.0.0.1" password="hunter2',
    '<client ip="10.0.0.1" password="\u{1}hunter2"/>',
    '<client ip="10.0.0.1">hunter2</client>',
    '<client ip="10.0.0.1"><password>hunter2</password></client>',
    '<client ip="10.0.0.1" __proto__="x" password="hunter2"/>',
    '<storage url="mysql://u:hunter2@h"/>',
    '<storage url="mysql://u:hunter2@h/d" password="hunter2"/>',
    '<storage url="hunter2" passwordFile="x"/>',
    '<heartbeat url="hunter2"/>',
    '<heartbeat url="http://hunter2 x/"/>',
  ];
  for (const children of broken) {
    const folder = configFolder({ 'config.xml': `<config>${children}</config>` });
    try {
      loadConfig({ file: path.join(folder, 'config.xml'), nowMs });
      assert.fail(`taken: ${children}`);
    } catch (thrown) {
      assert.ok(thrown instanceof ConfigError, children);
      const shown = inspect(thrown, { depth: null, showHidden: true }) + String(thrown.stack);
      assert.doesNotMatch(shown, /hunter2/, children);
    }
  }
});

test('secrets of files and the environment are read when they are wanted, not before', () => {
  const folder = configFolder({ secret: 'first line\r\nsecond\n', empty: '' });
  const file = (name: string): Secret => new Secret({ kind: 'file', path: path.join(folder, name) });
  assert.equal(file('secret').reveal(), 'first line');
  writeFileSync(path.join(folder, 'secret'), 'changed');
  assert.equal(file('secret').reveal(), 'changed');
  const unset = new Secret({ kind: 'env', name: 'FLEET_TEST_NOT_SET' });
  for (const [secret, message] of [
    [file('empty'), /empty is empty$/],
    [file('not-there'), /^the secret's file .*not-there does not exist$/],
    [file(''), /it is a folder/],
    [unset, /^\$FLEET_TEST_NOT_SET is not set$/],
  ] as const) {
    assert.throws(() => secret.reveal(), { code: 'secret-missing', message });
  }
  assert.equal(file('secret').origin, path.join(folder, 'secret'));
  assert.equal(new Secret({ kind: 'env', name: 'X' }).origin, '$X');
  assert.equal(new Secret({ kind: 'literal', value: 'hunter2' }).origin, 'config.xml');
});

test('a credential of systemd is read where it lies, whatever its mode says of the group', (t) => {
  const folder = configFolder({ 'credentials/smtp': 'hunter2\n' });
  // The ACL of a credential appears in its mode as rights of the group root.
  chmodSync(path.join(folder, 'credentials/smtp'), 0o444);
  const children = '<client ip="10.0.0.1" passwordFile="$CREDENTIALS_DIRECTORY/smtp"/>';
  t.after(() => delete process.env['CREDENTIALS_DIRECTORY']);
  process.env['CREDENTIALS_DIRECTORY'] = path.join(folder, 'credentials');
  assert.equal(clientOf(load(children)).ssh.password?.reveal(), 'hunter2');
  delete process.env['CREDENTIALS_DIRECTORY'];
  const message = '$CREDENTIALS_DIRECTORY/smtp: systemd has passed no credentials (LoadCredential=)';
  assert.throws(() => clientOf(load(children)).ssh.password?.reveal(), { code: 'secret-missing', message });
});

test('a password is taken to the letter, spaces and entities included', () => {
  const config = load('<client ip="10.0.0.1" password=" a&amp;b&quot; "/>');
  assert.equal(clientOf(config).ssh.password?.reveal(), ' a&b" ');
  assert.match(faultsOfText('<config><client ip="10.0.0.1" password=""/></config>')[0] ?? '', /password is empty/);
});
