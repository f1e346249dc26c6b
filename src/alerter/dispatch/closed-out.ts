import type { LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { differenceOf } from '../inhibit/difference.ts';
import type { Inhibition } from '../inhibit/inhibition.ts';
import type { WatchedAlert } from './recipient-alerts.ts';
import { knownOf } from './recipient-alerts.ts';
import type { DueMail } from './notification-plan.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';

interface ClosedOutOptions {
  readonly input: DispatchInput;
  readonly inhibition: Inhibition;
  readonly watched: readonly WatchedAlert[];
  /** The notifications of this pass. */
  readonly notified: readonly LastNotified[];
  readonly mails: readonly DueMail[];
  /** Alerts that went by unheard, too long ago to be listed. */
  readonly forgone: readonly { readonly alertId: number; readonly recipient: string }[];
}

/**
 * Returns the closed alerts that no recipient has to be notified of any more, that are in no mail that may still be
 * replaced, and that stand for no other alert. Ascending.
 */
export function closedOutOf({
  input,
  inhibition,
  watched,
  notified,
  mails,
  forgone,
}: ClosedOutOptions): readonly number[] {
  const inMail = new Set([
    ...input.waiting.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
    ...mails.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
  ]);
  const known = new Map([...input.notified, ...notified].map((one) => [`${one.alertId} ${one.recipient}`, one]));
  const notificationsOf = groupBy(input.notified, ({ alertId }) => alertId);
  const noMore = new Set(forgone.map(({ alertId, recipient }) => `${alertId} ${recipient}`));
  const isOwed = ({ alert, watch }: WatchedAlert): boolean => {
    const recipients = new Set([
      ...watch.listeners.keys(),
      ...(notificationsOf.get(alert.id) ?? []).map(({ recipient }) => recipient),
    ]);
    return [...recipients].some((recipient) => {
      const key = `${alert.id} ${recipient}`;
      const before = known.get(key);
      const difference = differenceOf(
        alert,
        before === undefined ? null : knownOf(before),
        watch.listeners.get(recipient) ?? null,
      );
      return difference !== null && !noMore.has(key);
    });
  };
  const standIns = new Set<number>();
  const closedOut = watched.filter((one) => {
    const { alert } = one;
    if (alert.state !== 'resolved') return false;
    if (!inMail.has(alert.id) && !isOwed(one)) return true;
    const standIn = inhibition.standInFor(alert)?.id ?? null;
    if (standIn !== null) standIns.add(standIn);
    return false;
  });
  return closedOut
    .map(({ alert }) => alert.id)
    .filter((id) => !standIns.has(id))
    .sort((one, other) => one - other);
}
