/** The greeting of the mail server, from the names of machines and from what arrives. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';

import { createEmailChannel } from '../../src/notify/email.ts';
import { greetedAs, smtpGreeting } from '../../src/notify/smtp-greeting.ts';
import { openServer } from '../alerter/support/sending.ts';
import type { SmtpPhase } from '../support/servers/smtp-server.ts';
import { faultOf, outgoing, sendOptions, smtpConfig } from './support/smtp-config.ts';

const debian = '127.0.0.1\tlocalhost\n127.0.1.1\tmon1.lab.example.net\tmon1 # here\n::1 localhost ip6-localhost\n';

/** Names of machines, and their greetings. `from` is at example.org by default. */
const machines: readonly {
  readonly machine: string;
  readonly hosts?: string;
  readonly from?: string;
  readonly helo?: string;
  readonly name: string | null;
}[] = [
  { machine: 'mon1.example.net', name: 'mon1.example.net' },
  { machine: 'mon1.example.net.', name: 'mon1.example.net' },
  { machine: 'mon1', name: 'mon1.example.org' },
  { machine: 'mon1', hosts: debian, name: 'mon1.lab.example.net' },
  { machine: 'MON1', hosts: debian, name: 'mon1.lab.example.net' },
  { machine: 'mon2', hosts: debian, name: 'mon2.example.org' },
  { machine: 'mon1', hosts: '172.17.0.2 mon1\n127.0.0.1 localhost.localdomain mon1', name: 'mon1.example.org' },
  { machine: 'mon1', hosts: '# 10.0.0.1 mon1.example.net mon1', name: 'mon1.example.org' },
  { machine: 'mon1', hosts: '10.0.0.9 db.example.net mon1', name: 'mon1.example.org' },
  { machine: '3f2a1b4c5d6e', hosts: '172.17.0.2\t3f2a1b4c5d6e\n', name: '3f2a1b4c5d6e.example.org' },
  {
    machine: 'web-7f9c',
    hosts: '10.1.2.3 web-7f9c.web.prod.svc.cluster.local web-7f9c',
    name: 'web-7f9c.web.prod.svc.cluster.local',
  },
  { machine: 'localhost', hosts: debian, name: 'example.org' },
  { machine: 'localhost.localdomain', name: 'example.org' },
  { machine: 'mon1.localdomain', name: 'mon1.example.org' },
  { machine: '', name: 'example.org' },
  { machine: '(none)', name: 'none.example.org' },
  { machine: '192.0.2.7', name: 'example.org' },
  { machine: 'mon_1', name: 'mon-1.example.org' },
  { machine: 'mon_1.example.net', name: 'mon-1.example.org' },
  { machine: '12345', name: '12345.example.org' },
  { machine: 'mon1', from: 'Flotte <fleet@b\u00fccher.example>', name: 'mon1.xn--bcher-kva.example' },
  { machine: 'mon1', from: 'fleet-health@mon1', name: null },
  { machine: 'mon1', from: 'root@localhost', name: null },
  { machine: 'mon1', from: 'root@localhost.localdomain', name: null },
  { machine: 'mon1', helo: 'out.example.com', name: 'out.example.com' },
  { machine: 'mon1', helo: '192.0.2.7', name: '[192.0.2.7]' },
  { machine: 'mon1', helo: '2001:db8::7', name: '[IPv6:2001:db8::7]' },
];

test('a greeting is a full name', () => {
  for (const { machine, hosts = '', from = 'fleet@example.org', helo = null, name } of machines) {
    const greeting = smtpGreeting({ helo, from }, { hostname: machine, hosts: () => hosts });
    assert.equal(greeting.name, name, `${machine} ${hosts}`);
  }
});

test('without any name with a domain the greeting is the address of the connection', () => {
  const none = { name: null, source: '' };
  assert.equal(greetedAs(none, '::ffff:192.0.2.7'), '[192.0.2.7]');
  assert.equal(greetedAs(none, '192.0.2.7'), '[192.0.2.7]');
  assert.equal(greetedAs(none, 'fe80::1%eth0'), '[IPv6:fe80::1]');
});

test('the name arrives: of helo, else a name with a dot, and never the loopback of nodemailer', async (t) => {
  const server = await openServer(t);
  const options = { to: 'ops@example.org' };
  for (const helo of ['out.example.com', null]) {
    const channel = createEmailChannel(smtpConfig(server.port, { helo }));
    await channel.send(outgoing({ recipient: options.to }), sendOptions());
    channel.close();
  }
  const greetings = server.lines.flatMap((line) => /^\d:EHLO (.*)$/.exec(line)?.[1] ?? []);
  assert.equal(greetings[0], 'out.example.com');
  assert.match(greetings[1] ?? '', /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/, hostname());
});

/** Answers about the greeting as servers give them, and answers with the words that are about something else. */
const answers: readonly {
  readonly phase: SmtpPhase;
  readonly reply: string;
  readonly isOfGreeting: boolean;
  readonly stage: string;
}[] = [
  // Google's relay.
  {
    phase: 'ehlo',
    reply: '421 4.7.0 Try again later, closing connection. (EHLO) x1-20020',
    isOfGreeting: true,
    stage: 'connect',
  },
  // Postfix, at once and at RCPT (smtpd_delay_reject).
  {
    phase: 'ehlo',
    reply: '504 5.5.2 <mon1>: Helo command rejected: need fully-qualified hostname',
    isOfGreeting: true,
    stage: 'connect',
  },
  {
    phase: 'rcpt',
    reply: '504 5.5.2 <mon1>: Helo command rejected: need fully-qualified hostname',
    isOfGreeting: true,
    stage: 'login',
  },
  {
    phase: 'rcpt',
    reply: '554 5.7.1 <[127.0.0.1]>: Helo command rejected: Access denied',
    isOfGreeting: true,
    stage: 'login',
  },
  {
    phase: 'rcpt',
    reply: '450 4.7.1 <mon1.example.org>: Helo command rejected: Host not found',
    isOfGreeting: true,
    stage: 'mail',
  },
  // Exim, Exchange, policyd-spf, a filter at the end of the data.
  { phase: 'ehlo', reply: '501 Syntactically invalid EHLO argument(s)', isOfGreeting: true, stage: 'connect' },
  {
    phase: 'rcpt',
    reply: '550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)',
    isOfGreeting: true,
    stage: 'login',
  },
  { phase: 'ehlo', reply: '501 5.5.4 Invalid domain name', isOfGreeting: true, stage: 'connect' },
  { phase: 'mail', reply: '550 5.7.1 Bad HELO - Host impersonating domain name', isOfGreeting: true, stage: 'login' },
  { phase: 'data', reply: '554-5.7.1 no\r\n554 5.7.1 your EHLO/HELO is not a FQDN', isOfGreeting: true, stage: 'mail' },
  // Other answers.
  { phase: 'mail', reply: '503 5.5.1 Error: send HELO/EHLO first', isOfGreeting: false, stage: 'login' },
  { phase: 'ehlo', reply: '502 5.5.1 EHLO not implemented', isOfGreeting: false, stage: 'connect' },
  { phase: 'ehlo', reply: '554 5.7.1 your network is on a blocklist', isOfGreeting: false, stage: 'connect' },
  { phase: 'ehlo', reply: '421 4.3.2 too many connections', isOfGreeting: false, stage: 'connect' },
  { phase: 'rcpt', reply: '550 5.7.1 see https://helo.example.org/why/helo.html', isOfGreeting: false, stage: 'mail' },
  { phase: 'rcpt', reply: '550 5.1.1 <helo@example.org>: unknown', isOfGreeting: false, stage: 'mail' },
  { phase: 'dot', reply: '550 5.7.1 spam: HELO_NO_DOMAIN,URIBL', isOfGreeting: false, stage: 'mail' },
];

test('an answer about the greeting is told as one, at whatever step it comes', async (t) => {
  for (const { phase: at, reply, isOfGreeting, stage } of answers) {
    const server = await openServer(t, { act: ({ phase }) => (phase === at ? reply : undefined), extensions: [] });
    const channel = createEmailChannel(smtpConfig(server.port, { helo: 'mon1.example.org' }));
    const fault = await faultOf(channel.send(outgoing(), sendOptions()));
    channel.close();
    assert.equal(fault.stage, stage, reply);
    assert.equal(fault.message.includes('this machine greeted it as mon1.example.org'), isOfGreeting, fault.message);
    assert.equal(fault.advice.includes('helo='), isOfGreeting, fault.advice);
    if (isOfGreeting && stage !== 'mail') assert.equal(fault.code, 'mail-unavailable', reply);
  }
});
