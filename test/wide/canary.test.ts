/**
 * The canary through Postfix, a hop that loses mails in eight ways, and Dovecot with Sieve. The alerter's clock and the
 * times of arrival are simulated.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { Secret } from '../../src/config/secret.ts';
import { createEmailChannel } from '../../src/notify/email.ts';
import { stationFor } from '../alerter/support/station.ts';
import { outgoing, sendOptions, smtpConfig } from '../notify/support/smtp-config.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startHttpReceiver } from '../support/servers/http-receiver.ts';
import { skipWithoutPostfix, startPostfix } from '../support/servers/postfix.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { skipWithoutSieve, startDovecot } from './support/dovecot.ts';

const options = { skip: skipWithoutSieve || skipWithoutPostfix, timeout: 900_000 };
const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];
/** A midnight so long ago that all simulated times are past: the IMAP client searches by the age of mails. */
const beginMs = (Math.floor(Date.now() / dayMs) - 40) * dayMs;

/** Returns the time of `04:10` on a day of the simulation. */
function at(day: number, time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return beginMs + day * dayMs + (hours * 60 + minutes) * minuteMs;
}

/** A mail on its way from the hop: when it goes on, and whereto. */
interface Onward {
  readonly afterMs: number;
  /** `fleet`: into the mailbox. Any other address: through Postfix, which bounces it. Default: fleet. */
  readonly to?: string;
  readonly mail?: string;
}
type Hop = (mail: string, sentAtMs: number) => readonly Onward[];

const straight: Hop = () => [{ afterMs: 12_000 }];

/** Starts the servers, a hop that can be replaced, and an alerter with a chat and a heartbeat. */
async function sceneFor(t: TestContext) {
  const postfix = await startPostfix();
  t.after(() => postfix.stop());
  const { plainPort, password, deliver } = await startDovecot(t, postfix.mailDir);
  const http = await startHttpReceiver();
  t.after(() => http.stop());
  const elementsFor = (smtpPort: number): string => `
    <smtp host="127.0.0.1" port="${smtpPort}" security="none" from="Fleet &lt;fleet@example.org&gt;"/>
    <replies imap="imap://fleet@127.0.0.1:${plainPort}/INBOX" password="${password}"/>
    <canary to="${postfix.mailbox}"/><collector every="5m"/><heartbeat url="${http.origin}/beat"/>
    <alerts zone="UTC"><webhook name="chat" url="${http.origin}/chat" format="text"/></alerts>
    <client name="web-1" ip="192.0.2.1" username="u"/>`;
  const fleetDir = path.join(postfix.mailDir, 'fleet');
  const files = (): readonly string[] =>
    ['new', 'cur', '.Junk/new', '.Junk/cur'].flatMap((name) => {
      const dir = path.join(fleetDir, name);
      return existsSync(dir) ? readdirSync(dir).map((file) => path.join(dir, file)) : [];
    });
  const { ca, username } = postfix;
  const secret = new Secret({ kind: 'literal', value: postfix.password });
  const relay = createEmailChannel(
    smtpConfig(postfix.submissionPort, { security: 'starttls', ca, username, password: secret }),
  );
  t.after(() => relay.close());
  /** Lets a mail go on, and dates what arrives by the simulated clock. */
  const goOn = async ({ to = 'fleet', mail = '' }: Onward, atMs: number): Promise<void> => {
    const before = new Set(files());
    const isNew = (file: string): boolean => !before.has(file);
    if (to === 'fleet') deliver(mail);
    else {
      await relay.send(outgoing({ recipient: to, content: mail.replace(/\r?\n/g, '\r\n') }), sendOptions());
      await until(() => files().some(isNew), postfix.log);
    }
    for (const file of files().filter(isNew)) utimesSync(file, atMs / 1000, atMs / 1000);
  };
  return { t, postfix, http, elementsFor, goOn };
}

type Scene = Awaited<ReturnType<typeof sceneFor>>;

/** Plays passes. Returns the first lines of the chat's messages, each with its time, and the number of heartbeats. */
async function play(
  { t, postfix, http, elementsFor, goOn }: Scene,
  hop: Hop,
  times: readonly number[],
  smtpPortAt: (nowMs: number) => number = () => postfix.plainPort,
) {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const station = await stationFor(t, { storage, elements: elementsFor(postfix.plainPort), smtp: null });
  const waiting: { readonly atMs: number; readonly onward: Onward }[] = [];
  const told: string[] = [];
  let beats = 0;
  let passed = (await postfix.delivered(0)).length;
  for (const nowMs of times) {
    station.at(nowMs);
    station.configure(elementsFor(smtpPortAt(nowMs)));
    for (const one of waiting.splice(0)) {
      if (one.atMs <= nowMs) await goOn(one.onward, one.atMs);
      else waiting.push(one);
    }
    const posts = http.received.length;
    const { events } = await station.pass();
    const sent = events.filter((event) => event.kind === 'sent' && event.recipient === postfix.mailbox).length;
    const mails = (await postfix.delivered(passed + sent)).slice(passed);
    passed += sent;
    for (const mail of mails) {
      for (const onward of hop(mail, nowMs))
        waiting.push({ atMs: nowMs + onward.afterMs, onward: { mail, ...onward } });
    }
    for (const { path: to, body } of http.received.slice(posts)) {
      if (to === '/beat') beats += 1;
      else told.push(`${new Date(nowMs - beginMs).toISOString().slice(8, 16)} ${body.split('\n', 1)[0] ?? ''}`);
    }
  }
  return { told, beats };
}

/** Two periods of passes: dense while a canary is awaited. */
const twoDays = [0, dayMs].flatMap((day) =>
  [0, 1, 2, 15, 16, 17, 30, 60, 61, 62, 75, 76, 77, 140, 720].map((minute) => at(0, '04:10') + day + minute * minuteMs),
);

const greylisted = (): Hop => {
  const first: number[] = [];
  return (_, sentAtMs) => {
    first.push(sentAtMs);
    return [{ afterMs: Math.max(12_000, (first[0] ?? 0) + hourMs - sentAtMs) }];
  };
};

const lost = (reason: string): RegExp =>
  new RegExp(`^01T0[56]:.. CRITICAL: the canary of 04:10 did not come back: ${reason}`);
const hops: readonly { readonly what: string; readonly hop: () => Hop; readonly told: RegExp }[] = [
  { what: 'accepts and drops', hop: () => () => [], told: lost('the mail server took it, and it arrived nowhere$') },
  {
    what: 'greylists for an hour',
    hop: greylisted,
    told: /^01T05:11 Warning: the canary of 04:10 arrived after 1h by the clock of the mailbox$/,
  },
  {
    what: 'files to Junk',
    hop: () => (mail) => [{ afterMs: 5_000, mail: `X-Spam-Flag: YES\n${mail}` }],
    told: /^01T04:12 Warning: the canary of 04:10 arrived in Junk$/,
  },
  { what: 'delays a day', hop: () => () => [{ afterMs: dayMs }], told: lost('the mail server took it') },
  {
    what: 'strips the token',
    hop: () => (mail) => [{ afterMs: 5_000, mail: mail.replace(/[0-9a-f]{24}/g, 'x') }],
    told: lost('the mail server took it'),
  },
  {
    what: 'bounces later',
    hop: () => () => [{ afterMs: 20 * minuteMs, to: 'kim@gone.test' }],
    told: lost('it bounced: '),
  },
  {
    what: 'loops',
    hop: () => () => [{ afterMs: minuteMs, to: 'ops@loops.test' }],
    told: lost('it bounced: .*too many hops'),
  },
  {
    what: 'delivers twice',
    hop: () => () => [{ afterMs: 5_000 }, { afterMs: 70_000 }],
    told: /^01T04:25 Warning: the canary of 04:10 arrived twice$/,
  },
];

test('each of eight hops is told within two periods, and a loss stops the heartbeat', options, async (t) => {
  const scene = await sceneFor(t);
  for (const { what, hop, told } of hops) {
    await t.test(what, async () => {
      const {
        told: [first = ''],
        beats,
      } = await play(scene, hop(), twoDays);
      assert.match(first, told);
      assert.equal(beats < twoDays.length, first.includes('CRITICAL'));
    });
  }
});

test('thirty days, a mail server that is away for four hours among them, end without an alert', options, async (t) => {
  const scene = await sceneFor(t);
  const closed = await freePort();
  const [from, to] = [at(3, '03:00'), at(3, '07:00')];
  const times = Array.from({ length: 30 }, (_, day) =>
    [
      '04:10',
      '04:11',
      ...(day === 3 ? ['04:20', '04:30', '05:00', '06:00', '06:59', '07:05', '07:06'] : []),
      '12:00',
    ].map((time) => at(day, time)),
  ).flat();
  const isAway = (nowMs: number): boolean => nowMs >= from && nowMs < to;
  const portAt = (nowMs: number): number => (isAway(nowMs) ? closed : scene.postfix.plainPort);
  const { told, beats } = await play(scene, straight, times, portAt);
  assert.deepEqual(told, []);
  // A mail that waits after an attempt stops the heartbeat too.
  assert.equal(beats, times.length - times.filter(isAway).length);
});
