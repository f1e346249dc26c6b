/** The alerts that each pass posts to an Alertmanager. test/wide/ has tests with a real Alertmanager. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { onEachDatabase, type Kit } from '../storage/support/databases.ts';
import { openReceiver, type HttpReceiver } from '../support/servers/http-receiver.ts';
import { stationFor, type Station } from './support/station.ts';

interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

const rule = '<alert type="disk" warning="85%" critical="95%"/>';
const clients = '<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>';

async function open(
  t: TestContext,
  kit: Kit,
  more = clients,
): Promise<{ readonly station: Station; readonly hosts: readonly HttpReceiver[] }> {
  const hosts = [await openReceiver(t), await openReceiver(t)];
  const [first, second] = hosts.map(({ origin }) => origin);
  const url = `${first ?? ''}/ , ${second?.replace('//', '//am:s3cret-5@') ?? ''}/prefix`;
  const elements = `<collector every="15m"/><alertmanager url="${url}" labels="site=fra"/>
    <alerts mail="ops@example.org">${rule}</alerts>${more}`;
  return { station: await stationFor(t, { storage: await kit.migrated(), elements }), hosts };
}

/**
 * Collects and makes a pass. Returns the alerts that the first host received: `firing` with the minutes until `endsAt`,
 * or `over`.
 */
async function posted(
  { station, hosts: [host] }: Awaited<ReturnType<typeof open>>,
  time: string,
  says: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const before = host?.received.length ?? 0;
  station.at(time);
  await station.collect(says);
  await station.pass();
  const bodies = host?.received.slice(before).map(({ body }) => JSON.parse(body) as readonly PostedAlert[]) ?? [];
  return bodies.flat().map(({ labels, endsAt }) => {
    const minutes = Math.round((Date.parse(endsAt) - station.nowMs()) / 60_000);
    const { severity = '', instance = '', alertname = '', subject = '' } = labels;
    return `${minutes > 0 ? `firing ${minutes}m` : 'over'} ${severity} ${instance} ${alertname} ${subject}`;
  });
}

onEachDatabase('Alertmanager', (kit) => {
  test('gets all that fires at every pass, and the end of it for a while', async (t) => {
    const site = await open(t, kit);
    assert.deepEqual(await posted(site, '07:45', {}), []);
    assert.deepEqual(await posted(site, '08:00', { 'web-1': 'disk / 90' }), ['firing 60m warning web-1 disk /']);
    assert.deepEqual(await posted(site, '08:15', { 'web-1': 'disk / 96' }), [
      'firing 60m critical web-1 disk /',
      'over warning web-1 disk /',
    ]);
    const both = { 'web-1': 'disk / 96', 'web-2': 'disk / 97' };
    assert.equal((await posted(site, '08:30', both)).filter((one) => one.startsWith('firing')).length, 2);
    await posted(site, '08:45', { 'web-2': 'disk / 97' });
    const later = await posted(site, '09:00', { 'web-2': 'disk / 97' });
    assert.deepEqual(later, ['firing 60m critical web-2 disk /', 'over critical web-1 disk /']);
    assert.deepEqual(await posted(site, '10:15', { 'web-2': 'disk / 97' }), ['firing 60m critical web-2 disk /']);
  });

  test('gets no muted alerts but their end, by silence, window and paused client', async (t) => {
    const window = '<window start="10:00" duration="10m" zone="UTC"/>';
    const paused = '<client name="web-3" ip="192.0.2.3" username="u" state="paused"/>';
    const own = `<client name="web-1" ip="192.0.2.1" username="u">${window}</client>`;
    const site = await open(t, kit, `${own}<client name="web-2" ip="192.0.2.2" username="u"/>${paused}`);
    const all = { 'web-1': 'disk / 96', 'web-2': 'disk / 96', 'web-3': 'disk / 96' };
    await posted(site, '09:15', {});
    const { storage } = site.station;
    const startsAtMs = site.station.nowMs();
    const silence = { client: 'web-2', rule: '*', subject: '*', author: 'kim', comment: '' };
    await storage.operator.addSilence({ ...silence, startsAtMs, endsAtMs: startsAtMs + 30 * 60_000 });
    const over = (name: string): string => `over critical ${name} disk /`;
    const fires = (name: string): string => `firing 60m critical ${name} disk /`;
    assert.deepEqual(await posted(site, '09:30', all), [fires('web-1'), over('web-2'), over('web-3')]);
    const later = (await posted(site, '09:50', all)).map((one) => one.replace(/\d+m/, '60m'));
    assert.deepEqual(later, [fires('web-1'), fires('web-2'), over('web-3')]);
    assert.deepEqual(await posted(site, '10:05', all), [fires('web-2'), over('web-1'), over('web-3')]);
  });

  test('each host is posted to whatever becomes of the other, which is reported without its login', async (t) => {
    const site = await open(t, kit);
    const [first, second] = site.hosts;
    await posted(site, '07:45', {});
    first?.act(() => ({ status: 400, body: 'start time must be before end time' }));
    site.station.at('08:00');
    await site.station.collect({ 'web-1': 'disk / 96' });
    const { events, result } = await site.station.pass();
    const faults = events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
    assert.deepEqual(faults, [`alertmanager 127.0.0.1:${first?.port}: status 400: start time must be before end time`]);
    assert.equal(result.exitStatus, 0);
    const [post] = second?.received ?? [];
    assert.deepEqual([post?.method, post?.path], ['POST', '/prefix/api/v2/alerts']);
    assert.equal(post?.headers.authorization, `Basic ${Buffer.from('am:s3cret-5').toString('base64')}`);
    const [alert] = JSON.parse(post.body) as readonly PostedAlert[];
    assert.equal(alert?.labels['site'], 'fra');
    second?.act(({ headers }) => ({ status: 500, body: `no: ${headers.authorization ?? ''} s3cret-5` }));
    const again = await site.station.pass();
    const said = again.events.flatMap((event) => (event.kind === 'fault' ? event.fault.message : []));
    assert.equal(said.length, 2);
    assert.doesNotMatch(said.join(), /s3cret/);
  });

  test('ends what fires four usual pauses after the last pass, and no later for a break of the alerter', async (t) => {
    const site = await open(t, kit);
    const fires = { 'web-1': 'disk / 96' };
    const ends: (string | undefined)[] = [];
    // The first pass does not know the usual pause yet, so the end is three times `every`: 45 minutes.
    for (const time of ['05:00', '06:00', '07:00', '08:00', '16:00']) {
      const [post] = await posted(site, time, fires);
      ends.push(/firing (\d+m)/.exec(post ?? '')?.[1]);
    }
    assert.deepEqual(ends, ['45m', '240m', '240m', '240m', '240m']);
  });

  test('hears of an end at once, although the clock of the client is ahead', async (t) => {
    const site = await open(t, kit);
    const [host] = site.hosts;
    await posted(site, '08:00', {});
    for (const time of ['08:15', '08:30', '08:45']) {
      await posted(site, time, time === '08:15' ? { 'web-1': 'disk / 96' } : {});
      const last = JSON.parse(host?.received.at(-1)?.body ?? '[]') as readonly PostedAlert[];
      for (const { startsAt, endsAt } of last) assert.ok(startsAt <= endsAt, `${startsAt} ${endsAt}`);
      if (time !== '08:45') continue;
      assert.deepEqual(
        last.map(({ endsAt }) => Date.parse(endsAt) <= site.station.nowMs()),
        [true],
      );
    }
  });

  test('is posted nothing in a dry run', async (t) => {
    const site = await open(t, kit);
    await site.station.collect({ 'web-1': 'disk / 96' });
    await site.station.pass({ dryRun: true });
    assert.deepEqual(site.hosts[0]?.received, []);
  });
});
