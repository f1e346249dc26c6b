import type { LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { differenceOf } from '../inhibit/difference.ts';
import type { Inhibition } from '../inhibit/inhibition.ts';
import type { Watched } from './recipient-alerts.ts';
import { knownOf } from './recipient-alerts.ts';
import type { DueMail } from './notification-plan.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';

interface ClosedOutOptions {
  readonly input: DispatchInput;
  readonly inhibition: Inhibition;
  readonly watched: readonly Watched[];
  /** Of this pass. */
  readonly told: readonly LastNotified[];
  readonly mails: readonly DueMail[];
  /** What is owed no more. */
  readonly forgone: readonly { readonly alertId: number; readonly recipient: string }[];
}

/** Closed ones of which nothing is owed, no mail that may still be replaced speaks, and for which none stands in. */
export function closedOutOf({ input, inhibition, watched, told, mails, forgone }: ClosedOutOptions): readonly number[] {
  const inMail = new Set([
    ...input.waiting.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
    ...mails.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
  ]);
  const known = new Map([...input.told, ...told].map((one) => [`${one.alertId} ${one.recipient}`, one]));
  const notificationsOf = groupBy(input.told, ({ alertId }) => alertId);
  const noMore = new Set(forgone.map(({ alertId, recipient }) => `${alertId} ${recipient}`));
  const isOwed = ({ alert, watch }: Watched): boolean => {
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
  const unsettled = new Set<number>();
  const settled = watched.filter((one) => {
    const { alert } = one;
    if (alert.state !== 'resolved') return false;
    if (!inMail.has(alert.id) && !isOwed(one)) return true;
    const standIn = inhibition.standInFor(alert)?.id ?? null;
    if (standIn !== null) unsettled.add(standIn);
    return false;
  });
  return settled
    .map(({ alert }) => alert.id)
    .filter((id) => !unsettled.has(id))
    .sort((one, other) => one - other);
}
