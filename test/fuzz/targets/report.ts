import { columnsOf } from '../../../src/report/columns.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import { maxClientBytes, maxReportBytes, maxWorkerReports } from '../../../src/report/limits.ts';
import { parseReport } from '../../../src/report/parse-report.ts';
import { withPlausibleValues } from '../../../src/report/plausible-report.ts';
import type { Report } from '../../../src/report/report.ts';
import { fullReport, sampleReport } from '../../report/support/sample-report.ts';
import { isReportFault, kindOf, outcomeOf, requireSame, requireThat, type FuzzTarget } from '../target.ts';

const seed = (report: Report): Buffer => encodeReport(report);

/** A parsed report is the same after it was encoded and parsed again, and can be stored. */
export const reportTarget: FuzzTarget = {
  name: 'report',
  seeds: () => [
    seed(sampleReport),
    seed({ ...sampleReport, name: 'Inventory report', boot_id: null }),
    seed({ ...sampleReport, worker_reports: fullReport().worker_reports.slice(0, 3) }),
    seed({ ...sampleReport, agent: { ...sampleReport.agent, dropped_reports: 3 }, client: 'ü€😀' }),
    Buffer.from('['.repeat(40)),
  ],
  words: [
    ...['{', '}', '[', ']', '"', ',', ':', '\\', '\\ud800', '\\u0000', '\xc3\xa9', '\xff', 'null', 'true', '1e999'],
    ...[
      '-0',
      '-1',
      '9007199254740993',
      '"__proto__":1',
      '"constructor":{}',
      '"data":[]',
      '"name":"disk"',
      '"used_percent":',
    ],
    ...['"worker_reports":[', '"unknown":[{"row":0,"field":"a","reason":"b"}]', '"omitted":1', '"toJSON":1'],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const { value: report, fault } = outcomeOf(() => parseReport(input), isReportFault);
    if (report === null) {
      requireThat(fault.message.length < 1000, 'a fault as long as what it complains of');
      return kindOf(fault);
    }
    requireThat(input.length <= maxReportBytes, 'more than 1 MiB');
    requireThat(report.worker_reports.length <= maxWorkerReports, 'more worker reports than allowed');
    requireThat(Buffer.byteLength(report.client) <= maxClientBytes, 'a client name beyond its limit');
    requireSame(JSON.stringify(parseReport(encodeReport(report))), JSON.stringify(report), 'written and read again');
    const { report: plausible } = withPlausibleValues(report);
    const columns = columnsOf(plausible).stats;
    for (const [column, value] of Object.entries(columns)) {
      requireThat(typeof value !== 'number' || Number.isFinite(value), `${column} is no number`);
    }
    const probes = report.worker_reports.map(({ name, error }) => `${name}${error === null ? '' : '!'}`).slice(0, 5);
    return `${report.name} ${probes.join()} ${Object.values(columns).filter((value) => value !== null).length}`;
  },
};
