/** The guarantees of every channel: a table of channels, and one suite for all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { minuteMs } from '../../src/platform/units.ts';
import { onBothDatabases } from '../storage/support/databases.ts';
import { isWide } from '../support/long-tests.ts';
import { channelCases, onEachDatabase, type ChannelSite, type Delivered } from './support/channel-cases.ts';
import { withMoments, type Moment } from './support/moments.ts';

const inside = '<alert type="disk" warning="85%" critical="95%"/>';
const clients = '<client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>';

/** Collects and makes a pass at a time. Returns the notifications that the other side received, as sentences. */
async function round(
  site: ChannelSite,
  time: string,
  says: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { station } = site;
  const before = site.arrived().length;
  station.at(time);
  await station.collect(says);
  await station.pass();
  return sentencesOf(site, site.arrived().slice(before));
}

/** Returns a sentence for each notification, such as `firing critical web-1 disk /`, without the recipient. */
function sentencesOf({ station }: ChannelSite, all: readonly Delivered[]): readonly string[] {
  return all.map(({ id, sentence }) => sentence ?? station.sentenceOf(id).replace(/^[^ ]*: /, ''));
}

const fires = { 'web-1': 'disk / 96' };

/**
 * Crashes the pass at chosen moments and makes another pass 6 minutes later. Asserts that one notification arrives, at
 * most twice, with the same content.
 */
async function dieEverywhere(site: ChannelSite, time: string, every: number): Promise<void> {
  const { station } = site;
  const { restore } = await station.snapshot();
  const moments: Moment[] = [];
  await station.pass({ wrap: (database) => withMoments(database, (moment) => !moments.push(moment)) });
  const chosen = moments.filter(({ kind, count }) => kind.startsWith('commit') || count % every === 0);
  assert.ok(chosen.length >= 8, `${chosen.length} moments`);
  for (const { count: dies } of chosen) {
    await restore();
    site.forget?.();
    station.at(time);
    const from = site.arrived().length;
    const dying = ({ count }: Moment): boolean => count === dies;
    await station.pass({ wrap: (database) => withMoments(database, dying) }).catch(() => undefined);
    station.at(station.nowMs() + 6 * minuteMs);
    assert.equal((await station.pass()).result.exitStatus, 0);
    const got = site.arrived().slice(from);
    const distinct = new Set(got.map(({ id }) => id));
    assert.ok(got.length - distinct.size <= 1 && distinct.size === 1, `died at ${dies}: ${got.length}`);
    if (got.length === 2) assert.equal(got[0]?.content, got[1]?.content, 'the same again');
  }
}

onBothDatabases('every channel', (kit) => {
  // Statements between two commits are rolled back alike.
  const every = !isWide ? Infinity : kit.kind === 'sqlite' ? 3 : 9;
  for (const channel of kit.kind === 'sqlite' ? channelCases : onEachDatabase) {
    const { name, open, can, keepsIncidents = false, takesState = false, hasCap = true } = channel;
    // Everything before the delivery is the same for these channels as for mail.
    const alike = { skip: !isWide && ['command', 'file', 'webhook'].includes(name) && 'npm run test:wide' };
    test(`${name}: tells what fires and its end once each, grouped, by the interval`, async (t) => {
      const site = await open(t, { storage: await kit.migrated(), inside, clients });
      await round(site, '07:45', {});
      const two = { 'web-1': 'disk / 96', 'web-2': 'disk / 97' };
      assert.deepEqual(await round(site, '08:00', two), ['firing critical web-1 disk /, firing critical web-2 disk /']);
      assert.deepEqual(await round(site, '08:15', { 'web-2': 'disk / 97' }), []);
      assert.deepEqual(await round(site, '08:30', { 'web-2': 'disk / 97' }), ['resolved web-1 disk /']);
      assert.deepEqual(await round(site, '08:45', { 'web-2': 'disk / 97' }), []);
      const alone = site.arrived().every(({ content }) => content.length > 0);
      assert.ok(alone);
    });

    test(`${name}: nothing is lost or notified twice, wherever the alerter dies`, alike, async (t) => {
      const site = await open(t, { storage: await kit.migrated(), inside, clients });
      const { station } = site;
      await round(site, '07:45', {});
      station.at('08:00');
      await station.collect(fires);
      await dieEverywhere(site, '08:00', every);
    });

    test(
      `${name}: an acknowledgement ${keepsIncidents ? 'is notified once by itself' : 'alone is no news'}`,
      alike,
      async (t) => {
        const site = await open(t, { storage: await kit.migrated(), inside, clients });
        const { station } = site;
        await round(site, '07:45', {});
        await round(site, '08:00', fires);
        const { alerts } = station.storage;
        const ids = (await alerts.openAlerts(null)).flatMap(({ id }) => id ?? []);
        const notified = keepsIncidents ? ['acknowledged critical web-1 disk /'] : [];
        station.at('08:02');
        await alerts.acknowledge(ids, 'kim', null, null);
        if (keepsIncidents) await dieEverywhere(site, '08:02', every);
        assert.deepEqual(await round(site, '08:15', fires), []);
        await alerts.acknowledge(ids, 'kim', null, 'on it');
        station.at('08:16');
        const before = site.arrived().length;
        await Promise.all([station.pass(), station.pass({ machine: 'mon-2' })]);
        await station.pass();
        assert.deepEqual(sentencesOf(site, site.arrived().slice(before)), notified);
        await alerts.unacknowledge(ids);
        assert.deepEqual(await round(site, '08:30', fires), []);
      },
    );

    test(`${name}: an answer that is lost costs one more copy of the same`, async (t) => {
      if (!can.includes('broken')) return;
      const site = await open(t, { storage: await kit.migrated(), inside, clients });
      await round(site, '07:45', {});
      site.behave('broken');
      await round(site, '08:00', fires);
      site.behave('takes');
      site.station.at('08:06');
      assert.equal((await site.station.pass()).result.sent, takesState ? 0 : 1);
      const [first, second, ...others] = site.arrived();
      if (takesState) assert.deepEqual(sentencesOf(site, site.arrived()), ['firing critical web-1 disk /']);
      if (takesState) return;
      assert.deepEqual(
        { id: first?.id, content: first?.content, others },
        { id: second?.id, content: second?.content, others: [] },
      );
    });

    test(`${name}: two alerters at once tell it once`, alike, async (t) => {
      const site = await open(t, { storage: await kit.migrated(), inside, clients });
      await round(site, '07:45', {});
      site.station.at('08:00');
      await site.station.collect(fires);
      await Promise.all([site.station.pass(), site.station.pass({ machine: 'mon-2' })]);
      await site.station.pass();
      assert.deepEqual(sentencesOf(site, site.arrived()), ['firing critical web-1 disk /']);
    });

    test(`${name}: put off is notified later, and a refusal ${takesState ? 'reported' : 'to the fallback once'}`, async (t) => {
      if (!can.includes('puts off')) return;
      const site = await open(t, { storage: await kit.migrated(), inside, clients });
      const { station } = site;
      await round(site, '07:45', {});
      site.behave('puts off');
      assert.deepEqual(await round(site, '08:00', fires), []);
      station.at('08:06');
      site.behave('takes');
      assert.equal((await station.pass()).result.sent, takesState ? 0 : 1);
      assert.deepEqual(sentencesOf(site, site.arrived()), ['firing critical web-1 disk /']);
      site.behave('refuses');
      const both = { ...fires, 'web-2': 'disk / 97' };
      assert.deepEqual(await round(site, '08:15', both), []);
      if (takesState) {
        const [fault] = (await station.pass()).events.flatMap((event) => (event.kind === 'fault' ? event.fault : []));
        assert.match(fault?.message ?? '', /status 400: no such channel/);
        site.behave('takes');
        assert.deepEqual(await round(site, '08:30', both), ['firing critical web-2 disk /']);
        return;
      }
      await round(site, '08:30', both);
      const notices = station.server.mails.filter(({ to }) => to === 'root@example.org');
      assert.equal(notices.length, 1);
      assert.match(notices[0]?.content ?? '', /no such (?:user|pager|channel)/);
    });

    test(`${name}: silences hold back, and acknowledgements end reminders`, alike, async (t) => {
      const site = await open(t, {
        storage: await kit.migrated(),
        alerts: 'repeat="1h"',
        inside,
        clients,
      });
      const { storage } = site.station;
      await round(site, '07:45', {});
      const silence = { rule: '*', subject: '*', author: 'kim', comment: '' };
      const startsAtMs = site.station.nowMs();
      await storage.alerts.addSilence({ client: 'web-1', ...silence, startsAtMs, endsAtMs: startsAtMs + 30 * 60_000 });
      assert.deepEqual(await round(site, '08:00', fires), []);
      assert.deepEqual(await round(site, '08:16', fires), ['firing critical web-1 disk /']);
      const [alert] = await storage.alerts.openAlerts(null);
      site.station.at('08:17');
      await storage.alerts.acknowledge([alert?.id ?? 0], 'kim', null, null);
      assert.deepEqual(await round(site, '09:20', fires), keepsIncidents ? ['acknowledged critical web-1 disk /'] : []);
      await storage.alerts.unacknowledge([alert?.id ?? 0]);
      assert.deepEqual(await round(site, '10:25', fires), takesState ? [] : ['reminder critical web-1 disk /']);
    });

    test(`${name}: ${hasCap ? 'the cap' : 'no cap'} holds back warnings, and no new critical`, alike, async (t) => {
      const [alerts, smtp] = ['groupInterval="1s"', 'maxMailsPerHour="2"'];
      const site = await open(t, { storage: await kit.migrated(), alerts, inside, clients, smtp });
      await round(site, '07:45', {});
      const one = { 'web-1': 'disk / 88' };
      const two = { ...one, 'web-2': 'disk / 88' };
      assert.deepEqual(await round(site, '08:00', one), ['firing warning web-1 disk /']);
      assert.deepEqual(await round(site, '08:02', two), ['firing warning web-2 disk /']);
      const third = await round(site, '08:04', { ...two, 'web-3': 'disk / 88' });
      assert.deepEqual(third, hasCap ? [] : ['firing warning web-3 disk /']);
      const [urgent = ''] = await round(site, '08:06', { ...two, 'web-3': 'disk / 97' });
      assert.match(urgent, /critical web-3 disk \//);
    });
  }
});
