// Runs alone: it is about the PATH of the process.
/** The program ssh of this machine: its version, and the settings that it reads from ssh_config. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import { classOfVisit } from '../../../src/alerter/evaluate/visit-conditions.ts';
import { startFault } from '../../../src/transport/openssh/openssh-fault.ts';
import { opensshVersion, questionOf } from '../../../src/transport/openssh/openssh-program.ts';
import { createOpensshTransport } from '../../../src/transport/openssh/openssh.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { connecting, hangs, scriptedTarget, scriptSsh } from '../../support/ssh/scripted-ssh.ts';

const { dir, set } = scriptSsh();
const PATH = process.env['PATH'];
const signal = new AbortController().signal;
const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal };
const advice = 'Install the OpenSSH client (Debian, Ubuntu: openssh-client), or use transport="ssh2".';
const unsupported = { name: 'FleetError', code: 'unsupported', stage: 'connect', client: 'web-1', advice };

for (const [what, version, message] of [
  ['of another maker', 'say "Other_1.0 of somebody"', "ssh in PATH is not OpenSSH's: Other_1.0 of somebody"],
  ['with a long answer', `say ${'x'.repeat(200)}`, `ssh in PATH is not OpenSSH's: ${'x'.repeat(100)}`],
  ['that fails', 'exit 3', /^transport="openssh" needs the program ssh: Command failed: ssh -V$/],
] as const) {
  test(`an ssh ${what} is not used`, async () => {
    set({ version });
    await assert.rejects(opensshVersion('web-1'), { ...unsupported, message });
  });
}

test('a machine without ssh is told to install it', async (t) => {
  process.env['PATH'] = '/nonexistent';
  t.after(() => (process.env['PATH'] = PATH));
  const message = 'transport="openssh" needs the program ssh: there is none in PATH';
  await assert.rejects(opensshVersion('web-1'), { ...unsupported, code: 'collector-fault', message });
});

test('an ssh that this machine cannot start is told as a fault of this machine, whenever it is started', async () => {
  const program = path.join(dir, 'ssh');
  const before = process.env['PATH'];
  process.env['PATH'] = dir;
  chmodSync(program, 0o644);
  const message = /^ssh cannot be started: spawn ssh EACCES$/;
  const fault = { code: 'collector-fault', stage: 'connect', message };
  try {
    await assert.rejects(opensshVersion('web-1'), fault);
    await assert.rejects(questionOf({ ...scriptedTarget, config: 'own' }, limits), fault);
  } finally {
    chmodSync(program, 0o755);
    process.env['PATH'] = before;
  }
});

const startErrnos = { EMFILE: 'descriptors-exhausted', ENFILE: 'descriptors-exhausted' } as const;
for (const errno of ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOENT', 'EACCES', 'E2BIG'] as const) {
  test(`a start that ends with ${errno} makes no client unreachable`, () => {
    const thrown = Object.assign(new Error(`spawn ssh ${errno}`), { code: errno, syscall: 'spawn ssh' });
    for (const stage of ['connect', 'channel'] as const) {
      const { code, client } = startFault('web-1', thrown, stage);
      const expected = errno in startErrnos ? 'descriptors-exhausted' : 'collector-fault';
      assert.deepEqual([code, client], [expected, 'web-1']);
      assert.equal(classOfVisit({ stage, code }), null);
    }
  });
}

test('a version is asked again until ssh has said it, and then never again', async () => {
  set({ version: 'say "OpenSSH_8.3p1 Debian, OpenSSL 1.1"' });
  assert.equal(await opensshVersion('web-1'), 803);
  set({ version: 'exit 1' });
  assert.equal(await opensshVersion('web-1'), 803);
});

for (const [what, secrets] of [
  ['a password', { password: 'x', passphrase: null }],
  ['a passphrase', { password: null, passphrase: 'x' }],
] as const) {
  test(`${what} needs an ssh that can ask for it`, async () => {
    const transport = createOpensshTransport({ ...scriptedTarget, secrets: () => secrets });
    await assert.rejects(transport.connect(limits), {
      ...{ name: 'FleetError', code: 'unsupported', stage: 'login', client: 'web-1' },
      message: 'a password or passphrase with transport="openssh" needs OpenSSH 8.4 or newer',
    });
  });
}

test('an ssh of that age logs in without one', async () => {
  set({ master: `${connecting}; say 'ssh: connect to host web-1 port 22: Connection refused'; exit 255` });
  await assert.rejects(createOpensshTransport(scriptedTarget).connect(limits), { code: 'connect-refused' });
});

const asked = { client: 'web-1', username: 'monitor', knownHosts: ['/state/known_hosts'], agent: null, jumps: false };
for (const [what, more, expected] of [
  ['its name and port 22', {}, { ...asked, address: 'web-1', port: 22 }],
  ['its address', { hostName: '192.0.2.1', port: 2222 }, { ...asked, address: '192.0.2.1', port: 2222 }],
  ['the name of its key', { hostName: 'a', hostKeyAlias: 'b' }, { ...asked, address: 'b', port: 22 }],
  ['no user', { username: null }, { ...asked, username: '', address: 'web-1', port: 22 }],
] satisfies readonly [string, Partial<OpensshTarget>, object][]) {
  test(`without ssh_config a client has ${what}, and ssh is not asked`, async () => {
    set({ settings: 'exit 1' });
    assert.deepEqual(await questionOf({ ...scriptedTarget, ...more }, limits), expected);
  });
}

const line = (text: string): string => `echo '${text}'`;
const configured = { ...scriptedTarget, config: 'own' } as const;
for (const [what, settings, expected] of [
  ['nothing', [], { address: 'web-1', port: 22, username: '', knownHosts: [] }],
  [
    'where and who',
    ['hostname a.example', 'port 2222', 'user me', 'userknownhostsfile ~/a  ~/b'],
    { address: 'a.example', port: 2222, username: 'me', knownHosts: ['~/a', '~/b'] },
  ],
  [
    'the name of its key',
    ['hostname a.example', 'hostkeyalias b'],
    { address: 'b', port: 22, username: '', knownHosts: [] },
  ],
  [
    'the name of its key with a port',
    ['hostname a.example', 'port 2222', 'hostkeyalias [b]:2222'],
    { address: 'b', port: 2222, username: '', knownHosts: [] },
  ],
  [
    'no known_hosts, and jumps',
    ['hostname a', 'userknownhostsfile none', 'proxyjump b,c'],
    { address: 'a', port: 22, username: '', knownHosts: [], jumps: true },
  ],
] as const) {
  test(`of a client ssh_config says ${what}, and our known_hosts are read first`, async () => {
    set({ settings: settings.map(line).join('; ') });
    const { knownHosts, ...others } = expected;
    const question = {
      client: 'web-1',
      jumps: false,
      agent: null,
      ...others,
      knownHosts: ['/state/known_hosts', ...knownHosts],
    };
    assert.deepEqual(await questionOf(configured, limits), question);
  });
}

for (const [what, settings, more, fault] of [
  [
    'what ssh says of it',
    'say \'/c line 3: no argument after keyword "secret"\'; exit 255',
    {},
    { code: 'config-invalid', message: 'ssh_config: /c line 3: ssh rejects it' },
  ],
  ['that it failed', 'exit 7', {}, { code: 'config-invalid', message: /^ssh_config: Command failed: ssh -G/ }],
  [
    'that it did not end, within the time of TCP',
    hangs,
    { tcpTimeoutMs: 30 },
    { code: 'connect-timeout', message: 'ssh -G did not end within 30 ms' },
  ],
  [
    'that it did not end, within the time of the login',
    hangs,
    { connectTimeoutMs: 20 },
    { code: 'connect-timeout', message: 'ssh -G did not end within 20 ms' },
  ],
] as const) {
  test(`a fault of ssh_config says ${what}`, async () => {
    set({ settings });
    const common = { name: 'FleetError', stage: 'resolve', client: 'web-1' };
    await assert.rejects(questionOf(configured, { ...limits, ...more }), { ...common, ...fault });
  });
}

test('a run that ends while ssh reads ssh_config is its fault', async () => {
  set({ settings: hangs });
  const why = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended' });
  const ended = questionOf(configured, { ...limits, signal: AbortSignal.abort(why) });
  await assert.rejects(ended, { code: 'interrupted', stage: 'resolve', client: 'web-1', message: 'ended' });
});
