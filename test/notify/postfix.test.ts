/** Conversations with a real mail server: it delivers exactly the frozen mail. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import type { SmtpConfig } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { createEmailChannel, verifyMailServer } from '../../src/notify/email.ts';
import { freezeMail } from '../../src/notify/mime.ts';
import type { OutgoingMail } from '../../src/notify/notify.ts';
import { skipWithoutPostfix, startPostfix, type Postfix } from '../support/servers/postfix.ts';
import { faultOf, never, outgoing, sendOptions, smtpConfig } from './support/smtp-config.ts';

describe('Postfix', { skip: skipWithoutPostfix }, () => {
  let postfix: Postfix;
  let arrived = 0;

  before(async () => {
    postfix = await startPostfix();
  });
  after(() => postfix.stop());

  const withLogin = (port: number, overrides: Partial<SmtpConfig>): SmtpConfig => {
    const { username, password, ca } = postfix;
    const secret = new Secret({ kind: 'literal', value: password });
    return smtpConfig(port, { username, password: secret, ca, ...overrides });
  };

  async function mails(): Promise<readonly OutgoingMail[]> {
    const frozen = await freezeMail({
      mail: {
        subject: 'CRITICAL: db-1 ディスク /data 96 %, Überlauf 🐟',
        text: '.\n..hidden\nFrom here on: größer\n',
        html: '<p>größer &amp; voller 🐟</p>',
        messageId: '<0123456789abcdef0123456789abcdef@example.org>',
        inReplyTo: null,
        references: [],
        headers: { 'Auto-Submitted': 'auto-generated' },
      },
      from: 'Flotte Größe <fleet@example.org>',
      to: postfix.mailbox,
      dateMs: 1_700_000_000_000,
    });
    const head = 'From: fleet@example.org\r\nMessage-ID: <1@example.org>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n';
    const body = `.\r\n..\r\nFrom x\r\n\r\n${'long line '.repeat(90)}\r\n${'line\r\n'.repeat(20_000)}.\r\n`;
    return [
      outgoing({ content: frozen, recipient: postfix.mailbox }),
      outgoing({ content: `${head}Subject: dots\r\n\r\n${body}`, recipient: postfix.mailbox }),
    ];
  }

  for (const { what, portOf, overrides } of [
    {
      what: 'STARTTLS and a login',
      portOf: ({ submissionPort }: Postfix) => submissionPort,
      overrides: { security: 'starttls' },
    },
    { what: 'implicit TLS and a login', portOf: ({ smtpsPort }: Postfix) => smtpsPort, overrides: { security: 'tls' } },
    {
      what: 'neither',
      portOf: ({ plainPort }: Postfix) => plainPort,
      overrides: { security: 'none', username: null, password: null, ca: null },
    },
  ] as const) {
    test(`mails through ${what} arrive byte for byte, with headers on top`, async () => {
      const channel = createEmailChannel(withLogin(portOf(postfix), overrides));
      const sent = await mails();
      for (const mail of sent) await channel.send(mail, sendOptions());
      channel.close();
      arrived += sent.length;
      const inMailbox = await postfix.delivered(arrived);
      for (const { content } of sent) {
        const asStored = content.replaceAll('\r\n', '\n');
        const found = inMailbox.filter((one) => one.endsWith(asStored));
        const mail = found.at(-1) ?? '';
        assert.ok(found.length > 0, 'not as it was sent');
        const added = mail.slice(0, -asStored.length);
        assert.ok(
          added.split('\n').every((line) => /^(?:Return-Path|X-Original-To|Delivered-To|Received):|^\s|^$/.test(line)),
        );
        if (overrides.security !== 'none') assert.match(postfix.log(), /sasl_method=PLAIN, sasl_username=fleet@/);
      }
    });
  }

  test('a user that is not there is refused for good, and the next mail goes over the same connection', async () => {
    const channel = createEmailChannel(withLogin(postfix.submissionPort, { security: 'starttls' }));
    const [mail = outgoing()] = await mails();
    const fault = await faultOf(channel.send({ ...mail, recipient: 'nobody@example.org' }, sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-refused', 'mail']);
    assert.match(fault.message, /550 5\.1\.1/);
    const logins = postfix.log().split('sasl_method=').length;
    await channel.send(mail, sendOptions());
    channel.close();
    arrived += 1;
    await postfix.delivered(arrived);
    assert.ok(postfix.log().split('sasl_method=').length - logins <= 1);
  });

  test('a wrong password makes mails wait, and is not repeated in what is said', async () => {
    const wrong = new Secret({ kind: 'literal', value: 'wrong horse' });
    for (const [port, security] of [
      [postfix.submissionPort, 'starttls'],
      [postfix.smtpsPort, 'tls'],
    ] as const) {
      const smtp = withLogin(port, { security, password: wrong });
      const fault = await faultOf(createEmailChannel(smtp).send(outgoing(), sendOptions()));
      assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'login']);
      assert.match(fault.message, /535 5\.7\.8/);
      const verified = await faultOf(verifyMailServer(smtp, { timeoutMs: 10_000, signal: never }));
      assert.equal(verified.code, 'mail-refused');
    }
  });

  test('without encryption where it is wanted mails wait; a stranger without a login is refused', async () => {
    const { submissionPort, mailbox } = postfix;
    for (const { overrides, code, stage, words } of [
      {
        overrides: { security: 'none', ca: null },
        code: 'mail-unavailable',
        stage: 'login',
        words: /530 5\.7\.0 Must issue a STARTTLS/,
      },
      { overrides: { security: 'starttls' }, code: 'mail-refused', stage: 'mail', words: /554 5\.7\.1/ },
    ] as const) {
      const smtp = withLogin(submissionPort, { ...overrides, username: null, password: null });
      const channel = createEmailChannel(smtp);
      const fault = await faultOf(channel.send(outgoing({ recipient: mailbox }), sendOptions()));
      channel.close();
      assert.deepEqual([fault.code, fault.stage], [code, stage]);
      assert.match(fault.message, words);
    }
  });
});
