/**
 * A process that prunes and is killed in the middle of a transaction. Its one argument is a PruneWriterOptions as JSON.
 */
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { prune } from '../../../src/storage/retention/prune.ts';
import type { PruneLimits } from '../../../src/storage/store/storage.ts';
import { storageOf } from '../../support/databases/storage-argument.ts';
import type { StorageArgument } from '../../support/databases/storage-argument.ts';
import { crashingDatabase } from './crashing-database.ts';

export interface PruneWriterOptions extends StorageArgument {
  readonly limits: PruneLimits;
  /** The number of the statement after which the process is killed, counted from 1 over all transactions. */
  readonly statement: number;
}

const { limits, statement, ...argument } = JSON.parse(process.argv[2] ?? '') as PruneWriterOptions;
const opened = await openDatabase({ storage: storageOf(argument), program: 'collect' });
const crash = (): void => void process.kill(process.pid, 'SIGKILL');
const { database } = crashingDatabase(opened, { statement, when: 'after', crash });
await prune(database, limits, new AbortController().signal);
await opened.close();
