/** Mails over SMTP: the server's answers decide the kind of a fault, and without an answer the deadline does. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

import { FleetError } from '../../src/platform/errors/errors.ts';
import type { Channel } from '../../src/notify/notify.ts';
import { createEmailChannel, verifyMailServer } from '../../src/notify/email.ts';
import { addressOf } from '../../src/notify/mail-identity.ts';
import { openServer as server, recipientsOf } from '../alerter/support/sending.ts';
import type { SmtpAct, SmtpPhase, SmtpServerOptions } from '../support/servers/smtp-server.ts';
import {
  faultOf,
  never,
  outgoing,
  password,
  sendOptions,
  smtpConfig,
  timeouts,
  withLogin,
} from './support/smtp-config.ts';
import { isWide } from '../support/long-tests.ts';
import { until } from '../support/until.ts';
import { freePort } from '../support/servers/free-port.ts';

/** Returns options with this action at one phase, in place of the usual action. */
function at(wanted: SmtpPhase, act: SmtpAct): SmtpServerOptions {
  return { act: ({ phase }) => (phase === wanted ? act : undefined) };
}

function channel(t: TestContext, port: number, limits = timeouts()): Channel {
  const opened = createEmailChannel(withLogin(port), limits);
  t.after(() => opened.close());
  return opened;
}

/** Refusals by phase and answer. After one by policy another attempt may succeed. */
const refusals: readonly {
  readonly phase: SmtpPhase;
  readonly reply: string;
  readonly code: string;
  readonly stage: string;
  readonly isPolicy?: boolean;
}[] = [
  // An answer before a mail is offered says nothing about the mail.
  { phase: 'greeting', reply: '554 5.3.2 no service here', code: 'mail-unavailable', stage: 'connect' },
  { phase: 'greeting', reply: '421 4.3.2 too many connections', code: 'mail-unavailable', stage: 'connect' },
  { phase: 'ehlo', reply: '421 4.3.2 going down', code: 'mail-unavailable', stage: 'connect' },
  { phase: 'auth', reply: '535 5.7.8 no such login', code: 'mail-unavailable', stage: 'login' },
  { phase: 'auth', reply: '454 4.7.0 try again', code: 'mail-unavailable', stage: 'login' },
  { phase: 'auth', reply: '421 4.7.0 too many of these', code: 'mail-unavailable', stage: 'login' },
  // All mails have the same sender.
  { phase: 'mail', reply: '550 5.1.8 no such sender', code: 'mail-unavailable', stage: 'login' },
  { phase: 'mail', reply: '530 5.7.0 log in first', code: 'mail-unavailable', stage: 'login' },
  { phase: 'mail', reply: '452 4.3.1 disk full', code: 'mail-unavailable', stage: 'connect' },
  { phase: 'mail', reply: '552 5.3.4 too large', code: 'mail-refused', stage: 'mail' },
  { phase: 'rcpt', reply: '550 5.1.1 no such user', code: 'mail-refused', stage: 'mail' },
  {
    phase: 'rcpt',
    reply: '550 5.7.1 your address is on a blocklist',
    code: 'mail-refused',
    stage: 'mail',
    isPolicy: true,
  },
  { phase: 'rcpt', reply: '554 5.7.1 relay access denied', code: 'mail-refused', stage: 'mail', isPolicy: true },
  { phase: 'rcpt', reply: '550 mailbox 5.7.1 is not there', code: 'mail-refused', stage: 'mail' },
  { phase: 'rcpt', reply: '551 user not local', code: 'mail-refused', stage: 'mail' },
  { phase: 'rcpt', reply: '553 5.1.8 Sender address rejected', code: 'mail-unavailable', stage: 'login' },
  { phase: 'rcpt', reply: '450 4.2.0 greylisted', code: 'mail-unavailable', stage: 'mail' },
  { phase: 'rcpt', reply: '452 4.2.2 mailbox full', code: 'mail-unavailable', stage: 'mail' },
  { phase: 'rcpt', reply: '530 5.7.0 Must issue a STARTTLS command first', code: 'mail-unavailable', stage: 'login' },
  { phase: 'rcpt', reply: '421 4.3.2 going down', code: 'mail-unavailable', stage: 'connect' },
  // About the sender, in the words of Exchange, SendGrid and Amazon; the last one is about the recipient.
  {
    phase: 'dot',
    reply: '554 5.2.252 SendAsDenied; a@x.org not allowed to send as b@x.org; STOREDRV.Submission',
    code: 'mail-unavailable',
    stage: 'login',
  },
  {
    phase: 'dot',
    reply: '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied',
    code: 'mail-unavailable',
    stage: 'login',
  },
  {
    phase: 'dot',
    reply: '550 5.7.60 SMTP; Client does not have permissions to send as this sender',
    code: 'mail-unavailable',
    stage: 'login',
  },
  {
    phase: 'dot',
    reply: '550 The from address does not match a verified Sender Identity. Mail cannot be sent',
    code: 'mail-unavailable',
    stage: 'login',
  },
  {
    phase: 'dot',
    reply: '554 Message rejected: Email address is not verified. These failed the check: fleet@example.org',
    code: 'mail-unavailable',
    stage: 'login',
  },
  {
    phase: 'dot',
    reply: '554 Message rejected: Email address is not verified. These failed the check: ops@example.org',
    code: 'mail-refused',
    stage: 'mail',
  },
  // The same of Postfix, Exim, GMX, QQ and 163.
  ...[
    ['rcpt', '553 5.7.1 <fleet@example.org>: Sender address rejected: not owned by user other@example.org'],
    ['rcpt', '550 5.1.0 <fleet@example.org>: Sender address rejected: User unknown'],
    ['rcpt', '550 Sender verify failed'],
    ['rcpt', '501 Mail from address must be same as authorization user.'],
    ['rcpt', '553 Mail from must equal authorized user'],
    ['dot', '550 Sender address is not allowed.'],
    ['dot', '550 Unauthorised Envelope Sender.'],
    ['dot', '550 5.7.1 Message blocked. Sender must match the authenticated user'],
  ].map(([phase, reply = '']) => ({ phase: phase as SmtpPhase, reply, code: 'mail-unavailable', stage: 'login' })),
  // About what the account may send, of Gmail, its relay, Exchange and hosters.
  ...[
    ['rcpt', '550 5.4.5 Daily user sending quota exceeded. x1 - gsmtp'],
    ['dot', '550 5.4.5 Daily user sending limit exceeded.'],
    ['data', '550 5.7.1 Daily SMTP relay limit exceeded for customer.'],
    ['dot', "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients"],
    ['data', '554 5.7.1 <DATA>: Data command rejected: only 10 messages per day'],
    ['dot', '552 Message would take you over your relay quota of 500'],
    ['rcpt', '550 User a@x.org has exceeded its 24-hour sending limit.'],
    ['dot', '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message'],
    ['dot', '554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is not None'],
    ['dot', '554 5.2.0 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=X.prod.outlook.com]'],
  ].map(([phase, reply = '']) => ({ phase: phase as SmtpPhase, reply, code: 'mail-unavailable', stage: 'channel' })),
  // About SPF and DKIM of the sender's domain, of Gmail, Yahoo and Exchange; the last is about what is in the mail.
  ...[
    '550 5.7.26 Your email has been blocked because the sender is unauthenticated.',
    '550 5.7.26 This message does not pass authentication checks (SPF and DKIM both do not pass).',
    '550 5.7.9 This mail has been blocked because the sender is unauthenticated.',
    '550 5.7.509 Access denied, sending domain x.org does not pass DMARC verification',
    '550 5.7.515 Access denied, sending domain x.org does not meet the required authentication level.',
  ].map((reply) => ({ phase: 'dot' as const, reply, code: 'mail-refused', stage: 'mail', isPolicy: true })),
  { phase: 'dot', reply: '550 5.7.28 too much of this content', code: 'mail-refused', stage: 'mail' },
  { phase: 'rcpt', reply: '552 5.2.2 the mailbox is over its quota', code: 'mail-refused', stage: 'mail' },
  { phase: 'dot', reply: '552 5.3.4 larger than the relay size limit', code: 'mail-refused', stage: 'mail' },
  { phase: 'data', reply: '554 5.5.1 no', code: 'mail-refused', stage: 'mail' },
  { phase: 'data', reply: '554 5.7.1 <DATA>: rejected: denied', code: 'mail-refused', stage: 'mail', isPolicy: true },
  { phase: 'data', reply: '451 4.3.0 not now', code: 'mail-unavailable', stage: 'mail' },
  { phase: 'dot', reply: '550 5.7.1 spam', code: 'mail-refused', stage: 'mail' },
  { phase: 'dot', reply: '552 5.3.4 too large', code: 'mail-refused', stage: 'mail' },
  { phase: 'dot', reply: '451 4.3.0 not now', code: 'mail-unavailable', stage: 'mail' },
  { phase: 'dot', reply: '421 4.3.2 going down', code: 'mail-unavailable', stage: 'connect' },
];

for (const { phase, reply, code, stage, isPolicy = false } of refusals) {
  for (const extensions of isWide ? [[], ['PIPELINING']] : [[]]) {
    test(`${phase}: ${reply}${extensions.length > 0 ? ' (pipelining)' : ''}`, async (t) => {
      const { port, mails } = await server(t, { ...at(phase, reply), extensions });
      const fault = await faultOf(channel(t, port).send(outgoing(), sendOptions()));
      assert.deepEqual({ code: fault.code, stage: fault.stage }, { code, stage });
      if (code === 'mail-refused') assert.equal(fault.retryable, isPolicy);
      assert.ok(fault.message.includes(reply), fault.message);
      assert.ok(fault.message.includes(`127.0.0.1:${port}`));
      assert.equal(mails.length, 0);
    });
  }
}

const endings = [{ kind: 'close' }, { kind: 'reset' }, { kind: 'half-close' }] as const;
for (const phase of ['greeting', 'ehlo', 'auth', 'mail', 'rcpt', 'data', 'dot'] as const) {
  test(`a server that stalls at ${phase} ends by the deadline, and leaves no connection`, async (t) => {
    const started = await server(t, { ...at(phase, { kind: 'stall' }), extensions: [] });
    const fault = await faultOf(channel(t, started.port, timeouts(250, 250)).send(outgoing(), sendOptions()));
    assert.equal(fault.code, 'mail-unavailable');
    assert.match(fault.message, /no answer within 0\.[23] s while/);
    await until(() => started.open() === 0, 'a connection is open');
  });

  for (const act of isWide ? endings : endings.slice(0, 1)) {
    test(`a server that does ${act.kind} at ${phase} may take the mail later`, async (t) => {
      const { port } = await server(t, at(phase, act));
      const fault = await faultOf(channel(t, port).send(outgoing(), sendOptions()));
      assert.equal(fault.code, 'mail-unavailable');
    });
  }
}

test('the whole attempt has one deadline, however slowly an answer drips', async (t) => {
  const { port } = await server(t, at('ehlo', { kind: 'drip', text: '250-x\r\n', everyMs: 20 }));
  const fault = await faultOf(channel(t, port, timeouts(400)).send(outgoing(), sendOptions()));
  assert.match(fault.message, /no answer within 0\.4 s/);
});

test('what connecting took is not given to the mail once more', async (t) => {
  const { port } = await server(t, {
    act: ({ phase }) => {
      if (phase === 'greeting') return { kind: 'later', say: '220 hello', afterMs: 1_200 };
      return phase === 'mail' ? { kind: 'stall' } : undefined;
    },
  });
  const fault = await faultOf(channel(t, port, timeouts(4_000)).send(outgoing(), sendOptions()));
  assert.match(fault.message, /no answer within [0-2](?:\.\d)? s while handing over a mail/);
});

test('the content has a time of its own, because a mail that was taken must not go twice', async (t) => {
  const started = await server(t);
  const slow = sendOptions({ onDataBegun: () => sleep(1_600) });
  await channel(t, started.port, timeouts(1_500)).send(outgoing(), slow);
  assert.equal(started.mails.length, 1);
});

for (const phase of isWide ? (['greeting', 'ehlo', 'auth', 'rcpt', 'dot'] as const) : (['dot'] as const)) {
  for (const text of ['x'.repeat(10_000), '250-more\r\n']) {
    test(`an answer without an end at ${phase} is cut off (${text.length})`, async (t) => {
      const started = await server(t, at(phase, { kind: 'flood', text }));
      const fault = await faultOf(channel(t, started.port, timeouts()).send(outgoing(), sendOptions()));
      assert.equal(fault.code, 'mail-unavailable');
      assert.match(fault.message, /exceeds maximum/);
      await until(() => started.open() === 0, 'a connection is open');
    });
  }
}

test("the server's words are one short line without control characters", async (t) => {
  const reply = `550-5.1.1 \u001b[31mno\r\n550 5.1.1 ${'such user '.repeat(100)}`;
  const { port } = await server(t, at('rcpt', reply));
  const { message } = await faultOf(channel(t, port).send(outgoing(), sendOptions()));
  assert.doesNotMatch(message, /\p{C}/u);
  assert.ok(message.length < 400);
  assert.match(message, /no 550 5\.1\.1 such user/);
});

test('what a server repeats of the credentials is not said', async (t) => {
  const line = Buffer.from(`\0fleet\0${password}`).toString('base64');
  const encoded = Buffer.from(password).toString('base64');
  for (const echo of [line, encoded, password]) {
    const { port } = await server(t, at('auth', `535 5.7.8 cannot take ${echo}`));
    const fault = await faultOf(channel(t, port).send(outgoing(), sendOptions()));
    assert.match(fault.message, /cannot take \[secret\]/);
    assert.ok(!inspect(fault, { depth: 9 }).includes(echo));
  }
});

test('many mails go over one connection, and a refusal is of one alone', async (t) => {
  const started = await server(t, {
    act: ({ phase, line }) => (phase === 'rcpt' && line.includes('bad@') ? '550 5.1.1 no such user' : undefined),
  });
  const opened = channel(t, started.port);
  await opened.send(outgoing(), sendOptions());
  const fault = await faultOf(opened.send(outgoing({ recipient: 'bad@example.org' }), sendOptions()));
  assert.equal(fault.code, 'mail-refused');
  await opened.send(outgoing({ recipient: 'oncall@example.org' }), sendOptions());
  assert.deepEqual(recipientsOf(started), ['ops@example.org', 'oncall@example.org']);
  assert.equal(started.connections(), 1);
  assert.equal(started.lines.filter((line) => line.includes('AUTH')).length, 1);
  assert.equal(started.lines.filter((line) => line.includes('RSET')).length, 1);
});

test('a server that ended the idle connection is connected to again', async (t) => {
  let taken = 0;
  const started = await server(t, {
    act: ({ phase }) => {
      if (phase === 'dot') taken += 1;
      return phase === 'dot' && taken === 1 ? '250 taken\r\n421 4.4.2 idle for too long' : undefined;
    },
  });
  const opened = channel(t, started.port);
  await opened.send(outgoing(), sendOptions());
  await until(() => started.open() === 0, 'the server has not ended the connection');
  await opened.send(outgoing(), sendOptions());
  assert.equal(started.connections(), 2);
});

test('what is to be done about a domain without SPF and DKIM', async (t) => {
  const { port } = await server(t, at('dot', '550 5.7.26 the sender is unauthenticated'));
  const { advice } = await faultOf(channel(t, port).send(outgoing(), sendOptions()));
  assert.match(advice, /^Let SPF or DKIM/);
});

test('what is to be done about a server that passes on no mail of others, in the words of five programs', async (t) => {
  for (const reply of [
    '454 4.7.1 <ops@example.org>: Relay access denied',
    '550 5.7.1 ops@example.org... Relaying denied',
    '550 relay not permitted',
    '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain',
    "553 sorry, that domain isn't in my list of allowed rcpthosts",
  ]) {
    const { port } = await server(t, at('rcpt', reply));
    const opened = createEmailChannel(smtpConfig(port));
    t.after(() => opened.close());
    const { advice } = await faultOf(opened.send(outgoing(), sendOptions()));
    assert.match(advice, /^It passes on no mail of this machine to others: write username/, reply);
  }
});

for (const { what, phase, reply, username, advice } of [
  { what: 'a wrong password', phase: 'auth', reply: '535 5.7.8 no', username: 'fleet', advice: /^Check username/ },
  ...(
    [
      ['535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.', /SMTP AUTH/],
      ['535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [X.OUTLOOK.COM]', /SMTP AUTH/],
      ['534 5.7.9 Application-specific password required. https://support.google.com/mail/', /^Make an app password/],
      ['535 5.7.0 Use your app password. See https://example.org/', /^Make an app password/],
      ['535 5.7.8 https://support.google.com/mail/?p=BadCredentials x1 - gsmtp', /Gmail takes app passwords alone\.$/],
      ['535 5.7.3 Authentication unsuccessful [X.OUTLOOK.COM]', /^Check username and password of <smtp>\.$/],
    ] as const
  ).map(
    ([reply, advice]) =>
      ({ what: `a login refused with ${reply}`, phase: 'auth', reply, username: 'fleet', advice }) as const,
  ),
  ...['504 Unrecognized authentication type', '503 AUTH when not advertised', '502 no AUTH'].map((answer) => ({
    what: `a port without logins (${answer.slice(0, 3)})`,
    phase: 'auth',
    reply: answer,
    username: 'fleet',
    advice: /no login by password here/,
  })),
  { what: 'a login that waits', phase: 'auth', reply: '454 4.7.0 not now', username: 'fleet', advice: /^Nothing, if/ },
  {
    what: 'the address of another login',
    phase: 'mail',
    reply: '553 5.7.1 <a@x.org>: Sender address rejected: not owned by user b@x.org',
    username: 'fleet',
    advice: /may send as into <smtp from>/,
  },
  { what: 'a login that lacks', phase: 'mail', reply: '530 5.7.57 log in', username: null, advice: /^Write username/ },
  {
    what: 'TLS that lacks',
    phase: 'mail',
    reply: '530 5.7.0 Must issue a STARTTLS command first',
    username: null,
    advice: /^Write security="starttls"/,
  },
] as const) {
  test(`what is to be done about ${what}`, async (t) => {
    const { port } = await server(t, at(phase as SmtpPhase, reply));
    const opened = createEmailChannel(username === null ? smtpConfig(port) : withLogin(port));
    t.after(() => opened.close());
    const fault = await faultOf(opened.send(outgoing(), sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'login']);
    assert.match(fault.advice, advice);
  });
}

for (const reply of ['421 4.5.3 Maximum message count per session reached', '452 4.5.3 too many messages here']) {
  test(`a server that takes two mails on a connection gets the third on another one: ${reply}`, async (t) => {
    const counts = new Map<number, number>();
    const started = await server(t, {
      act: ({ phase, connection }) => {
        const before = counts.get(connection) ?? 0;
        if (phase === 'dot') counts.set(connection, before + 1);
        if (phase !== 'mail' || before < 2) return undefined;
        return reply.startsWith('421') ? { kind: 'close', say: reply } : reply;
      },
    });
    const opened = channel(t, started.port);
    for (let sent = 0; sent < 5; sent += 1) await opened.send(outgoing(), sendOptions());
    assert.equal(started.connections(), 3);
    assert.equal(started.mails.length, 5);
  });
}

test('a server that takes no mail is asked once more on another connection, and not for ever', async (t) => {
  let isTaking = true;
  const started = await server(t, {
    act: ({ phase }) => (phase === 'mail' && !isTaking ? '452 4.3.1 disk full' : undefined),
  });
  const opened = channel(t, started.port);
  await opened.send(outgoing(), sendOptions());
  isTaking = false;
  const fault = await faultOf(opened.send(outgoing(), sendOptions()));
  assert.deepEqual([fault.code, fault.stage, started.connections()], ['mail-unavailable', 'connect', 2]);
});

test('breaks at mails to one recipient are no fault of the server, at a second one they are', async (t) => {
  const { port } = await server(t, at('dot', { kind: 'close' }));
  const opened = channel(t, port);
  const stageOf = async (recipient: string): Promise<unknown> =>
    (await faultOf(opened.send(outgoing({ recipient }), sendOptions()))).stage;
  assert.deepEqual([await stageOf('one@example.org'), await stageOf('one@example.org')], ['mail', 'mail']);
  assert.equal(await stageOf('two@example.org'), 'connect');
});

test('nothing of the content leaves before it may', async (t) => {
  const started = await server(t);
  const opened = channel(t, started.port);
  const notified = new FleetError({ code: 'locked', stage: 'mail', message: 'no longer ours' });
  const thrown = await faultOf(opened.send(outgoing(), sendOptions({ onDataBegun: () => Promise.reject(notified) })));
  assert.equal(thrown, notified);
  assert.equal(thrown.code, 'locked');
  assert.equal(started.lines.at(-1), '1:DATA');
  await until(() => started.open() === 0, 'a connection is open');
  assert.equal(started.mails.length, 0);
  await opened.send(outgoing(), sendOptions());
  assert.equal(started.mails.length, 1);
});

test('content goes out byte for byte', async (t) => {
  const started = await server(t);
  const content = `Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n${'a'.repeat(990)}\r\n${'line\r\n'.repeat(50_000)}end\r\n`;
  await channel(t, started.port).send(outgoing({ content }), sendOptions());
  assert.ok(started.mails[0]?.content === content);
  assert.equal(started.mails[0].from, 'fleet@example.org');
});

test('check names the addresses that are not ASCII if the server does not offer SMTPUTF8', async (t) => {
  const addresses = ['ops@example.org', 'j\u00f6rg@example.org', 'ops@b\u00fccher.example'];
  const options = { timeoutMs: 5_000, signal: never };
  const without = await server(t, {});
  const fault = await faultOf(verifyMailServer(smtpConfig(without.port), options, addresses));
  assert.deepEqual([fault.code, fault.stage], ['mail-refused', 'mail']);
  assert.match(
    fault.message,
    /^127\.0\.0\.1:\d+ takes no address that is not ASCII \(SMTPUTF8\): j\u00f6rg@example\.org$/,
  );
  await verifyMailServer(smtpConfig(without.port), options, [addresses[0] ?? '', addresses[2] ?? '']);
  const from = 'Fl\u00f6te <fl\u00f6te@example.org>';
  assert.match((await faultOf(verifyMailServer(smtpConfig(without.port, { from }), options))).message, /: fl\u00f6te@/);
  const offers = await server(t, { extensions: ['SMTPUTF8', '8BITMIME'] });
  await verifyMailServer(smtpConfig(offers.port, { from }), options, addresses);
  assert.equal(without.mails.length + offers.mails.length, 0);
});

test('a mail larger than the server takes is refused before it is sent', async (t) => {
  const started = await server(t, { extensions: ['SIZE 1000'] });
  const opened = channel(t, started.port);
  const fault = await faultOf(opened.send(outgoing({ content: 'x'.repeat(1_001) }), sendOptions()));
  assert.deepEqual([fault.code, fault.stage], ['mail-refused', 'mail']);
  await opened.send(outgoing(), sendOptions());
  assert.equal(started.connections(), 1);
});

test('an abort ends a send with its reason, wherever it is', async (t) => {
  for (const phase of ['greeting', 'auth', 'rcpt', 'dot'] as const) {
    const abort = new AbortController();
    const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended by a test' });
    const started = await server(t, {
      act: ({ phase: reached }) => {
        if (reached !== phase) return undefined;
        setImmediate(() => abort.abort(reason));
        return { kind: 'stall' };
      },
    });
    const options = sendOptions({ signal: abort.signal });
    assert.equal(await faultOf(channel(t, started.port).send(outgoing(), options)), reason);
    await until(() => started.open() === 0, 'a connection is open');
  }
});

test('a server that does not answer QUIT is left', async (t) => {
  const started = await server(t, at('quit', { kind: 'stall' }));
  const opened = createEmailChannel(smtpConfig(started.port));
  await opened.send(outgoing(), sendOptions());
  opened.close();
  await until(() => started.open() === 0, 'a connection is open');
  assert.equal(started.lines.at(-1), '1:QUIT');
});

test('nobody there, and a name that is none, may be well later', async () => {
  const port = await freePort();
  for (const host of ['127.0.0.1', 'localhost', 'nothing.invalid']) {
    const opened = createEmailChannel(smtpConfig(port, { host }));
    const fault = await faultOf(opened.send(outgoing(), sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'connect']);
    assert.match(fault.message, /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
  }
});

test('verifying logs in and sends nothing; a refused login is notified as one', async (t) => {
  const well = await server(t);
  await verifyMailServer(withLogin(well.port), { timeoutMs: 60_000, signal: never });
  await until(() => well.open() === 0, 'a connection is open');
  const commands = well.lines.map((line) => line.slice(0, 6));
  assert.deepEqual(commands, ['1:EHLO', '1:AUTH', '1:QUIT']);
  const wrong = await server(t, at('auth', '535 5.7.8 no'));
  const fault = await faultOf(verifyMailServer(withLogin(wrong.port), { timeoutMs: 60_000, signal: never }));
  assert.equal(fault.code, 'mail-refused');
});

test('addresses are taken out of senders, and domains written as DNS has them', () => {
  assert.equal(addressOf('Fleet <fleet@example.org>'), 'fleet@example.org');
  assert.equal(addressOf('fleet@example.org'), 'fleet@example.org');
  assert.equal(addressOf('ops@bücher.example'), 'ops@xn--bcher-kva.example');
  assert.equal(addressOf('root@localhost'), 'root@localhost');
});
