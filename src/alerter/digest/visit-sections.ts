import { kindOf } from '../../about/kinds.ts';
import type { SectionWords } from '../compose/mail-words.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import type { RunTotals } from '../../storage/store/digest-store.ts';
import { describeDuration, durationInWords } from '../../text/durations.ts';
import { commaGrouped, countedMany, describeSize, rounded } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { spanInWords, timeInWords } from '../../text/time-words.ts';
import { digestSection, firstLines, nameList, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

/** Rules whose alerts mean that a client was silent. */
const silentRules = ['unreachable', 'no-report'];
const nameColumns = 30;

interface Silence {
  readonly client: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The outcome of the visits of a span. */
export interface Availability {
  /** A sentence: `400 of 400 answered all 2,016 visits`. */
  readonly sentence: string;
  /** True if every client answered every visit. */
  readonly isWhole: boolean;
  /** The longest first. Silences of one client do not overlap. */
  readonly silences: readonly Silence[];
}

/** Sums up the visits. Silences come from the alerts of clients that could not be reached. */
export function availabilityOf(facts: DigestFacts): Availability {
  const silences = silencesOf(facts);
  const away = new Set(silences.map(({ client }) => client)).size;
  const { length } = facts.clients;
  if (length === 0) return { sentence: 'No client is visited', isWhole: false, silences };
  if (facts.digest.groups.length > 0) {
    const sentence = `${commaGrouped(length - away)} of ${commaGrouped(length)} were never silent`;
    return { sentence, isWhole: silences.length === 0, silences };
  }
  const collects = facts.runs.find(({ program }) => program === 'collect');
  const visits = (collects?.succeeded ?? 0) + (collects?.failed ?? 0);
  if (collects === undefined || visits === 0) return { sentence: 'Nothing was visited', isWhole: false, silences };
  if (collects.failed === 0 && away === 0) {
    return {
      sentence: `${commaGrouped(length)} of ${commaGrouped(length)} ${allVisits(collects, length)}`,
      isWhole: true,
      silences,
    };
  }
  const percent = Math.min(99.99, rounded((100 * collects.succeeded) / visits, 2));
  const sentence = `${percent} % of ${commaGrouped(visits)} visits were answered`;
  return {
    sentence: away === 0 ? sentence : `${sentence}; ${commaGrouped(away)} of ${commaGrouped(length)} were away`,
    isWhole: false,
    silences,
  };
}

/** Returns words for clients that answered every visit, with the number of visits if every run visited all clients. */
function allVisits({ succeeded, fullRuns }: RunTotals, clients: number): string {
  if (succeeded === fullRuns * clients)
    return fullRuns === 1 ? 'answered the one visit' : `answered all ${commaGrouped(fullRuns)} visits`;
  return `answered all visits, ${commaGrouped(succeeded)} in ${commaGrouped(fullRuns)} runs`;
}

function silencesOf({ spans, sinceMs, untilMs }: DigestFacts): readonly Silence[] {
  const silent = spans
    .filter((one) => kindOf(one).followsRows && silentRules.includes(one.rule))
    .map(({ client, pendingSinceMs, resolvedAtMs }) => ({
      client,
      fromMs: Math.max(pendingSinceMs, sinceMs),
      toMs: Math.min(resolvedAtMs ?? untilMs, untilMs),
    }));
  return [...groupBy(silent, ({ client }) => client).values()]
    .flatMap(joined)
    .sort((one, other) => lengthOf(other) - lengthOf(one));
}

/** Joins spans of a client that touch each other. */
function joined(spans: readonly Silence[]): readonly Silence[] {
  const result: Silence[] = [];
  for (const span of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    const last = result.at(-1);
    if (last === undefined || span.fromMs > last.toMs) result.push(span);
    else result[result.length - 1] = { ...last, toMs: Math.max(last.toMs, span.toMs) };
  }
  return result;
}

function lengthOf({ fromMs, toMs }: Silence): number {
  return toMs - fromMs;
}

/** Returns the share of answered visits, and the clients that were away longest; null if nothing was missed. */
export function availabilitySection(
  { untilMs, runs }: DigestFacts,
  { sentence, isWhole, silences }: Availability,
  { reader, most }: DigestWording,
): SectionWords | null {
  const collects = runs.find(({ program }) => program === 'collect');
  if (isWhole && (collects?.unfinished ?? 0) === 0) return null;
  const byClient = [...groupBy(silences, ({ client }) => client).values()].map((own) => ({
    own,
    totalMs: own.reduce((sum, one) => sum + lengthOf(one), 0),
  }));
  byClient.sort((one, other) => other.totalMs - one.totalMs);
  const lineOf = ({ own, totalMs }: (typeof byClient)[number]): string => {
    const [longest] = own;
    if (longest === undefined) return '';
    const name = cut(quoted(longest.client), nameColumns);
    const still = longest.toMs >= untilMs;
    const times = own.length === 1 ? '' : ` in ${commaGrouped(own.length)} times`;
    const when = still
      ? `since ${timeInWords(reader, longest.fromMs)}`
      : spanInWords(reader, longest.fromMs, longest.toMs);
    return `${name}: away ${durationInWords(totalMs)}${times} (${own.length === 1 ? '' : 'longest '}${when})`;
  };
  const [longest] = silences;
  const unfinished = collects?.unfinished ?? 0;
  return digestSection({
    heading: 'Availability',
    blocks: [
      {
        title: sentence,
        lines: [
          ...(unfinished === 0 ? [] : [`${countedMany(unfinished, 'run')} of the collector did not finish`]),
          ...(longest === undefined
            ? []
            : [`longest silence: ${nameList([longest.client])}, ${durationInWords(lengthOf(longest))}`]),
          ...firstLines(byClient, most, lineOf),
        ],
      },
    ],
  });
}

/** Returns the section of mails that no server has accepted. Returns null if there are none. */
export function undeliveredSection({ undelivered }: DigestFacts, { reader, most }: DigestWording): SectionWords | null {
  if (undelivered.length === 0) return null;
  const byRecipient = [...groupBy(undelivered, ({ recipient }) => recipient)];
  const [oldest] = undelivered;
  return digestSection({
    heading: 'Mails not delivered',
    count: undelivered.length,
    worst: 'critical',
    blocks: [
      {
        title:
          `${countedMany(undelivered.length, 'mail')}, ` +
          `the oldest of ${timeInWords(reader, oldest?.createdAtMs ?? 0)}`,
        lines: firstLines(byRecipient, most, ([recipient, mails]) => {
          const error = quoted(mails.at(-1)?.error ?? '');
          return `${commaGrouped(mails.length)} to ${cut(quoted(recipient), nameColumns)}: ${error}`;
        }),
      },
    ],
  });
}

/** Returns the section of the cost of monitoring itself. Returns null if there are no runs. */
export function costSection({ runs, sinceMs, untilMs, databaseBytes }: DigestFacts): SectionWords | null {
  if (runs.length === 0) return null;
  const days = Math.max(1, (untilMs - sinceMs) / dayMs);
  const lines = runs.flatMap(({ program, runs: count, cpuMs, maxRssBytes, overlapped }) => {
    const memory = maxRssBytes === null ? '' : `, at most ${describeSize(maxRssBytes)} of memory`;
    const cpu = `${describeDuration(cpuMs / days)} of CPU a day`;
    // A line of its own: behind the memory it would be cut off.
    const over = overlapped === 0 ? [] : [`${program}: ${countedMany(overlapped, 'run')} overlapped`];
    return [`${program}: ${countedMany(count, 'run')}, ${cpu}${memory}`, ...over];
  });
  return digestSection({
    heading: 'Monitoring itself',
    blocks: [
      {
        title: `${describeDuration(runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0))} of CPU`,
        lines: [...lines, ...(databaseBytes === null ? [] : [`database: ${describeSize(databaseBytes)}`])],
      },
    ],
  });
}
