/** The reading of ssh's messages: recorded lines of OpenSSH 9.2, and lines that a hostile server inserts. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, test } from 'node:test';

import { zoneAdvice, zoneFault } from '../../../src/config/values/addresses.ts';
import type { ErrorCode, Stage } from '../../../src/platform/errors/errors.ts';
import {
  lastFault,
  lateStart,
  opensshFault,
  otherServer,
  wordsOf,
  type OpensshQuestion,
} from '../../../src/transport/openssh/openssh-fault.ts';
import { readOpensshLog, type OpensshLog, type OpensshLogReader } from '../../../src/transport/openssh/openssh-log.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const place = { client: 'web-1', address: '10.0.0.1', port: 22 };
const question: OpensshQuestion = {
  ...{ ...place, username: 'monitor', knownHosts: ['/state/known_hosts'] },
  ...{ agent: '/run/agent', jumps: false },
};
const connecting = 'debug1: Connecting to 10.0.0.1 [10.0.0.1] port 22.';
const established = 'debug1: Connection established.';
const greeted = 'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1';
const shown = 'debug1: Server host key: ssh-ed25519 SHA256:Ct+gn6sm09S+tjxHWQsEommECYPRkprlRbet1DSvZ94';
const newKeys = 'debug1: SSH2_MSG_NEWKEYS received';
const proved = [connecting, established, greeted, shown, newKeys];
const failed = (why: string) => [connecting, `ssh: connect to host 10.0.0.1 port 22: ${why}`];
const unknownName = 'Could not resolve hostname nowhere.invalid: Name or service not known';
const denied = 'monitor@10.0.0.1: Permission denied (publickey).';
const bannerLine = (line: number, text: string): string =>
  `debug1: kex_exchange_identification: banner line ${line}: ${text}`;
const tooMany = 'Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures';

function read(lines: readonly string[], onPrompt: (prompt: string) => void = () => undefined): OpensshLogReader {
  const log = readOpensshLog('mark', onPrompt);
  // The chunks of a pipe may end anywhere in a line.
  const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  for (let at = 0; at < bytes.length; at += 7) log.push(bytes.subarray(at, at + 7));
  return log;
}

describe('the fault of an ssh that ended before it was logged in', () => {
  const cases: readonly {
    readonly name: string;
    readonly lines: readonly string[];
    readonly facts: `${ErrorCode} ${Stage}`;
    readonly says: RegExp;
  }[] = [
    { name: 'nothing at all', lines: [], facts: 'config-invalid connect', says: /without a word/ },
    {
      name: 'a bad file',
      lines: ['/c: line 3: Bad configuration option: fooo'],
      facts: 'config-invalid connect',
      says: /^ssh did not begin: \/c: line 3: Bad configuration option$/,
    },
    {
      name: 'a private key that is included',
      lines: ['/c line 3: no argument after keyword "MHcCAQEE"', '/c: terminating, 1 bad configuration options'],
      facts: 'config-invalid connect',
      says: /^ssh did not begin: \/c line 3: ssh rejects it; \/c: terminating/,
    },
    {
      name: 'an unknown name',
      lines: [`ssh: ${unknownName}`],
      facts: 'dns resolve',
      says: /^nowhere\.invalid: Name or service/,
    },
    {
      name: 'a refusal',
      lines: failed('Connection refused'),
      facts: 'connect-refused connect',
      says: /^10\.0\.0\.1: Connection refused$/,
    },
    { name: 'no answer', lines: failed('Connection timed out'), facts: 'connect-timeout connect', says: /timed out/ },
    { name: 'no way', lines: failed('No route to host'), facts: 'connect-failed connect', says: /No route to host/ },
    {
      name: 'sent away',
      lines: [
        ...[connecting, established, 'debug1: kex_exchange_identification: banner line 0: Not allowed at this time'],
        'kex_exchange_identification: Connection closed by remote host',
      ],
      facts: 'sshd-rejection handshake',
      says: /PerSourcePenalties/,
    },
    {
      name: 'a jump that ssh itself dials',
      lines: [
        'debug1: Executing proxy dialer command: x',
        connecting,
        'debug1: Local version string SSH-2.0-x',
        'gone',
      ],
      facts: 'bastion-failed connect',
      says: /^the route there, which ssh_config names, failed: gone$/,
    },
    {
      name: 'another protocol, by one of its lines',
      lines: [
        connecting,
        established,
        'debug1: x',
        bannerLine(0, 'HTTP/1.1 400 Bad Request'),
        bannerLine(1, 'Server: x'),
      ],
      facts: 'handshake-failed handshake',
      says: /HTTP/,
    },
    {
      name: 'a key that is marked in another wording',
      lines: [...proved.slice(0, 4), 'Host key ED25519 SHA256:x is marked as revoked'],
      facts: 'host-key-revoked handshake',
      says: /is marked @revoked in/,
    },
    {
      name: 'a changed key in another wording',
      lines: [...proved.slice(0, 4), 'The ED25519 host key for 10.0.0.1 has changed,', 'Host key verification failed.'],
      facts: 'host-key-changed handshake',
      says: /^10\.0\.0\.1 shows ED25519 SHA256:Ct\S+, but \/state\/known_hosts says another$/,
    },
    {
      name: 'a host key that ssh does not know, without a verdict',
      lines: [connecting, established, greeted, 'No ED25519 host key is known for 10.0.0.1 and you asked for strict'],
      facts: 'host-key-unknown handshake',
      says: /^10\.0\.0\.1 shows a key; \/state\/known_hosts has no key for it$/,
    },
    {
      name: 'the key of a host certificate',
      lines: [
        ...[
          ...proved.slice(0, 3),
          'debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc, serial 0',
        ],
        ...['Host certificate has expired', 'Host key verification failed.'],
      ],
      facts: 'host-key-unknown handshake',
      says: /shows \S+ SHA256:abc; .* has no key for it \(Host certificate has expired\)$/,
    },
    {
      name: 'a server that ends the login',
      lines: [...proved, 'Disconnected from 10.0.0.1 port 22'],
      facts: 'auth-failed login',
      says: /^monitor was refused; nothing .* was asked for; Disconnected from 10\.0\.0\.1 port 22$/,
    },
    {
      name: 'a server that takes nothing more',
      lines: [...proved, 'debug1: Authentications that can continue: ', denied],
      facts: 'auth-failed login',
      says: /^monitor was refused; nothing that is configured was asked for; the client takes nothing$/,
    },
    {
      name: 'a wrong passphrase',
      lines: [...proved, 'debug2: bad passphrase given, try again...', denied],
      facts: 'credentials-unusable login',
      says: /; the passphrase is wrong$/,
    },
    ...['no such identity: /k: No such file', 'PKCS11 provider not found'].map((problem) => ({
      name: problem,
      lines: [...proved, problem, denied],
      facts: 'credentials-unusable login' as const,
      says: new RegExp(`; ${problem}$`),
    })),
    {
      name: 'no common algorithm',
      lines: [
        connecting,
        established,
        greeted,
        'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.',
      ],
      facts: 'handshake-failed handshake',
      says: /no matching host key type/,
    },
    {
      name: 'a server of old algorithms alone',
      lines: [
        ...[connecting, established, greeted],
        'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss',
      ],
      facts: 'no-common-algorithm handshake',
      says: /^no matching host key type; the client offers ssh-rsa,ssh-dss$/,
    },
    {
      name: 'a key that is one of two proofs',
      lines: [
        ...[...proved, 'debug1: Authentications that can continue: publickey'],
        'Authenticated using "publickey" with partial success.',
        ...['debug1: Authentications that can continue: keyboard-interactive', denied],
      ],
      facts: 'auth-failed login',
      says: /; the client took publickey, and wants keyboard-interactive too$/,
    },
    {
      name: 'a session that sshd cannot begin',
      lines: [
        ...[...proved, 'Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".'],
        ...['Connection to 10.0.0.1 closed by remote host.', 'Transferred: sent 3340, received 2796 bytes, in 0.0 s'],
        'Bytes per second: sent 605263.1, received 506681.4',
      ],
      facts: 'connect-failed login',
      says: /^the client closed the connection after the login$/,
    },
    {
      name: 'a jump that fails',
      lines: [
        'debug1: Executing proxy command: exec ssh -W [10.0.0.1]:22 hop',
        ...['debug1: Local version string SSH-2.0-OpenSSH_9.2p1', 'ops@hop: Permission denied (publickey).'],
        ...['kex_exchange_identification: Connection closed by remote host', 'Connection closed by UNKNOWN port 65535'],
      ],
      facts: 'bastion-failed connect',
      says: /ops@hop: Permission denied/,
    },
    {
      name: 'an unknown host key',
      lines: [...proved.slice(0, 4), 'No ED25519 host key is known for 10.0.0.1', 'Host key verification failed.'],
      facts: 'host-key-unknown handshake',
      says: /^10\.0\.0\.1 shows ED25519 SHA256:Ct\+gn.*\/state\/known_hosts has no key for it$/,
    },
    {
      name: 'too many attempts',
      lines: [...proved, tooMany],
      facts: 'auth-failed login',
      says: /Too many authentication failures/,
    },
    {
      name: 'a banner that speaks of host keys, after the host key was proved',
      lines: [
        ...['Pseudo-terminal will not be allocated', ...proved, 'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!'],
        ...['debug1: Authentications that can continue: publickey', 'monitor@10.0.0.1: Permission denied (publickey).'],
      ],
      facts: 'auth-failed login',
      says: /the client takes publickey; the client says "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"$/,
    },
    {
      name: 'a revoked host key',
      lines: [...proved.slice(0, 4), '@       WARNING: REVOKED HOST KEY DETECTED!               @'],
      facts: 'host-key-revoked handshake',
      says: /^ED25519 SHA256:Ct\+gn\S+ of 10\.0\.0\.1 is marked @revoked in \/state\/known_hosts$/,
    },
    {
      name: 'a host certificate of another machine',
      lines: [
        ...[...proved.slice(0, 4), 'Certificate invalid: name is not a listed principal'],
        ...['No ED25519-CERT host key is known for 10.0.0.1', 'Host key verification failed.'],
      ],
      facts: 'host-key-unknown handshake',
      says: /has no key for it \(Certificate invalid: name is not a listed principal\)$/,
    },
    {
      name: 'another end of the handshake',
      lines: [...proved.slice(0, 4), 'ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: incorrect signature'],
      facts: 'handshake-failed handshake',
      says: /incorrect signature/,
    },
    {
      name: 'no word in time',
      lines: [connecting, established, 'Connection timed out during banner exchange'],
      facts: 'handshake-timeout handshake',
      says: /timed out during banner exchange/,
    },
    {
      name: 'no word',
      lines: [connecting, established, 'kex_exchange_identification: Connection closed by remote host'],
      facts: 'handshake-closed handshake',
      says: /Connection closed by remote host/,
    },
    {
      name: 'a private key that cannot be read',
      lines: [...proved, 'Load key "/k": invalid format', 'monitor@10.0.0.1: Permission denied (publickey).'],
      facts: 'credentials-unusable login',
      says: /^monitor was refused; nothing that is configured was asked for.*; Load key "\/k": invalid format$/,
    },
    {
      name: 'a key that its agent does not use',
      lines: [
        ...[...proved, 'sign_and_send_pubkey: signing failed for ED25519 "/k" from agent: agent refused operation'],
        'monitor@10.0.0.1: Permission denied (publickey).',
      ],
      facts: 'credentials-unusable login',
      says: /agent refused operation/,
    },
    {
      name: 'a server that closes during the login',
      lines: [...proved, 'Connection closed by 10.0.0.1 port 22'],
      facts: 'connect-failed login',
      says: /^the client closed the connection during the login$/,
    },
    {
      name: 'a connection that breaks during the login',
      lines: [...proved, 'ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: Broken pipe'],
      facts: 'connect-failed login',
      says: /^the connection broke during the login: .*Broken pipe$/,
    },
    {
      name: 'a connection that breaks after the login',
      lines: [
        ...[...proved, 'Authenticated to web-1 ([10.0.0.1]:22) using "publickey".'],
        'client_loop: send disconnect: Broken pipe',
      ],
      facts: 'connect-failed login',
      says: /^the connection broke: client_loop: send disconnect: Broken pipe$/,
    },
  ];
  for (const { name, lines, facts, says } of cases) {
    it(name, () => {
      const fault = opensshFault(question, read(lines));
      assert.deepEqual([`${fault.code} ${fault.stage}`, fault.client], [facts, 'web-1'], fault.message);
      assert.match(fault.message, says);
    });
  }

  const dir = tempFolder();
  it('a changed host key: each line that ssh names says which key it holds', () => {
    const file = path.join(dir, 'two');
    const key = 'AAAAC3NzaC1lZDI1NTE5AAAAI';
    const line = (fill: string): string => `10.0.0.1 ssh-ed25519 ${key}${fill.repeat(43)}`;
    writeFileSync(file, `# x\n${line('A')} first-seen=2026-01-02T03:04:05Z\n${line('E')}\n`);
    const words = [2, 3].map((number) => `Offending ED25519 key in ${file}:${number}`);
    const log = read([...proved.slice(0, 4), ...words, 'REMOTE HOST IDENTIFICATION HAS CHANGED']);
    const { message } = opensshFault(question, log);
    const place = file.replaceAll('.', '\\.');
    const says = `, but ${place} says ED25519 SHA256:\\S+ \\(line 2, first seen 2026-01-02 03:04 UTC\\) or ${place} says ED25519 SHA256:\\S+ \\(line 3\\)$`;
    assert.match(message, new RegExp(says));
  });

  it('a changed host key: the known fingerprint is that of the line that ssh names, whatever stands there', () => {
    const file = path.join(dir, 'known_hosts');
    writeFileSync(file, '# nothing\nnonsense\n');
    const words = ['@@@@@@', 'REMOTE HOST IDENTIFICATION HAS CHANGED', `Offending RSA key in ${file}:2`];
    const fault = opensshFault(question, read([connecting, established, greeted, shown, ...words]));
    assert.equal(fault.code, 'host-key-changed');
    assert.match(fault.message, /but \/state\/known_hosts says another/);
  });
});

test('an invalid argument is told as the missing zone of a link-local address, and else as it is', () => {
  const log = read(failed('Invalid argument'));
  const facts = ['10.0.0.1', 'fe80::1'].map((address) => {
    const { code, stage, advice, message } = opensshFault({ ...question, address }, log);
    return [code, stage, advice === zoneAdvice, message];
  });
  assert.deepEqual(facts, [
    ['connect-failed', 'connect', false, '10.0.0.1: Invalid argument'],
    ['connect-failed', 'connect', true, zoneFault('fe80::1')],
  ]);
});

test('another protocol is only told before the server has greeted', () => {
  const lines = [connecting, established, bannerLine(0, 'x'), bannerLine(1, 'HTTP/1.1 400 Bad Request')];
  assert.equal(otherServer(question, read(lines))?.code, 'handshake-failed');
  assert.equal(otherServer(question, read([...lines, greeted])), null);
});

describe('the words of a log', () => {
  const decoration = [
    '@@@@@',
    '@   WARNING: x!   @',
    'Connection closed by UNKNOWN port 65535',
    'Killed by signal 15.',
  ];
  const table: readonly (readonly [lines: readonly string[], words: string])[] = [
    [decoration, 'ssh ended without a word'],
    [['a', ...decoration, 'b'], 'a; b'],
    [['a', 'b', 'c', 'd'], 'b; c; d'],
    [['x'.repeat(301)], 'x'.repeat(300)],
    [['/c: line 3: Bad configuration option: secret'], '/c: line 3: Bad configuration option'],
    [['/c line 3: secret'], '/c line 3: ssh rejects it'],
  ];
  for (const [lines, words] of table) it(words.slice(0, 60), () => assert.equal(wordsOf({ lines }), words));
});

test('the fault of a machine on the route is waited for until all processes have ended', async () => {
  const ended = { pid: undefined } as ChildProcess;
  const fault = lateStart(question, { resolving: true }, 'within 1 ms');
  let asked = 0;
  const ask = (): null => {
    asked += 1;
    return null;
  };
  assert.equal(await lastFault(ended, null), null);
  assert.equal(await lastFault(ended, ask), null);
  assert.equal(asked, 1);
  assert.equal(await lastFault(ended, () => fault), fault);
});

describe('an ssh that has not begun to connect by the deadline', () => {
  const reading = ['OpenSSH_9.2p1 Debian-2+deb12u10', 'debug1: Reading configuration data /etc/ssh/ssh_config'];
  const isAddress = 'debug2: resolve_canonicalize: hostname 10.0.0.1 is address';
  for (const lines of [[], reading.slice(0, 1), reading, [...reading, isAddress]]) {
    it(`is not called a fault of names before ssh looks up the name: ${lines.length} lines`, () => {
      const fault = lateStart(question, read(lines), 'within 5000 ms');
      assert.equal(fault.code, 'connect-timeout');
      assert.equal(fault.message, 'ssh did not begin to connect to 10.0.0.1 within 5000 ms');
    });
  }
  it('is called one while ssh looks up the name', () => {
    const fault = lateStart(question, read([...reading, 'debug2: resolving "web-1" port 22']), 'within 5000 ms');
    assert.equal(fault.code, 'dns');
  });
});

describe('the log', () => {
  it('hands on only questions with its own mark', () => {
    const asked: string[] = [];
    read(['mark Password: ', 'marking: no', ' mark Password: ', 'debug1: mark Password: '], (one) => asked.push(one));
    assert.deepEqual(asked, ['Password: ']);
  });
  it('counts a command once it is accepted, and tells how it ended', () => {
    const log = read(['Authenticated to web-1 ([10.0.0.1]:22) using "publickey".']);
    assert.deepEqual(
      { progress: log.progress, accepted: log.accepted, ended: log.ended },
      { progress: 'in', accepted: 0, ended: null },
    );
    const other = 'debug1: client_input_channel_req: channel 3 rtype exit-status reply 0';
    log.push(Buffer.from(`debug2: exec request accepted on channel 2\r\n${other}\r\n`));
    assert.deepEqual(
      { accepted: log.accepted, channel: log.channel, ended: log.ended },
      { accepted: 1, channel: 2, ended: null },
    );
    log.push(Buffer.from('debug1: client_input_channel_req: channel 2 rtype exit-signal reply 0\r\n'));
    assert.equal(log.ended, 'signal');
  });
  it('forgets the end of a command at the next one, and counts the refused ones', () => {
    const log = read(['Authenticated to web-1 ([10.0.0.1]:22) using "publickey".']);
    const say = (text: string): void => log.push(Buffer.from(`debug3: ${text}\n`));
    for (const [channel, ending] of [
      [0, 'status'],
      [1, 'signal'],
    ] as const) {
      say(`exec request accepted on channel ${channel}`);
      assert.equal(log.ended, null);
      say(`client_input_channel_req: channel ${channel} rtype exit-${ending} reply 0`);
      assert.equal(log.ended, ending);
    }
    say('channel_input_status_confirm: type 99 id 0');
    say('channel_input_status_confirm: type 100 id 0');
    assert.deepEqual([log.accepted, log.refused], [2, 1]);
  });

  const steps: readonly (readonly [lines: readonly string[], facts: Partial<OpensshLog>])[] = [
    [['Authenticated by nobody'], { progress: 'start', lines: ['Authenticated by nobody'] }],
    [[established], { progress: 'start' }],
    [['debug1: Local version string x'], { progress: 'start' }],
    [[connecting, 'debug1: Local version string x'], { progress: 'silent', proxied: false }],
    [['debug1: Executing proxy command: x', connecting], { progress: 'connect', proxied: true }],
    [['debug1: Executing proxy dialer command: x'], { progress: 'connect', proxied: true }],
    [['Authenticated to x', connecting, newKeys], { progress: 'in' }],
    [[...proved, 'Warning: x', 'hello', ' '], { lines: ['Warning: x', 'hello'], said: ['hello'] }],
    [['hello'], { lines: ['hello'], said: [] }],
    [[bannerLine(12, 'banner line 3: x')], { lines: ['banner line 3: x'] }],
    [['debug1: Authentications that can continue: a,,b'], { wanted: ['a', 'b'] }],
    [['debug1: Next authentication method: publickey'], { method: 'publickey', tried: [] }],
    [['debug1: Next authentication method: password'], { method: 'password', tried: ['password'] }],
    [
      [1, 1, 2].map((key) => `debug1: Offering public key: /k ED25519 SHA256:${key} explicit`),
      { tried: ['key SHA256:1', 'key SHA256:2'] },
    ],
    [['debug1: Trying private key: /k SHA256:3'], { tried: ['key SHA256:3'] }],
    [
      Array.from({ length: 25 }, (_, key) => `debug1: Offering public key: SHA256:${key}`),
      { tried: Array.from({ length: 20 }, (_, key) => `key SHA256:${key}`) },
    ],
    [
      Array.from({ length: 42 }, (_, line) => `line ${line}`),
      { lines: Array.from({ length: 40 }, (_, line) => `line ${line + 2}`) },
    ],
    [['x'.repeat(1001)], { lines: ['x'.repeat(1000)] }],
  ];
  for (const [lines, facts] of steps) {
    it(`${lines.join(' | ').slice(0, 90)}: ${Object.keys(facts).join()}`, () => {
      const log = read(lines);
      for (const [name, value] of Object.entries(facts)) assert.deepEqual(log[name as keyof OpensshLog], value, name);
    });
  }

  it('is not excessive after the login, however long it is', () => {
    const log = read(['Authenticated to x']);
    log.push(Buffer.alloc(300 * 1024, 'x\n'));
    assert.equal(log.excessive, false);
    const whole = read([]);
    whole.push(Buffer.alloc(256 * 1024, 'x'));
    assert.equal(whole.excessive, false);
    whole.push(Buffer.of(10));
    assert.equal(whole.excessive, true);
  });
  it('keeps little of much, and says that it is too much', () => {
    const log = read([]);
    for (let count = 0; count < 300; count += 1) log.push(Buffer.from(`${'x'.repeat(1500)}\n`));
    assert.equal(log.excessive, true);
    assert.ok(log.lines.length <= 40 && log.lines.every((line) => line.length <= 1000));
    const endless = read([]);
    for (let count = 0; count < 300; count += 1) endless.push(Buffer.alloc(1500, 'x'));
    assert.deepEqual([endless.excessive, endless.lines.length], [true, 0]);
  });
  it('what is not printable comes into no message', () => {
    const log = read([connecting, established, greeted, 'Bye \u001b[31mred\u001b[0m \u0007 é']);
    assert.match(opensshFault(question, log).message, /^[\x20-\x7e]*$/);
  });
});
