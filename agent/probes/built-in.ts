import { containers } from './containers.ts';
import { devices } from './devices.ts';
import type { Probe } from './probe.ts';
import { updates } from './updates.ts';

/** The probes that report checks alone, in the order of these checks in a report. */
export const builtIn: readonly Probe[] = [devices, containers, updates];
