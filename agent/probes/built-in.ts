import { bonding } from './bonding.ts';
import { btrfs } from './btrfs.ts';
import { containers } from './containers.ts';
import { ecc } from './ecc.ts';
import { md } from './md.ts';
import type { Probe } from './probe.ts';
import { updates } from './updates.ts';
import { zfs } from './zfs.ts';

/** The probes that report checks alone, in the order of these checks in a report. */
export const builtIn: readonly Probe[] = [bonding, md, ecc, btrfs, zfs, containers, updates];
