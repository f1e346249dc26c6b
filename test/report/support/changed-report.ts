import assert from 'node:assert/strict';

import { parseReport } from '../../../src/report/parse-report.ts';
import { ReportFault, type Report } from '../../../src/report/report.ts';
import { sampleReport } from './sample-report.ts';

/** Returns the sample with one place changed, as in `worker_reports.0.name`. `undefined` removes the place. */
export function changed(place: string, value: unknown): Report {
  const copy = structuredClone(sampleReport);
  const keys = place.split('.');
  const last = keys.pop() ?? '';
  const target = keys.reduce<object>((at, key) => (at as Record<string, object>)[key] ?? {}, copy);
  Object.defineProperty(target, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

/** Returns the error of parsing these bytes, which must be a ReportFault. */
export function faultOf(bytes: Uint8Array): ReportFault {
  try {
    parseReport(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof ReportFault, `not a ReportFault: ${String(thrown)}`);
    return thrown;
  }
  return assert.fail('it was taken');
}

/** The first row of the sample's disks, as a JSON path and as `changed` names it. */
export const row = '$.worker_reports[2].function_reports[0].data[0]';
export const rowPlace = 'worker_reports.2.function_reports.0.data.0';
