import { loadSettingsToShow } from '../command/settings.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { NameKind } from './completed-commands.ts';

/** Runs `complete`: prints names of config.xml, each once and on a line, for the scripts of `completion`. */
export function completeCommand(context: Context, kind: NameKind): ExitStatus {
  const { clients } = loadSettingsToShow(context);
  const names = kind === 'clients' ? clients.map(({ name }) => name) : clients.flatMap(({ groups }) => groups);
  // A name with a line break would make two names.
  for (const name of new Set(names)) if (!/\p{Cc}/u.test(name)) context.output.print(name);
  return 0;
}
