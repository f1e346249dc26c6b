import type { Config } from '../../config/config.ts';
import { type Figures, figuresOf } from '../outliers/client-figures.ts';
import { lookedAt } from '../outliers/figure-outliers.ts';
import { compareGroups } from '../outliers/group-figures.ts';
import { valuesOf } from '../outliers/group-values.ts';
import { isFresh, isRecent } from '../outliers/read-figures.ts';
import type { ReadGroups } from '../absence/evaluate-outliers.ts';
import { isOutlierRule } from '../evaluate/outlier-samples.ts';
import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import type { RowsUntil } from './replay-state.ts';

interface KnownFigures {
  readonly atMs: number;
  readonly figures: Figures;
}

/** Follows the newest figures of all clients in replayed rows. Reads and keeps nothing without a rule of outliers. */
export function followFigures(
  { clients, collector: { everyMs } }: Config,
  store: Pick<EvaluationStore, 'disksOf' | 'networksOf'>,
) {
  const isCompared = clients.some(({ rules }) => rules.some(isOutlierRule));
  const newestFirst = new Map<string, KnownFigures[]>();
  return {
    isCompared,
    note: async ({ reports }: RowsUntil): Promise<void> => {
      if (!isCompared || reports.length === 0) return;
      const ids = reports.map(({ id }) => id);
      const [disks, networks] = [await store.disksOf(ids), await store.networksOf(ids)];
      for (const row of reports) {
        const own = newestFirst.get(row.client) ?? [];
        newestFirst.set(row.client, own);
        const rows = { stats: row, disks: disks.get(row.id) ?? [], networks: networks.get(row.id) ?? [] };
        own.unshift({ atMs: row.observedAtMs, figures: figuresOf(rows) });
        own.splice(lookedAt);
      }
    },
    groupsAt:
      (nowMs: number): ReadGroups =>
      (groups) => {
        const newest = new Map<string, Figures>();
        const recent = new Map<string, readonly Figures[]>();
        for (const [client, known] of newestFirst) {
          const [first] = known;
          if (first !== undefined && isFresh(first.atMs, nowMs, everyMs)) newest.set(client, first.figures);
          recent.set(
            client,
            known.flatMap(({ atMs, figures }) => (isRecent(atMs, nowMs, everyMs) ? [figures] : [])),
          );
        }
        const found = groups.map((group) => {
          const fresh = group.clients.flatMap((client) => {
            const figures = newest.get(client);
            return figures === undefined ? [] : [[client, figures] as const];
          });
          return { ...group, fresh: fresh.map(([client]) => client), newest: valuesOf(fresh) };
        });
        return compareGroups(found, () => Promise.resolve((client) => recent.get(client) ?? []));
      },
  };
}
