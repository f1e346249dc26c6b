import type { Config } from '../../config/config.ts';
import type { MailText } from '../../notify/mime.ts';
import type { Notice, NoticeAlert } from '../../notify/webhook/notice.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { oneLine, quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import type { TimeReader } from '../../text/time-words.ts';
import { besideSentences } from '../cause/beside-words.ts';
import { causeSentence } from '../cause/cause-words.ts';
import { isReturning } from '../inhibit/difference.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import { type DueMail, type PendingNotification, reasonOf } from '../dispatch/notification-plan.ts';
import { alertIdOf, stateOf, summaryOf } from './compose-mail.ts';
import { incidentsOf } from './incidents.ts';
import { foldTitle, pageOf, titleOf } from './item-words.ts';
import { saysAway } from '../inhibit/lost-parents.ts';
import { firingKinds, unacknowledgedWords, valueColumns } from './value-words.ts';

/** Returns a mail that is due, and its words, as a notification for other programs. */
export function composeNotice(
  mail: DueMail,
  words: MailText,
  atMs: number,
  config: Config,
  looks: ReadonlyMap<string, StoredLook> = new Map(),
): Notice {
  const { items: all, sections } = mail;
  const items = all.filter((item) => item.below === undefined);
  const over = new Set(
    items.flatMap((item) => (kindOf(item).carriesOthers && stateOf(item) === 'resolved' ? item.subject : [])),
  );
  // Receivers that keep states hear each end of what they may have been told alone. When the alert of a group ends,
  // they hear who is still away: so far that alert alone told them.
  const below = all.filter(
    (item) => item.below !== undefined && (stateOf(item) === 'resolved' || over.has(item.below)),
  );
  const { messageId, subject, text } = words;
  const incidents = incidentsOf(mail, config);
  const lines = awayLines(sections);
  const summary = summaryOf(items);
  return {
    messageId,
    subject,
    text,
    ...summary,
    ...(items.some(isCriticalNow) || summary.severity !== 'critical' ? {} : { newest: 'warning' }),
    atMs,
    ...pageFact(config, items),
    alerts: [...items, ...below].map((item) => ({
      ...noticeAlertOf(item, atMs, config),
      ...besideFact(
        item.alert,
        (item.carries ?? []).map(({ alert }) => alert),
        { looks, reader: { zone: config.alerts.zone, nowMs: atMs } },
      ),
      ...lines.get(item),
      ...incidents(item, alertIdOf(item)),
    })),
  };
}

function pageFact(config: Config, items: readonly PendingNotification[]): Pick<NoticeAlert, 'page'> {
  const page = pageOf(
    config,
    items.map(({ alertId }) => alertId),
  );
  return page === null ? {} : { page };
}

interface LooksRead {
  readonly looks: ReadonlyMap<string, StoredLook>;
  readonly reader: TimeReader;
}

/** Returns what was seen from beside of an unreachable client, or of the members of which a group's alert tells. */
export function besideFact(
  alert: Alert,
  members: readonly Alert[],
  { looks, reader }: LooksRead,
): Pick<NoticeAlert, 'beside'> {
  const own = besideSentences([alert], { looks, reader });
  const sentences = own.length > 0 ? own : besideSentences(members, { looks, reader, isNamed: true });
  return sentences.length === 0 ? {} : { beside: sentences.join(' ') };
}

/** True if an alert is critical by its newest value. What flaps stays open while its value is good. */
function isCriticalNow(item: PendingNotification): boolean {
  return item.severity === 'critical' && stateOf(item) !== 'resolved' && !isReturning(item.alert);
}

/** Returns the lines of a mail in which unreachable clients are one, by their items. */
function awayLines(sections: DueMail['sections']): ReadonlyMap<PendingNotification, Pick<NoticeAlert, 'line'>> {
  const lines = sections.flatMap(({ kind, rules }) =>
    rules.flatMap((rule) => rule.lines.map((line) => ({ ...line, kind }))),
  );
  const folded = lines.filter(
    ({ fold, items }) => fold !== null && items.every(({ alert, watch }) => saysAway(alert, watch.client)),
  );
  return new Map(
    folded.flatMap((one) => {
      const [reason = null, ...others] = new Set(one.items.map(reasonOf));
      const isShared = reason !== null && others.length === 0 && firingKinds.includes(one.kind);
      const value = isShared ? quoted(cut(reason, valueColumns)) : '';
      const line = { title: foldTitle(one, one.kind), value };
      return one.items.map((item) => [item, { line }] as const);
    }),
  );
}

/** Returns a value without the names at its beginning that its title has, as the value of a group's alert has one. */
function withoutNames(value: string, names: readonly string[]): string {
  const known = names.find((name) => name !== '' && value.startsWith(`${name}: `));
  return known === undefined ? value : value.slice(known.length + 2);
}

/** Returns an alert in the form for other programs. */
export function noticeAlertOf(item: PendingNotification, nowMs: number, config: Config): NoticeAlert {
  const { about, client, rule, subject, severity, alert, watch } = item;
  const acknowledgedBy = isAcknowledged(alert, nowMs) ? alert.acknowledgedBy : null;
  const note = watch.rule?.note ?? null;
  const state = stateOf(item);
  const isOver = state === 'resolved' || state === 'event';
  const cause = isOver ? null : (alert.cause ?? null);
  const why = unacknowledgedWords([item]);
  const sentence = cause === null ? null : causeSentence(client, cause);
  return {
    labels: watch.labels,
    id: alertIdOf(item),
    ...pageFact(config, [item]),
    about,
    client: oneLine(client),
    rule: oneLine(rule),
    subject: oneLine(subject),
    severity,
    state,
    ...(alert.flapping && !isOver ? { comesAndGoes: true } : {}),
    title: titleOf(item),
    value: withoutNames(quoted(cut(alert.valueText, valueColumns)), [titleOf(item), subject, client].map(quoted)),
    limit: oneLine(alert.limitText),
    ...(sentence === null ? {} : { changes: sentence }),
    ...(why === '' ? {} : { why }),
    ...(item.eased === undefined || isOver ? {} : { why: item.eased }),
    note: note === null ? null : quoted(note),
    acknowledgedBy: acknowledgedBy === null ? null : quoted(acknowledgedBy),
    startsAtMs: alert.pendingSinceMs,
    endsAtMs: isOver ? (alert.resolvedAtMs ?? alert.progress.lastAtMs) : null,
  };
}
