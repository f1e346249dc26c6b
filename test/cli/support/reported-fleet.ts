import path from 'node:path';
import type { TestContext } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { check, item, ordinaryWorkers, runEnd, runStart, visit, worker } from '../../storage/support/samples.ts';
import { alertFolder, firing } from './stored-alerts.ts';

/** Two clients, one of them in a group. */
export const reportedConfig =
  '<config><group name="web"><client name="web-1" ip="192.0.2.1"/></group><client name="db" ip="192.0.2.2"/></config>';
const hourMs = 3_600_000;

/** Returns the results of two checks. At hour 0, the newest, mailq is CRITICAL; at earlier hours both are OK. */
function checksAt(hour: number): readonly CheckResult[] {
  return [check('apt', 0, 'fine'), check('mailq', hour === 0 ? 2 : 0, '210 <b>unsent</b> | unsent=210;50;200')];
}

/** A line of a log in the newest report. */
const logged = worker('log_line', { priority: 'err', unit: 'sshd', text: 'error: <b>kex</b> failed', times: 2 });

/** Makes a folder with two clients, a day of reports of each, and an alert of one client. */
export async function reportedFleet(t: TestContext) {
  const { dir, run } = await alertFolder(t, { config: reportedConfig, alerts: [firing({ client: 'web-1' })] });
  const { storage: own } = loadConfig({ file: path.join(dir, 'config.xml') });
  const storage = await openStorage({ storage: own, migrate: true });
  const nowMs = Date.now();
  const start = runStart({ startedAtMs: nowMs - hourMs });
  await storage.reports.startRun(start);
  for (const client of ['web-1', 'db']) {
    await storage.reports.saveVisits([visit({ runId: start.id, client, startedAtMs: nowMs - hourMs })]);
    await storage.reports.ingest(
      Array.from({ length: 24 }, (_, hour) =>
        item({
          client,
          observedAtMs: nowMs - (hour + 1) * hourMs,
          ...(client === 'web-1' ? { checks: checksAt(hour) } : {}),
          ...(client === 'web-1' && hour === 0 ? { workers: [...ordinaryWorkers(), logged] } : {}),
        }),
      ),
    );
  }
  await storage.reports.endRun(start, runEnd(start));
  await storage.close();
  return { dir, run };
}

export type ReportedFleet = Awaited<ReturnType<typeof reportedFleet>>;
