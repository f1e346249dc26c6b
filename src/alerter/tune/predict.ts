import type { Rule } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import type { PastAlert } from '../../storage/store/alert-history.ts';
import { flappingRows, isOftenBad, oftenBad } from '../transition/flapping.ts';
import { rowsToRecover } from '../evaluate/rule-metric.ts';

/** Returns the number of consecutive rows that `for` of a rule needs. */
export function rowsOfFor({ forCount, forMs }: Rule, everyMs: number): number {
  return Math.max(1, forCount ?? Math.ceil((forMs ?? 0) / everyMs) + 1);
}

/** Returns the number of bad rows of an alert, at most: the last rows have recovered. Infinity if it is open. */
function badRows({ pendingSinceMs, resolvedAtMs }: PastAlert, rule: Rule, everyMs: number): number {
  if (resolvedAtMs === null) return Infinity;
  return Math.max(1, Math.round((resolvedAtMs - pendingSinceMs) / everyMs) - (rowsToRecover(rule) - 1));
}

/** A list of alerts never changes. */
const seriesOf = rememberedWeakly((alerts: readonly PastAlert[]) => {
  const ofClients = [...groupBy(alerts, ({ client }) => client).values()];
  return ofClients.flatMap((own) => [...groupBy(own, ({ subject }) => subject).values()]);
});

/**
 * Returns the alerts of a rule that would fire if `for` needed this number of rows. A value that is bad in half of its
 * rows fires without `for`, as does `unreliable` in the place of `unreachable`.
 */
export function firingAt(
  alerts: readonly PastAlert[],
  rule: Rule,
  { rows, everyMsOf }: { readonly rows: number; readonly everyMsOf: (client: string) => number },
): ReadonlySet<PastAlert> {
  const fired = new Set<PastAlert>();
  const isVisit = rule.name === 'unreachable';
  const mayBeOften = isVisit || (rule.flapping && rows <= oftenBad);
  for (const series of seriesOf(alerts)) {
    const everyMs = everyMsOf(series[0]?.client ?? '');
    let bad: number[] = [];
    for (const alert of series) {
      const first = Math.round(alert.pendingSinceMs / everyMs);
      const count = badRows(alert, rule, everyMs);
      if (!mayBeOften) {
        if (count >= rows) fired.add(alert);
        continue;
      }
      for (let row = first; row < first + count; row += 1) {
        while (row - (bad[0] ?? row) >= flappingRows) bad.shift();
        bad.push(row);
        // The rows of one alert have no good one between them.
        const isApart = bad.length >= oftenBad && (bad[0] ?? row) < first;
        const isOften = isVisit ? bad.length >= oftenBad : isApart && isOftenBad(bad.map((one) => row - one + 1));
        if (row - first + 1 < rows && !isOften) continue;
        fired.add(alert);
        bad = [];
        break;
      }
    }
  }
  return fired;
}
