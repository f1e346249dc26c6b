import type { Platform } from '../../loader/platform-sign.ts';

/** The platforms that a runtime can be brought to, and how one knows them: by what a Node.js binary for them says of itself. */
export interface RuntimeTarget {
  /** As people write it, and npm where it has a package: `linux-x64`. */
  readonly name: string;
  /** `e_machine` of elf(5). */
  readonly machine: number;
  readonly endian: 'little' | 'big';
  /** The program that starts a binary of this platform, absolute; so it tells the C library too. */
  readonly interpreter: string;
  /** The npm package that holds `bin/node`; null: there is none. */
  readonly npmPackage: string | null;
}

const target = (
  name: string,
  machine: number,
  interpreter: string,
  more: Partial<Pick<RuntimeTarget, 'endian' | 'npmPackage'>> = {},
): RuntimeTarget => ({ name, machine, interpreter, endian: 'little', npmPackage: `node-${name}`, ...more });

/** All platforms, those with glibc before those with musl: where a machine has both, glibc is what it was made with. */
export const runtimeTargets: readonly RuntimeTarget[] = [
  target('linux-x64', 62, '/lib64/ld-linux-x86-64.so.2'),
  target('linux-arm64', 183, '/lib/ld-linux-aarch64.so.1'),
  target('linux-ppc64le', 21, '/lib64/ld64.so.2'),
  target('linux-s390x', 22, '/lib/ld64.so.1', { endian: 'big' }),
  target('linux-x64-musl', 62, '/lib/ld-musl-x86_64.so.1', { npmPackage: null }),
  target('linux-arm64-musl', 183, '/lib/ld-musl-aarch64.so.1', { npmPackage: null }),
];

/** The target of this name, or null. */
export function targetNamed(name: string): RuntimeTarget | null {
  return runtimeTargets.find((known) => known.name === name) ?? null;
}

/** The target whose runtime a client can run, judged by the dynamic loaders it has; null: none of ours. */
export function targetOfPlatform({ system, interpreters, alpine }: Platform): RuntimeTarget | null {
  if (system !== 'Linux') return null;
  const fits = runtimeTargets.filter(({ interpreter }) => interpreters.includes(interpreter));
  return (alpine ? fits.find(({ interpreter }) => interpreter.includes('musl')) : undefined) ?? fits[0] ?? null;
}
