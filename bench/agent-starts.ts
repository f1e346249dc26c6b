/** Starts of the agents in the form of visits, for the benchmarks of their cost. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { readBundles } from '../src/collector/agent/agent-bundles.ts';
import { encodeRequest } from '../src/report/agent-request.ts';
import type { AgentRequest } from '../src/report/wire.ts';
import { generateKeyPair } from '../src/report/seal/key-pair.ts';
import { runCommand, uploadCommand, uploadShellCommand } from '../src/transport/loader/loader.ts';

/** The parts of a request that name further work. */
export type Asked = Pick<AgentRequest, 'options' | 'checks' | 'stamp'>;

/** The agents: `node` for clients with node, `shell` for clients without. */
export type Agent = 'node' | 'shell';

export interface AgentStarts {
  /** The command line of a visit of an installed agent. */
  readonly visit: string;
  /** Uploads inventory.cjs, for Node's agent only. Returns the command line of an inventory, or of the state. */
  readonly further: (kind: 'inventory' | 'state') => string;
  /** Removes the files that the starts since the first visit have left. */
  readonly restore: () => void;
}

/**
 * The pause before the visits: the agent's rates need an interval since the previous visit, or the agent waits for it.
 */
const beforeVisitsMs = 1000;

/** Returns the environment of a client whose account has this home. */
export const clientEnv = (home: string): Record<string, string> => ({
  HOME: home,
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
});

/** Installs an agent in an empty home by a first visit, and visits it once more. */
export async function installAgent(agent: Agent, home: string, asked: Asked = { options: {} }): Promise<AgentStarts> {
  const env = clientEnv(home);
  const bundles = readBundles();
  const bundle = agent === 'node' ? bundles.agent : bundles.shell;
  const collectorId = randomUUID();
  const marker = randomBytes(16);
  const request = requestOf(collectorId, marker, 'visit', asked);
  const killAfterSeconds = 11;
  const start = { client: 'bench', marker: marker.toString('base64url'), killAfterSeconds, request };
  const lengthBytes = bundle.packed().length;
  const [agentDigest, inventoryDigest] = [bundles.agent.digest, bundles.inventory.digest];
  const folder = createHash('sha256').update('bench').digest('hex').slice(0, 32);
  const shell = {
    digest: bundles.shell.digest,
    marker: Array.from(marker, (byte) => byte.toString(8)).join('.'),
    folder,
  };
  let visit: string;
  if (agent === 'node') {
    const { execPath: node } = process;
    const common = { ...start, node, collectorId };
    runShell(
      uploadCommand({ ...common, lengthBytes, digest: agentDigest, otherDigest: inventoryDigest }),
      env,
      bundle.packed(),
    );
    visit = runCommand({ ...common, kind: 'visit', agentDigest, inventoryDigest, shell: null });
  } else {
    runShell(uploadShellCommand({ ...start, node: null, collectorId, lengthBytes, shell }), env, bundle.packed());
    const state = path.join(home, '.local/state/fleet-health');
    const file = filesIn(state).find((name) => name.endsWith(`${shell.digest}.t.sh`));
    if (file === undefined) throw new Error('the shell agent was not kept');
    const machine = path.relative(state, file).split(path.sep)[0] ?? '';
    // The words are those of the end of run.sh, which itself would find this machine's node.
    const words = [shell.marker, killAfterSeconds, 't', machine, collectorId, folder, '-', request];
    visit = `exec timeout -s KILL ${killAfterSeconds} /bin/sh ${file} ${words.join(' ')} ''`;
  }
  const further = (kind: 'inventory' | 'state'): string => {
    const { inventory } = bundles;
    const one = { ...start, node: process.execPath, collectorId, request: requestOf(collectorId, marker, kind, asked) };
    const upload = { lengthBytes: inventory.packed().length, digest: inventoryDigest, otherDigest: agentDigest };
    runShell(uploadCommand({ ...one, ...upload }), env, inventory.packed());
    return runCommand({ ...one, kind, agentDigest, inventoryDigest, shell: null });
  };
  runShell(visit, env, agent === 'node' ? undefined : notesOfEarlier());
  await sleep(beforeVisitsMs);
  return { visit, further, restore: rememberState(home) };
}

/** Returns notes of a visit a minute ago, as the collector sends them, so that a client without Node reads once. */
function notesOfEarlier(): Buffer {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const uptime = parseFloat(readFileSync('/proc/uptime', 'utf8'));
  return Buffer.from(`${boot} ${Math.max(0, Math.floor(uptime) - 60)}\n{"counters":null,"texts":{}}\n`);
}

function requestOf(collectorId: string, marker: Buffer, kind: AgentRequest['kind'], asked: Asked): string {
  return encodeRequest({
    v: 1,
    kind,
    run: randomUUID(),
    client: 'bench',
    collector: collectorId,
    marker: marker.toString('base64url'),
    key: Buffer.from(generateKeyPair().publicKey).toString('base64url'),
    ...asked,
    deadlineMs: 9500,
    maxFrames: 100,
    maxBytes: 8 * 1024 * 1024,
  });
}

/** Runs a command line to its end, and returns its stdout. */
export function runShell(command: string, env: Record<string, string>, input: Uint8Array = new Uint8Array(0)): Buffer {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { env, input });
  if (status !== 0) throw new Error(`status ${String(status)}: ${stderr.toString()}`);
  return stdout;
}

/**
 * Returns a function that restores the folder. Nothing is acknowledged here: a growing spool would be sent at every
 * start, and new counters would make the agent sample again.
 */
function rememberState(home: string): () => void {
  const isKept = (file: string): boolean => /\/(?:counters\.json|notes)$/.test(file);
  const kept = filesIn(home)
    .filter(isKept)
    .map((file) => [file, readFileSync(file)] as const);
  const restore = (): void => {
    for (const [file, content] of kept) writeFileSync(file, content);
    for (const file of filesIn(home)) if (file.endsWith('.fhs')) rmSync(file);
  };
  restore();
  return restore;
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => path.join(dir, name));
}

/** Starts sleeping processes up to this number of processes in the namespace. */
export async function crowd(processes: number): Promise<ChildProcess[]> {
  const there = (): number => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
  const wanted = Math.max(0, processes - there());
  const sleepers = Array.from({ length: wanted }, () => spawn('sleep', ['3600'], { stdio: 'ignore' }));
  while (there() < processes) await sleep(50);
  return sleepers;
}
