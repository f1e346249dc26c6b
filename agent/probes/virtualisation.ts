import type { Reads } from './probe.ts';
import type { Source } from './source.ts';

/** Vendor strings of firmware in lower case, with the name of the virtualisation. The first match counts. */
const vendors = [
  ['vmware', 'vmware'],
  ['virtualbox', 'virtualbox'],
  ['innotek', 'virtualbox'],
  ['parallels', 'parallels'],
  ['bhyve', 'bhyve'],
  ['xen', 'xen'],
  ['microsoft corporation virtual machine', 'hyperv'],
  ['kvm', 'kvm'],
  ['qemu', 'qemu'],
  ['openstack', 'kvm'],
  ['google compute engine', 'kvm'],
  ['amazon ec2', 'kvm'],
] as const;
/** Vendors whose machines may be hardware. */
const clouds = /openstack|google compute engine|amazon ec2/;

/**
 * Returns the virtualisation: `lxc`, `docker`, `podman`, `systemd-nspawn`, `openvz`, `wsl` ... for containers,
 * `container-other` for unknown ones; `kvm`, `qemu`, `vmware`, `hyperv`, `xen`, `virtualbox` ... for virtual machines,
 * `vm-other` for an unknown hypervisor; `none`; undefined if it cannot be detected.
 */
export function virtualisationOf(source: Source): string | undefined {
  return containerOf(source) ?? machineOf(source);
}

/** The reads of isContainer. */
export const containerReads = {
  files: ['/proc/sys/kernel/osrelease', '/run/systemd/container', '/proc/1/cgroup', '/proc/self/mountinfo'],
  names: ['/.dockerenv', '/run/.containerenv', '/proc/vz', '/proc/bc'],
} as const satisfies Reads;

/** Returns the paths of files of the own cgroup. */
export function inCgroup(...names: readonly string[]): readonly string[] {
  return names.map((name) => `/sys/fs/cgroup/${name}`);
}

/** True if the machine is a container, which sees much of its host's kernel as its own. WSL has a kernel of its own. */
export function isContainer(source: Source): boolean {
  const container = containerOf(source);
  return container !== undefined && container !== 'wsl';
}

/** The reason why a figure of a container is unknown: the kernel shows it that of the machine. */
export const ofTheHost = 'a container sees that of its host';

/** True if a container has a file of /proc of its own: lxcfs and programs like it mount over the file. */
export function isMountedOver(source: Source, file: string): boolean {
  return new RegExp(`^(\\S+ ){4}${file} `, 'm').test(source.readOptional('/proc/self/mountinfo') ?? '');
}

/** The answers: several probes ask at each visit. */
const found = new WeakMap<Source, string | undefined>();

function containerOf(source: Source): string | undefined {
  if (!found.has(source)) found.set(source, findContainer(source));
  return found.get(source);
}

function findContainer(source: Source): string | undefined {
  if (/microsoft/i.test(source.readOptional('/proc/sys/kernel/osrelease') ?? '')) return 'wsl';
  const container = source.readOptional('/run/systemd/container')?.trim();
  if (container !== undefined && container !== '') return container;
  if (source.exists('/.dockerenv')) return 'docker';
  if (source.exists('/run/.containerenv')) return 'podman';
  if (source.exists('/proc/vz') && !source.exists('/proc/bc')) return 'openvz';
  const cgroup = source.readOptional('/proc/1/cgroup') ?? '';
  if (cgroup.includes('/lxc')) return 'lxc';
  if (cgroup.includes('/docker') || cgroup.includes('/kubepods')) return 'docker';
  const pids = source.linkName('/proc/self/ns/pid');
  if (pids === initialPids) return undefined;
  const [, named] = /(?:^|\0)container=([\w-]+)/.exec(source.readOptional('/proc/1/environ') ?? '') ?? [];
  const hasLxcfs = /^(\S+ ){4}\/proc\/\S+ .* - fuse\.lxcfs /m.test(source.readOptional('/proc/self/mountinfo') ?? '');
  return named ?? (hasLxcfs ? 'lxc' : pids === null ? undefined : 'container-other');
}

/** The namespace of process ids outside of containers: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const initialPids = 'pid:[4026531836]';

function machineOf(source: Source): string | undefined {
  if (source.exists('/sys/hypervisor/type')) {
    const isXen = source.readOptional('/sys/hypervisor/type')?.trim() === 'xen';
    // The first domain runs on the hardware.
    if (isXen) return source.readOptional('/proc/xen/capabilities')?.includes('control_d') === true ? 'none' : 'xen';
  }
  // Only the first CPU is read: each further one costs the kernel time.
  const flags = /^flags\s*:(.*)/m.exec(
    source.exists('/proc/cpuinfo') ? source.readStart('/proc/cpuinfo', 4096) : '',
  )?.[1];
  const hasHypervisor = flags === undefined ? null : ` ${flags} `.includes(' hypervisor ');
  const read = (name: string): string => source.readOptional(`/sys/class/dmi/id/${name}`)?.trim() ?? '';
  const firmware = `${read('sys_vendor')} ${read('product_name')} ${read('bios_vendor')}`.toLowerCase();
  const [, known] = vendors.find(([words]) => firmware.includes(words)) ?? [];
  // A hypervisor may hide the flag, as VirtualBox does without paravirtualisation.
  if (hasHypervisor === false && (known === undefined || clouds.test(firmware))) return 'none';
  // QEMU emulates the processor itself where its guest has no clock of KVM, as in systemd-detect-virt.
  if (known !== undefined) return known === 'qemu' && hasKvmClock(source) ? 'kvm' : known;
  const deviceTree = source.readOptional('/sys/firmware/devicetree/base/hypervisor/compatible') ?? '';
  if (deviceTree !== '') return deviceTree.includes('xen') ? 'xen' : deviceTree.includes('kvm') ? 'kvm' : 'vm-other';
  return hasHypervisor === true ? 'vm-other' : undefined;
}

function hasKvmClock(source: Source): boolean {
  const clocks = source.readOptional('/sys/devices/system/clocksource/clocksource0/available_clocksource');
  return clocks?.includes('kvm-clock') === true;
}
