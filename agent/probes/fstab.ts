import { isNetwork, type FileSystem } from './file-systems.ts';
import { unescaped, type Mount } from './mountinfo.ts';

/** The options of mounts that are optional, or made on first use. */
const optional = new Set(['noauto', 'nofail', 'x-systemd.automount']);
const device = /^(\/dev\/|(PART)?(UUID|LABEL)=)/;

/**
 * Returns the mounts that /etc/fstab demands at boot and that are missing. `resolve` follows the links of a path and
 * returns null if the path must not be asked. A read-only /sys means a container: devices are left out there, as in
 * systemd. https://man7.org/linux/man-pages/man5/fstab.5.html
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
