import type { Alert, Transition } from '../../storage/store/alert.ts';
import type { Bastions } from '../inhibit/bastions-gone.ts';
import type { Known } from '../inhibit/difference.ts';
import { differenceOf, isOnWayBack } from '../inhibit/difference.ts';
import type { Inhibition } from '../inhibit/inhibition.ts';
import { isAcknowledged, knownLostBastions } from '../inhibit/inhibition.ts';
import { openMilder } from './milder.ts';
import { hears, outsideHours } from '../inhibit/recipients-of.ts';
import { earlyMs } from './group-interval.ts';
import { longestGapMs } from '../transition/step-alert.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { RecipientAlert, News } from './news.ts';
import { hourMs } from '../../platform/units.ts';

/** What there is to say to one recipient. */
export interface RecipientNews {
  /** What may be told now; what is only listed included. */
  readonly news: readonly News[];
  /** Everything that is open, known and not held back. */
  readonly reminders: readonly News[];
  readonly remindersDue: boolean;
  readonly held: readonly { readonly matter: RecipientAlert; readonly reasons: readonly HoldReason[] }[];
  /** What is owed no more: it went by unheard, too long ago to be listed. */
  readonly forgone: ReadonlySet<number>;
}

/** How long something that is only listed waits for a mail that goes out anyway. */
export const listingMs = 12 * hourMs;

interface FindNewsOptions {
  readonly matters: readonly RecipientAlert[];
  readonly knownOf: (matter: RecipientAlert) => Known;
  readonly recipient: string;
  readonly inhibition: Pick<Inhibition, 'reasonsFor' | 'insteadFor' | 'wentByUntilMs'>;
  readonly bastions: Bastions;
  readonly nowMs: number;
  /** Between two runs of the collector. */
  readonly everyMs: number;
}

/** Looks through all that concerns one recipient, given what the recipient knows. */
export function findNews(options: FindNewsOptions): RecipientNews {
  const { matters, knownOf, inhibition, nowMs, recipient } = options;
  const news: News[] = [];
  const reminders: News[] = [];
  const held: { matter: RecipientAlert; reasons: readonly HoldReason[] }[] = [];
  const forgone = new Set<number>();
  let remindersDue = false;
  const lost = lostBastions(options);
  const heldFor = ({ alert, listener }: RecipientAlert): readonly HoldReason[] =>
    [
      inhibition.insteadFor(alert, recipient),
      listener === null ? null : outsideHours(listener, alert.severity, nowMs),
    ].filter((reason) => reason !== null);
  const milder = openMilder(matters, (matter) => inhibition.reasonsFor(matter.alert).length + heldFor(matter).length > 0);
  const reasonsOf = (matter: RecipientAlert): readonly HoldReason[] => {
    const worse = milder.worseOf(matter);
    return worse === null ? heldFor(matter) : [...heldFor(matter), worse];
  };
  for (const matter of matters) {
    const { alert, watch, listener } = matter;
    const known = knownOf(matter);
    const transition = differenceOf(alert, known, listener);
    if (transition === null) {
      if (known?.state === 'flapping' && alert.flapping && known.severity !== alert.severity) {
        held.push({ matter, reasons: [{ kind: 'flapping' }] });
      }
      const isDue = isReminderDue(options, matter, known);
      if (isDue === null) continue;
      const own = reasonsOf(matter);
      const holding = [...inhibition.reasonsFor(alert), ...own];
      const reasons = isAcknowledged(alert, nowMs) ? [acknowledgement(alert)] : holding;
      if (reasons.length === 0) {
        reminders.push({ matter, transition: 'reminder', known, listedOnly: false });
        remindersDue ||= isDue;
      } else if (isDue) held.push({ matter, reasons });
      continue;
    }
    const wentByMs = transition === 'past' ? inhibition.wentByUntilMs(alert, recipient) : null;
    const isPaused = transition === 'past' && watch.client?.state === 'paused';
    const isMilder = transition === 'past' && milder.wasBesideWorse(matter);
    if (isPaused || isMilder || (wentByMs !== null && nowMs - wentByMs >= listingMs)) {
      forgone.add(alert.id);
      continue;
    }
    const behind = transition === 'firing' && alert.rule === 'unreachable' ? lost(alert) : null;
    const own = [behind, ...reasonsOf(matter)].filter((reason) => reason !== null);
    const holding = [...inhibition.reasonsFor(alert), ...own];
    const reasons = holding.length > 0 ? holding : wayBack(options, alert, transition);
    if (reasons.length > 0) held.push({ matter, reasons });
    else news.push({ matter, transition, known, listedOnly: wentByMs !== null });
  }
  return { news, reminders, remindersDue, held, forgone };
}

/** A value that came back so often from its way back is told, whatever its newest row says. */
const returnsToTell = 2;

/** Holds back a worsening whose newest row is on its way back, until the next row is overdue. */
function wayBack({ nowMs, everyMs }: FindNewsOptions, alert: Alert, transition: Transition): readonly HoldReason[] {
  const { flapping, progress } = alert;
  const isWorse = transition === 'firing' || transition === 'escalated';
  const isFresh = Math.abs(nowMs - progress.lastAtMs) <= longestGapMs(everyMs);
  const isUndecided = isOnWayBack(alert) && (progress.returns ?? 0) < returnsToTell;
  return isWorse && !flapping && isUndecided && isFresh ? [{ kind: 'way-back' }] : [];
}

/** null: nothing of which to remind. */
function isReminderDue({ nowMs, everyMs }: FindNewsOptions, matter: RecipientAlert, known: Known): boolean | null {
  const { alert, watch, listener } = matter;
  const repeatMs = watch.rule?.repeatMs ?? null;
  if (alert.state !== 'firing' || known === null || repeatMs === null) return null;
  if (listener === null || !hears(listener, alert.severity)) return null;
  const sinceMs = nowMs - known.notifiedAtMs;
  // A time further ahead than any pause comes from a clock that was wrong.
  return sinceMs >= repeatMs - earlyMs(everyMs, repeatMs) || -sinceMs > repeatMs;
}

function acknowledgement({ acknowledgedBy, acknowledgedUntilMs }: Alert): HoldReason {
  return { kind: 'acknowledged', by: acknowledgedBy ?? '', untilMs: acknowledgedUntilMs };
}

/** Returns the lost bastion that the recipient was told of in place of an alert, and at least as severely. */
function lostBastions({ matters, knownOf, bastions }: FindNewsOptions): (alert: Alert) => HoldReason | null {
  const unreachable = matters.filter(({ alert: { rule, state } }) => rule === 'unreachable' && state === 'firing');
  const told = unreachable.map((matter) => ({ client: matter.alert.client, known: knownOf(matter) }));
  const known = knownLostBastions(bastions, told);
  return ({ client, severity }) => {
    const lost = known.size === 0 ? null : bastions.lostFor(client);
    const named = lost === null ? undefined : known.get(lost.name);
    if (lost === null || named === undefined || compareSeverity(named, severity) > 0) return null;
    return { kind: 'bastion', name: lost.name };
  };
}
