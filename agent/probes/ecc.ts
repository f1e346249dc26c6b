import type { BuiltInCheck } from './collected.ts';
import type { Earlier, Probe } from './probe.ts';
import type { Source } from './source.ts';
import { isContainer } from './virtualisation.ts';

const dir = '/sys/devices/system/edac/mc';

/**
 * Checks the memory controllers that count errors. CRITICAL if there was an uncorrected error since the controller's
 * counters began: data was lost, and the memory needs a look even if no second error follows. WARNING if corrected ones
 * were added since the previous visit; a single one harms nothing, and two reports in a row tell of more.
 * https://docs.kernel.org/admin-guide/RAS/main.html#edac-error-detection-and-correction
 */
export const ecc: Probe = {
  name: 'ecc',
  deadlineMs: 1000,
  rates: true,
  check: 'ecc',
  run: ({ source, earlier }) => {
    const found = source.list(dir).filter((name) => /^mc\d/.test(name));
    if (found.length === 0 || isContainer(source)) return { functions: [] };
    const controllers = found.sort().map((name) => ({ name, corrected: countIn(source, name, 'ce_count') }));
    return {
      functions: [],
      checks: controllers.map(({ name, corrected }) => controllerCheck(source, name, corrected, earlier)),
      counters: Object.fromEntries(
        controllers.flatMap(({ name, corrected }) => (corrected === '' ? [] : [[name, Number(corrected)]])),
      ),
    };
  },
};

/** Returns the digits of a count; '' if it is unknown. */
function countIn(source: Source, controller: string, file: string): string {
  return /^\d+/.exec(source.readOptional(`${dir}/${controller}/${file}`) ?? '')?.[0] ?? '';
}

function controllerCheck(source: Source, controller: string, corrected: string, earlier: Earlier | null): BuiltInCheck {
  const name = `ecc:${controller}`;
  const uncorrected = countIn(source, controller, 'ue_count');
  if (corrected === '' || uncorrected === '') return { name, state: 3, text: 'cannot be read', perfdata: '' };
  const before = (earlier?.counters as Readonly<Record<string, number>> | undefined)?.[controller];
  const more = Number(corrected) - (before ?? Infinity);
  const kind = source.readOptional(`${dir}/${controller}/mc_name`)?.trim() ?? '';
  return {
    name,
    state: Number(uncorrected) > 0 ? 2 : more > 0 ? 1 : 0,
    text:
      `${kind === '' ? '' : `${kind}: `}${uncorrected} uncorrected and ${corrected} corrected errors` +
      (more > 0 ? `, ${more} corrected since the previous visit` : ''),
    perfdata: `uncorrected=${uncorrected}c corrected=${corrected}c`,
  };
}
