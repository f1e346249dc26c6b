import type { Notified, NotSent } from '../../alerter/explain/explain-alerts.ts';
import { besideSentence } from '../../alerter/cause/beside-words.ts';
import type { HeldBack } from '../../alerter/inhibit/held-back.ts';
import type { AlertView } from '../../look/data/alert-views.ts';
import { aboutOf, kindOf } from '../../about/kinds.ts';
import type { Alert, ClosedReason, NamedChanges } from '../../storage/store/alert.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { counted } from '../../text/numbers.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** Describes a silence or a window, with its end. */
export function coverText({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>, { moment }: ReaderTime): string {
  return `${silence === null ? 'window' : `silence ${silence}`} until ${moment(untilMs)}`;
}

/** Lists the silences and windows that hold back alerts, with their counts, and counts the others in force. */
export function heldBackText(held: readonly HeldBack[], time: ReaderTime): string {
  const holding = held.filter(({ alerts }) => alerts > 0);
  const idle = held.filter(({ alerts }) => alerts === 0);
  const [first] = idle;
  const rest =
    first === undefined
      ? []
      : [
          idle.length === 1
            ? `${coverText(first, time)} holds back nothing`
            : `${idle.length} ${holding.length > 0 ? 'others' : 'silences and windows'} hold back nothing`,
        ];
  return [...holding.map((one) => `${coverText(one, time)} holds back ${counted(one.alerts, 'alert')}`), ...rest].join(
    ', ',
  );
}

/** Returns the facts that identify an alert as JSON. */
export function alertIdJson({ id, client, rule, subject, severity }: Alert): object {
  return { id, client, rule, subject, severity };
}

/** Returns the silences and windows in force as JSON. */
export function heldBackJson(held: readonly HeldBack[]): readonly object[] {
  return held.map(({ silence, untilMs, alerts }) => ({ ...coverJson({ silence, untilMs }), alerts }));
}

/** Returns a silence or a window as JSON. */
function coverJson({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>): object {
  return { kind: silence === null ? 'window' : 'silence', silence, until: jsonTime(untilMs) };
}

/** The reason why a mail was dropped. */
export const droppedWords = 'config.xml no longer names this recipient';

/** The reason why a mail that is due is not sent. */
export const knownWords = 'this machine has sent it before, and the database has forgotten that';

/** Returns the client's name, or `(fleet)` for an alert about the fleet as a whole. */
export function clientText(client: string): string {
  return kindOf({ about: aboutOf({ about: '', client, rule: '' }) }).mark({ client });
}

/** Returns what an alert is about in a column of clients: the client, `(group)` or `(fleet)`. */
export function whoseText(alert: Pick<Alert, 'about' | 'client'>): string {
  return kindOf(alert).mark(alert);
}

/** Returns the text with a capital first letter. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Describes the state of a mail that has not been sent. */
export function unsentText({ recipient, delivery, sinceMs, error }: NotSent, { moment }: ReaderTime): string {
  const reason = error === null ? '' : `: ${error}`;
  if (delivery === 'written') return `written to a file for ${recipient} ${moment(sinceMs)}, not sent: no <smtp>`;
  if (delivery === 'queued') return `queued for ${recipient} since ${moment(sinceMs)}`;
  if (delivery === 'discarded') return `discarded, and not delivered to ${recipient}${reason}`;
  return `not delivered to ${recipient} since ${moment(sinceMs)}${reason}`;
}

/** Describes an acknowledgement: its author, its end and its comment. */
export function acknowledgedText(
  { acknowledgedBy, acknowledgedUntilMs, acknowledgedComment }: AlertView['alert'],
  { moment }: ReaderTime,
): string {
  const until = acknowledgedUntilMs === null ? '' : ` until ${moment(acknowledgedUntilMs)}`;
  const comment = (acknowledgedComment ?? '') === '' ? '' : `: ${acknowledgedComment}`;
  return `acknowledged by ${acknowledgedBy ?? ''}${until}${comment}`;
}

/** The reasons why an alert ended, for people. */
export const closedWords: Readonly<Record<ClosedReason, string>> = {
  recovered: 'recovered',
  gone: 'no longer there',
  unwatched: 'no longer watched',
  event: 'happened',
  forgotten: 'the collector is no more',
  superseded: 'another collector took over',
  unconfirmed: 'never fired',
};

/** Returns an alert as JSON. */
export function alertJson({ alert, notified, acknowledged, covers, eased, look }: AlertView): object {
  const { id, client, rule, subject, state, severity, value, valueText, limitText } = alert;
  const { pendingSinceMs, firingSinceMs, resolvedAtMs, closedReason, flapping } = alert;
  const { acknowledgedBy: by, acknowledgedUntilMs: untilMs, acknowledgedComment: comment = null, cause } = alert;
  return {
    ...jsonFields({ id, client, rule, subject, state, severity, value, valueText, limitText }),
    ...jsonFields({ pendingSinceMs, firingSinceMs, resolvedAtMs, closedReason, flapping }),
    acknowledged: acknowledged ? jsonFields({ by, untilMs, comment }) : null,
    eased,
    held_by: covers.map(coverJson),
    notified: notified.map(notifiedJson),
    changes: (cause?.changes ?? []).map(changesJson),
    beside: look === null ? null : besideJson(look),
  };
}

function besideJson(look: StoredLook): object {
  const { beside, atMs } = look;
  const seen =
    'unasked' in beside ? [] : beside.seen.map(([client, outcome]) => ({ client, outcome: outcome.replace(' ', '_') }));
  const unasked = 'unasked' in beside ? beside.unasked : null;
  return { text: besideSentence(look), ...jsonFields({ atMs }), unasked, seen };
}

function changesJson({ kind, item, before, after, more, beforeMs, ...set }: NamedChanges): object {
  const { earliestAtMs, latestAtMs, group, failing, others, chance } = set;
  return {
    ...jsonFields({ kind, item, before, after, more, earliestAtMs, latestAtMs }),
    ...{ before_s: Math.round(beforeMs / 1000), group, failing, others, chance },
  };
}

function notifiedJson({ recipient, state, severity, notifiedAtMs: atMs, unsent }: Notified): object {
  const delivery = unsent?.delivery.replace('-', '_') ?? 'sent';
  const undeliveredSinceMs = unsent?.sinceMs ?? null;
  return jsonFields({ recipient, state, severity, atMs, delivery, undeliveredSinceMs, error: unsent?.error ?? null });
}
