import { readBundles } from '../src/collector/agent/agent-bundles.ts';
import { sshdMissing } from '../test/support/ssh/sshd.ts';
import type { AgentAskedCosts, AgentAskedInput } from './agent-asked.ts';
import type { AgentCosts, AgentVisitsInput } from './agent-visits.ts';
import { inFreshProcess } from './children.ts';
import { atMost, forInformation, measured, notMeasured, ratioAtMost } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row, Target } from './figure.ts';
import { programMissing } from './need-program.ts';

const bareNode = 'node -e 0';
const cpuRow = (processes: number, target: Target): Row => ({
  name: `agent-cpu-${processes}`,
  what: `agent CPU, all probes, ${processes} processes on the client : node -e 0`,
  unit: 'ms',
  peer: bareNode,
  target,
});
const crowds = [
  { processes: 100, row: cpuRow(100, ratioAtMost(2)) },
  { processes: 500, row: cpuRow(500, ratioAtMost(2.3)) },
] as const;
const wall: Row = {
  name: 'agent-wall',
  what: 'agent wall time after the first visit: loader, start, probes, seal, fsync, frames',
  unit: 's',
  peer: null,
  target: atMost(0.1),
};
const memory: Row = {
  name: 'agent-memory',
  what: 'agent resident memory, at its most : node -e 0',
  unit: 'MB',
  peer: bareNode,
  target: ratioAtMost(1.2),
};
const size: Row = {
  name: 'agent-size',
  what: 'agent as uploaded (compressed)',
  unit: 'KB',
  peer: null,
  target: atMost(39.936),
};

/** A killed benchmark must leave nothing behind that goes on measuring, so `unshare` dies with its parent. */
const inNamespace = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
] as const;

const plainAgent = 'the agent with nothing asked';
const everything =
  'with logs, units, processes, mounts, 4 checks, a certificate, textfiles, GPUs and a container asked';
const defaults: Row = {
  name: 'agent-cpu-defaults',
  what: 'agent CPU with the default rules : with nothing asked',
  unit: 'ms',
  peer: plainAgent,
  target: ratioAtMost(1.1),
};
const besideNode = (name: string, what: string): Row => ({
  name,
  what: `${what} : node -e 0`,
  unit: 'ms',
  peer: bareNode,
  target: null,
});
const everythingCpu = besideNode('agent-cpu-everything', `agent CPU ${everything}, their programs included`);
const everythingWall = forInformation('agent-wall-everything', 'the same: wall time', 's');
const loginCpu = besideNode('client-login-cpu', "`ssh host true`, CPU of the client's sshd and of its session");
const shellCpu = besideNode('shell-agent-cpu', 'shell agent CPU with nothing asked, its programs included');
const shellDefaultsCpu = besideNode('shell-agent-cpu-defaults', 'the same with the default rules');
const shellEverythingCpu = besideNode('shell-agent-cpu-everything', `shell agent CPU ${everything}`);
const shellEverythingWall = forInformation('shell-agent-wall-everything', 'the same: wall time', 's');

/** Measures a client's cost of a start of the agent, by the number of the client's processes. */
export function benchAgent({ quick, say }: BenchOptions): Promise<BenchResult> {
  const { agent } = readBundles();
  say(`agent.cjs: ${agent.content.length} bytes, ${agent.packed().length} as uploaded`);
  const figures: Figure[] = [measured(size, [agent.packed().length / 1000])];
  const missing =
    process.getuid?.() === 0 ? programMissing('unshare', 'util-linux', quick) : 'needs root, for a PID namespace';
  const noTime = programMissing('time', 'time', quick);
  for (const { processes, row } of crowds) {
    if (missing !== null) {
      figures.push(notMeasured(row, missing));
      if (processes === 100) figures.push(notMeasured(wall, missing), notMeasured(memory, missing));
      continue;
    }
    const input: AgentVisitsInput = {
      processes: quick ? 20 : processes,
      rounds: quick ? 1 : 11,
      startsPerRound: quick ? 2 : 20,
      measuresMemory: processes === 100 && noTime === null,
    };
    const { agents, bare } = inFreshProcess('agent-visits.ts', input, inNamespace) as AgentCosts;
    figures.push(measured(row, agents.cpuMs, bare.cpuMs));
    if (processes !== 100) continue;
    const seconds = agents.wallMs.map((ms) => ms / 1000);
    figures.push(measured(wall, seconds));
    figures.push(noTime === null ? measured(memory, agents.peakMb, bare.peakMb) : notMeasured(memory, noTime));
  }
  figures.push(...askedFigures(quick, missing));
  return Promise.resolve({ figures, series: [] });
}

/** Measures both agents by the work that the visits request, with 100 processes on the client. */
function askedFigures(quick: boolean, missing: string | null): Figure[] {
  if (missing !== null) {
    const rows = [defaults, everythingCpu, everythingWall, loginCpu, shellCpu, shellDefaultsCpu];
    return [...rows, shellEverythingCpu, shellEverythingWall].map((row) => notMeasured(row, missing));
  }
  const noSshd = sshdMissing() ?? programMissing('ssh', 'openssh-client', quick);
  const input: AgentAskedInput = {
    processes: quick ? 20 : 100,
    rounds: quick ? 1 : 11,
    startsPerRound: quick ? 2 : 10,
    logsIn: noSshd === null,
  };
  const costs = inFreshProcess('agent-asked.ts', input, inNamespace) as AgentAskedCosts;
  const secondsOf = (name: keyof AgentAskedCosts): number[] => costs[name].wallMs.map((ms) => ms / 1000);
  const { bare } = costs;
  return [
    measured(defaults, costs['node-defaults'].cpuMs, costs['node-nothing'].cpuMs),
    measured(everythingCpu, costs['node-everything'].cpuMs, bare.cpuMs),
    measured(everythingWall, secondsOf('node-everything')),
    noSshd === null ? measured(loginCpu, costs.login.cpuMs, bare.cpuMs) : notMeasured(loginCpu, noSshd),
    measured(shellCpu, costs['shell-nothing'].cpuMs, bare.cpuMs),
    measured(shellDefaultsCpu, costs['shell-defaults'].cpuMs, bare.cpuMs),
    measured(shellEverythingCpu, costs['shell-everything'].cpuMs, bare.cpuMs),
    measured(shellEverythingWall, secondsOf('shell-everything')),
  ];
}
