/** Runs the probes on the capture of a client without Node. Their state is in the notes that the client keeps. */
import { checkResultsOf, refusedChecksOf } from '../../src/report/parse-checks.ts';
import { reportPlace } from '../../src/report/check-value.ts';
import { checkFormats, maxRefusedChecks, outputLimit } from '../../src/report/checks.ts';
import { ReportFault, type Report } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import { outputText } from '../checks/check-output.ts';
import { withBuiltIn } from '../checks/with-built-in.ts';
import type { ChecksPart } from '../checks/run-checks.ts';
import { poolsOfToday } from '../inventory/pools.ts';
import { updatesOfToday } from '../inventory/updates.ts';
import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions, Counters } from '../probes/collected.ts';
import type { Probe } from '../probes/probe.ts';
import { damagedReports, printable } from '../probes/function-report.ts';
import type { Notes } from '../probes/source.ts';
import { countersIn } from '../spool/counters-file.ts';
import { utcText } from '../start/clock.ts';
import { capturedSource } from './captured-source.ts';
import type { Capture, Files } from './parse-capture.ts';

/** The most bytes of notes. */
export const maxNoteBytes = 256 * 1024;
/** The most containers that are expected. */
const maxExpected = 1000;
const ticksPerSecond = 100;
/** The time of the probes, which wait for nothing. */
const deadlineMs = 14_000;

export interface CaptureOptions {
  readonly capture: Capture;
  readonly agent: string;
  readonly bootId: string | null;
  /** The client's wall clock at the beginning, in milliseconds since 1970. */
  readonly wallMs: number;
  readonly options: ProbeOptions;
  readonly probes: readonly Probe[];
}

export interface CaptureReport {
  /** The parts of a report that the client itself tells. */
  readonly report: Omit<Report, 'name' | 'version' | 'report_id' | 'run_id' | 'client'>;
  /** The text that the client keeps for the next visit. */
  readonly notes: string;
  /** The folder of the client's files; null if nothing can be kept. */
  readonly place: string | null;
}

/** Makes the report of a capture. Throws ReportFault. */
export async function collectCapture(given: CaptureOptions): Promise<CaptureReport> {
  const { capture, agent, bootId, wallMs } = given;
  const place = capture.facts.get('place')?.[0] ?? null;
  const kept = keptIn(capture.notes);
  const [first = new Map(), second] = capture.samples;
  const files: Files = second ?? first;
  const firstMs = uptimeMs(first);
  const notes = place === null ? null : notesOf(kept);
  const collect = async (files: Files, more: Partial<CollectOptions>, probes = given.probes): Promise<Collected> =>
    await runProbes(
      {
        source: capturedSource({ capture, files, nowMs: wallMs + uptimeMs(files) - firstMs, notes }),
        options: given.options,
        bootId,
        monotonicMs: uptimeMs(files),
        isRecorded: true,
        deadlineMs,
        previous: null,
        ...more,
      },
      probes,
    );
  if (capture.facts.has('daily')) await collect(files, {}, [updatesOfToday, poolsOfToday]);
  const begun = second === undefined ? null : (await collect(first, {})).counters;
  const collected = await (begun === null
    ? collect(files, { previous: kept.counters })
    : collect(files, { previous: ofRates(begun, given.probes), minElapsedMs: 0 }));
  // Counters that are too young for rates are kept for the next visit.
  const isTooSoon = kept.counters?.bootId === bootId && begun !== null && firstMs >= kept.counters.monotonicMs;
  const counters = isTooSoon ? kept.counters : collected.counters;
  return {
    report: {
      datetime: utcText(wallMs),
      agent: agentOf(capture, agent),
      boot_id: bootId,
      monotonic_ms: uptimeMs(files),
      worker_reports: [...collected.workerReports, ...damagedReports(kept.faults)],
      ...withBuiltIn(checksIn(capture), collected.checks),
    },
    notes: notesText({
      ...kept,
      counters: begun === null || counters === null ? counters : { ...counters, before: null },
    }),
    place,
  };
}

/** Returns the counters of rates: a number of events is counted since the previous report alone. */
function ofRates(counters: Counters, probes: readonly Probe[]): Counters {
  const isOfRates = ([name]: readonly [string, unknown]): boolean =>
    probes.find((probe) => probe.name === name)?.rates === 'rates';
  return { ...counters, values: Object.fromEntries(Object.entries(counters.values).filter(isOfRates)) };
}

/** Returns the time since boot in the files of a capture; 0 if it is missing. */
export function uptimeMs(files: Files): number {
  const seconds = parseFloat(files.get('/proc/uptime') ?? '');
  return seconds >= 0 ? Math.round(seconds * 1000) : 0;
}

/** Returns the use of the client's resources. */
export function agentOf({ facts }: Capture, version: string): Report['agent'] {
  const number = (text: string | undefined): number => Math.max(0, Number(text) || 0);
  const [begun, ended, stat = '', rss] = (facts.get('end')?.[0] ?? '').split('|');
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(number);
  return {
    version,
    cpu_ms: ticks.reduce((sum, count) => sum + (count * 1000) / ticksPerSecond, 0),
    wall_ms: Math.max(0, Math.round((number(ended) - number(begun)) * 1000)),
    rss_bytes: number(rss) * 1024,
  };
}

/** Returns people's own checks, which the client has run (checks.awk). Throws ReportFault. */
function checksIn({ checks: lines }: Capture): ChecksPart | null {
  if (lines === null) return null;
  if (lines.some((line) => !/^(?:[rcx]|$)/.test(line)))
    throw new ReportFault('report-invalid', '$.checks', 'no line of checks');
  const ofKind = (kind: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(kind) ? line.slice(1) : []));
  const refused = ofKind('r').map((line) => {
    const [path = '', why = ''] = textIn(line).split('\x1f').map(printable);
    return { path, why };
  });
  return {
    checks: checkResultsOf(ofKind('c').map(resultIn), reportPlace),
    expected: ofKind('x')
      .slice(0, maxExpected)
      .map((name) => `container:${textIn(name)}`),
    ...(refused.length === 0
      ? {}
      : { checks_refused: refusedChecksOf(refused.slice(0, maxRefusedChecks), reportPlace) }),
  };
}

/** Returns the result in a line: name, format and age, split by US, then exit status, reason and lines, split by RS. */
function resultIn(line: string): object {
  const [name = '', format = '', age, ...result] = line.split('\x1f');
  const [exit = '', why = '', ...output] = result.join('\x1f').split('\x1e');
  const limit = checkFormats.find((known) => known === format);
  return {
    name,
    format,
    exit: exit === '' ? null : Number(exit),
    why: why === '' ? null : why,
    output: outputText(Buffer.from(output.join('\n'), 'latin1'), limit && outputLimit(limit)),
    age_s: Number(age),
  };
}

function textIn(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** The state of the probes. */
interface Kept {
  /** The names of what cannot be read. */
  readonly faults: string[];
  readonly counters: Counters | null;
  readonly texts: Map<string, string>;
}

/** Returns the state in notes; none if they are damaged. Empty notes are those that became too long. */
function keptIn(notes: string | null): Kept {
  const text = notes?.slice(notes.indexOf('\n') + 1).trim() ?? '';
  const isText = (one: [string, unknown]): one is [string, string] => typeof one[1] === 'string';
  try {
    if (text.length > maxNoteBytes) throw new RangeError('notes that no collector wrote');
    const { counters = null, texts = {} } = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return {
      counters: counters === null ? null : countersOf(counters),
      texts: new Map(Object.entries(texts as Readonly<Record<string, unknown>>).filter(isText)),
      faults: [],
    };
  } catch {
    return { counters: null, texts: new Map(), faults: ['notes'] };
  }
}

function countersOf(value: unknown): Counters {
  const counters = countersIn(value);
  if (counters === null) throw new TypeError('no counters');
  return counters;
}

function notesOf({ texts, faults }: Kept): Notes {
  return {
    read: (name) => texts.get(name) ?? null,
    write: (name, text) => void texts.set(name, text),
    // The script asks nothing in the first hour.
    sinceMs: () => 0,
    faults,
  };
}

/**
 * Returns the notes: a line with the boot and the time of the oldest counters that rates may begin at, by which the
 * script knows whether it has to read twice; and a line of JSON.
 */
function notesText({ counters, texts }: Kept): string {
  const at = counters?.before?.monotonicMs ?? counters?.monotonicMs ?? 0;
  const kept = { counters, texts: Object.fromEntries(texts) };
  const text = `${counters?.bootId ?? '-'} ${Math.ceil(at / 1000)}\n${JSON.stringify(kept)}\n`;
  return Buffer.byteLength(text) <= maxNoteBytes ? text : '';
}
