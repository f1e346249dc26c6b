/** Clocks that are set while a program uses them. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const library = readdirSync('/usr/lib')
  .map((name) => path.join('/usr/lib', name, 'faketime', 'libfaketime.so.1'))
  .find((file) => existsSync(file));

/** The option `skip` of node:test. With CI set the test fails instead. */
export const skipWithoutFaketime: string | false =
  library === undefined && !process.env['CI'] ? 'faketime is not installed' : false;

export interface FakedClock {
  /** The environment of a program that uses this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the clock, as in `+365d`. Running programs see the change at once; their monotonic clocks are not changed. */
  readonly set: (offset: string) => void;
}

/** Makes a clock in a file of this folder. */
export function fakedClock(dir: string): FakedClock {
  const file = path.join(dir, 'clock');
  const set = (offset: string): void => writeFileSync(file, `${offset}\n`);
  set('+0');
  const env = {
    LD_PRELOAD: library ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  return { env, set };
}

/**
 * Removes what libfaketime keeps in memory for processes that are gone. It leaves that of a killed one and of a
 * subshell, and a later process with the same number does not start where half of it is left.
 */
export function sweepFaketime(): void {
  for (const name of existsSync('/dev/shm') ? readdirSync('/dev/shm') : []) {
    const pid = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path.join('/dev/shm', name), { force: true });
  }
}
