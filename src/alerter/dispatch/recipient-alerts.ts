import type { Alert, LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Known } from '../inhibit/difference.ts';
import { compareText } from '../../text/compare-text.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { GroupState } from '../inhibit/group-states.ts';
import { toldAtMs } from './told-ahead.ts';
import { type Listener, hears, listenerAt } from '../../config/recipients/listeners.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';
import type { Watch } from '../inhibit/watches.ts';
import { namedRecipients } from '../../config/recipients/fleet-recipients.ts';

export type StoredAlert = Alert & { readonly id: number };

/** An alert and its configuration. */
export interface WatchedAlert {
  readonly alert: StoredAlert;
  readonly watch: Watch;
}

/** An alert as it concerns one recipient. */
export interface RecipientAlert extends WatchedAlert {
  /** null for an earlier recipient, who is not notified any more, and for an acknowledger who does not hear of it. */
  readonly listener: Listener | null;
  /** The state that the recipient was last notified of. */
  readonly known: Known;
  /** The alert in its own severity, if `alert` is eased because its group has enough without the client. */
  readonly eased?: { readonly own: StoredAlert; readonly state: GroupState; readonly isPast?: true };
}

/** Returns the stored alerts that are not closed out, in a stable order. */
export function watchedAlerts(
  { alerts }: DispatchInput,
  watchOf: (alert: StoredAlert) => Watch,
): readonly WatchedAlert[] {
  const stored = alerts.filter((alert): alert is StoredAlert => alert.id !== null && !alert.closedOut);
  return stored
    .sort(
      (one, other) =>
        compareText(one.client, other.client) ||
        compareText(one.rule, other.rule) ||
        compareText(one.subject, other.subject) ||
        one.id - other.id,
    )
    .map((alert) => ({ alert, watch: watchOf(alert) }));
}

/**
 * Returns the alerts by recipient, for configured and for earlier recipients, and for whoever acknowledged an alert
 * until a time that is over.
 */
export function alertsByRecipient(
  input: DispatchInput,
  watched: readonly WatchedAlert[],
): ReadonlyMap<string, readonly RecipientAlert[]> {
  const notifiedOf = groupBy(input.notified, ({ alertId }) => alertId);
  const acknowledgerOf = openAcknowledgers(input);
  const concerned = watched.flatMap((one) => {
    const { alert, watch } = one;
    if (alert.state === 'pending') return [];
    const known = new Map((notifiedOf.get(alert.id) ?? []).map((row) => [row.recipient, knownOf(row)]));
    return [...new Set([...watch.listeners.keys(), ...known.keys(), ...acknowledgerOf(alert)])].map((recipient) => {
      const before = known.get(recipient) ?? null;
      const listener = watch.listeners.get(recipient);
      const own = listener === undefined ? null : listenerNow(listener, alert, before, input.nowMs);
      return { recipient, own: { ...one, listener: own, known: before } };
    });
  });
  const byRecipient = groupBy(concerned, ({ recipient }) => recipient);
  return new Map([...byRecipient].map(([recipient, all]) => [recipient, all.map(({ own }) => own)]));
}

/**
 * Returns what counts for a recipient now. The end of an alert goes the way of its beginning: outside of the hours only
 * to whoever was notified outside of them.
 */
function listenerNow(listener: Listener, { state, severity }: Alert, known: Known, nowMs: number): Listener {
  if (state !== 'resolved') return listenerAt(listener, severity, nowMs);
  const toldMs = known === null || known.state === 'resolved' ? null : known.notifiedAtMs;
  const wasBeyond = toldMs !== null && listenerAt(listener, 'critical', toldMs) !== listener;
  return wasBeyond ? listenerAt(listener, severity, nowMs) : listener;
}

/** Returns the state of an alert that its recipient was last notified of, from the stored row. */
function knownOf({ state, severity, sequence, notifiedAtMs }: LastNotified): Known {
  return { state, severity, sequence, notifiedAtMs };
}

/** Returns when the acknowledgement of a firing alert ran out; null if it is in force, or if there is none. */
function lapsedMs({ state, acknowledgedBy, acknowledgedUntilMs: untilMs }: Alert, nowMs: number): number | null {
  return state === 'firing' && acknowledgedBy !== null && untilMs !== null && untilMs <= nowMs ? untilMs : null;
}

/**
 * Returns a function that finds the recipient who acknowledged an alert until a time that is over: none for a name of
 * an account, and for an address that config.xml does not name, because From of a reply is not verified.
 */
function openAcknowledgers({ config, nowMs }: DispatchInput): (alert: Alert) => readonly string[] {
  let named: readonly string[] | null = null;
  return (alert) => {
    if (lapsedMs(alert, nowMs) === null) return [];
    named ??= [...namedRecipients(config)];
    return named.filter((one) => isAcknowledger(alert, one)).slice(0, 1);
  };
}

function isAcknowledger({ acknowledgedBy }: Alert, recipient: string): boolean {
  return acknowledgedBy?.toLowerCase() === nameIfKind('mail', recipient)?.toLowerCase();
}

/**
 * True if an acknowledgement has run out since its recipient was notified last. Whoever acknowledged is notified too,
 * whatever else that person hears of.
 */
export function isNewlyLapsed(
  { alert, listener, known }: RecipientAlert,
  recipient: string,
  input: Pick<DispatchInput, 'nowMs' | 'toldAhead'>,
): boolean {
  const untilMs = lapsedMs(alert, input.nowMs);
  if (untilMs === null || (known !== null && toldAtMs(known, input) >= untilMs)) return false;
  if (isAcknowledger(alert, recipient)) return true;
  const isKnown = known !== null && known.state !== 'resolved';
  return isKnown && listener !== null && hears(listener, alert.severity);
}
