import type { Config } from '../../config/config.ts';
import { digestOf, domainOf, senderOf } from '../../notify/mail-identity.ts';
import type { MailText } from '../../notify/mime.ts';
import type { Notice, NoticeState } from '../../notify/webhook/notice.ts';
import type { SeriesPoint, StoredLook } from '../../storage/store/notification-store.ts';
import { composeHtml } from './compose-html.ts';
import { composeSubject } from './compose-subject.ts';
import { composeText } from './compose-text.ts';
import { wordsOfMail } from './mail-words.ts';
import { type DueMail, followsNoChange, type PendingNotification } from '../dispatch/notification-plan.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

interface ComposeOptions {
  readonly mail: DueMail;
  readonly config: Config;
  readonly nowMs: number;
  /** Values of the last day by alert id, in the unit of the alert's rule. An alert without values gets no chart. */
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
  /** The number of times that alerts have begun to fire today, by alert id. Default: once each. */
  readonly timesToday?: ReadonlyMap<number, number>;
  /** Distribution or kernel by client. Default: none is known. */
  readonly systems?: ReadonlyMap<string, string>;
  /** The last lines of checks and failed units, by `client U+0000 subject`. Default: none. */
  readonly excerpts?: ReadonlyMap<string, readonly string[]>;
  /** The looks of clients beside unreachable ones, by client. Default: none. */
  readonly looks?: ReadonlyMap<string, StoredLook>;
  /** The link that answers the mail. Default: none. */
  readonly replyLink?: string | null;
  /** The program on people's command line: `fleet-health`. */
  readonly program: string;
}

/**
 * Returns the headers of every mail. Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress prevent out-of-office
 * answers; List-Id is a field that every mail program can sort by. There is no Precedence: some mail servers defer
 * mails with the value `bulk`.
 */
export function usualHeaders(domain: string): Readonly<Record<string, string>> {
  return {
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
    'List-Id': `Fleet Health <fleet-health.${domain}>`,
  };
}

/** Composes a mail that is due. The same mail at the same time gives the same words. */
export function composeMail(options: ComposeOptions): MailText {
  const { mail, config, nowMs, charts, program } = options;
  const { systems = new Map<string, string>(), timesToday = new Map<number, number>() } = options;
  const excerpts = options.excerpts ?? new Map<string, readonly string[]>();
  const looks = options.looks ?? new Map<string, StoredLook>();
  const { recipient, items, severity, ordinary } = mail;
  const domain = domainOf(senderOf(config));
  const reader = { zone: config.alerts.zone, nowMs };
  const { replyLink = null } = options;
  const wording = { config, reader, charts, timesToday, systems, excerpts, looks, replyLink, program };
  const words = wordsOfMail(mail, wording);
  const subject = composeSubject(mail, wording);
  const references = threadsOf(recipient, items, domain);
  return {
    subject,
    text: composeText(words),
    html: composeHtml(subject, words),
    messageId: messageIdOf(recipient, items, domain),
    inReplyTo: references.at(-1) ?? null,
    references,
    headers: {
      ...usualHeaders(domain),
      ...stateHeaders(recipient, items),
      ...(severity === 'critical' && !ordinary ? { Importance: 'high' } : {}),
    },
  };
}

/** The states of mails. A mail with several states has the first of them. */
const states = ['firing', 'event', 'reminder', 'resolved'] as const;

/** Returns the state and severity of the most important item. The severity is `none` if all items are resolved. */
export function summaryOf(items: readonly PendingNotification[]): Pick<Notice, 'state' | 'severity'> {
  const found = new Set(items.map(stateOf));
  const lasting = items.filter((item) => stateOf(item) !== 'resolved');
  const severity =
    lasting.length === 0 ? 'none' : lasting.some((item) => item.severity === 'critical') ? 'critical' : 'warning';
  return { state: states.find((one) => found.has(one)) ?? 'resolved', severity };
}

/**
 * Returns the headers by which programs sort mails: the state and severity of the mail, and for a command one header an
 * alert, `ID STATE SEVERITY`, with the same id from beginning to end.
 */
function stateHeaders(
  recipient: string,
  items: readonly PendingNotification[],
): Readonly<Record<string, string | readonly string[]>> {
  const { state, severity } = summaryOf(items.filter(({ below }) => below === undefined));
  const alerts = items.map((item) => `${alertIdOf(item)} ${stateOf(item)} ${item.severity}`);
  return {
    'X-Fleet-Health-State': state,
    'X-Fleet-Health-Severity': severity,
    ...(nameIfKind('command', recipient) === null ? {} : { 'X-Fleet-Health-Alert': alerts }),
  };
}

/** Returns the state of an item for other programs. */
export function stateOf({ transition, listedOnly, alert }: PendingNotification): NoticeState {
  if (transition === 'past' && alert.closedReason === 'event' && !listedOnly) return 'event';
  if (alert.state === 'resolved') return 'resolved';
  return followsNoChange(transition) ? 'reminder' : 'firing';
}

/** The most ids in References: mail servers refuse longer headers. The worst alerts come first. */
const maxReferences = 100;

/**
 * Returns a mail's Message-ID: a digest of the recipient and of all notifications in the mail, and of nothing else. The
 * same notifications to the same person are the same mail, from whatever database it was composed.
 */
export function messageIdOf(recipient: string, items: readonly PendingNotification[], domain: string): string {
  const identities = items.map(identityOf).sort();
  return `<${digestOf([recipient, ...identities]).slice(0, 32)}@${domain}>`;
}

/**
 * Returns an id for each alert, which is the same in every mail about the alert to one person. No mail has the id
 * itself; mail programs group the mails that refer to it. The last id is that of the first, most important item.
 */
function threadsOf(recipient: string, items: readonly PendingNotification[], domain: string): readonly string[] {
  const ids = items.slice(0, maxReferences).map(({ client, rule, subject, alert }) => {
    const hash = digestOf(['alert', recipient, client, rule, subject, alert.firstEvidence]);
    return `<${hash.slice(0, 20)}@${domain}>`;
  });
  return [...new Set(ids)].reverse();
}

/**
 * Returns the id of an alert for other programs: the same for a rule and subject of a client, each time that it fires.
 */
export function alertIdOf({ client, rule, subject }: PendingNotification): string {
  return digestOf(['alert', client, rule, subject]).slice(0, 32);
}

/** Returns the identity of a notification: it differs from all others, and is the same in every database. */
export function identityOf(item: PendingNotification): string {
  const { client, rule, subject, alert, transition, sequence, before } = item;
  // The time of the previous notification distinguishes notifications of one sequence: reminders, and an alert that
  // began with rows that the database has lost, so that its recipient knows a later sequence.
  const isRepeated = followsNoChange(transition) || (before !== null && before.sequence >= sequence);
  const again = isRepeated ? [before?.notifiedAtMs ?? 0] : [];
  return [client, rule, subject, alert.firstEvidence, transition, sequence, ...again].join('\0');
}
