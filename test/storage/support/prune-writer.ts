/**
 * A process that prunes and is killed in the middle of a transaction. Its one argument is a PruneWriterOptions as JSON.
 */
import type { StorageConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { prune } from '../../../src/storage/retention/prune.ts';
import type { PruneLimits } from '../../../src/storage/store/storage.ts';
import { crashingDatabase } from './crashing-database.ts';

export interface PruneWriterOptions {
  readonly storage: Omit<StorageConfig, 'password'>;
  readonly password: string | null;
  readonly limits: PruneLimits;
  /** The statement of all transactions after which the process is killed, counted from 1. */
  readonly statement: number;
}

const { storage, password, limits, statement } = JSON.parse(process.argv[2] ?? '') as PruneWriterOptions;
const secret = password === null ? null : new Secret({ kind: 'literal', value: password });
const opened = await openDatabase({ storage: { ...storage, password: secret }, program: 'collect' });
const crash = (): void => void process.kill(process.pid, 'SIGKILL');
const { database } = crashingDatabase(opened, { statement, when: 'after', crash });
await prune(database, limits, new AbortController().signal);
await opened.close();
