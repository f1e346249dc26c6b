import type { LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { differenceOf } from '../inhibit/difference.ts';
import type { Hold } from '../inhibit/hold.ts';
import type { Watched } from './matters.ts';
import { knownOf } from './matters.ts';
import type { DueMail } from './telling.ts';
import type { World } from '../inhibit/world.ts';

interface SettleOptions {
  readonly world: World;
  readonly hold: Hold;
  readonly watched: readonly Watched[];
  /** Of this pass. */
  readonly told: readonly LastNotified[];
  readonly mails: readonly DueMail[];
  /** What is owed no more. */
  readonly forgone: readonly { readonly alertId: number; readonly recipient: string }[];
}

/** Closed ones of which nothing is owed, no mail that may still be replaced speaks, and for which none stands in. */
export function settledOf({ world, hold, watched, told, mails, forgone }: SettleOptions): readonly number[] {
  const inMail = new Set([
    ...world.waiting.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
    ...mails.flatMap(({ items }) => items.map(({ alertId }) => alertId)),
  ]);
  const known = new Map([...world.told, ...told].map((one) => [`${one.alertId} ${one.recipient}`, one]));
  const notificationsOf = groupBy(world.told, ({ alertId }) => alertId);
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
    const standIn = hold.standInFor(alert)?.id ?? null;
    if (standIn !== null) unsettled.add(standIn);
    return false;
  });
  return settled
    .map(({ alert }) => alert.id)
    .filter((id) => !unsettled.has(id))
    .sort((one, other) => one - other);
}
