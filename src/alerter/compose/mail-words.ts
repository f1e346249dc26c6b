import type { Config, Severity } from '../../config/config.ts';
import { causeSentence } from '../cause/cause-words.ts';
import type { DueMail, Line, SectionKind } from '../dispatch/notification-plan.ts';
import { numberRanges, wordsOfLine, wordsOfRest, type LineWords } from './line-words.ts';
import { countBySeverity, foldTitle, titleOf, type Wording } from './item-words.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import { quoted } from '../../text/plain-text.ts';
import { shortened } from '../../text/shortened.ts';
import { timeInWords, zoneInWords } from '../../text/time-words.ts';
import { firingKinds } from './value-words.ts';
import { groupBy } from '../../platform/group-by.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

/** The most groups of clients that the closing line names. */
const maxFolds = 3;

/** A mail's words in their order, for text and HTML alike. */
export interface MailWords {
  readonly introduction: string | null;
  /** The line above the sections, with the page that acknowledges; null if there is none. */
  readonly answer: { readonly text: string; readonly link: string } | null;
  readonly sections: readonly SectionWords[];
  /** The lines below the sections. */
  readonly closing: readonly ClosingWords[];
}

interface ClosingWords {
  readonly text: string;
  readonly command: readonly string[] | null;
}

export interface SectionWords {
  readonly kind: SectionKind;
  readonly heading: string;
  /** null if the section counts nothing. */
  readonly count: number | null;
  readonly explanation: string | null;
  readonly lines: readonly LineWords[];
  /** The items without a line of their own, in words, by rule. */
  readonly rest: readonly string[];
  readonly worst: Severity;
}

const headings: Readonly<Record<SectionKind, { readonly heading: string; readonly explanation: string | null }>> = {
  critical: { heading: 'Critical', explanation: null },
  warning: { heading: 'Warning', explanation: null },
  flapping: {
    heading: 'Flapping',
    explanation: 'It comes and goes. There will be no more mail about it until it has settled.',
  },
  resolved: { heading: 'Resolved', explanation: null },
  event: { heading: 'Event', explanation: null },
  ended: { heading: 'Ended', explanation: 'Not a recovery: it is only not there, or not watched, any more.' },
  past: { heading: 'Over already', explanation: 'Alerts that began and ended before anybody could be notified.' },
  open: { heading: 'Still open', explanation: null },
  listed: {
    heading: 'Held back',
    explanation: 'What began and ended while a silence, a window or another alert held it back.',
  },
};

const alreadyTrueWords = 'All of this was true already when it was looked at for the first time.';

export function wordsOfMail(mail: DueMail, wording: Wording): MailWords {
  const { sections, alreadyTrue, items } = mail;
  const { program, reader, replyLink = null } = wording;
  const firing = items.filter(isFiring);
  const causes = causesOf(sections);
  const numbers = numberRanges(firing.map(({ alertId }) => alertId));
  return {
    introduction: alreadyTrue ? alreadyTrueWords : null,
    answer: replyLink === null ? null : { text: linkWords, link: replyLink },
    sections: sections.map(({ kind, count, rules }) => {
      const lines = rules.flatMap((rule) =>
        rule.lines.map((line) => wordsOfLine(line, kind, wording, causes.get(line) ?? null)),
      );
      return {
        kind,
        ...headings[kind],
        count,
        lines,
        rest: rules.flatMap(({ rest }) => (rest.length === 0 ? [] : [wordsOfRest(rest, kind)])),
        worst: lines.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
      };
    }),
    closing: [
      ...openWords(mail, reader.nowMs).map((text) => ({ text, command: null })),
      { text: 'All that is open:', command: [program, 'alerts'] },
      ...(isInSeveralLines(sections)
        ? [{ text: 'Acknowledge what fires in this mail:', command: [program, 'ack', ...numbers] }]
        : []),
      ...(wording.config.replies !== null && takesReplies(mail, wording.config)
        ? [{ text: replyWords, command: null }]
        : []),
      { text: `As of ${timeInWords(reader, reader.nowMs)}. Times are those of ${zoneInWords(reader)}.`, command: null },
    ],
  };
}

/** The most lines of a mail that say what changed. */
const maxCauses = 5;

/**
 * Returns what changed before the alerts of lines, for the first lines for which something is named. What changed in an
 * absence stands at the first alert that followed it.
 */
function causesOf(sections: DueMail['sections']): ReadonlyMap<Line, string> {
  const lines = sections
    .filter(({ kind }) => firingKinds.includes(kind))
    .flatMap(({ rules }) => rules.flatMap((rule) => rule.lines));
  const absences = new Set<string>();
  const named = lines.flatMap((line) => {
    const found = causeOfLine(line);
    if (found === null || (found.absence !== null && absences.has(found.absence))) return [];
    if (found.absence !== null) absences.add(found.absence);
    return [[line, found.sentence] as const];
  });
  return new Map(named.slice(0, maxCauses));
}

/**
 * Describes the cause of the alert whose changes are there by chance least likely. Names this alert's subject in a line
 * of several subjects, because the numbers of clients concern it alone.
 */
function causeOfLine({ items }: Line): { readonly sentence: string; readonly absence: string | null } | null {
  const chanceOf = ({ alert }: Line['items'][number]): number => alert.cause?.changes[0]?.chance ?? 2;
  const [first] = [...items].sort((one, other) => chanceOf(one) - chanceOf(other));
  const cause = first?.alert.cause ?? null;
  if (first === undefined || cause === null) return null;
  const isMixed = items.some(({ rule, subject }) => rule !== first.rule || subject !== first.subject);
  const { subject } = first;
  const sentence = causeSentence(first.client, cause, isMixed ? quoted(shortened(subject || first.client, 60)) : 'it');
  if (sentence === null) return null;
  const away = cause.changes.find((set) => set.away === true);
  return { sentence, absence: away === undefined ? null : `${first.client} ${away.earliestAtMs}` };
}

const linkWords = 'Acknowledge what fires in this mail, on a page without a login';
const replyWords = 'Reply ack, ack 4h or silence 1d: it concerns what fires in this mail.';

function isFiring({ alert, alertId }: DueMail['items'][number]): boolean {
  return alert.state === 'firing' && alertId > 0;
}

/** True if config.xml has `<replies>`, the mail is for an address, and an alert fires in it. */
export function takesReplies(
  { recipient, items }: DueMail,
  { replies, replyLinks }: Pick<Config, 'replies' | 'replyLinks'>,
): boolean {
  return (replies !== null || replyLinks !== null) && nameIfKind('mail', recipient) !== null && items.some(isFiring);
}

/**
 * True if no single line's command acknowledges all firing alerts of the mail. Lines decide: alerts without one exist
 * only behind many that have one.
 */
function isInSeveralLines(sections: DueMail['sections']): boolean {
  const rules = sections.filter(({ kind }) => firingKinds.includes(kind)).flatMap((section) => section.rules);
  return rules.flatMap(({ lines }) => lines).length > 1;
}

/** The most open alerts that a mail about ends names. */
const maxWorst = 3;

/**
 * Returns `Open for you now: 3 critical, 5 warnings (2 acknowledged by kim)`, the groups of clients among them, and in
 * a mail about ends alone the worst.
 */
function openWords({ open, openFolds, items }: DueMail, nowMs: number): readonly string[] {
  if (open.length === 0) return ['Nothing is open for you now.'];
  const inForce = open.filter(({ alert }) => isAcknowledged(alert, nowMs));
  const acknowledged = [...groupBy(inForce, ({ alert }) => alert.acknowledgedBy)].flatMap(([by, { length }]) =>
    by === null ? [] : [`${length} acknowledged by ${quoted(by)}`],
  );
  const listed = new Set(items.map(({ alertId }) => alertId));
  // The summary omits alerts if the mail itself lists all of them.
  const isAllListed = open.every(({ alertId }) => listed.has(alertId));
  // A mail about ends alone lists nothing that is open, and would read as if all were well.
  const worst = open.slice(0, maxWorst).map(titleOf);
  const folds = isAllListed ? [] : openFolds.slice(0, maxFolds).map((line) => foldTitle(line, 'open'));
  return [
    `Open for you now: ${countBySeverity(open)}${acknowledged.length === 0 ? '' : ` (${acknowledged.join(', ')})`}`,
    ...(folds.length === 0 ? [] : [`Among them ${folds.join('; ')}`]),
    ...(items.every(({ alert }) => alert.state === 'resolved') ? [`The worst: ${worst.join('; ')}`] : []),
  ];
}
