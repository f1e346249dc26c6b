import { noRunId, type Report } from '../../../src/report/report.ts';

/** Returns a report of web-1 with these parts, as its agent would make it. */
export function machineReport(parts: Pick<Report, 'datetime' | 'worker_reports'> & Partial<Report>): Report {
  return {
    name: 'Daemon report',
    version: 1,
    report_id: '00000000-0000-4000-8000-000000000000',
    run_id: noRunId,
    client: 'web-1',
    agent: { version: '1', cpu_ms: 1, wall_ms: 1, rss_bytes: 1 },
    boot_id: null,
    monotonic_ms: 1,
    ...parts,
  };
}
