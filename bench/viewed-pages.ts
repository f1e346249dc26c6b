import { existsSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';

import { chromium, type Page } from 'playwright-core';

import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { costOf, inTemporaryFolder, run } from './children.ts';
import { atMost, measured, notMeasured, ratioAtMost, type BenchOptions, type Figure, type Row } from './figure.ts';
import { withSession } from './made-rows.ts';
import { end, firstScreen, madeFleet, type MadeFleet, start } from './serve.ts';

const sizeRow = (name: string, what: string, most: number): Row => ({
  name,
  what,
  unit: 'KB',
  peer: null,
  target: atMost(most),
});
const bareNode = 'node -e 0';
/** Machines differ by a factor of two. The limits are 300 and 500 ms where `node -e 0` takes 19 ms. */
const cpuRow = (name: string, what: string, most: number): Row => ({
  name,
  what: `${what} : ${bareNode}`,
  unit: 'ms',
  peer: bareNode,
  target: ratioAtMost(most),
});
const weight = sizeRow(
  'viewed-weight',
  "the fleet's page of 200 clients in groups, with style and program, compressed",
  120,
);
const fleetCpu = cpuRow('viewed-fleet-cpu', 'CPU of Chromium to load and draw that page', 16);
const plotsCpu = cpuRow('viewed-plots-cpu', "CPU of Chromium to load a client's page of a day and draw its plots", 16);
const screenSize = sizeRow('viewed-first-screen', 'the first screen of 10,000 clients in 500 groups, compressed', 300);
const screenCpu = cpuRow('viewed-first-cpu', 'CPU of `serve` for the first screen of 10,000 clients in 500 groups', 26);

const executablePath = '/usr/bin/chromium';
const rowsPerClient = 1440;
const rounds = 5;

/** Measures what pages weigh, and what a browser and the server spend on them. */
export async function viewedPages({ quick, say }: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  await inTemporaryFolder(async (dir) => {
    const fleet = await madeFleet(dir, quick ? 20 : 200, quick ? 10 : rowsPerClient, 20);
    await vary(dir);
    say('rows of 200 clients are made');
    const child = await start(fleet.config);
    try {
      figures.push(measured(weight, [await weightOf(fleet)]), ...(await drawn(fleet, quick ? 1 : rounds)));
    } finally {
      await end(child);
    }
  });
  await inTemporaryFolder(async (dir) => {
    const fleet = await madeFleet(dir, quick ? 20 : 10_000, quick ? 5 : 288, 20);
    say('rows of 10,000 clients are made');
    const [size, cpu]: [number[], number[]] = [[], []];
    const bare: number[] = [];
    for (let round = 0; round < (quick ? 1 : rounds); round += 1) {
      bare.push(bareCpuMs());
      const [sizes, seconds] = await firstScreen(fleet, 1);
      size.push(...sizes);
      cpu.push(...seconds.map((one) => one * 1000));
    }
    figures.push(measured(screenSize, size), measured(screenCpu, cpu, bare));
  });
  return figures;
}

/** Returns the CPU of the peer. */
const bareCpuMs = (): number => costOf(() => void run(process.execPath, ['-e', '0']), 10).cpuMs;

/** Gives each row values of its own, and lets one visit of fifty fail: equal rows would compress to nothing. */
async function vary(dir: string): Promise<void> {
  await withSession(sqliteConfig(path.join(dir, 'fleet.db')), async (session) => {
    const percent = 'abs(random() % 1000) / 10.0';
    await session.run(
      `UPDATE stats SET cpu_percent = ${percent}, memory_percent = ${percent}, disk_percent = ${percent},
         load5 = abs(random() % 400) / 100.0`,
    );
    await session.run(`UPDATE visits SET ok = abs(random() % 50) > 0`);
  });
}

/** Returns the bytes of the fleet's page and of the files that it loads, compressed, in KB. */
async function weightOf({ port }: MadeFleet): Promise<number> {
  const page = await ask(port, '/', false);
  const files = [...page.text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, file = '']) => file);
  let bytes = 0;
  for (const where of ['/', ...files]) bytes += (await ask(port, where, true)).bytes;
  return bytes / 1000;
}

async function ask(port: number, where: string, isPacked: boolean): Promise<{ bytes: number; text: string }> {
  const headers = { ...(isPacked && { 'accept-encoding': 'gzip' }), 'x-forwarded-for': '10.0.0.1', 'x-user': 'anna' };
  const asked = get({ port, host: '127.0.0.1', path: where, headers });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return { bytes: body.length, text: isPacked ? '' : body.toString('utf8') };
}

/** Measures the CPU of the browser's page, from the request until all is drawn. */
async function drawn({ port }: MadeFleet, times: number): Promise<readonly Figure[]> {
  if (!existsSync(executablePath)) {
    return [fleetCpu, plotsCpu].map((one) => notMeasured(one, 'chromium is not installed'));
  }
  // Root may not run Chromium's sandbox.
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  try {
    const samples: Record<'fleet' | 'plots' | 'bare', number[]> = { fleet: [], plots: [], bare: [] };
    // The first round warms the caches of the server up.
    for (let round = 0; round <= times; round += 1) {
      if (round > 0 || times === 1) samples.bare.push(bareCpuMs());
      const context = await browser.newContext({
        extraHTTPHeaders: { 'x-forwarded-for': '10.0.0.2', 'x-user': 'anna' },
      });
      for (const [name, where, last] of [
        ['fleet', '/', '#clients tbody tr:last-child'],
        ['plots', '/c/web-7?since=24h', '.plots figure:nth-child(3) canvas'],
      ] as const) {
        const page = await context.newPage();
        const ms = await cpuOf(page, `http://127.0.0.1:${port}${where}`, last);
        if (round > 0 || times === 1) samples[name].push(ms);
        await page.close();
      }
      await context.close();
    }
    return [measured(fleetCpu, samples.fleet, samples.bare), measured(plotsCpu, samples.plots, samples.bare)];
  } finally {
    await browser.close();
  }
}

/** Returns the time of the page's main thread in milliseconds until an element is there and two frames are drawn. */
async function cpuOf(page: Page, url: string, selector: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(url);
  await page.locator(selector).waitFor();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  const { metrics } = await session.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000;
}
