import type { Config } from '../../config/config.ts';
import type { MailText } from '../../notify/mime.ts';
import type { Notice, NoticeAlert } from '../../notify/webhook/notice.ts';
import { oneLine, quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { causeSentence } from '../cause/cause-words.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import type { DueMail, PendingNotification } from '../dispatch/notification-plan.ts';
import { alertIdOf, stateOf, summaryOf } from './compose-mail.ts';
import { incidentsOf } from './incidents.ts';
import { titleOf } from './item-words.ts';

/** The most columns of a value, which may be a message of a client or server. */
const valueColumns = 500;

/** Returns a mail that is due, and its words, as a notification for other programs. */
export function composeNotice(mail: DueMail, words: MailText, atMs: number, config: Config): Notice {
  const { items } = mail;
  const { messageId, subject, text } = words;
  const incidents = incidentsOf(mail, config);
  return {
    messageId,
    subject,
    text,
    ...summaryOf(items),
    atMs,
    alerts: items.map((item) => ({ ...noticeAlertOf(item, atMs), ...incidents(item, alertIdOf(item)) })),
  };
}

/** Returns an alert in the form for other programs. */
export function noticeAlertOf(item: PendingNotification, nowMs: number): NoticeAlert {
  const { client, rule, subject, severity, alert, watch } = item;
  const acknowledgedBy = isAcknowledged(alert, nowMs) ? alert.acknowledgedBy : null;
  const note = watch.rule?.note ?? null;
  const state = stateOf(item);
  const isOver = state === 'resolved' || state === 'event';
  const cause = isOver ? null : (alert.cause ?? null);
  const sentence = cause === null ? null : causeSentence(client, cause);
  return {
    labels: watch.labels,
    id: alertIdOf(item),
    client: oneLine(client),
    rule: oneLine(rule),
    subject: oneLine(subject),
    severity,
    state,
    ...(alert.flapping && !isOver ? { comesAndGoes: true } : {}),
    title: titleOf(item),
    value: quoted(cut(alert.valueText, valueColumns)),
    limit: oneLine(alert.limitText),
    ...(sentence === null ? {} : { changes: sentence }),
    note: note === null ? null : quoted(note),
    acknowledgedBy: acknowledgedBy === null ? null : quoted(acknowledgedBy),
    startsAtMs: alert.pendingSinceMs,
    endsAtMs: isOver ? (alert.resolvedAtMs ?? alert.progress.lastAtMs) : null,
  };
}
