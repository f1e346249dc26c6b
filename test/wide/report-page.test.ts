import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

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
  for (const plot of ['Memory and swap', 'Load', 'File systems', 'Network']) {
    assert.equal(await page.getByRole('img', { name: new RegExp(`^${plot}:`) }).count(), 1, plot);
  }
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
