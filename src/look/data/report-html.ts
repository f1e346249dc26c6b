import { fleetOutliers } from '../../alerter/outliers/outliers.ts';
import { renderFleetPage } from '../page/fleet-page.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { type FleetPageOptions, readFleetPage } from './look.ts';

/** The bytes of a page without the histories: its program, and a line for each client. */
const pageBytes = 100_000;
const rowBytes = 900;

/** Returns the bytes that the histories of a report may take; 0 or less if the rest alone is too large. */
export function historyBytesOf(maxBytes: number, clients: number): number {
  return maxBytes - pageBytes - rowBytes * clients;
}

type ReportHtmlOptions = Omit<FleetPageOptions, 'historyBytes' | 'isPast' | 'outliers' | 'onProgress'> & {
  readonly storage: Pick<Storage, 'figures'>;
  readonly maxBytes: number;
};

/** Returns the report of a fleet as HTML; null if it is larger than `maxBytes`. */
export async function reportHtml({ maxBytes, ...options }: ReportHtmlOptions): Promise<string | null> {
  const historyBytes = historyBytesOf(maxBytes, options.clients.length);
  if (historyBytes <= 0) return null;
  const { config, storage, untilMs: nowMs } = options;
  const outliers = await fleetOutliers({ config, figures: storage.figures, groups: null, nowMs });
  const page = await readFleetPage({ ...options, historyBytes, isPast: false, outliers, onProgress: () => undefined });
  const html = renderFleetPage(page);
  return Buffer.byteLength(html) <= maxBytes ? html : null;
}
