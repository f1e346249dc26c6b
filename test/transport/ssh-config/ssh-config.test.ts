/** The reading of ssh_config, compared with the output of `ssh -G` for the same files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, test } from 'node:test';

import { askSshConfig } from '../../../src/transport/ssh-config/ssh-config.ts';
import { fails, failure } from '../../support/ssh/login.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';
import { ask, homedir, inWordsOfSsh, load, ofSsh, self, sshSays, uid } from './support/ssh-says.ts';

const dir = tempFolder();
const corpus = path.join(import.meta.dirname, '../../testdata/ssh-config');
cpSync(corpus, dir, { recursive: true });
mkdirSync(path.join(dir, 'parts/glob.d/folder.conf'));
for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
  if (!/\.(?:conf|inc2?)$/.test(name) || name.endsWith('folder.conf')) continue;
  const file = path.join(dir, name);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('@DIR@', dir));
}

const isMissing = spawnSync('ssh', ['-V']).error !== undefined;

describe('like ssh -G', () => {
  const files = readdirSync(corpus).filter((name) => name.endsWith('.conf'));
  const cases = files.flatMap((name) => {
    const [, hosts = ''] = /^# ask: (.*?)\r?$/m.exec(readFileSync(path.join(corpus, name), 'utf8')) ?? [];
    return hosts
      .split(' ')
      .filter((host) => host !== '')
      .map((host) => ({ name, host }));
  });
  it('has something to compare', () => {
    assert.ok(files.length >= 15 && cases.length >= 50, `${files.length} files, ${cases.length} cases`);
  });
  for (const { name, host } of cases) {
    it(`${name}: ${host}`, (t) => {
      const file = path.join(dir, name);
      if (isMissing) {
        assert.ok(!process.env['CI'], 'needs ssh');
        t.skip('needs ssh (openssh-client)');
        return;
      }
      const said = sshSays(file, host);
      assert.ok(said !== null, 'ssh refuses the file');
      assert.deepEqual(inWordsOfSsh(ask(file, host)), ofSsh(said));
    });
  }
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['User', /:1: User has no argument/],
  ['User bob alice', /:1: User has more than one argument/],
  ['User == bob', /:1: User has more than one argument/],
  ['User "bob', /:1: a quote is not closed/],
  ['\nPort abc', /:2: Port is no port number/],
  ['Port 70000', /Port is no port number/],
  ['Host other\nPort abc', /:2: Port is no port number/],
  ['Host', /:1: Host has no argument/],
  ['Host "" web', /Host has an empty pattern/],
  ['Match foo bar', /Match has a criterion that ssh does not know/],
  ['Include ""', /Include has an empty argument/],
  ['Match host', /Match host has no pattern/],
  ['Match all host web', /Match all cannot be followed/],
  ['AddressFamily IPv6', /AddressFamily is none of any, inet, inet6/],
  ['StrictHostKeyChecking maybe', /StrictHostKeyChecking is none of/],
  ['ConnectTimeout -3', /ConnectTimeout is no time/],
  ['ConnectTimeout 5 6', /more than one argument/],
  ['IdentityFile a b', /IdentityFile has more than one argument/],
  ['UserKnownHostsFile none ~/x', /UserKnownHostsFile has none among others/],
  ['Port nosuchservice', /Port is no port number/],
  ['Include', /Include has no argument/],
];
describe('what ssh refuses', () => {
  for (const [text, says] of refused) {
    it(JSON.stringify(text), async () => {
      const file = path.join(dir, 'refused');
      writeFileSync(file, `${text}\n`);
      assert.equal(sshSays(file, 'web'), null, 'ssh takes it');
      const loading = Promise.resolve().then(() => load(file));
      const error = await fails(loading, 'config-invalid', says);
      assert.ok(error.message.startsWith(file), error.message);
    });
  }

  it('files that include each other for ever', async () => {
    const file = path.join(dir, 'circle');
    writeFileSync(file, `Include ${file}\n`);
    const error = await failure(Promise.resolve().then(() => load(file)));
    assert.match(error.message, /include each other more than 16 deep/);
  });

  it('an included file that others can write to, or that is of somebody else', async () => {
    const [file, inner] = [path.join(dir, 'outer'), path.join(dir, 'inner')];
    writeFileSync(file, `Include ${inner}\n`);
    writeFileSync(inner, 'User u\n');
    const isRefused = async (): Promise<void> => {
      assert.equal(sshSays(file, 'web'), null, 'ssh takes it');
      const error = await failure(Promise.resolve().then(() => load(file)));
      assert.ok(error.message.startsWith(`${inner}: it belongs to somebody else`), error.message);
    };
    chmodSync(inner, 0o666);
    await isRefused();
    chmodSync(inner, 0o644);
    assert.equal(ask(file, 'web').values.user?.value, 'u');
    if (uid !== 0) return;
    chownSync(inner, 65_534, 65_534);
    await isRefused();
  });

  it('a file that is none, and one that is not there', async () => {
    await fails(
      Promise.resolve().then(() => load(dir)),
      'config-invalid',
    );
    assert.deepEqual([...askSshConfig([load(path.join(dir, 'none'))], web).first], []);
  });
});

const web = { host: 'web', user: null, address: null, self };

function write(text: string): string {
  const file = path.join(dir, 'written');
  writeFileSync(file, text);
  return file;
}

test('Include takes the files that its pattern matches, whatever else the folder holds', () => {
  const { values } = ask(path.join(dir, 'include-globs.conf'), 'web');
  assert.deepEqual([values.user?.value, values.port], ['ops', null]);
});

describe('tokens as in ssh 10', () => {
  const table: readonly (readonly [string, Record<string, unknown>])[] = [
    ['User %u-%n', { user: `${self.user}-web` }],
    ['User ${FH_TEST_WORD}', { user: 'word' }],
    ['ProxyJump ops@hop:22\nUser %j', { user: 'hop' }],
    ['Tag t\nMatch tagged t\n User x', { user: 'x' }],
    ['Match tagged ""\n User x', { user: 'x' }],
    ['Match tagged *\n User x', { user: undefined }],
    ['Include @/%h.inc', { user: 'of-web' }],
    ['Include ${FH_TEST_DIR}/w*.inc', { user: 'of-web' }],
    ['Host other\n Include @/%h.inc', { user: undefined }],
    ['HostName WW\nInclude @/%h.inc', { user: undefined }],
  ];
  writeFileSync(path.join(dir, 'web.inc'), 'User of-web\n');
  self.environment['FH_TEST_DIR'] = dir;
  for (const [text, expected] of table) {
    it(JSON.stringify(text), () => {
      const { values } = ask(write(`${text.replaceAll('@/', `${dir}/`)}\n`), 'web');
      assert.deepEqual({ user: values.user?.value }, expected);
      assert.deepEqual(values.notes, []);
    });
  }

  it('files that include each other by name end at the limits', async () => {
    const file = write(`Include ${dir}/writte%%\nInclude ${dir}/%n\nInclude ${dir}/%n\n`);
    writeFileSync(path.join(dir, 'loop'), `Include ${dir}/%n\nInclude ${dir}/%n\n`);
    await fails(
      Promise.resolve().then(() => ask(file, 'loop')),
      'config-invalid',
      /more than 1000 files|more than 16 deep/,
    );
  });
});

describe('read as ssh reads it, though it looks like another thing', () => {
  for (const text of ['Host # web\n User x', 'ProxyCommand none x', 'ProxyCommand none # c', 'ProxyCommand NONE']) {
    it(JSON.stringify(text), () => {
      const file = write(`${text}\n`);
      const said = sshSays(file, 'web');
      assert.ok(said);
      assert.deepEqual(inWordsOfSsh(ask(file, 'web')), ofSsh(said));
    });
  }
});

describe('an argument that is passed over is named', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['Include ${FH_NOT_SET}/x', /:1: Include has a variable that is not set; passed over$/],
    ['Include ~nobody/x', /:1: Include names the home folder of another account; passed over$/],
    ['IdentityFile ~nobody/x', /:1: IdentityFile names the home folder of another account; passed over$/],
    ['User %C', /:1: User has a token that is not followed; passed over$/],
  ];
  for (const [text, says] of table) {
    it(JSON.stringify(text), () => assert.match(ask(write(`${text}\n`), 'web').values.notes[0] ?? '', says));
  }
});

describe('what only OpenSSH can do', () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['Match exec "true"\n User x', ['Match exec :1 needed']],
    ['Match host db exec "true"\n User x', []],
    // The option is set already, so this line has no effect.
    ['User y\nMatch exec "true"\n User x', []],
    ['Match exec "true"\n ForwardAgent yes', []],
    ['Match exec "true"\n Host web\n User x', []],
    ['Match command ""\n User x', ['Match command :1 needed']],
    ['Match localnetwork 10.0.0.0/8\n HostName x', ['Match localnetwork :1 needed']],
    ['Match exec "true"\n GSSAPIAuthentication yes', ['Match exec :1 needed']],
    ['GSSAPIAuthentication yes', ['GSSAPIAuthentication :1 optional']],
    ['GSSAPIAuthentication no\nGSSAPIAuthentication yes', []],
    ['CanonicalizeHostname always', ['CanonicalizeHostname :1 needed']],
    ['PKCS11Provider none', []],
    ['pkcs11provider /usr/lib/x.so', ['pkcs11provider :1 needed']],
    ['RevokedHostKeys /etc/revoked', ['RevokedHostKeys :1 needed']],
    ['Host db\n RevokedHostKeys /etc/revoked', []],
  ];
  for (const [text, expected] of table) {
    it(JSON.stringify(text), () => {
      const file = write(text);
      const { opensshOnly } = askSshConfig([load(file)], web);
      const shortly = opensshOnly.map(
        ({ option, place, needed }) => `${option} ${place.replace(file, '')} ${needed ? 'needed' : 'optional'}`,
      );
      assert.deepEqual(shortly, expected);
    });
  }
});

test('nothing is run', () => {
  const ran = path.join(dir, 'ran');
  const file = write(`Match exec "touch ${ran}"\n User x\nHost *\n KnownHostsCommand /usr/bin/touch ${ran}\n`);
  askSshConfig([load(file)], web);
  assert.ok(!existsSync(ran));
});

test('options that are not followed or not known are named once, with their place', () => {
  const file = write('IgnoreUnknown Q*\nFrobnicate 1\nFrobnicate 2\nQuux 3\nSendEnv LANG\nUser x\nHost db\n Other 1\n');
  const { passedOver } = askSshConfig([load(file)], web);
  assert.deepEqual(passedOver, [
    { option: null, place: `${file}:2`, known: false },
    { option: 'SendEnv', place: `${file}:5`, known: true },
  ]);
});

test('several files: the first value of all', () => {
  const first = write('Host web\n User first\n');
  const second = path.join(dir, 'second');
  writeFileSync(second, 'User second\nPort 5\n');
  const answer = askSshConfig([load(first), load(second)], web);
  assert.deepEqual(
    [...answer.first].map(([name, { args, place }]) => ({ name, arg: args[0], place })),
    [
      { name: 'user', arg: 'first', place: `${first}:2` },
      { name: 'port', arg: '5', place: `${second}:2` },
    ],
  );
});

test('what is said already is what Match compares', () => {
  const file = load(write('Match host 10.0.0.1\n Port 1\nMatch user ops\n ConnectTimeout 3\n'));
  const asked = askSshConfig([file], { ...web, address: '10.0.0.1', user: 'ops' });
  assert.deepEqual([...asked.first.keys()], ['port', 'connecttimeout']);
  assert.deepEqual([...askSshConfig([file], web).first.keys()], []);
});

test('tokens that cannot be replaced are named, and their files passed over', () => {
  const asked = ask(write('IdentityFile ~/%Z\nIdentityFile ${FH_NOT_SET}/x\nIdentityFile ~/ok\n'), 'web');
  const found = asked.values.identityFiles.map(({ value }) => value);
  assert.deepEqual(found, [path.join(homedir, 'ok')]);
  assert.equal(asked.values.notes.length, 2);
  assert.match(asked.values.notes[0] ?? '', /:1: IdentityFile has a token that is not followed; passed over$/);
  assert.match(asked.values.notes[1] ?? '', /:2: IdentityFile has a variable that is not set; passed over$/);
});

test('StrictHostKeyChecking no is never "accept any"', () => {
  for (const word of ['no', 'off', 'ask', 'yes']) {
    const { values } = ask(write(`StrictHostKeyChecking ${word}\n`), 'web');
    assert.equal(values.policy?.value, 'strict');
    assert.equal(values.notes.length, word === 'no' || word === 'off' ? 1 : 0);
  }
  assert.equal(ask(write('StrictHostKeyChecking accept-new\n'), 'web').values.policy?.value, 'accept-new');
});

test('ten thousand blocks are read once and asked for ten thousand hosts in a moment', () => {
  const lines = Array.from(
    { length: 10_000 },
    (_, index) => `Host h${index}\n HostName 10.0.0.1\n Port ${index + 1}\n`,
  );
  const file = load(write(`${lines.join('')}Host *\n User ops\n`));
  const startedMs = performance.now();
  for (let index = 0; index < 10_000; index += 1) {
    const { first } = askSshConfig([file], { ...web, host: `h${index}` });
    assert.equal(first.get('port')?.args[0], String(index + 1));
  }
  // The limit is a hundred times the usual duration; block by block it would take minutes.
  assertWithin(startedMs, 10_000);
});
