// Second tier: two fleets behind a bastion.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Client } from '../../src/config/config.ts';
import type { TransportShared } from '../../src/transport/transport-shared.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { commandTransportFor } from '../../src/transport/transport-for.ts';
import { literal } from '../support/ssh/both-transports.ts';
import { makeClient, makeFleet } from '../support/fleets/fleet.ts';
import { startReportServer } from '../support/fleets/report-server.ts';
import { sharedFor, ssh, sshBastion } from '../support/ssh/run-shared.ts';
import { account } from '../support/fleets/ssh-fleet.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

const skip = sshdMissing() ?? false;

test('clients behind a bastion that say "Exceeded MaxStartups" take no place from the others', { skip }, async () => {
  const fleet = makeFleet();
  const jump = await sshdOfSuite();
  const { privateKey, publicKey } = sshKeygen(path.join(jump.dir, 'jump'));
  const { name: username } = await jump.addAccount({ publicKey });
  const good = await stoppedAfter(startReportServer(account));
  const evil = await stoppedAfter(startReportServer({ ...account, maxStartups: 0 }));

  const knownHosts = path.join(fleet.dir, 'known_hosts');
  const place = { address: '127.0.0.1', port: jump.port };
  const fra = sshBastion('fra', { username, privateKey, knownHosts }, place);
  const password = literal(account.password);
  const settings = ssh({ username: account.username, password, knownHosts, proxyJump: 'fra' });
  const clientOf = (server: typeof good) => (name: string) =>
    makeClient(name, { address: '127.0.0.1', port: server.port, ssh: settings });
  const names = (word: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${word}-${n}`);
  const clients = [...names('evil', 4).map(clientOf(evil)), ...names('good', 24).map(clientOf(good))];
  // Behind a bastion, known_hosts has a machine under its name.
  const lines = names('good', 24).map((name) => good.hostKeyLine(name));
  writeFileSync(knownHosts, [jump.hostKeyLine(), ...lines, ''].join('\n'));

  const shared = await stoppedAfter(sharedFor({ bastions: [fra], clients }));
  const limits = { concurrency: clients.length, collector: { perBastion: 10 } };
  const result = await fleet.collect(clients, { ...limits, transportFor: hostileFirst(shared) });
  assert.equal(result.succeeded, 24);
  const failures = new Set(result.failures.map(({ client, code }) => `${client.slice(0, 4)} ${code}`));
  assert.deepEqual([...failures], ['evil sshd-rejection']);
  assert.equal(evil.most.rejections, 8, 'each is tried twice');
});

/**
 * Returns a transport that delays the good clients until the four hostile ones have answered. Then the good ones log in
 * once eight connect at the same time.
 */
function hostileFirst(shared: TransportShared): (client: Client) => Transport {
  const evilTurns = gate();
  let turns = 0;
  const together = gate();
  let waiting = 0;
  return (client) => ({
    connect: async (options) => {
      const transport = commandTransportFor(client, shared);
      if (client.name.startsWith('evil')) {
        return await transport.connect(options).finally(() => ++turns === 4 && evilTurns.open());
      }
      await evilTurns.opened;
      if (++waiting === 8) together.open();
      await together.opened;
      return await transport.connect(options);
    },
  });
}

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
