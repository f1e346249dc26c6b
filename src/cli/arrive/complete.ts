import { findConfig } from '../../config/find-config.ts';
import { loadSettings } from '../command/settings.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { namesByLine } from './complete-names.ts';
import type { NameKind } from './completed-commands.ts';

/**
 * `complete`: names of config.xml, a line each, for the scripts of `completion`, where config.xml needs more than
 * `printNames`, or has a fault.
 */
export function completeCommand({ output, configFile }: Context, kind: NameKind): ExitStatus {
  const { clients } = loadSettings({ configFile: findConfig(configFile ?? undefined) });
  const names = kind === 'clients' ? clients.map(({ name }) => name) : clients.flatMap(({ groups }) => groups);
  const lines = namesByLine(names);
  if (lines !== '') output.print(lines.trimEnd());
  return 0;
}
