/** src/cli/database: `migrate`, `prune`, `backup`, `copy`. */
import path from 'node:path';

import { errnoOf, FleetError, unwritableError, usageError } from '../../platform/errors/errors.ts';
import { absentDatabase, driverOf } from '../../storage/dialects/drivers.ts';
import { describeSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadSettings } from '../command/settings.ts';

/**
 * Runs `backup FILE`: copies the database as of now, while collector and alerter go on. Throws FleetError
 * `usage` if the file exists or cannot be written, or if the database is a server; else StorageFault.
 */
export async function backupCommand(context: Context, file: string): Promise<ExitStatus> {
  const { output, signal } = context;
  const { storage } = loadSettings(context);
  const driver = driverOf(storage);
  const target = path.resolve(file);
  // SQLite copies in one step, during which no handler runs: without handlers a signal ends the process.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(name);
  if (!(await driver.exists(storage))) throw absentDatabase(storage);
  const sizeBytes = await driver.backUp(storage, target, signal).catch((thrown: unknown) => {
    throw thrown instanceof FleetError ? thrown : targetFault(target, thrown);
  });
  return printDone(
    output,
    () => ({ command: 'backup', file: target, size_bytes: sizeBytes }),
    () => `${target}: the database as it was just now, ${describeSize(sizeBytes)}.`,
  );
}

function targetFault(target: string, thrown: unknown): FleetError {
  if (errnoOf(thrown) === 'EEXIST')
    return usageError(`${target} is there already`, 'Name a file that is not: nothing is ever overwritten.');
  return unwritableError(target, thrown);
}
