import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { sendTestMail } from '../../src/notify/send-test-mail.ts';
import type { Config, SmtpConfig } from '../../src/config/config.ts';
import { faultOf, never, smtpConfig, withLogin } from './support/smtp-config.ts';
import { configOf } from '../alerter/support/config-of.ts';
import { openServer, recipientsOf } from '../alerter/support/sending.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
const nowMs = Date.UTC(2026, 0, 1);
const elements = '<alerts><mail to="ops@example.org"/></alerts><client ip="192.0.2.1" username="u"/>';

function config(smtp: SmtpConfig | null): Config {
  return { ...configOf(elements), smtp, stateDir: dir };
}

test('a test mail goes to the address that is named, or to the first of <alerts>', async (t) => {
  const server = await openServer(t);
  const given = config(smtpConfig(server.port));
  const where = `127.0.0.1:${server.port}`;
  const asked = { config: given, signal: never, nowMs };
  assert.deepEqual(await sendTestMail({ ...asked, to: 'me@example.org' }), { to: 'me@example.org', where });
  assert.deepEqual(await sendTestMail({ ...asked, to: null }), { to: 'ops@example.org', where });
  assert.deepEqual(recipientsOf(server), ['me@example.org', 'ops@example.org']);
  assert.match(server.mails[0]?.content ?? '', /^Subject: Test mail from fleet-health/m);
  assert.match(server.mails[0]?.content ?? '', /^Message-ID: <test-[0-9a-f-]{36}@example\.org>/m);
});

test('without <smtp> it is a file', async () => {
  const sent = await sendTestMail({ config: config(null), to: 'me@example.org', signal: never, nowMs });
  assert.equal(sent.where, path.join(dir, 'outbox'));
  assert.match(readdirSync(sent.where).join(), /^test-[0-9a-f-]{36}\.eml$/);
});

test('what is wrong is thrown, without the password', async (t) => {
  const server = await openServer(t, { act: ({ phase }) => (phase === 'auth' ? '535 5.7.8 no' : undefined) });
  const asked = { config: config(withLogin(server.port)), signal: never, nowMs };
  const refused = await faultOf(sendTestMail({ ...asked, to: null }));
  assert.equal(refused.stage, 'login');
  assert.match(refused.message, /535 5\.7\.8 no/);
  const wrong = await faultOf(sendTestMail({ ...asked, to: 'a@b, c@d' }));
  assert.equal(wrong.code, 'usage');
  const nobody = { ...asked.config, alerts: { ...asked.config.alerts, recipients: [] } };
  assert.equal((await faultOf(sendTestMail({ ...asked, config: nobody, to: null }))).code, 'usage');
});
