/** src/alerter/tune: edits of rules that past noise proposes. */
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
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
  const byClient = groupBy([...boots, ...changes], ({ client }) => client);
  const own = silences.map((silence) => ({ silence, covers: silenceMatcher(silence, config) }));
  return (alert: PastAlert): Acted | null => {
    const { client, firingSinceMs, pendingSinceMs, resolvedAtMs, closedReason } = alert;
    if (alert.acknowledgedBy !== null) return 'acknowledged';
    const endMs = resolvedAtMs ?? Infinity;
    const isSilenced = own.some(
      ({ silence, covers }) =>
        silence.startsAtMs > (firingSinceMs ?? Infinity) &&
        silence.startsAtMs <= endMs &&
        namesClient(silence, client) &&
        covers(alert),
    );
    if (isSilenced) return 'silenced';
    if (resolvedAtMs === null || resolvedAtMs - pendingSinceMs > withinMs) return 'lasted';
    if (closedReason !== 'recovered' && closedReason !== 'gone') return 'edited';
    const fromMs = Math.min(pendingSinceMs, resolvedAtMs - mendingMs);
    const isMended = (byClient.get(client) ?? []).some(
      ({ earliestAtMs, latestAtMs }) => latestAtMs >= fromMs && earliestAtMs <= resolvedAtMs,
    );
    return isMended ? 'mended' : null;
  };
}

function namesClient({ client: pattern }: Silence, client: string): boolean {
  return pattern === client || pattern === literalMark + client;
}
