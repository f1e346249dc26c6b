import type { AlertKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert, LastNotified } from '../../storage/store/alert.ts';
import type { RecipientHistory, SentBefore, Told } from '../../storage/store/outbox-store.ts';
import { hourMs } from '../../platform/units.ts';
import { groupBy } from '../../platform/group-by.ts';
import { isOfRows } from '../evaluate/rule-metric.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';

/** A mail that was sent, as this machine remembers it. */
export interface Remembered {
  readonly atMs: number;
  readonly messageId: string;
  readonly recipient: string;
  readonly ordinary: boolean;
  readonly receipt?: string | undefined;
  readonly told: readonly Told[];
}

export interface ForgottenFacts {
  /** The mails that this machine has sent, oldest first. */
  readonly sent: readonly Remembered[];
  /** The Message-IDs that the database has, out of those of `sent`. */
  readonly storedIds: ReadonlySet<string>;
  /** The stored alerts, see NotificationStore.storedEpisodes. */
  readonly episodes: ReadonlySet<string>;
  /** True if the database has answered long enough that a missing row means silence. */
  readonly mayMiss: boolean;
}

/** The input of a plan, with the knowledge of recipients that the database has forgotten. */
export interface Regained {
  readonly input: DispatchInput;
  /** The last notifications that the database has to learn again. */
  readonly notified: readonly LastNotified[];
  /** Waiting mails that were sent, or whose notifications have all been sent in later mails. */
  readonly settled: readonly SentBefore[];
}

/**
 * Adds what recipients were notified of in mails that the database has forgotten. Such a mail says what its recipient
 * knows of an alert up to the newest row behind the mail (`asOfMs`):
 *
 * - An alert that ended within that time is known as ended.
 * - An open alert whose rows do not reach that time yet counts as known: the collector stores the rows again.
 * - Any other alert is compared with what the recipient was last notified of, as if the database had remembered.
 *
 * Alerts are compared by client, rule and subject, because ids, first rows and times of notifications may come out
 * differently. Where the database has the mail, its own knowledge counts, so that this changes nothing.
 */
export function regain(input: DispatchInput, facts: ForgottenFacts): Regained {
  const { sent, storedIds } = facts;
  const told = sent.flatMap(({ atMs, messageId, recipient, told: each }) =>
    each.map((one): Telling => ({ ...one, recipient, atMs, isForgotten: !storedIds.has(messageId) })),
  );
  const tellings = groupBy(told, (one) => `${one.recipient}\0${keyOf(one)}`);
  const alertsOf = groupBy(
    input.alerts.filter(({ id, state }) => id !== null && state !== 'pending'),
    keyOf,
  );
  const stored = new Map(input.notified.map((one) => [`${one.alertId} ${one.recipient}`, one]));
  const known = new Map(stored);
  const notified: LastNotified[] = [];
  for (const [name, own] of tellings) {
    if (!own.some(({ isForgotten }) => isForgotten)) continue;
    const { recipient } = own[0] ?? { recipient: '' };
    for (const { row, isLasting } of knownOf(alertsOf.get(name.slice(recipient.length + 1)) ?? [], own, facts, input)) {
      const key = `${row.alertId} ${recipient}`;
      const before = stored.get(key);
      if (before !== undefined && (before.notifiedAtMs > row.notifiedAtMs || saysSame(before, row, input))) continue;
      known.set(key, row);
      if (isLasting && !isSame(before, row)) notified.push(row);
    }
  }
  const histories = historiesOf(
    input.histories,
    sent.filter(({ messageId }) => !storedIds.has(messageId)),
    input.nowMs,
  );
  return {
    input: { ...input, notified: [...known.values()], histories },
    notified,
    settled: settledOf(input, facts, tellings),
  };
}

interface Telling extends Told {
  readonly recipient: string;
  readonly atMs: number;
  readonly isForgotten: boolean;
}

interface KnownRow {
  readonly row: LastNotified;
  /** False if the alert is only held until its rows are stored again. */
  readonly isLasting: boolean;
}

/** Returns what a recipient knows of alerts with one key, from all tellings of that key. */
function knownOf(
  alerts: readonly Alert[],
  own: readonly Telling[],
  { episodes, mayMiss }: ForgottenFacts,
  { nowMs }: DispatchInput,
): readonly KnownRow[] {
  const last = own.at(-1);
  if (last === undefined) return [];
  const rows: KnownRow[] = [];
  const named = alerts.find(({ firstEvidence }) => firstEvidence === last.firstEvidence);
  const isElsewhere = named === undefined && episodes.has(`${keyOf(last)}\0${last.firstEvidence}`);
  let isUsed = !last.isForgotten || isElsewhere;
  for (const alert of [...alerts].sort((one, other) => (one.id ?? 0) - (other.id ?? 0))) {
    const end = own.find((one) => one.isForgotten && covers(one, alert));
    if (end !== undefined) {
      rows.push({ row: rowOf(alert, { ...end, state: 'resolved' }), isLasting: true });
      continue;
    }
    // Under a clock that was set back, an alert may have ended before it began.
    if (isUsed || (named ?? alert) !== alert || !(alert === named || isAbout(last, alert))) continue;
    isUsed = true;
    const isBehind = alert.state === 'firing' && last.asOfMs <= nowMs && alert.progress.lastAtMs < last.asOfMs;
    if (isBehind && (isOfRows(alert) || !mayMiss)) rows.push({ row: presentRow(alert, last), isLasting: false });
    else rows.push({ row: rowOf(alert, last), isLasting: true });
  }
  return rows;
}

/** True if a recipient was notified of the end of an alert. */
function covers({ state, sinceMs, asOfMs }: Telling, { resolvedAtMs }: Alert): boolean {
  return state === 'resolved' && resolvedAtMs !== null && resolvedAtMs >= sinceMs && resolvedAtMs <= asOfMs;
}

/** True if the telling is about the alert, or about a part of the alert's time that the database has forgotten. */
function isAbout({ state, sinceMs, asOfMs }: Telling, { pendingSinceMs, resolvedAtMs }: Alert): boolean {
  const isAfter = pendingSinceMs > asOfMs;
  const isBefore = resolvedAtMs !== null && resolvedAtMs < sinceMs;
  return !isBefore && !(state === 'resolved' && isAfter);
}

function rowOf({ id }: Alert, { recipient, state, severity, sequence, notifiedAtMs }: Telling): LastNotified {
  return { alertId: id ?? 0, recipient, state, severity, sequence, notifiedAtMs };
}

/** Returns the row of a recipient who knows the present state of an alert. */
function presentRow(alert: Alert, { recipient, notifiedAtMs }: Telling): LastNotified {
  const { id, severity, sequence, flapping } = alert;
  return { alertId: id ?? 0, recipient, state: flapping ? 'flapping' : 'firing', severity, sequence, notifiedAtMs };
}

/** True if a row says nothing new, and has its time from a clock that was set back since. */
function saysSame(before: LastNotified, row: LastNotified, { nowMs }: DispatchInput): boolean {
  return row.notifiedAtMs > nowMs && isSame({ ...before, notifiedAtMs: row.notifiedAtMs }, row);
}

function isSame(one: LastNotified | undefined, other: LastNotified): boolean {
  return one?.state === other.state && one.severity === other.severity && one.notifiedAtMs === other.notifiedAtMs;
}

/**
 * Returns the waiting mails whose notifications have been sent, in the same mail or in later ones. The order of mails
 * decides, and the sequence of the alert: mail and telling may have times of different servers.
 */
function settledOf(
  { waiting, begun = [], alerts }: DispatchInput,
  { sent }: ForgottenFacts,
  tellings: ReadonlyMap<string, readonly Telling[]>,
): Regained['settled'] {
  const byId = new Map(sent.map((mail) => [mail.messageId, mail]));
  const alertsById = new Map(alerts.map((alert) => [alert.id, alert]));
  return [...waiting, ...begun].flatMap(({ id, messageId, recipient, items }) => {
    const same = byId.get(messageId);
    if (same !== undefined) return { id, atMs: same.atMs, receipt: same.receipt };
    const later = items.map(({ alertId, sequence, before }) => {
      const alert = alertsById.get(alertId);
      const own = alert === undefined ? [] : (tellings.get(`${recipient}\0${keyOf(alert)}`) ?? []);
      // A mail that was made after the loss follows from the tellings up to `before`.
      const known = own.findLastIndex((one) => one.notifiedAtMs === before?.notifiedAtMs);
      return own.slice(known + 1).findLast((one) => {
        return one.isForgotten && one.firstEvidence === alert?.firstEvidence && one.sequence >= sequence;
      });
    });
    const [first] = later;
    return first !== undefined && later.every((one) => one !== undefined) ? { id, atMs: first.atMs } : [];
  });
}

/** Adds forgotten mails to the recent mails of their recipients, so that pauses and limits hold. */
function historiesOf(
  histories: readonly RecipientHistory[],
  forgotten: readonly Remembered[],
  nowMs: number,
): readonly RecipientHistory[] {
  const changed = new Map(histories.map((one) => [one.recipient, one]));
  for (const { recipient, atMs, ordinary, told } of forgotten) {
    const { createdAtMs, lastOrdinaryAtMs, urgentOfClient } = changed.get(recipient) ?? noHistory;
    const isRecent = Math.abs(nowMs - atMs) < hourMs;
    const isUrgent = isRecent && !ordinary;
    const begun = told.filter(({ transition }) => isUrgent && (transition === 'firing' || transition === 'escalated'));
    const urgent = new Map(urgentOfClient);
    for (const source of new Set(begun.map((alert) => kindOf(alert).urgentSource(alert))))
      urgent.set(source, (urgent.get(source) ?? 0) + 1);
    changed.set(recipient, {
      recipient,
      createdAtMs: isRecent ? [...createdAtMs, atMs] : createdAtMs,
      lastOrdinaryAtMs: ordinary ? Math.max(lastOrdinaryAtMs ?? 0, atMs) : lastOrdinaryAtMs,
      urgentOfClient: urgent,
    });
  }
  return [...changed.values()];
}

const noHistory = { createdAtMs: [], lastOrdinaryAtMs: null, urgentOfClient: new Map<string, number>() };

function keyOf({ client, rule, subject }: AlertKey): string {
  return `${client}\0${rule}\0${subject}`;
}
