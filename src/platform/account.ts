import { readFileSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';

import { errnoOf, FleetError } from './errors/errors.ts';

/** Returns the account name of this process; null if its user id has no entry in passwd, as in containers. */
export function accountName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** Returns the home folder: $HOME, otherwise the home folder of passwd; null if the account has neither. */
export function homeFolder(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}

/**
 * Returns the home folder of passwd, as ssh does, because cron may set a different HOME or none; / if there is no
 * entry.
 */
export function loginHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homeFolder() ?? '/';
  }
}

/** Replaces a leading `~` by the home folder. Throws FleetError `config-invalid` if the account has no home folder. */
export function expandHome(text: string): string {
  if (text !== '~' && !text.startsWith('~/')) return text;
  const home = homeFolder();
  if (home !== null) return path.join(home, text.slice(1));
  throw new FleetError({
    code: 'config-invalid',
    stage: 'config',
    message: `${text}: this account has no home folder`,
    advice: 'Set HOME, or write the whole path.',
  });
}

/** Returns the account of a user id in /etc/passwd; null if that file cannot be read or has no such entry. */
export function accountOf(uid: number): { readonly name: string; readonly home: string } | null {
  let passwd: string;
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return null;
  }
  const fields = passwd.split('\n').map((line) => line.split(':'));
  const [name, , , , , home] = fields.find((entry) => entry[2] === String(uid)) ?? [];
  return name === undefined || home === undefined || !home.startsWith('/') ? null : { name, home };
}

/** The reason why this account may not use a file, and the account that may. */
export interface RefusedFile {
  readonly file: string;
  /** A clause: `/srv/state belongs to fleet, and this is kim`. */
  readonly reason: string;
  /** null if it is this account, and the mode forbids it. */
  readonly owner: string | null;
}

/** Returns why a file was refused to this account; null if an error has another reason. */
export function refusedFile(thrown: unknown): RefusedFile | null {
  if (!(thrown instanceof Error) || !['EACCES', 'EPERM'].includes(errnoOf(thrown) ?? '')) return null;
  const file: unknown = Reflect.get(thrown, 'path');
  if (typeof file !== 'string') return null;
  const { place, uid } = nearestSeen(path.resolve(file));
  const ownUid = process.getuid?.();
  if (uid === ownUid) return { file, reason: `the mode of ${place} forbids it to its owner`, owner: null };
  const nameOf = (one: number | undefined): string => accountOf(one ?? -1)?.name ?? `user id ${one ?? 'unknown'}`;
  return { file, reason: `${place} belongs to ${nameOf(uid)}, and this is ${nameOf(ownUid)}`, owner: nameOf(uid) };
}

/** Returns the owner of a file, or of the nearest folder above it that may be looked at. */
function nearestSeen(file: string): { readonly place: string; readonly uid: number | undefined } {
  for (let place = file; ; place = path.dirname(place)) {
    try {
      return { place, uid: statSync(place).uid };
    } catch {
      if (place === '/') return { place, uid: undefined };
    }
  }
}
