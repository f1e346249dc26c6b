import type { WaitingMail } from '../../storage/store/outbox-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Known } from '../inhibit/difference.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import { isUrgent } from './group-interval.ts';
import type { PendingNotification } from './notification-plan.ts';
import type { RecipientAlert } from './recipient-alerts.ts';
import { findNews, type FindNewsOptions, type RecipientNews } from './recipient-news.ts';

/** The notifications of a mail, and the waiting mails that it replaces. */
export interface MailContents {
  /** Empty if all notifications are in waiting mails, or have to wait for them. */
  readonly items: readonly PendingNotification[];
  readonly replaces: readonly WaitingMail[];
  /** The mails that are not replaced, by each alert in them. */
  readonly kept: ReadonlyMap<number, WaitingMail>;
  /** The recipient's alerts, as the recipient knows them if the replaced mails are never sent. */
  readonly alerts: readonly RecipientAlert[];
  /** The recipient's knowledge of the alerts of the replaced mails before these mails. */
  readonly before: ReadonlyMap<number, Known>;
}

/**
 * Returns the contents of a mail that is sent now. It replaces all waiting mails, which have certainly not arrived, and
 * has the difference to the recipient's knowledge before them. An alert that cannot be notified now counts as it did
 * before these mails, and is notified later: so no mail overtakes an older one about the same alert. A mail that adds
 * nothing to the waiting ones is not made, unless one of them is stopped (see isAnyStopped).
 *
 * A mail that may have arrived is not replaced, and neither is a waiting one that shares an alert with it.
 * Notifications of their alerts wait until they are sent, unless they are urgent.
 */
export function contentsOf(options: FindNewsOptions, isStopped: boolean): MailContents {
  const { input, alerts, recipient } = options;
  const isOwn = (mail: WaitingMail): boolean => mail.recipient === recipient;
  const waiting = input.waiting.filter(isOwn);
  const begun = (input.begun ?? []).filter(isOwn);
  const staying = sharingWith(begun, waiting);
  const replaces = waiting.filter((mail) => !staying.has(mail));
  const before = knowledgeBefore(replaces, alerts);
  const alertsBefore = alerts.map((one) => {
    const known = before.get(one.alert.id);
    return known === undefined ? one : { ...one, known };
  });
  const kept = mailsByAlert([...staying]);
  const items = sendable(findNews({ ...options, alerts: alertsBefore }), kept);
  if (!isStopped && !items.some((item) => !item.listedOnly && !isIn(item, replaces))) {
    return { items: [], replaces: [], kept: mailsByAlert([...begun, ...waiting]), alerts, before: new Map() };
  }
  const isNews = items.some(({ listedOnly }) => !listedOnly);
  return { items: isNews ? items : [], replaces, kept, alerts: alertsBefore, before };
}

/**
 * True if a waiting mail is the first to report an alert that was acknowledged since, or has ended, to a recipient with
 * `after`.
 */
export function isAnyStopped({ input, alerts, recipient }: FindNewsOptions): boolean {
  const delayed = new Map(alerts.flatMap((one) => (one.listener?.afterMs === undefined ? [] : [[one.alert.id, one]])));
  return input.waiting.some(
    (mail) =>
      mail.recipient === recipient &&
      mail.items.some(({ alertId, before }) => {
        const alert = delayed.get(alertId)?.alert;
        const isFirst = before === null || before.state === 'resolved';
        return isFirst && alert !== undefined && (alert.state === 'resolved' || isAcknowledged(alert, input.nowMs));
      }),
  );
}

/** Returns the notifications that may be sent beside mails that are kept. */
function sendable(
  { news, reminders, remindersDue }: RecipientNews,
  kept: ReadonlyMap<number, WaitingMail>,
): readonly PendingNotification[] {
  return [...news, ...(remindersDue ? reminders : [])].filter((item) => !kept.has(item.alertId) || isUrgent(item));
}

/**
 * Returns the recipient's knowledge of each alert before the first of these mails with that alert. Omits an alert that
 * a later mail has reported since.
 */
function knowledgeBefore(mails: readonly WaitingMail[], alerts: readonly RecipientAlert[]): ReadonlyMap<number, Known> {
  const inOrder = [...mails].sort((one, other) => one.createdAtMs - other.createdAtMs || one.id - other.id);
  const itemsOf = groupBy(
    inOrder.flatMap(({ items }) => items),
    ({ alertId }) => alertId,
  );
  const before = new Map<number, Known>();
  for (const { alert, known } of alerts) {
    const [first, last = first] = [itemsOf.get(alert.id)?.[0], itemsOf.get(alert.id)?.at(-1)];
    if (first === undefined || (known?.sequence ?? 0) > (last?.sequence ?? 0)) continue;
    before.set(alert.id, first.before);
  }
  return before;
}

/** Returns the mails that may have arrived, and those that share an alert with one of them, or with such a mail. */
function sharingWith(begun: readonly WaitingMail[], waiting: readonly WaitingMail[]): ReadonlySet<WaitingMail> {
  const sharing = new Set(begun);
  const shared = new Set(mailsByAlert(begun).keys());
  for (let size = -1; size !== sharing.size;) {
    size = sharing.size;
    for (const mail of waiting) {
      if (!mail.items.some(({ alertId }) => shared.has(alertId))) continue;
      sharing.add(mail);
      for (const { alertId } of mail.items) shared.add(alertId);
    }
  }
  return sharing;
}

function mailsByAlert(mails: readonly WaitingMail[]): ReadonlyMap<number, WaitingMail> {
  return new Map(mails.flatMap((mail) => mail.items.map(({ alertId }) => [alertId, mail] as const)));
}

function isIn({ alertId, sequence, transition }: PendingNotification, mails: readonly WaitingMail[]): boolean {
  return mails.some(({ items }) =>
    items.some((item) => item.alertId === alertId && item.sequence === sequence && item.transition === transition),
  );
}
