import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { greatest } from '../../platform/group-by.ts';
import { messageOf, usageError } from '../../platform/errors/errors.ts';
import { minuteMs } from '../../platform/units.ts';
import { nextTurnMs } from '../../simulator/condition.ts';
import { simulatorFault } from '../../simulator/loopback-listeners.ts';
import { readFolder, readKeys, username } from '../../simulator/fleet-folder.ts';
import type { FleetPlan } from '../../simulator/fleet-plan.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { addCounts, noVisits, type VisitCounts } from '../../simulator/visit-counts.ts';
import type { ExitStatus } from '../command/context.ts';

/** The servers of a fleet, in this process or in several. */
interface Serving {
  readonly processes: number;
  readonly read: () => ServingState;
  /** Ends all servers. Resolves to the state over the whole time. */
  readonly close: () => Promise<ServingState>;
  /** Rejects with FleetError `simulator-failed` if a process ends by itself. */
  readonly broken: Promise<never>;
}

export interface ServingState {
  readonly counts: VisitCounts;
  /** The CPU time of all processes since they were ready. */
  readonly cpuMs: number;
  /** The greatest memory of any process at any time. */
  readonly maxRssBytes: number;
}

const nothing: ServingState = { counts: noVisits, cpuMs: 0, maxRssBytes: 0 };
/** The most clients of a process, each a listener: with more, a process starts slowly, and it uses one core at most. */
const clientsPerProcess = 10_000;
/** The file descriptors that a process keeps for everything but listeners, mostly for connections. */
const otherFiles = 2000;
const maxProcesses = 32;
const reportEveryMs = 250;
const readyMs = minuteMs;
const endMs = 10_000;

/** Starts all servers of the plan in the folder. Throws FleetError `simulator-failed`. */
export async function serveFleet(dir: string, plan: FleetPlan, maxFiles = maxOpenFiles()): Promise<Serving> {
  const most = Math.min(clientsPerProcess, Math.max(maxFiles - otherFiles, Math.floor(maxFiles / 2)));
  const processes = Math.ceil(plan.clients / most);
  if (processes > maxProcesses) {
    throw simulatorFault(`${plan.clients} clients are ${plan.clients} open files, and a process may open ${maxFiles}`, {
      advice: 'Raise the limit with `ulimit -n`, or simulate fewer clients.',
    });
  }
  if (processes === 1) return await serveHere(dir, plan, 0, plan.clients);
  const size = Math.ceil(plan.clients / processes);
  const parts = Array.from({ length: processes }, (_, index) => {
    const first = index * size;
    return startPart(dir, plan.startedAtMs, first, Math.min(plan.clients, first + size));
  });
  try {
    await Promise.all(parts.map(({ ready }) => ready));
  } catch (thrown) {
    for (const { child } of parts) child.kill('SIGKILL');
    throw thrown;
  }
  const sum = (states: readonly ServingState[]): ServingState => ({
    counts: addCounts(states.map(({ counts }) => counts)),
    cpuMs: states.reduce((total, { cpuMs }) => total + cpuMs, 0),
    maxRssBytes: greatest(states.map(({ maxRssBytes }) => maxRssBytes)),
  });
  const broken = Promise.race(parts.map((part) => part.broken));
  broken.catch(() => undefined);
  return {
    processes,
    read: () => sum(parts.map(({ state }) => state())),
    close: async () => sum(await Promise.all(parts.map((part) => part.close()))),
    broken,
  };
}

async function serveHere(dir: string, plan: FleetPlan, first: number, end: number): Promise<Serving> {
  const simulator = await startSimulator({ ...readKeys(dir), plan, first, end, username, now: Date.now });
  const before = process.cpuUsage();
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    const waitForTurn = (): void => {
      const atMs = nextTurnMs(plan, Date.now());
      if (atMs === null) return;
      timer = setTimeout(() => void simulator.turn().then(waitForTurn, reject), atMs - Date.now());
    };
    waitForTurn();
  });
  broken.catch(() => undefined);
  const read = (): ServingState => {
    const { user, system } = process.cpuUsage(before);
    const maxRssBytes = process.resourceUsage().maxRSS * 1024;
    return { counts: simulator.counts(), cpuMs: (user + system) / 1000, maxRssBytes };
  };
  return {
    processes: 1,
    read,
    close: async () => {
      clearTimeout(timer);
      const last = read();
      await simulator.close();
      return last;
    },
    broken,
  };
}

interface Part {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly broken: Promise<never>;
  readonly state: () => ServingState;
  readonly close: () => Promise<ServingState>;
}

type PartMessage = { readonly kind: 'ready' | 'state' | 'last' } & ServingState;

function startPart(dir: string, startedAtMs: number, first: number, end: number): Part {
  const script = process.argv[1] ?? '';
  const args = ['simulate', '--dir', dir, '--part', `${first}-${end}-${startedAtMs}`];
  const child = fork(script, args, { execArgv: process.execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let state = nothing;
  let closing = false;
  const exited = once(child, 'exit');
  const gone = exited.then(() => {
    throw simulatorFault(`the process of the clients from ${first + 1} to ${end} has ended`);
  });
  child.on('message', (message) => {
    // The sender is this program.
    state = message as PartMessage;
  });
  const heard = async (kind: PartMessage['kind'], withinMs: number): Promise<void> => {
    const signal = AbortSignal.timeout(withinMs);
    for (;;) {
      const [message] = (await once(child, 'message', { signal })) as [PartMessage];
      if (message.kind === kind) return;
    }
  };
  const broken = gone.catch((thrown: unknown) => {
    if (closing) return new Promise<never>(() => undefined);
    throw thrown;
  });
  broken.catch(() => undefined);
  return {
    child,
    ready: Promise.race([heard('ready', readyMs), gone]),
    broken,
    state: () => state,
    close: async () => {
      closing = true;
      child.send('end', () => undefined);
      await Promise.race([heard('last', endMs), exited]).catch(() => undefined);
      child.kill('SIGKILL');
      await exited;
      return state;
    },
  };
}

/** Serves the clients `FIRST-END-STARTED` in one of several processes, until its parent sends a message or ends. */
export async function simulatePart(folder: string, text: string): Promise<ExitStatus> {
  const [, first, end, startedAtMs] = /^(\d+)-(\d+)-(\d+)$/.exec(text) ?? [];
  const dir = path.resolve(folder);
  const kept = readFolder(dir);
  if (end === undefined || kept === null || process.send === undefined) {
    throw usageError('--part is for fleet-health itself');
  }
  const over = Promise.race([once(process, 'message'), once(process, 'disconnect')]);
  const plan = { ...kept, startedAtMs: Number(startedAtMs) };
  const serving = await serveHere(dir, plan, Number(first), Number(end));
  const post = (kind: PartMessage['kind'], state: ServingState): void => {
    process.send?.({ kind, ...state } satisfies PartMessage, undefined, undefined, () => undefined);
  };
  post('ready', serving.read());
  const timer = setInterval(() => post('state', serving.read()), reportEveryMs);
  await Promise.race([over, serving.broken]);
  clearInterval(timer);
  post('last', await serving.close());
  return 0;
}

/** Returns the number of files that this process may open; 1,024 if the system does not name it. */
function maxOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft ?? 1024);
  } catch (thrown) {
    const message = `the simulator needs Linux, where all of 127.0.0.0/8 is loopback: ${messageOf(thrown)}`;
    throw simulatorFault(message, { cause: thrown });
  }
}
