import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of the installed package: the nearest above this file that holds package.json. Throws if there is none.
 */
export const packageDir: string = (() => {
  const own = path.dirname(fileURLToPath(import.meta.url));
  let dir = own;
  while (!existsSync(path.join(dir, 'package.json'))) {
    if (dir === path.dirname(dir)) throw new Error(`${own}: no package.json above; install the whole package again`);
    dir = path.dirname(dir);
  }
  return dir;
})();

/** The configuration of a system-wide installation. */
export const systemConfigPath = '/etc/fleet-health/config.xml';

/** The bundles that are uploaded to clients. */
export const agentBundlePath: string = path.join(packageDir, 'dist', 'agent', 'agent.cjs');
export const inventoryBundlePath: string = path.join(packageDir, 'dist', 'agent', 'inventory.cjs');
export const shellAgentPath: string = path.join(packageDir, 'dist', 'agent', 'agent.sh');

/**
 * Returns the program of a child process, which stands beside the file that starts it: as a source, beside a source;
 * else, for compiled tests too, the built part.
 */
export function partProgram(starter: string, source: string): string {
  if (starter.endsWith('.ts')) return path.join(path.dirname(starter), source);
  return path.join(packageDir, 'dist', 'parts', source.replace(/\.ts$/, '.cjs'));
}

/** The folder of `mysql/` and `sqlite/`, which hold the numbered migrations. */
export const sqlDir: string = path.join(packageDir, 'sql');

/**
 * The kind of a place. A file that is written in place must have no second name. SQLite keeps more files beside its
 * own.
 */
type PlaceKind = 'folder' | 'file' | 'written-in-place' | 'sqlite';

/** The places inside the state folder. docs/operations.md describes their contents. */
const places = {
  database: ['fleet.db', 'sqlite'],
  collectorId: ['collector-id', 'file'],
  tokens: ['tokens.json', 'file'],
  pushKeys: ['push-keys.json', 'file'],
  pushTimes: ['push-times', 'folder'],
  keys: ['keys', 'folder'],
  publicKeys: ['public_keys', 'folder'],
  retiredKeys: ['retired_keys', 'folder'],
  encryptedStats: ['encrypted_stats', 'folder'],
  inbox: ['inbox', 'folder'],
  setAside: ['set-aside', 'folder'],
  stored: ['stored', 'folder'],
  olderJournal: ['journal', 'folder'],
  olderEvents: ['events', 'folder'],
  knownHosts: ['known_hosts', 'written-in-place'],
  keyLogins: ['key-logins', 'written-in-place'],
  opensshOnly: ['openssh-only', 'written-in-place'],
  names: ['names.json', 'file'],
  oneChannel: ['one-channel', 'written-in-place'],
  restrictedKeys: ['restricted-keys', 'file'],
  dearCaptures: ['dear-captures', 'written-in-place'],
  outbox: ['outbox', 'folder'],
  sent: ['sent', 'written-in-place'],
  lock: ['lock.db', 'sqlite'],
  alertLock: ['alert-lock.db', 'sqlite'],
  ingestLock: ['ingest-lock.db', 'sqlite'],
  pruneLock: ['prune-lock.db', 'sqlite'],
  tokensLock: ['tokens-lock.db', 'sqlite'],
  siteFacts: ['site-facts.json', 'file'],
  receiveLocks: ['receive-locks', 'folder'],
  databaseAway: ['database-away.db', 'sqlite'],
  openingFiles: ['opening-files', 'written-in-place'],
  openingRows: ['opening-rows', 'written-in-place'],
  lastGood: ['last-good', 'folder'],
  compiled: ['compiled', 'folder'],
  configBroken: ['config-broken.db', 'sqlite'],
  undeliveredLogged: ['undelivered-logged', 'file'],
  writtenLogged: ['written-logged', 'file'],
  pattooPosted: ['pattoo-posted.json', 'file'],
  pattooLock: ['pattoo-lock.db', 'sqlite'],
  textfileLogged: ['textfile-logged', 'file'],
  faultsLogged: ['faults-logged', 'folder'],
  databaseBack: ['database-back', 'file'],
} as const satisfies Readonly<Record<string, readonly [name: string, kind: PlaceKind]>>;

type Place = keyof typeof places;

export type StatePaths = Readonly<Record<Place | 'dir', string>>;

/** The beginning of the name of a site's folder in the inbox. */
export const siteMark = 'site-';

export type StateFolder = { [Key in Place]: (typeof places)[Key][1] extends 'folder' ? Key : never }[Place];

/** Returns all places of one state folder. */
export function statePaths(dir: string): StatePaths {
  const inside = Object.entries(places).map(([place, [name]]) => [place, path.join(dir, name)] as const);
  return { dir, ...(Object.fromEntries(inside) as Record<Place, string>) };
}

/** Returns the kind of each place. */
export function placeKinds(): readonly (readonly [place: Place, kind: PlaceKind])[] {
  return Object.entries(places).map(([place, [, kind]]) => [place as Place, kind] as const);
}
