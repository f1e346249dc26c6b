/** Replies that swaks sends, Postfix delivers and Dovecot serves. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import type { RepliesConfig } from '../../src/config/config.ts';
import { verifyReplies } from '../../src/notify/replies/imap-client.ts';
import { configOf } from '../alerter/support/config-of.ts';
import { stationFor, type Station } from '../alerter/support/station.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { startImapServer } from '../support/servers/imap-server.ts';
import { skipWithoutPostfix, startPostfix, type Postfix } from '../support/servers/postfix.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { nobodyId, skipWithoutDovecot, startCuttingProxy, startDovecot, type Dovecot } from './support/dovecot.ts';

const options = { skip: skipWithoutDovecot || skipWithoutPostfix, timeout: 180_000 };
const elements = (postfix: Postfix, imap: string): string => `
  <smtp host="127.0.0.1" port="${postfix.plainPort}" security="none" from="Fleet &lt;fleet@example.org&gt;"/>
  <replies imap="${imap}"/><collector every="15m"/>
  <alerts mail="${postfix.mailbox}"><alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>`;

const bounceType = 'multipart/report; report-type=delivery-status; boundary="part"';
/** A report of a mail that could not be delivered (RFC 3464), whose first words would be a command. */
const bounce = `This is a report in parts.

--part
Content-Type: text/plain

ack

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; kim@example.org
Action: failed
Status: 5.1.1

--part
Content-Type: text/rfc822-headers

Subject: CRITICAL

--part--`;

interface Scene {
  readonly station: Station;
  readonly postfix: Postfix;
  /** The address of the replies to the mail that arrived. */
  readonly replyTo: string;
  /** Replies to the mail that arrived. */
  readonly reply: (body: string, headers?: readonly string[]) => Promise<void>;
  /** Runs a pass. Returns the results of the replies that it read. */
  readonly answered: () => Promise<readonly string[]>;
}

async function sceneFor(t: TestContext, imapOf: (dovecot: Dovecot) => Promise<string>): Promise<Scene> {
  const postfix = await startPostfix();
  t.after(() => postfix.stop());
  const dovecot = await startDovecot(t, postfix.mailDir);
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements: elements(postfix, await imapOf(dovecot)), smtp: null });
  const storm = { 'web-1': 'disk / 96', 'web-2': 'disk / 90' };
  for (const minutes of [16, 1]) {
    station.at(Date.now() - minutes * 60_000);
    await station.collect(storm);
  }
  station.at(Date.now());
  await station.pass();
  const [mail = ''] = await postfix.delivered(1);
  const replyTo = /^Reply-To: (\S+)$/m.exec(mail)?.[1] ?? assert.fail(mail);
  let sent = 0;
  return {
    station,
    postfix,
    replyTo,
    reply: async (body, headers = []) => {
      const server = ['--server', '127.0.0.1', '--port', String(postfix.plainPort)];
      const letter = ['--from', 'kim@example.org', '--to', replyTo, '--body', body];
      const more = headers.flatMap((header) => ['--add-header', header]);
      await promisify(execFile)('swaks', [...server, ...letter, ...more]);
      sent += 1;
      const folder = (name: string): string => path.join(postfix.mailDir, 'fleet', name);
      const count = (): number => ['new', 'cur'].reduce((sum, name) => sum + entries(folder(name)), 0);
      await until(
        () => count() >= sent,
        () => `${count()} of ${sent} replies: ${postfix.log()}`,
      );
    },
    answered: async () => {
      station.at(Date.now());
      const { events } = await station.pass();
      return events.flatMap((event) => {
        if (event.kind === 'fault') return `fault ${event.fault.message}`;
        return event.kind === 'reply' ? `${event.reply.from} ${event.reply.result} ${event.reply.count}` : [];
      });
    },
  };
}

function entries(dir: string): number {
  try {
    return readdirSync(dir).length;
  } catch {
    return 0;
  }
}

test('a reply over TLS acknowledges its alerts; a vacation message and a bounce do not', options, async (t) => {
  const { station, reply, answered } = await sceneFor(t, ({ imapsPort, password, ca }) =>
    Promise.resolve(`imaps://fleet@localhost:${imapsPort}/INBOX" password="${password}" ca="${ca}`),
  );
  await reply('ack', ['Auto-Submitted: auto-replied', 'Subject: Out of office']);
  await reply(bounce, ['MIME-Version: 1.0', `Content-Type: ${bounceType}`]);
  assert.deepEqual(await answered(), ['kim@example.org automatic 0', 'kim@example.org automatic 0']);
  const open = () => station.storage.evaluation.openAlerts(null);
  assert.deepEqual(
    (await open()).map(({ acknowledgedBy }) => acknowledgedBy),
    [null, null],
  );
  await reply('Ack 4h\n\nOn Sunday, Fleet wrote:\n> CRITICAL');
  assert.deepEqual(await answered(), ['kim@example.org acknowledged 2']);
  for (const { acknowledgedBy, acknowledgedComment } of await open()) {
    assert.deepEqual([acknowledgedBy, acknowledgedComment], ['kim@example.org', 'replied "Ack 4h"']);
  }
  assert.deepEqual(await answered(), []);
});

test('a certificate of an unknown authority is refused', options, async (t) => {
  const { answered } = await sceneFor(t, ({ imapsPort, password }) =>
    Promise.resolve(`imaps://fleet@localhost:${imapsPort}/INBOX" password="${password}`),
  );
  assert.match((await answered())[0] ?? '', /^fault replies at localhost:\d+: .*(certificate|CERT)/i);
});

test('STARTTLS is used unless the host is this machine, with a certificate that is checked', options, async (t) => {
  const mailDir = tempFolder(t);
  chmodSync(mailDir, 0o777);
  const { password, plainPort, ca } = await startDovecot(t, mailDir);
  const replies = (authority: string): RepliesConfig => {
    const element =
      `<replies imap="imap://fleet@imap.example.org:${plainPort}/INBOX" ` + `password="${password}"${authority}/>`;
    const { replies: read } = configOf(
      `<smtp host="mail.example.org" from="fleet@example.org"/>${element}<client ip="192.0.2.1" username="u"/>`,
    );
    assert.equal(read?.security, 'starttls');
    return { ...read, host: 'localhost' };
  };
  const verify = (read: RepliesConfig): Promise<void> =>
    verifyReplies(read, { timeoutMs: 10_000, signal: new AbortController().signal });
  await verify(replies(` ca="${ca}"`));
  await assert.rejects(verify(replies('')), /replies at localhost:\d+: .*(certificate|CERT)/i);
  const imap = await startImapServer({ password });
  t.after(() => imap.stop());
  await assert.rejects(verify({ ...replies(''), host: '127.0.0.1', port: imap.port }), /STARTTLS/i);
  assert.deepEqual(
    imap.commands.filter((command) => /LOGIN|AUTH/i.test(command)),
    [],
  );
});

test('a connection that is cut at any byte: each reply is applied once', options, async (t) => {
  let proxy = { cutAfterBytes: null as number | null, passed: 0 };
  const { station, reply, answered } = await sceneFor(t, async ({ plainPort, password }) => {
    const started = await startCuttingProxy(t, plainPort);
    proxy = started;
    return `imap://fleet@127.0.0.1:${started.port}/INBOX" password="${password}`;
  });
  const { restore } = await station.snapshot();
  await reply('ack 4h');
  await reply('thanks');
  await reply('silence 2h');
  assert.equal((await answered()).length, 3);
  const whole = proxy.passed;
  assert.ok(whole > 1500, `${whole} bytes`);
  for (let cut = 0; cut < whole; cut += 97) {
    await restore();
    proxy.cutAfterBytes = cut;
    const first = await answered();
    proxy.cutAfterBytes = null;
    const all = [...first, ...(await answered()), ...(await answered())];
    const applied = all.filter((one) => /(acknowledged|silenced) 2/.test(one));
    assert.equal(applied.length, 2, `cut after ${cut} of ${whole} bytes: ${all.join('; ')}`);
  }
});

/** Replaces the mailbox by one with these messages, in this order. `uidValidity`: null lets Dovecot choose it. */
function makeAnew(dir: string, messages: readonly string[], uidValidity: string | null = null): void {
  rmSync(dir, { recursive: true, force: true });
  const make = (name: string, content?: string): void => {
    const at = path.join(dir, name);
    if (content === undefined) mkdirSync(at);
    else writeFileSync(at, content);
    chownSync(at, nobodyId, nobodyId);
  };
  mkdirSync(dir);
  chownSync(dir, nobodyId, nobodyId);
  for (const name of ['new', 'cur', 'tmp']) make(name);
  const nameOf = (index: number): string => `${1_700_000_000 + index}.M${index}.mail`;
  for (const [index, message] of messages.entries()) make(path.join('cur', `${nameOf(index)}:2,`), message);
  if (uidValidity === null) return;
  const head = `3 V${uidValidity} N${messages.length + 1} G0123456789abcdef0123456789abcdef`;
  make('dovecot-uidlist', [head, ...messages.map((_, index) => `${index + 1} :${nameOf(index)}`), ''].join('\n'));
}

const uidValidityIn = (dir: string): string =>
  /^3 V(\d+) /.exec(readFileSync(path.join(dir, 'dovecot-uidlist'), 'utf8'))?.[1] ?? assert.fail();

test('a mailbox of 450 messages that was made anew: no reply is missed or applied twice', options, async (t) => {
  const { station, postfix, replyTo, answered } = await sceneFor(t, ({ plainPort, password }) =>
    Promise.resolve(`imap://fleet@127.0.0.1:${plainPort}/INBOX" password="${password}`),
  );
  const dir = path.join(postfix.mailDir, 'fleet');
  let made = 0;
  const message = (body: string): string =>
    `Message-ID: <${(made += 1)}@example.org>\nFrom: kim@example.org\nTo: ${replyTo}\nSubject: Re: it\n\n${body}\n`;
  const passes = async (count: number): Promise<readonly string[]> => {
    const all: string[] = [];
    for (let pass = 0; pass < count; pass += 1) all.push(...(await answered()));
    return all;
  };
  const unacknowledge = async (): Promise<void> => {
    const ids = (await station.storage.evaluation.openAlerts(null)).flatMap(({ id }) => id ?? []);
    assert.equal(await station.storage.operator.unacknowledge(ids), 2);
  };
  const messages = [...Array.from({ length: 449 }, () => message('thanks')), message('ack 4h')];
  makeAnew(dir, messages);
  const first = await passes(4);
  assert.deepEqual([first.length, first.at(-1)], [450, 'kim@example.org acknowledged 2']);

  await unacknowledge();
  const before = uidValidityIn(dir);
  makeAnew(dir, [message('silence 1h'), ...messages.toReversed(), message('ack 5h')], String(Number(before) + 1));
  assert.deepEqual(await passes(4), ['kim@example.org silenced 2', 'kim@example.org acknowledged 2']);
  assert.equal(uidValidityIn(dir), String(Number(before) + 1));

  await unacknowledge();
  // Within the same second: UIDVALIDITY is the same, and the messages arrive in the second of the last ones.
  makeAnew(dir, [...messages.slice(0, 300), message('ack 6h')], String(Number(before) + 1));
  assert.deepEqual(await passes(3), ['kim@example.org acknowledged 2']);
  await unacknowledge();
  makeAnew(dir, [...messages.slice(0, 230), message('ack 7h'), ...messages.slice(230)], String(Number(before) + 1));
  assert.deepEqual(await passes(4), ['kim@example.org acknowledged 2']);
});
