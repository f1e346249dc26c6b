import type { DigestConfig } from '../channel-config.ts';
import { parseMailAddresses } from '../values/addresses.ts';
import { parseClock, parseDays } from '../values/calendar.ts';
import { globMatcher, splitGlobs } from '../values/globs.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';

const usualMinute = 7 * 60;

/** Reads every `<digest>` of `<alerts>`. Warns of groups without clients. */
export function readDigests(
  alerts: Element | null,
  groups: ReadonlySet<string>,
  findings: Findings,
): readonly DigestConfig[] {
  const digests: DigestConfig[] = [];
  for (const element of alerts?.children ?? []) {
    if (element.name !== 'digest' || element.faulty) continue;
    const digest = readDigest(element);
    if (digests.some(({ name }) => name === digest.name)) {
      findings.fault(element, `a second <digest> is named "${digest.name}"; write name="..." to tell them apart`);
      continue;
    }
    const matches = globMatcher(digest.groups.join(','));
    if (digest.groups.length > 0 && ![...groups].some(matches)) {
      findings.warn(element, `<digest> groups="${digest.groups.join(',')}" matches no group of clients`);
    }
    digests.push(digest);
  }
  return digests;
}

function readDigest({ attributes: { name, to, at, days, groups, attach } }: Element): DigestConfig {
  const words = [
    days
      ?.toLowerCase()
      .trim()
      .replaceAll(/ *([,-]) */g, '$1') ?? 'daily',
    ...splitGlobs(groups ?? ''),
  ];
  return {
    name: name ?? words.join(' '),
    to: [...new Set(parseMailAddresses(to ?? '') ?? [])],
    days: parseDays(days ?? '') ?? [],
    atMinute: parseClock(at ?? '') ?? usualMinute,
    groups: splitGlobs(groups ?? ''),
    attachesReport: attach === 'report',
  };
}
