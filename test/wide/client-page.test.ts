/** The lists of a client's page: it shows what `show` shows, also on a telephone. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { Page } from 'playwright-core';

import { alertFolder, ended, firing } from '../cli/support/stored-alerts.ts';
import { serveFolder } from '../look/serve/support/served-fleet.ts';
import { mail, stored } from '../storage/support/alert-samples.ts';
import { check, item, ordinaryWorkers, runEnd, runStart, visit, worker } from '../storage/support/samples.ts';
import { accessibilityFaults, openAddress, skipWithoutBrowser } from './support/browser.ts';

const options = { skip: skipWithoutBrowser };
const config =
  '<config><alerts mail="ops@example.org"/>' +
  '<client name="db-1" ip="192.0.2.1"/><client name="db-2" ip="192.0.2.2"/></config>';

async function opened(t: TestContext, more: Parameters<typeof openAddress>[2] = {}): Promise<Page> {
  const { dir, store } = await alertFolder(t, {
    config,
    alerts: [firing({ client: 'db-1', subject: '/data' }), ended({ client: 'db-1', rule: 'memory', subject: '' })],
    plan: { mails: [mail({ notifications: [stored({ alertId: 1 })] })] },
  });
  await store(async ({ reports }) => {
    const atMs = Date.now() - 60_000;
    for (const [index, startedAtMs] of [atMs - 300_000, atMs].entries()) {
      const start = runStart({ id: `${index}0000000-0000-4000-8000-000000000000`, startedAtMs });
      await reports.startRun(start);
      const lost = { ok: false, stage: 'auth', code: 'auth-failed', message: 'monitor was refused' } as const;
      await reports.saveVisits([visit({ runId: start.id, client: 'db-1', startedAtMs, ...(index === 0 ? lost : {}) })]);
      await reports.endRun(start, { ...runEnd(start), finishedAtMs: startedAtMs + 1000 });
    }
    const processes = [
      worker('process_cpu', { process: 'postgres', pid: 812, used_percent_of_one_cpu: 41.2 }),
      worker('process_memory', { process: 'postgres', pid: 812, resident_bytes: 2 ** 31 }),
      worker('failed_unit', { unit: 'nginx.service', failed: 1 }),
    ];
    const own = ['process_cpu', 'process_memory', 'failed_unit'];
    const others = ordinaryWorkers().filter(({ function_reports: [family] }) => !own.includes(family?.name ?? ''));
    const checks = [check('mailq', 2, '210 unsent')];
    await reports.ingest([item({ client: 'db-1', observedAtMs: atMs, workers: [...others, ...processes], checks })]);
  });
  const { port } = await serveFolder(t, dir, {});
  return (await openAddress(t, `http://localhost:${port}/c/db-1`, more)).page;
}

/** Returns the lines of the table under a heading, as a reader sees them. */
async function linesOf(page: Page, heading: string): Promise<readonly string[]> {
  const section = page.locator('section').filter({ has: page.getByRole('heading', { name: heading, exact: true }) });
  const lines = await section.locator('tbody tr').allInnerTexts();
  return lines.map((line) => line.replace(/\s+/g, ' ').trim());
}

const shows: readonly (readonly [heading: string, line: RegExp])[] = [
  ['Checks', /critical mailq .*210 unsent/],
  ['Figures', /^CPU 12\.5 % of 4 CPUs$/],
  ['Figures', /^Memory 41\.7 % with .* available$/],
  ['Figures', /^Load of 1, 5, 15 minutes \d/],
  ['Figures', /^Open files 0\.5 %$/],
  ['Figures', /^Up 1 day/],
  ['Disks', /^\/data 91\.5 % .* GiB .*ext4/],
  ['Network', /^eth0 up 1 KiB\/s 2 KiB\/s – –$/],
  ['Processes by CPU and memory', /^postgres 812 41\.2 % 2 GiB$/],
  ['Services', /^nginx\.service failed$/],
  ['Visits', / auth-failed .*monitor was refused .*[a-z]{3}/],
  ['Visits', / ok 750 ms/],
  ['Mails', / waiting ops@example\.org critical disk \/data/],
  ['Ended alerts of this span', /^memory .* critical 96\.2 %$/],
];

for (const width of [1440, 360]) {
  test(`the page of a client has what \`show\` prints, ${width} px wide`, options, async (t) => {
    const page = await opened(t, { viewport: { width, height: 800 } });
    await page.getByRole('img', { name: /^CPU:/ }).waitFor();
    for (const [heading, line] of shows) {
      const lines = await linesOf(page, heading);
      assert.ok(
        lines.some((one) => line.test(one)),
        `${heading}: ${String(line)} is not in ${JSON.stringify(lines)}`,
      );
    }
    const [, failed = ''] = await linesOf(page, 'Visits');
    assert.match(failed, /SSH|key|user|login|account/i, 'the remedy of a failed visit');
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityFaults(page), [], colorScheme);
    }
  });
}
