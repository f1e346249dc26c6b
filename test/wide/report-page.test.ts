import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { type ClientHistory, encodeHistory } from '../../src/look/page/encode-series.ts';
import { renderFleetPage } from '../../src/look/page/fleet-page.ts';
import { clientOf, pageOf } from '../look/page/support/page-samples.ts';
import { reportedFleet } from '../cli/support/reported-fleet.ts';
import { accessibilityFaults, htmlFaults, openFile, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };

async function reportFile(t: TestContext): Promise<string> {
  const { dir, run } = await reportedFleet(t);
  assert.equal((await run('report', '-o', 'fleet.html', '--since', '2d')).status, 0);
  return path.join(dir, 'fleet.html');
}

test('a report opens from a file without a network: no request, no message of the console', options, async (t) => {
  const { page, noises } = await openFile(t, await reportFile(t));
  await page.getByRole('button', { name: 'web-1' }).click();
  await page.getByRole('img', { name: /^CPU: mean from/ }).waitFor();
  for (const plot of ['Memory and swap', 'Load', 'File systems', 'Network', 'mailq']) {
    assert.equal(await page.getByRole('img', { name: new RegExp(`^${plot}:`) }).count(), 1, plot);
  }
  assert.deepEqual(noises, []);
});

test('the plots of a zone that the browser does not know are in UTC, and say so', options, async (t) => {
  const file = await reportFile(t);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/data-zone="[^"]+"/, 'data-zone="Custom/Zone"'));
  const { page, noises } = await openFile(t, file);
  await page.getByRole('button', { name: 'web-1' }).click();
  await page.getByRole('img', { name: /^CPU: mean from/ }).waitFor();
  await page.getByText('does not know the zone Custom/Zone: these times are UTC.').waitFor();
  assert.deepEqual(noises, []);
});

test(
  'a client opens by the keyboard and by its name in the address, and the filter hides the others',
  options,
  async (t) => {
    const file = await reportFile(t);
    const { page } = await openFile(t, file);
    const button = page.getByRole('button', { name: 'db' });
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    await page.getByRole('searchbox').fill('192.0.2.1 debian');
    assert.equal(await page.locator('tbody tr[id]:visible').count(), 1);
    await page.goto(`file://${file}#web-1`);
    await page.reload();
    await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  },
);

test('all plots of a client share the cursor and the zoom', options, async (t) => {
  const { page, noises } = await openFile(t, await reportFile(t), { viewport: { width: 1440, height: 1000 } });
  await page.getByRole('button', { name: 'web-1' }).click();
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  const times = (): Promise<readonly string[]> => page.locator('.u-legend tr:first-child .u-value').allTextContents();
  const [newest = ''] = await times();
  const area = await page.locator('.u-over').first().boundingBox();
  assert.ok(area !== null);
  const [left, y] = [area.x + area.width * 0.3, area.y + area.height / 2];
  await page.mouse.move(left, y);
  await page.waitForFunction(`document.querySelector('.u-legend .u-value').textContent !== ${JSON.stringify(newest)}`);
  const below = await times();
  assert.ok(below.length >= 5 && below.every((time) => time === below[0] && time !== newest), below.join(', '));
  const pictures = (): Promise<readonly string[]> =>
    page
      .locator('.plots canvas')
      .evaluateAll((all) => all.map((one) => (one as unknown as { toDataURL: () => string }).toDataURL()));
  const before = await pictures();
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.6, y, { steps: 5 });
  await page.mouse.up();
  await page.waitForTimeout(300);
  const zoomed = await pictures();
  assert.ok(
    zoomed.every((picture, index) => picture !== before[index]),
    'a plot was not zoomed',
  );
  await page.mouse.dblclick(left, y);
  await page.waitForTimeout(300);
  assert.ok(
    (await pictures()).every((picture, index) => picture !== zoomed[index]),
    'a plot is still zoomed',
  );
  assert.deepEqual(noises, []);
});

test('a browser that cannot unpack the plots says so, and keeps table, filter and checks', options, async (t) => {
  const { page, noises } = await openFile(t, await reportFile(t));
  await page.addInitScript('delete globalThis.DecompressionStream');
  await page.reload();
  await page.getByRole('button', { name: 'web-1' }).click();
  await page.getByText('This browser is too old to unpack the plots. The table above is complete.').waitFor();
  await page.getByText('210 <b>unsent</b>').first().waitFor();
  assert.equal(await page.getByRole('img', { name: /^CPU:/ }).count(), 0);
  await page.getByRole('searchbox').fill('db');
  assert.equal(await page.locator('tbody tr[id]:visible').count(), 1);
  assert.deepEqual(noises, []);
});

test('the table is sorted by its headings, and the worst stands first before', options, async (t) => {
  const { page } = await openFile(t, await reportFile(t));
  const names = async (): Promise<readonly string[]> => page.locator('tbody .name').allTextContents();
  assert.deepEqual(await names(), ['web-1', 'db']);
  await page.getByRole('button', { name: 'Client' }).click();
  assert.deepEqual(await names(), ['db', 'web-1']);
});

test('without scripts the alerts and the table are there', options, async (t) => {
  const { page, noises } = await openFile(t, await reportFile(t), { javaScriptEnabled: false });
  assert.equal(await page.locator('tbody tr').count(), 2);
  assert.equal(await page.getByText('disk /var').first().isVisible(), true);
  assert.deepEqual(noises, []);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no fault in a report, ${colorScheme}, with a client open`, options, async (t) => {
    const { page } = await openFile(t, await reportFile(t), { colorScheme, viewport: { width: 390, height: 800 } });
    await page.getByRole('button', { name: 'web-1' }).click();
    await page.getByRole('img', { name: /^CPU:/ }).waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
  });
}

test('the Nu HTML Checker finds no fault in a report', options, async (t) => {
  assert.deepEqual(await htmlFaults(await reportFile(t)), []);
});

const figures = {
  ...{
    start: 1_760_000_000,
    step: 3600,
    points: 3,
    cpus: 4,
    limits: [],
    alerts: [],
    boots: [],
    changes: [],
    moreSeries: 0,
  },
  series: [{ group: 'cpu', name: 'mean', values: [10, 20, 30] }],
} as const;

/**
 * Writes a report of 1,100 clients. `web-1` is the worst, and one client far from the worst has plots. Returns the
 * file's path.
 */
function largeFile(t: TestContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-page-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const clients = Array.from({ length: 1100 }, (_, index) =>
    clientOf({ name: `web-${index + 1}`, history: index === 899 ? encodeHistory(figures) : null }),
  );
  const file = path.join(dir, 'large.html');
  writeFileSync(file, renderFleetPage(pageOf({ clients })));
  return file;
}

const visible = (page: Page): Promise<number> => page.locator('tbody tr[id]:visible').count();

test(
  'of a large fleet the worst 500 are laid out, the others at a click, by a filter and on paper',
  options,
  async (t) => {
    const { page, noises } = await openFile(t, largeFile(t));
    const rest = page.getByRole('button', { name: /^Show/ });
    assert.equal(await visible(page), 500);
    assert.equal(await rest.textContent(), 'Show 600 more');
    await page.emulateMedia({ media: 'print' });
    assert.equal(await visible(page), 1100);
    await page.emulateMedia({ media: null });
    await page.getByRole('searchbox').fill('web-10');
    // web-10, web-100 to web-109 and web-1000 to web-1099.
    assert.equal(await visible(page), 111);
    assert.equal(await page.locator('#shown').textContent(), '111 of 1\u202f100 clients.');
    assert.equal(await rest.isVisible(), false);
    await page.getByRole('searchbox').fill('');
    assert.equal(await visible(page), 500);
    await rest.click();
    assert.equal(await visible(page), 1100);
    assert.equal(await rest.isVisible(), false);
    assert.deepEqual(noises, []);
  },
);

test('the lines of a large fleet that are laid out are the first by the order that was chosen', options, async (t) => {
  const { page } = await openFile(t, largeFile(t));
  const client = page.getByRole('button', { name: 'Client' });
  await client.click();
  await client.click();
  assert.equal(await page.locator('tbody tr[id]:visible .name').first().textContent(), 'web-1100');
  assert.equal(await page.locator('tbody tr[id]:visible .name').last().textContent(), 'web-601');
  assert.equal(await visible(page), 500);
});

test('the address of a large report opens a client that is not laid out yet', options, async (t) => {
  const file = largeFile(t);
  const { page } = await openFile(t, file);
  await page.goto(`file://${file}#web-900`);
  await page.getByRole('img', { name: /^CPU:/ }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'web-900' }).isVisible(), true);
  assert.equal(await visible(page), 501);
});

test('without scripts all lines of a large fleet are there', options, async (t) => {
  const { page } = await openFile(t, largeFile(t), { javaScriptEnabled: false });
  assert.equal(await visible(page), 1100);
});

test(
  'the legend of a plot with sixty mounts scrolls, is no longer than the plot, and is reached by the keyboard',
  options,
  async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'fh-page-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const series = Array.from({ length: 60 }, (_, index) => ({
      ...{ group: 'disk', name: `/srv/data/customers/volume-${index}` },
      values: [10, 20, index],
    })) as ClientHistory['series'];
    const history = encodeHistory({ ...figures, series });
    const file = path.join(dir, 'mounts.html');
    writeFileSync(file, renderFleetPage(pageOf({ clients: [clientOf({ name: 'web-1', history })] })));
    const { page, noises } = await openFile(t, file, { viewport: { width: 390, height: 800 } });
    await page.getByRole('button', { name: 'web-1' }).click();
    const legend = page.getByRole('table', { name: 'Legend of File systems' });
    const plot = (await page.locator('.u-wrap').boundingBox())?.height ?? 0;
    const height = (await legend.boundingBox())?.height ?? Infinity;
    assert.ok(height <= plot && height > 100, `${height} beside ${plot}`);
    assert.equal(await legend.locator('tr').count(), 61);
    assert.deepEqual(await accessibilityFaults(page), []);
    assert.deepEqual(noises, []);
  },
);
