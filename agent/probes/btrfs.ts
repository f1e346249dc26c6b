import { deviceProbe } from './device-probe.ts';

/**
 * Checks mounted btrfs file systems. CRITICAL if a device is missing, or errors were added since the previous visit.
 * WARNING if there are older errors: btrfs keeps its counts on disk until `btrfs device stats -z`, and nothing else
 * reports them. Kernels before 5.14 have no counts. https://docs.kernel.org/admin-guide/abi-testing.html
 * (sysfs-fs-btrfs), https://btrfs.readthedocs.io/en/latest/ch-sysfs.html
 */
export const btrfs = deviceProbe('btrfs', '/sys/fs/btrfs', '/devinfo', ({ read, list, more }) => {
  const devices = list('/devinfo');
  if (devices.length === 0) return null;
  const sums = new Map<string, number>();
  let [isMissing, errors, words] = [false, 0, ''];
  for (const id of devices) {
    if (read(`/devinfo/${id}/missing`) === '1') {
      isMissing = true;
      words += `, device ${id} missing`;
    }
    let bad = '';
    for (const [, kind = '', digits] of read(`/devinfo/${id}/error_stats`).matchAll(/^([a-z]+)_errs (\d+)$/gm)) {
      const count = Number(digits);
      sums.set(kind, (sums.get(kind) ?? 0) + count);
      errors += count;
      if (count > 0) bad += ` ${count} ${kind}`;
    }
    if (bad !== '') words += `, device ${id}:${bad} errors`;
  }
  const [label, added] = [read('/label'), more(errors)];
  if (added > 0) words += `, ${added} more errors since the previous visit`;
  if (sums.size === 0) words += ', this kernel tells no errors';
  return {
    state: isMissing || added > 0 ? 2 : errors > 0 ? 1 : 0,
    text: `${label && `${label}: `}${devices.length} device${devices.length === 1 ? '' : 's'}${words}`,
    perfdata: [...sums].map(([kind, sum]) => `${kind}_errs=${sum}c`).join(' '),
  };
});
