// Runs alone: its clock is a mock from the start.
/** The logins of a pool at one bastion, over wires in memory: their number, their retries, and their end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mock, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import ssh2, { type Connection } from 'ssh2';

import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { BastionPool, dialThrough, type Lane } from '../../../src/transport/bastions/bastion-pool.ts';
import type { Wire } from '../../../src/transport/connection/wire.ts';
import { parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import type { Hop } from '../../../src/transport/route/hop.ts';
import { publicBlobOf } from '../../support/ssh/ssh2-server.ts';
import { until } from '../../support/until.ts';
import { wirePair } from '../../support/ssh/wire-pair.ts';

// A server whose connection ends during its answer would go on with its keepalives.
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 });
// The keepalives of a login that has ended would keep this process alive.
mock.timers.enable({ apis: ['setInterval'] });
const pem = generateHostKey();
const knownHosts = parseKnownHosts(`gate ssh-ed25519 ${publicBlobOf(pem).toString('base64')}\n`, '/nowhere/k');
const secrets = { password: null, passphrase: null };
const place = { name: 'gate', address: '192.0.2.1', port: 22, connectTimeoutMs: null };
const hop = { ...place, credentials: secrets } as unknown as Hop;
const asker = { client: 'web-1', lane: 'addresses' } as const;
const credentials = { password: 'x', keys: [], agent: null, problem: null, certificates: [] };

interface Inside {
  readonly _protocol: {
    readonly _handlers: Record<string, (protocol: { channelOpenFail: typeof fail }, info: { sender: number }) => void>;
  };
}
declare const fail: (channel: number, reason: number, text: string) => void;

/** Answers each request for a channel with the shortage of RFC 4254, section 5.1. */
function refuseChannels(client: Connection): void {
  (client as unknown as Inside)._protocol._handlers['CHANNEL_OPEN'] = (protocol, { sender }) =>
    protocol.channelOpenFail(sender, 4, 'full');
}

/** Leaves pings without an answer, as sshd does while it resolves a name. */
function standStill(client: Connection): void {
  (client as unknown as Inside)._protocol._handlers['GLOBAL_REQUEST'] = () => undefined;
}

/** Starts a pool. A dial throws the fault that `faults` has next, if any, or reaches a server, as `onClient` has it. */
function start(
  t: TestContext,
  faults: (Error | null)[] = [],
  onClient: (client: Connection) => void = () => undefined,
) {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const wires: Wire[] = [];
  t.after(() => wires.forEach((wire) => wire.destroy()));
  const logins: unknown[] = [];
  const [opened, left]: [string[], string[]] = [[], []];
  let dials = 0;
  const dial = async (): Promise<Wire> => {
    dials += 1;
    const fault = faults.shift();
    if (fault instanceof Error) throw fault;
    const { near, far } = wirePair();
    wires.push(near);
    const login = dials;
    const server = new ssh2.Server({ hostKeys: [pem] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (attempt) => attempt.accept());
      client.on('ready', () => onClient(client));
      client.on('tcpip', (accept, _reject, { destIP }) => {
        opened.push(`${destIP} by ${login}`);
        if (destIP === 'dead.example') standStill(client);
        else
          accept()
            .on('close', () => left.push(destIP))
            .resume();
      });
    });
    server.injectSocket(far as never);
    return await Promise.resolve(near);
  };
  const pool = new BastionPool({
    targetOf: () => ({
      ...{ client: 'gate', address: '192.0.2.1', port: 22, username: 'me', knownAs: 'gate', knownHosts },
      ...{ policy: 'strict', credentials: () => credentials, dial },
    }),
    onLogin: ({ name }, byKey) => logins.push([name, byKey]),
    ...{ tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000 },
  });
  const { signal } = new AbortController();
  const reach = async (): Promise<string> => {
    const reached = await pool.reach([hop], asker, signal).then(() => null, faultOf);
    return `${reached?.message ?? 'reached'}; ${dials} dials`;
  };
  const forward = async (lane: Lane, host: string, timeoutMs = 60_000): Promise<Wire> => {
    const forwarder = await pool.reach([hop], { client: 'web-1', lane }, signal);
    return await forwarder.forward({ client: 'web-1', host, port: 22, timeoutMs, signal });
  };
  const pass = (ms: number): void => void (now += ms);
  return { pool, wires, logins, opened, left, reach, forward, signal, dials: () => dials, pass };
}

function faultOf(thrown: unknown): FleetError {
  assert.ok(thrown instanceof FleetError, String(thrown));
  assert.equal(thrown.client, 'web-1');
  return thrown;
}

const dialFault = (code: ErrorCode): FleetError =>
  new FleetError({ client: 'gate', code, stage: 'connect', message: 'no way' });
const refused = 'bastion gate: no way (connect-refused)';

test('a login that failed is tried once more, after five seconds, and then never', async (t) => {
  const fault = dialFault('connect-refused');
  const { reach, pass } = start(t, [fault, fault, fault]);
  assert.deepEqual([await reach(), await reach()], [`${refused}; 1 dials`, `${refused}; 1 dials`]);
  pass(4999);
  assert.equal(await reach(), `${refused}; 1 dials`);
  pass(1);
  assert.equal(await reach(), `${refused}; 2 dials`);
  pass(60_000);
  assert.equal(await reach(), `${refused}; 2 dials`);
});

test('a login that is tried again is waited for by all', async (t) => {
  const { reach, pass } = start(t, [dialFault('connect-refused')]);
  await reach();
  pass(5000);
  assert.deepEqual(await Promise.all([reach(), reach()]), ['reached; 2 dials', 'reached; 2 dials']);
});

for (const [fault, says] of [
  [dialFault('host-key-changed'), 'bastion gate: no way (host-key-changed)'],
  [new Error('odd'), 'bastion gate: odd (internal)'],
] as const) {
  test(`a login that would fail in the same way is not tried again: ${says}`, async (t) => {
    const { reach, pass } = start(t, [fault]);
    assert.equal(await reach(), `${says}; 1 dials`);
    pass(60_000);
    assert.equal(await reach(), `${says}; 1 dials`);
  });
}

test('a login that breaks is made again at once, and once', async (t) => {
  const { reach, wires, logins } = start(t);
  assert.deepEqual([await reach(), await reach()], ['reached; 1 dials', 'reached; 1 dials']);
  wires[0]?.destroy();
  await turn();
  assert.equal(await reach(), 'reached; 2 dials');
  wires[1]?.destroy();
  await turn();
  assert.equal(await reach(), 'bastion gate: it closed the connection (connect-failed); 2 dials');
  assert.deepEqual(logins, [
    ['gate', false],
    ['gate', false],
  ]);
});

test('a login without channels left is joined by three others at most, also after one that failed', async (t) => {
  for (const faults of [[], [dialFault('connect-refused')]]) {
    const before = faults.length;
    const { pool, reach, pass, dials, signal } = start(t, [...faults], refuseChannels);
    if (before === 1) await reach();
    pass(5000);
    const forwarder = await pool.reach([hop], asker, signal);
    const options = { client: 'web-1', host: '192.0.2.9', port: 22, timeoutMs: 60_000, signal };
    const fault = faultOf(await forwarder.forward(options).catch((thrown: unknown) => thrown));
    assert.deepEqual([fault.code, dials()], ['bastion-failed', before + 4]);
    await pool.close();
  }
});

test('a login that broke may be made again, however many had joined it', async (t) => {
  let isFull = true;
  const { pool, reach, wires, signal } = start(t, [], (client) => {
    if (isFull) refuseChannels(client);
  });
  const forwarder = await pool.reach([hop], asker, signal);
  const options = { client: 'web-1', host: '192.0.2.9', port: 22, timeoutMs: 60_000, signal };
  await forwarder.forward(options).catch(faultOf);
  isFull = false;
  for (const wire of wires) wire.destroy();
  await turn();
  assert.equal(await reach(), 'reached; 5 dials');
});

test('addresses, names that have resolved, and other names have logins of their own, in every run', async (t) => {
  const { forward, opened, left } = start(t);
  const wires: Wire[] = [];
  for (const [lane, host] of [
    ['addresses', '192.0.2.8'],
    ['names', 'known.example'],
    ['unknown', 'new.example'],
    ['addresses', '192.0.2.9'],
  ] as const) {
    wires.push(await forward(lane, host));
  }
  // A name that may not resolve is asked for where no connection stays, and then connected to among the others.
  const expected = ['192.0.2.8 by 1', 'known.example by 2', 'new.example by 3', 'new.example by 2', '192.0.2.9 by 1'];
  assert.deepEqual(opened, expected);
  await until(() => left.length > 0, 'a connection ends');
  assert.deepEqual(left, ['new.example']);
  for (const wire of wires) wire.destroy();
});

test('logins that are wanted at once are made one after the other, each for its own', async (t) => {
  const { forward, opened } = start(t);
  const wires = await Promise.all([forward('addresses', '192.0.2.8'), forward('names', 'known.example')]);
  assert.deepEqual(opened.sort(), ['192.0.2.8 by 1', 'known.example by 2']);
  for (const wire of wires) wire.destroy();
});

test('what a bastion is asked for after a name that does not resolve goes through another login', async (t) => {
  const { forward, opened, dials } = start(t);
  const dead = forward('unknown', 'dead.example', 1500).then(() => null, faultOf);
  const other = await forward('unknown', 'web.example');
  assert.deepEqual(opened, ['dead.example by 1', 'web.example by 2', 'web.example by 3']);
  const fault = await dead;
  const says = 'bastion gate did not resolve dead.example within 1500 ms';
  assert.deepEqual([fault?.code, fault?.message, dials()], ['dns', says, 3]);
  other.destroy();
});

test('what waits for a name at each login says so when its time is over', async (t) => {
  const { forward, opened, dials } = start(t);
  const deads = [1, 2, 3, 4].map(() => forward('unknown', 'dead.example', 7000).then(() => null, faultOf));
  await until(() => opened.length === 4, 'four logins');
  const other = await forward('addresses', '192.0.2.8');
  // The last login stands still a second after it was asked.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const waits = await forward('unknown', 'web.example', 200).then(() => null, faultOf);
  const says =
    'no answer from web.example port 22 through bastion gate within 200 ms, in which it did not resolve dead';
  assert.deepEqual([waits?.code, waits?.message.startsWith(says)], ['connect-timeout', true]);
  // A name that nobody waits for is not asked for, and names have four logins at most.
  assert.deepEqual([opened.length, dials()], [5, 5]);
  other.destroy();
  for (const fault of await Promise.all(deads)) assert.match(fault?.message ?? '', /did not resolve|the run ended/);
});

test('names that did not resolve the last time hold back no others, and have two logins', async (t) => {
  const { forward, opened, dials } = start(t);
  const deads = [1, 2, 3, 4].map(() => forward('failed', 'dead.example', 3000).then(() => null, faultOf));
  await until(() => opened.length === 2, 'two logins');
  const good = [await forward('unknown', 'web.example'), await forward('unknown', 'db.example')];
  const others = opened.filter((one) => !one.startsWith('dead'));
  assert.deepEqual(others, ['web.example by 3', 'web.example by 4', 'db.example by 3', 'db.example by 4']);
  for (const fault of await Promise.all(deads)) assert.ok(fault !== null);
  assert.equal(dials(), 4);
  for (const wire of good) wire.destroy();
});

test('a name that has resolved a moment ago is not asked for again before it is connected to', async (t) => {
  const { forward, opened } = start(t);
  const wires = [await forward('unknown', 'web.example'), await forward('unknown', 'web.example')];
  assert.deepEqual(opened, ['web.example by 1', 'web.example by 2', 'web.example by 2']);
  for (const wire of wires) wire.destroy();
});

test('where one login alone is to be had, everything goes through it', async (t) => {
  const { forward, opened } = start(t, [null, dialFault('connect-refused')]);
  const asked = [
    ['addresses', '192.0.2.8'],
    ['names', 'known.example'],
    ['unknown', 'new.example'],
  ] as const;
  for (const [lane, host] of asked) await forward(lane, host);
  const expected = ['192.0.2.8 by 1', 'known.example by 1', 'new.example by 1', 'new.example by 1'];
  assert.deepEqual(opened, expected);
});

test('where one login alone is to be had, names wait for one that does not resolve', async (t) => {
  const { forward, opened, dials } = start(t, [null, dialFault('connect-refused')]);
  const dead = forward('unknown', 'dead.example', 1500).then(() => null, faultOf);
  await until(() => opened.length === 1, 'the login is asked');
  const waits = await forward('unknown', 'web.example', 1500).then(() => null, faultOf);
  assert.deepEqual([(await dead)?.code, waits?.code], ['dns', 'connect-timeout']);
  assert.deepEqual([opened, dials()], [['dead.example by 1'], 2]);
});

test('a bastion is asked each five seconds if it is there', async (t) => {
  const { reach, wires } = start(t);
  await reach();
  const [wire] = wires;
  assert.ok(wire);
  mock.timers.tick(4999);
  const heard = once(wire, 'data');
  mock.timers.tick(1);
  await heard;
});

test('a pool that closes leaves its bastions, and ends a login that is still on its way', async (t) => {
  const { pool, reach, wires } = start(t);
  await reach();
  await pool.close();
  assert.equal(wires[0]?.writableEnded, true);
  const other = start(t, [], (client) => client);
  const pending = other.reach();
  await other.pool.close();
  assert.match(await pending, /the run ended/);
});

test('a pool that closes waits five seconds for what goes through its bastions', async (t) => {
  const { pool, wires, signal, pass } = start(t);
  const forwarder = await pool.reach([hop], asker, signal);
  const through = { client: 'web-1', host: '192.0.2.9', port: 22, timeoutMs: 60_000, signal };
  const forwarded = await forwarder.forward(through);
  const closing = pool.close();
  pass(4999);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(wires[0]?.writableEnded, false);
  pass(1);
  await closing;
  assert.equal(wires[0].writableEnded, true);
  forwarded.destroy();
});

test('an address that a bastion dials is told, and a name, which the bastion resolves, is not', async () => {
  for (const [address, told] of [
    ['192.0.2.9', [{ address: '192.0.2.9', port: 22 }]],
    ['web-1', []],
  ] as const) {
    const asked: unknown[] = [];
    const bastion = { forward: (options: object) => Promise.resolve(void asked.push(options) as unknown as Wire) };
    const dialled: object[] = [];
    const { signal } = new AbortController();
    const limits = { tcpTimeoutMs: 1000, connectTimeoutMs: 700, signal, onDial: (one: object) => dialled.push(one) };
    await dialThrough(bastion, { ...hop, name: 'web-1', address })(limits);
    assert.deepEqual(dialled, told);
    assert.deepEqual(asked, [{ client: 'web-1', host: address, port: 22, timeoutMs: 700, signal }]);
  }
});
