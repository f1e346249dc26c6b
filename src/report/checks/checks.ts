/** Turns the results of people's own checks in a report into rows of `check_stats`. */
import { parseCertificates } from './certificates.ts';
import type { EarlierResult } from './device-files.ts';
import { parseDevice } from './devices.ts';
import { parseGpus } from './gpus.ts';
import { parseCheckmkLines } from './checkmk-lines.ts';
import { parsePluginOutput } from './nagios-output.ts';
import { type Figure, type CheckOutcome, parsePerfdata, repeatedFigures } from './perfdata.ts';
import { parseSample, repeatedSamples, type PromSample } from './prom-samples.ts';
import { formatPerfdata } from './written-perfdata.ts';
import { parseServer } from './servers.ts';
import { parseTextfiles } from './textfiles.ts';
import {
  madeKindOf,
  maxCheckOutputBytes,
  type CheckResult,
  type CheckState,
  type MadeKind,
  type RefusedCheck,
} from '../checks.ts';
import { maxSubjects } from '../limits.ts';
import type { Report } from '../report.ts';

/** The words for the states, by their number. */
export const checkStateWords = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** A row of `check_stats`. A Checkmk local check has several, named `CHECK/ITEM`. */
export interface CheckStat {
  readonly check_name: string;
  readonly state: CheckState;
  /** The text of the check; for UNKNOWN the reason comes first. */
  readonly text: string;
  /** Performance data by the guidelines, in base units; '' if there are no figures. */
  readonly perfdata: string;
  /** The age of the result at the time of the report; 0: the check ran for the report. */
  readonly age_s: number;
  /** 1 for a refused conf file or command, whose path is then `check_name`. */
  readonly refused: 0 | 1;
}

const maxNameChars = 128;
const maxPathChars = 255;
/** The most characters of a text. `reports` has the whole of a longer one. */
const maxTextChars = 1000;

/** A row with the figures and samples of its check. */
export interface MeasuredCheck {
  readonly stat: CheckStat;
  /** The figures of `perfdata`. */
  readonly figures: readonly Figure[];
  /** The samples of *.prom files and of programs that print them. */
  readonly samples: readonly PromSample[];
}

type ReportChecks = Pick<Report, 'checks' | 'checks_refused' | 'datetime'>;

/**
 * Returns the rows of a report's checks, at most 200. The worse of two rows with one name counts, and names the other.
 */
export function checkStats(report: ReportChecks): readonly CheckStat[] {
  return measuredChecks(report).map(({ stat }) => stat);
}

/** Returns the earlier result of a check of the same client. */
export type EarlierOf = (check: string) => EarlierResult;

/** The earlier result of a check of whose client nothing is known. */
export const nothingEarlier: EarlierResult = { figures: null, isOfLastReport: false, isFirstReport: true };

/** Returns the rows of checkStats with their figures and samples. `earlierOf` is asked for devices with faults. */
export function measuredChecks(
  { checks = [], checks_refused: refused = [], datetime }: ReportChecks,
  earlierOf: EarlierOf = () => nothingEarlier,
): readonly MeasuredCheck[] {
  const nowMs = Date.parse(datetime);
  const rows = new Map<string, MeasuredCheck>();
  for (const row of [...refused.map(refusedRow), ...checks.flatMap((ran) => resultsOf(ran, nowMs, earlierOf))]) {
    const { check_name: name } = row.stat;
    const other = rows.get(name);
    if (other !== undefined) rows.set(name, worseOf(other, row));
    else if (rows.size < maxSubjects) rows.set(name, row);
  }
  return [...rows.values()];
}

/** The states from the best to the worst. */
const byWorth: readonly CheckState[] = [0, 3, 1, 2];

/** Returns the worse one of two results with one name, by default the first, with a line that says so. */
function worseOf(one: MeasuredCheck, other: MeasuredCheck): MeasuredCheck {
  if (one.stat.refused === 1) return one;
  const isWorse = byWorth.indexOf(other.stat.state) > byWorth.indexOf(one.stat.state);
  const [kept, left] = isWorse ? [other, one] : [one, other];
  const words = `another result has this name: ${checkStateWords[left.stat.state]} ${oneLine(left.stat.text)}`;
  return { ...kept, stat: { ...kept.stat, text: clip(`${kept.stat.text}\n${words}`, maxTextChars) } };
}

function refusedRow({ path, why }: RefusedCheck): MeasuredCheck {
  const name = clip(oneLine(path), maxPathChars);
  const stat = { check_name: name, state: 3, text: resultText(null, why), perfdata: '', age_s: 0, refused: 1 } as const;
  return { stat, figures: [], samples: [] };
}

/** The meaning of a check's output, and its samples. */
interface SampledOutcome extends CheckOutcome {
  readonly samples?: readonly PromSample[];
}

type Parser = (ran: CheckResult, nowMs: number) => readonly MeasuredCheck[];

/** The parsers of what the agents tell, by the kind of check. */
const parsers: Readonly<Record<MadeKind, Parser>> = {
  certificate: (ran, nowMs) => [measured(ran, parseCertificates(ran.output, nowMs))],
  textfile: (ran) =>
    parseTextfiles(ran.output).map((file) =>
      measured(ran, file, file.name === '' ? ran.name : clip(oneLine(`textfile:${file.name}`), maxNameChars)),
    ),
  http: (ran, nowMs) => [measured(ran, parseServer('http', ran.output, nowMs))],
  tcp: (ran, nowMs) => [measured(ran, parseServer('tcp', ran.output, nowMs))],
  dns: (ran, nowMs) => [measured(ran, parseServer('dns', ran.output, nowMs))],
};

function resultsOf(ran: CheckResult, nowMs: number, earlierOf: EarlierOf): readonly MeasuredCheck[] {
  const { name, format, output, exit } = ran;
  const why = whyUnknown(ran);
  // The lines of a script that ended by itself are whole, whatever its status.
  if (format === 'checkmk' && ran.why === null && exit !== null && exit < 126) return localResults(ran, why);
  const kind = madeKindOf(format);
  // An agent that could make no check at all prints its reason in the form of plugins, with status 3.
  if (why === null && kind !== null && exit !== null && exit < 2) return parsers[kind](ran, nowMs);
  if (format === 'gpu' && exit !== null && exit < 126) {
    const [, expected] = name.split(':');
    return [measured(ran, parseGpus(output, exit, expected === undefined ? null : Number(expected)))];
  }
  if (why === null && format === 'device') {
    const device = parseDevice(name, output, nowMs, earlierOf);
    return device === null ? [] : [measured(ran, device, device.name)];
  }
  if (why === null && format === 'prom') {
    const read = wholeLines(output).flatMap((line) => (/^\s*(?:#|$)/.test(line) ? [] : [parseSample(line)]));
    const samples = read.filter((sample) => sample !== null);
    const others = read.length - samples.length;
    const count = `${counted(samples.length, 'sample')}${others === 0 ? '' : `, and ${counted(others, 'other line')}`}`;
    const text = [count, ...repeatedSamples(samples)].join('\n');
    return [measured(ran, { state: exit as CheckState, text, figures: [], samples })];
  }
  const isPlugin = format !== 'checkmk' && format !== 'prom';
  const { text, perfdata } = isPlugin ? parsePluginOutput(output) : { text: '', perfdata: '' };
  const state = why === null ? (exit as CheckState) : 3;
  const isSilent = why === null && state > 0 && text === '' && perfdata === '';
  const said = withRepeated(isSilent ? 'no output' : resultText(why, text), perfdata);
  return [measured(ran, { state, text: said, figures: parsePerfdata(perfdata) })];
}

/** Returns a text with a line for each figure that is left out, because another one has its label. */
function withRepeated(text: string, perfdata: string): string {
  return [text, ...repeatedFigures(perfdata)].filter((line) => line !== '').join('\n');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns the lines of an output, without the last one if it may have been cut. */
function wholeLines(output: string): readonly string[] {
  const lines = output.split('\n');
  return Buffer.byteLength(output) > maxCheckOutputBytes - 100 ? lines.slice(0, -1) : lines;
}

/**
 * Returns a row with its figures and samples. The name of a result of GPUs holds their expected number; the row is
 * always named `gpu`.
 */
function measured({ name, format, age_s }: CheckResult, outcome: SampledOutcome, own = name): MeasuredCheck {
  const { state, text, figures, samples = [] } = outcome;
  const check_name = format === 'gpu' ? 'gpu' : own;
  const perfdata = formatPerfdata(figures);
  return { stat: { check_name, state, text: resultText(null, text), perfdata, age_s, refused: 0 }, figures, samples };
}

/** Returns why a result is UNKNOWN whatever the check reports; null if the exit status is the state. */
function whyUnknown({ exit, why, format }: CheckResult): string | null {
  if (why !== null) return why;
  if (exit === null) return 'it did not end by itself';
  if (exit === 126) return 'exit status 126: the command cannot be executed';
  if (exit === 127) return 'exit status 127: there is no such command';
  if (exit > 128 && exit < 160) return `exit status ${exit}: signal ${exit - 128}`;
  if (exit < 0 || exit > 3) return `exit status ${exit}`;
  // The lines of a local check hold the states, so that any other exit status is a fault of the script.
  return format === 'checkmk' && exit !== 0 ? `exit status ${exit}` : null;
}

function localResults(ran: CheckResult, why: string | null): readonly MeasuredCheck[] {
  const { checks, wrongLine } = parseCheckmkLines(ran.output);
  const results = checks.map((one) =>
    measured(ran, { ...one, text: withRepeated(one.text, one.perfdata) }, itemName(ran.name, one.name)),
  );
  const isLacking = wrongLine === null && checks.length === 0;
  const fault = why ?? (wrongLine !== null ? 'not a line of a local check' : isLacking ? 'no line of output' : null);
  return fault === null
    ? results
    : [measured(ran, { state: 3, text: resultText(fault, wrongLine ?? ''), figures: [] }), ...results];
}

function itemName(name: string, item: string): string {
  return clip(oneLine(`${name}/${item}`), maxNameChars);
}

function oneLine(text: string): string {
  return cleanText(text).replaceAll('\n', ' ');
}

function resultText(why: string | null, text: string): string {
  const own = cleanText(text);
  return clip(why === null ? own : own === '' ? why : `${why}: ${own}`, maxTextChars);
}

/** Cuts a text between characters, so that none is halved. */
function clip(text: string, maxChars: number): string {
  return text.length <= maxChars
    ? text
    : text
        .slice(0, maxChars)
        .replace(/\p{Cs}$/u, '')
        .trimEnd();
}

/** Returns a text without characters that screens and databases cannot take. Keeps lines. */
function cleanText(text: string): string {
  return text
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/\t/g, ' ')
    .replaceAll(/[^\n\P{Cc}]/gu, '\uFFFD')
    .trim();
}
