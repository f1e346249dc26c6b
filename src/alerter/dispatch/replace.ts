import type { WaitingMail } from '../../storage/store/outbox-store.ts';
import type { Known } from '../inhibit/difference.ts';
import { isUrgent } from './group-interval.ts';
import type { PendingNotification } from './notification-plan.ts';
import { findNews, type FindNewsOptions, type RecipientNews } from './recipient-news.ts';

/** The notifications of a mail, and the waiting mails that it replaces. */
export interface MailContents {
  /** Empty if all notifications are in waiting mails, or have to wait for them. */
  readonly items: readonly PendingNotification[];
  readonly replaces: readonly WaitingMail[];
  /** The waiting mails that are not replaced, by each alert in them. */
  readonly kept: ReadonlyMap<number, WaitingMail>;
}

/**
 * Returns the contents of a mail that is sent now: the notifications since the last mail, and those of the waiting
 * mails that it replaces, compared with the recipient's knowledge before these mails. A waiting mail is replaced only
 * if all its items are in the new mail, and only together with all waiting mails that share an alert with it. A mail
 * that adds nothing to the replaced ones is not made. Notifications of an alert in a mail that is not replaced wait
 * until that mail is sent, unless they are urgent: mails may overtake each other.
 */
export function contentsOf(options: FindNewsOptions): MailContents {
  const { input, alerts, recipient } = options;
  const isOwn = (mail: WaitingMail): boolean => mail.recipient === recipient;
  const waiting = input.waiting.filter(isOwn);
  const begun = (input.begun ?? []).filter(isOwn);
  let replaces: readonly WaitingMail[] = waiting;
  for (;;) {
    const before = knowledgeBefore(replaces);
    const kept = new Map(
      [...begun, ...waiting.filter((mail) => !replaces.includes(mail))].flatMap((mail) =>
        mail.items.map(({ alertId }) => [alertId, mail] as const),
      ),
    );
    const knownBefore = alerts.map((one) =>
      before.has(one.alert.id) ? { ...one, known: before.get(one.alert.id) ?? null } : one,
    );
    const items = sendable(findNews({ ...options, alerts: knownBefore }), kept);
    const stays = staying(replaces, items);
    if (stays.size > 0) {
      replaces = replaces.filter((mail) => !stays.has(mail));
      continue;
    }
    if (items.some((item) => !item.listedOnly && !isIn(item, replaces))) return { items, replaces, kept };
    if (replaces.length === 0) return { items: [], replaces, kept };
    replaces = [];
  }
}

/** Returns the notifications that may be sent beside mails that are kept. */
function sendable(
  { news, reminders, remindersDue }: RecipientNews,
  kept: ReadonlyMap<number, WaitingMail>,
): readonly PendingNotification[] {
  return [...news, ...(remindersDue ? reminders : [])].filter((item) => !kept.has(item.alertId) || isUrgent(item));
}

/** Returns the recipient's knowledge of each alert before the first of these mails with that alert. */
function knowledgeBefore(mails: readonly WaitingMail[]): ReadonlyMap<number, Known> {
  const before = new Map<number, Known>();
  const inOrder = [...mails].sort((one, other) => one.createdAtMs - other.createdAtMs || one.id - other.id);
  for (const item of inOrder.flatMap(({ items }) => items)) {
    if (!before.has(item.alertId)) before.set(item.alertId, item.before);
  }
  return before;
}

/**
 * Returns the mails that cannot be replaced: the new mail lacks one of their items, or an item of a mail that shares an
 * alert with them.
 */
function staying(mails: readonly WaitingMail[], items: readonly PendingNotification[]): ReadonlySet<WaitingMail> {
  const sent = new Set(items.map(({ alertId }) => alertId));
  const stays = new Set(mails.filter((mail) => mail.items.some(({ alertId }) => !sent.has(alertId))));
  const shared = new Set([...stays].flatMap((mail) => mail.items.map(({ alertId }) => alertId)));
  for (let size = -1; size !== stays.size;) {
    size = stays.size;
    for (const mail of mails) {
      if (!mail.items.some(({ alertId }) => shared.has(alertId))) continue;
      stays.add(mail);
      for (const { alertId } of mail.items) shared.add(alertId);
    }
  }
  return stays;
}

function isIn({ alertId, sequence, transition }: PendingNotification, mails: readonly WaitingMail[]): boolean {
  return mails.some(({ items }) =>
    items.some((item) => item.alertId === alertId && item.sequence === sequence && item.transition === transition),
  );
}
