import { sampleReport, type SampleReportOptions } from '../../../src/alerter/evaluate/sample-row.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import type { FunctionReport } from '../../../src/report/report.ts';
import { reportWith, worker } from '../../report/support/sample-report.ts';
import { clientWith } from './config-of.ts';
import { diskRow, reportRow } from './rows.ts';

/** The fields in which a row differs from a healthy one. */
export interface Row extends Partial<Omit<SampleReportOptions, 'client' | 'row'>> {
  readonly row?: Parameters<typeof reportRow>[0];
}

/** Returns the samples of a row under these rules of a client. */
export function observe(
  alerts: string,
  { row = {}, disks = [diskRow()], networks = [], report = null }: Row,
): SampledRow {
  return sampleReport({ client: clientWith(alerts), row: reportRow(row), disks, networks, report });
}

/**
 * Returns the samples of the written rules as `rule subject: level (value, limit)`, without defaults and conditions.
 */
export function said(alerts: string, row: Row, origin = 'file'): readonly string[] {
  return observe(alerts, row)
    .samples.filter(({ rule }) => rule.origin === origin)
    .map(({ rule, subject, level, clear, valueText, limitText }) => {
      const name = [rule.name, subject].filter((part) => part !== '').join(' ');
      const words = [level, ...(level === 'none' && !clear ? ['not clear'] : [])].join(', ');
      return `${name}: ${words} (${[valueText, limitText].filter((part) => part !== '').join('; ')})`;
    });
}

/** A report of one probe. */
export function reportOf(...functions: readonly FunctionReport[]) {
  return reportWith(worker('probe', functions));
}
