import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { systemConfigPath } from '../../state-folder/paths.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';
import { packageDir } from '../../state-folder/paths.ts';

interface SystemdOptions {
  readonly config: Pick<Config, 'collector' | 'clients' | 'serve' | 'storage' | 'metrics' | 'stateDir'>;
  /** Absolute paths. */
  readonly configFile: string;
  readonly node: string;
  readonly program: string;
  /** The account that runs the programs. */
  readonly account: string;
  /** The absolute path of certificates of private authorities, for Node. Default: none. */
  readonly caFile?: string | null;
}

/** A unit, as a file of /etc/systemd/system. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

const usualCommand = `/usr/bin/fleet-health -c ${systemConfigPath}`;
/** The folder in which systemd makes state folders. */
export const systemdState = '/var/lib';
/** Settings that hide mounts, devices and processes of this machine. A local agent has to see them. */
const covering =
  /^(?:ProtectSystem|ProtectHome|PrivateTmp|PrivateDevices|DevicePolicy|ProtectProc|ProtectKernelModules)=/;
const longestSpread = 3 * minuteMs;

/** Returns the units of units/ that this config.xml needs, with the paths and the account of this machine. */
export function systemdUnits(options: SystemdOptions): readonly Unit[] {
  const { config, node, program, configFile } = options;
  const paths = [node, program, configFile, config.stateDir];
  if (paths.some((one) => /[\r\n]/.test(one))) throw usageError('a path with a line break cannot stand in a unit');
  const folder = path.join(packageDir, 'units');
  const { open, forward } = config.collector;
  const withDatabase = ['alert', ...(open ? [] : ['ingest']), ...served(config)];
  // A site that forwards has no database.
  const wanted = new Set(['collect', ...(forward === null ? withDatabase : [])]);
  return readdirSync(folder)
    .filter((name) => wanted.has(/^fleet-health-([a-z]+)\.(?:service|timer|socket)$/.exec(name)?.[1] ?? ''))
    .map((name) => ({ name, text: unitHere(readFileSync(path.join(folder, name), 'utf8'), name, options) }));
}

/** Returns the names of the units to enable. */
export function unitsToEnable(units: readonly Unit[]): readonly string[] {
  return units.map(({ name }) => name).filter((name) => name.endsWith('.timer') || name.endsWith('serve.service'));
}

function served({ serve }: SystemdOptions['config']): readonly string[] {
  return serve === null ? [] : ['serve'];
}

function unitHere(text: string, name: string, options: SystemdOptions): string {
  const { config, node, program, configFile, account, caFile = null } = options;
  const command = `${commandWord(node)} ${commandWord(program)} -c ${commandWord(configFile)}`;
  const isLocal = name.includes('-collect.') && config.clients.some(({ arrival }) => arrival.kind === 'local');
  const pause = config.collector.everyMs;
  const listened = sockets(options);
  return text
    .split('\n')
    .filter((line) => !(isLocal && covering.test(line)))
    .filter((line) => line !== 'ListenStream=[::1]:5151')
    .flatMap((line) => {
      if (line.startsWith('ListenStream=')) return listened;
      if (line === 'StateDirectory=fleet-health') return stateLines(config);
      if (line === '[Service]' && caFile !== null) return [line, `Environment="NODE_EXTRA_CA_CERTS=${caFile}"`];
      if (/^(?:User|Group)=/.test(line)) return line.startsWith('User=') ? [`User=${account}`] : [];
      if (line.startsWith('OnCalendar=') && name.includes('-collect.')) return pauseLines(pause);
      if (line.startsWith('RandomizedDelaySec=') && name.includes('-collect.')) {
        // No spread for a timer that counts from the last start, which would be late by it each time, nor for
        // collectors that share a fleet: they begin together.
        const isExact = pauseLines(pause).length > 1 || config.collector.sharedSite !== null;
        const spread = isExact ? 0 : Math.min(longestSpread, pause * 0.6);
        return [`RandomizedDelaySec=${Math.floor(spread / secondMs)}`];
      }
      if (line.startsWith('ConditionPathExists=')) return [`ConditionPathExists=${unitValue(configFile)}`];
      return [line.replace(usualCommand, () => command)];
    })
    .join('\n');
}

/** Returns a time of day if the pause divides hour or day evenly, else a pause after the last start. */
function pauseLines(everyMs: number): readonly string[] {
  const minutes = everyMs / minuteMs;
  if (Number.isInteger(minutes) && minutes < 60 && 60 % minutes === 0) return [`OnCalendar=*:0/${minutes}`];
  const hours = minutes / 60;
  if (Number.isInteger(hours) && hours <= 24 && 24 % hours === 0) {
    return [hours === 24 ? 'OnCalendar=daily' : `OnCalendar=0/${hours}:00`];
  }
  return ['OnBootSec=1min', `OnUnitActiveSec=${Math.round(everyMs / secondMs)}`];
}

/** Returns the sockets of <serve> as lines of a socket unit. */
function sockets({ config: { serve }, account }: SystemdOptions): readonly string[] {
  if (serve === null) return [];
  const { hosts, port, socket } = serve;
  const own = socket === null ? [] : [`ListenStream=${unitValue(socket)}`, 'SocketMode=0660', `SocketUser=${account}`];
  return [...hosts.map((host) => `ListenStream=${host.includes(':') ? `[${host}]` : host}:${port}`), ...own];
}

/** Returns lines for the folders that may be written. systemd makes a state folder in /var/lib; the others exist. */
function stateLines({ stateDir, storage, metrics, serve }: SystemdOptions['config']): readonly string[] {
  const isUsual = path.dirname(stateDir) === systemdState;
  const others = [storage.path, metrics?.textfile ?? null, serve?.socket ?? null]
    .filter((file) => file !== null)
    .map((file) => path.dirname(file))
    .filter((folder) => folder !== stateDir && folder !== '/run/fleet-health');
  const writable = [...new Set([...(isUsual ? [] : [stateDir]), ...others])];
  return [
    ...(isUsual ? [`StateDirectory=${unitValue(path.basename(stateDir))}`] : []),
    ...writable.map((folder) => `ReadWritePaths=${quoted(unitValue(`-${folder}`))}`),
  ];
}

/** Returns a word of a command line. Doubles $, because systemd replaces variables. */
function commandWord(text: string): string {
  return quoted(unitValue(text).replaceAll('$', () => '$$'));
}

function quoted(value: string): string {
  if (/^[\w./:@%+,-]+$/.test(value)) return value;
  return `"${value.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`)}"`;
}

/** Returns a value in which % stands for itself. */
function unitValue(text: string): string {
  return text.replaceAll('%', '%%');
}
