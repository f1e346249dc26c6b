/** The agent's side of the ledger: what it sealed, before the spool has it, and what it removes from there. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

import type { LedgerLine } from './kill-plan.ts';

const spooled = /\/\d{13}-([0-9a-f-]{36})\.fhs$/;

type Files = Record<'fsyncSync' | 'writeSync', (...args: unknown[]) => unknown> &
  Record<'renameSync' | 'unlinkSync', (...args: string[]) => unknown> & {
    readonly readFileSync: (file: string) => Buffer;
    readonly openSync: (file: string, flags: string) => number;
  };

/** Must come before the files are watched: the killer strikes around the rename, not around the ledger. */
export function keepLedger(file: string, client: string): void {
  const files = createRequire(process.execPath)('node:fs') as Files;
  const { writeSync, fsyncSync, renameSync, unlinkSync, readFileSync } = files;
  const ledger = files.openSync(file, 'a');
  const enter = (line: LedgerLine): void => {
    writeSync(ledger, `${JSON.stringify(line)}\n`);
    fsyncSync(ledger);
  };
  files.renameSync = (from = '', to = '') => {
    const reportId = spooled.exec(to)?.[1];
    if (reportId === undefined) return renameSync(from, to);
    const sha256 = createHash('sha256').update(readFileSync(from)).digest('hex');
    enter({ event: 'sealed', reportId, client, sha256 });
    const result = renameSync(from, to);
    enter({ event: 'spooled', reportId, client, sha256 });
    return result;
  };
  files.unlinkSync = (target = '') => {
    const reportId = spooled.exec(target)?.[1];
    if (reportId !== undefined) enter({ event: 'removing', reportId, client, sha256: '' });
    return unlinkSync(target);
  };
}
