import { spawnSync } from 'node:child_process';

const found = (program: string): boolean =>
  spawnSync('/bin/sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status === 0;

/**
 * Installs the Debian package of a missing program, except in quick runs. Returns the reason if the program is still
 * missing; null if it is there.
 */
export function programMissing(program: string, debianPackage: string, quick: boolean): string | null {
  if (found(program)) return null;
  if (quick) return `${program} is not installed`;
  if (process.getuid?.() === 0 && found('apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], { env, stdio: 'ignore' });
  }
  return found(program) ? null : `${program} is not installed, and the package ${debianPackage} is not to be had here`;
}
