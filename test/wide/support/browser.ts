import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

import { endWithProcess } from '../../support/end-of-process.ts';

const executablePath = '/usr/bin/chromium';

/** The reason to skip tests with a browser; false if they run. With CI set test/setup.sh fails instead. */
export const skipWithoutBrowser = existsSync(executablePath) ? false : 'chromium is not installed';

export interface OpenPage {
  readonly page: Page;
  /** Messages of the console, errors, and requests other than that of the file. */
  readonly noises: readonly string[];
}

/** Opens a file in a browser without a network. The page is the test's, with a profile of its own. */
export async function openFile(t: TestContext, file: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await startPage(t, { offline: true, ...options });
  const { page, noises } = opened;
  page.on('request', (request) => {
    if (request.url() !== `file://${file}`) noises.push(request.url());
  });
  await page.goto(`file://${file}`);
  return opened;
}

/** Opens a page of a server, in a profile of the test's own. Requests to other hosts are noises. */
export async function openAddress(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const opened = await startPage(t, options);
  const { page, noises } = opened;
  const { origin } = new URL(url);
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) noises.push(request.url());
  });
  await page.goto(url);
  return opened;
}

let browser: Promise<Browser> | null = null;

/** Starts the browser of all tests of the process. */
async function startBrowser(): Promise<Browser> {
  // Root may not run Chromium's sandbox.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  // A name that is not this machine's own, by which a browser trusts plain HTTP less.
  const names = '--host-resolver-rules=MAP fleet.example.org 127.0.0.1';
  const started = await chromium.launch({ executablePath, args: [...args, names] });
  endWithProcess(() => started.close());
  return started;
}

async function startPage(t: TestContext, options: BrowserContextOptions): Promise<{ page: Page; noises: string[] }> {
  const context = await (await (browser ??= startBrowser())).newContext(options);
  t.after(() => context.close());
  const page = await context.newPage();
  const noises: string[] = [];
  page.on('console', (message) => noises.push(message.text()));
  page.on('pageerror', (error) => noises.push(error.message));
  return { page, noises };
}

/** Returns what axe-core finds: the rule and the elements. `all`: its advice beyond WCAG 2.2 AA too. */
export async function accessibilityFaults(page: Page, rules: 'wcag' | 'all' = 'wcag'): Promise<readonly string[]> {
  const only = rules === 'all' ? '{}' : "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }";
  // The debugger evaluates the text, because the page's policy does not apply to it.
  const axe = createRequire(import.meta.url)('axe-core') as { readonly source: string };
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate(
    `axe.run(document, ${only}).then(({ violations }) => ` +
      "violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).slice(0, " +
      "3).join(' | ')))",
  );
  return found as readonly string[];
}

/** Returns the faults that the Nu HTML Checker finds in files. Its start costs more than to check ten of them. */
export async function htmlFaults(...files: readonly string[]): Promise<readonly string[]> {
  const jar = createRequire(import.meta.url)('vnu-jar') as unknown as string;
  const brief = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  const args = ['-Xss4m', ...brief, '-jar', jar, '--format', 'json', '--exit-zero-always', ...files];
  const { stderr } = await promisify(execFile)('java', args, { maxBuffer: 64 * 2 ** 20 });
  const { messages } = JSON.parse(stderr) as {
    messages: readonly { url?: string; type: string; message: string; extract?: string }[];
  };
  return messages.map(({ url, type, message, extract }) => `${url ?? ''} ${type}: ${message}: ${extract ?? ''}`);
}
