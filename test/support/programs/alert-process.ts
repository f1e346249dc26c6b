/**
 * A pass of the alerter in a separate process, which may be stopped or killed at a chosen statement to the database.
 * The argument is an AlertOrder as JSON; the last line of output is the result as JSON.
 */
import { writeSync } from 'node:fs';

import { alert } from '../../../src/alerter/alerter.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { withMoments, type Moment } from '../../alerter/support/moments.ts';
import { storageOf, type StorageArgument } from '../databases/storage-argument.ts';

export interface AlertOrder extends StorageArgument {
  readonly configFile: string;
  readonly host: string;
  /** The interruption; null if there is none. */
  readonly cut: {
    readonly kind: Moment['kind'];
    /** The beginning of the statement; for a commit, that of the last statement before it. */
    readonly sql: string;
    readonly signal: 'SIGKILL' | 'SIGSTOP';
    /** The seconds that a MySQL server waits for the stopped process. Default: the alerter's own. */
    readonly waitSeconds?: number;
  } | null;
}

const order = JSON.parse(process.argv[2] ?? '') as AlertOrder;
const { cut } = order;
let isCut = false;
let before = '';

function atMoment({ kind, sql }: Moment): boolean {
  if (sql !== '') before = sql;
  if (cut === null || isCut || kind !== cut.kind || !before.startsWith(cut.sql)) return false;
  isCut = true;
  writeSync(1, 'cut\n');
  process.kill(process.pid, cut.signal);
  return false;
}

async function openCut(): Promise<Database> {
  const database = await openDatabase({ storage: storageOf(order), program: 'alert' });
  const seconds = cut?.waitSeconds;
  if (seconds !== undefined) await database.read((session) => session.run(`SET SESSION wait_timeout = ${seconds}`));
  return withMoments(database, atMoment);
}

const result = await alert({
  config: loadConfig({ file: order.configFile }),
  openStorage: async () => storageOn(await openCut()),
  dryRun: false,
  signal: new AbortController().signal,
  observe: () => undefined,
  now: Date.now,
  host: order.host,
});
writeSync(1, `${JSON.stringify({ outcome: result.outcome, sent: result.sent })}\n`);
