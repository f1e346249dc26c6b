/** An alert at night on a telephone: from the link in the mail to the acknowledgement, in a browser of 360 px. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { loadConfig } from '../../src/config/load-config.ts';
import { alertFolder, type AlertFolder } from '../cli/support/stored-alerts.ts';
import { ask, askUntilMade, serveFolder } from '../look/serve/support/served-fleet.ts';
import { item, runEnd, runStart, visit } from '../storage/support/samples.ts';
import { freePort } from '../support/servers/free-port.ts';
import { accessibilityFaults, htmlFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const minuteMs = 60_000;
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

interface Night {
  readonly folder: AlertFolder;
  readonly port: number;
  /** The addresses of the mail, in the order of its text. */
  readonly links: readonly string[];
}

/** Makes a fleet whose disk is filling, mails the alert into the outbox, and serves the pages that the mail links. */
async function night(t: TestContext): Promise<Night> {
  const port = await freePort();
  const folder = await alertFolder(t, {
    config: `<config><alerts mail="ops@example.org"/><client name="web-1" ip="192.0.2.1"/><replies links="yes"/>
      <serve port="${port}" url="http://localhost:${port}/"><look/></serve></config>`,
  });
  const { dir, store, run } = folder;
  await store(async ({ reports }) => {
    const start = runStart({ startedAtMs: Date.now() - minuteMs });
    await reports.startRun(start);
    await reports.saveVisits([visit({ runId: start.id, client: 'web-1', startedAtMs: Date.now() - minuteMs })]);
    const times = Array.from({ length: 60 }, (_, index) => Date.now() - (index + 1) * 15 * minuteMs);
    await reports.ingest(times.reverse().map((observedAtMs) => item({ client: 'web-1', observedAtMs })));
    await reports.endRun(start, { ...runEnd(start), finishedAtMs: Date.now() });
  });
  assert.equal((await run('alert')).status, 0);
  const { stateDir } = loadConfig({ file: path.join(dir, 'config.xml') });
  const outbox = path.join(stateDir, 'outbox');
  const [mail = assert.fail('nobody was mailed')] = readdirSync(outbox).filter((name) => name.endsWith('.eml'));
  const content = readFileSync(path.join(outbox, mail), 'utf8').replaceAll('=\r\n', '').replaceAll('=3D', '=');
  await serveFolder(t, dir, { port, attributes: `url="http://localhost:${port}/"` });
  const links = [...new Set(content.match(/http:\/\/localhost:[\w/:]+/g))];
  // The link that acknowledges stands at the top of the mail.
  const isReply = (link: string): boolean => new URL(link).pathname.startsWith('/reply/');
  return { folder, port, links: [...links.filter((link) => !isReply(link)), ...links.filter(isReply)] };
}

const acknowledged = async ({ alerts }: AlertFolder): Promise<number> =>
  (await alerts()).filter((alert) => alert.acknowledged !== null).length;

/** Asserts that a page needs no sideways scrolling, and that a thumb hits its buttons. */
async function assertFitsThumb(page: Page): Promise<void> {
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
  for (const button of await page.getByRole('button').all()) {
    const box = (await button.boundingBox()) ?? assert.fail('it is not laid out');
    assert.ok(box.height >= 44, `${await button.textContent()} is ${box.height} px high`);
  }
}

test('a scanner of mails that follows every link acknowledges nothing', options, async (t) => {
  const { folder, port, links } = await night(t);
  assert.equal(links.length, 3, 'the pages of a warning and of an event, and the link that acknowledges');
  for (const link of links) {
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await ask(port, new URL(link).pathname, { method })).status, 200, link);
    }
    const { page } = await openAddress(t, link, phone);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.reload();
  }
  assert.equal(await acknowledged(folder), 0);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the mail leads to its alert, and its button acknowledges, ${colorScheme}`, options, async (t) => {
    const { folder, links } = await night(t);
    const [alertLink = '', , replyLink = ''] = links;
    const { page, noises } = await openAddress(t, alertLink, { ...phone, colorScheme });
    await page.getByRole('heading', { level: 1, name: 'web-1 disk /data' }).waitFor();
    await page.getByText('91.5 % used').first().waitFor();
    await page.getByRole('img', { name: /^disk: / }).waitFor();
    assert.deepEqual(await page.getByRole('heading', { level: 2 }).allTextContents(), [
      'Alert 2',
      'Its value',
      'What changed before it',
      'Who was notified, and why',
      'Acknowledge',
      'The last year',
    ]);
    await page.getByText('fleet-health ack 2', { exact: true }).waitFor();
    await page
      .getByText(/ops@example\.org/)
      .first()
      .waitFor();
    const shown = await page.locator('code .option').all();
    assert.ok(shown.length > 4);
    for (const option of shown) {
      const box = (await option.boundingBox()) ?? assert.fail('it is not laid out');
      assert.ok(box.height < 30, `${await option.textContent()} is broken into lines`);
    }
    await assertFitsThumb(page);
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.goto(replyLink);
    await page.getByRole('heading', { name: '1 alert of this mail fires' }).waitFor();
    assert.equal(await page.getByRole('button').count(), 1);
    await assertFitsThumb(page);
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.getByLabel('No reminders').selectOption('for 4 hours');
    await page.getByRole('button', { name: 'Acknowledge' }).tap();
    await page.getByRole('heading', { name: 'Acknowledged.' }).waitFor();
    await page.getByText(/acknowledged by ops@example\.org until/).waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    assert.equal(await acknowledged(folder), 1);
    assert.deepEqual(noises, []);
  });
}

test('the page of a link works without scripts, and the Nu HTML Checker finds no fault in it', options, async (t) => {
  const { folder, links, port } = await night(t);
  const { page } = await openAddress(t, links[2] ?? '', { ...phone, javaScriptEnabled: false });
  const files: string[] = [];
  for (const link of links) {
    const file = path.join(folder.dir, `page-${files.length + 1}.html`);
    writeFileSync(file, (await askUntilMade((where) => ask(port, where), new URL(link).pathname)).body);
    files.push(file);
  }
  assert.deepEqual(await htmlFaults(...files), []);
  await page.getByRole('button', { name: 'Acknowledge' }).tap();
  await page.getByRole('heading', { name: 'Acknowledged.' }).waitFor();
  assert.equal(await acknowledged(folder), 1);
});
