import { chownSync, readFileSync, rmSync } from 'node:fs';

import { unwritableError } from '../../errors.ts';

/** The account that the Debian package makes, which owns the state folder. */
export const serviceName = 'fleet-health';

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
