/** Turns the results of people's own checks, as a report has them, into rows of `check_stats`. */
import { parseCertificates } from './certificates.ts';
import { parseGpus } from './gpus.ts';
import { parseCheckmkLines } from './checkmk-lines.ts';
import { parsePluginOutput } from './nagios-output.ts';
import { type Judgement, parsePerfdata } from './perfdata.ts';
import { formatPerfdata } from './written-perfdata.ts';
import { parseTextfiles } from './textfiles.ts';
import type { CheckResult, CheckState, RefusedCheck } from '../report/checks.ts';
import { maxSubjects } from '../report/limits.ts';
import type { Report } from '../report/report.ts';

/** The words for the states, by their number. */
export const checkStateWords = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** A row of `check_stats`. A Checkmk local check has several, named `CHECK/ITEM`. */
export interface CheckStat {
  readonly check_name: string;
  readonly state: CheckState;
  /** The text of the check, with why the state is UNKNOWN before it. */
  readonly text: string;
  /** By the guidelines, in base units; '' if there are no figures. */
  readonly perfdata: string;
  /** The age of the result when the report was made; 0: the check ran for it. */
  readonly age_s: number;
  /** 1 for a conf file or command that was not taken; `check_name` is its path then. */
  readonly refused: 0 | 1;
}

const maxNameChars = 128;
const maxPathChars = 255;
/** The whole of a longer text is in `reports`. */
const maxTextChars = 1000;

/** Returns the rows of a report's checks, at most 200. Of two rows of one name the first counts. */
export function checkStats({
  checks = [],
  checks_refused: refused = [],
  datetime,
}: Pick<Report, 'checks' | 'checks_refused' | 'datetime'>): readonly CheckStat[] {
  const nowMs = Date.parse(datetime);
  const rows = new Map<string, CheckStat>();
  for (const row of [...refused.map(refusedRow), ...checks.flatMap((ran) => resultsOf(ran, nowMs))]) {
    if (rows.size < maxSubjects && !rows.has(row.check_name)) rows.set(row.check_name, row);
  }
  return [...rows.values()];
}

function refusedRow({ path, why }: RefusedCheck): CheckStat {
  const name = clip(oneLine(path), maxPathChars);
  return { check_name: name, state: 3, text: textOf(null, why), perfdata: '', age_s: 0, refused: 1 };
}

function resultsOf(ran: CheckResult, nowMs: number): readonly CheckStat[] {
  const why = whyUnknown(ran);
  if (why === null && ran.format === 'checkmk') return localResults(ran);
  if (why === null && ran.format === 'certificate' && ran.exit === 0) {
    return [rowOf(ran, parseCertificates(ran.output, nowMs))];
  }
  if (why === null && ran.format === 'textfile' && ran.exit === 0) {
    return parseTextfiles(ran.output).map((file) => {
      const check_name = file.name === '' ? ran.name : clip(oneLine(`textfile:${file.name}`), maxNameChars);
      return { ...rowOf(ran, file), check_name };
    });
  }
  if (ran.format === 'gpu' && ran.exit !== null && ran.exit < 126) {
    const [, expected] = ran.name.split(':');
    return [rowOf(ran, parseGpus(ran.output, ran.exit, expected === undefined ? null : Number(expected)))];
  }
  // Why there is no certificate is told as a plugin tells it.
  const isPlugin = ran.format !== 'checkmk' && ran.format !== 'prom';
  const { text, perfdata } = isPlugin ? parsePluginOutput(ran.output) : { text: '', perfdata: '' };
  const state = why === null ? (ran.exit as CheckState) : 3;
  return [rowOf(ran, { state, text, figures: parsePerfdata(perfdata) }, why)];
}

/** The name of a result of GPUs has their expected number, and that of the row never, whatever the state. */
function rowOf(
  { name, format, age_s }: CheckResult,
  { state, text, figures }: Judgement,
  why: string | null = null,
): CheckStat {
  const check_name = format === 'gpu' ? 'gpu' : name;
  return { check_name, state, text: textOf(why, text), perfdata: formatPerfdata(figures), age_s, refused: 0 };
}

/** Returns why a result is UNKNOWN whatever the check says; null: its exit status tells its state. */
function whyUnknown({ exit, why, format }: CheckResult): string | null {
  if (why !== null) return why;
  if (exit === null) return 'it did not end by itself';
  if (exit === 126) return 'exit status 126: the command cannot be executed';
  if (exit === 127) return 'exit status 127: there is no such command';
  if (exit > 128 && exit < 160) return `exit status ${exit}: signal ${exit - 128}`;
  if (exit < 0 || exit > 3) return `exit status ${exit}`;
  // A local check tells the state in its lines, so that any other status is a fault of the script.
  return format === 'checkmk' && exit !== 0 ? `exit status ${exit}` : null;
}

function localResults(ran: CheckResult): readonly CheckStat[] {
  const { checks, wrongLine } = parseCheckmkLines(ran.output);
  const results = checks.map((one) => ({ ...rowOf(ran, one), check_name: itemName(ran.name, one.name) }));
  const fault = wrongLine === null ? (checks.length === 0 ? 'no line of output' : null) : 'not a line of a local check';
  if (fault === null) return results;
  return [rowOf(ran, { state: 3, text: wrongLine ?? '', figures: [] }, fault), ...results];
}

function itemName(name: string, item: string): string {
  return clip(oneLine(`${name}/${item}`), maxNameChars);
}

function oneLine(text: string): string {
  return cleanText(text).replaceAll('\n', ' ');
}

function textOf(why: string | null, text: string): string {
  const own = cleanText(text);
  return clip(why === null ? own : own === '' ? why : `${why}: ${own}`, maxTextChars);
}

/** Cuts between characters, so that none is halved. */
function clip(text: string, maxChars: number): string {
  return text.length <= maxChars
    ? text
    : text
        .slice(0, maxChars)
        .replace(/\p{Cs}$/u, '')
        .trimEnd();
}

/** Returns a text without the characters that no screen and no database should meet. Lines stay. */
function cleanText(text: string): string {
  return text
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/\t/g, ' ')
    .replaceAll(/[^\n\P{Cc}]/gu, '\uFFFD')
    .trim();
}
