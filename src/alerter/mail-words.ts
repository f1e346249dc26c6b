import type { Severity } from '../config/config.ts';
import type { DueMail, SectionKind } from './telling.ts';
import { wordsOfLine, wordsOfRest } from './line-words.ts';
import type { LineWords, Wording } from './line-words.ts';
import { zoneInWords } from './time-words.ts';

/** A mail's words in their order, for text and HTML alike. */
export interface MailWords {
  readonly introduction: string | null;
  readonly sections: readonly SectionWords[];
  /** What stands below: each a line. */
  readonly closing: readonly { readonly text: string; readonly command: readonly string[] | null }[];
}

export interface SectionWords {
  readonly kind: SectionKind;
  readonly heading: string;
  readonly count: number;
  readonly explanation: string | null;
  readonly lines: readonly LineWords[];
  /** What stands in no line, by rule. */
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
  ended: { heading: 'Ended', explanation: 'Not a recovery: it is only not there, or not watched, any more.' },
  past: { heading: 'Over already', explanation: 'What began and ended before it could be told.' },
  open: { heading: 'Still open', explanation: null },
  listed: {
    heading: 'Held back',
    explanation: 'What began and ended while a silence, a window or another alert held it back.',
  },
};

const alreadyTrueWords = 'All of this was true already when it was looked at for the first time.';

export function wordsOfMail({ sections, alreadyTrue, items }: DueMail, wording: Wording): MailWords {
  const { program, reader } = wording;
  const open = items.filter(({ episode }) => episode.state === 'firing').length;
  return {
    introduction: alreadyTrue ? alreadyTrueWords : null,
    sections: sections.map(({ kind, count, rules }) => {
      const lines = rules.flatMap((rule) => rule.lines.map((line) => wordsOfLine(line, kind, wording)));
      return {
        kind,
        ...headings[kind],
        count,
        lines,
        rest: rules.flatMap(({ rest }) => (rest.length === 0 ? [] : [wordsOfRest(rest)])),
        worst: lines.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
      };
    }),
    closing: [
      { text: 'All that is open:', command: [program, 'alerts'] },
      ...(open > 1 ? [{ text: 'Acknowledge all of it:', command: [program, 'ack', '--all'] }] : []),
      { text: `Times are those of ${zoneInWords(reader)}.`, command: null },
    ],
  };
}
