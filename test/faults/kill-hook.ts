/**
 * Loaded into a program before its own first line (`node --require`). It changes nothing that the program does. It
 * watches the relevant instants (files, SQLite, sockets, acknowledgements), counts them and, at the instant of its
 * plan, kills with SIGKILL. In an agent it also keeps the ledger of sealed reports.
 */
import { appendFileSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

import { watchFiles } from './hook-files.ts';
import { openLedger } from './hook-ledger.ts';
import { watchPackages } from './hook-packages.ts';
import { watchSockets } from './hook-sockets.ts';
import { hookEnvironment, hookFiles } from './kill-plan.ts';
import type { HookReport, KillPlan, Strike, Victim, When } from './kill-plan.ts';

/**
 * Does work at an instant of a kind. It may not return, because the process may be killed. `bytes` are sent by the
 * work.
 */
export type AtInstant = <T>(kind: string, work: () => T, bytes?: Buffer) => T;

const dir = process.env[hookEnvironment.dir] ?? '';
/** True in an agent that was not started by a loader. */
const isStartedHere = (process.env[hookEnvironment.client] ?? '') !== '';
const request = requestOfAgent();
const command = commandOf(process.argv);
const program = request === null ? (command ?? 'other') : `agent-${request.kind}`;
const plan = planOfProgram();
const counts: Record<string, number> = {};
// Opened before the functions below are replaced, and kept together with the original writers.
const strikes = dir === '' ? null : openSync(path.join(dir, hookFiles.strikes), 'a');
const write = writeSync;
const append = appendFileSync;
let isDone = false;

const atInstant: AtInstant = (kind, work) => {
  const number = (counts[kind] ?? 0) + 1;
  counts[kind] = number;
  strikeIf(kind, number, 'before');
  const result = work();
  if (result instanceof Promise) {
    return result.then((value: unknown) => {
      strikeIf(kind, number, 'after');
      return value;
    }) as typeof result;
  }
  strikeIf(kind, number, 'after');
  return result;
};

function strikeIf(kind: string, number: number, when: When): void {
  if (plan === null || isDone || kind !== plan.kind || number !== plan.number || when !== plan.when) return;
  isDone = true;
  const { victim } = plan;
  const pids = pidsOf(victim);
  const name = victim.kind === 'self' ? program : victim.name;
  const strike: Strike = { program, kind, number, when, victim: name, killed: pids.length };
  if (strikes !== null) write(strikes, `${JSON.stringify(strike)}\n`);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process ended by itself.
    }
  }
}

function pidsOf(victim: Victim): readonly number[] {
  if (victim.kind === 'self') return [process.pid];
  if (victim.kind === 'parent') return [process.ppid];
  if (victim.kind === 'process') return [victim.pid];
  try {
    const text = readFileSync(`/proc/${victim.pid}/task/${victim.pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * Returns the request that the loader passed to an agent, or an equivalent one in a push or spoke. Returns
 * null in any other program.
 */
function requestOfAgent(): { readonly client: string; readonly kind: string } | null {
  const pushing = process.env[hookEnvironment.client] ?? '';
  if (pushing !== '') return { client: pushing, kind: process.argv.at(-1) === 'spoke' ? 'spoke' : 'push' };
  const text = process.argv.find((argument) => argument.startsWith('eyJ'));
  if (text === undefined) return null;
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as { client: string; kind: string };
}

function commandOf(args: readonly string[]): string | null {
  return ['collect', 'ingest', 'alert', 'serve', 'receive'].find((name) => args.includes(name)) ?? null;
}

/**
 * Returns the plan of this program; null if none. sshd and the loader clear the environment, so their programs read a
 * file.
 */
function planOfProgram(): KillPlan | null {
  if (command === 'receive') return planOfFile(`receive-${process.argv.at(-1) ?? ''}`);
  return request === null || isStartedHere ? planOfEnvironment() : planOfFile(request.client);
}

function planOfEnvironment(): KillPlan | null {
  const text = process.env[hookEnvironment.plan] ?? '';
  return text === '' ? null : (JSON.parse(text) as KillPlan);
}

/** Takes the plan of a client from its file. The first process to read it removes it; the others get null. */
function planOfFile(client: string): KillPlan | null {
  const file = path.join(dir, hookFiles.planOf(client));
  try {
    const text = readFileSync(file, 'utf8');
    unlinkSync(file);
    return JSON.parse(text) as KillPlan;
  } catch {
    return null;
  }
}

const ledger = request === null ? null : openLedger(path.join(dir, hookFiles.ledger), request.client);
ledger?.noteSpooled();
watchFiles(atInstant);
ledger?.noteSealed();
watchSockets(atInstant);
watchPackages(atInstant);
process.once('exit', () => {
  const report: HookReport = { program, counts };
  if (dir !== '') append(path.join(dir, hookFiles.counts), `${JSON.stringify(report)}\n`);
});
