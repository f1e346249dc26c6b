import path from 'node:path';

import { usageError } from '../errors.ts';
import { keepReporting } from './agent-program.ts';
import type { ModeContext } from './mode-context.ts';
import type { AgentSettings } from './settings.ts';

type RunMode = (context: ModeContext) => Promise<void>;

const modes: Readonly<Record<string, RunMode>> = {
  report: async ({ settings, place, log, signal, note, ready }) => {
    const { report } = settings;
    const file = report.file ?? path.join(place, 'reports.jsonl');
    ready();
    await keepReporting({ ...report, settings, place, file, log, signal, note });
  },
  push: async (context) => (await import('./push/push-mode.ts')).runPush(context),
  pattoo: async (context) => (await import('./push/pattoo-mode.ts')).runPattoo(context),
  spoke: async (context) => (await import('./spoke/spoke.ts')).runSpoke(context),
  edge: async (context) => (await import('./edge/edge.ts')).runEdge(context),
};

export const modeNames = Object.keys(modes);

/** Returns the function of a mode. Throws a usage error for an unknown name. */
export function modeNamed(name: string): RunMode {
  const mode = Object.hasOwn(modes, name) ? modes[name] : undefined;
  if (mode === undefined) throw usageError(`there is no mode ${name}`, `Choose ${modeNames.join(', ')}.`);
  return mode;
}

/** Throws a usage error if agent.json lacks a setting that a mode needs. `to` is the value of `--to`. */
export function checkSettings(mode: string, { edge, enrolment, pattoo }: AgentSettings, to: URL | null): void {
  if (mode === 'edge' && edge === null) {
    throw usageError('agent.json has no "edge"', 'Write "edge": {"rules": [..]} into it.');
  }
  if (mode === 'edge' && enrolment === null && edge !== null && edge.to !== null && 'url' in edge.to) {
    const advice = 'Put there what `fleet-health enroll CLIENT --edge` prints on the collector.';
    throw usageError('"edge" of agent.json sends to a collector, and this machine is not enrolled', advice);
  }
  if (mode === 'pattoo' && pattoo === null && to === null) {
    throw usageError('agent.json has no "pattoo"', 'Write "pattoo": {"to": "https://..."} into it, or give --to URL.');
  }
  if (mode === 'push' && (enrolment === null || enrolment.to === null)) {
    const advice = 'Put there what `fleet-health enroll CLIENT` prints on the collector.';
    throw usageError('agent.json does not say where to push to', advice);
  }
}
