/** A newcomer's first evening, in a browser of 360 px: from a config.xml without machines to the first plots. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { loadConfig } from '../../src/config/load-config.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { serveFolder } from '../look/serve/support/served-fleet.ts';
import { item, runEnd, runStart, visit } from '../storage/support/samples.ts';
import { configFolder, runCli } from '../support/programs/run-cli.ts';
import { accessibilityFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const minuteMs = 60_000;
const phone = { viewport: { width: 360, height: 740 }, timezoneId: 'UTC' } as const;
const five = ['web-1', 'web-2', 'web-3', 'db-1', 'db-2'];
const clients = five.map((name, index) => `<client name="${name}" ip="192.0.2.${index + 1}"/>`).join('');

/** Serves a folder with a config.xml, and opens the fleet's page. */
async function opened(t: TestContext, config: string, more: object = {}) {
  const dir = configFolder(t, config);
  const served = await serveFolder(t, dir, {});
  return { dir, served, ...(await openAddress(t, `http://localhost:${served.port}/`, { ...phone, ...more })) };
}

async function stored(dir: string, work: (storage: Storage) => Promise<void>): Promise<void> {
  const { storage: config } = loadConfig({ file: path.join(dir, 'config.xml') });
  const storage = await openStorage({ storage: config, migrate: true });
  await work(storage);
  await storage.close();
}

/** Stores visits of each client every five minutes, by default of the last forty; the newest has just ended. */
const evening = (dir: string, minutes = 40): Promise<void> =>
  stored(dir, async ({ reports }) => {
    for (let ago = minutes; ago >= 0; ago -= 5) {
      const atMs = Date.now() - ago * minuteMs - 1000;
      const start = runStart({ id: `0000000${Math.floor(ago / 5)}-0000-4000-8000-000000000000`, startedAtMs: atMs });
      await reports.startRun(start);
      await reports.saveVisits(five.map((client) => visit({ runId: start.id, client, startedAtMs: atMs })));
      await reports.ingest(five.map((client) => item({ client, observedAtMs: atMs })));
      await reports.endRun(start, { ...runEnd(start), finishedAtMs: atMs + 500 });
    }
  });

async function assertFine(page: Page): Promise<void> {
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
  assert.deepEqual(await accessibilityFaults(page), []);
}

/** Returns the step that the page names as the next one. */
const nextStep = async (page: Page): Promise<string> =>
  ((await page.getByRole('listitem').filter({ hasText: 'Next:' }).textContent()) ?? '').replace(/\s+/g, ' ');

for (const colorScheme of ['light', 'dark'] as const) {
  test(`an empty fleet says the next step, and shows no empty table, ${colorScheme}`, options, async (t) => {
    const { page, dir } = await opened(t, '<config></config>', { colorScheme });
    await page.getByRole('heading', { name: 'No machine is watched yet' }).waitFor();
    assert.match(await nextStep(page), /Name your machines in config\.xml.*fleet-health check$/);
    assert.equal(await page.getByRole('table').count(), 0);
    await assertFine(page);
    assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
    await page.reload();
    assert.match(await nextStep(page), /fleet-health check$/);
  });
}

test('machines without a visit: trust is next, then collect and the crontab', options, async (t) => {
  const { page, dir } = await opened(t, `<config>${clients}</config>`);
  await page.getByRole('heading', { name: 'Nothing has been collected yet' }).waitFor();
  assert.match(await nextStep(page), /Compare and store their host keys: fleet-health trust$/);
  for (const command of ['fleet-health collect', 'fleet-health crontab --install']) {
    await page.getByText(command, { exact: true }).waitFor();
  }
  await assertFine(page);
  assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
  await page.reload();
  assert.match(await nextStep(page), /fleet-health trust$/);
  assert.equal(await page.getByRole('table').count(), 0);
});

test('the steps give way to the fleet when the first run ends, and no alerter yet is said', options, async (t) => {
  const { page, dir, noises } = await opened(t, `<config>${clients}</config>`);
  await page.getByText('Live', { exact: true }).waitFor();
  await evening(dir);
  await page.getByRole('rowheader', { name: 'web-1' }).waitFor();
  assert.equal(await page.getByRole('rowheader').count(), 5);
  await page.getByRole('searchbox').fill('db');
  await page.waitForURL(/\?q=db$/);
  await page.getByRole('rowheader', { name: 'web-1' }).waitFor({ state: 'detached' });
  await page.getByText('No alerter has run yet, so nobody is notified of anything.').waitFor();
  await assertFine(page);
  assert.equal((await runCli(['alert'], { cwd: dir })).status, 0);
  await page.waitForTimeout(10_500);
  await page.reload();
  await page.getByRole('rowheader', { name: 'db-1' }).waitFor();
  assert.equal(await page.getByText('No alerter has run yet').count(), 0);
  assert.deepEqual(noises, []);
});

/** Returns a pattern of the two times, five minutes apart, between which it was so many minutes ago. */
function timeAgo(minutes: number): string {
  const five = 5 * minuteMs;
  const atMs = Math.floor((Date.now() - minutes * minuteMs) / five) * five;
  const times = [atMs, atMs - five].map((one) => new Date(one).toISOString().slice(11, 16));
  return String.raw`\d+ \w{3} (?:${times.join('|')})`;
}

/** Returns the span that a page of a client shows, and the spans that it offers. */
async function spansOf(page: Page): Promise<readonly [shown: string, offered: readonly string[]]> {
  const links = page.locator('main').getByRole('link', { name: /^\d+[hdy]$/ });
  const shown = page.locator('main [aria-current=true]');
  return [(await shown.textContent()) ?? '', await links.allTextContents()];
}

test('a short history is shown as an hour that begins with the first report', options, async (t) => {
  const { page, dir, served, noises } = await opened(t, `<config>${clients}</config>`);
  await evening(dir);
  await page.goto(`http://localhost:${served.port}/c/web-1`);
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  assert.deepEqual(await spansOf(page), ['1h', ['1h', '6h', '24h', '7d', '30d', '1y']]);
  await assertFine(page);
  const firstReport = new RegExp(` From ${timeAgo(40)} to ${timeAgo(0)}`);
  const sentence = (): Promise<string | null> => page.getByRole('img', { name: /^CPU:/ }).getAttribute('aria-label');
  assert.match((await sentence()) ?? '', firstReport);
  await page.getByRole('link', { name: '24h', exact: true }).click();
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  assert.equal((await spansOf(page))[0], '24h');
  assert.match((await sentence()) ?? '', firstReport, 'the axis of a day begins with the first report too');
  assert.deepEqual(noises, []);
});

test('the axis of a single report shows the time of that report, and no other day', options, async (t) => {
  const { page, dir, served } = await opened(t, `<config>${clients}</config>`);
  await evening(dir, 0);
  await page.addInitScript(
    'const { fillText } = CanvasRenderingContext2D.prototype; globalThis.drawn = [];' +
      'CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {' +
      ' drawn.push(text); fillText.call(this, text, ...place); };',
  );
  await page.goto(`http://localhost:${served.port}/c/web-1`);
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  const labels = await page.evaluate<string[]>('drawn');
  const times = labels.filter((label) => /^\d\d:\d\d$/.test(label));
  assert.ok(times.length > 1, labels.join(', '));
  const days = new Set(labels.filter((label) => /^\d+ [A-Z][a-z]{2}$/.test(label)));
  assert.ok(days.size <= 2, labels.join(', '));
});
