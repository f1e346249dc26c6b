/** Sites that answer, lie, drip, never end or are unreachable. Each affects only its own data. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { readSites } from '../../src/config/settings/read-sites.ts';
import { mergeSites } from '../../src/serve/sites/merge-sites.ts';
import { readAnswer, type SiteAnswer } from '../../src/serve/sites/read-answer.ts';
import { Sites, TooManySearches } from '../../src/serve/sites/sites.ts';
import { tempFolder } from '../support/temp-folder.ts';

const client = (name: string, more: object = {}): object => ({
  ...{ client: name, address: '192.0.2.1', labels: { role: 'web' }, state: 'ok', open_alerts: 0 },
  ...{ worst_alert: null, at_limit: { cpu: null, memory: null, disk: null }, cpu_percent: 12, report_age_s: 60 },
  ...more,
});

const documentOf = (clients: readonly object[], more: object = {}): string =>
  JSON.stringify({
    ...{ command: 'status', at: '2026-05-01T10:00:00.000Z', last_run: { finished_at: '2026-05-01T09:59:00.000Z' } },
    ...{ alerts: { firing: 1 }, total: clients.length, matching: clients.length, counts: { fine: clients.length } },
    ...{ clients, ...more },
  });

function answerOf(text: string): SiteAnswer {
  const answer = readAnswer(text);
  assert.ok(answer !== null);
  return answer;
}

describe('an answer from outside', () => {
  const refused: readonly string[] = [
    ...['', 'null', '[]', '{"total":1}', '['.repeat(2_000_000), documentOf([], { total: 1e300 })],
    ...[documentOf([], { total: -1 }), documentOf([], { total: 1.5 }), documentOf([], { clients: {} })],
    ...[documentOf([], { total: 1, matching: 2 }), documentOf([], { sites: [] })],
  ];
  for (const text of refused) {
    test(`${text.slice(0, 40)}... is none`, () => assert.equal(readAnswer(text), null));
  }

  test('what is implausible in it is unknown, and who has no name is left out', () => {
    const { members, counts, collectedAgoMs } = answerOf(
      documentOf(
        [
          client('web-1', { cpu_percent: 1e9, memory_percent: 'x', state: '<b>', worst_alert: 'apocalypse' }),
          ...[client(''), client('\ud800'), client('x'.repeat(300)), client('web-1', { cpu_percent: 7 })],
          client('a\u202e</script>', { os: `\u0007${'y'.repeat(10_000)}`, report_age_s: -1, labels: { a: { b: 1 } } }),
        ],
        { counts: { critical: 7, fine: -1, ['__proto__']: 1, other: 2 } },
      ),
    );
    assert.deepEqual(
      members.map(({ client, known, state, worstAlert }) => ({ client, cpu: known?.cpuPercent, state, worstAlert })),
      [
        { client: 'web-1', cpu: 7, state: 'ok', worstAlert: null },
        { client: 'a\u202e</script>', cpu: 12, state: 'ok', worstAlert: null },
      ],
    );
    assert.deepEqual(counts, { critical: 0, warning: 0, failing: 0, late: 0, fine: 0, new: 0, paused: 0 });
    assert.equal(collectedAgoMs, 60_000);
    const [, hostile] = members;
    assert.deepEqual(
      { reportAgeMs: hostile?.reportAgeMs, labels: hostile?.labels, os: hostile?.known?.os?.length },
      { reportAgeMs: null, labels: { a: '' }, os: 500 },
    );
  });

  test('more than 200 clients are not taken', () => {
    const clients = Array.from({ length: 5_000 }, (_, index) => client(`web-${index}`));
    assert.equal(answerOf(documentOf(clients)).members.length, 200);
  });
});

describe('the sites as one fleet', () => {
  const site = (name: string, clients: readonly object[], more: object = {}) => ({
    site: name,
    answer: answerOf(documentOf(clients, more)),
  });
  const many = (count: number, more: object): object[] =>
    Array.from({ length: count }, (_, index) => client(`c-${index}`, more));
  const shown = (sites: Parameters<typeof mergeSites>[0]): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { site: name } of mergeSites(sites, 'urgency').members) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  };

  test('counts add up, the worst come first, and the same name at two sites is two clients', () => {
    const merged = mergeSites(
      [
        site('ber', [client('web-1'), client('db', { state: 'failing' })]),
        site('fra', [client('web-1', { worst_alert: 'critical', open_alerts: 2 })], { total: 50_000, matching: 9 }),
        { site: 'new', answer: null },
      ],
      'urgency',
    );
    assert.deepEqual([merged.total, merged.matching, merged.firing, merged.counts['fine']], [50_002, 11, 2, 3]);
    assert.deepEqual(
      merged.members.map((one) => `${one.site} ${one.member.client}`),
      ['fra web-1', 'ber db', 'ber web-1'],
    );
  });

  test('a site that has lost everything does not hide the alerts of another, and calm sites take no lines', () => {
    const lost = site('lost', many(200, { worst_alert: 'critical', state: 'failing' }));
    const warned = site('warned', [client('db', { worst_alert: 'warning' }), ...many(199, {})]);
    assert.deepEqual(shown([lost, warned, site('calm', many(200, {}))]), { lost: 199, warned: 1 });
  });

  test('twenty sites of 50,000 fill 200 lines', () => {
    const sites = Array.from({ length: 20 }, (_, index) =>
      site(`s${index}`, many(200, { worst_alert: 'warning' }), { total: 50_000, matching: 50_000 }),
    );
    const { members, total } = mergeSites(sites, 'urgency');
    assert.deepEqual([members.length, total, new Set(Object.values(shown(sites))).size], [200, 1_000_000, 1]);
  });
});

describe('asking', () => {
  test('bad sites neither delay nor hide the others, and their last answer stays', { timeout: 60_000 }, async (t) => {
    const good = documentOf([client('web-1')]);
    let isBack = true;
    const listeners: Readonly<Record<string, RequestListener>> = {
      hangs: () => undefined,
      endless: (_, response) => {
        const part = 'x'.repeat(1_000_000);
        const more = (): void => {
          if (!response.destroyed) response.write(part, () => setImmediate(more));
        };
        more();
      },
      breaks: (_, response) => response.writeHead(200, { 'content-length': 1_000 }).end('{'),
      lies: (_, response) => response.end('{"clients":"none"}'),
      upgrades: (_, response) => response.writeHead(101, { connection: 'Upgrade', upgrade: 'websocket' }).end(),
      moved: (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      locked: (_, response) => response.writeHead(401).end(),
      good: (_, response) => response.end(good),
      gone: (_, response) => (isBack ? response.end(good) : response.destroy()),
    };
    const configs = [];
    for (const [name, listener] of Object.entries(listeners)) configs.push(await served(t, name, listener));
    const { sites, heardOf, stop } = follow(configs);
    await Promise.all(['good', 'gone', 'breaks', 'lies', 'upgrades', 'moved', 'locked', 'endless'].map(heardOf));
    const reasons = sites.heard.map(({ config, answer, away }) => [config.name, away?.reason ?? answer?.total ?? null]);
    assert.deepEqual(Object.fromEntries(reasons), {
      ...{ hangs: null, endless: 'its answer is larger than 4 MiB', breaks: 'aborted' },
      ...{ lies: 'its answer is no status of a single site with limit=', moved: 'it answers with 302' },
      locked: 'it wants a token; name its file with tokenFile=',
      ...{ upgrades: 'it answers with 101', good: 1, gone: 1 },
    });
    isBack = false;
    const { merged, missing } = await sites.search(new URLSearchParams({ q: 'web' }), 'urgency');
    assert.deepEqual(
      merged.members.map(({ site }) => site),
      ['good'],
    );
    assert.deepEqual(missing, ['hangs', 'endless', 'breaks', 'lies', 'upgrades', 'moved', 'locked', 'gone']);
    // The site has answered all requests that were sent in the background.
    assert.equal(sites.heard.find(({ config }) => config.name === 'gone')?.away, null);
    await stop();
  });

  test('a search is asked again, and what it found is freed, after ten seconds', async (t) => {
    let asked = 0;
    const config = await served(t, 'good', (_, response) => {
      asked += 1;
      response.end(documentOf([client('web-1')]));
    });
    const { sites, heardOf, stop } = follow([config]);
    await heardOf('good');
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const search = () => sites.search(new URLSearchParams({ q: 'web' }), 'urgency');
    const first = search();
    await first;
    t.mock.timers.tick(9_999);
    assert.equal(search(), first);
    t.mock.timers.tick(1);
    assert.notEqual(search(), first);
    await search();
    assert.equal(asked, 3);
    await stop();
  });

  test('four searches are under way at a time, and others wait 3 s for their turn', { timeout: 30_000 }, async (t) => {
    const held: ServerResponse[] = [];
    let isFirst = true;
    const config = await served(t, 'slow', (_, response) => {
      if (isFirst) response.end(documentOf([]));
      else held.push(response);
      isFirst = false;
    });
    const { sites, heardOf, stop } = follow([config]);
    await heardOf('slow');
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const search = (q: string) => sites.search(new URLSearchParams({ q }), 'urgency');
    const asked = async (count: number): Promise<void> => {
      while (held.length < count) await nextTurn();
    };
    const first = [search('a'), search('a'), search('b'), search('c'), search('d')];
    assert.equal(first[0], first[1]);
    await asked(4);
    const fifth = search('e');
    held[0]?.end(documentOf([]));
    await asked(5);
    const sixth = assert.rejects(search('f'), TooManySearches);
    t.mock.timers.tick(2_999);
    const known = search('f');
    t.mock.timers.tick(1);
    await Promise.all([sixth, assert.rejects(known, TooManySearches)]);
    for (const response of held) response.end(documentOf([]));
    assert.deepEqual((await fifth).missing, []);
    await Promise.all(first);
    const last = search('f');
    await asked(6);
    held[5]?.end(documentOf([]));
    assert.deepEqual([(await last).missing, held.length], [[], 6]);
    await stop();
  });
});

async function served(t: TestContext, name: string, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { name, url: `http://127.0.0.1:${port}/`, token: null, ca: null };
}

function follow(configs: readonly Awaited<ReturnType<typeof served>>[]) {
  const ended = new AbortController();
  const waiting = new Map<string, () => void>();
  const heard = new Map(configs.map(({ name }) => [name, new Promise<void>((resolve) => waiting.set(name, resolve))]));
  const nothing = (): void => undefined;
  const onHeard = (site: string): void => waiting.get(site)?.();
  const sites = new Sites({ sites: configs, onAway: nothing, onBack: nothing, onHeard, signal: ended.signal });
  const following = sites.follow();
  const stop = async (): Promise<void> => {
    ended.abort();
    await following;
  };
  return { sites, heardOf: (name: string): Promise<void> => heard.get(name) ?? Promise.reject(new Error(name)), stop };
}

describe('sites.xml', () => {
  const faults: readonly (readonly [xml: string, fault: RegExp])[] = [
    ['<config/>', /the root is <config>; write <sites>/],
    ['<sites/>', /no <site> stands in it/],
    ['<sites><site name="a"/></sites>', /<site> lacks url/],
    ['<sites><site name="a" url="ftp://h/"/></sites>', /is no address of a server/],
    ['<sites><site name="a" url="https://u:p@h/"/></sites>', /is no address of a server/],
    ['<sites><site name="a" url="https://h/" tokn="x"/></sites>', /no attribute tokn/],
    ['<sites><site name="a" url="https://h/"/><site name="a" url="https://i/"/></sites>', /a second <site name="a">/],
    ['<sites><site name="a" url="http://h.example/" tokenFile="t"/></sites>', /would send its token in clear/],
    [
      '<sites><site name="a" url="https://h/" tokenFile="open"/></sites>',
      /secret file .*open can be read by everybody/,
    ],
    ['<sites><client/></sites>', /stand <site\/> alone/],
  ];
  for (const [xml, fault] of faults) {
    test(`${xml} is refused`, (t) => {
      const dir = tempFolder(t);
      writeFileSync(path.join(dir, 'open'), 'token\n');
      chmodSync(path.join(dir, 'open'), 0o644);
      const file = path.join(dir, 'sites.xml');
      writeFileSync(file, xml, { mode: 0o600 });
      assert.throws(() => readSites(file), fault);
    });
  }

  test('a file that is not there says what to write', () => {
    assert.throws(() => readSites('/nowhere/sites.xml'), /does not exist; write <sites>/);
  });
});
