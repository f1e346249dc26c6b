import { kindOf } from '../../about/kinds.ts';
import type { Alert, ClosedReason, Level } from '../../storage/store/alert.ts';
import { isOfFigures } from '../evaluate/check-value-sampler.ts';
import { formatLimit } from '../evaluate/describe-value.ts';
import { fullSoonMs, fullSoonWords } from '../forecast/full-soon.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import { shortText, type Wording, withoutTitle } from './item-words.ts';
import { ruleLimits } from '../evaluate/rule-limits.ts';
import { withLimit } from '../../text/limit-words.ts';
import { quoted } from '../../text/plain-text.ts';
import { unitOfRule } from '../evaluate/rule-metric.ts';
import type { PendingNotification, SectionKind } from '../dispatch/notification-plan.ts';
import { durationInWords } from '../../text/durations.ts';
import { cut } from '../../text/text-columns.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';

/** The most columns of a value, which may be a message of a client or server. */
export const valueColumns = 500;

/** Kinds of sections whose alerts still fire. */
export const firingKinds: readonly SectionKind[] = ['critical', 'warning', 'flapping', 'open'];

/** The text about a changed host key. Its two keys stand one below the other, so that they can be compared. */
const changedKey = /^(.* shows) (\S+ SHA256:\S+), but (.* says) (\S+ SHA256:\S.*)$/;

/** Returns an alert's value, its limit, and their earlier values, each as a line. */
export function valueFacts(item: PendingNotification, kind: SectionKind, reader: TimeReader): readonly string[] {
  const { alert } = item;
  const { value } = alert;
  const now = nowText(item);
  if (firingKinds.includes(kind)) return firingFacts(item, kind, reader);
  switch (kind) {
    case 'resolved': {
      const { rule } = item.watch;
      const isNumber = value !== null && (rule === null || unitOfRule(rule) !== 'flag');
      return [isNumber ? `now ${now}` : now, `was ${item.severity}${worstWords(item, reader, ': ')}`];
    }
    case 'ended':
      return [`${endInWords(alert)}; last: ${now}`];
    case 'past':
    case 'listed': {
      const worst = worstWords(item, reader, '');
      if (value === null) return [worst === '' ? now : worst];
      return [
        worst === ''
          ? withLimit(`${now} when it ended`, quoted(alert.limitText))
          : `reached ${worst}; ${now} when it ended`,
      ];
    }
    default:
      return [now];
  }
}

/** Returns the newest value in words, without a name that its title has. */
function nowText(item: PendingNotification): string {
  const { alert } = item;
  return quoted(cut(kindOf(item).namesItself ? withoutTitle(alert.valueText, item) : alert.valueText, valueColumns));
}

/**
 * Returns why a recipient is notified of what others know: `not acknowledged for 15 min`, `the acknowledgement by kim
 * ran out`; else ''.
 */
export function unacknowledgedWords(items: readonly PendingNotification[]): string {
  const [first = '', ...others] = new Set(items.map(unacknowledgedReason));
  return others.length > 0 ? '' : first;
}

/** True if a recipient is notified because an acknowledgement ran out. */
export function followsLapse({ alert, unacknowledgedMs, lapsed }: PendingNotification): boolean {
  // Whoever has `after` is notified only while no acknowledgement is in force.
  const isUnknown = unacknowledgedMs !== null && alert.acknowledgedBy !== null && alert.acknowledgedUntilMs !== null;
  return lapsed === true || isUnknown;
}

function unacknowledgedReason(item: PendingNotification): string {
  const { alert, unacknowledgedMs } = item;
  if (followsLapse(item)) return `the acknowledgement by ${quoted(alert.acknowledgedBy ?? '')} ran out`;
  return unacknowledgedMs === null
    ? ''
    : `not acknowledged for ${durationInWords(unacknowledgedMs).replace(/minutes?$/, 'min')}`;
}

/** Returns when a disk is full if its level rises in a plain line: `full in about 40 min`; else null. */
export function fillsIn(
  { alertId, watch: { rule }, alert }: PendingNotification,
  { charts, reader }: Pick<Wording, 'charts' | 'reader'>,
): string | null {
  if (ruleTypeOf(rule?.type)?.chart !== 'used_percent' || alert.state !== 'firing') return null;
  const leftMs = fullSoonMs(charts.get(alertId) ?? [], reader.nowMs);
  return leftMs === null ? null : fullSoonWords(leftMs);
}

const ordinals = ['second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'] as const;

/** Returns ` (again, second time today)` for a first notification of what has fired before on the day; else ''. */
export function againWords(
  { alertId, transition }: PendingNotification,
  { timesToday }: Pick<Wording, 'timesToday'>,
): string {
  const times = timesToday.get(alertId) ?? 1;
  if (transition !== 'firing' || times < 2) return '';
  const ordinal = ordinals[times - 2];
  return ` (again, ${ordinal === undefined ? `${times} times` : `${ordinal} time`} today)`;
}

/** Returns the worst value (`96 %`) in the first notification of an alert whose newest value is normal; else null. */
export function valueBefore(item: PendingNotification): string | null {
  const { worst } = item.alert.progress;
  if (item.transition !== 'firing' || worst === undefined || levelNow(item) !== 'none') return null;
  return shortText(worst.valueText, worst.value);
}

function firingFacts(item: PendingNotification, kind: SectionKind, reader: TimeReader): readonly string[] {
  const { alert, transition } = item;
  const keys = item.rule === 'host-key-changed' ? changedKey.exec(alert.valueText) : null;
  if (keys !== null) return keys.slice(1).map(quoted);
  const now = nowText(item);
  const { worst } = alert.progress;
  const before = valueBefore(item);
  if (before !== null) return [`${worstWords(item, reader, '')}, now ${now}`];
  const newest = isWithinLimits(item) ? `${now}: ${returnWords(item)}` : withLimit(now, quoted(alert.limitText));
  const isPeakNews = kind === 'open' && worst !== undefined && worst.value !== null && worst.value !== alert.value;
  return [
    newest,
    ...(isPeakNews
      ? [`reached ${shortText(worst.valueText, worst.value) ?? ''} at ${momentInWords(reader, worst.atMs)}`]
      : []),
    ...(transition === 'escalated' ? ['was a warning until now'] : []),
    ...(transition === 'eased' ? ['was critical until now'] : []),
    ...(transition === 'steady' ? ['came and went, and now stays'] : []),
  ];
}

/** Returns the worst value, `96 % at 08:30 (limit 90 %)`, with `before` in front; '' if the worst row is unknown. */
function worstWords({ alert }: PendingNotification, reader: TimeReader, before: string): string {
  const { worst } = alert.progress;
  if (worst === undefined || worst.valueText === '') return '';
  const short = worst.value === null ? null : shortText(worst.valueText, worst.value);
  const text = quoted(cut(short ?? worst.valueText, valueColumns));
  const time = worst.value === null ? '' : ` at ${momentInWords(reader, worst.atMs)}`;
  return withLimit(`${before}${text}${time}`, quoted(worst.limitText));
}

/** True if the newest number is within the firing severity's limit: the alert waits for confirmation of its end. */
function isWithinLimits(item: PendingNotification): boolean {
  const level = levelNow(item);
  return level === 'none' || (level === 'warning' && item.severity === 'critical');
}

/** Returns the level of the newest number, or null if the number alone does not decide it. */
function levelNow({ watch: { rule }, alert: { value } }: PendingNotification): Level | null {
  if (rule === null || value === null || rule.freeBytes !== null) return null;
  return ruleLimits(rule).levelOf(value);
}

/** Returns where the newest value is and when the alert ends: `below 90 %, over once below 88 %`. */
function returnWords(item: PendingNotification): string {
  const { watch, severity } = item;
  const { rule } = watch;
  if (rule === null) return '';
  const { op, min, max, warning, critical, clear } = rule;
  const isMilder = levelNow(item) === 'warning';
  const limit = severity === 'critical' ? (critical ?? warning) : (warning ?? critical);
  const hasOwnUnit = isOfFigures(rule);
  if (limit === null || min !== null || max !== null || op === 'eq' || op === 'ne' || hasOwnUnit) {
    return 'within its limits';
  }
  const inUnit = (value: number): string => formatLimit(unitOfRule(rule), value);
  const side = op === 'ge' || op === 'gt' ? 'below' : 'above';
  if (isMilder) return `${side} ${inUnit(limit)}, a warning once confirmed`;
  const least = warning ?? critical ?? limit;
  const end = clear === null || clear === least ? 'once confirmed' : `once ${side} ${inUnit(clear)}`;
  return `${side} ${inUnit(least)}, over ${end}`;
}

const ends: Readonly<Partial<Record<ClosedReason, string>>> = {
  gone: 'the client does not list it any more',
  forgotten: 'the collector is no more',
  superseded: 'another collector has taken over',
};

/** Returns the reason why an alert ended that did not recover. */
export function endInWords({ closedReason }: Alert): string {
  return ends[closedReason ?? 'unwatched'] ?? 'config.xml does not watch it any more';
}
