import type { RecipientHistory } from '../../storage/store/alert-store.ts';
import { isNewCritical, isUrgent } from '../inhibit/difference.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { News } from './news.ts';
import { hourMs } from '../../platform/units.ts';

/** Urgent mails an hour that one client can cause; what it invents beyond them waits as warnings do. */
const mostUrgentOfClient = 6;

/** How much earlier than its time a mail goes: passes do not start to the second. */
export function earlyMs(everyMs: number, pauseMs: number): number {
  return Math.min(everyMs, pauseMs) / 2;
}

interface ScheduleOptions {
  /** What would ring: not what is only listed. */
  readonly news: readonly News[];
  readonly history: RecipientHistory | null;
  /** created_at of waiting mails whose place the mail would take. */
  readonly replacedAtMs: readonly number[];
  readonly nowMs: number;
  readonly groupIntervalMs: number;
  /** Between two runs of the collector. */
  readonly everyMs: number;
  /** null: no mail server is asked, so nothing is capped. */
  readonly maxMailsPerHour: number | null;
}

/** True if the news may not wait, and its client has not used up its urgent mails of the hour. */
export function isUrgentNow(
  { matter: { alert }, known, transition }: Pick<News, 'matter' | 'known' | 'transition'>,
  history: RecipientHistory | null,
): boolean {
  if (!isUrgent(alert, known, transition)) return false;
  return alert.client === '' || (history?.urgentOfClient?.get(alert.client) ?? 0) < mostUrgentOfClient;
}

/**
 * Why a mail that is due otherwise has to wait; null: it goes now. Urgent news (see isUrgent) go at once; the others as
 * soon as the last mail that held nothing else is `groupInterval` old. The cap holds for all but a new critical.
 */
export function postponement(options: ScheduleOptions): HoldReason | null {
  const { news, history, nowMs, groupIntervalMs, everyMs, maxMailsPerHour } = options;
  if (!news.some((one) => isUrgentNow(one, history))) {
    const lastMs = history?.lastOrdinaryAtMs ?? null;
    // A time further ahead than the interval comes from a clock that was wrong.
    if (lastMs !== null && Math.abs(nowMs - lastMs) < groupIntervalMs - earlyMs(everyMs, groupIntervalMs)) {
      return { kind: 'group-interval', untilMs: lastMs + groupIntervalMs };
    }
  }
  if (
    maxMailsPerHour === null ||
    news.some((one) => isNewCritical(one.matter.alert, one.known) && isUrgentNow(one, history))
  )
    return null;
  const times = recentTimes(options);
  const oldest = times[times.length - maxMailsPerHour];
  return oldest === undefined ? null : { kind: 'cap', untilMs: oldest + hourMs };
}

/** When the mails of the last hour were made, oldest first, those that would be replaced left out. */
function recentTimes({ history, replacedAtMs, nowMs }: ScheduleOptions): readonly number[] {
  const times = (history?.createdAtMs ?? []).filter((atMs) => Math.abs(nowMs - atMs) < hourMs).sort((a, b) => a - b);
  for (const atMs of replacedAtMs) {
    const index = times.indexOf(atMs);
    if (index >= 0) times.splice(index, 1);
  }
  return times;
}
