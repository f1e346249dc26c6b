import type { CheckStat } from '../checks/checks.ts';
import { groupBy } from '../platform/group-by.ts';
import { dayMs } from '../platform/units.ts';
import type { DetailStore } from '../storage/store/detail-store.ts';
import { compareText } from '../text/compare-text.ts';

/** A check of the newest report, with the time since when it has its state. */
export interface ShownCheck extends CheckStat {
  /** The first row with this state without another between; null if the rows are gone meanwhile. */
  readonly sinceMs: number | null;
  /** True if the check may have had its state before: only the 24 hours before the report are read. */
  readonly sinceIsOlder: boolean;
}

/** The states from the worst to the best. UNKNOWN moves no alert, so that it comes after WARNING. */
const ranks: Readonly<Record<CheckStat['state'], number>> = { 2: 0, 1: 1, 3: 2, 0: 3 };

/** Sorts checks, the worst first, then by name. */
export function sortChecks<Check extends Pick<CheckStat, 'state' | 'check_name'>>(
  checks: readonly Check[],
): readonly Check[] {
  return [...checks].sort(
    (one, other) => ranks[one.state] - ranks[other.state] || compareText(one.check_name, other.check_name),
  );
}

/** Adds since when each check has its state. The worst comes first. */
export async function withSince(
  detail: Pick<DetailStore, 'checkStatesOf' | 'checkRowAfter'>,
  client: string,
  checks: readonly CheckStat[],
  reportAtMs: number,
): Promise<readonly ShownCheck[]> {
  if (checks.length === 0) return [];
  const states = groupBy(await detail.checkStatesOf(client, reportAtMs - dayMs), ({ checkName }) => checkName);
  const shown: ShownCheck[] = [];
  for (const check of checks) {
    const { check_name: name, state } = check;
    const own = states.get(name) ?? [];
    const others = own.filter((span) => span.state !== state).map(({ lastAtMs }) => lastAtMs);
    const sinceMs =
      others.length > 0
        ? await detail.checkRowAfter(client, name, Math.max(...others))
        : (own.find((span) => span.state === state)?.firstAtMs ?? null);
    shown.push({ ...check, sinceMs, sinceIsOlder: others.length === 0 });
  }
  return sortChecks(shown);
}
