/**
 * A process that stores as the alerter does and is killed or suspended meanwhile. Its one argument is a WriterOptions
 * as JSON. Prints `stored`, or the code of its error.
 */
import type { Lease } from '../../../src/storage/store/lease-store.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { storageOf, type StorageArgument } from '../../support/databases/storage-argument.ts';
import { crashingDatabase } from './crashing-database.ts';
import { plan, allProcessed } from './alert-work.ts';

export interface WriterOptions extends StorageArgument {
  readonly lease: Lease;
  readonly work: 'evaluate' | 'tell';
  /** The statement of the transaction after which the signal is sent, counted from 1. */
  readonly statement: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** The seconds that a MySQL server waits for the suspended process. `null` keeps the server's default. */
  readonly waitSeconds: number | null;
}

const options = JSON.parse(process.argv[2] ?? '') as WriterOptions;
const opened = await openDatabase({ storage: storageOf(options), program: 'alert' });
const { waitSeconds } = options;
if (waitSeconds !== null) {
  await opened.read((session) => session.run(`SET SESSION wait_timeout = ${waitSeconds}`));
}
const { database } = crashingDatabase(opened, {
  statement: options.statement,
  when: 'after',
  crash: () => void process.kill(process.pid, options.signal),
});
const storage = storageOn(database);
try {
  if (options.work === 'tell') await storage.notifications.saveNotifications(options.lease, plan('tell'));
  else await storage.evaluation.saveProcessed(options.lease, await allProcessed(storage));
  process.stdout.write('stored\n');
} catch (thrown) {
  process.stdout.write(`${thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)}\n`);
}
await opened.close();
