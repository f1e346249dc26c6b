import { chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import { unwritableError } from '../../platform/errors/errors.ts';
import { shownShellWord } from '../../text/shell-word.ts';

/** The account that the Debian package makes, which owns the state folder. */
const serviceName = 'fleet-health';

export interface ServiceAccount {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Returns the account of the Debian package; null if there is none, or if this process is not root's. */
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

/** The folders where Debian keeps sudo and runuser. */
const programFolders = ['usr/bin', 'usr/sbin', 'bin', 'sbin'];

/**
 * Returns the words before a command that root runs as the service: with sudo, else with runuser, which keeps root's
 * HOME. `root` stands for `/`.
 */
export function asService({ home }: Pick<ServiceAccount, 'home'>, root = '/'): string {
  const has = (name: string): boolean => programFolders.some((folder) => existsSync(path.join(root, folder, name)));
  if (has('sudo') || !has('runuser')) return `sudo -u ${serviceName} `;
  return `runuser -u ${serviceName} -- env HOME=${shownShellWord(home)} `;
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
