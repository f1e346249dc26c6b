/** The computing time that a peer can cost the collector before its host key is proved. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { groupExchange } from '../../src/config/values/key-exchanges.ts';
import { hostName, parseKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { dearExchanges, halfOf, oddNumber, type DearExchange } from '../support/dear-exchanges.ts';
import { connectTo, failure } from '../support/login.ts';
import { listen } from '../support/free-port.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

/** Four times the measured cost of the most expensive exchange on one core of 2026, for slower machines. */
const mostMs = 150;
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
      assert.ok(cost < mostMs, `${cost} ms`);
    });
  }
});

describe('a group that the server chooses is checked before it is used', () => {
  const usual = dearExchanges['a group of 4,096 bits']();
  const prime = oddNumber(2048);
  const even = Buffer.from(prime).fill(0, prime.length - 1);
  const groups: readonly (readonly [string, Buffer, Buffer, RegExp])[] = [
    ['2,040 bits', oddNumber(2040), Buffer.of(2), /has 2040 bits, not 2048 to 4096/],
    ['4,104 bits', oddNumber(4104), Buffer.of(2), /has 4104 bits/],
    ['9,688 bits', oddNumber(9688), Buffer.of(2), /has 9688 bits/],
    ['zeros before too few bits', Buffer.concat([Buffer.alloc(300), oddNumber(64)]), Buffer.of(2), /has 64 bits/],
    ['no number', Buffer.alloc(0), Buffer.of(2), /has 1 bits/],
    ['an even number', even, Buffer.of(2), /is even/],
    ['generator 0', prime, Buffer.alloc(0), /unusual generator/],
    ['generator 1', prime, Buffer.of(1), /unusual generator/],
    ['a generator of its size', prime, oddNumber(2048), /unusual generator/],
  ];
  for (const [what, number, generator, says] of groups) {
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
