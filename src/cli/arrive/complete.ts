import { findConfig } from '../../config/find-config.ts';
import { loadSettings } from '../command/settings.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { namesByLine } from './complete-names.ts';
import type { NameKind } from './completed-commands.ts';

/**
 * Runs `complete`: prints names of config.xml, one per line, for the scripts of `completion`. Needed if `printNames`
 * cannot read config.xml, or if config.xml has a fault.
 */
export function completeCommand({ output, configFile }: Context, kind: NameKind): ExitStatus {
  const { clients } = loadSettings({ configFile: findConfig(configFile ?? undefined) });
  const names = kind === 'clients' ? clients.map(({ name }) => name) : clients.flatMap(({ groups }) => groups);
  const lines = namesByLine(names);
  if (lines !== '') output.print(lines.trimEnd());
  return 0;
}
