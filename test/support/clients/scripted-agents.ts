/** Clients in memory that answer visits as the agent does, without a process or a socket. */
import { PassThrough } from 'node:stream';

import { decodeRequest } from '../../../src/report/agent-request.ts';
import type { AgentRequest } from '../../../src/report/wire.ts';
import { answerVisit } from '../../../src/simulator/answer-visit.ts';
import type { Condition } from '../../../src/simulator/condition.ts';
import { SimulatedAgent } from '../../../src/simulator/simulated-agent.ts';
import type { ServerChannel } from '../../../src/simulator/ssh-server.ts';
import type { Channel, Transport } from '../../../src/transport/transport.ts';

/** An agent that its client's crontab can also run. The crontab's runs seal to the key of the last visit. */
export interface ScriptedAgent {
  readonly transport: Transport;
  /** Makes a report as the crontab does. Returns its id with dashes; null before the first visit. */
  sealAlone(): string | null;
  /** The ids of all reports that were ever sealed. */
  readonly sealed: ReadonlySet<string>;
  /** Returns the ids of the reports that are not acknowledged. */
  waiting(): readonly string[];
}

const condition: Condition = {
  dead: null,
  bootedAtMs: Date.now() - 3_600_000,
  boot: 1,
  clockOffsetMs: 0,
  busy: false,
  fullDisk: 'no',
  failedUnit: false,
  latencyMs: 0,
  agentMs: 0,
  brokenShare: 0,
};

export function scriptedAgent(name: string): ScriptedAgent {
  const agent = new SimulatedAgent(1, {
    index: 0,
    name,
    group: 'web',
    kind: 'web',
    address: '127.0.0.1',
    behindBastion: false,
    dead: null,
    ailment: null,
    storm: null,
  });
  const sealed = new Set<string>();
  let request: AgentRequest | null = null;
  const noteWaiting = (): void => {
    for (const { id } of agent.waiting) sealed.add(dashed(id));
  };
  const exec = (command: string): Channel => {
    const asked = decodeRequest(/ '([\w-]+)'$/.exec(command)?.[1] ?? '');
    if (asked.kind === 'visit') request = asked;
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    let resolveExit: (exit: { status: number; signal: null }) => void = () => undefined;
    const exit = new Promise<{ status: number; signal: null }>((resolve) => (resolveExit = resolve));
    const channel = Object.assign(stdin, { exit: (status: number) => resolveExit({ status, signal: null }) });
    // Bytes that the far end writes to its channel go to stdout of the near end; the loader's own line goes to stderr.
    const answer = new Proxy(channel, {
      get: (target, property) => {
        if (property === 'write') return (bytes: Buffer) => stdout.write(bytes);
        if (property === 'end') return () => stdout.end();
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    answerVisit({
      channel: answer as unknown as ServerChannel,
      command,
      agent,
      condition,
      breaks: 'no',
      now: Date.now,
      cut: () => stdout.destroy(),
      onEnd: () => undefined,
    });
    noteWaiting();
    return { stdin, stdout, stderr, exit };
  };
  return {
    transport: {
      connect: () =>
        Promise.resolve({
          connectMs: 0,
          bytes: () => ({ in: 0, out: 0 }),
          exec: (command) => Promise.resolve(exec(command)),
          leave: () => Promise.resolve(),
          destroy: () => undefined,
        }),
    },
    sealAlone: () => {
      if (request === null) return null;
      const { id } = agent.report(request, condition, Date.now());
      noteWaiting();
      return dashed(id);
    },
    sealed,
    waiting: () => agent.waiting.map(({ id }) => dashed(id)),
  };
}

function dashed(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
