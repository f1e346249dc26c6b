import type { Client, Config } from '../config/config.ts';
import { findConfig } from '../config/find-config.ts';
import { loadConfig } from '../config/load-config.ts';
import { selectClients } from '../config/select-clients.ts';
import { statePaths } from '../paths.ts';
import { checkStateFolder } from '../state-folder.ts';
import type { Context } from './context.ts';

/** The config.xml that -c names, or that is found in the usual places; its state folder is fit for use. Throws FleetError. */
export function loadSettings({ configFile }: Pick<Context, 'configFile'>): Config {
  const config = loadConfig({ file: findConfig(configFile ?? undefined) });
  checkStateFolder(statePaths(config.stateDir));
  return config;
}

/**
 * The clients that a command is about: those named or in the group, else all. Retired ones only by name. Throws FleetError
 * `usage` for a name that fits none.
 */
export function chooseClients(
  config: Config,
  options: { readonly clients: readonly string[]; readonly group: string | null },
): readonly Client[] {
  const chosen = selectClients(config, {
    names: options.clients,
    groups: options.group === null ? [] : [options.group],
  });
  return chosen.filter((client) => client.state !== 'retired' || options.clients.includes(client.name));
}
