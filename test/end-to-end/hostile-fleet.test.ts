// Second tier: every attack by a fleet at once.
/** Every command, file, document and page shows a fleet with hostile words as plain words. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../src/config/config.ts';
import { harmlessJson } from '../../src/platform/errors/log.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { scrape } from '../look/metrics/support/exposition.ts';
import { askUntilMade, type Served, serveFolder } from '../look/serve/support/served-fleet.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { isLong } from '../support/long-tests.ts';
import { configFolder, runFirstBuilt, succeeded } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { onTerminal, withoutTerminal } from '../support/programs/terminal.ts';
import { fleetConfig, hostileNames, hostileWords, plainWords, storeFleet } from './support/hostile-fleet.ts';
import { assertInert, assertInertOnTerminal, readCsv, readHtml } from './support/inert.ts';

const [first = '', second = ''] = hostileWords;
const left = hostileWords[hostileNames.length] ?? '';

/** Commands that show stored rows. The output of each must contain one of the hostile words. */
const shows: readonly (readonly string[])[] = [
  ['status'],
  ['status', first],
  ['show', first],
  ['show', left],
  ['alerts', '--all'],
  ['explain', first],
  ['explain', second, '*'],
  ['changes', first],
  ['mail', 'list'],
  ['silence', 'list'],
  ['check', first],
];
const others: readonly (readonly string[])[] = [
  ['explain', '--fleet'],
  ['check'],
  ['prune', '--dry-run'],
  ['trust'],
  ['collect', first, second],
  ['alert'],
  ['status', left],
  ['show', 'nobody <b>\u001b[5m\u202e'],
];

/** Returns a word in a form that the name of a test can contain. */
const named = (word: string): string => harmlessJson(word).slice(1, -1);

/** Returns the storage element of config.xml for a database. */
function storageElement(storage: StorageConfig): string {
  if (storage.kind !== 'mysql') return `<storage url="sqlite:${storage.path}"/>`;
  const { hosts, user, database, password } = storage;
  const { host = '', port = 0 } = hosts[0] ?? {};
  return `<storage url="mysql://${user}@${host}:${port}/${database}" password="${password?.reveal() ?? ''}"/>`;
}

/** Stores a fleet with these words. Returns the folder of its config.xml. */
async function storedFleet(t: TestContext, storage: StorageConfig, words: readonly string[]): Promise<string> {
  const opened = await openStorage({ storage, migrate: true });
  try {
    await storeFleet(opened, words);
  } finally {
    await opened.close();
  }
  const dir = configFolder(t, fleetConfig(words, storageElement(storage)));
  const comment = words.join(' ');
  await succeeded(
    runFirstBuilt(['silence', 'add', '--rule', '*disk', '--until', '2h', '--comment', comment], { cwd: dir }),
  );
  await succeeded(runFirstBuilt(['ack', '2', '--comment', comment], { cwd: dir }));
  await runFirstBuilt(['alert'], { cwd: dir });
  return dir;
}

const pages = (client: string): readonly string[] => [
  ...['/', '/?sort=name', '/alerts', '/alerts/1', '/alerts/2', '/runs', '/report', '/nothing/%3Cb%3E'],
  ...[`/?q=${encodeURIComponent(first)}`, `/c/${encodeURIComponent(client)}`, `/c/${encodeURIComponent(`${client}?`)}`],
  ...[`/report?client=${encodeURIComponent(`${client}<b>`)}`],
];

/** Returns a context for a suite's set-up, and a function that runs its `after` hooks, the last one first. */
function closing(): { readonly t: TestContext; readonly close: () => Promise<void> } {
  const ends: (() => unknown)[] = [];
  return {
    t: { after: (end: () => unknown) => ends.push(end) } as unknown as TestContext,
    close: async () => {
      for (const end of ends.reverse()) await end();
    },
  };
}

/** Every kind of element in the report's files and pages of a fleet of plain words. */
const ownElements = new Set<string>();
describe('the pages of a fleet of plain words', () => {
  const scope = closing();
  after(() => scope.close());
  test('are tags and text', { timeout: 120_000 }, async (t) => {
    const dir = await storedFleet(t, sqliteConfig(path.join(tempFolder(t), 'fleet.db')), plainWords);
    const { ask } = await serveFolder(t, dir, { parts: '<look/>' });
    await runFirstBuilt(['report', '--split', 'split'], { cwd: dir });
    const client = plainWords[0] ?? '';
    const bodies: string[] = [];
    for (const page of [...pages(client), '/?q=word']) {
      const { headers, body } = await askUntilMade(ask, page);
      assert.match(String(headers['content-type']), /^text\/html/, `${page}: ${body.slice(0, 200)}`);
      bodies.push(body);
    }
    const files = readdirSync(path.join(dir, 'split')).map((file) =>
      readFileSync(path.join(dir, 'split', file), 'utf8'),
    );
    for (const html of [...bodies, ...files]) {
      for (const kind of readHtml('a page', html)) ownElements.add(kind);
    }
    assert.ok(ownElements.size > 30, [...ownElements].join('\n'));
  });
});

function assertOwnElements(what: string, html: string): void {
  for (const kind of readHtml(what, html)) assert.ok(ownElements.has(kind), `${what} has an element <${kind}>`);
}

onEachDatabase('hostile words', (kit) => {
  // The text around the words does not depend on the database.
  const isAll = kit.kind === 'sqlite' || isLong;
  const scope = closing();
  let dir = '';
  let served: Omit<Served, 'run'>;
  const run = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runFirstBuilt(args, { cwd: dir });
    assertInert(`${args.join(' ')}: stderr`, stderr);
    return stdout;
  };
  before(async () => {
    dir = await storedFleet(scope.t, await kit.create(), hostileWords);
    served = await serveFolder(scope.t, dir, { parts: '<look/><metrics/>' });
  });
  after(() => scope.close());

  for (const args of isAll ? [...shows, ...others] : []) {
    const name = args.map(named).join(' ');
    test(`do nothing in ${name}`, { timeout: 120_000 }, async () => {
      const hasScreen = withoutTerminal === false;
      const terminal = { cwd: dir, columns: 120, env: { TERM: 'xterm-256color', LANG: 'C.UTF-8' }, typed: '\u0004' };
      const [text, json, screen] = await Promise.all([
        run(...args),
        run('--json', ...args),
        hasScreen ? onTerminal(args, terminal).then((shown) => shown.screen) : '',
      ]);
      assertInert(name, text);
      assertInertOnTerminal(`${name} on a terminal`, screen);
      assertInert(`${name} as JSON`, json);
      assert.equal(json.split('\n').length, 2, json);
      const document = JSON.stringify(JSON.parse(json));
      if (!shows.includes(args)) return;
      const outputs = { document, text, ...(hasScreen ? { screen } : {}) };
      for (const [what, output] of Object.entries(outputs)) assert.match(output, /DROP TABLE|alert\(/, what);
    });
  }

  test('come back from a document as they were stored', async () => {
    const {
      disks,
      failed_unit_names: units,
      checks,
      logs,
    } = JSON.parse(await run('--json', 'show', first)) as {
      disks: { mount: string }[];
      failed_unit_names: string[];
      checks: { check_name: string; text: string; perfdata: string; refused: boolean }[];
      logs: { unit: string; text: string }[];
    };
    assert.deepEqual(new Set(disks.map(({ mount }) => mount)), new Set(hostileWords));
    assert.deepEqual(new Set(units), new Set(hostileWords));
    const newest = new Set(hostileWords.slice(-20));
    assert.deepEqual(new Set(logs.map(({ text }) => text)), newest);
    assert.deepEqual(new Set(logs.map(({ unit }) => unit)), newest);
    const drop = `'; DROP TABLE stats; --`;
    const own = checks.filter(({ text }) => text.startsWith(drop));
    assert.deepEqual(
      own.map(({ check_name: name }) => name),
      [`container:${drop}`, `local/${drop}`, 'plugin-2', drop],
    );
    assert.match(own[2]?.perfdata ?? '', /^'''; DROP TABLE stats; --'=1;2;3 n=2$/);
  });

  test('are text in the report, in one file and in many', { timeout: 120_000 }, async () => {
    const html = await run('report');
    assertOwnElements('report', html);
    assert.match(html, /DROP TABLE/);
    assertInert('report --split', await run('report', '--split', 'split'));
    const files = readdirSync(path.join(dir, 'split'));
    assert.equal(files.length, hostileNames.length + 1);
    for (const file of files) {
      assert.match(file, /^(group-[a-z0-9._-]+|index)\.html$/);
      assertOwnElements(file, readFileSync(path.join(dir, 'split', file), 'utf8'));
    }
  });

  for (const page of isAll ? pages(first) : []) {
    test(`are text in the page ${named(page)}`, { timeout: 120_000 }, async () => {
      const { headers, body } = await askUntilMade(served.ask, page);
      assert.match(String(headers['content-type']), /^text\/html/, body.slice(0, 200));
      assertOwnElements(page, body);
    });
  }

  const series = `/api/v1/clients/${encodeURIComponent(first)}/series`;
  for (const document of [
    '/api/v1/status',
    '/api/v1/alerts',
    series,
    `/api/v1/alerts?client=${encodeURIComponent(left)}`,
  ]) {
    test(`are harmless in the document ${named(document)}`, async () => {
      const { headers, body } = await askUntilMade(served.ask, document);
      assert.equal(headers['content-type'], 'application/json', body.slice(0, 200));
      assertInert(document, body);
      assert.ok(body === JSON.stringify(JSON.parse(body)) || /\\u[0-9a-f]{4}/.test(body));
      assert.match(body, /DROP TABLE|no client matches/);
    });
  }

  test('break no line of the metrics', async () => {
    const texts = [
      await run('metrics'),
      await run('metrics', '--openmetrics'),
      (await askUntilMade(served.ask, '/metrics')).body,
    ];
    for (const text of texts) {
      assertInert('metrics', text);
      const scraped = scrape(text);
      assert.ok(scraped.every(({ name, value }) => name.startsWith('fleet_health_') && !Number.isNaN(value)));
      const up = scraped.filter(({ name }) => name === 'fleet_health_client_up');
      assert.equal(new Set(up.map(({ labels }) => labels['client'])).size, hostileNames.length);
    }
  });

  for (const families of ['client', 'disk', 'network']) {
    test(`are no formula in a cell of the history of ${families}`, async () => {
      const [head, ...rows] = readCsv(families, await run('export', 'csv', '--families', families));
      assert.equal(rows.length, hostileNames.length * 2 * (families === 'client' ? 1 : hostileWords.length));
      assert.ok(rows.every((row) => row.length === head?.length));
    });
  }

  test('are no formula in a cell of the history of checks', async () => {
    const [head, ...rows] = readCsv('check', await run('export', 'csv', '--families', 'check'));
    assert.ok(rows.length >= hostileNames.length * 2 * hostileWords.length, `${rows.length} rows`);
    assert.ok(rows.every((row) => row.length === head?.length));
  });

  test('break no line of the history as OpenMetrics or JSON', async () => {
    const open = await run('export', 'openmetrics');
    assertInert('openmetrics', open);
    assert.ok(scrape(open).length > 1000);
    const lines = await run('export', 'jsonl');
    assertInert('jsonl', lines);
    const clients = lines
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { client: string }).client);
    assert.deepEqual(new Set(clients), new Set(hostileNames));
  });
});
