/**
 * The probes: each reads one subject of the machine and reports it in the families of src/report/metrics.ts, or as
 * checks of the agent.
 *
 * A probe keeps to its own deadline, reads a bounded amount, and reports unknown values as null with a reason. It needs
 * no root and changes nothing. The only child processes are: one for network mounts, `df` for FUSE mounts, `systemctl`
 * if systemd runs, `chronyc` if chronyd runs, and awk with its commands if logs are requested.
 */
import { clock } from './clock.ts';
import { containers } from './containers.ts';
import { cpu } from './cpu.ts';
import { devices } from './devices.ts';
import { diskIo } from './disk-io.ts';
import { disks } from './disks.ts';
import { kernel } from './kernel.ts';
import { load } from './load.ts';
import { log } from './log.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { os } from './os.ts';
import type { VisitProbe } from './probe.ts';
import { processes } from './processes.ts';
import { services } from './services.ts';
import { swap } from './swap.ts';
import { temperatures } from './temperatures.ts';
import { updates } from './updates.ts';
import { uptime } from './uptime.ts';

/** The probes of a visit. Probes that wait for a child come first, so that the others run meanwhile. */
export const probes: readonly VisitProbe[] = [
  disks,
  services,
  clock,
  // These report checks alone, in the order of the checks in a report.
  devices,
  containers,
  updates,
  log,
  cpu,
  load,
  memory,
  swap,
  kernel,
  network,
  diskIo,
  os,
  uptime,
  processes,
  temperatures,
];
