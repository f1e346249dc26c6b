import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import { historyDays } from '../forecast/forecast.ts';
import { dayMs } from '../../platform/units.ts';
import type { MountLevels } from '../../storage/store/level-store.ts';
import type { SeriesPoint } from '../../storage/store/notification-store.ts';
import { chartSpan } from '../compose/sparkline.ts';
import type { PendingNotification } from '../dispatch/notification-plan.ts';
import type { PassContext } from './pass-context.ts';

/** The most charts of a mail, which may be about half the fleet. */
const maxCharts = 20;

/**
 * Returns values around the worst alerts by alert id: daily levels if the rule foresees, else the column of `stats` in
 * the unit of the rule.
 */
export async function readCharts(
  { storage, signal, nowMs }: Pick<PassContext, 'storage' | 'signal' | 'nowMs'>,
  items: readonly PendingNotification[],
): Promise<ReadonlyMap<number, readonly SeriesPoint[]>> {
  const charts = new Map<number, readonly SeriesPoint[]>();
  const drawn = items.filter(({ watch: { rule } }) => {
    const type = ruleTypeOf(rule?.type);
    return type !== null && (type.chart ?? type.foresees) !== null;
  });
  const worst = drawn.slice(0, maxCharts);
  const foreseen = worst.flatMap((item) => {
    const kind = ruleTypeOf(item.watch.rule?.type)?.foresees ?? null;
    return kind === null ? [] : { ...item, kind };
  });
  if (foreseen.length > 0) {
    const clients = [...new Set(foreseen.map(({ client }) => client))];
    const { todayMs, mounts } = await storage.levels.levels(clients, historyDays, signal);
    for (const { alertId, client, subject, kind } of foreseen) {
      const levels = mounts.find((one) => one.client === client && one.mount === subject);
      if (levels !== undefined) charts.set(alertId, pointsOf(levels, kind, todayMs));
    }
  }
  for (const item of worst) {
    const { alertId, client, subject, watch } = item;
    const column = ruleTypeOf(watch.rule?.type)?.chart ?? null;
    if (column === null) continue;
    const points = await storage.notifications.series(
      client,
      column,
      subject === '' ? null : subject,
      chartSpan(item, nowMs).fromMs,
    );
    charts.set(alertId, points);
  }
  return charts;
}

function pointsOf(levels: MountLevels, kind: 'space' | 'inodes', todayMs: number): readonly SeriesPoint[] {
  const values = kind === 'inodes' ? levels.inodesPercent : levels.usedBytes;
  return [...values].map((value, index) => ({
    atMs: todayMs - (values.length - 1 - index) * dayMs,
    value: Number.isNaN(value) ? null : value,
  }));
}
