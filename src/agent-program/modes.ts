import path from 'node:path';

import { usageError } from '../platform/errors/errors.ts';
import { keepReporting } from './agent-program.ts';
import type { ModeContext } from './mode-context.ts';

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

/** The names of all modes. */
export const modeNames = Object.keys(modes);

/** Returns the function of a mode. Throws a usage error for an unknown name. */
export function modeNamed(name: string): RunMode {
  const mode = Object.hasOwn(modes, name) ? modes[name] : undefined;
  if (mode === undefined) throw usageError(`there is no mode ${name}`, `Choose ${modeNames.join(', ')}.`);
  return mode;
}
