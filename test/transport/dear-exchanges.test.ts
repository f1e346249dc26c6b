// Second tier: servers with dear keys.
/** The computing time that a peer can cost the collector before its host key is proved. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { groupExchange } from '../../src/config/values/key-exchanges.ts';
import { hostName, parseKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { dearExchanges, halfOf, oddNumber, type DearExchange } from '../support/ssh/dear-exchanges.ts';
import { connectTo, failure } from '../support/ssh/login.ts';
import { listen } from '../support/servers/free-port.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

/** Four times the measured cost of the most expensive exchange on one core of 2026, for slower machines. */
const maxMs = 150;
const rounds = 5;

async function startDear(dear: DearExchange): Promise<{ readonly port: number; hostKeyLine(): string }> {
  const half = halfOf(dear);
  const { port } = await stoppedAfter(listen((socket) => void socket.resume().write(half)));
  const type = dear.algorithm.startsWith('rsa-') ? 'ssh-rsa' : dear.algorithm;
  return { port, hostKeyLine: () => `${hostName('127.0.0.1', port)} ${type} ${dear.hostKey.toString('base64')}` };
}

async function refusal(dear: DearExchange): Promise<string> {
  const server = await startDear(dear);
  const attempt = {
    server,
    username: 'u',
    credentials: { password: 'a secret word' },
    target: { kex: `+${groupExchange}` },
  };
  const { code, message } = await failure(connectTo(attempt));
  assert.equal(code, 'handshake-failed', message);
  return message;
}

describe('the dearest numbers of each key exchange and host key cost little, and prove nothing', () => {
  for (const [name, make] of Object.entries(dearExchanges)) {
    it(name, async (t) => {
      const server = await startDear(make());
      const knownHosts = parseKnownHosts(`${server.hostKeyLine()}\n`, '/nowhere/known_hosts');
      const target = { kex: `+${groupExchange}`, knownHosts };
      const attempt = { server, username: 'u', credentials: { password: 'a secret word' }, target };
      const costs: number[] = [];
      let said = '';
      for (let round = 0; round < rounds; round += 1) {
        const before = process.cpuUsage();
        const { code, message } = await failure(connectTo(attempt));
        const { user, system } = process.cpuUsage(before);
        costs.push((user + system) / 1000);
        assert.equal(code, 'handshake-failed', message);
        said = message;
      }
      const cost = Math.min(...costs);
      t.diagnostic(`${cost.toFixed(1)} ms of CPU: ${said}`);
      assert.ok(cost < maxMs, `${cost} ms`);
    });
  }
});

describe('a group that the server chooses is checked before it is used', () => {
  const usual = dearExchanges['a group of 4,096 bits']();
  const prime = oddNumber(2048);
  const even = Buffer.from(prime).fill(0, prime.length - 1);
  const groups: readonly {
    readonly what: string;
    readonly number: Buffer;
    readonly generator: Buffer;
    readonly says: RegExp;
  }[] = [
    { what: '2,040 bits', number: oddNumber(2040), generator: Buffer.of(2), says: /has 2040 bits, not 2048 to 4096/ },
    { what: '4,104 bits', number: oddNumber(4104), generator: Buffer.of(2), says: /has 4104 bits/ },
    { what: '9,688 bits', number: oddNumber(9688), generator: Buffer.of(2), says: /has 9688 bits/ },
    {
      what: 'zeros before too few bits',
      number: Buffer.concat([Buffer.alloc(300), oddNumber(64)]),
      generator: Buffer.of(2),
      says: /has 64 bits/,
    },
    { what: 'no number', number: Buffer.alloc(0), generator: Buffer.of(2), says: /has 1 bits/ },
    { what: 'an even number', number: even, generator: Buffer.of(2), says: /is even/ },
    { what: 'generator 0', number: prime, generator: Buffer.alloc(0), says: /unusual generator/ },
    { what: 'generator 1', number: prime, generator: Buffer.of(1), says: /unusual generator/ },
    { what: 'a generator of its size', number: prime, generator: oddNumber(2048), says: /unusual generator/ },
  ];
  for (const { what, number, generator, says } of groups) {
    it(what, async () => assert.match(await refusal({ ...usual, group: [number, generator] }), says));
  }

  const minus = (less: number): Buffer => Buffer.from(prime).fill((prime.at(-1) ?? 0) - less, prime.length - 1);
  const points: readonly (readonly [string, Buffer])[] = [
    ['0', Buffer.alloc(0)],
    ['1', Buffer.of(1)],
    ['the prime less 1', minus(1)],
    ['the prime', prime],
    ['a larger number', oddNumber(4096)],
  ];
  for (const [what, point] of points) {
    it(`the server's number is ${what}`, async () => {
      const message = await refusal({ ...usual, group: [prime, Buffer.of(2)], point });
      assert.match(message, /the number of the server is outside its group/);
    });
  }
});
