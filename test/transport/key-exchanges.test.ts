/** Key exchanges that are offered before a host key is proved: each is cheap, and nothing else is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scanHostKeys } from '../../src/transport/scan-host-keys.ts';
import { keyExchanges } from '../../src/transport/ssh2.ts';
import { failure, login } from '../support/login.ts';
import { sshdMissing, sshKeygen, startSshd } from '../support/sshd.ts';
import { loadPrivateKey } from '../../src/transport/private-key.ts';

const skip = sshdMissing() ?? false;

for (const exchange of keyExchanges as readonly string[]) {
  test(`a server that takes ${exchange} alone is logged in to`, { skip }, async (t) => {
    const sshd = await startSshd({ config: [`KexAlgorithms ${exchange}`] });
    t.after(() => sshd.stop());
    const { privateKey, publicKey } = sshKeygen(`${sshd.dir}/key`);
    const { name: username } = await sshd.addAccount({ publicKey });
    await login({ server: sshd, username, credentials: { key: loadPrivateKey(privateKey, null) } });
  });
}

for (const exchange of ['diffie-hellman-group-exchange-sha256', 'diffie-hellman-group18-sha512']) {
  test(`a server that takes ${exchange} alone, whose numbers are dear, is refused at once`, { skip }, async (t) => {
    const sshd = await startSshd({ config: [`KexAlgorithms ${exchange}`] });
    t.after(() => sshd.stop());
    const { privateKey, publicKey } = sshKeygen(`${sshd.dir}/key`);
    const { name: username } = await sshd.addAccount({ publicKey });
    const credentials = { key: loadPrivateKey(privateKey, null) };
    const { code } = await failure(login({ server: sshd, username, credentials }));
    assert.equal(code, 'handshake-failed');
    const { signal } = new AbortController();
    const scanned = await failure(scanHostKeys({ host: '127.0.0.1', port: sshd.port, timeoutMs: 5000, signal }));
    assert.equal(scanned.code, 'handshake-failed');
  });
}
