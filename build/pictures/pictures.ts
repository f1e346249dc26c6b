/**
 * Writes the pictures of the documents: `npm run pictures` writes docs/pictures. They show a report and a mail of an
 * invented fleet, whose content is the same on each run. Chromium and its fonts decide the rest.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

import { renderFleetPage } from '../../src/look/page/fleet-page.ts';
import { escapeMarkup } from '../../src/text/escape-markup.ts';
import { madeFleet } from './made-fleet.ts';
import { madeMail } from './made-mail.ts';
import { withPalette } from './palette-png.ts';

const folder = path.join(import.meta.dirname, '../../docs/pictures');
const maxBytes = 120_000;

/** Opens the page with these options, prepares the page, and writes a picture of the window. */
async function picture(
  browser: Browser,
  name: string,
  url: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const page = await (await browser.newContext({ offline: true, ...options })).newPage();
  await page.goto(url);
  await prepare(page);
  const png = withPalette(await page.screenshot({ fullPage: name === 'mail.png' }));
  console.log(`docs/pictures/${name}: ${png.length} bytes`);
  if (png.length > maxBytes) throw new Error(`${name} has more than ${maxBytes} bytes`);
  writeFileSync(path.join(folder, name), png);
}

const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-pictures-'));
// Root may not run Chromium's sandbox.
const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
try {
  const file = path.join(dir, 'report.html');
  writeFileSync(file, renderFleetPage(madeFleet()));
  const url = pathToFileURL(file).href;
  await picture(browser, 'report.png', url, { colorScheme: 'light', viewport: { width: 1200, height: 900 } });
  const phone = { colorScheme: 'dark', viewport: { width: 390, height: 844 } } as const;
  await picture(browser, 'client.png', `${url}#app-3`, phone, async (page) => {
    await page.getByRole('img', { name: /^Network:/ }).waitFor();
    await page.evaluate("document.getElementById('app-3').scrollIntoView()");
  });
  const { subject, html } = madeMail();
  // A mail program shows the subject above the mail.
  const head =
    '<div style="padding:12px 16px;background:#eceff1;font:bold 16px ' + `sans-serif">${escapeMarkup(subject)}</div>`;
  const mail = path.join(dir, 'mail.html');
  writeFileSync(
    mail,
    html.replace(/<body[^>]*>/, (body) => `${body}${head}`),
  );
  const column = { colorScheme: 'light', viewport: { width: 640, height: 100 } } as const;
  await picture(browser, 'mail.png', pathToFileURL(mail).href, column);
} finally {
  await browser.close();
  rmSync(dir, { recursive: true });
}
