/** The lists of the fleet's page, as a reader finds them: groups, labels, bars, the tree, changes, the title. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { loadConfig } from '../../src/config/load-config.ts';
import { alertFolder, firing } from '../cli/support/stored-alerts.ts';
import { askUntilMade, serveFolder } from '../look/serve/support/served-fleet.ts';
import { item, runEnd, runStart, visit } from '../storage/support/samples.ts';
import { accessibilityFaults, htmlFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const hourMs = 3_600_000;
const config = `<config labels="site=ber"><alerts mail="ops@example.org"/>
  <group name="web" labels="role=web"><group name="front" on="hv-1"><client name="web-[1-2]" ip="192.0.2.[1-2]"/></group>
  <client name="web-9" ip="192.0.2.9"/></group>
  <bastion name="gw" ip="192.0.2.200"/>
  <group name="db" labels="role=db" proxyJump="gw"><client name="db-[1-2]" ip="192.0.2.[11-12]"/></group>
  <client name="hv-1" ip="192.0.2.50"/></config>`;

/** Serves six clients with a day of visits, of which db-1 missed the last two, and opens an address of the server. */
async function opened(t: TestContext, where: string, more: object = { viewport: { width: 1440, height: 900 } }) {
  const { dir, store } = await alertFolder(t, { config, alerts: [firing({ client: 'web-2', subject: '/data' })] });
  const { clients } = loadConfig({ file: path.join(dir, 'config.xml') });
  await store(async ({ reports }) => {
    for (let hour = 23; hour >= 0; hour -= 1) {
      const startedAtMs = Date.now() - hour * hourMs - 60_000;
      const start = runStart({ id: `${10 + hour}000000-0000-4000-8000-000000000000`, startedAtMs });
      await reports.startRun(start);
      await reports.saveVisits(
        clients.map(({ name }) => {
          const lost = { ok: false, code: 'connect-refused', message: 'refused' } as const;
          const isLost = name === 'db-1' && hour < 2;
          return visit({ runId: start.id, client: name, startedAtMs, ...(isLost ? lost : {}) });
        }),
      );
      await reports.ingest(clients.map(({ name }) => item({ client: name, observedAtMs: startedAtMs })));
      await reports.endRun(start, { ...runEnd(start), finishedAtMs: startedAtMs + 1000 });
    }
  });
  const { port, ask } = await serveFolder(t, dir, { attributes: 'title="Our &lt;fleet&gt;"' });
  return { dir, ask, port, ...(await openAddress(t, `http://localhost:${port}${where}`, more)) };
}

/** Returns the rows of the table: the names of clients, and headings in brackets. */
async function rowsOf(page: Page): Promise<readonly string[]> {
  const rows = await page.getByRole('row').allInnerTexts();
  return rows.slice(1).map((text) => {
    const line = text.replace(/\s+/g, ' ').trim();
    return /\b(?:Fold|Unfold)\b/.test(line)
      ? `[${line.replace(/ (?:Fold|Unfold).*/, '')}]`
      : (/\b(?:web|db|hv)-\d\b/.exec(line)?.[0] ?? line);
  });
}

test('each group has a heading with its counts, the one of the worst client first', options, async (t) => {
  const { page, noises } = await opened(t, '/');
  assert.deepEqual(await rowsOf(page), [
    '[web / front 2 clients, 1 critical, 1 well]',
    'web-2',
    'web-1',
    '[db 2 clients, 1 failing, 1 well]',
    'db-1',
    'db-2',
    '[Without a group 1 client, 1 well]',
    'hv-1',
    '[web 1 client, 1 well]',
    'web-9',
  ]);
  assert.deepEqual(noises, []);
});

test('a heading folds its group, all fold at once, and the address keeps it', options, async (t) => {
  const { page } = await opened(t, '/', { javaScriptEnabled: false });
  await page.getByRole('link', { name: 'Fold db' }).click();
  const folded = await rowsOf(page);
  assert.ok(folded.includes('[db 2 clients, 1 failing, 1 well]') && !folded.includes('db-1'));
  await page.getByText('4 clients, the worst first. 2 more in folded groups.').waitFor();
  await page.reload();
  assert.deepEqual(await rowsOf(page), folded);
  await page.getByRole('link', { name: 'Unfold db' }).click();
  assert.ok((await rowsOf(page)).includes('db-1'));
  await page.getByRole('link', { name: 'Fold all groups' }).click();
  assert.equal((await rowsOf(page)).length, 4);
  await page.getByRole('link', { name: 'Unfold all groups' }).click();
  assert.equal((await rowsOf(page)).length, 10);
});

test('groups and labels are links that filter, and typing keeps them', options, async (t) => {
  const { page } = await opened(t, '/');
  await page.getByRole('link', { name: 'web', exact: true }).first().click();
  await page.waitForURL(/\?group=web$/);
  assert.deepEqual(
    (await rowsOf(page)).filter((row) => !row.startsWith('[')),
    ['web-2', 'web-1', 'web-9'],
  );
  await page.getByRole('searchbox').fill('web-9');
  await page.waitForURL(/\?q=web-9&group=web$/);
  await page.locator('tr#web-1').waitFor({ state: 'detached' });
  const foldAll = page.getByRole('link', { name: 'Fold all groups' });
  assert.equal(await foldAll.getAttribute('href'), '/?q=web-9&group=web&fold=*');
  await page.getByRole('link', { name: 'show all' }).click();
  await page.waitForURL(({ search }) => !search.includes('group'));
  await page.getByRole('searchbox').fill('');
  await page.getByRole('link', { name: 'role=db' }).first().click();
  await page.waitForURL(/\?label=role%3Ddb$/);
  assert.deepEqual(
    (await rowsOf(page)).filter((row) => !row.startsWith('[')),
    ['db-1', 'db-2'],
  );
  assert.equal(await page.getByRole('link', { name: 'site=ber' }).count(), 0, 'the label of the whole fleet');
});

test('typing keeps what is folded, clients without a group too', options, async (t) => {
  const { page } = await opened(t, '/?fold=');
  await page.getByRole('searchbox').fill('1');
  await page.waitForURL(/\?q=1&fold=$/);
  assert.ok(!(await rowsOf(page)).includes('hv-1'));
});

test('a bar says how many visits of the last day were answered, and when they were not', options, async (t) => {
  const { page } = await opened(t, '/');
  await page.getByRole('img', { name: 'db-1: 22 of 24 visits answered in the last 24 hours' }).waitFor();
  await page.getByRole('img', { name: 'db-2: 24 of 24 visits answered in the last 24 hours' }).waitFor();
  const titles = await page.locator('tr#db-1').getByRole('img').first().locator('title').allTextContents();
  assert.ok(
    titles.some((title) => /\d\d:\d\d to .*\d\d:\d\d: 0 of [12] visits? answered/.test(title)),
    titles.join(),
  );
});

test('the tree says what stands on what, bastions too', options, async (t) => {
  const { page } = await opened(t, '/');
  const tree = page.getByRole('region', { name: 'What stands on what' });
  assert.deepEqual(
    (await tree.getByRole('listitem').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')),
    ['hv-1: 2 machines hv-1: web-1, web-2', 'gw (bastion): 2 machines db-1, db-2'],
  );
});

test('long names break on a telephone, and stripe and visits belong to the whole entry', options, async (t) => {
  const name = 'a-machine-with-a-long-name.of-a-department.subsidiary.example.org';
  const subject = `/${'srv/a-mount-without-a-blank/'.repeat(8)}`;
  const narrow = { viewport: { width: 320, height: 800 } };
  const { dir, store } = await alertFolder(t, {
    config: `<config><client name="${name}" ip="192.0.2.1"/></config>`,
    alerts: [firing({ client: name, subject })],
  });
  await store(async ({ reports }) => {
    const start = runStart({ startedAtMs: Date.now() - 60_000 });
    await reports.startRun(start);
    await reports.saveVisits([visit({ runId: start.id, client: name, startedAtMs: start.startedAtMs })]);
    await reports.ingest([item({ client: name, observedAtMs: start.startedAtMs })]);
    await reports.endRun(start, { ...runEnd(start), finishedAtMs: start.startedAtMs + 1000 });
  });
  const { port } = await serveFolder(t, dir, {});
  const { page } = await openAddress(t, `http://localhost:${port}/`, narrow);
  const link = await page.locator(`a[href^="/alerts/"][translate="no"]`).getAttribute('href');
  for (const where of ['/', '/alerts', `/c/${name}`, link ?? '']) {
    await page.goto(`http://localhost:${port}${where}`);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320, where);
  }
  await page.goto(`http://localhost:${port}/`);
  const row = page.locator('#clients tbody tr.critical');
  const shadow = "getComputedStyle(document.querySelector('#clients tbody tr.critical')).boxShadow";
  assert.match(String(await page.evaluate(shadow)), /inset/);
  const [whole, part] = [await row.boundingBox(), await row.locator('th').boundingBox()];
  assert.ok((part?.width ?? 0) > (whole?.width ?? 0) / 2, 'the name has the rest of the first line');
});

test('the title is the name of the fleet, and stands once', options, async (t) => {
  const { page } = await opened(t, '/');
  assert.equal(await page.title(), 'Our <fleet>');
  assert.equal(await page.getByText('Our <fleet>').count(), 1);
  await page.getByRole('heading', { level: 1, name: 'Our <fleet>' }).waitFor();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe and the Nu HTML Checker find no fault, wide and narrow, ${colorScheme}`, options, async (t) => {
    const { page, ask, dir, port } = await opened(t, '/', { colorScheme, viewport: { width: 1440, height: 900 } });
    const files: string[] = [];
    for (const where of ['/', '/?fold=*', '/?group=web&q=web']) {
      await page.goto(`http://localhost:${port}${where}`);
      await page.setViewportSize({ width: 1440, height: 900 });
      assert.deepEqual(await accessibilityFaults(page), [], where);
      await page.setViewportSize({ width: 360, height: 740 });
      assert.deepEqual(await accessibilityFaults(page), [], where);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
      if (colorScheme === 'dark') continue;
      const file = path.join(dir, `page-${files.length + 1}.html`);
      writeFileSync(file, (await askUntilMade(ask, where)).body);
      files.push(file);
    }
    if (files.length > 0) assert.deepEqual(await htmlFaults(...files), []);
  });
}
