import { greatest, groupBy } from '../../platform/group-by.ts';
import { type Parent, parentsOf } from '../../config/clients/parents.ts';
import type { Config } from '../../config/config.ts';
import { digestOf } from '../../notify/mail-identity.ts';
import { remembered } from '../../platform/remembered.ts';
import { fewestOfGroup } from '../dispatch/group.ts';
import type { DueMail, Line, PendingNotification } from '../dispatch/notification-plan.ts';
import { saysAway } from '../inhibit/lost-parents.ts';
import { foldTitle } from './item-words.ts';
import { firingKinds } from './value-words.ts';

/** The incident that an alert is part of in programs that keep incidents, and the incidents that end with the alert. */
export interface Incidents {
  readonly incident?: { readonly id: string; readonly title: string };
  readonly ends?: readonly string[];
}

/**
 * Returns a function that finds the incidents of unreachable clients: those that are one line of a mail are one
 * incident. Its id follows from the parent, or from the cause and the run of the first failed visit, so that it is
 * known again when the clients are back. It ends with the last client of the line. All other alerts are incidents of
 * their own, with their own ids.
 */
export function incidentsOf(
  { sections, items, open }: Pick<DueMail, 'sections' | 'items' | 'open'>,
  config: Config,
): (item: PendingNotification, ownId: string) => Incidents {
  const unreachable = (some: readonly PendingNotification[]) =>
    some.filter(({ alert, watch }) => saysAway(alert, watch.client));
  const back = unreachable(items).filter(({ alert }) => alert.state === 'resolved');
  const begun = new Map<PendingNotification, Incidents>();
  for (const { kind, rules } of sections) {
    if (!firingKinds.includes(kind)) continue;
    for (const line of rules.flatMap(({ lines }) => lines)) {
      const id = lineId(line, kind === 'open');
      const incident = id === null ? null : { id, title: foldTitle(line, kind) };
      if (incident !== null) for (const item of line.items) begun.set(item, { incident });
    }
  }
  if (back.length === 0) return (item) => begun.get(item) ?? {};
  const { of, all, clientsOn } = parentsOf(config);
  const away = unreachable(open).filter(({ alert }) => alert.state === 'firing');
  const concerned = new Map([...away, ...back].map((item) => [item.client, item]));
  const owned = groupBy(
    [...all.values()].flatMap(({ name, names }) => names.map((client) => ({ client, id: parentId(name) }))),
    ({ client }) => client,
  );
  const keysOf = (item: PendingNotification): readonly string[] => [
    causeId(item),
    ...of(item.client).map(({ name }) => parentId(name)),
    ...(owned.get(item.client) ?? []).map(({ id }) => id),
  ];
  const awayKeys = new Set(away.flatMap(keysOf));
  const sameCause = groupBy([...concerned.values()], causeId);
  const beganMs = remembered((parent: Parent) => lineBeganMs(parent, clientsOn(parent.name), concerned));
  return (item, ownId) => {
    if (!back.includes(item)) return begun.get(item) ?? {};
    const isPart = (parent: Parent): boolean => (item.alert.firingSinceMs ?? 0) >= beganMs(parent);
    const [cause = '', ...parents] = keysOf(item);
    const isAlone = owned.has(item.client) || (sameCause.get(cause)?.length ?? 0) < fewestOfGroup;
    const own = of(item.client).some(isPart) ? [] : isAlone ? [ownId, cause] : [cause];
    return { ends: [...own, ...parents].filter((key) => !awayKeys.has(key)) };
  };
}

/**
 * Returns the time from which a client that needs a parent was notified of in the parent's line; Infinity if some
 * clients are missing. Clients that fired before have incidents of their own.
 */
function lineBeganMs(
  { names, isBastion }: Parent,
  needing: readonly string[],
  concerned: ReadonlyMap<string, PendingNotification>,
): number {
  const own = names.flatMap((name) => concerned.get(name)?.alert.firingSinceMs ?? []);
  const begins = needing.flatMap((name) => concerned.get(name)?.alert.pendingSinceMs ?? []);
  const isWhole = begins.length === needing.length && (isBastion || own.length === names.length);
  return isWhole && own.length + begins.length > 1 ? greatest([...own, ...begins]) : Infinity;
}

/** Returns the id of a line's incident; null if its alerts are incidents of their own. */
function lineId({ fold, items }: Line, isReminder: boolean): string | null {
  const [first] = items;
  if (fold?.kind === 'parent' || fold?.kind === 'left') return parentId(fold.name);
  if (fold === null || first?.rule !== 'unreachable') return null;
  const id = causeId(first);
  // A reminder may put alerts into one line that began one by one.
  return isReminder && !items.every((item) => causeId(item) === id) ? null : id;
}

function parentId(name: string): string {
  return idOf(['bastion', name]);
}

function causeId({ rule, client, alert: { firstEvidence, progress } }: PendingNotification): string {
  const run = firstEvidence.endsWith(`/${client}`) ? firstEvidence.slice(0, -client.length - 1) : firstEvidence;
  return idOf(['cause', rule, progress.begunBy ?? '', run]);
}

function idOf(words: readonly string[]): string {
  return digestOf(['line', ...words]).slice(0, 32);
}
