import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';

import { scanHostKeys } from '../../../src/transport/ssh2/scan-host-keys.ts';
import { sshdRejection } from '../../../src/transport/connection/sshd-rejection.ts';
import { fails, login } from '../../support/ssh/login.ts';
import { sshdMissing, sshdOfSuite } from '../../support/ssh/sshd.ts';
import { listenOn } from '../../support/servers/free-port.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';

describe('sshdRejection', () => {
  const cases: readonly {
    readonly greeting: string;
    readonly address: string | null;
    readonly expected: RegExp | null;
  }[] = [
    {
      greeting: 'Exceeded MaxStartups\r\n',
      address: '192.0.2.7',
      expected: /connection from 192\.0\.2\.7: "Exceeded MaxStartups" \(MaxStartups\)$/,
    },
    {
      greeting: 'Not allowed at this time\r\n',
      address: '::ffff:192.0.2.7',
      expected: / 192\.0\.2\.7: .* \(MaxStartups or PerSourcePenalties\)$/,
    },
    { greeting: 'Not allowed at this time\r\n', address: null, expected: /turned away the connection: / },
    { greeting: '', address: '192.0.2.7', expected: null },
    { greeting: 'SSH-2.0-OpenSSH_9.8\r\n', address: '192.0.2.7', expected: null },
    { greeting: 'It is Not allowed at this time\r\n', address: '192.0.2.7', expected: null },
    { greeting: 'Exceeded MaxStartups, or so\r\n', address: '192.0.2.7', expected: null },
  ];
  for (const { greeting, address, expected } of cases) {
    it(`${JSON.stringify(greeting)} to ${address ?? 'a tunnel'}`, () => {
      const said = sshdRejection(greeting, address);
      if (expected === null) assert.equal(said, null);
      else assert.match(said ?? '', expected);
    });
  }
});

describe('a penalised address, as OpenSSH 9.8 treats it: a line, and the end with our bytes unread', async () => {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined);
    // The server leaves the received bytes unread, so that the kernel sends a reset.
    socket.write('Not allowed at this time\r\n', () => setTimeout(() => socket.destroy(), 20));
  });
  const port = await listenOn(await stoppedAfter(server));

  it('is reported by a visit, and may be tried again', async () => {
    const target = { port, hostKeyLine: () => '' };
    const attempt = login({ server: target, username: 'monitor', credentials: { password: 'x' } });
    const error = await fails(attempt, 'sshd-rejection handshake');
    assert.equal(error.retryable, true);
    assert.match(error.message, /from 127\.0\.0\.1: "Not allowed at this time"/);
    assert.match(error.advice, /PerSourcePenaltyExemptList/);
  });

  it('ends a scan of host keys at its first connection', async () => {
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const { signal } = new AbortController();
    await fails(scanHostKeys({ host: '127.0.0.1', port, timeoutMs: 60_000, signal }), 'sshd-rejection');
    assert.equal(connections, 1);
  });
});

describe('a real sshd at its MaxStartups', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ config: ['MaxStartups 1'] });

  it('is reported as such', async (t) => {
    const other = connect(sshd.port, '127.0.0.1');
    t.after(() => other.destroy());
    await once(other, 'data');
    const attempt = login({ server: sshd, username: 'nobody', credentials: { password: 'x' } });
    await fails(attempt, 'sshd-rejection', /MaxStartups/);
  });
});
