/** Runs people's own checks beside the probes: four at a time, with deadlines for each and for all together. */
import { accessSync, constants, statSync } from 'node:fs';

import type { Check } from '../../src/report/check-command.ts';
import {
  type CheckResult,
  type RefusedCheck,
  checkFormats,
  madeKindOf,
  maxRefusedChecks,
  outputLimit,
} from '../../src/report/checks.ts';
import type { Report } from '../../src/report/report.ts';
import { isServerKind } from '../../src/report/server-checks.ts';
import { monotonicMs } from '../start/clock.ts';
import { printable } from '../probes/function-report.ts';
import { isWritten, readKept, removeFile } from '../start/private-file.ts';
import { startOf } from '../start/running.ts';
import { readFacts } from './facts.ts';
import { outputText } from './check-output.ts';
import { findChecks } from './find-checks.ts';
import { type ProcessId, fixedPath, killMs, runCheck, termMs } from './run-check.ts';
import { untrustedPart } from './trust.ts';

const atATime = 4;
const maxTogetherMs = 30_000;

export interface ChecksOptions {
  /** The checks of the request; none under a restricted key. */
  readonly requested: readonly unknown[];
  /** The folder for notes to the next visit; null if nothing can be kept. */
  readonly placeDir: string | null;
  /** The names of kept files that cannot be read. */
  readonly faults?: string[] | undefined;
  readonly bootId: string | null;
  /** The time limit of all checks together, from now. */
  readonly deadlineMs: number;
  /** The prefix of /etc and /usr, for tests. */
  readonly root?: string;
}

/** The part of a report, and the names of built-in checks that must exist. */
export interface ChecksPart extends Pick<Report, 'checks' | 'checks_refused'> {
  readonly expected?: readonly string[];
}

/** Runs the checks of these folders and of the request, and that of GPUs if `smi` exists. */
export async function runChecks(options: ChecksOptions, folders: readonly string[], smi: string): Promise<ChecksPart> {
  const { checks, refused, expected } = findChecks(folders, options.requested, smi);
  const { placeDir, deadlineMs, faults } = options;
  const bootId = options.bootId ?? '';
  const togetherMs = Math.min(maxTogetherMs, deadlineMs - termMs - killMs);
  const endMs = monotonicMs() + togetherMs;
  const refusedAll: RefusedCheck[] = [...refused];
  const earlier = placeDir === null ? new Map<string, KeptResult>() : readResults(placeDir, faults);
  const hung: RunningCheck[] = placeDir === null ? [] : stillRunning(placeDir, faults);
  let running: readonly RunningCheck[] = [];
  const kept: KeptResult[] = [];
  const note = (next: readonly RunningCheck[]): void => {
    running = next;
    if (placeDir !== null) writeRunning(placeDir, [...hung, ...running]);
  };
  const resultOf = async (check: Check): Promise<CheckResult> => {
    const { name, format, command } = check;
    const refusal = (why: string): CheckResult => ({ name, format, exit: null, why, output: '', age_s: 0 });
    const old = earlier.get(name);
    const nowMs = monotonicMs();
    const age = ageOf(old, check, bootId, nowMs);
    if (old !== undefined && age !== null) {
      kept.push(old);
      return { ...old.result, age_s: age };
    }
    if (hung.some((one) => one.name === name)) return refusal('still hanging');
    // Without a record of hanging processes every visit could leave another one.
    if (placeDir === null) return refusal('nothing can be kept');
    const kind = madeKindOf(format);
    const program = kind === null ? programOf(command[0] ?? '') : '';
    if (program === null) return refusal('missing command');
    const obstacle = kind === null ? obstacleTo(program, refusedAll) : null;
    if (obstacle !== null) return refusal(obstacle);
    const leftMs = endMs - nowMs;
    if (leftMs <= 0) return refusal('no time left');
    const allowedMs = Math.min(leftMs, check.timeoutSeconds * 1000);
    const ran =
      kind !== null
        ? await readFacts(kind, command, allowedMs)
        : await runCheck([program, ...command.slice(1)], allowedMs, (id) => note([...running, { name, ...id }]));
    if (ran.hanging !== null) hung.push({ name, ...ran.hanging });
    note(running.filter((one) => one.name !== name));
    const { exit, why } = ran;
    const result = { name, format, exit, why, output: outputText(ran.output, outputLimit(format)), age_s: 0 };
    // A server that was unreachable for a moment is asked again.
    if (check.everySeconds !== null && (kind === null || exit === 0))
      kept.push({ bootId, atMs: nowMs, command, result });
    return result;
  };
  const results = await inOrder(checks, resultOf);
  if (placeDir !== null) writeResults(placeDir, kept, earlier.size > 0);
  return {
    checks: results,
    expected,
    ...(refusedAll.length > 0 ? { checks_refused: refusedAll } : {}),
  };
}

/** Returns the results in the order of the checks. Asks all servers at once, since they cost little but time. */
async function inOrder(
  checks: readonly Check[],
  resultOf: (check: Check) => Promise<CheckResult>,
): Promise<readonly CheckResult[]> {
  const asked = new Map(checks.flatMap((check) => (isServerKind(check.format) ? [[check, resultOf(check)]] : [])));
  const others = checks.filter((check) => !asked.has(check));
  const ran = new Map((await inLanes(others, resultOf)).map((result, at) => [others[at], result]));
  return await Promise.all(
    checks.map(async (check) => ran.get(check) ?? (await (asked.get(check) ?? resultOf(check)))),
  );
}

/** Returns the results in the order of the items. Works on a few items at a time. */
async function inLanes<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return results;
}

/** Returns the path of a program, or null if it is missing. Searches the fixed PATH for a name. */
function programOf(command: string): string | null {
  const candidates = command.startsWith('/') ? [command] : fixedPath.split(':').map((dir) => `${dir}/${command}`);
  return candidates.find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined) ?? null;
}

/** Returns why a program is not run, or null. Adds an untrusted program to `refused`. */
function obstacleTo(program: string, refused: RefusedCheck[]): string | null {
  const part = untrustedPart(program);
  if (part === null) return isExecutable(program) ? null : 'cannot be started';
  if (refused.length < maxRefusedChecks) {
    refused.push({ path: printable(program), why: printable(`untrusted: ${part}`) });
  }
  return 'untrusted';
}

/** True if this account may execute a file. An empty one would end well as a script of /bin/sh. */
function isExecutable(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    const status = statSync(program);
    return status.isFile() && status.size > 0;
  } catch {
    return false;
  }
}

// The notes about checks beside the counters: results that are repeated, and processes that may still run.

const resultsName = 'checks.json';
const runningName = 'checks-running.json';
const maxBytes = 1024 * 1024;

/** A result and the time since boot when its check began. */
interface KeptResult {
  readonly bootId: string;
  readonly atMs: number;
  readonly command: readonly string[];
  readonly result: CheckResult;
}

/** Reads the results of earlier visits by name. */
function readResults(dir: string, faults?: string[]): ReadonlyMap<string, KeptResult> {
  const kept = readList(dir, resultsName, isKeptResult, faults);
  return new Map(kept.map((item) => [item.result.name, item]));
}

function isKeptResult(item: unknown): item is KeptResult {
  const { bootId, atMs, command, result } = item as KeptResult;
  const { name, format, exit, why, output } = result;
  const texts = [bootId, name, output, why ?? '', ...command];
  const isWhole = texts.every((text) => typeof text === 'string') && [atMs, exit ?? 0].every(Number.isSafeInteger);
  return isWhole && checkFormats.includes(format) && output.length <= outputLimit(format);
}

/** Writes the results that later visits repeat. Writes nothing if there are none and were none before. */
function writeResults(dir: string, kept: readonly KeptResult[], had: boolean): void {
  if (kept.length > 0) isWritten(dir, resultsName, Buffer.from(JSON.stringify(kept)), false);
  else if (had) removeFile(`${dir}/${resultsName}`);
}

/** Returns the age in seconds of a kept result that this visit repeats, or null if its check has to run. */
function ageOf(kept: KeptResult | undefined, check: Check, bootId: string, nowMs: number): number | null {
  if (kept === undefined || check.everySeconds === null || kept.bootId !== bootId) return null;
  if (kept.result.format !== check.format || kept.command.join('\0') !== check.command.join('\0')) return null;
  const age = Math.round((nowMs - kept.atMs) / 1000);
  // The tolerance allows for visits that are a little early or late.
  return age >= 0 && age < check.everySeconds * 0.9 ? age : null;
}

/** A process of a check. */
interface RunningCheck extends ProcessId {
  readonly name: string;
}

/** Returns the checks of earlier visits that still run. */
function stillRunning(dir: string, faults?: string[]): RunningCheck[] {
  const isRunningCheck = (item: unknown): item is RunningCheck => {
    const { name, pid, start } = item as RunningCheck;
    return typeof name === 'string' && [pid, start].every(Number.isSafeInteger);
  };
  return readList(dir, runningName, isRunningCheck, faults).filter(({ pid, start }) => startOf(pid) === start);
}

/** Writes the checks that run. */
function writeRunning(dir: string, running: readonly RunningCheck[]): void {
  if (running.length > 0) isWritten(dir, runningName, Buffer.from(JSON.stringify(running)), false);
  else removeFile(`${dir}/${runningName}`);
}

function readList<T>(dir: string, name: string, isItem: (item: unknown) => item is T, faults?: string[]): readonly T[] {
  const listIn = (items: unknown): readonly T[] | null => (Array.isArray(items) && items.every(isItem) ? items : null);
  return readKept(dir, name, { maxBytes, faults }, listIn) ?? [];
}
