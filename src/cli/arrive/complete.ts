import { findConfig } from '../../config/find-config.ts';
import { loadSettings } from '../command/settings.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { NameKind } from './completed-commands.ts';

/** `complete`: names of config.xml, a line each, for the scripts of `completion`. */
export function completeCommand({ output, configFile }: Context, kind: NameKind): ExitStatus {
  const { clients } = loadSettings({ configFile: findConfig(configFile ?? undefined) });
  const names = kind === 'clients' ? clients.map(({ name }) => name) : clients.flatMap(({ groups }) => groups);
  // A name with a line break could not be told from two.
  const lines = [...new Set(names)].filter((name) => !/\p{Cc}/u.test(name));
  if (lines.length > 0) output.print(lines.join('\n'));
  return 0;
}
