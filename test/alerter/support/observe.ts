import { sampleReport, type SampleReportOptions } from '../../../src/alerter/evaluate/sample-row.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import type { FunctionReport } from '../../../src/report/report.ts';
import { reportWith, worker } from '../../report/support/sample-report.ts';
import { clientWith } from './config-of.ts';
import { diskRow, networkRow, reportRow } from './rows.ts';

/** The fields in which a row differs from a healthy one. */
export interface Row extends Partial<Omit<SampleReportOptions, 'client' | 'row'>> {
  readonly row?: Parameters<typeof reportRow>[0];
}

/** Returns the samples of a row under these rules of a client. */
export function observe(
  alerts: string,
  { row = {}, disks = [diskRow()], networks = [], checks = null, checksDayBefore = null, report = null }: Row,
): SampledRow {
  const loaded = { row: reportRow(row), disks, networks, checks, checksDayBefore, report };
  return sampleReport({ client: clientWith(alerts), ...loaded });
}

/**
 * Returns the samples of the written rules as `rule subject: level (value, limit)`. Omits default rules and conditions.
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

/**
 * Returns the row of lines. A line has a kind and fields: `row cpu_percent=90, load5=?` (`?`: unknown), `disk
 * mount=/srv, used_bytes=5GiB`, `network interface=eth1`, or `unit unit=a.service, active=1` for another family of the
 * report. `no disks` and `report` stand for lists without a row.
 */
export function rowOfLines(lines: readonly string[]): Row {
  const rows = lines.map((line) => {
    const [, kind = '', text = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const fields = text.split(', ').map((field) => field.split('=', 2) as [string, string?]);
    return {
      kind,
      fields: Object.fromEntries(
        fields.flatMap(([key, value]) => (value === undefined ? [] : [[key, valueOf(value)]])),
      ),
    };
  });
  const of = (kind: string): Record<string, Value>[] =>
    rows.filter((one) => one.kind === kind).map(({ fields }) => fields);
  const families = [...new Set(rows.map(({ kind }) => kind))].filter(
    (kind) => !['row', 'disk', 'network', 'no'].includes(kind),
  );
  const reported = families.filter((kind) => kind !== 'report').map((name) => ({ name, data: of(name) }));
  return {
    row: of('row')[0] ?? {},
    ...(of('disk').length + of('no').length === 0 ? {} : { disks: of('disk').map((fields) => diskRow(fields)) }),
    networks: of('network').map((fields) => networkRow(fields)),
    report: families.length === 0 ? null : reportOf(...reported),
  };
}

type Value = string | number | null;

function valueOf(text: string): Value {
  const [, number, unit] = /^(-?[\d.]+)(GiB)?$/.exec(text) ?? [];
  if (text === '?') return null;
  return number === undefined ? text : Number(number) * (unit === undefined ? 1 : 2 ** 30);
}

/** Returns a report of one probe. */
export function reportOf(...functions: readonly FunctionReport[]) {
  return reportWith(worker('probe', functions));
}
