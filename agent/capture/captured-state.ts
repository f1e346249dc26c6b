/** The state of a client without Node, from what state.sh prints. */
import { ReportFault, type Report } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import { readState } from '../state/collect-state.ts';
import { mostLooked } from '../state/watched.ts';
import { emptyDigests, mostEntries, type Algorithm, type Entry, type StateSource } from '../state/state-source.ts';
import type { Source } from '../probes/source.ts';
import { utcText } from '../start/clock.ts';
import { agentOf, uptimeMs } from './collect-capture.ts';
import { capturedSource } from './captured-source.ts';
import type { Capture } from './parse-capture.ts';

const deadlineMs = 14_000;
/** The kinds of files in the upper digits of a mode in hexadecimal digits. */
const kinds: Readonly<Record<string, Entry['kind']>> = { '8': 'file', a: 'link', '4': 'folder' };

export interface StateCaptureOptions {
  readonly capture: Capture;
  readonly agent: string;
  readonly bootId: string | null;
  readonly wallMs: number;
  readonly options: ProbeOptions;
}

/** Makes the state report of a capture. Throws ReportFault. */
export async function collectStateCapture({
  capture,
  agent,
  bootId,
  wallMs,
  options,
}: StateCaptureOptions): Promise<Omit<Report, 'version' | 'report_id' | 'run_id' | 'client'>> {
  if (!capture.facts.has('state')) throw new ReportFault('report-invalid', '$', 'a capture without the state');
  const [files = new Map<string, string>()] = capture.samples;
  const source = capturedState(capture, capturedSource({ capture, files, nowMs: wallMs, notes: null }));
  const { report } = await readState(source, { options, deadlineMs });
  return {
    name: 'State report',
    datetime: utcText(wallMs),
    agent: agentOf(capture, agent),
    boot_id: bootId,
    monotonic_ms: uptimeMs(files),
    worker_reports: [],
    ...report,
  };
}

/** Adds the files of a capture to its source. */
export function capturedState(capture: Capture, source: Source): StateSource {
  const entries = entriesOf(capture);
  const algorithms: readonly Algorithm[] = ['md5', 'sha1', 'sha256', 'unit'];
  const digests = new Map(algorithms.map((name) => [name, digestsIn(capture.programs.get(name)?.output ?? '')]));
  const cut = new Set(algorithms.map(programOf).filter((program) => !hasAllEnds(capture, program)));
  return {
    ...source,
    below: (folder) => entries.filter(({ path }) => path.startsWith(`${folder}/`)),
    digest: (path, algorithm) => {
      const program = programOf(algorithm);
      if (cut.has(program)) {
        const why = 'it took too long, or another program has this name';
        throw new Error(`${program}sum: its list of digests is not whole: ${why}`);
      }
      return digests.get(algorithm)?.get(path) ?? null;
    },
    udpBefore: capture.programs.get('udp')?.output ?? null,
    paths: { statusOf: () => '- - -', restless: (capture.facts.get('restless') ?? []).slice(0, mostLooked) },
  };
}

function programOf(algorithm: Algorithm): keyof typeof emptyDigests {
  return algorithm === 'unit' ? 'sha256' : algorithm;
}

/** True if each list of digests that the script began has its last line, the digest of nothing. */
function hasAllEnds({ facts, programs }: Capture, program: keyof typeof emptyDigests): boolean {
  const begun = (facts.get('sums') ?? []).filter((name) => name === program);
  const end = new RegExp(`^${emptyDigests[program]} [ *]/dev/null$`, 'gm');
  const ends = programs.get(program)?.output.match(end) ?? [];
  return ends.length >= begun.length;
}

function entriesOf({ facts }: Capture): readonly Entry[] {
  const found = (facts.get('entry') ?? []).flatMap((text) => {
    const [, kindDigit = '', rights = '', size, seconds, path] =
      /^([0-9a-f])([0-9a-f]{3}) (\d{1,15}) (\d{1,11}) \.(\/.+)$/.exec(text) ?? [];
    const kind = kinds[kindDigit];
    if (kind === undefined || path === undefined) return [];
    const mode = parseInt(rights, 16);
    return [{ path, kind, mode, sizeBytes: Number(size), changedS: Number(seconds) }];
  });
  found.sort((one, other) => compare(one.path, other.path));
  const closed = found.filter(({ kind, mode }) => kind === 'folder' && (mode & 0o001) === 0);
  const isInClosed = belowOneOf(closed.map(({ path }) => `${path}/`));
  return found.slice(0, mostEntries).map(({ mode, ...entry }): Entry => {
    const needed = entry.kind === 'folder' ? 0o001 : 0o004;
    return { ...entry, isOpen: !isInClosed(entry.path) && (mode & needed) !== 0 };
  });
}

/**
 * Returns a function that tells if a path begins with one of the beginnings. The paths have to be given in their order.
 * Each is compared with one beginning: the last one before it that is not below another.
 */
function belowOneOf(beginnings: readonly string[]): (path: string) => boolean {
  const sorted = [...beginnings].sort(compare);
  const outermost: string[] = [];
  for (const one of sorted) if (!one.startsWith(outermost.at(-1) ?? '\0')) outermost.push(one);
  let at = 0;
  return (path) => {
    while (at + 1 < outermost.length && compare(outermost[at + 1] ?? '', path) <= 0) at++;
    return path.startsWith(outermost[at] ?? '\0');
  };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** Reads `DIGEST  PATH`. */
function digestsIn(output: string): ReadonlyMap<string, string> {
  return new Map(
    [...output.matchAll(/^([0-9a-f]{32,64}) [ *](.+)$/gm)].map(([, digest = '', path = '']) => [`/${path}`, digest]),
  );
}
