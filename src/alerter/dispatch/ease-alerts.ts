import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Easing } from '../inhibit/easing.ts';
import type { RecipientAlert, StoredAlert } from './recipient-alerts.ts';

/** Returns the alerts of one recipient, those of clients whose groups have enough without them as warnings. */
export function easedAlerts(easing: Easing, alerts: readonly RecipientAlert[]): readonly RecipientAlert[] {
  return alerts.map((one) => eased(easing, one));
}

/** The eased form of an alert, which all recipients share: reasons that hold back are found once for an alert. */
const easedForms = new WeakMap<Alert, StoredAlert>();

function eased(easing: Easing, one: RecipientAlert): RecipientAlert {
  const own = one.eased?.own ?? one.alert;
  const standing = easing.standingOf(own);
  if (standing?.kind !== 'eased') return one;
  const alert: StoredAlert = easedForms.get(own) ?? { ...own, severity: 'warning' };
  easedForms.set(own, alert);
  return { ...one, alert, eased: { own, ...standing } };
}

/** Returns the ids of the alerts of a client's group that fired while an alert did: they say whether it is eased. */
export function shortsBeside({ groups, shortsWithin }: Easing, alert: Alert): readonly number[] {
  const group = groups.groups.length === 0 || kindOf(alert).carriesOthers ? null : groups.groupOf(alert);
  if (group === null) return [];
  const beganMs = alert.firingSinceMs ?? alert.pendingSinceMs;
  return shortsWithin(group, beganMs, alert.resolvedAtMs ?? Infinity).flatMap(({ id }) => id ?? []);
}
