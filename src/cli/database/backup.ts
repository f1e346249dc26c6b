import path from 'node:path';

import { errnoOf, type FleetError, unwritableError, usageError } from '../../errors.ts';
import { withoutDatabase } from '../../storage/dialects/open-database.ts';
import { backUpSqlite } from '../../storage/dialects/sqlite/back-up.ts';
import { isFileMissing } from '../../storage/dialects/sqlite/faults.ts';
import { StorageFault } from '../../storage/sql/fault.ts';
import { describeSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';

/**
 * Runs `backup FILE`: copies the SQLite database as of now, while collector and alerter go on. Throws FleetError
 * `usage` if the file exists or cannot be written, or if the database is a server; else StorageFault.
 */
export async function backupCommand(context: Context, file: string): Promise<ExitStatus> {
  const { output, signal } = context;
  const { storage } = loadSettings(context);
  const { path: source } = storage;
  if (storage.kind === 'none') throw withoutDatabase(storage.forwardUrl);
  if (source === null) {
    const database = 'database' in storage ? storage.database : 'DATABASE';
    throw usageError(
      'the database is a server of its own',
      `Run: mysqldump --single-transaction --no-tablespaces ${database} (docs/operations.md).`,
    );
  }
  const target = path.resolve(file);
  // SQLite copies in one step, during which no handler runs: without handlers a signal ends the process.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(name);
  if (isFileMissing(source)) throw new StorageFault('lost', `${source} is not there yet; the first collect makes it`);
  const sizeBytes = await backUpSqlite({ source, target, signal }).catch((thrown: unknown) => {
    throw thrown instanceof StorageFault ? thrown : targetFault(target, thrown);
  });
  printDone(
    output,
    () => ({ command: 'backup', file: target, size_bytes: sizeBytes }),
    () => `${target}: the database as it was just now, ${describeSize(sizeBytes)}.`,
  );
  return 0;
}

function targetFault(target: string, thrown: unknown): FleetError {
  if (errnoOf(thrown) === 'EEXIST')
    return usageError(`${target} is there already`, 'Name a file that is not: nothing is ever overwritten.');
  return unwritableError(target, thrown);
}
