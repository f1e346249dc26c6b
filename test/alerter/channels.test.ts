/**
 * Delivery: a table of promises, and of the channels that keep them. What is special to one channel has a file of its
 * own: deliver-ways, webhooks, alertmanager.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { minuteMs } from '../../src/platform/units.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { channelCases, casesOnServers, type ChannelCase, type ChannelSite } from './support/channel-cases.ts';
import { withMoments, type Moment } from './support/moments.ts';
import { at } from './support/rows.ts';

const inside = '<alert type="disk" warning="85%" critical="95%"/>';
const clients = '<client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>';
const fires = { 'web-1': 'disk / 96' };
const firing = 'firing critical web-1 disk /';

/** A promise of delivery. Its story begins after a first pass at 07:45, in which all is well. */
interface DeliveryPromise {
  readonly promise: string;
  /** True if the promise concerns the channel. Default: all. */
  readonly concerns?: (channel: ChannelCase) => boolean;
  /** The channels of the first tier, if the others differ from them in nothing that the story uses. Default: all. */
  readonly first?: readonly string[];
  /** Attributes of <alerts> and of <smtp>. */
  readonly alerts?: string;
  readonly smtp?: string;
  readonly story: (site: ChannelSite, context: StoryContext) => Promise<void>;
}

interface StoryContext {
  readonly channel: ChannelCase;
  /** A pass dies at each commit, and at each n-th statement: those between two commits are rolled back alike. */
  readonly every: number;
}

const deliveryPromises: readonly DeliveryPromise[] = [
  {
    promise: 'tells what fires and its end once each, grouped, by the interval',
    story: async (site) => {
      const two = { 'web-1': 'disk / 96', 'web-2': 'disk / 97' };
      assert.deepEqual(await round(site, '08:00', two), [`${firing}, firing critical web-2 disk /`]);
      assert.deepEqual(await round(site, '08:15', { 'web-2': 'disk / 97' }), []);
      assert.deepEqual(await round(site, '08:30', { 'web-2': 'disk / 97' }), ['resolved web-1 disk /']);
      const isContent = site.arrived().every(({ content }) => content.length > 0);
      assert.ok(isContent);
    },
  },
  {
    promise: 'nothing is lost or notified twice, wherever the alerter dies',
    // alerter-crashes.test.ts says it of the mails in the outbox, which all others are too.
    first: ['alertmanager'],
    story: async (site, { every }) => {
      site.station.at('08:00');
      await site.station.collect(fires);
      await dieEverywhere(site, '08:00', every);
    },
  },
  {
    promise: 'an acknowledgement is notified once by itself, wherever the alerter dies',
    concerns: ({ keepsIncidents }) => keepsIncidents === true,
    first: [],
    story: async (site, { every }) => {
      await round(site, '08:00', fires);
      await acknowledge(site, '08:02');
      await dieEverywhere(site, '08:02', every);
      assert.deepEqual(await round(site, '08:15', fires), []);
    },
  },
  {
    promise: 'each acknowledgement is notified once by itself, and its end is no news',
    concerns: ({ keepsIncidents }) => keepsIncidents === true,
    story: async (site) => {
      await round(site, '08:00', fires);
      await acknowledge(site, '08:02');
      assert.deepEqual(await threePasses(site), ['acknowledged critical web-1 disk /']);
      const ids = await acknowledge(site, '08:16', 'on it');
      assert.deepEqual(await threePasses(site), ['acknowledged critical web-1 disk /']);
      await site.station.storage.operator.unacknowledge(ids);
      assert.deepEqual(await round(site, '08:30', fires), []);
    },
  },
  {
    promise: 'an acknowledgement alone is no news',
    concerns: ({ keepsIncidents }) => keepsIncidents !== true,
    first: ['mail', 'alertmanager'],
    story: async (site) => {
      await round(site, '08:00', fires);
      const ids = await acknowledge(site, '08:02');
      assert.deepEqual(await round(site, '08:15', fires), []);
      await site.station.storage.operator.unacknowledge(ids);
      assert.deepEqual(await round(site, '08:30', fires), []);
    },
  },
  {
    promise: 'an acknowledgement that runs out is notified once, with who had acknowledged',
    // The whole state says so by `acknowledged_by`, which is gone.
    concerns: ({ takesState }) => takesState !== true,
    first: ['mail'],
    story: async (site, { channel: { keepsIncidents } }) => {
      await round(site, '08:00', fires);
      await acknowledge(site, '08:02', null, '08:40');
      const acknowledged = keepsIncidents === true ? ['acknowledged critical web-1 disk /'] : [];
      assert.deepEqual(await round(site, '08:15', fires), acknowledged);
      assert.deepEqual(await round(site, '08:30', fires), []);
      assert.deepEqual(await round(site, '08:45', fires), ['reminder critical web-1 disk /']);
      // A form has blanks as plus signs.
      assert.match(site.arrived().at(-1)?.content ?? '', /the[ +]acknowledgement[ +]by[ +]kim[ +]ran[ +]out/);
      assert.deepEqual(await round(site, '09:00', fires), []);
    },
  },
  {
    promise: 'two alerters at once tell it once',
    first: ['mail'],
    story: async (site) => {
      site.station.at('08:00');
      await site.station.collect(fires);
      assert.deepEqual(await threePasses(site), [firing]);
    },
  },
  {
    promise: 'an answer that is lost costs one more copy of the same',
    concerns: ({ can, takesState }) => can.includes('broken') && takesState !== true,
    story: async (site) => {
      await roundWith(site, 'broken', '08:00');
      assert.equal(await laterSent(site, '08:06'), 1);
      const [one, again, ...others] = site.arrived();
      assert.deepEqual(one, again);
      assert.deepEqual(others, []);
      // The copies have the identity under which the notification is stored.
      assert.deepEqual(await storedMails(site), [{ recipient: site.recipient, message_id: one?.id }]);
    },
  },
  {
    promise: 'an answer that is lost, and what is put off, comes with the next state',
    concerns: ({ takesState }) => takesState === true,
    story: async (site) => {
      await roundWith(site, 'puts off', '08:00');
      assert.deepEqual(sentencesOf(site), []);
      assert.equal(await laterSent(site, '08:06'), 0);
      assert.deepEqual(sentencesOf(site), [firing]);
      site.behave('broken');
      const both = { ...fires, 'web-2': 'disk / 97' };
      assert.deepEqual(await round(site, '08:15', both), ['firing critical web-2 disk /']);
      assert.equal(await laterSent(site, '08:21'), 0);
      assert.deepEqual(sentencesOf(site), [firing, 'firing critical web-2 disk /']);
    },
  },
  {
    promise: 'what is put off is notified later',
    concerns: ({ can, takesState }) => can.includes('puts off') && takesState !== true,
    // deliver.test.ts says it of mail; both kinds of webhook are posted alike.
    first: ['command', 'webhook'],
    story: async (site) => {
      await roundWith(site, 'puts off', '08:00');
      assert.deepEqual(sentencesOf(site), []);
      assert.equal(await laterSent(site, '08:06'), 1);
      assert.deepEqual(sentencesOf(site), [firing]);
    },
  },
  {
    promise: 'a refusal is notified to the fallback once',
    concerns: ({ can, takesState }) => can.includes('refuses') && takesState !== true,
    // deliver-ways.test.ts says it of mail.
    first: ['command', 'webhook'],
    story: async (site) => {
      await roundWith(site, 'refuses', '08:00');
      await round(site, '08:15', fires);
      assert.deepEqual(sentencesOf(site), []);
      const notices = site.station.server.mails.filter(({ to }) => to === 'root@example.org');
      assert.equal(notices.length, 1);
      assert.match((notices[0]?.content ?? '').replaceAll('=\r\n', ''), /no such (?:user|pager|channel)/);
    },
  },
  {
    promise: 'a refusal is reported, and the next pass tells all',
    concerns: ({ takesState }) => takesState === true,
    story: async (site) => {
      await roundWith(site, 'refuses', '08:00');
      const { events } = await site.station.pass();
      const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
      assert.match(faults.join('\n'), /status 400: no such channel/);
      site.behave('takes');
      assert.deepEqual(await round(site, '08:15', fires), [firing]);
    },
  },
  {
    promise: 'a silence holds back, and an acknowledgement ends reminders',
    first: ['mail', 'webhook of incidents', 'alertmanager'],
    alerts: 'repeat="1h"',
    story: async (site, { channel: { keepsIncidents, takesState } }) => {
      const { storage } = site.station;
      const silence = { client: 'web-1', rule: '*', subject: '*', author: 'kim', comment: '' };
      const startsAtMs = site.station.nowMs();
      await storage.operator.addSilence({ ...silence, startsAtMs, endsAtMs: startsAtMs + 30 * minuteMs });
      assert.deepEqual(await round(site, '08:00', fires), []);
      assert.deepEqual(await round(site, '08:16', fires), [firing]);
      const ids = await acknowledge(site, '08:17');
      const acknowledged = keepsIncidents === true ? ['acknowledged critical web-1 disk /'] : [];
      assert.deepEqual(await round(site, '09:20', fires), acknowledged);
      await storage.operator.unacknowledge(ids);
      const reminder = takesState === true ? [] : ['reminder critical web-1 disk /'];
      assert.deepEqual(await round(site, '10:25', fires), reminder);
    },
  },
  {
    promise: 'maxMailsPerHour holds back warnings where it applies, and no new critical',
    first: ['mail', 'alertmanager'],
    alerts: 'groupInterval="1s"',
    smtp: 'maxMailsPerHour="2"',
    story: async (site, { channel: { hasCap = true } }) => {
      const one = { 'web-1': 'disk / 88' };
      const two = { ...one, 'web-2': 'disk / 88' };
      assert.deepEqual(await round(site, '08:00', one), ['firing warning web-1 disk /']);
      assert.deepEqual(await round(site, '08:02', two), ['firing warning web-2 disk /']);
      const third = await round(site, '08:04', { ...two, 'web-3': 'disk / 88' });
      assert.deepEqual(third, hasCap ? [] : ['firing warning web-3 disk /']);
      const [urgent = ''] = await round(site, '08:06', { ...two, 'web-3': 'disk / 97' });
      assert.match(urgent, /critical web-3 disk \//);
    },
  },
];

onEachDatabase('every channel', (kit) => {
  const every = !isWide ? Infinity : (isLong ? 1 : 2) * (kit.kind === 'sqlite' ? 3 : 9);
  for (const { promise, concerns = () => true, first, alerts = '', smtp = '', story } of deliveryPromises) {
    for (const channel of (kit.kind === 'sqlite' ? channelCases : casesOnServers).filter(concerns)) {
      const isInTier = isWide || first === undefined || first.includes(channel.name);
      test(`${channel.name}: ${promise}`, { skip: !isInTier && 'in the second tier' }, async (t) => {
        const site = await channel.open(t, { storage: await kit.migrated(), alerts, inside, clients, smtp });
        await round(site, '07:45', {});
        await story(site, { channel, every });
      });
    }
  }
});

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
  return sentencesOf(site, before);
}

/** Makes a pass in which an alert begins while the other side behaves so. */
async function roundWith(site: ChannelSite, side: Parameters<ChannelSite['behave']>[0], time: string): Promise<void> {
  site.behave(side);
  await round(site, time, fires);
}

/** Lets the other side take what comes, and makes a pass. Returns how many notifications it sent. */
async function laterSent(site: ChannelSite, time: string): Promise<number> {
  site.behave('takes');
  site.station.at(time);
  return (await site.station.pass()).result.sent;
}

/** Makes a pass on two machines at once, and another one. Returns the notifications that arrived. */
async function threePasses(site: ChannelSite): Promise<readonly string[]> {
  const before = site.arrived().length;
  await Promise.all([site.station.pass(), site.station.pass({ machine: 'mon-2' })]);
  await site.station.pass();
  return sentencesOf(site, before);
}

/** Acknowledges what is open. Returns the ids. */
async function acknowledge(
  { station }: ChannelSite,
  time: string,
  comment: string | null = null,
  until: string | null = null,
): Promise<number[]> {
  const { storage } = station;
  station.at(time);
  const ids = (await storage.evaluation.openAlerts(null)).flatMap(({ id }) => id ?? []);
  await storage.operator.acknowledge(ids, 'kim', until === null ? null : at(until), comment);
  return ids;
}

/** Returns a sentence for each notification, such as `firing critical web-1 disk /`, without the recipient. */
function sentencesOf(site: ChannelSite, from = 0): readonly string[] {
  const all = site.arrived().slice(from);
  return all.map(({ id, sentence }) => sentence ?? site.station.sentenceOf(id).replace(/^[^ ]*: /, ''));
}

async function storedMails({ station }: ChannelSite): Promise<readonly unknown[]> {
  const rows = await station.database.read((session) => session.all('SELECT recipient, message_id FROM mails'));
  return rows.map((row) => ({ ...row }));
}

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
