import { kindOf } from '../../about/kinds.ts';
import type { Alert, Cause } from '../../storage/store/alert.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { CauseOptions } from '../cause/find-cause.ts';
import { groupBy } from '../../platform/group-by.ts';
import { secondMs } from '../../platform/units.ts';
import type { NotificationPlan } from './notification-plan.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';

/** The most alerts whose causes are looked for in one pass. The others follow in the next. */
const maxAlerts = 200;
/** The time of the search in one pass: of this process's CPU, and by the clock. The others follow in the next pass. */
const usualLimit = { cpuMs: 2 * secondMs, wallMs: 10 * secondMs };

/**
 * Returns the alerts whose causes are due: those that fire without one, once the run that changed them has ended, and
 * those of reminders whose cause was found before the recipient's last notification. A plan that is made again asks for
 * none twice, so that a mail made twice has the same words. Alerts of mails come first, one of each rule, subject
 * and group before another of the same, and one of each client before another of the same.
 */
export function alertsToSeek(
  { alerts, config, unfinishedRuns }: Pick<DispatchInput, 'alerts' | 'config' | 'unfinishedRuns'>,
  { mails }: Pick<NotificationPlan, 'mails'>,
): readonly Alert[] {
  const items = mails.flatMap((mail) => mail.items);
  const isMailed = new Set(items.map(({ alertId }) => alertId));
  const outdated = new Set(
    items.flatMap(({ alertId, transition, alert, before }) =>
      transition === 'reminder' && (alert.cause?.atMs ?? 0) <= (before?.notifiedAtMs ?? 0) ? alertId : [],
    ),
  );
  const due = alerts.filter((alert) => {
    const { id, state, cause, changedByRun } = alert;
    if (id === null || !kindOf(alert).followsRows || state !== 'firing') return false;
    return outdated.has(id) || ((cause ?? null) === null && !unfinishedRuns.has(changedByRun ?? ''));
  });
  const groups = new Map(config.clients.map((client) => [client.name, client.groups.at(-1) ?? '']));
  const alike = groupBy(due, ({ client, rule, subject }) => [rule, subject, groups.get(client) ?? client].join('\0'));
  const ofClient = new Map<string, number>();
  const placeOf = ({ client }: Alert): number => {
    const place = ofClient.get(client) ?? 0;
    ofClient.set(client, place + 1);
    return place;
  };
  return [...alike.values()]
    .flatMap((own) =>
      own.map((alert, index) => ({
        ...{ alert, index, place: placeOf(alert) },
        isLate: !isMailed.has(alert.id ?? 0),
      })),
    )
    .sort(
      (one, other) => Number(one.isLate) - Number(other.isLate) || one.index - other.index || one.place - other.place,
    )
    .slice(0, maxAlerts)
    .map(({ alert }) => alert);
}

export interface SeekOptions extends Pick<CauseOptions, 'config' | 'runs' | 'nowMs'> {
  readonly storage: Pick<Storage, 'causes'>;
  /** Default: 2 s of CPU, 10 s by the clock. */
  readonly limit?: { readonly cpuMs: number; readonly wallMs: number };
}

/**
 * Finds the causes of alerts, by alert: those of one client that began together one after the other. Leaves out the
 * alerts for which there is no time.
 */
export async function seekCauses(
  { config, runs, nowMs, storage, limit = usualLimit }: SeekOptions,
  alerts: readonly Alert[],
  sought: readonly Alert[],
): Promise<ReadonlyMap<number, Cause>> {
  const { openCauses } = await import('../cause/find-cause.ts');
  const causeOf = openCauses({ config, causes: storage.causes, alerts, runs, nowMs });
  const found = new Map<number, Cause>();
  const together = groupBy(sought, ({ client, pendingSinceMs }) => [client, pendingSinceMs].join('\0'));
  const begun = { cpu: process.cpuUsage(), wallMs: performance.now() };
  const isOver = (): boolean => {
    const { user, system } = process.cpuUsage(begun.cpu);
    return (user + system) / 1000 >= limit.cpuMs || performance.now() - begun.wallMs >= limit.wallMs;
  };
  for (const alert of [...together.values()].flat()) {
    if (alert.id !== null) found.set(alert.id, (await causeOf(alert)).cause);
    if (isOver()) break;
  }
  return found;
}
