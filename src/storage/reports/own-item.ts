import { randomUUID } from 'node:crypto';

import { noRunId, reportVersion } from '../../report/report.ts';
import { stateDigest } from '../../report/state/state.ts';
import type { IngestItem } from '../store/storage.ts';

const ownLines = ['own\town'];
const ownSections = [{ kind: 'system', digest: stateDigest(ownLines), error: null, lines: ownLines }] as const;

/** Returns a report that fills a row in every table of reports. */
export function ownItem(name: IngestItem['report']['name']): IngestItem {
  const nowMs = Date.now();
  const client = randomUUID();
  const families = [
    { name: 'disk', data: [{ mount: '/' }] },
    { name: 'network', data: [{ interface: 'lo' }] },
    { name: 'log_line', data: [{ text: 'own' }] },
  ];
  const report: IngestItem['report'] = {
    name,
    version: reportVersion,
    datetime: new Date(nowMs).toISOString(),
    report_id: randomUUID(),
    run_id: noRunId,
    client,
    agent: { version: '', cpu_ms: 0, wall_ms: 0, rss_bytes: 0 },
    boot_id: null,
    monotonic_ms: 0,
    worker_reports: [{ name: 'own', duration_ms: 0, error: null, function_reports: families }],
    ...(name === 'State report' ? { sections: ownSections } : {}),
    checks: [{ name: 'own', format: 'nagios', exit: 0, why: null, output: '|own=0', age_s: 0 }],
  };
  return { client, report, receivedAtMs: nowMs, observedAtMs: nowMs, collectedAtMs: nowMs, clockOffsetMs: null };
}
