import type { WaitingMail } from '../../storage/store/outbox-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Known } from '../inhibit/difference.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import { isUrgent } from './group-interval.ts';
import { emptyDraft, type Draft, type MailContents, type Planning, type RunStep } from './draft.ts';
import { heldOf, type PendingNotification } from './notification-plan.ts';
import type { RecipientAlert } from './recipient-alerts.ts';

/**
 * Finds the contents of a mail that is sent now. It replaces all waiting mails, which have certainly not arrived, and
 * has the difference to the recipient's knowledge before them: the steps before are walked again with that knowledge.
 * An alert that cannot be notified now counts as it did before these mails, and is notified later: so no mail overtakes
 * an older one about the same alert. A mail that adds nothing to the waiting ones is not made, unless one of them is
 * stopped (see isAnyStopped).
 *
 * A mail that may have arrived is not replaced, and neither is a waiting one that shares an alert with it.
 * Notifications of their alerts wait until they are sent, unless they are urgent.
 */
export function replaceWaiting(find: RunStep): RunStep {
  return (planning, draft) => {
    const isStopped = isAnyStopped(planning, draft);
    if (!draft.news.some(({ listedOnly }) => !listedOnly) && !draft.remindersDue && !isStopped) return draft;
    const contents = contentsOf(planning, draft, isStopped, find);
    const included = new Set(contents.items.map(({ alertId }) => alertId));
    const behind = draft.news.flatMap(({ alertId }) => {
      const mail = included.has(alertId) ? undefined : contents.kept.get(alertId);
      if (mail === undefined) return [];
      return [heldOf(alertId, planning.recipient, { kind: 'older-mail', mailId: mail.id })];
    });
    const isEmpty = contents.items.length + contents.replaces.length === 0;
    return { ...draft, contents: isEmpty ? null : contents, held: [...draft.held, ...behind] };
  };
}

function contentsOf(planning: Planning, { alerts }: Draft, isStopped: boolean, find: RunStep): MailContents {
  const { input, recipient } = planning;
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
  const items = sendable(find(planning, { ...emptyDraft, alerts: alertsBefore }), kept);
  if (!isStopped && !items.some((item) => !item.listedOnly && !isIn(item, replaces))) {
    return {
      items: [],
      replaces: [],
      kept: mailsByAlert([...begun, ...waiting]),
      alerts,
      before: new Map(),
      isStopped,
    };
  }
  const isNews = items.some(({ listedOnly }) => !listedOnly);
  return { items: isNews ? items : [], replaces, kept, alerts: alertsBefore, before, isStopped };
}

/**
 * True if a waiting mail is the first to report an alert that was acknowledged since, or has ended, to a recipient with
 * `after`.
 */
function isAnyStopped({ input, recipient }: Planning, { alerts }: Draft): boolean {
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

/** Returns the notifications that may be sent beside mails that are kept, none without the one above it. */
function sendable(
  { news, reminders, remindersDue }: Draft,
  kept: ReadonlyMap<number, WaitingMail>,
): readonly PendingNotification[] {
  const all = [...news, ...(remindersDue ? reminders : [])];
  const items = all.filter((item) => !kept.has(item.alertId) || isUrgent(item));
  const groups = new Set(items.flatMap((item) => (kindOf(item).carriesOthers ? item.subject : [])));
  return items.filter(({ below }) => below === undefined || groups.has(below));
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
