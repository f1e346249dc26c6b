/** src/alerter/digest: mails with a summary. */
import type { AboutKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import type { SectionWords } from '../compose/mail-words.ts';
import { countBySeverity, labelOf, shortText, textBeside } from '../compose/item-words.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { AlertSpan } from '../../storage/store/digest-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import { compareText } from '../../text/compare-text.ts';
import { durationInWords } from '../../text/durations.ts';
import { commaGrouped } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { timeInWords } from '../../text/time-words.ts';
import { servingText } from '../explain/group-words.ts';
import { digestSection, firstLines, type DigestBlock, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

const clientColumns = 28;
const ruleColumns = 30;

/**
 * Returns the section of firing alerts: the critical ones first, of these the ones last that are told as warnings, then
 * the longest. It has the groups of which a member does not serve. Returns null if there is nothing.
 */
export function openSection(
  { open, eased, groups, untilMs, madeMs = untilMs }: DigestFacts,
  { most }: DigestWording,
): SectionWords | null {
  if (open.length + groups.length === 0) return null;
  const worstFirst = [...open].sort(
    (one, other) =>
      compareSeverity(one.severity, other.severity) ||
      Number(eased.has(one)) - Number(eased.has(other)) ||
      one.pendingSinceMs - other.pendingSinceMs,
  );
  const lineOf = (alert: Alert): string => {
    const value = shortText(textBeside(alert, alert), alert.value);
    const since = durationInWords(madeMs - alert.pendingSinceMs);
    const told = eased.has(alert) ? ', told as a warning' : '';
    return `${alert.severity}${told}: ${nameOf(alert)}${value === null ? '' : ` ${value}`}, for ${since}`;
  };
  const hidden = worstFirst.slice(most);
  const rules = hidden.length === 0 ? [] : [`by rule: ${ruleCounts(open)}`];
  const blocks: DigestBlock[] = [
    ...(open.length === 0
      ? []
      : [{ title: countBySeverity(open), lines: [...firstLines(worstFirst, most, lineOf), ...rules] }]),
    ...(groups.length === 0
      ? []
      : [{ title: 'Groups of which a member does not serve', lines: firstLines(groups, most, servingText) }]),
  ];
  const worst = open.some((alert) => alert.severity === 'critical' && !eased.has(alert)) ? 'critical' : 'warning';
  return digestSection({ heading: 'Open now', count: open.length, worst, blocks });
}

/** Counts alerts by rule, `disk 5, load 2`: the rules with the most alerts first. */
function ruleCounts(alerts: readonly Pick<AlertSpan, 'rule'>[]): string {
  return [...groupBy(alerts, ({ rule }) => rule)]
    .sort(([one, own], [other, others]) => others.length - own.length || compareText(one, other))
    .map(([rule, { length }]) => `${ruleName(rule)} ${commaGrouped(length)}`)
    .join(', ');
}

/** Returns the alerts that began in the span, and those that ended. Omits reboots, which the section of changes has. */
export function beganAndEnded({ spans, sinceMs, untilMs }: Pick<DigestFacts, 'spans' | 'sinceMs' | 'untilMs'>): {
  readonly began: readonly AlertSpan[];
  readonly ended: readonly AlertSpan[];
} {
  const listed = spans.filter(({ rule }) => rule !== 'rebooted');
  return {
    began: listed.filter(({ firingSinceMs }) => firingSinceMs >= sinceMs && firingSinceMs < untilMs),
    ended: listed.filter(
      ({ resolvedAtMs }) => resolvedAtMs !== null && resolvedAtMs >= sinceMs && resolvedAtMs < untilMs,
    ),
  };
}

/** Returns the alerts that began or ended in the span, counted by rule, and the worst that ended; null if none did. */
export function endedSection(facts: DigestFacts, { reader, most }: DigestWording): SectionWords | null {
  const { began, ended } = beganAndEnded(facts);
  if (began.length + ended.length === 0) return null;
  const byRule = [...groupBy([...began, ...ended], ({ rule }) => rule).entries()]
    .map(([rule, all]) => ({ rule, all }))
    .sort((one, other) => other.all.length - one.all.length || compareText(one.rule, other.rule));
  const ruleLine = ({ rule }: (typeof byRule)[number]): string => {
    const count = (of: readonly AlertSpan[]): number => of.filter((span) => span.rule === rule).length;
    return `${ruleName(rule)}: ${commaGrouped(count(began))} began, ${commaGrouped(count(ended))} ended`;
  };
  const worst = [...ended].sort(
    (one, other) =>
      compareSeverity(one.severity, other.severity) ||
      lengthMs(other) - lengthMs(one) ||
      compareText(one.client, other.client),
  );
  const worstLine = (span: AlertSpan): string => {
    const { severity, pendingSinceMs } = span;
    const when = timeInWords(reader, pendingSinceMs);
    return `${severity}: ${nameOf(span)}, ${durationInWords(lengthMs(span))} from ${when}`;
  };
  const blocks: DigestBlock[] = [
    {
      title:
        `${facts.moreSpans ? 'more than ' : ''}${commaGrouped(began.length)} began, ` +
        `${commaGrouped(ended.length)} ended`,
      lines: firstLines(byRule, most, ruleLine),
    },
  ];
  if (worst.length > 0) {
    blocks.push({ title: 'The worst that ended', lines: worst.slice(0, most).map(worstLine) });
  }
  return digestSection({ heading: 'Began and ended', blocks });
}

function lengthMs({ pendingSinceMs, resolvedAtMs }: AlertSpan): number {
  return (resolvedAtMs ?? pendingSinceMs) - pendingSinceMs;
}

function ruleName(rule: string): string {
  return cut(quoted(rule), ruleColumns);
}

/** Returns the name of an alert: `web-1 disk /var`; rule and subject alone for an alert of the fleet. */
function nameOf(alert: AboutKey): string {
  const label = cut(labelOf(alert), ruleColumns);
  return !kindOf(alert).followsRows ? label : `${cut(quoted(alert.client), clientColumns)} ${label}`;
}
