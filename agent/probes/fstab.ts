import { isNetwork } from './file-systems.ts';
import type { FileSystem } from './file-systems.ts';
import { unescaped } from './mountinfo.ts';
import type { Mount } from './mountinfo.ts';

/** Options of mounts that need not be there, or come when they are first used. */
const optional = new Set(['noauto', 'nofail', 'x-systemd.automount']);
const device = /^(\/dev\/|(PART)?(UUID|LABEL)=)/;

/**
 * The mounts that /etc/fstab has mounted at boot and that are not there. `resolve` follows the links of a path; null if
 * that may not be asked. Where /sys is read-only devices are left out, as systemd does: that is a container.
 * https://man7.org/linux/man-pages/man5/fstab.5.html
 */
export function missingMounts(
  fstab: string,
  mounts: readonly Mount[],
  resolve: (path: string) => string | null,
): FileSystem[] {
  const there = new Set(mounts.map(({ mount }) => mount));
  const isContainer = mounts.some(({ mount, writable }) => mount === '/sys' && !writable);
  const missing = new Map<string, FileSystem>();
  for (const line of fstab.split('\n')) {
    const [source = '', path = '', fstype = '', options = ''] = line.trim().split(/[ \t]+/);
    if (source.startsWith('#') || !path.startsWith('/') || fstype === 'swap') continue;
    if (options.split(',').some((option) => optional.has(option)) || (isContainer && device.test(source))) continue;
    const mount = unescaped(path)
      .replace(/\/+/g, '/')
      .replace(/(.)\/$/, '$1');
    if (there.has(mount) || missing.has(mount)) continue;
    const resolved = resolve(mount);
    if (resolved === null || there.has(resolved)) continue;
    missing.set(mount, {
      mount,
      fstype,
      source: unescaped(source),
      scope: isNetwork(fstype) ? 'network' : 'local',
      mode: 'missing',
      mayHang: false,
      parts: [],
      isFurther: false,
    });
  }
  return [...missing.values()];
}
