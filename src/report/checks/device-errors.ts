/** Evaluates devices that count their errors. */
import { countIn, type Device, type DeviceParser, type EarlierResult } from './device-files.ts';
import { plainFigure, type Figure } from './perfdata.ts';

const counter = (label: string, value: number): Figure => ({ ...plainFigure(label, value), counter: true });

/** Returns the sum of the earlier figures with these labels; null if one of them is unknown. */
function earlierSum({ figures }: EarlierResult, labels: readonly string[]): number | null {
  let sum = 0;
  for (const label of labels) {
    const value = figures?.get(label) ?? null;
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

/** Returns how many errors were added since the earlier result; 0 without one, and after a reset. */
function added(device: Device, count: number, labels: readonly string[]): number {
  if (!(count > 0)) return 0;
  return Math.max(0, count - (earlierSum(device.earlier(), labels) ?? count));
}

/**
 * Checks the memory controllers that count errors. CRITICAL if there was an uncorrected error since the controller's
 * counters began: data was lost, and the memory needs a look even if no second error follows. WARNING if corrected
 * errors were added since the previous report. A single one is harmless, but two reports in a row indicate more.
 * https://docs.kernel.org/admin-guide/RAS/main.html#edac-error-detection-and-correction
 */
export const ecc: DeviceParser = (device) => {
  const [corrected, uncorrected] = [countIn(device.read('/ce_count')), countIn(device.read('/ue_count'))];
  if (Number.isNaN(corrected + uncorrected)) return undefined;
  const kind = device.read('/mc_name');
  const more = added(device, corrected, ['corrected']);
  return {
    state: uncorrected > 0 ? 2 : more > 0 ? 1 : 0,
    text:
      `${kind && `${kind}: `}${uncorrected} uncorrected and ${corrected} corrected errors` +
      (more > 0 ? `, ${more} corrected since the previous report` : ''),
    figures: [counter('uncorrected', uncorrected), counter('corrected', corrected)],
  };
};

/**
 * Checks mounted btrfs file systems. CRITICAL if a device is missing, or errors were added since the previous report.
 * WARNING if there are older errors: btrfs keeps its counts on disk until `btrfs device stats -z`, and nothing else
 * reports them. Kernels before 5.14 have no counts. https://docs.kernel.org/admin-guide/abi-testing.html
 * (sysfs-fs-btrfs), https://btrfs.readthedocs.io/en/latest/ch-sysfs.html
 */
export const btrfs: DeviceParser = (device) => {
  const ids = new Set(device.matching(/^\/devinfo\/([^/]+)\//).map(([id]) => id));
  if (ids.size === 0) return null;
  const missing = new Set(
    device.matching(/^\/devinfo\/([^/]+)\/missing$/).flatMap(([id, line]) => (line === '1' ? [id] : [])),
  );
  const counts = device.matching(/^\/devinfo\/([^/]+)\/error_stats$/).flatMap(([id, line]) => {
    const [, kind, digits] = /^([a-z]+)_errs (\d+)$/.exec(line) ?? [];
    return kind === undefined ? [] : [{ id, kind, count: Number(digits) }];
  });
  const sums = new Map<string, number>();
  for (const { kind, count } of counts) sums.set(kind, (sums.get(kind) ?? 0) + count);
  const errors = [...sums.values()].reduce((sum, count) => sum + count, 0);
  const more = added(
    device,
    errors,
    [...sums.keys()].map((kind) => `${kind}_errs`),
  );
  const words = [...ids].flatMap((id) => {
    const bad = counts.filter((one) => one.id === id && one.count > 0).map(({ kind, count }) => ` ${count} ${kind}`);
    const lost = missing.has(id) ? [`device ${id} missing`] : [];
    return bad.length === 0 ? lost : [...lost, `device ${id}:${bad.join('')} errors`];
  });
  if (more > 0) words.push(`${more} more errors since the previous report`);
  if (sums.size === 0) words.push('this kernel tells no errors');
  const label = device.read('/label');
  return {
    state: missing.size > 0 || more > 0 ? 2 : errors > 0 ? 1 : 0,
    text: [`${label && `${label}: `}${ids.size} device${ids.size === 1 ? '' : 's'}`, ...words].join(', '),
    figures: [...sums].map(([kind, sum]) => counter(`${kind}_errs`, sum)),
  };
};

/**
 * Checks ext4 file systems that have recorded errors, of this boot or of earlier ones: CRITICAL if there are more than
 * in the previous report, else WARNING until fsck has removed them. A file system without errors has no row.
 * https://docs.kernel.org/admin-guide/abi-testing.html (sysfs-fs-ext4)
 */
export const ext4: DeviceParser = (device) => {
  const errors = countIn(device.read('/errors_count'));
  if (Number.isNaN(errors)) return undefined;
  if (errors === 0) return null;
  const earlier = device.earlier();
  const before = earlier.isOfLastReport
    ? (earlierSum(earlier, ['errors']) ?? errors)
    : earlier.isFirstReport
      ? errors
      : 0;
  const more = errors < before ? errors : errors - before;
  const lastMs = countIn(device.read('/last_error_time')) * 1000;
  const at = lastMs > 0 && lastMs < 1e14 ? `, the last at ${new Date(lastMs).toISOString().slice(0, 19)}Z` : '';
  const place = device.read('/last_error_func');
  return {
    state: more > 0 ? 2 : 1,
    text:
      `${errors} error${errors === 1 ? '' : 's'} of the file system on ${device.name}${at}` +
      `${place && ` in ${place}`}${more > 0 ? `, ${more} since the previous report` : ''}; to be checked by fsck`,
    figures: [counter('errors', errors)],
  };
};
