import type { Config } from '../../config/config.ts';
import { hourMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { RecipientHistory } from '../../storage/store/outbox-store.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { RunStep } from './draft.ts';
import { followsNoChange, heldOf, type PendingNotification } from './notification-plan.ts';

/**
 * The most urgent mails an hour that one client or group can cause. Its further urgent notifications wait as warnings
 * do.
 */
export const maxUrgentOfClient = 6;

/** Returns how many milliseconds before its time a mail may be sent: passes do not start to the second. */
export function earlyMs(everyMs: number, pauseMs: number): number {
  return Math.min(everyMs, pauseMs) / 2;
}

type Urgency = Pick<PendingNotification, 'alert' | 'before' | 'transition'>;

/** True if a notification may not wait: an alert of the fleet is new, or a critical one is not known as critical. */
export function isUrgent(one: Urgency): boolean {
  const { alert, before, transition } = one;
  if (followsNoChange(transition)) return false;
  const { isNewsAtOnce, tellsEachLoss } = kindOf(alert);
  const isNews = before === null || before.state === 'resolved' || (tellsEachLoss && transition === 'firing');
  return (alert.state === 'firing' && isNewsAtOnce && isNews) || isNewCritical(one);
}

/** True if a notification is sent in spite of the cap. An event is over as soon as it is known. */
function isNewCritical({ alert: { state, severity, closedReason }, before }: Urgency): boolean {
  const knowsCritical = before !== null && before.state !== 'resolved' && before.severity === 'critical';
  return (state === 'firing' || closedReason === 'event') && severity === 'critical' && !knowsCritical;
}

/** True if the notification is urgent, and its client or group has not used up its urgent mails of the hour. */
export function isUrgentNow(one: Urgency, history: RecipientHistory | null): boolean {
  const source = kindOf(one.alert).urgentSource(one.alert);
  return isUrgent(one) && (source === '' || (history?.urgentOfClient?.get(source) ?? 0) < maxUrgentOfClient);
}

/** Returns what the recipient was mailed lately; null if nothing. */
export function historyOf({ histories }: Pick<DispatchInput, 'histories'>, recipient: string): RecipientHistory | null {
  return histories.find((one) => one.recipient === recipient) ?? null;
}

/**
 * Holds a mail back for a while: see postponement. A waiting one that must not be sent any more is withdrawn all the
 * same. An alert that an older mail holds back already keeps that reason.
 */
export const postpone: RunStep = ({ input, recipient }, draft) => {
  const { contents, news, reminders, remindersDue } = draft;
  if (contents === null) return draft;
  const ringing = news.filter(({ listedOnly, below }) => !listedOnly && below === undefined);
  const reason = postponement({
    news: ringing,
    history: historyOf(input, recipient),
    replacedAtMs: contents.replaces.map(({ createdAtMs }) => createdAtMs),
    nowMs: input.nowMs,
    config: input.config,
  });
  if (reason === null) return draft;
  if (contents.isStopped) return { ...draft, contents: { ...contents, items: [] } };
  const isBehind = new Set(draft.held.flatMap((one) => (one.reason.kind === 'older-mail' ? one.alertId : [])));
  const late = [...ringing, ...(remindersDue ? reminders : [])].filter(({ alertId }) => !isBehind.has(alertId));
  const held = late.map((one) => heldOf(one.alertId, recipient, ownPostponement(one, reason)));
  return { ...draft, contents: null, held: [...draft.held, ...held] };
};

/** Returns why a notification waits with its mail: an urgent one waits once its client has used up its urgent mails. */
function ownPostponement(one: PendingNotification, reason: HoldReason): HoldReason {
  return reason.kind === 'group-interval' && isUrgent(one) ? { ...reason, kind: 'urgent-mails' } : reason;
}

interface PostponementOptions {
  /** Notifications that are not only listed. */
  readonly news: readonly PendingNotification[];
  readonly history: RecipientHistory | null;
  /** created_at of the waiting mails that the mail would replace. */
  readonly replacedAtMs: readonly number[];
  readonly nowMs: number;
  readonly config: Config;
}

/**
 * Returns why a mail that is otherwise due has to wait; null if it is sent now. Urgent notifications are sent at once,
 * others as soon as the last mail without urgent ones is `groupInterval` old; acknowledgements do not wait for that.
 * The cap holds for all but a new critical alert, and only with <smtp>.
 */
export function postponement(options: PostponementOptions): HoldReason | null {
  const { news, history, nowMs, config } = options;
  const { groupIntervalMs } = config.alerts;
  const urgent = news.filter((one) => isUrgentNow(one, history));
  const lastMs = history?.lastOrdinaryAtMs ?? null;
  const isWaiting = urgent.length === 0 && !news.some(({ transition }) => transition === 'acknowledged');
  if (isWaiting && lastMs !== null) {
    // A time further ahead than the interval comes from a wrong clock.
    const isTooSoon = Math.abs(nowMs - lastMs) < groupIntervalMs - earlyMs(config.collector.everyMs, groupIntervalMs);
    if (isTooSoon) return { kind: 'group-interval', untilMs: lastMs + groupIntervalMs };
  }
  if (config.smtp === null || urgent.some(isNewCritical)) return null;
  const times = recentTimes(options);
  const oldest = times[times.length - config.smtp.maxMailsPerHour];
  return oldest === undefined ? null : { kind: 'cap', untilMs: oldest + hourMs };
}

/** Returns when the mails of the last hour were made, oldest first, without those that would be replaced. */
function recentTimes({ history, replacedAtMs, nowMs }: PostponementOptions): readonly number[] {
  const times = (history?.createdAtMs ?? []).filter((atMs) => Math.abs(nowMs - atMs) < hourMs).sort((a, b) => a - b);
  for (const atMs of replacedAtMs) {
    const index = times.indexOf(atMs);
    if (index >= 0) times.splice(index, 1);
  }
  return times;
}
