import type { Config } from '../../config/config.ts';
import { usualHeaders } from '../compose/compose-mail.ts';
import { composeHtml } from '../compose/compose-html.ts';
import { composeText } from '../compose/compose-text.ts';
import { countBySeverity } from '../compose/item-words.ts';
import type { MailWords, SectionWords } from '../compose/mail-words.ts';
import type { MailText } from '../../notify/mime.ts';
import { domainOf, senderOf } from '../../notify/mail-identity.ts';
import { commaGrouped, counted, namedUpTo } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { spanInWords, timeInWords, zoneInWords, type TimeReader } from '../../text/time-words.ts';
import { beganAndEnded, endedSection, openSection } from './alert-sections.ts';
import { changesSection, pendingSection } from './change-sections.ts';
import type { DigestWording } from './digest-section.ts';
import { forecastSection } from './forecast-section.ts';
import { outlierSection } from './outlier-section.ts';
import type { DigestFacts } from './read-digest.ts';
import {
  availabilityOf,
  availabilitySection,
  costSection,
  undeliveredSection,
  type Availability,
} from './visit-sections.ts';

/** The most lines of the text. */
const maxLines = 80;
/** The most lines of a list; fewer if the text would be too long. */
const maxOfList = 10;
const subjectColumns = 110;
const groupColumns = 30;
const maxMissed = 3;

interface ComposeDigestOptions {
  readonly facts: DigestFacts;
  readonly config: Config;
  /** A sentence about the attached or omitted report; null if no report was asked for. */
  readonly attached: string | null;
}

/** A digest in words, for any recipient. */
export type DigestText = Pick<MailText, 'subject' | 'text' | 'html' | 'headers'>;

/** Returns a digest in words: text of 80 lines at most, and HTML with the same content. */
export function composeDigest({ facts, config, attached }: ComposeDigestOptions): DigestText {
  const reader = { zone: config.alerts.zone, nowMs: facts.madeMs ?? facts.untilMs };
  const availability = availabilityOf(facts);
  const wordsOf = (most: number): MailWords => {
    const sections = sectionsOf(facts, availability, { reader, most });
    return {
      answer: null,
      introduction: introductionOf(facts, availability, sections, reader),
      sections,
      closing: closingOf(facts, attached, reader),
    };
  };
  let most = maxOfList;
  let words = wordsOf(most);
  while (most > 1 && composeText(words).split('\n').length - 1 > maxLines) {
    most -= 1;
    words = wordsOf(most);
  }
  const subject = subjectOf(facts, availability);
  const headers = usualHeaders(domainOf(senderOf(config)));
  return { subject, text: composeText(words), html: composeHtml(subject, words), headers };
}

/** Returns the sections. Lasting outliers and the cost of monitoring are never the only ones. */
function sectionsOf(facts: DigestFacts, availability: Availability, wording: DigestWording): readonly SectionWords[] {
  const outliers = outlierSection(facts, wording);
  const sections = [
    openSection(facts, wording),
    endedSection(facts, wording),
    forecastSection(facts, wording),
    changesSection(facts, wording),
    availabilitySection(facts, availability, wording),
    outliers,
    pendingSection(facts, wording),
    undeliveredSection(facts, wording),
  ].filter((section) => section !== null);
  if (!facts.newOutliers && sections.every((section) => section === outliers)) return [];
  const cost = costSection(facts);
  return sections.length === 0 || cost === null ? sections : [...sections, cost];
}

function introductionOf(
  { lateSinceMs, missedMs, untilMs, madeMs = untilMs }: DigestFacts,
  { sentence, isWhole }: Availability,
  sections: readonly SectionWords[],
  reader: TimeReader,
): string | null {
  const missed = namedUpTo(
    maxMissed,
    missedMs.map((atMs) => timeInWords(reader, atMs)),
  );
  const sentences = [
    ...(lateSinceMs === null
      ? []
      : [`Late: it was due on ${timeInWords(reader, lateSinceMs)}, and made on ${timeInWords(reader, madeMs)}.`]),
    ...(missedMs.length === 0 ? [] : [`${counted(missedMs.length, 'digest')} before it could not be made: ${missed}.`]),
    ...(isWhole || sections.length === 0 ? [`${sentence}.`] : []),
  ];
  return sentences.length === 0 ? null : sentences.join(' ');
}

function closingOf(
  { sinceMs, untilMs }: DigestFacts,
  attached: string | null,
  reader: TimeReader,
): MailWords['closing'] {
  const span = `${spanInWords(reader, sinceMs, untilMs)}. Times are those of ${zoneInWords(reader)}.`;
  return [...(attached === null ? [] : [attached]), span].map((text) => ({ text, command: null }));
}

/** Returns the subject: `Digest: 3 critical, 5 warnings open; 12 began, 9 ended`. */
function subjectOf(facts: DigestFacts, { sentence, isWhole }: Availability): string {
  const { digest, open, lateSinceMs } = facts;
  const groups = cut(quoted(digest.groups.join(', ')), groupColumns);
  const [began, ended] = [beganAndEnded(facts).began.length, beganAndEnded(facts).ended.length];
  const news = [
    open.length === 0 ? '' : `${countBySeverity(open)} open`,
    began + ended === 0 ? '' : `${commaGrouped(began)} began, ${commaGrouped(ended)} ended`,
    isWhole ? '' : sentence,
  ].filter((part) => part !== '');
  const head = `Digest${groups === '' ? '' : ` of ${groups}`}${lateSinceMs === null ? '' : ' (late)'}`;
  return cut(`${head}: ${news.length === 0 ? sentence : news.join('; ')}`, subjectColumns);
}
