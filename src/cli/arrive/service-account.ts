import { chownSync, existsSync, readFileSync, rmSync } from 'node:fs';

import type { Config } from '../../config/config.ts';
import { systemConfigPath } from '../../config/find-config.ts';
import { unwritableError } from '../../errors.ts';

/** The account that the Debian package makes, which owns the state folder. */
export const serviceName = 'fleet-health';

/** Exists where systemd has booted the machine. */
const bootedFolder = '/run/systemd/system';
const packageTimers = ['fleet-health-collect.timer', 'fleet-health-alert.timer'];

export interface ServiceAccount {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Returns the account of the Debian package if root is asking; null if there is none. */
export function serviceAccount(): ServiceAccount | null {
  if (process.geteuid?.() !== 0) return null;
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${serviceName}:`));
    const [, , uid, gid, , home = '/'] = line?.split(':') ?? [];
    return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid), home };
  } catch {
    return null;
  }
}

/** Lets the service's group read a new file. Throws FleetError and removes the file if its group cannot be changed. */
export function giveToService(file: string, service: ServiceAccount | null): void {
  if (service === null) return;
  try {
    chownSync(file, 0, service.gid);
  } catch (thrown) {
    rmSync(file, { force: true });
    throw unwritableError(file, thrown);
  }
}

/**
 * Returns root's command by which the Debian package's timers start this config.xml: systemctl, or `crontab --systemd`
 * for a client that the packaged units would see through their sandbox. Returns null where systemd does not run, the
 * timers are not installed, or they use another file.
 */
export function startingCommand({ file, clients }: Config, service: ServiceAccount | null): string | null {
  const units = packageTimers.map((name) => `/usr/lib/systemd/system/${name}`);
  const areThere = service !== null && [bootedFolder, ...units].every((place) => existsSync(place));
  if (!areThere || file !== systemConfigPath) return null;
  const hasLocal = clients.some(({ ssh }) => ssh.transport === 'local');
  if (hasLocal) return `${serviceName} -c ${file} crontab --systemd /etc/systemd/system`;
  return `systemctl enable --now ${packageTimers.join(' ')}`;
}
