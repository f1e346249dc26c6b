import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the installed package: the nearest one above this file that holds package.json. */
export const packageDir: string = (() => {
  let dir = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(dir, 'package.json'))) dir = path.dirname(dir);
  return dir;
})();

/** The bundles that are brought to clients. */
export const agentBundlePath: string = path.join(packageDir, 'dist', 'agent', 'agent.cjs');
export const inventoryBundlePath: string = path.join(packageDir, 'dist', 'agent', 'inventory.cjs');
export const shellAgentPath: string = path.join(packageDir, 'dist', 'agent', 'agent.sh');

/** Holds `mysql/` and `sqlite/` with the numbered migrations. */
export const sqlDir: string = path.join(packageDir, 'sql');

/** The places inside the state folder; see ARCHITECTURE.md for what each holds. */
export interface StatePaths {
  readonly dir: string;
  readonly database: string;
  readonly collectorId: string;
  readonly keys: string;
  readonly publicKeys: string;
  /** What is remembered of pairs that were retired: no key is in there. */
  readonly retiredKeys: string;
  /** Holds `<client>/<report id>.fhs` and `<client>/quarantine/`. */
  readonly encryptedStats: string;
  readonly journal: string;
  readonly knownHosts: string;
  /** Names of clients that have let us in by a key alone. */
  readonly keyLogins: string;
  readonly outbox: string;
  readonly runtimes: string;
  readonly lock: string;
  /** The alerter's own, for it runs beside the collector; that of `ingest` too. */
  readonly alertLock: string;
  /** Of the command `prune`, which may run beside both. */
  readonly pruneLock: string;
  /** What was told of a database that is away; both programs' own. */
  readonly databaseAway: string;
  readonly ingestLock: string;
  /** Sealed files, and rows of `sealed_reports`, that are being opened. */
  readonly openingFiles: string;
  readonly openingRows: string;
  /** The configuration that was valid last, a file for each config.xml. */
  readonly lastGood: string;
  /** What was told of a config.xml that cannot be used; both programs' own. */
  readonly configBroken: string;
  /** Its time is that of the last line about mails that are not delivered. */
  readonly undeliveredSaid: string;
}

/** All places of one state folder. */
export function statePaths(dir: string): StatePaths {
  const inside = (name: string): string => path.join(dir, name);
  return {
    dir,
    database: inside('fleet.db'),
    collectorId: inside('collector-id'),
    keys: inside('keys'),
    publicKeys: inside('public_keys'),
    retiredKeys: inside('retired_keys'),
    encryptedStats: inside('encrypted_stats'),
    journal: inside('journal'),
    knownHosts: inside('known_hosts'),
    keyLogins: inside('key-logins'),
    outbox: inside('outbox'),
    runtimes: inside('runtimes'),
    lock: inside('lock.db'),
    alertLock: inside('alert-lock.db'),
    pruneLock: inside('prune-lock.db'),
    databaseAway: inside('database-away.db'),
    ingestLock: inside('ingest-lock.db'),
    openingFiles: inside('opening-files'),
    openingRows: inside('opening-rows'),
    lastGood: inside('last-good'),
    configBroken: inside('config-broken.db'),
    undeliveredSaid: inside('undelivered-said'),
  };
}
