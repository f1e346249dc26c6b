/** Mails through an HTTP proxy (CONNECT). */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import type { SmtpConfig } from '../../src/config/config.ts';
import { createEmailChannel, verifyMailServer } from '../../src/notify/email.ts';
import { openServer } from '../alerter/support/sending.ts';
import { makeCertificates } from '../support/servers/certificates.ts';
import { openProxy } from '../support/servers/http-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { faultOf, never, outgoing, password, sendOptions, timeouts, withLogin } from './support/smtp-config.ts';

const { ca, good } = makeCertificates(path.join(tempFolder(), 'tls'));

async function send(t: TestContext, port: number, overrides: Partial<SmtpConfig>, limits = timeouts()): Promise<void> {
  const channel = createEmailChannel(withLogin(port, overrides), limits);
  t.after(() => channel.close());
  await channel.send(outgoing(), sendOptions());
}

for (const mode of ['open', 'joined'] as const) {
  for (const security of ['starttls', 'tls', 'none'] as const) {
    // With implicit TLS the server does not speak first.
    if (mode === 'joined' && security === 'tls') continue;
    test(`${security} through a tunnel (${mode}), with the login of the proxy, and the certificate is checked`, async (t) => {
      const implicit = security === 'tls';
      const server = await openServer(t, security === 'none' ? {} : { certificate: good, implicit });
      const { port, asked } = await openProxy(t, mode);
      const proxy = `http://me:p%40ss@127.0.0.1:${port}`;
      await send(t, server.port, { security, ca: security === 'none' ? null : ca, proxy });
      const login = Buffer.from('me:p@ss').toString('base64');
      assert.deepEqual(asked, [`CONNECT 127.0.0.1:${server.port} Basic ${login}`]);
      const [mail] = server.mails;
      assert.deepEqual([mail?.encrypted, mail?.credentials], [security !== 'none', `\0fleet\0${password}`]);
      if (security === 'none') return;
      const fault = await faultOf(send(t, server.port, { security, ca: null, proxy }));
      assert.deepEqual([fault.stage, server.mails.length], ['connect', 1]);
    });
  }
}

test('a proxy that refuses, is silent or is away is named, all mails wait, and its password is not said', async (t) => {
  for (const [mode, words] of [
    [407, 'the proxy answered 407'],
    [502, 'the proxy answered 502'],
    ['silent', 'no answer within 0.3 s while connecting'],
  ] as const) {
    const { port } = await openProxy(t, mode);
    const proxy = `http://me:s3cret-of-proxy@127.0.0.1:${port}`;
    const limits = mode === 'silent' ? timeouts(300) : timeouts();
    const fault = await faultOf(send(t, 25, { host: 'mail.invalid', proxy }, limits));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
    assert.equal(fault.message, `mail server mail.invalid:25: ${words}`);
    assert.ok(!inspect(fault, { depth: 9 }).includes('s3cret-of-proxy'));
  }
  const away = await faultOf(send(t, 25, { host: 'mail.invalid', proxy: 'http://127.0.0.1:1' }));
  assert.equal(away.message, 'mail server mail.invalid:25: the proxy: ECONNREFUSED');
});

test('the variables of the environment count only where config.xml says so, and never for this machine', async (t) => {
  const { port, asked } = await openProxy(t, 502);
  const server = await openServer(t);
  const before = process.env['HTTPS_PROXY'];
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${port}`;
  t.after(() => {
    if (before === undefined) delete process.env['HTTPS_PROXY'];
    else process.env['HTTPS_PROXY'] = before;
  });
  const options = { timeoutMs: 60_000, signal: never };
  const far = withLogin(25, { host: 'mail.invalid' });
  assert.doesNotMatch((await faultOf(verifyMailServer(far, options))).message, /proxy/);
  const through = { ...far, proxy: 'environment' };
  assert.match((await faultOf(verifyMailServer(through, options))).message, /the proxy answered 502/);
  await send(t, server.port, { proxy: 'environment' });
  assert.deepEqual([asked, server.mails.length], [['CONNECT mail.invalid:25'], 1]);
  process.env['HTTPS_PROXY'] = 'socks5://me:s3cret@proxy:1080';
  const other = await faultOf(verifyMailServer(through, options));
  assert.equal(other.message, 'mail server mail.invalid:25: HTTPS_PROXY is no HTTP proxy');
});
