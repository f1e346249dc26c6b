import { findLoaderSign, loaderStatus } from '../../../src/transport/loader/loader.ts';
import { requireSame, requireThat, type FuzzTarget } from '../target.ts';

const marker = 'AAECAwQFBgcICQoLDA0ODw';
const sign = `fh-${marker}-loader-`;

/** Only the whole sign is found, with only the loader's own statuses. */
export const loaderSignTarget: FuzzTarget = {
  name: 'loader-sign',
  seeds: () => [
    Buffer.from(`${sign}${loaderStatus.agentAbsent}\n`),
    Buffer.from(`Welcome to web-1\r\n${sign}${loaderStatus.inventoryAbsent}\n`),
    Buffer.from(`${sign}${loaderStatus.agentAbsent}\n${sign}${loaderStatus.shellAbsent}\n`),
    Buffer.from(`${sign}\n`),
    Buffer.from(`/bin/sh -c '...' fh ${marker} 20\n`),
  ],
  words: [sign, marker, 'fh-', '-loader-', '81', '82', '9', '\n', '\r', '\0', '\x1b[2J', '\xff', '0x'],
  check: (input) => {
    const found = findLoaderSign(input, marker);
    requireSame(found !== null, input.includes(sign), 'found where it is');
    if (found === null) return 'none';
    const { agentAbsent, inventoryAbsent, shellAbsent } = loaderStatus;
    const allowed: readonly (number | null)[] = [null, agentAbsent, inventoryAbsent, shellAbsent];
    requireThat(allowed.includes(found.absentStatus), `a status ${found.absentStatus ?? ''} of no loader`);
    return String(found.absentStatus);
  },
};
