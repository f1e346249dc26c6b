import { closeSync, mkdirSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { FleetError } from '../../errors.ts';
import { packageDir } from '../../state/paths.ts';
import { unfit, type OpensshRoute } from './openssh-arguments.ts';
import { hopConfig, isHostName } from './openssh-hop-config.ts';
import { hopLog, isDialling, wayFault, type HopLog } from './openssh-way-fault.ts';

export interface WayOptions {
  /** Name in errors. */
  readonly client: string;
  readonly route: OpensshRoute;
  /** A folder that does not exist yet, where only we can enter. */
  readonly dir: string;
  readonly tcpTimeoutMs: number;
  /** Of ssh: major times 100 plus minor. */
  readonly version: number;
}

/** Machines that ssh goes through, each by an ssh of its own. */
export interface OpensshWay {
  /** ssh's ProxyCommand: a constant but for a number. */
  readonly proxyCommand: string;
  readonly environment: Readonly<Record<string, string>>;
  /**
   * What went wrong on the way, as far as its machines wrote it down; `clientLines`: what the client's own ssh said;
   * `late`: what has not happened within that time. null: nothing.
   */
  fault(clientLines: readonly string[], late?: string | null): FleetError | null;
  /** True once all of them are logged in and the last one has no answer from the client yet. */
  dialling(): boolean;
  /** Removes what was written for it. */
  remove(): void;
}

const maxLogBytes = 256 * 1024;

/**
 * Writes down what each ssh on the way needs: `N.config` and, for openssh-hop.sh, `N.to`. Throws FleetError
 * `config-invalid` for a value that ssh cannot be given.
 */
export function openWay({ client, route, dir, tcpTimeoutMs, version }: WayOptions): OpensshWay {
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
    environment: { FLEET_HEALTH_WAY: dir, FLEET_HEALTH_HOP: hopProgram },
    fault: (clientLines, late = null) => {
      if (removed) return null;
      return wayFault({ client, hops, logs: logs(), clientPlace: placeOf({ address, port }), clientLines, late });
    },
    dialling: () => isDialling(logs()),
    remove,
  };
}

const hopProgram = path.join(packageDir, 'src', 'transport', 'openssh', 'openssh-hop.sh');

/** Run by ssh through /bin/sh, which finds the rest in the environment. */
function commandOf(index: number): string {
  return `/bin/sh "$FLEET_HEALTH_HOP" ${index}`;
}

function placeOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** The beginning of a file; empty where there is none. */
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
