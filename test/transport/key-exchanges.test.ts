// Second tier: a server for each key exchange.
/** The key exchanges that are offered before a host key is proved: each is cheap, and no other is accepted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scanHostKeys } from '../../src/transport/ssh2/scan-host-keys.ts';
import { groupExchange, usualKeyExchanges } from '../../src/config/values/key-exchanges.ts';
import { fails, login } from '../support/ssh/login.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';

const skip = sshdMissing() ?? false;

/** Starts a server that accepts one key exchange alone. */
async function serverWith(exchange: string) {
  const sshd = await sshdOfSuite({ config: [`KexAlgorithms ${exchange}`] });
  const { privateKey, publicKey } = sshKeygen(`${sshd.dir}/key`);
  const { name: username } = await sshd.addAccount({ publicKey });
  const attempt = { server: sshd, username, credentials: { key: loadPrivateKey(privateKey, null) } };
  const { signal } = new AbortController();
  return { sshd, attempt, scan: { host: '127.0.0.1', port: sshd.port, timeoutMs: 5000, signal } };
}

for (const exchange of usualKeyExchanges) {
  test(`a server that takes ${exchange} alone is logged in to`, { skip }, async () => {
    const { attempt } = await serverWith(exchange);
    await login(attempt);
  });
}

for (const exchange of ['diffie-hellman-group-exchange-sha256', 'diffie-hellman-group18-sha512']) {
  test(`a server that takes ${exchange} alone, whose numbers are dear, is refused at once`, { skip }, async () => {
    const { attempt, scan } = await serverWith(exchange);
    await fails(login(attempt), 'no-common-algorithm');
    await fails(scanHostKeys(scan), 'no-common-algorithm');
  });
}

test('a group of the server is taken where somebody asks for it, and blocks nobody', { skip }, async () => {
  const { sshd, attempt, scan } = await serverWith(groupExchange);
  const kex = `+${groupExchange}`;
  const before = process.cpuUsage();
  await login({ ...attempt, target: { kex } });
  const { user, system } = process.cpuUsage(before);
  // A test of its prime by Node would take more than a second.
  assert.ok(user + system < 700_000, `${(user + system) / 1000} ms of CPU`);
  const scanned = await scanHostKeys({ ...scan, kex });
  const keys = scanned.map(({ key }) => key);
  assert.deepEqual(
    keys,
    sshd.hostKeys.map(({ line }) => line.split(' ')[1]),
  );
});
