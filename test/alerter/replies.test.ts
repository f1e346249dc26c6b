/** Replies to mails: acknowledgements, silences, ignored replies, and that each reply is applied once. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { isWide, skipUnlessWide } from '../support/long-tests.ts';
import type { StorageConfig } from '../../src/config/config.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { openReceiver } from '../support/servers/http-receiver.ts';
import { startImapServer, type ImapServer } from '../support/servers/imap-server.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { withMoments } from './support/moments.ts';
import { stationFor, type PassOptions, type Says, type Station } from './support/station.ts';

const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const password = 'correct horse battery';
const storm = { 'web-1': 'disk / 96', 'web-2': 'disk / 90' };

interface Scene {
  readonly station: Station;
  readonly imap: ImapServer;
  /** Returns the Reply-To of the newest mail. */
  readonly replyTo: () => string;
  /** Delivers a reply to the newest mail, at the station's time. */
  readonly reply: (body: string, headers?: readonly string[], to?: string) => void;
  /** Makes a pass. Returns the outcomes of the replies that it read. */
  readonly answered: (options?: PassOptions) => Promise<readonly string[]>;
  readonly acknowledged: () => Promise<readonly string[]>;
}

/** Returns config.xml's elements. `secret` ends the attribute of the password. */
function elementsOf(port: number, secret: string): string {
  return `<replies imap="imap://fleet@127.0.0.1:${port}/INBOX" password${secret}/><collector every="15m"/>
    <alerts mail="ops@example.org"><alert type="disk" warning="85%" critical="95%"/></alerts>${two}`;
}

async function sceneFor(t: TestContext, storage: StorageConfig): Promise<Scene> {
  const imap = await startImapServer({ password });
  t.after(() => imap.stop());
  const station = await stationFor(t, { storage, elements: elementsOf(imap.port, `="${password}"`) });
  await station.collect(storm);
  station.at('08:15');
  await station.pass();
  const replyTo = (): string => /^Reply-To: (\S+)\r$/m.exec(station.server.mails.at(-1)?.content ?? '')?.[1] ?? '';
  return {
    ...{ station, imap, replyTo },
    reply: (body, headers = [], to = replyTo()) => {
      const head = ['From: Kim <kim@example.org>', `To: ${to}`, 'Subject: Re: it', ...headers];
      imap.deliver([...head, '', body, ''].join('\n'), station.nowMs());
    },
    answered: async (options) => {
      const { events } = await station.pass(options);
      return events.flatMap((event) => {
        if (event.kind === 'fault') return `fault ${event.fault.message}`;
        if (event.kind !== 'reply') return [];
        const { from, line, result, count } = event.reply;
        return `${from}: ${line ?? '-'}: ${result} ${count}`;
      });
    },
    acknowledged: async () =>
      (await station.storage.evaluation.openAlerts(null))
        .filter(({ acknowledgedBy }) => acknowledgedBy !== null)
        .map(({ client, acknowledgedBy, acknowledgedUntilMs, acknowledgedComment }) => {
          const until = acknowledgedUntilMs === null ? '' : ` for ${(acknowledgedUntilMs - station.nowMs()) / 60_000}m`;
          return `${client} ${acknowledgedBy}${until} ${acknowledgedComment}`;
        })
        .sort(),
  };
}

/** The elements of a fleet whose mails and messages link its pages. */
const pages = 'https://fleet.example.org/';
const linking = (
  url: string,
): string => `<serve url="${pages}"><look/></serve><replies links="yes"/><collector every="15m"/>
    <alerts mail="ops@example.org"><webhook name="chat" url="${url}"/>
    <alert type="disk" warning="85%" critical="95%"/></alerts>${two}`;

onEachDatabase('a link', (kit) => {
  test('of a mail leads to the page of each alert, and answers the mail with its own token', async (t) => {
    const receiver = await openReceiver(t);
    const station = await stationFor(t, { storage: await kit.migrated(), elements: linking(receiver.origin) });
    await station.collect(storm);
    station.at('08:15');
    await station.pass();
    const content = (station.server.mails[0]?.content ?? '').replaceAll('=\r\n', '').replaceAll('=3D', '=');
    const open = await station.storage.evaluation.openAlerts(null);
    assert.equal(open.length, 2);
    for (const { id } of open) {
      assert.match(content, new RegExp(`^  ${pages}alerts/${id}\r$`, 'm'), 'in the text');
      assert.match(content, new RegExp(`<a href="${pages}alerts/${id}"`), 'in the HTML');
    }
    assert.doesNotMatch(content, /^Reply-To|Reply ack/m);
    const token = new RegExp(`^  ${pages}reply/([0-9a-f]{24})\r$`, 'm').exec(content)?.[1] ?? assert.fail(content);
    const posted = JSON.parse(receiver.received[0]?.body ?? '') as { alerts: { generatorURL: string }[] };
    const generators = posted.alerts.map(({ generatorURL }) => generatorURL);
    assert.deepEqual(generators.sort(), open.map(({ id }) => `${pages}alerts/${id}`).sort());
    const linked = await station.storage.links.linkedMail(token);
    assert.ok(typeof linked !== 'string' && linked.open.length === 2 && linked.recipient === 'ops@example.org');
    const answer = await station.storage.links.answerLink(token, { line: 'ack', forMs: null, by: null });
    assert.deepEqual(answer, { from: 'ops@example.org', line: 'ack', result: 'acknowledged', count: 2 });
    assert.equal(await station.storage.links.linkedMail('f'.repeat(24)), 'unknown');
  });
});

onEachDatabase('a reply', (kit) => {
  test('acknowledges what fires in its mail, for the time that it says', async (t) => {
    const { station, reply, answered, acknowledged } = await sceneFor(t, await kit.migrated());
    const [mail] = station.server.mails.map(({ content }) => content);
    assert.match(mail ?? '', /^Reply-To: fleet\+[0-9a-f]{24}@example\.org\r$/m);
    assert.match(mail ?? '', /Reply ack, ack 4h or silence 1d/);
    reply('Ack 4h\n\nOn Sunday, Fleet wrote:\n> CRITICAL');
    assert.deepEqual(await answered(), ['kim@example.org: Ack 4h: acknowledged 2']);
    assert.deepEqual(await acknowledged(), [
      'web-1 kim@example.org for 240m replied "Ack 4h"',
      'web-2 kim@example.org for 240m replied "Ack 4h"',
    ]);
    assert.deepEqual(await answered(), []);
  });

  test('silences what its mail notified, and the same again is one silence', async (t) => {
    const { station, imap, reply, answered } = await sceneFor(t, await kit.migrated());
    reply('silence 1d');
    assert.deepEqual(await answered(), ['kim@example.org: silence 1d: silenced 2']);
    const silences = await station.storage.operator.silences(station.nowMs());
    const notified = silences.map(({ client, rule, subject, author, endsAtMs }) =>
      [client, rule, subject, author, (endsAtMs - station.nowMs()) / 3_600_000].join(' '),
    );
    assert.deepEqual(notified, ['web-1 disk / kim@example.org 24', 'web-2 disk / kim@example.org 24']);
    // The mailbox was recreated with the same messages, so their ids are read again.
    imap.uidValidity += 1;
    assert.deepEqual(await answered(), []);
    assert.equal((await station.storage.operator.silences(station.nowMs())).length, 2);
  });

  test('in a mailbox that was made anew is applied once, whatever its id', async (t) => {
    const { station, imap, reply, answered } = await sceneFor(t, await kit.migrated());
    reply('not a command');
    reply('ack 1h');
    assert.deepEqual((await answered()).slice(1), ['kim@example.org: ack 1h: acknowledged 2']);
    // The mailbox was recreated with the messages that the alerter had read.
    imap.uidValidity += 1;
    station.at('08:20');
    reply('ack 2h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 2h: acknowledged 2']);
    assert.deepEqual(await answered(), []);
    // The mailbox was recreated without these messages, so the ids begin anew.
    imap.uidValidity += 1;
    imap.messages.splice(0);
    station.at('08:25');
    reply('silence 1h');
    assert.deepEqual(await answered(), ['kim@example.org: silence 1h: silenced 2']);
    assert.deepEqual(await answered(), []);
  });

  test('of the second in which the last reading ended is applied, in a mailbox that was made anew', async (t) => {
    const { imap, reply, answered } = await sceneFor(t, await kit.migrated());
    reply('ack 1h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 1h: acknowledged 2']);
    imap.uidValidity += 1;
    imap.messages.splice(0);
    reply('ack 2h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 2h: acknowledged 2']);
    assert.deepEqual(await answered(), []);
    // The mailbox was also recreated in that second: the next message has a UIDVALIDITY and id that were already read.
    imap.messages.splice(0);
    reply('ack 3h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 3h: acknowledged 2']);
    reply('ack 4h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 4h: acknowledged 2']);
    // The recreated mailbox has fewer messages than the alerter had read.
    imap.messages.splice(0);
    reply('ack 5h');
    assert.deepEqual(await answered(), ['kim@example.org: ack 5h: acknowledged 2']);
    assert.deepEqual(await answered(), []);
  });

  test(
    'of many is applied once in a mailbox that was made anew, whatever its order',
    { skip: skipUnlessWide },
    async (t) => {
      const { station, imap, reply, answered, acknowledged } = await sceneFor(t, await kit.migrated());
      for (let count = 0; count < 250; count += 1) reply(`thanks ${count}`);
      reply('ack 4h');
      // A busy machine parses fewer messages in the time of a reading.
      const readings: (readonly string[])[] = [];
      while (readings.at(-1)?.length !== 0) readings.push(await answered());
      assert.ok(readings.every(({ length }) => length <= 200));
      assert.equal(readings.flat().length, 251);
      await station.storage.operator.unacknowledge(
        (await station.storage.evaluation.openAlerts(null)).flatMap(({ id }) => id ?? []),
      );
      imap.uidValidity += 1;
      imap.messages.reverse().forEach((message, index) => (imap.messages[index] = { ...message, uid: index + 1 }));
      reply('thanks anyway');
      const again: string[] = [];
      for (let count = 0; count < readings.length; count += 1) again.push(...(await answered()));
      assert.deepEqual(again, ['kim@example.org: -: not-understood 0']);
      assert.deepEqual(await acknowledged(), []);
    },
  );

  test(
    'of before applied ones were remembered stays applied, in a mailbox that was made anew since',
    { skip: skipUnlessWide },
    async (t) => {
      const { station, imap, reply, answered } = await sceneFor(t, await kit.migrated());
      reply('silence 7d');
      assert.deepEqual(await answered(), ['kim@example.org: silence 7d: silenced 2']);
      // Migration 013 leaves the tables in this state.
      await station.database.write(async (session) => {
        await session.run('DELETE FROM mail_replies');
        await session.run('UPDATE reply_positions SET message = NULL');
      });
      imap.uidValidity += 1;
      station.at('08:20');
      reply('ack');
      assert.deepEqual(await answered(), ['kim@example.org: ack: acknowledged 2']);
      assert.deepEqual(await answered(), []);
    },
  );

  test('silences a mount that is called *, and no other', async (t) => {
    const { station, reply, answered } = await sceneFor(t, await kit.migrated());
    station.at('08:30');
    await station.collect({ 'web-1': 'disk * 96' });
    await station.pass();
    reply('silence 1d');
    assert.deepEqual(await answered(), ['kim@example.org: silence 1d: silenced 1']);
    const silences = await station.storage.operator.silences(station.nowMs());
    assert.deepEqual(
      silences.map(({ client, rule, subject }) => ({ client, rule, subject })),
      [{ client: 'web-1', rule: 'disk', subject: '=*' }],
    );
    station.at('09:00');
    await station.collect({ 'web-1': 'disk * 96, disk /data 96' });
    const { arrived } = await station.pass();
    assert.match(arrived.map(({ sentence }) => sentence).join(), /firing critical web-1 disk \/data/);
  });

  test('of a program, with an unknown token or too late changes nothing', async (t) => {
    const { station, reply, answered, acknowledged } = await sceneFor(t, await kit.migrated());
    reply('ack', ['Auto-Submitted: auto-replied']);
    reply('ack', ['Return-Path: <>']);
    reply('ack', [], `fleet+${'0'.repeat(24)}@example.org`);
    reply('I am away.');
    reply('ack', [], 'fleet@example.org');
    assert.deepEqual(await answered(), [
      'kim@example.org: ack: automatic 0',
      'kim@example.org: ack: automatic 0',
      'kim@example.org: ack: unknown 0',
      'kim@example.org: -: not-understood 0',
    ]);
    station.at('09:00');
    reply('ack 1h');
    station.at('10:30');
    assert.deepEqual(await answered(), ['kim@example.org: ack 1h: over 0']);
    station.at(station.nowMs() + 14 * 86_400_000);
    reply('ack');
    assert.ok((await answered()).includes('kim@example.org: ack: expired 0'));
    assert.deepEqual(await acknowledged(), []);
  });

  test('to an earlier mail acknowledges no alert that has got worse since', async (t) => {
    const { station, reply, replyTo, answered, acknowledged } = await sceneFor(t, await kit.migrated());
    const earlier = replyTo();
    for (const time of ['08:30', '08:45']) {
      station.at(time);
      await station.collect({ 'web-1': 'disk / 96', 'web-2': 'disk / 97' });
      await station.pass();
    }
    assert.notEqual(replyTo(), earlier);
    reply('ack', [], earlier);
    assert.deepEqual(await answered(), ['kim@example.org: ack: acknowledged 1']);
    assert.deepEqual(await acknowledged(), ['web-1 kim@example.org replied "ack"']);
    reply('ack');
    assert.deepEqual(await answered(), ['kim@example.org: ack: acknowledged 1']);
    assert.equal((await acknowledged()).length, 2);
  });
});

const create = (t: TestContext): StorageConfig => sqliteConfig(`${tempFolder(t)}/fleet.db`);

test('a mail in which nothing fires takes no reply', async (t) => {
  const { station } = await sceneFor(t, create(t));
  for (const time of ['08:30', '08:45', '09:00', '09:15']) {
    station.at(time);
    await station.collect();
    await station.pass();
  }
  const content = station.server.mails.at(-1)?.content ?? '';
  assert.match(content, /RESOLVED/);
  assert.doesNotMatch(content, /^Reply-To|Reply ack/m);
});

test('a connection that is cut at any byte, and a rerun: each reply is applied once', async (t) => {
  const { station, imap, reply, answered, acknowledged } = await sceneFor(t, create(t));
  const { restore } = await station.snapshot();
  reply('ack 4h');
  reply(`not a command ${'x'.repeat(300)}`);
  reply('silence 2h');
  const expected = ['Ack', 'silence'].length;
  await answered();
  const whole = imap.sentBytes();
  assert.ok(whole > 1000, `${whole} bytes`);
  for (let cut = 0; cut < whole; cut += isWide ? 61 : 613) {
    await restore();
    imap.cutAfterBytes = cut;
    const first = await answered();
    imap.cutAfterBytes = null;
    const all = [...first, ...(await answered()), ...(await answered())];
    const applied = all.filter((one) => /acknowledged 2|silenced 2/.test(one));
    assert.equal(applied.length, expected, `cut after ${cut} bytes: ${all.join('; ')}`);
    assert.equal((await acknowledged()).length, 2);
  }
});

test('an alerter that dies at any statement: each reply is applied once', async (t) => {
  const { station, reply, answered, acknowledged } = await sceneFor(t, create(t));
  const { restore } = await station.snapshot();
  reply('ack 4h');
  reply('silence 2h');
  let moments = 0;
  await answered({ wrap: (database) => withMoments(database, () => (moments += 1) < 0) });
  assert.ok(moments > 10, `${moments} moments`);
  for (let dies = 1; dies <= moments; dies += isWide ? 1 : 8) {
    await restore();
    let at = 0;
    const wrap: PassOptions['wrap'] = (database) => withMoments(database, () => (at += 1) === dies);
    station.at('08:16');
    await answered({ wrap }).catch(() => undefined);
    // The lease of the crashed alerter has expired.
    station.at('08:18');
    await answered();
    assert.equal((await acknowledged()).length, 2, `moment ${dies}`);
    assert.equal((await station.storage.operator.silences(station.nowMs())).length, 2, `moment ${dies}`);
    assert.deepEqual(await answered(), [], `moment ${dies}`);
  }
});

test('two alerters that read the same reply apply it once', async (t) => {
  const { station, reply, answered } = await sceneFor(t, create(t));
  reply('ack');
  const outcomes = await Promise.all([answered(), answered({ machine: 'mon-2' })]);
  const again = await answered();
  assert.equal([...outcomes.flat(), ...again].filter((one) => one.includes('acknowledged 2')).length, 1);
  assert.equal((await station.storage.evaluation.openAlerts(null)).length, 2);
});

test('at most 200 messages are read in a pass, 64 KiB of each; the rest is read by the next', async (t) => {
  const { imap, reply, replyTo, answered, acknowledged } = await sceneFor(t, create(t));
  for (let count = 0; count < 200; count += 1) reply('x', [], 'fleet@example.org');
  reply(`ack\n${'x'.repeat(200_000)}`);
  assert.deepEqual(await answered(), []);
  assert.deepEqual(await answered(), ['kim@example.org: ack: acknowledged 2']);
  assert.equal((await acknowledged()).length, 2);
  assert.ok(imap.commands.every((command) => !command.includes('FETCH') || command.includes('<0.65536>')));
  assert.doesNotMatch(imap.commands.join('\n'), /SELECT|STORE|DELETE|EXPUNGE/);
  const before = imap.commands.length;
  await answered();
  const asked = imap.commands.slice(before).filter((command) => /SEARCH|FETCH/.test(command));
  assert.equal(asked.length, 1, 'nothing is new: the last message alone');
  assert.ok(replyTo() !== '');
});

test('a mailbox that refuses the login or is away is one line, without the password', async (t) => {
  const { station, imap, answered } = await sceneFor(t, create(t));
  imap.act = (command) => {
    const echo = Buffer.from(command.split(' ')[2] ?? '', 'base64').toString();
    return command.startsWith('AUTHENTICATE')
      ? `NO [AUTHENTICATIONFAILED] ${command} ${echo.replaceAll('\0', ' ')}`
      : undefined;
  };
  const [refused = '', ...more] = await answered();
  assert.deepEqual(more, []);
  assert.match(refused, /^fault replies at 127\.0\.0\.1:\d+: the login was refused: /);
  assert.ok(!refused.includes(password) && !refused.includes(Buffer.from(password).toString('base64').slice(0, 12)));
  assert.ok(!refused.includes(Buffer.from(`\0fleet\0${password}`).toString('base64')), refused);
  imap.act = (command) => (command.startsWith('EXAMINE') ? 'NO no such mailbox' : undefined);
  assert.match((await answered())[0] ?? '', /no such mailbox/);
  await imap.stop();
  const { result, events } = await station.pass();
  assert.deepEqual([result.outcome, result.exitStatus], ['finished', 0]);
  const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
  assert.match(faults.join('\n'), /^replies at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});

const failures: readonly (readonly [what: string, why: RegExp, fail: (scene: Scene) => unknown])[] = [
  [
    'the login is refused',
    /: the login was refused: /,
    ({ imap }) => {
      imap.act = (command) => (command.startsWith('AUTHENTICATE') ? 'NO wrong' : undefined);
    },
  ],
  ['the server is away', /ECONNREFUSED/, ({ imap }) => imap.stop()],
  [
    'the password is missing',
    /^Warning: replies at 127\.0\.0\.1:1: the secret's file/,
    ({ station }) => station.configure(elementsOf(1, 'File="gone"')),
  ],
];

for (const [what, why, fail] of failures) {
  test(`while ${what}, mails do not ask for replies, and an alert fires after 15 minutes`, async (t) => {
    const scene = await sceneFor(t, create(t));
    const { station } = scene;
    const subjects = async (time: string, says: Says = storm): Promise<readonly string[]> => {
      station.at(time);
      await station.collect(says);
      const { result, arrived } = await station.pass();
      assert.equal(result.exitStatus, 0, time);
      return arrived.map(({ messageId }) => station.subjects().get(messageId) ?? '');
    };
    const worse = { ...storm, 'web-2': 'disk / 97' };
    const asks = (): boolean => /^Reply-To: |Reply ack/m.test(station.server.mails.at(-1)?.content ?? '');
    assert.ok(asks());
    assert.deepEqual(await subjects('08:30'), []);
    await fail(scene);
    assert.deepEqual(await subjects('08:35'), []);
    assert.deepEqual(await subjects('08:49'), []);
    const [warning = '', ...others] = await subjects('08:50');
    assert.match(warning, why);
    assert.deepEqual([others, asks()], [[], false]);
    const back = await startImapServer({ password });
    t.after(() => back.stop());
    station.configure(elementsOf(back.port, `="${password}"`));
    assert.match((await subjects('08:55', worse)).join('\n'), /web-2/);
    assert.ok(!asks(), 'no reply was read yet');
    assert.match((await subjects('09:10')).join('\n'), /replies-unread/);
    await subjects('09:25', { 'web-1': 'disk / 96, disk /srv 97' });
    assert.ok(asks());
    const open = await station.storage.evaluation.openAlerts(null);
    assert.ok(open.length === 3 && open.every(({ rule }) => rule === 'disk'));
  });
}

const at =
  (command: string, change: (answer: string) => string): NonNullable<ImapServer['alter']> =>
  (answer, to) =>
    to.startsWith(command) ? change(answer) : answer;
/** Servers that fail at some step. test/alerter/pass/read-replies.test.ts has the table of all. */
const oddServers: Readonly<Record<string, NonNullable<ImapServer['alter']>>> = {
  'greets with BYE': (answer, to) => (to === '' ? '* BYE too many\r\n' : answer),
  'stalls at the search': at('UID SEARCH', () => '* SEARCH {50}\r\n1'),
  'stalls in a message': at('UID FETCH', (answer) => answer.replace(/(BODY\[\]<0> \{\d+\}\r\n[^]{9})[^]*/, '$1')),
  'sends an id that is none': at('UID FETCH', (answer) => answer.replace(/UID \d+/, 'UID NIL')),
  'has other ids at each connection': at('EXAMINE', (answer) =>
    answer.replace(/UIDVALIDITY \d+/, () => `UIDVALIDITY ${process.hrtime.bigint() % 1_000_000_000n}`),
  ),
  'says that a message arrived in the year 9999': at('UID FETCH', (answer) =>
    answer.replace(/INTERNALDATE "[^"]*"/, 'INTERNALDATE "31-Dec-9999 23:59:59 +0000"'),
  ),
};

for (const [name, alter] of Object.entries(oddServers)) {
  test(`a server that ${name} costs no mail, no heartbeat, and one line`, { skip: skipUnlessWide }, async (t) => {
    const { station, imap, reply } = await sceneFor(t, create(t));
    const beats = await openReceiver(t);
    station.configure(`${elementsOf(imap.port, `="${password}"`)}<heartbeat url="${beats.origin}/beat"/>`);
    reply('thanks');
    imap.alter = alter;
    for (const [time, says] of [
      ['08:30', 'disk / 96'],
      ['08:45', 'disk / 96, disk /srv 97'],
      ['09:00', 'disk / 96, disk /srv 97, disk /var 98'],
    ] as const) {
      station.at(time);
      await station.collect({ 'web-1': says, 'web-2': 'disk / 90' });
      const sent = beats.received.length;
      const { result, events, arrived } = await station.pass();
      const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault : []));
      const heard = beats.received.slice(sent).map((post) => post.path);
      assert.deepEqual([result.outcome, result.exitStatus, heard], ['finished', 0, ['/beat']]);
      assert.ok(faults.length <= 1 && faults.every(({ code }) => code === 'replies-unread'), JSON.stringify(faults));
      const [, mount] = /(\S+) \d+$/.exec(says) ?? [];
      if (time !== '08:30') assert.match(arrived.map(({ sentence }) => sentence).join(), new RegExp(`disk ${mount}`));
    }
  });
}
