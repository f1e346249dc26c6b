import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { loadConfig } from '../../src/config/load-config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { askUntilMade, type Served, servedFleet } from '../look/serve/support/served-fleet.ts';
import { check, item, ordinaryWorkers, runEnd, runStart, worker } from '../storage/support/samples.ts';
import { until } from '../support/until.ts';
import { accessibilityFaults, htmlFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const paths = ['/', '/alerts', '/alerts/1', '/runs', '/c/web-1', '/c/none'] as const;

interface Shown extends Served {
  readonly page: Page;
  readonly noises: readonly string[];
}

async function shown(t: TestContext, where: string, more: Parameters<typeof openAddress>[2] = {}): Promise<Shown> {
  const served = await servedFleet(t);
  return { ...served, ...(await openAddress(t, `http://localhost:${served.port}${where}`, more)) };
}

/** Stores a run that has just finished, with a report of a client with problems. */
async function collected(dir: string): Promise<void> {
  const { storage: config } = loadConfig({ file: path.join(dir, 'config.xml') });
  const storage = await openStorage({ storage: config, migrate: true });
  const start = runStart({ id: '99999999-0000-4000-8000-000000000000', startedAtMs: Date.now() - 1_000 });
  await storage.reports.startRun(start);
  const logged = worker('log_line', { priority: 'crit', unit: 'kernel', text: 'I/O error' });
  const workers = [...ordinaryWorkers(), logged];
  await storage.reports.ingest([
    item({ client: 'db', observedAtMs: Date.now() - 500, workers, checks: [check('raid', 2, 'degraded')] }),
  ]);
  await storage.reports.endRun(start, { ...runEnd(start), finishedAtMs: Date.now() });
  await storage.close();
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe, the Nu HTML Checker and the console find no fault in any page, ${colorScheme}`, options, async (t) => {
    const { page, noises, port, ask, dir } = await shown(t, '/', {
      colorScheme,
      viewport: { width: 390, height: 800 },
    });
    const files: string[] = [];
    for (const where of paths) {
      await page.goto(`http://localhost:${port}${where}`);
      await page.getByText('Live', { exact: true }).waitFor();
      assert.deepEqual(await accessibilityFaults(page), [], where);
      if (colorScheme === 'dark') continue;
      const file = path.join(dir, `page${where.replaceAll('/', '-')}.html`);
      writeFileSync(file, (await askUntilMade(ask, where)).body);
      files.push(file);
    }
    if (files.length > 0) assert.deepEqual(await htmlFaults(...files), []);
    assert.deepEqual(
      noises.filter((noise) => !noise.includes('404')),
      [],
    );
  });
}

test('below a path of another host a page follows runs, filters and links there', options, async (t) => {
  const { port, dir } = await servedFleet(t, { attributes: 'url="https://example.org/fleet/"' });
  const { page, noises } = await openAddress(t, `http://localhost:${port}/fleet/`);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByLabel('Filter').fill('db');
  await page.waitForURL(`http://localhost:${port}/fleet/?q=db`);
  await page.getByLabel('Filter').fill('');
  await page.waitForURL(`http://localhost:${port}/fleet/`);
  await collected(dir);
  await page.locator('#clients').getByRole('link', { name: 'db', exact: true }).click();
  await page.waitForURL(`http://localhost:${port}/fleet/c/db`);
  await page.getByText('Live', { exact: true }).waitFor();
  assert.deepEqual(
    asked.filter((where) => !where.startsWith('/fleet/')),
    [],
  );
  assert.ok(asked.includes('/fleet/live'));
  assert.deepEqual(noises, []);
});

for (const host of ['localhost', 'fleet.example.org']) {
  test(
    `an alert of http://${host} is acknowledged by its button on a telephone, and that taken back`,
    options,
    async (t) => {
      const attributes = 'trustedProxies="127.0.0.1,::1" userHeader="X-User"';
      const { port } = await servedFleet(t, { attributes, parts: '<look acknowledge="yes"/>' });
      const telephone = { viewport: { width: 360, height: 740 }, extraHTTPHeaders: { 'X-User': 'kim' } };
      const { page } = await openAddress(t, `http://${host}:${port}/alerts/1`, telephone);
      assert.deepEqual(await accessibilityFaults(page), []);
      const [button, comment] = [page.getByRole('button', { name: 'Acknowledge' }), page.getByLabel('Comment')];
      for (const part of [button, comment, page.getByLabel('No reminders')]) {
        const { x, width, height } = (await part.boundingBox()) ?? assert.fail('it is not shown');
        assert.ok(height >= 24 && width >= 24 && x + width <= 360, `${x} ${width} ${height}`);
      }
      await comment.fill('on it');
      await button.click();
      await page
        .getByText(/acknowledged by kim/)
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Take it back' }).click();
      await button.waitFor();
    },
  );
}

test('a client is reached by the keyboard alone, and its plots are drawn', options, async (t) => {
  const { page, noises } = await shown(t, '/');
  const link = page.getByRole('link', { name: 'db', exact: true });
  await link.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'db' }).waitFor();
  for (const plot of ['CPU', 'Memory and swap', 'File systems', 'Network']) {
    await page.getByRole('img', { name: new RegExp(`^${plot}:`) }).waitFor();
  }
  assert.deepEqual(noises, []);
});

/** Asserts that lines are in a tree in this order. */
function assertInOrder(tree: string, lines: readonly (string | RegExp)[]): void {
  let rest = tree;
  for (const line of lines) {
    const at = typeof line === 'string' ? rest.indexOf(line) : rest.search(line);
    assert.ok(at >= 0, `${String(line)} is missing in\n${rest}`);
    rest = rest.slice(at + 1);
  }
}

test('the tree of a screen reader says what the pages show, in their order', options, async (t) => {
  const { page, port } = await shown(t, '/', { viewport: { width: 1440, height: 900 } });
  await page.getByText('Live', { exact: true }).waitFor();
  const fleet = await page.locator('body').ariaSnapshot();
  assertInOrder(fleet, [
    'link "Fleet"',
    'link "Alerts"',
    'link "Runs"',
    /heading ".*" \[level=1\]/,
    /heading "Open alerts.*" \[level=2\]/,
    /heading ".*" \[level=2\]/,
    'searchbox "',
    'columnheader "Client"',
    'rowheader "web-1',
    'rowheader "db',
  ]);
  await page.goto(`http://localhost:${port}/c/web-1`);
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  const client = await page.locator('body').ariaSnapshot();
  assertInOrder(client, [
    'heading "web-1" [level=1]',
    'heading "Now" [level=2]',
    /heading "Open alerts.*" \[level=2\]/,
    /heading "Checks.*" \[level=2\]/,
    'heading "Past" [level=2]',
    'img "CPU: ',
    'img "File systems: ',
    'heading "Log lines" [level=2]',
  ]);
  for (const tree of [fleet, client]) assert.doesNotMatch(tree, /(?:button|link|img|searchbox)(?: \[.*\])?:?$/m);
});

test('the rows follow a run that finishes, and the focus stays', options, async (t) => {
  const { page, dir, noises } = await shown(t, '/', { viewport: { width: 1440, height: 900 } });
  await page.getByText('Live', { exact: true }).waitFor();
  const row = page.locator('tr#db');
  assert.match((await row.textContent()) ?? '', /late/);
  await page.getByRole('link', { name: 'db', exact: true }).focus();
  await page.waitForTimeout(2_500);
  await collected(dir);
  await page.locator('tr#db .mark', { hasText: 'ok' }).waitFor();
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'db');
  assert.deepEqual(noises, []);
});

test('a page whose stream a proxy holds back asks every minute, and says so', options, async (t) => {
  const { page } = await shown(t, '/runs');
  await page.route('**/live', () => undefined);
  await page.clock.install();
  await page.reload();
  const asked: string[] = [];
  page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
  await page.clock.fastForward(10_500);
  await page.getByText('Every minute').waitFor();
  await page.clock.fastForward(60_500);
  await until(
    () => asked.filter((path) => path === '/runs').length >= 2,
    () => asked.join(),
  );
  await page.unroute('**/live');
});

test('the page of a client follows a run that finishes, with parts that it did not have before', options, async (t) => {
  const { page, dir, noises } = await shown(t, '/c/db');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  assert.equal(await page.getByRole('img', { name: /^mailq:/ }).count(), 0);
  assert.equal(await page.getByRole('heading', { name: 'Checks' }).count(), 0);
  await page.waitForTimeout(2_500);
  await collected(dir);
  await page.locator('tr#db .mark', { hasText: 'ok' }).waitFor();
  await page.getByText('degraded').waitFor();
  await page.getByText('I/O error').waitFor();
  assert.deepEqual(await page.getByRole('heading', { level: 2 }).allTextContents(), [
    'Now',
    'Open alerts',
    'Checks',
    'Past',
    'Log lines',
    'Figures',
    'Disks',
    'Network',
    'Processes by CPU and memory',
    'Services',
    'Visits',
    'Machine',
    'Mails',
  ]);
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  assert.deepEqual(noises, []);
});

test('typing filters, and the address follows', options, async (t) => {
  const { page } = await shown(t, '/');
  await page.getByRole('searchbox').fill('192.0.2.2');
  await page.locator('tr#web-1').waitFor({ state: 'detached' });
  assert.equal(await page.locator('#clients tbody tr').count(), 1);
  await page.waitForURL(/\?q=192\.0\.2\.2$/);
  await page.getByRole('searchbox').fill('');
  await page.locator('tr#web-1').waitFor();
});

test('without scripts the filter, the sorting and the pages are there by links', options, async (t) => {
  const { page, noises } = await shown(t, '/', { javaScriptEnabled: false });
  await page.getByRole('searchbox').fill('db');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL(/q=db/);
  assert.equal(await page.locator('#clients tbody tr').count(), 1);
  await page.getByRole('link', { name: 'Fleet', exact: true }).click();
  await page.waitForURL(({ search }) => search === '');
  await page.getByRole('link', { name: 'Client', exact: true }).click();
  await page.waitForURL(/sort=/);
  assert.deepEqual(await page.locator('tbody .name').allTextContents(), ['db', 'web-1']);
  await page.getByRole('link', { name: 'disk /var' }).first().click();
  await page.getByText('Who was notified, and why').waitFor();
  assert.deepEqual(noises, []);
});

test('a client without a report says so in place of plots', options, async (t) => {
  const { port } = await servedFleet(t, { elements: '<client name="new" ip="192.0.2.9"/>' });
  const { page, noises } = await openAddress(t, `http://localhost:${port}/c/new`);
  await page.getByText('No report has arrived in this span.').waitFor();
  assert.deepEqual(noises, []);
});
