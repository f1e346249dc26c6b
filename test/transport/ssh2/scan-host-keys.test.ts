/** A scan of host keys over wires in memory: the keys that it finds, the connections that it opens, and its faults. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import ssh2, { type ServerConfig } from 'ssh2';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import type { Wire } from '../../../src/transport/connection/wire.ts';
import { scanHostKeys, type ScanOptions } from '../../../src/transport/ssh2/scan-host-keys.ts';
import { failure } from '../../support/ssh/login.ts';
import { wirePair } from '../../support/ssh/wire-pair.ts';

const ed25519 = generateHostKey();
const ecdsa = ([256, 384, 521] as const).map((bits) => ssh2.utils.generateKeyPairSync('ecdsa', { bits }).private);
const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).private;

type Far = Duplex;

/** Scans a server that treats each connection as `serve` says. Collects its wires, and the limits of the dials. */
function scan(serve: (far: Far, near: Wire) => void, more: Partial<ScanOptions> = {}, parts: object = {}) {
  const wires: Wire[] = [];
  const limits: number[] = [];
  const dial = async (timeoutMs: number): Promise<Wire> => {
    const { near, far } = wirePair(parts);
    wires.push(near);
    limits.push(timeoutMs);
    serve(far, near);
    return await Promise.resolve(near);
  };
  const { signal } = new AbortController();
  const options = { client: 'web-1', host: '192.0.2.1', port: 22, timeoutMs: 60_000, signal, dial, ...more };
  const found = scanHostKeys(options);
  found.catch(() => undefined);
  return { found, wires, limits };
}

/** Returns a server with these host keys, which fails the test at any login. */
function serving(hostKeys: readonly string[], config: Partial<ServerConfig> = {}): (far: Far) => void {
  return (far) => {
    const server = new ssh2.Server({ hostKeys: [...hostKeys], ...config }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', () => assert.fail('a login'));
    });
    server.injectSocket(far as never);
  };
}

function parsedRsa(): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(rsa);
  return key instanceof Error ? assert.fail(key) : key;
}

/** Encodes a `string` of RFC 4251, section 5. */
function field(value: string | Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([length, Buffer.from(value as string)]);
}

async function faultOf(found: Promise<unknown>): Promise<readonly unknown[]> {
  const { code, stage, client, message } = await failure(found);
  return [code, stage, client, message];
}

const types: readonly (readonly [what: string, keys: readonly string[], types: readonly string[], object?])[] = [
  ['all kinds', [rsa, ...ecdsa.slice(0, 1), ed25519], ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']],
  ['Ed25519 alone', [ed25519], ['ssh-ed25519']],
  ...[256, 384, 521].map(
    (bits, index) => [`ECDSA of ${bits} bits`, ecdsa.slice(index, index + 1), [`ecdsa-sha2-nistp${bits}`]] as const,
  ),
  ['RSA over SHA-512', [rsa], ['ssh-rsa'], { serverHostKey: ['rsa-sha2-512'] }],
  ['RSA over SHA-256', [rsa], ['ssh-rsa'], { serverHostKey: ['rsa-sha2-256'] }],
];
for (const [what, keys, expected, algorithms = {}] of types) {
  test(`a server with ${what} shows each in a connection of its own`, async () => {
    const { found, wires, limits } = scan(serving(keys, { algorithms }));
    const shown = await found;
    assert.deepEqual(
      shown.map(({ type }) => type),
      expected,
    );
    assert.ok(shown.every(({ fingerprint, key }) => fingerprint.startsWith('SHA256:') && key.length > 0));
    assert.deepEqual(limits, [60_000, 60_000, 60_000]);
    assert.ok(wires.every(({ destroyed }) => destroyed));
  });
}

const closes = (far: Far): void => void far.end();
const says = (text: string) => (far: Far) => {
  far.once('data', () => far.end(text));
};
const noKey = 'Handshake failed: no matching host key format';
const turnedAway = 'sshd turned away a connection from 192.0.2.7: "Exceeded MaxStartups" (MaxStartups)';
const aes = { algorithms: { cipher: ['aes128-cbc' as const] } };
const gone = new FleetError({ client: 'gate', code: 'bastion-failed', stage: 'connect', message: 'gone' });
const lost = 'Connection lost before handshake';
const closed = 'the connection was closed during the handshake';
const kexes = 'none of the key exchanges of `kex` can be offered';

const faults: readonly {
  readonly what: string;
  readonly serve: (far: Far, near: Wire) => void;
  readonly fault: readonly [code: string, message: string];
  /** Default: one connection, since each other would fail likewise. */
  readonly connections?: number;
  readonly more?: Partial<ScanOptions>;
  readonly parts?: object;
}[] = [
  { what: 'closes', serve: closes, fault: ['handshake-failed', lost], connections: 3 },
  { what: 'rejects', serve: says('Exceeded MaxStartups\r\n'), fault: ['sshd-rejection', turnedAway] },
  {
    what: 'says much before, and more later',
    serve: (far) =>
      void far.once('data', () => {
        far.write(`${'x'.repeat(255)}\n`);
        setImmediate(() => far.end('Exceeded MaxStartups\r\n'));
      }),
    fault: ['handshake-failed', lost],
    connections: 3,
  },
  { what: 'greets and closes', serve: says('SSH-2.0-x\r\n'), fault: ['handshake-failed', closed], connections: 3 },
  {
    what: 'is cut off',
    serve: (_far, near) => void setImmediate(() => near.destroy()),
    fault: ['handshake-failed', closed],
    connections: 3,
  },
  ...(
    [
      ['a key without numbers', Buffer.concat([field('ssh-rsa'), field('')]), 'the host key cannot be read'],
      [
        'a key that is dear',
        Buffer.concat([field('ssh-rsa'), field(Buffer.alloc(5, 255)), field(Buffer.alloc(256, 255))]),
        'the exponent of the host key has 40 bits',
      ],
    ] as const
  ).map(([what, blob, message]) => ({
    what: `shows ${what}`,
    serve: serving([{ key: Object.assign(parsedRsa(), { getPublicSSH: () => blob }) } as never]),
    fault: ['handshake-failed', message] as const,
    connections: 3,
  })),
  {
    what: 'says much before',
    serve: says(`${'x'.repeat(260)}\nExceeded MaxStartups\r\n`),
    fault: ['handshake-failed', lost],
    connections: 3,
  },
  {
    what: 'has no cipher in common',
    serve: serving([ed25519], aes),
    fault: ['no-common-algorithm', 'Handshake failed: no matching C->S cipher'],
  },
  {
    what: 'signs over SHA-1 alone',
    serve: serving([rsa], { algorithms: { serverHostKey: ['ssh-rsa'] } }),
    fault: ['handshake-failed', noKey],
    connections: 3,
  },
  { what: 'is asked in vain', serve: closes, fault: ['handshake-failed', kexes], connections: 3, more: { kex: 'x' } },
  {
    what: 'is behind a bastion that broke',
    serve: closes,
    fault: ['bastion-failed', 'gone'],
    parts: { brokenBy: gone },
  },
];
for (const { what, serve, fault, connections = 1, more, parts } of faults) {
  test(`a server that ${what}: ${fault[0]}, after ${connections} connections`, async () => {
    const { found, wires } = scan(serve, more, { localAddress: '192.0.2.7', ...parts });
    const [code, stage, client, message] = await faultOf(found);
    assert.deepEqual([code, message], fault);
    assert.deepEqual([stage, client], code === 'bastion-failed' ? ['connect', 'gate'] : ['handshake', 'web-1']);
    assert.deepEqual([wires.length, wires.every(({ destroyed }) => destroyed)], [connections, true]);
  });
}

test('a wire without an address is named as the connection', async () => {
  const { found } = scan(says('Exceeded MaxStartups\r\n'));
  assert.match(String((await faultOf(found))[3]), /^sshd turned away the connection: /);
});

test('a rejection that comes in parts is read', async () => {
  const { found } = scan((far) => {
    far.once('data', () => {
      far.write('Exceeded Max');
      setImmediate(() => far.end('Startups\r\n'));
    });
  });
  assert.equal((await faultOf(found))[0], 'sshd-rejection');
});

test('each connection has the whole time, which its dial shares', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { found, wires } = scan(() => undefined, { timeoutMs: 1000 });
  await turn();
  t.mock.timers.tick(900);
  assert.equal(wires[0]?.destroyed, false);
  t.mock.timers.tick(100);
  assert.deepEqual(await faultOf(found), ['handshake-timeout', 'handshake', 'web-1', 'no host key within 1000 ms']);
  assert.deepEqual([wires.length, wires[0].destroyed], [1, true]);
});

test('a dial that took the time leaves a moment to the handshake', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const { found } = scan(() => (now = 5000), { timeoutMs: 1000 });
  await turn();
  t.mock.timers.tick(1);
  assert.equal((await faultOf(found))[0], 'handshake-timeout');
});

test('the end of the visit ends a scan', async () => {
  const visit = new AbortController();
  const { found, wires } = scan(() => undefined, { signal: visit.signal });
  await turn();
  visit.abort();
  assert.deepEqual((await faultOf(found)).slice(0, 3), ['visit-deadline', 'handshake', 'web-1']);
  assert.equal(wires[0]?.destroyed, true);
});
