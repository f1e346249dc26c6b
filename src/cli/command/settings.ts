import path from 'node:path';

import { selectClients } from '../../config/clients/select-clients.ts';
import type { Client, Config } from '../../config/config.ts';
import { findConfig } from '../../config/find-config.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { keepLastGood, type LastGood, readLastGood } from '../../config/xml/last-good.ts';
import { type ErrorCode, FleetError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { checkStateFolder, tryStateFolder } from '../../state/state-folder.ts';
import { utcMinute } from '../terminal/reader-time.ts';
import type { Context } from './context.ts';

/** The config.xml that -c names, or that is found in the usual places; its state folder is fit for use. Throws FleetError. */
export function loadSettings({ configFile }: Pick<Context, 'configFile'>): Config {
  const config = loadConfig({ file: findConfig(configFile ?? undefined) });
  checkStateFolder(statePaths(config.stateDir));
  return config;
}

/** A config.xml that cannot be used, in whose place the one that was valid last is. */
export interface LastSettings {
  readonly config: Config;
  /** Why config.xml cannot be used; null: it is used. */
  readonly broken: FleetError | null;
}

/**
 * Does what loadSettings does, for the programs that cron starts: a valid configuration is kept, and where config.xml
 * cannot be used the kept one is taken. Where a person sits at the terminal, or nothing was kept, it throws what
 * loadSettings throws.
 */
export function loadLastSettings({ configFile, output }: Pick<Context, 'configFile' | 'output'>): LastSettings {
  const file = findConfig(configFile ?? undefined);
  try {
    const onValid = (tree: ConfigTree, { stateDir }: Config): void => {
      checkStateFolder(statePaths(stateDir));
      try {
        tryStateFolder(statePaths(stateDir), []);
        keepLastGood(tree, path.resolve(file), stateDir);
      } catch {
        // The run itself says what is wrong with the folder.
      }
    };
    return { config: loadConfig({ file, onValid }), broken: null };
  } catch (thrown) {
    if (!(thrown instanceof FleetError) || !brokenCodes.includes(thrown.code) || output.attended) throw thrown;
    const last = readLastGood(path.resolve(file));
    if (last === null) throw thrown;
    return { config: loadKept(file, last, thrown), broken: brokenBy(thrown, last) };
  }
}

const brokenCodes: readonly ErrorCode[] = ['config-missing', 'config-invalid', 'config-permissions'];

/** What was valid for an earlier version of the program may be so no longer: then the fault itself is thrown. */
function loadKept(file: string, { tree }: LastGood, fault: FleetError): Config {
  try {
    return loadConfig({ file, tree, checkPermissions: false });
  } catch {
    throw fault;
  }
}

function brokenBy(fault: FleetError, { keptAtMs }: LastGood): FleetError {
  const [first = '', ...others] = fault.message.trim().split('\n');
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return new FleetError({
    code: 'config-broken',
    stage: 'config',
    message: `${first}${more}; the configuration of ${utcMinute(keptAtMs)} UTC is used`,
    cause: fault,
  });
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
