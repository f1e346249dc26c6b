import { parseCheckmkLines } from './checkmk-lines.ts';
import { parsePluginOutput } from './nagios-output.ts';
import { formatPerfdata, parsePerfdata } from './perfdata.ts';

/** OK, WARNING, CRITICAL, UNKNOWN. */
export type CheckState = 0 | 1 | 2 | 3;

/** The result of one check. A Checkmk local check has several, named `CHECK/ITEM`. */
export interface CheckStat {
  readonly name: string;
  readonly state: CheckState;
  /** The text of the check, with why the state is UNKNOWN before it. */
  readonly text: string;
  /** By the guidelines, in base units; '' if there are no figures. */
  readonly perfdata: string;
  /** The age of the result when the report was made; 0: the check ran for it. */
  readonly ageSeconds: number;
}

/** A check as a report has it. */
export interface RanCheck {
  readonly name: string;
  readonly format: 'nagios' | 'checkmk' | 'prom';
  /** null: the program did not end by itself, or never began. */
  readonly exit: number | null;
  /** Why there is no result to believe. */
  readonly why: string | null;
  readonly output: string;
  readonly age_s: number;
}

const maxNameChars = 128;

/** Returns the results of checks, at most `most`. Of two results of one name the first counts. */
export function checkStats(ran: readonly RanCheck[], most: number): readonly CheckStat[] {
  const results = new Map<string, CheckStat>();
  for (const one of ran) {
    for (const result of resultsOf(one)) {
      if (results.size < most && !results.has(result.name)) results.set(result.name, result);
    }
  }
  return [...results.values()];
}

function resultsOf(ran: RanCheck): readonly CheckStat[] {
  const why = whyUnknown(ran);
  if (why === null && ran.format === 'checkmk') return localResults(ran);
  const { text, perfdata } = ran.format === 'nagios' ? parsePluginOutput(ran.output) : { text: '', perfdata: '' };
  return [
    {
      name: ran.name,
      state: why === null ? (ran.exit as CheckState) : 3,
      text: textOf(why, text),
      perfdata: formatPerfdata(parsePerfdata(perfdata)),
      ageSeconds: ran.age_s,
    },
  ];
}

/** Returns why a result is UNKNOWN whatever the check says; null: its exit status tells its state. */
function whyUnknown({ exit, why, format }: RanCheck): string | null {
  if (why !== null) return why;
  if (exit === null) return 'it did not end by itself';
  if (exit === 126) return 'exit status 126: the command cannot be executed';
  if (exit === 127) return 'exit status 127: there is no such command';
  if (exit > 128 && exit < 160) return `exit status ${exit}: signal ${exit - 128}`;
  if (exit < 0 || exit > 3) return `exit status ${exit}`;
  // A local check tells the state in its lines, so that any other status is a fault of the script.
  return format === 'checkmk' && exit !== 0 ? `exit status ${exit}` : null;
}

function localResults({ name, output, age_s }: RanCheck): readonly CheckStat[] {
  const { checks, wrongLine } = parseCheckmkLines(output);
  const results = checks.map((one): CheckStat => ({
    name: itemName(name, one.name),
    state: one.state,
    text: cleanText(one.text),
    perfdata: formatPerfdata(one.figures),
    ageSeconds: age_s,
  }));
  const fault = wrongLine === null ? (checks.length === 0 ? 'no line of output' : null) : 'not a line of a local check';
  if (fault === null) return results;
  const own = { name, state: 3, text: textOf(fault, wrongLine ?? ''), perfdata: '', ageSeconds: age_s } as const;
  return [own, ...results];
}

function itemName(name: string, item: string): string {
  const path = `${name}/${cleanText(item).replaceAll('\n', ' ')}`;
  return Array.from(path)
    .slice(0, maxNameChars)
    .join('')
    .slice(0, maxNameChars)
    .replaceAll(/\p{Cs}/gu, '\uFFFD');
}

function textOf(why: string | null, text: string): string {
  const own = cleanText(text);
  if (why === null) return own;
  return cleanText(own === '' ? why : `${why}: ${own}`);
}

/** Returns a text without the characters that no screen and no database should meet. Lines stay. */
function cleanText(text: string): string {
  return text
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/\t/g, ' ')
    .replaceAll(/[^\n\P{Cc}]/gu, '\uFFFD')
    .trim();
}
