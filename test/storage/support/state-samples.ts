import type { StateSection } from '../../../src/report/report.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { item } from './samples.ts';

/** Returns a state report of a client, which was made at a time of its own right clock. */
export function stateItem(client: string, observedAtMs: number, sections: readonly StateSection[]): IngestItem {
  const plain = item({ client, observedAtMs, receivedAtMs: observedAtMs });
  const datetime = new Date(observedAtMs).toISOString();
  return { ...plain, report: { ...plain.report, name: 'State report', datetime, worker_reports: [], sections } };
}
