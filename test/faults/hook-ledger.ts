/** The agent's side of the ledger: the reports that it seals, moves into its spool and removes. */
import { createHash } from 'node:crypto';
import { createRequire, syncBuiltinESMExports } from 'node:module';

import type { LedgerLine } from './kill-plan.ts';

const spooled = /\/\d{13}-([0-9a-f-]{36})\.fhs$/;

type Files = Record<'fsyncSync' | 'writeSync', (...args: unknown[]) => unknown> &
  Record<'renameSync' | 'unlinkSync', (...args: string[]) => unknown> & {
    readonly readFileSync: (file: string) => Buffer;
    readonly openSync: (file: string, flags: string) => number;
  };

export interface Ledger {
  /**
   * Installs the notes of spooled and removed reports. Call it before the files are watched, so that the note is
   * written before the killer can strike after the rename.
   */
  readonly noteSpooled: () => void;
  /**
   * Installs the notes of sealed reports. Call it after the files are watched, so that the note is written before the
   * killer can strike before the rename.
   */
  readonly noteSealed: () => void;
}

export function openLedger(file: string, client: string): Ledger {
  const files = createRequire(process.execPath)('node:fs') as Files;
  const { writeSync, fsyncSync, readFileSync } = files;
  const ledger = files.openSync(file, 'a');
  const enter = (line: LedgerLine): void => {
    writeSync(ledger, `${JSON.stringify(line)}\n`);
    fsyncSync(ledger);
  };
  const digestOf = (name: string): string => createHash('sha256').update(readFileSync(name)).digest('hex');
  return {
    noteSpooled: () => {
      const { renameSync, unlinkSync } = files;
      files.renameSync = (from = '', to = '') => {
        const result = renameSync(from, to);
        const reportId = spooled.exec(to)?.[1];
        if (reportId !== undefined) enter({ event: 'spooled', reportId, client, sha256: digestOf(to) });
        return result;
      };
      files.unlinkSync = (target = '') => {
        const reportId = spooled.exec(target)?.[1];
        if (reportId !== undefined) enter({ event: 'removing', reportId, client, sha256: '' });
        return unlinkSync(target);
      };
    },
    noteSealed: () => {
      const { renameSync } = files;
      files.renameSync = (from = '', to = '') => {
        const reportId = spooled.exec(to)?.[1];
        if (reportId !== undefined) enter({ event: 'sealed', reportId, client, sha256: digestOf(from) });
        return renameSync(from, to);
      };
      syncBuiltinESMExports();
    },
  };
}
