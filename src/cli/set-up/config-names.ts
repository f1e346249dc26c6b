import type { Context } from '../command/context.ts';
import { loadSettingsToShow } from '../command/settings.ts';

/** Returns the names of the clients or groups of config.xml. */
export function configNames(
  kind: 'client' | 'group',
  context: Pick<Context, 'output' | 'configFile'>,
): readonly string[] {
  const { clients } = loadSettingsToShow(context);
  return kind === 'client' ? clients.map(({ name }) => name) : clients.flatMap(({ groups }) => groups);
}
