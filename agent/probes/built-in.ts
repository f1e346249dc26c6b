import { bonding } from './bonding.ts';
import { md } from './md.ts';
import type { Probe } from './probe.ts';

/** The probes that report checks alone, in the order of these checks in a report. */
export const builtIn: readonly Probe[] = [bonding, md];
