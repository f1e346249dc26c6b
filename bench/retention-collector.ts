/**
 * Stores reports while another process prunes: a hundred every quarter of a second, until stdin ends. The only argument
 * is a StorageArgument as JSON. Prints the times of the batches, in ms.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { openStorage } from '../src/storage/open-storage.ts';
import { item } from '../test/storage/support/samples.ts';
import { storageOf } from '../test/support/databases/storage-argument.ts';
import type { StorageArgument } from '../test/support/databases/storage-argument.ts';

const config = storageOf(JSON.parse(process.argv[2] ?? '') as StorageArgument);
const storage = await openStorage({ storage: config, migrate: false, program: 'collect' });
const end = new AbortController();
process.stdin.resume().once('end', () => end.abort());
const took: number[] = [];
do {
  const items = Array.from({ length: 100 }, (_, index) =>
    item({ client: `new-${index}`, observedAtMs: Date.now(), receivedAtMs: Date.now() }),
  );
  const startedAt = performance.now();
  await storage.reports.ingest(items);
  took.push(performance.now() - startedAt);
  await sleep(250, undefined, { signal: end.signal }).catch(() => undefined);
} while (!end.signal.aborted);
process.stdout.write(JSON.stringify(took));
await storage.close();
