/** The pointer and the keys: the box of a moment, marking a span, the keys, and what a screen reader reads. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { servedFleet } from '../look/serve/support/served-fleet.ts';
import { accessibilityFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const wide = { viewport: { width: 1440, height: 1000 }, timezoneId: 'UTC' } as const;

async function opened(t: TestContext, where: string): Promise<{ page: Page; noises: readonly string[]; port: number }> {
  const { port } = await servedFleet(t, { parts: '<look/><events/>' });
  const { page, noises } = await openAddress(t, `http://localhost:${port}${where}`, wide);
  await page.getByText('Live', { exact: true }).waitFor();
  return { page, noises, port };
}

/** Returns the place of a plot on the screen, without its axes. */
async function plotArea(page: Page, name: RegExp) {
  const plot = page.getByRole('img', { name });
  await plot.scrollIntoViewIfNeeded();
  const area = (await plot.locator('.u-over').boundingBox()) ?? assert.fail('the plot is not laid out');
  return { ...area, at: (share: number) => [area.x + area.width * share, area.y + area.height / 2] as const };
}

test('the pointer shows all values of its moment in one box, and in the plot under it alone', options, async (t) => {
  const { page, noises } = await opened(t, '/c/web-1');
  const area = await plotArea(page, /^Memory and swap:/);
  await page.mouse.move(...area.at(0.5));
  const box = page.locator('.moment:visible');
  await box.waitFor();
  assert.equal(await box.count(), 1);
  assert.match((await box.innerText()).replace(/\s+/g, ' '), /^\d+ \w{3} \d\d:\d\d memory 41\.7 %/);
  await page.mouse.move(5, 5);
  await box.waitFor({ state: 'hidden' });
  assert.deepEqual(noises, []);
});

/** Returns the span of the time axes, from the moments under the pointer at both edges of a plot. */
async function spanOf(page: Page, name: RegExp): Promise<number> {
  const area = await plotArea(page, name);
  const times: number[] = [];
  for (const share of [0.001, 0.999]) {
    await page.mouse.move(...area.at(share));
    const text = await page.locator('.moment:visible b').innerText();
    times.push(Date.parse(`${text} UTC 2026`.replace(/^(\d+ \w{3}) (\d\d:\d\d) UTC (\d{4})$/, '$1 $3 $2 UTC')));
  }
  return ((times[1] ?? 0) - (times[0] ?? 0)) / 3_600_000;
}

test('two clicks mark a span, to which all plots zoom; a double click goes back', options, async (t) => {
  const { page } = await opened(t, '/c/web-1');
  const whole = await spanOf(page, /^CPU:/);
  const area = await plotArea(page, /^CPU:/);
  await page.mouse.click(...area.at(0.25));
  await page.mouse.click(...area.at(0.75));
  const zoomed = await spanOf(page, /^File systems:/);
  assert.ok(Math.abs(zoomed - whole / 2) <= 1.1, `${zoomed} h of ${whole} h`);
  const again = await plotArea(page, /^CPU:/);
  await page.mouse.dblclick(...again.at(0.5));
  assert.equal(await spanOf(page, /^File systems:/), whole);
});

test('the keys filter, move through the lines and open them, and can be switched off', options, async (t) => {
  const { page, noises } = await opened(t, '/');
  const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
  await page.keyboard.press('j');
  assert.equal(await focused(), 'web-1');
  await page.keyboard.press('j');
  assert.equal(await focused(), 'db');
  await page.keyboard.press('k');
  assert.equal(await focused(), 'web-1');
  await page.keyboard.press('/');
  await page.keyboard.type('jk/?');
  assert.equal(await page.getByRole('searchbox').inputValue(), 'jk/?');
  await page.getByRole('searchbox').fill('');
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('?');
  const list = page.getByRole('dialog', { name: 'Keys' });
  assert.match((await list.innerText()).replace(/\s+/g, ' '), /\/ filter j next line k line before/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await list.getByLabel('Keys work').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  assert.equal(await list.isVisible(), false);
  await page.getByRole('button', { name: 'Keys' }).click();
  await list.getByLabel('Keys work').check();
  await list.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: /^(?:web-1|db)$/ }).waitFor();
  assert.deepEqual(noises, []);
});

test('a screen reader reads a plot as sentences: values, span, limits and alerts', options, async (t) => {
  const { page } = await opened(t, '/c/web-1');
  const label = (await page.getByRole('img', { name: /^Memory and swap:/ }).getAttribute('aria-label')) ?? '';
  const time = String.raw`\d+ \w{3} \d\d:\d\d`;
  const values = String.raw`memory from 41\.7 % to 41\.7 %, 41\.7 % at the end`;
  const rest = String.raw`From ${time} to ${time}\. The limit for critical is 97 %\.`;
  assert.match(label, new RegExp(`^Memory and swap: ${values}\\. ${rest}$`));
});

test('axe finds nothing in any page, its advice included, in both schemes', options, async (t) => {
  const { page, port } = await opened(t, '/');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const where of ['/', '/?q=nobody', '/alerts', '/alerts/1', '/runs', '/events/newest', '/c/web-1', '/c/none']) {
      await page.goto(`http://localhost:${port}${where}`);
      await page.getByText('Live', { exact: true }).waitFor();
      assert.deepEqual(await accessibilityFaults(page, 'all'), [], `${where} ${colorScheme}`);
    }
  }
});
