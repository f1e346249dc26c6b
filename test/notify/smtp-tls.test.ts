/** Encryption is as configured, or no mail and no password is sent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer } from 'node:tls';

import { createEmailChannel } from '../../src/notify/email.ts';
import { tlsAdvice } from '../../src/platform/errors/tls-advice.ts';
import type { SmtpConfig } from '../../src/config/config.ts';
import { makeCertificates } from '../support/servers/certificates.ts';
import { openServer as server } from '../alerter/support/sending.ts';
import type { SmtpServer } from '../support/servers/smtp-server.ts';
import { faultOf, outgoing, password, sendOptions, timeouts, withLogin } from './support/smtp-config.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const certificates = makeCertificates(dir);
const { ca, good, wrongHost, expired } = certificates;

async function send(t: TestContext, { port }: SmtpServer, overrides: Partial<SmtpConfig>): Promise<void> {
  const channel = createEmailChannel(withLogin(port, overrides));
  t.after(() => channel.close());
  await channel.send(outgoing(), sendOptions());
}

function assertNothingSecret({ lines, mails }: SmtpServer): void {
  assert.ok(!lines.some((line) => /AUTH|MAIL|DATA/.test(line)), lines.join('\n'));
  assert.ok(!lines.some((line) => line.includes(Buffer.from(`\0fleet\0${password}`).toString('base64'))));
  assert.equal(mails.length, 0);
}

for (const security of ['starttls', 'tls'] as const) {
  const implicit = security === 'tls';

  test(`${security}: a certificate of the authority that is named is good, by name and by address`, async (t) => {
    for (const host of ['localhost', '127.0.0.1']) {
      const started = await server(t, { certificate: good, implicit });
      await send(t, started, { security, ca, host });
      const [mail] = started.mails;
      assert.deepEqual([mail?.encrypted, mail?.credentials], [true, `\0fleet\0${password}`]);
      const before = started.lines.filter((line) => /AUTH|MAIL/.test(line));
      assert.equal(before.length, 2);
    }
  });

  const wrong = [
    {
      what: 'of an authority that nobody knows',
      certificate: good,
      overrides: { ca: null },
      words: /self-signed|unable to (?:get|verify)/,
      advice: /<smtp ca=/,
    },
    {
      what: 'for another host',
      certificate: wrongHost,
      overrides: { ca },
      words: /not in the cert's|does not match/,
      advice: /write the host as/,
    },
    {
      what: 'that has expired',
      certificate: expired,
      overrides: { ca },
      words: /expired/,
      advice: /^Have the certificate of that server renewed; .* clock/,
    },
  ] as const;
  for (const { what, certificate, overrides, words, advice } of wrong) {
    test(`${security}: a certificate ${what} ends it before the login`, async (t) => {
      const started = await server(t, { certificate, implicit });
      const fault = await faultOf(send(t, started, { security, ...overrides }));
      assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
      assert.match(fault.message, words);
      assert.match(fault.advice, advice);
      assertNothingSecret(started);
    });

    test(`${security}: verify="no" takes a certificate ${what}`, async (t) => {
      const started = await server(t, { certificate, implicit });
      await send(t, started, { security, verify: false });
      assert.equal(started.mails[0]?.encrypted, true);
    });
  }

  test(`${security}: a handshake that is never finished ends by the deadline`, async (t) => {
    const started = await server(t, { act: ({ phase }) => (phase === 'starttls' ? '220 go ahead' : undefined) });
    const channel = createEmailChannel(withLogin(started.port, { security }), timeouts(300));
    const fault = await faultOf(channel.send(outgoing(), sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
    assertNothingSecret(started);
  });
}

test('tls: what OpenSSL refuses as too old or too weak is told as the fault of the server', async (t) => {
  const { key, cert } = good;
  const old = createServer({ key, cert, ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
  old.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(old, 'listening');
  t.after(() => old.close());
  const { port } = old.address() as AddressInfo;
  const channel = createEmailChannel(withLogin(port, { security: 'tls', ca }));
  const fault = await faultOf(channel.send(outgoing(), sendOptions()));
  assert.match(fault.advice, /^Renew the TLS of that server/, fault.message);
  for (const words of [
    'error:0A000102:SSL routines:ssl_choose_client_version:unsupported protocol:../deps/openssl',
    'error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version',
    'error:0A00014D:SSL routines:tls_process_key_exchange:legacy sigalg disallowed or unsupported',
    'error:0A00018A:SSL routines:tls_process_ske_dhe:dh key too small',
    'error:0A000152:SSL routines:final_renegotiate:unsafe legacy renegotiation disabled',
    'ERR_SSL_UNSUPPORTED_PROTOCOL',
    'ERR_SSL_EE_KEY_TOO_SMALL',
    'ERR_SSL_CA_MD_TOO_WEAK',
  ]) {
    assert.match(tlsAdvice(words, 'smtp') ?? '', /^Renew the TLS of that server/, words);
  }
  assert.equal(tlsAdvice('connect ECONNREFUSED 127.0.0.1:25', 'smtp'), null);
});

test('tls: a port that begins without it is named as that, with what to write', async (t) => {
  const fault = await faultOf(send(t, await server(t, {}), { security: 'tls' }));
  assert.match(fault.message, /this port does not begin with TLS$/);
  assert.match(fault.advice, /security="starttls"/);
});

test('starttls: a server, or somebody in between, that offers none gets neither password nor mail', async (t) => {
  const stripped = await server(t, {});
  const fault = await faultOf(send(t, stripped, { security: 'starttls' }));
  assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
  assert.match(fault.advice, /STARTTLS/);
  assertNothingSecret(stripped);
});

test('starttls: a refusal of it, and of EHLO, is no reason to go on without', async (t) => {
  for (const [phase, reply] of [
    ['starttls', '454 4.7.0 TLS not available'],
    ['starttls', '502 5.5.1 no'],
    ['ehlo', '502 5.5.1 no'],
  ] as const) {
    const started = await server(t, { act: (moment) => (moment.phase === phase ? reply : undefined) });
    const fault = await faultOf(send(t, started, { security: 'starttls' }));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
    assertNothingSecret(started);
  }
});

test('starttls: what somebody says in the clear after it is not believed', async (t) => {
  const injected = '220 go ahead\r\n250-mail.example.org\r\n250 AUTH PLAIN';
  const started = await server(t, {
    certificate: good,
    act: ({ phase }) => (phase === 'starttls' ? injected : undefined),
  });
  await send(t, started, { security: 'starttls', ca });
  assert.equal(started.lines.filter((line) => line.includes('EHLO')).length, 2);
});

test('tls: a server that speaks in the clear gets nothing', async (t) => {
  const started = await server(t, {});
  const fault = await faultOf(send(t, started, { security: 'tls' }));
  assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
  assertNothingSecret(started);
});

test('a file of authorities that cannot be read is named', async (t) => {
  const started = await server(t, { certificate: good });
  const fault = await faultOf(send(t, started, { security: 'starttls', ca: path.join(dir, 'missing.pem') }));
  assert.match(fault.message, /missing\.pem/);
  assert.equal(fault.stage, 'config');
});
