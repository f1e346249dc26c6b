/** SIGKILL at both sides of a forwarding site, at any moment. Nothing is lost or stored twice. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { isLong, isWide } from '../support/long-tests.ts';
import { forwardingSite } from '../support/fleets/forwarding-site.ts';
import { namesBelow } from '../support/names-below.ts';
import { startCli } from '../support/programs/run-cli.ts';

const kills = isLong ? 60 : isWide ? 20 : 12;
const clients = ['web-1', 'web-2', 'web-3'];

test('SIGKILL at both sides loses and doubles nothing', { timeout: 900_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t, {
    clients: clients.map((name) => `<client name="${name}"/>`).join(''),
    own: clients.map((name, at) => `<client name="${name}" address="127.0.0.${at + 1}" transport="local"/>`).join(''),
  });
  const seen = new Set<string>();
  const note = (): void => {
    for (const { dir } of [hq, site]) for (const id of reportsBelow(path.join(dir, 'state'))) seen.add(id);
  };
  const killed = async (child: ChildProcess, afterMs: number): Promise<void> => {
    const closed = once(child, 'close');
    await Promise.race([sleep(afterMs), closed]);
    note();
    child.kill('SIGKILL');
    await closed;
  };
  await site.run('collect');
  let serve: ChildProcess = hq.child;
  for (let kill = 0; kill < kills; kill += 1) {
    // A run takes about a second. The moments are spread over the run, and a little beyond its end.
    const afterMs = 100 + ((kill * 617) % 1400);
    if (kill % 3 === 1) {
      const run = site.run('collect');
      await killed(serve, afterMs);
      await run;
      serve = await hq.serveAgain();
    } else await killed(startCli(['collect'], site.options), afterMs);
    note();
    if (kill % 4 === 3) {
      await killed(startCli(['collect'], { cwd: hq.dir }), afterMs);
      await hq.run('collect');
    }
  }
  for (let more = 0; more < 3; more += 1) await site.run('collect');
  assert.deepEqual(site.waiting(), []);
  await hq.run('collect');
  assertNothingLost(hq, seen);
});

/** Returns the ids of the reports in a state folder. In stored/ a name begins with the folder of the file before. */
function reportsBelow(state: string): readonly string[] {
  return namesBelow(state, '.fhs').flatMap((name) => /[0-9a-f-]{36}/.exec(path.basename(name))?.[0] ?? []);
}

type Site = Awaited<ReturnType<typeof forwardingSite>>['hq'];

/** Requires each report that was seen on a disk to be stored once, and every run to have ended. */
function assertNothingLost(hq: Pick<Site, 'rows'>, seen: ReadonlySet<string>): void {
  const stored = hq.rows('SELECT report_id FROM stats UNION SELECT report_id FROM inventory_reports');
  assert.deepEqual(
    [...seen].filter((id) => !stored.includes(id)),
    [],
  );
  assert.ok(seen.size > kills / 3, `${seen.size} reports were seen`);
  assert.deepEqual(hq.rows('SELECT report_id FROM stats GROUP BY report_id HAVING COUNT(*) > 1'), []);
  assert.deepEqual(hq.rows('SELECT run_id, client FROM visits GROUP BY run_id, client HAVING COUNT(*) > 1'), []);
  const orphans = hq.rows('SELECT run_id FROM visits WHERE run_id NOT IN (SELECT id FROM runs)');
  assert.deepEqual(orphans, []);
  assert.deepEqual(hq.rows("SELECT id FROM runs WHERE outcome = 'running'"), []);
}
