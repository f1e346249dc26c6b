/** Acknowledgements that ran out: nobody takes care of their alerts any more. */
import type { Alert } from '../../storage/store/alert.ts';
import { hears, type Listener, namedRecipients } from '../inhibit/recipients-of.ts';
import type { Known } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { addresseeOf } from '../../notify/mail-identity.ts';

/** Returns when the acknowledgement of a firing alert ran out; null if it is in force, or if there is none. */
function lapsedMs({ state, acknowledgedBy, acknowledgedUntilMs: untilMs }: Alert, nowMs: number): number | null {
  return state === 'firing' && acknowledgedBy !== null && untilMs !== null && untilMs <= nowMs ? untilMs : null;
}

/**
 * Returns a function that finds the recipient who acknowledged an alert until a time that is over: none for a name of
 * an account, and for an address that config.xml does not name, because From of a reply is not verified.
 */
export function openAcknowledgers({ config, nowMs }: DispatchInput): (alert: Alert) => readonly string[] {
  let named: readonly string[] | null = null;
  return (alert) => {
    if (lapsedMs(alert, nowMs) === null) return [];
    named ??= [...namedRecipients(config)];
    return named.filter((one) => isAcknowledger(alert, one)).slice(0, 1);
  };
}

function isAcknowledger({ acknowledgedBy }: Alert, recipient: string): boolean {
  return acknowledgedBy?.toLowerCase() === addresseeOf(recipient)?.toLowerCase();
}

interface Notified {
  readonly alert: Alert;
  readonly listener: Listener | null;
  readonly known: Known;
}

/**
 * True if an acknowledgement has run out since its recipient was notified last. Whoever acknowledged is notified too,
 * whatever else that person hears of.
 */
export function isNewlyLapsed({ alert, listener, known }: Notified, recipient: string, nowMs: number): boolean {
  const untilMs = lapsedMs(alert, nowMs);
  if (untilMs === null || (known !== null && known.notifiedAtMs >= untilMs)) return false;
  if (isAcknowledger(alert, recipient)) return true;
  const isKnown = known !== null && known.state !== 'resolved';
  return isKnown && listener !== null && hears(listener, alert.severity);
}
