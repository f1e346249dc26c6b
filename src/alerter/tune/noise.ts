/** src/alerter/tune: edits of rules that past noise proposes. */
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import { minuteMs } from '../../platform/units.ts';
import type { PastAlert } from '../../storage/store/alert-history.ts';
import type { ChangeTime } from '../../storage/store/digest-store.ts';
import { literalMark, type Silence } from '../../storage/store/operator-store.ts';
import { silenceMatcher } from '../inhibit/silences.ts';

/** The act of somebody about an alert; `lasted`: it was not over in time, whoever did what. */
export type Acted = 'acknowledged' | 'silenced' | 'mended' | 'edited' | 'lasted';

/** The time before the end of an alert in which a change has mended it. */
export const mendingMs = 15 * minuteMs;

export interface NoiseOptions {
  readonly config: Pick<Config, 'clients' | 'needs'>;
  /** All alerts, from which boots are known. */
  readonly alerts: readonly PastAlert[];
  readonly silences: readonly Silence[];
  readonly changes: readonly ChangeTime[];
  /** The longest time of an alert that is noise. */
  readonly withinMs: number;
}

/** Returns a function that says why an alert is no noise; null if it is noise. */
export function openNoise({ config, alerts, silences, changes, withinMs }: NoiseOptions) {
  const boots = alerts.flatMap(({ client, rule, pendingSinceMs: atMs }) =>
    rule === 'rebooted' || rule === 'reboots' ? [{ client, earliestAtMs: atMs, latestAtMs: atMs }] : [],
  );
  const changedIn = openChanges([...boots, ...changes]);
  const silencesOf = groupBy(
    silences.map((silence) => ({ ...silence, covers: silenceMatcher(silence, config) })),
    ({ client }) => (client.startsWith(literalMark) ? client.slice(literalMark.length) : client),
  );
  return remembered((alert: PastAlert): Acted | null => {
    const { client, firingSinceMs, pendingSinceMs, resolvedAtMs, closedReason } = alert;
    if (alert.acknowledgedBy !== null) return 'acknowledged';
    const endMs = resolvedAtMs ?? Infinity;
    const isSilenced = silencesOf
      .get(client)
      ?.some(
        ({ startsAtMs, covers }) => startsAtMs > (firingSinceMs ?? Infinity) && startsAtMs <= endMs && covers(alert),
      );
    if (isSilenced === true) return 'silenced';
    if (resolvedAtMs === null || resolvedAtMs - pendingSinceMs > withinMs) return 'lasted';
    if (closedReason !== 'recovered' && closedReason !== 'gone') return 'edited';
    const fromMs = Math.min(pendingSinceMs, resolvedAtMs - mendingMs);
    return changedIn(client, fromMs, resolvedAtMs) ? 'mended' : null;
  });
}

/** Returns a function that is true for a client that may have changed within a span. */
function openChanges(changes: readonly ChangeTime[]): (client: string, fromMs: number, toMs: number) => boolean {
  const byClient = new Map(
    [...groupBy(changes, ({ client }) => client)].map(([client, own]) => {
      const sorted = [...own].sort((one, other) => one.latestAtMs - other.latestAtMs);
      const longestMs = sorted.reduce(
        (most, { earliestAtMs, latestAtMs }) => Math.max(most, latestAtMs - earliestAtMs),
        0,
      );
      return [client, { sorted, longestMs }] as const;
    }),
  );
  return (client, fromMs, toMs) => {
    const { sorted, longestMs } = byClient.get(client) ?? { sorted: [], longestMs: 0 };
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle]?.latestAtMs ?? 0) < fromMs) low = middle + 1;
      else high = middle;
    }
    for (let index = low; (sorted[index]?.latestAtMs ?? Infinity) <= toMs + longestMs; index += 1)
      if ((sorted[index]?.earliestAtMs ?? Infinity) <= toMs) return true;
    return false;
  };
}
