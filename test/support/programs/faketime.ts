/** Clocks that are set while a program uses them. */
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Scope } from '../temp-folder.ts';

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
 * Returns the environment of programs that share a lock and a memory of libfaketime which no killed program can spoil.
 * Each program locks it as it starts. libfaketime's own has one place: a program that is killed while it has it, as
 * sleeps of the shell agent are, would stop all that start later. This one has a million. They are removed at the end
 * of the scope.
 */
export function sharedClock(t: Scope): Readonly<Record<string, string>> {
  const name = `fleet-health-clock-${randomUUID()}`;
  const files = [`sem.${name}`, name].map((file) => path.join('/dev/shm', file));
  // The form of glibc on a machine of 64 bits (sysdeps/nptl/internaltypes.h): the number of places is first.
  const places = new Uint32Array(8).fill(1_000_000, 0, 1);
  for (const file of files) {
    writeFileSync(file, places);
    // Other accounts use it, too.
    chmodSync(file, 0o666);
    t.after(() => rmSync(file, { force: true }));
  }
  return { FAKETIME_SHARED: `/${name} /${name}` };
}
