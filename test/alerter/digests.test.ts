// Second tier: days of passes on each database.
/** Digests of a whole alerter: each is made once, whichever program crashes, and a late digest is notified. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import PostalMime, { type Email } from 'postal-mime';

import { isWide } from '../support/long-tests.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { withMoments, type Moment } from './support/moments.ts';
import { stationFor, type PassOutcome, type Station } from './support/station.ts';

const two = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';
const rule = '<alert type="disk" warning="85%" critical="95%"/>';

function elementsOf(digest: string, clients = two): string {
  return `<collector every="15m"/><alerts zone="UTC" mail="ops@example.org">${digest}${rule}</alerts>${clients}`;
}

const daily = elementsOf('<digest to="boss@example.org" at="08:00"/>');

/** Returns the digests that the server accepted, parsed as by a mail program. */
async function digestsOf(station: Station, to = 'boss@example.org'): Promise<readonly Email[]> {
  const mails = station.server.mails.filter((mail) => mail.to === to);
  return await Promise.all(mails.map(({ content }) => PostalMime.parse(content)));
}

async function collectAndPass(station: Station, time: string, says = {}): Promise<void> {
  station.at(time);
  await station.collect(says);
  await station.pass();
}

onEachDatabase('a digest', (kit) => {
  test('is made at its time, once, and says in one line that all is well', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:30');
    await collectAndPass(station, '07:45');
    assert.equal((await digestsOf(station)).length, 0);
    await collectAndPass(station, '08:00');
    for (const time of ['08:01', '20:00', '23:59']) {
      station.at(time);
      await station.pass();
    }
    const [digest, ...others] = await digestsOf(station);
    assert.equal(others.length, 0);
    assert.equal(digest?.subject, 'Digest: 2 of 2 answered all 2 visits');
    assert.match(digest.text ?? '', /^2 of 2 answered all 2 visits\.\n\n-{72}\nThu 19 Nov 08:00 to Fri 20 Nov 08:00\./);
    await collectAndPass(station, '+1 08:00');
    assert.equal((await digestsOf(station)).length, 2);
  });

  test('tells what is open, what began and ended, and who was away', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    for (const [time, says] of [
      ['05:00', {}],
      ['05:15', { 'web-1': 'fails connect-refused', 'web-2': 'disk / 90' }],
      ['05:30', { 'web-1': 'fails connect-refused', 'web-2': 'disk / 90' }],
      ['05:45', { 'web-1': 'disk / 97', 'web-2': 'disk / 50' }],
      ['06:00', { 'web-1': 'disk / 97', 'web-2': 'disk / 50' }],
    ] as const) {
      await collectAndPass(station, time, says);
    }
    station.at('08:00');
    await station.pass();
    const [digest] = await digestsOf(station);
    assert.equal(
      digest?.subject,
      'Digest: 1 critical open; 3 began, 2 ended; 80 % of 10 visits were answered; 1 of 2 were away',
    );
    const { text = '' } = digest;
    for (const words of [
      /^OPEN NOW \(1\) =+\n\n1 critical\n {2}critical: web-1 disk \/ 97 %, for 2 hours 1[45] minutes\n/,
      /\n3 began, 2 ended\n {2}disk: 2 began, 1 ended\n {2}unreachable: 1 began, 1 ended\n/,
      /\nThe worst that ended\n {2}critical: web-1 unreachable, 45 minutes from Fri 20 Nov 05:15\n/,
      /\nAVAILABILITY =+\n\n80 % of 10 visits were answered; 1 of 2 were away\n {2}longest silence: web-1, 45 minutes\n/,
      /\n {2}web-1: away 45 minutes \(Fri 20 Nov 05:15 to 06:00\)\n/,
      /\nMONITORING ITSELF =+\n\n[^\n]+ of CPU\n {2}collect: 5 runs, /,
    ]) {
      assert.match(text, words);
    }
    assert.match(digest.html ?? '', /critical: web-1 disk \/ 97 %/);
  });

  test('of groups tells of their clients alone, each to its recipients', async (t) => {
    const digests = `<digest to="boss@example.org,lead@example.org" at="08:00" groups="web*"/>
      <digest to="dba@example.org" at="08:00" groups="db"/><digest to="sun@example.org" days="sun"/>`;
    const clients = `<group name="web-fra"><client name="web-1" ip="192.0.2.1" username="u"/></group>
      <group name="db"><client name="db-1" ip="192.0.2.2" username="u"/></group>`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements: elementsOf(digests, clients) });
    await collectAndPass(station, '07:30', { 'db-1': 'disk / 97' });
    await collectAndPass(station, '08:00', { 'db-1': 'disk / 97' });
    for (const to of ['boss@example.org', 'lead@example.org']) {
      const [digest, ...others] = await digestsOf(station, to);
      assert.equal(digest?.subject, 'Digest of web*: 1 of 1 were never silent');
      assert.equal(others.length, 0);
    }
    assert.match(
      (await digestsOf(station, 'dba@example.org'))[0]?.subject ?? '',
      /^Digest of db: 1 critical open; 1 began/,
    );
    assert.equal((await digestsOf(station, 'sun@example.org')).length, 0);
    const ids = station.server.mails.map(({ content }) => /^Message-ID: (.*)$/im.exec(content)?.[1]);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('that is three hours late says so; one of twenty hours is named in the next', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:45');
    await collectAndPass(station, '11:00');
    await collectAndPass(station, '+2 04:00');
    const [late, ...none] = await digestsOf(station);
    assert.equal(none.length, 0);
    assert.match(late?.subject ?? '', /^Digest \(late\): /);
    assert.match(late?.text ?? '', /^Late: it was due on Fri 20 Nov 08:00, and made on Fri 20 Nov 11:00\./);
    await collectAndPass(station, '+2 08:00');
    const [, next] = await digestsOf(station);
    const text = next?.text?.replaceAll('\n', ' ') ?? '';
    assert.match(text, /^1 digest before it could not be made: Sat 21 Nov 08:00\./);
    assert.match(text, / Fri 20 Nov 08:00 to Sun 22 Nov 08:00\. /);
    await collectAndPass(station, '+3 08:00');
    assert.doesNotMatch((await digestsOf(station))[2]?.text ?? '', /could not be made/);
  });

  test('tells each visit, beginning and end once, however late it is', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    const full = { 'web-1': 'disk / 97' };
    for (const [time, says] of [
      ['07:00', {}],
      ['09:00', full],
      ['+1 08:10', {}],
      ['+2 07:50', {}],
      ['+2 11:00', full],
      ['+3 08:00', full],
    ] as const) {
      await collectAndPass(station, time, says);
    }
    const subjects = (await digestsOf(station)).map(({ subject }) => subject?.replace(/^.*?: /, ''));
    assert.deepEqual(subjects, [
      '1 critical open',
      '1 critical open; 1 began, 0 ended',
      '1 critical open; 0 began, 1 ended',
      '1 critical open; 1 began, 0 ended',
    ]);
  });

  test('goes on after an edit of its days and time, and waits for a collector that still runs', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:45');
    await collectAndPass(station, '08:00');
    station.configure(elementsOf('<digest to="boss@example.org" days="sun" at="07:00"/>'));
    await collectAndPass(station, '+1 08:00');
    station.at('+2 06:58');
    const run = await station.collect({}, { unfinished: true });
    station.at('+2 07:01');
    await station.pass();
    assert.equal((await digestsOf(station)).length, 1);
    station.at('+2 07:02');
    await station.endRun(run);
    await station.pass();
    const [, next] = await digestsOf(station);
    assert.match(next?.text?.replaceAll('\n', ' ') ?? '', /^2 of 2 .* Fri 20 Nov 08:00 to Sun 22 Nov 07:00\. /);
  });

  test('is made once by two alerters at once, on two machines', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:45');
    station.at('08:00');
    const passes = ['mon-1', 'mon-2', 'mon-3'].map((machine) => station.pass({ machine }));
    await Promise.all(passes);
    station.at('08:01');
    await station.pass({ machine: 'mon-2' });
    assert.equal((await digestsOf(station)).length, 1);
  });

  test('that the mail server refuses is notified to the fallback, and the others still go', async (t) => {
    const elements = elementsOf('<digest to="boss@example.org,lead@example.org" at="08:00"/>');
    const station = await stationFor(t, {
      storage: await kit.migrated(),
      elements,
      smtp: 'fallback="root@example.org"',
    });
    station.act(({ phase, line }) =>
      phase === 'rcpt' && line.includes('boss@') ? '550 5.1.1 no such user' : undefined,
    );
    await collectAndPass(station, '07:45');
    for (const time of ['08:00', '08:01', '08:02']) {
      station.at(time);
      await station.pass();
    }
    assert.equal((await digestsOf(station)).length, 0);
    assert.equal((await digestsOf(station, 'lead@example.org')).length, 1);
    const [notice, ...others] = await digestsOf(station, 'root@example.org');
    assert.equal(others.length, 0);
    assert.match(notice?.subject ?? '', /^Not delivered to boss@example.org: Digest: /);
  });

  test('that waits is dropped if config.xml names its recipient no more', async (t) => {
    const elements = elementsOf('<digest to="boss@example.org,lead@example.org" at="08:00"/>');
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    await collectAndPass(station, '07:45');
    station.act(({ phase }) => (phase === 'rcpt' ? '451 4.3.0 later' : undefined));
    station.at('08:00');
    const outcomesOf = ({ events }: PassOutcome): readonly string[] =>
      events.flatMap((event) => ('recipient' in event ? `${event.recipient} ${event.kind}` : [])).sort();
    assert.deepEqual(outcomesOf(await station.pass()), ['boss@example.org put-off', 'lead@example.org put-off']);
    station.configure(elementsOf('<digest to="lead@example.org" at="08:00"/>'));
    station.act(() => undefined);
    station.at('08:05');
    assert.deepEqual(outcomesOf(await station.pass()), ['boss@example.org dropped', 'lead@example.org sent']);
    assert.equal((await digestsOf(station)).length, 0);
    assert.equal((await digestsOf(station, 'lead@example.org')).length, 1);
  });

  test('does not put off warnings to its recipient', async (t) => {
    const station = await stationFor(t, {
      storage: await kit.migrated(),
      elements: elementsOf('<digest to="ops@example.org" at="08:00"/>'),
    });
    await collectAndPass(station, '07:45');
    station.at('08:00');
    await station.pass();
    await collectAndPass(station, '08:02', { 'web-1': 'disk / 90' });
    const toOps = await digestsOf(station, 'ops@example.org');
    assert.deepEqual(
      toOps.map(({ subject }) => subject?.replace(/:.*/, '')),
      ['Digest', 'Warning web-1'],
    );
  });

  test('of a fleet without clients, or that nobody has visited yet', async (t) => {
    const none = elementsOf(
      '<digest to="boss@example.org" at="08:00"/>',
      '<group name="later"/><include file="c/*.xml"/>',
    );
    const station = await stationFor(t, { storage: await kit.migrated(), elements: none });
    station.at('08:00');
    await station.pass();
    assert.match((await digestsOf(station))[0]?.text ?? '', /No client is visited/);
    const unvisited = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    unvisited.at('08:00');
    await unvisited.pass();
    assert.equal((await digestsOf(unvisited)).length, 0);
  });

  test('changes nothing in a dry run, which shows it', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:45');
    station.at('08:00');
    const before = await station.dump();
    const { events, result } = await station.pass({ dryRun: true });
    assert.equal(result.composed, 1);
    const shown = events.flatMap((event) =>
      event.kind === 'composed' ? `${event.mail.recipient} ${event.subject}` : [],
    );
    assert.deepEqual(shown, ['boss@example.org Digest: 2 of 2 answered the one visit']);
    assert.equal(await station.dump(), before);
  });

  test('goes out once, wherever the alerter dies', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: daily });
    await collectAndPass(station, '07:45');
    const { restore } = await station.snapshot();
    station.at('08:00');
    let moments: Moment[] = [];
    const count = (moment: Moment): boolean => {
      moments.push(moment);
      return false;
    };
    await station.pass({ wrap: (database) => withMoments(database, count) });
    const total = moments.length;
    assert.ok(total > 20, `${total} moments`);
    const every = !isWide ? Infinity : kit.kind === 'sqlite' ? 2 : 5;
    // Before the digest is stored, an alerter has only done what it does without digests.
    const stored = moments.find(({ sql }) => sql.includes('INTO mails'))?.count ?? 0;
    const chosen = moments.filter(
      ({ kind, count }) => (kind.startsWith('commit') && (isWide || count > stored)) || count % every === 0,
    );
    assert.ok(chosen.length > 8, `${chosen.length} moments`);
    for (const { count: dies } of chosen) {
      await restore();
      station.at('08:00');
      const from = station.server.mails.length;
      moments = [];
      await station
        .pass({ wrap: (database) => withMoments(database, (moment) => moment.count === dies) })
        .catch(() => undefined);
      for (const time of ['08:05', '09:00']) {
        station.at(time);
        await station.pass();
      }
      const contents = station.server.mails.slice(from).map(({ content }) => content);
      const ids = new Set(contents.map((content) => /^Message-ID: (.*)$/im.exec(content)?.[1]));
      assert.equal(ids.size, 1, `died at ${dies} of ${total}`);
      // A mail is sent again only if its acceptance was not recorded, with the same bytes.
      assert.equal(new Set(contents.map((content) => content.replace(/^Date: .*$/m, ''))).size, 1);
    }
  });
});
