import { deviceProbe } from './device-probe.ts';

/**
 * Checks the memory controllers that count errors. CRITICAL if there was an uncorrected error since the controller's
 * counters began: data was lost, and the memory needs a look even if no second error follows. WARNING if corrected
 * errors were added since the previous visit. A single one is harmless, but two reports in a row indicate more.
 * https://docs.kernel.org/admin-guide/RAS/main.html#edac-error-detection-and-correction
 */
export const ecc = deviceProbe('ecc', '/sys/devices/system/edac/mc', '/ce_count', ({ read, more }) => {
  const [corrected, uncorrected, kind] = [read('/ce_count'), read('/ue_count'), read('/mc_name')];
  const added = /^\d+$/.test(corrected) ? more(Number(corrected)) : NaN;
  if (Number.isNaN(added) || !/^\d+$/.test(uncorrected)) return undefined;
  return {
    state: Number(uncorrected) > 0 ? 2 : added > 0 ? 1 : 0,
    text:
      `${kind && `${kind}: `}${uncorrected} uncorrected and ${corrected} corrected errors` +
      (added > 0 ? `, ${added} corrected since the previous visit` : ''),
    perfdata: `uncorrected=${uncorrected}c corrected=${corrected}c`,
  };
});
