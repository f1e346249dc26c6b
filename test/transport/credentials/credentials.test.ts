/** The credentials of a machine, by the files that are there. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { FleetError } from '../../../src/platform/errors/errors.ts';
import {
  besideKeys,
  certificateBeside,
  type Credentials,
  noKeyAdvice,
  revealCredentials,
  SshAgent,
} from '../../../src/transport/credentials/credentials.ts';
import { loadPrivateKey, opensshPrivateKey } from '../../../src/transport/credentials/private-key.ts';
import type { HopCredentials } from '../../../src/transport/route/hop.ts';
import { literal } from '../../support/ssh/both-transports.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();
const file = (name: string): string => path.join(dir, name);
const write = (name: string, text: string): void => writeFileSync(file(name), text, { mode: 0o600 });

const { privateKey } = generateKeyPairSync('ed25519');
write('own', opensshPrivateKey(privateKey));
const publicLine = `ssh-ed25519 ${loadPrivateKey(file('own'), null).publicBlob.toString('base64')} a comment\n`;
const encrypted = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
});
for (const name of ['encrypted', 'encrypted-with-half']) write(name, String(encrypted));
for (const half of ['public', 'encrypted-with-half.pub', 'gone-with-half.pub']) write(half, publicLine);
write('damaged', 'no key at all\n');

const none: HopCredentials = { password: null, privateKeys: [], passphrase: null, agent: null, identitiesOnly: false };
const required = (...names: readonly string[]): Partial<HopCredentials> => ({
  privateKeys: names.map((name) => ({ path: file(name), optional: false })),
});
const optional = (...names: readonly string[]): Partial<HopCredentials> => ({
  privateKeys: names.map((name) => ({ path: file(name), optional: true })),
});
const [password, agent] = [literal('secret'), '/nowhere/agent.sock'];

interface Found {
  readonly keys?: number;
  readonly agent?: true;
  readonly password?: true;
  readonly problem?: RegExp;
}

/** Settings of config.xml and ssh_config, with what they give. */
const found: readonly (readonly [what: string, wanted: Partial<HopCredentials>, found: Found])[] = [
  ['nothing', {}, {}],
  ['a password', { password }, { password: true }],
  ['a key', required('own'), { keys: 1 }],
  ['a key under its passphrase', { ...required('encrypted'), passphrase: literal('right') }, { keys: 1 }],
  ['a default key that is missing, beside a password', { ...optional('gone'), password }, { password: true }],
  [
    'a named key that is missing, beside a password',
    { ...required('gone'), password },
    { password: true, problem: /gone: the file does not exist$/ },
  ],
  [
    'two keys, one of them damaged',
    required('damaged', 'own'),
    { keys: 1, problem: /^privateKey \S+damaged: it is no key$/ },
  ],
  [
    'two keys that cannot be used, beside a third',
    required('damaged', 'own', 'gone'),
    { keys: 1, problem: /damaged: it is no key; privateKey \S+gone: the file does not exist$/ },
  ],
  ['an agent', { agent }, { agent: true }],
  ['an agent and a key', { ...required('own'), agent }, { keys: 1, agent: true }],
  ['a public key beside an agent', { ...required('public'), agent }, { agent: true }],
  [
    'a public key without an agent',
    { ...required('public'), password },
    { password: true, problem: /public is a public key, which needs an ssh-agent$/ },
  ],
  ['a missing key whose public half an agent has', { ...required('gone-with-half'), agent }, { agent: true }],
  [
    'a missing key with a public half, without an agent',
    { ...required('gone-with-half'), password },
    { password: true, problem: /gone-with-half\.pub needs an ssh-agent$/ },
  ],
  ['an encrypted key whose public half an agent has', { ...required('encrypted-with-half'), agent }, { agent: true }],
  [
    'an encrypted key without a half, beside an agent',
    { ...required('encrypted'), agent },
    { agent: true, problem: /encrypted: it is encrypted and no passphrase is configured$/ },
  ],
  [
    'a damaged key with an agent',
    { ...required('damaged'), agent },
    { agent: true, problem: /damaged: it is no key$/ },
  ],
];
for (const [what, wanted, { keys = 0, problem = null, ...rest }] of found) {
  test(`${what} is found`, () => {
    const credentials = revealCredentials('web-1', { ...none, ...wanted });
    assert.equal(credentials.keys.length, keys);
    assert.equal(credentials.agent !== null, rest.agent === true);
    assert.equal(credentials.password, rest.password === true ? 'secret' : null);
    if (problem === null) assert.equal(credentials.problem, null);
    else assert.match(credentials.problem ?? '', problem);
  });
}

/** Settings that give nothing to log in with, with the message. */
const refused: readonly (readonly [what: string, wanted: Partial<HopCredentials>, message: RegExp])[] = [
  ['a named key that is missing', required('gone'), /^privateKey \S+gone: the file does not exist$/],
  ['a damaged key', required('damaged'), /^privateKey \S+damaged: it is no key$/],
  ['the first of two', required('encrypted', 'damaged'), /^privateKey \S+encrypted: it is encrypted/],
  ['a wrong passphrase', { ...required('encrypted'), passphrase: literal('wrong') }, /the passphrase is wrong/],
  ['a public key', required('public'), /needs an ssh-agent$/],
  ['default keys that are missing', optional('gone', 'away'), /^no private key: looked for \S+gone, \S+away$/],
];
for (const [what, wanted, message] of refused) {
  test(`without another way to log in it is a fault: ${what}`, () => {
    assert.throws(
      () => revealCredentials('web-1', { ...none, ...wanted }),
      (thrown: FleetError) => {
        assert.deepEqual([thrown.code, thrown.stage, thrown.client], ['credentials-unusable', 'login', 'web-1']);
        assert.match(thrown.message, message);
        if (message.source.startsWith('^no private key')) assert.equal(thrown.advice, noKeyAdvice);
        return true;
      },
    );
  });
}

test('agent="env" is the socket of the environment, and a problem without one', (t) => {
  const before = process.env['SSH_AUTH_SOCK'];
  t.after(() => {
    if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
    else process.env['SSH_AUTH_SOCK'] = before;
  });
  const reveal = (): Credentials => revealCredentials('web-1', { ...none, ...required('own'), agent: 'env' });
  delete process.env['SSH_AUTH_SOCK'];
  assert.deepEqual([reveal().agent, reveal().problem], [null, 'agent="env", but $SSH_AUTH_SOCK is not set']);
  process.env['SSH_AUTH_SOCK'] = agent;
  assert.deepEqual([reveal().agent !== null, reveal().problem], [true, null]);
});

test('a password is not offered beside a key, an agent, or a key that cannot be read', () => {
  const of = (wanted: Partial<HopCredentials>): string | null =>
    besideKeys(revealCredentials('web-1', { ...none, password, ...wanted })).password;
  assert.deepEqual([of({}), of(optional('gone'))], ['secret', 'secret']);
  assert.deepEqual([of(required('own')), of({ agent }), of(required('damaged'))], [null, null, null]);
});

test('a certificate is a file beside a key or its public half', () => {
  write('id-cert.pub', 'x');
  mkdirSync(file('folder-cert.pub'));
  assert.deepEqual(
    [certificateBeside(file('id')), certificateBeside(file('id.pub'))],
    [file('id-cert.pub'), file('id-cert.pub')],
  );
  assert.deepEqual([certificateBeside(file('folder')), certificateBeside(file('own'))], [null, null]);
  const { certificates } = revealCredentials('web-1', { ...none, ...optional('id', 'own') });
  assert.deepEqual(certificates, [file('id-cert.pub')]);
});

test('an agent is asked for no signature over SHA-1, and one that is away is named', async () => {
  const away = new SshAgent(agent);
  const answer = (sign: (done: (error: Error | null | undefined) => void) => void): Promise<unknown> =>
    new Promise((resolve) => sign(resolve));
  const key = loadPrivateKey(file('own'), null).publicBlob;
  const refused = await answer((done) => away.sign(key, Buffer.of(1), { hash: 'sha1' }, done));
  assert.match(String(refused), /takes RSA keys with SHA-1 alone/);
  const fault = await answer((done) => away.getStream((error) => done(error)));
  assert.match(String(fault), /^Error: ssh-agent \/nowhere\/agent\.sock: connect ENOENT/);
});
