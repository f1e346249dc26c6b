import type { Config } from '../../config/config.ts';
import { digestOf } from '../../notify/mail-identity.ts';
import { fewestOfGroup } from '../dispatch/group.ts';
import type { DueMail, Line, PendingNotification } from '../dispatch/notification-plan.ts';
import { openBastions } from '../inhibit/bastions-gone.ts';
import { foldTitle } from './item-words.ts';
import { firingKinds } from './value-words.ts';

/** The incident that an alert is part of in programs that keep incidents, and the incidents that end with the alert. */
export interface Incidents {
  readonly incident?: { readonly id: string; readonly title: string };
  readonly ends?: readonly string[];
}

/**
 * Returns a function that finds the incidents of unreachable clients: those that are one line of a mail are one
 * incident. Its id follows from the bastion, or from the cause and the run of the first failed visit, so that it is
 * known again when the clients are back. It ends with the last client of the line. All other alerts are incidents of
 * their own, with their own ids.
 */
export function incidentsOf(
  { sections, items, open }: Pick<DueMail, 'sections' | 'items' | 'open'>,
  config: Config,
): (item: PendingNotification, ownId: string) => Incidents {
  const unreachable = (some: readonly PendingNotification[]) => some.filter(({ rule }) => rule === 'unreachable');
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
  const { routeTo, behind } = openBastions(config, []);
  const away = unreachable(open).filter(({ alert }) => alert.state === 'firing');
  const keysOf = (item: PendingNotification): readonly string[] => [
    causeId(item),
    ...routeTo(item.client).map(bastionId),
  ];
  const awayKeys = new Set(away.flatMap(keysOf));
  const sizes = new Map<string, number>();
  for (const key of [...away, ...back].flatMap(keysOf)) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const size = (key: string): number => sizes.get(key) ?? 0;
  return (item, ownId) => {
    if (!back.includes(item)) return begun.get(item) ?? {};
    const isWhole = (name: string): boolean => behind(name) > 1 && size(bastionId(name)) === behind(name);
    const [cause = '', ...bastions] = keysOf(item);
    const own = routeTo(item.client).some(isWhole) ? [] : size(cause) < fewestOfGroup ? [ownId, cause] : [cause];
    return { ends: [...own, ...bastions].filter((key) => !awayKeys.has(key)) };
  };
}

/** Returns the id of a line's incident; null if its alerts are incidents of their own. */
function lineId({ fold, items }: Line, isReminder: boolean): string | null {
  const [first] = items;
  if (fold === null || first?.rule !== 'unreachable') return null;
  if (fold.kind === 'bastion') return bastionId(fold.name);
  const id = causeId(first);
  // A reminder may put alerts into one line that began one by one.
  return isReminder && !items.every((item) => causeId(item) === id) ? null : id;
}

function bastionId(name: string): string {
  return idOf(['bastion', name]);
}

function causeId({ rule, client, alert: { firstEvidence, progress } }: PendingNotification): string {
  const run = firstEvidence.endsWith(`/${client}`) ? firstEvidence.slice(0, -client.length - 1) : firstEvidence;
  return idOf(['cause', rule, progress.begunBy ?? '', run]);
}

function idOf(words: readonly string[]): string {
  return digestOf(['line', ...words]).slice(0, 32);
}
