import type { Platform } from '../agent/platform-sign.ts';

/** A platform to which a runtime can be uploaded, with the marks of a Node.js binary for it. */
export interface RuntimeTarget {
  /** The name for people, and for npm if npm has a package: `linux-x64`. */
  readonly name: string;
  /** The `e_machine` of elf(5). */
  readonly machine: number;
  readonly endian: 'little' | 'big';
  /** The absolute path of the dynamic loader of its binaries, which also identifies the C library. */
  readonly interpreter: string;
  /** The npm package that holds `bin/node`; null if there is none. */
  readonly npmPackage: string | null;
}

const target = (
  name: string,
  machine: number,
  interpreter: string,
  more: Partial<Pick<RuntimeTarget, 'endian' | 'npmPackage'>> = {},
): RuntimeTarget => ({ name, machine, interpreter, endian: 'little', npmPackage: `node-${name}`, ...more });

/** All platforms. glibc comes before musl, because a machine with both is based on glibc. */
export const runtimeTargets: readonly RuntimeTarget[] = [
  target('linux-x64', 62, '/lib64/ld-linux-x86-64.so.2'),
  target('linux-arm64', 183, '/lib/ld-linux-aarch64.so.1'),
  target('linux-ppc64le', 21, '/lib64/ld64.so.2'),
  target('linux-s390x', 22, '/lib/ld64.so.1', { endian: 'big' }),
  target('linux-x64-musl', 62, '/lib/ld-musl-x86_64.so.1', { npmPackage: null }),
  target('linux-arm64-musl', 183, '/lib/ld-musl-aarch64.so.1', { npmPackage: null }),
];

/** Returns the target of this name, or null. */
export function targetNamed(name: string): RuntimeTarget | null {
  return runtimeTargets.find((known) => known.name === name) ?? null;
}

/** Returns the target whose runtime a client can run, by the client's dynamic loaders; null if there is none. */
export function targetOfPlatform({ system, interpreters, alpine }: Platform): RuntimeTarget | null {
  if (system !== 'Linux') return null;
  const fits = runtimeTargets.filter(({ interpreter }) => interpreters.includes(interpreter));
  return (alpine ? fits.find(({ interpreter }) => interpreter.includes('musl')) : undefined) ?? fits[0] ?? null;
}
