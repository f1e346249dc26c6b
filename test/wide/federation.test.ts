/** `serve --fleet` over real sites that become unreachable, by a kill and by a freeze, and return. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { configFolder } from '../support/run-cli.ts';
import { until } from '../support/until.ts';
import { serveFolder, servedFleet } from '../serve/support/served-fleet.ts';

/** A limit for the next answer: each site is polled every 30 s, and has 10 s to answer. */
const soonMs = 90_000;

/** Starts a federation of these sites. */
async function federate(t: TestContext, of: Readonly<Record<string, { readonly port: number }>>) {
  const dir = configFolder(t, '<config></config>');
  const sites = Object.entries(of).map(([name, { port }]) => `<site name="${name}" url="http://127.0.0.1:${port}/"/>`);
  writeFileSync(path.join(dir, 'sites.xml'), `<sites>${sites.join('')}</sites>`, { mode: 0o600 });
  const federation = await serveFolder(t, dir, { args: ['--fleet', 'sites.xml'] });
  const notified = (event: string, count: number) =>
    until(
      () => federation.log().split(`event=${event} `).length - 1 === count,
      () => `${count} of ${event}: ${federation.log()}`,
      soonMs,
      100,
    );
  const found = async (q: string) => {
    const { body } = await federation.ask(`/api/v1/status?q=${q}`);
    const { missing, matching } = JSON.parse(body) as { missing: string[]; matching: number };
    return { missing, matching };
  };
  const shown = async () => {
    const { body } = await federation.ask('/');
    const countOf = (what: RegExp): number => body.match(what)?.length ?? 0;
    return { clients: countOf(/<a class="name"/g), away: countOf(/<b>no answer since \d\d:\d\d<\/b>/g) };
  };
  return { ...federation, notified, found, shown };
}

test('sites that go away are shown with their age, are named by searches, and come back', async (t) => {
  const [ber, fra] = [await servedFleet(t), await servedFleet(t)];
  const federation = await federate(t, { ber, fra });
  const { notified, found, shown } = federation;
  // The sites are polled at the start.
  const endMs = performance.now() + soonMs;
  while ((await shown()).clients !== 4 && performance.now() < endMs) await sleep(500);
  assert.deepEqual(await shown(), { clients: 4, away: 0 });
  assert.deepEqual(await found('db'), { missing: [], matching: 2 });

  ber.child.kill('SIGKILL');
  await once(ber.child, 'close');
  fra.child.kill('SIGSTOP');
  // The site has not been polled again in the background yet: a search detects the fault by itself.
  assert.deepEqual(await found('web-1'), { missing: ['ber', 'fra'], matching: 0 });
  await notified('site-away', 2);
  assert.deepEqual(await shown(), { clients: 4, away: 2 }, 'clients stay as they were answered last');
  assert.match((await federation.ask('/')).body, /2 sites, 2 without an answer\./);
  assert.match((await federation.ask('/?q=web-1')).body, /role="alert">Without what ber, fra would have found\./);

  fra.child.kill('SIGCONT');
  const again = await serveFolder(t, ber.dir, { port: ber.port });
  await notified('site-back', 2);
  assert.deepEqual(await shown(), { clients: 4, away: 0 });
  assert.deepEqual(await found('web'), { missing: [], matching: 4 });
  for (const server of [again, fra, federation]) assert.equal(await server.end(), 0);
});
