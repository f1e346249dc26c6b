import path from 'node:path';

import { selectClients } from '../../config/clients/select-clients.ts';
import type { Client, Config } from '../../config/config.ts';
import { findConfig } from '../../config/find-config.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { keepLastGood, type LastGood, readLastGood } from '../../config/xml/last-good.ts';
import { changedFault, type ErrorCode, FleetError, usageError } from '../../platform/errors/errors.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { checkStateFolder, tryStateFolder } from '../../state-folder/state-folder.ts';
import { utcMinute } from '../terminal/reader-time.ts';
import { complaintText } from './complain.ts';
import type { Context } from './context.ts';

/** Loads the config.xml that -c names, or that of the usual places, and checks its state folder. Throws FleetError. */
export function loadSettings(
  { configFile }: Pick<Context, 'configFile'>,
  onValid?: (tree: ConfigTree) => void,
): Config {
  const config = loadConfig({
    file: findConfig(configFile ?? undefined),
    ...(onValid === undefined ? {} : { onValid }),
  });
  checkStateFolder(statePaths(config.stateDir));
  return config;
}

/** The configuration, or the last valid one if config.xml cannot be used. */
interface LastSettings {
  readonly config: Config;
  /** The fault of config.xml if it cannot be used; null if it is used. */
  readonly broken: FleetError | null;
}

/**
 * Loads config.xml for the programs that cron starts. Keeps a copy of a valid configuration, and loads that copy if
 * config.xml cannot be used. Throws the error of loadSettings if a person is at the terminal or no copy was kept.
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
        // The run itself reports the fault of the folder.
      }
    };
    return { config: loadConfig({ file, onValid }), broken: null };
  } catch (thrown) {
    if (output.attended) throw thrown;
    return loadKept(file, thrown);
  }
}

/**
 * Loads config.xml for a command that only shows stored data. If config.xml cannot be used, loads the copy that cron's
 * programs use, and prints the fault on stderr. Throws the error of loadSettings if no copy was kept.
 */
export function loadSettingsToShow(context: Pick<Context, 'configFile' | 'output'>): Config {
  try {
    return loadSettings(context);
  } catch (thrown) {
    const { config, broken } = loadKept(findConfig(context.configFile ?? undefined), thrown);
    context.output.complain(complaintText(broken));
    return config;
  }
}

const brokenCodes: readonly ErrorCode[] = ['config-missing', 'config-invalid', 'config-permissions'];

/**
 * Loads the kept copy of a config.xml that cannot be used. Throws the fault of config.xml if there is no copy, or none
 * that this version accepts.
 */
function loadKept(file: string, fault: unknown): { readonly config: Config; readonly broken: FleetError } {
  if (!(fault instanceof FleetError) || !brokenCodes.includes(fault.code)) throw fault;
  const last = readLastGood(path.resolve(file));
  if (last === null) throw fault;
  try {
    return { config: loadConfig({ file, tree: last.tree, checkPermissions: false }), broken: brokenBy(fault, last) };
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

/** Names or patterns of clients, a group and labels, as a command line has them; none of these: all clients. */
export interface Selection {
  readonly clients: readonly string[];
  readonly group: string | null;
  /** A selector of labels. */
  readonly label?: string | null;
}

/** True if nothing limits a command to some of the clients. */
export function isWholeFleet({ clients, group, label = null }: Selection): boolean {
  return clients.length === 0 && group === null && label === null;
}

/** Returns the selected clients. Throws FleetError `usage` for a name that matches none. */
export function selectedClients(config: Config, { clients, group, label }: Selection): readonly Client[] {
  return selectClients(config, { names: clients, groups: group === null ? [] : [group], labels: label });
}

/** Returns the selected clients without retired ones that are not named. Throws the errors of selectedClients. */
export function chooseClients(config: Config, selection: Selection): readonly Client[] {
  return selectedClients(config, selection).filter(
    ({ name, state }) => state !== 'retired' || selection.clients.includes(name),
  );
}

/** Returns the only client of a name or pattern. Throws FleetError `usage` if none or several match. */
export function chooseClient(config: Config, name: string): Client {
  const [client, ...others] = selectedClients(config, { clients: [name], group: null });
  if (client !== undefined && others.length === 0) return client;
  throw usageError(`"${name}" is ${others.length + 1} clients`, 'Name one of them.');
}

/** Returns what `read` reads of a config.xml that an option names. Throws its FleetError, with the option's name. */
export function ofOption<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof FleetError) || thrown.code !== 'config-missing') throw thrown;
    throw changedFault(thrown, { message: `${option}: ${thrown.message}`, advice: 'Name a config.xml that exists.' });
  }
}
