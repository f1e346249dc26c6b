import { closeSync, mkdirSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { FleetError } from '../../errors.ts';
import { packageDir } from '../../state/paths.ts';
import { unfit, type OpensshRoute } from './openssh-arguments.ts';
import { hopConfig, isHostName } from './openssh-hop-config.ts';
import { hopLog, isDialling, hopsFault, type HopLog } from './openssh-hops-fault.ts';

export interface HopsOptions {
  /** The client's name in errors. */
  readonly client: string;
  readonly route: OpensshRoute;
  /** The folder to create, in a folder that only this user can enter. */
  readonly dir: string;
  readonly tcpTimeoutMs: number;
  /** ssh's version, major times 100 plus minor. */
  readonly version: number;
}

/** The machines between the collector and a client, each reached by an ssh of its own. */
export interface OpensshHops {
  /** The ProxyCommand of the client's ssh. Constant except for a number, so that no value passes through the shell. */
  readonly proxyCommand: string;
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Returns the fault of a machine on the route, by the machines' logs. `clientLines` are the log lines of the client's
   * own ssh. `late` is the exceeded time, for messages. Returns null if no machine is at fault.
   */
  fault(clientLines: readonly string[], late?: string | null): FleetError | null;
  /** True if all machines are logged in and the last one has no answer from the client yet. */
  dialling(): boolean;
  /** Removes the folder with the files of the route. */
  remove(): void;
}

const maxLogBytes = 256 * 1024;

/**
 * Writes the files of each ssh on the route: `N.config`, and `N.to` for openssh-hop.sh. Throws FleetError
 * `config-invalid` for a value that cannot be passed to ssh.
 */
export function openHops({ client, route, dir, tcpTimeoutMs, version }: HopsOptions): OpensshHops {
  const { hops, address, port } = route;
  mkdirSync(dir, { mode: 0o700 });
  let removed = false;
  const remove = (): void => {
    removed = true;
    rmSync(dir, { recursive: true, force: true });
  };
  const places = [...hops.map((hop) => ({ address: hop.address, port: hop.port })), { address, port }];
  try {
    for (const [index, hop] of hops.entries()) {
      const proxyCommand = index === 0 ? null : commandOf(index - 1);
      const write = (ending: string, text: string): void =>
        writeFileSync(path.join(dir, `${index}.${ending}`), text, { mode: 0o600 });
      write('config', hopConfig(hop, { client, proxyCommand, tcpTimeoutMs, version }));
      const next = places[index + 1] ?? { address, port };
      const host = isHostName(hop.sshConfig.host) ? hop.sshConfig.host : hop.address;
      const to = [host, hop.username, placeOf(next)];
      // eslint-disable-next-line no-control-regex -- these are what must not be there.
      const unwritable = to.find((text) => /[\u0000-\u001f\u007f]/.test(text));
      if (unwritable !== undefined) {
        throw unfit({ client }, `${JSON.stringify(unwritable)} of ${hop.name}`, 'write it without control characters');
      }
      write('to', to.map((text) => `${text}\n`).join(''));
    }
  } catch (thrown) {
    remove();
    throw thrown;
  }
  const logs = (): readonly HopLog[] => hops.map((_, index) => hopLog(readLog(path.join(dir, `${index}.log`))));
  return {
    proxyCommand: commandOf(hops.length - 1),
    environment: { FLEET_HEALTH_HOPS: dir, FLEET_HEALTH_HOP: hopProgram },
    fault: (clientLines, late = null) => {
      if (removed) return null;
      return hopsFault({ client, hops, logs: logs(), clientPlace: placeOf({ address, port }), clientLines, late });
    },
    dialling: () => isDialling(logs()),
    remove,
  };
}

const hopProgram = path.join(packageDir, 'src', 'transport', 'openssh', 'openssh-hop.sh');

/** Returns the ProxyCommand of a machine. ssh runs it through /bin/sh; the environment holds the variable parts. */
function commandOf(index: number): string {
  return `/bin/sh "$FLEET_HEALTH_HOP" ${index}`;
}

function placeOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Returns the beginning of a file. Returns an empty string if the file cannot be read. */
function readLog(file: string): string {
  let fd: number | null = null;
  try {
    fd = openSync(file, 'r');
    const buffer = Buffer.alloc(maxLogBytes);
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, maxLogBytes, 0));
  } catch {
    return '';
  } finally {
    if (fd !== null) closeSync(fd);
  }
}
