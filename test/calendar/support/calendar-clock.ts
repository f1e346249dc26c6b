/** The clock of a calendar, for programs on the monitoring machine, on clients, and for a database server. */
import { appendFileSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { fakedClock, sharedClock } from '../../support/programs/faketime.ts';
import type { Scope } from '../../support/temp-folder.ts';

export interface CalendarClock {
  /** The environment of a program that ends before the clock is set again. */
  readonly env: Readonly<Record<string, string>>;
  /** The environment of a server, whose clock is set while it runs. */
  readonly residentEnv: Readonly<Record<string, string>>;
  /** The options of node by which the times of files follow this clock. */
  readonly nodeOptions: string;
  /** Sets the time, which goes on from there. */
  readonly set: (timeMs: number) => void;
  /** Returns the time. */
  readonly now: () => number;
}

const preload = 'file-times.cjs';

/** Makes a clock in files of this folder, which every account may read. */
export function calendarClock(t: Scope, dir: string): CalendarClock {
  const clock = fakedClock(dir);
  const residentEnv = { ...clock.env, ...sharedClock(t) };
  const { FAKETIME_NO_CACHE: _, ...env } = residentEnv;
  const [settings, probe] = [path.join(dir, 'settings'), path.join(dir, 'probe')];
  writeFileSync(settings, '');
  // Other accounts may be unable to enter the project.
  copyFileSync(path.join(import.meta.dirname, preload), path.join(dir, preload));
  let aheadMs = 0;
  return {
    // A program ends before its clock is set again, so that it may read the setting once.
    env: { ...env, NO_FAKE_STAT: '1', CALENDAR_TIMES: settings },
    residentEnv,
    nodeOptions: `--require=${path.join(dir, preload)}`,
    set: (timeMs) => {
      const realMs = kernelTime(probe);
      const offsetMs = timeMs - realMs;
      aheadMs = timeMs - Date.now();
      clock.set(`${offsetMs < 0 ? '' : '+'}${(offsetMs / 1000).toFixed(3)}`);
      appendFileSync(settings, `${realMs} ${offsetMs}\n`);
    },
    now: () => Date.now() + aheadMs,
  };
}

/** Returns the time at which the kernel stamps a file now. The clock of a test may be faked, too. */
function kernelTime(probe: string): number {
  writeFileSync(probe, 'now');
  return statSync(probe).mtimeMs;
}
