/** The notes about checks beside the counters: results that are repeated, and processes that may still run. */
import type { Check } from '../../src/report/check-command.ts';
import { checkFormats, type CheckResult } from '../../src/report/checks.ts';
import { startOf } from '../start/running.ts';
import { isWritten, readPrivateFile, removeFile } from '../start/private-file.ts';
import type { ProcessId } from './run-check.ts';

const resultsName = 'checks.json';
const runningName = 'checks-running.json';
const maxBytes = 1024 * 1024;

/** A result and the time since boot when its check began. */
export interface KeptResult {
  readonly bootId: string;
  readonly atMs: number;
  readonly command: readonly string[];
  readonly result: CheckResult;
}

/** Reads the results of earlier visits by name. */
export function readResults(dir: string): ReadonlyMap<string, KeptResult> {
  const kept = parse(`${dir}/${resultsName}`).filter((item): item is KeptResult => {
    const { bootId, atMs, command, result } = (item ?? {}) as Partial<KeptResult>;
    const { name, format, output } = (result ?? {}) as Partial<CheckResult>;
    const texts = [bootId, name, output];
    const isWhole = texts.every((text) => typeof text === 'string') && Number.isFinite(atMs) && Array.isArray(command);
    return isWhole && checkFormats.some((candidate) => candidate === format);
  });
  return new Map(kept.map((item) => [item.result.name, item]));
}

/** Writes the results that later visits repeat. Writes nothing if there are none and were none before. */
export function writeResults(dir: string, kept: readonly KeptResult[], had: boolean): void {
  if (kept.length > 0) isWritten(dir, resultsName, Buffer.from(JSON.stringify(kept)), false);
  else if (had) removeFile(`${dir}/${resultsName}`);
}

/** Returns the age in seconds of a kept result that this visit repeats, or null if its check has to run. */
export function ageOf(kept: KeptResult | undefined, check: Check, bootId: string, nowMs: number): number | null {
  if (kept === undefined || check.everySeconds === null || kept.bootId !== bootId) return null;
  if (kept.result.format !== check.format || kept.command.join('\0') !== check.command.join('\0')) return null;
  const age = Math.round((nowMs - kept.atMs) / 1000);
  // The tolerance allows for visits that are a little early or late.
  return age >= 0 && age < check.everySeconds * 0.9 ? age : null;
}

/** A process of a check. */
export interface RunningCheck extends ProcessId {
  readonly name: string;
}

/** Returns the checks of earlier visits that still run. */
export function stillRunning(dir: string): RunningCheck[] {
  return parse(`${dir}/${runningName}`).filter((item): item is RunningCheck => {
    const { name, pid, start } = (item ?? {}) as Partial<RunningCheck>;
    if (typeof name !== 'string' || !Number.isSafeInteger(pid) || typeof start !== 'number') return false;
    return startOf(Number(pid)) === start;
  });
}

/** Writes the checks that run. */
export function writeRunning(dir: string, running: readonly RunningCheck[]): void {
  if (running.length > 0) isWritten(dir, runningName, Buffer.from(JSON.stringify(running)), false);
  else removeFile(`${dir}/${runningName}`);
}

function parse(path: string): readonly unknown[] {
  const content = readPrivateFile(path, maxBytes);
  if (content === null) return [];
  try {
    const items: unknown = JSON.parse(content.toString());
    return Array.isArray(items) ? items : [];
  } catch {
    return [];
  }
}
