import { groupBy } from '../../platform/group-by.ts';
import type { ExportedTable, FigureRow, ExportStore } from '../../storage/store/figure-store.ts';
import { diskColumns, figuresOf, networkColumns, statsColumns } from './client-figures.ts';
import { type FigureOutlier, minOutlying, lookedAt } from './figure-outliers.ts';

/** The most outliers that are looked up. If there are more, they count as new. */
const maxLookedUp = 20;
/** The most rows of mounts or interfaces that are read. */
const maxRows = 2000;

export interface LastingOptions {
  readonly exports: Pick<ExportStore, 'page'>;
  readonly beforeMs: number;
  readonly everyMs: number;
}

/** True if all outliers were at least half as far from the current median in most of the reports before a time. */
export async function areLasting(outliers: readonly FigureOutlier[], options: LastingOptions): Promise<boolean> {
  if (outliers.length > maxLookedUp) return false;
  for (const outlier of outliers) if (!(await isLasting(outlier, options))) return false;
  return true;
}

async function isLasting(
  { client, metric, subject, value, median }: FigureOutlier,
  { exports, beforeMs, everyMs }: LastingOptions,
): Promise<boolean> {
  const rows = async (table: ExportedTable, columns: readonly string[]): Promise<readonly FigureRow[]> => {
    const times = { sinceMs: beforeMs - 2 * lookedAt * everyMs, untilMs: beforeMs };
    const span = { client, table, columns, resolution: 'row', subject: null, ...times } as const;
    return (await exports.page(span, null, maxRows)).rows;
  };
  const reports = (await rows('stats', statsColumns)).slice(-lookedAt);
  const byReport = ({ stat_id: id }: FigureRow): unknown => id;
  const disks = groupBy(metric === 'mount' ? await rows('disk_stats', diskColumns) : [], byReport);
  const isOfNetwork = metric === 'received' || metric === 'sent';
  const networks = groupBy(isOfNetwork ? await rows('network_stats', networkColumns) : [], byReport);
  const half = Math.abs(value - median) / 2;
  const far = reports.filter((stats) => {
    const id = stats['id'];
    const own = figuresOf({ stats, disks: disks.get(id) ?? [], networks: networks.get(id) ?? [] });
    const then = own.get(`${metric}:${subject}`);
    return then !== undefined && (value > median ? then - median >= half : median - then >= half);
  });
  return far.length >= minOutlying;
}
