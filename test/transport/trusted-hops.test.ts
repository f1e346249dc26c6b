// Second tier: many routes, each with several logins.
/**
 * A host key that one transport has stored serves every machine of every route by the other transport, wherever the
 * route is configured. Three real servers, one behind the other.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { commandTransportFor } from '../../src/transport/transport-for.ts';
import { noChildLeft } from '../support/ssh/both-transports.ts';
import { startBastionServers } from '../support/ssh/bastion-servers.ts';
import { failure } from '../support/ssh/login.ts';
import { sharedFor, sshClient } from '../support/ssh/run-shared.ts';
import { sshdMissing } from '../support/ssh/sshd.ts';

describe('the known host keys of a route', { skip: sshdMissing() ?? false }, async () => {
  const servers = await startBastionServers();
  const { dir, jump, second, target, jumper, changer, guest, keyOf, known, fra, ber } = servers;
  afterEach(noChildLeft);

  const theirs = path.join(dir, 'theirs');
  const host = (name: string, to: { port: number }, user: string, key: string, ...more: readonly string[]) => [
    ...[`Host ${name}`, 'HostName 127.0.0.1', `Port ${to.port}`, `User ${user}`, `IdentityFile ${keyOf(key)}`],
    ...[`UserKnownHostsFile ${theirs}`, ...more],
  ];
  const web = (...more: readonly string[]) => host('web-1', target, guest.name, 'guest', ...more);
  const first = host('first', jump, jumper.name, 'jump');
  const next = (...more: readonly string[]) => host('next', second, changer.name, 'second', ...more);
  const noHost = `${jumper.name}@127.0.0.1:${jump.port}`;
  /** The lines of ssh_config, and the number of machines before the client. */
  const bySsh: Readonly<Record<string, { readonly lines: readonly string[]; readonly jumps: number }>> = {
    'no jump': { lines: web(), jumps: 0 },
    'a ProxyJump': { lines: [...web('ProxyJump first'), ...first], jumps: 1 },
    'several jumps': { lines: [...web('ProxyJump first,next'), ...first, ...next()], jumps: 2 },
    'a jump behind a jump': { lines: [...web('ProxyJump next'), ...first, ...next('ProxyJump first')], jumps: 2 },
    'a jump that no Host line describes': {
      lines: [...web(`ProxyJump ${noHost}`), 'Host 127.0.0.1', `IdentityFile ${keyOf('jump')}`],
      jumps: 1,
    },
    'a jump that a pattern describes': {
      lines: [...web('ProxyJump first'), ...host('f*', jump, jumper.name, 'jump')],
      jumps: 1,
    },
    'jumps without a check of ssh_config': {
      lines: [...web('ProxyJump first', 'StrictHostKeyChecking no'), ...first, 'StrictHostKeyChecking no'],
      jumps: 1,
    },
  };
  let files = 0;
  const written = (lines: readonly string[]): string => {
    const config = path.join(dir, `config.${(files += 1)}`);
    writeFileSync(config, lines.map((line) => `${line}\n`).join(''));
    return config;
  };

  type Settings = Pick<SshSettings, 'hostKeys' | 'knownHosts'> & { readonly via: SshSettings['via'] };
  interface Origin {
    readonly jumps: number;
    readonly machines: (settings: Settings) => { client: Client; shared: ReturnType<typeof sharedFor> };
  }
  const ofSsh = (lines: readonly string[], jumps: number, hasAddress: boolean, isOwnFile = true): Origin => ({
    jumps,
    machines: ({ via, hostKeys, knownHosts }) => {
      const config = written(lines);
      const address = hasAddress ? { address: '127.0.0.1' } : { addressExplicit: false };
      // The settings of `<ssh>` hold for each machine of the route. ssh's files count where `<ssh>` names none.
      const explicit = { ...(isOwnFile ? {} : ({ knownHosts: undefined } as unknown as SshSettings['explicit'])) };
      const own = { config, knownHosts, hostKeys, explicit };
      const client = sshClient('web-1', { ...own, via }, address);
      return { client, shared: sharedFor({ jumpHosts: own }) };
    },
  });
  const ofConfig = (chain: 'fra' | 'ber'): Origin => ({
    jumps: chain === 'fra' ? 1 : 2,
    machines: ({ via, ...settings }) => {
      const bastions = [fra(settings), ber(settings)];
      const own = { ...settings, via, config: null, proxyJump: chain };
      return { client: servers.web(own), shared: sharedFor({ bastions }) };
    },
  });
  const origins: Readonly<Record<string, Origin>> = {
    'a bastion of config.xml': ofConfig('fra'),
    'two bastions of config.xml': ofConfig('ber'),
    ...Object.fromEntries(
      Object.entries(bySsh).map(([name, { lines, jumps }]) => [`${name} of ssh_config`, ofSsh(lines, jumps, false)]),
    ),
    'a ProxyJump of ssh_config, to a client with an ip': ofSsh(bySsh['a ProxyJump']?.lines ?? [], 1, true),
  };

  const visit = async (origin: Origin, settings: Settings): Promise<string> => {
    const { client, shared } = origin.machines(settings);
    const { signal } = new AbortController();
    const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal };
    try {
      const connection = await commandTransportFor(client, shared).connect(limits);
      const channel = await connection.exec('echo "$USER"');
      const printed = (await text(channel.stdout)).trim();
      await connection.leave();
      return printed;
    } finally {
      await shared.close();
    }
  };
  const linesOf = (file: string): readonly string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

  for (const [name, origin] of Object.entries(origins)) {
    for (const [via, other] of [
      ['ssh2', 'openssh'],
      ['openssh', 'ssh2'],
    ] as const) {
      it(`${name}: ${via} takes new keys, and ${other} knows them`, async () => {
        const knownHosts = known();
        writeFileSync(theirs, '');
        assert.equal(await visit(origin, { via, hostKeys: 'accept-new', knownHosts }), guest.name);
        const taken = linesOf(knownHosts);
        assert.equal(taken.length, origin.jumps + 1, taken.join('\n'));
        assert.equal(readFileSync(theirs, 'utf8'), '');
        assert.equal(await visit(origin, { via: other, hostKeys: 'strict', knownHosts }), guest.name);
        assert.deepEqual(linesOf(knownHosts), taken);
        // Each key is needed.
        for (const without of taken) {
          const rest = known(...taken.filter((line) => line !== without));
          const error = await failure(visit(origin, { via, hostKeys: 'strict', knownHosts: rest }));
          assert.match(error.code, /^(?:bastion-failed|host-key-unknown)$/, error.message);
          assert.match(`${error.message} ${error.advice}`, /fleet-health trust|host-key-unknown/);
        }
      });
    }
  }

  it('a key of the account’s own file serves a jump too', async () => {
    const { lines, jumps } = bySsh['several jumps'] ?? assert.fail();
    const origin = ofSsh(lines, jumps, false, false);
    const all = [jump, second, target].map((server) => `${server.hostKeyLine()}\n`);
    writeFileSync(theirs, all.join(''));
    for (const via of ['ssh2', 'openssh'] as const) {
      assert.equal(await visit(origin, { via, hostKeys: 'strict', knownHosts: known() }), guest.name);
    }
  });
});
