import { metrics } from '../../../src/report/metrics.ts';
import type { FunctionReport, Report, WorkerReport } from '../../../src/report/report.ts';

export const sampleReport: Report = {
  name: 'Daemon report',
  version: 1,
  datetime: '2026-11-20T10:00:00.123Z',
  report_id: '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10',
  run_id: '0b8a1c62-7d0e-4c55-8a3e-52e1f5f0c001',
  client: 'web-1',
  agent: { version: '0.1.0', cpu_ms: 24, wall_ms: 31.5, rss_bytes: 47185920 },
  boot_id: '5b0c1d1e-6a52-4f0c-9c06-2f7c5a0e9d11',
  monotonic_ms: 123456,
  worker_reports: [
    worker('cpu', [{ name: 'cpu', data: [{ used_percent: 12.5, cpus: 8, steal_percent: null }] }]),
    worker('memory', [{ name: 'memory', data: [{ total_bytes: 8345677824, used_percent: 41.7 }] }]),
    worker('disks', [
      {
        name: 'disk',
        data: [
          { mount: '/', fstype: 'ext4', source: '/dev/vda1', scope: 'local', mode: 'rw', used_percent: 63.1 },
          { mount: '/srv', fstype: 'nfs4', source: 'nas:/srv', scope: 'network', mode: 'rw', used_percent: 99 },
          { mount: '/cd', fstype: 'iso9660', source: '/dev/sr0', scope: 'local', mode: 'ro', used_percent: 100 },
          { mount: '/dead', fstype: 'nfs4', source: 'gone:/', scope: 'network', used_percent: null, unresponsive: 1 },
        ],
        unknown: [{ row: 3, field: 'used_percent', reason: 'no answer within 2 s' }],
        omitted: 2,
      },
    ]),
  ],
};

export function worker(
  name: string,
  function_reports: readonly FunctionReport[],
  error: string | null = null,
): WorkerReport {
  return { name, duration_ms: 1, error, function_reports };
}

/** Returns the sample with other worker reports. */
export function reportWith(...worker_reports: readonly WorkerReport[]): Report {
  return { ...sampleReport, worker_reports };
}

/** Returns a report with two rows of every family that metrics.ts knows, each value 1. */
export function fullReport(): Report {
  const families = [...new Set(metrics.map(({ family }) => family))];
  return reportWith(
    ...families.map((family) => {
      const own = metrics.filter((metric) => metric.family === family);
      const data = ['a', 'b'].map((subject) => ({
        ...Object.fromEntries((own[0]?.labels ?? []).map((label) => [label, `${label} ${subject}`])),
        ...Object.fromEntries(own.map(({ field }) => [field, 1])),
      }));
      return worker(family, [{ name: family, data }]);
    }),
  );
}
