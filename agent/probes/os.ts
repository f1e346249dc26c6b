import { missing, oneRow, type Missing } from './function-report.ts';
import type { VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { isContainer, virtualisationOf } from './virtualisation.ts';

/** The file of proxmox-boot-tool with the kernel that is to run, whatever others are installed. */
const pinned = '/etc/kernel/proxmox-boot-pin';

/** The files by which Debian, SUSE and OSTree, which has staged another system, ask for a reboot. */
const rebootFlags = [
  ...['/run/reboot-required', '/var/run/reboot-required', '/run/reboot-needed'],
  '/run/ostree/staged-deployment',
];

/** Reads the names of the system from /proc/sys/kernel, os-release and DMI, and the need for a reboot. */
export const os: VisitProbe = {
  name: 'os',
  deadlineMs: 1000,
  reads: {
    names: [...rebootFlags, '/lib/modules/*', pinned],
    times: ['/lib/modules/*'],
    files: [
      '/proc/uptime',
      ...['/proc/sys/kernel/hostname', '/proc/sys/kernel/arch', '/etc/os-release', '/usr/lib/os-release'],
      ...['/sys/hypervisor/type', '/proc/xen/capabilities'],
      ...['sys_vendor', 'product_name', 'bios_vendor'].map((name) => `/sys/class/dmi/id/${name}`),
      '/sys/devices/system/clocksource/clocksource0/available_clocksource',
    ],
    heads: [
      ['/proc/cpuinfo', 30],
      ['/proc/modules', 1],
    ],
    firsts: ['/sys/firmware/devicetree/base/hypervisor/compatible'],
  },
  run: ({ source }) => {
    const release = osRelease(source);
    const kernel = source.read('/proc/sys/kernel/osrelease').trim();
    return oneRow('os', {
      hostname: source.readOptional('/proc/sys/kernel/hostname')?.trim(),
      distribution: release('PRETTY_NAME') ?? release('NAME'),
      kernel,
      architecture: source.readOptional('/proc/sys/kernel/arch')?.trim() ?? source.reader.architecture,
      virtualisation: virtualisationOf(source),
      reboot_required: rebootRequired(source, kernel, `${release('ID') ?? ''} ${release('ID_LIKE') ?? ''}`),
    });
  },
};

/** Returns a reader of os-release by name. https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
function osRelease(source: Source): (name: string) => string | undefined {
  const file = ['/etc/os-release', '/usr/lib/os-release'].find((path) => source.exists(path));
  const lines = file === undefined ? [] : source.readStart(file, 16_384).split('\n');
  return (name) => {
    const value = lines
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .trim();
    const plain = value?.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(["'$`\\])/g, '$1');
    return plain === '' ? undefined : plain;
  };
}

/** Words of a kernel's name that tell its version: of Debian and its backports, and of candidates. */
const versionWords = new Set(['deb', 'bpo', 'rc', 'git', 'r']);

/** Returns the words of a kernel's name that stay when it is updated: `amd`, `generic`, `el x`, `default`, `rpi v8`. */
function flavourOf(kernel: string): string {
  const words = kernel.replace(/git[\da-f]+/g, '').match(/v\d+|[a-z]+/gi) ?? [];
  return words.filter((word) => !versionWords.has(word)).join(' ');
}

/** True if a newer kernel of the flavour of the running one was installed since the boot. */
function hasNewer(source: Source, kernel: string, installed: readonly string[]): boolean {
  const bootMs = source.reader.nowMs() - 1000 * parseFloat(source.readOptional('/proc/uptime') ?? '');
  const own = kernel.match(/\d+/g) ?? [];
  return installed.some((name) => {
    const numbers = name.match(/\d+/g) ?? [];
    const at = numbers.findIndex((number, index) => number !== own[index]);
    const isNewer = flavourOf(name) === flavourOf(kernel) && Number(numbers[at]) > Number(own[at] ?? 0);
    return isNewer && source.changedMs(`/lib/modules/${name}`) > bootMs && !source.exists(pinned);
  });
}

/** Returns 1 or 0, or a missing value on systems that do not report it. */
function rebootRequired(source: Source, kernel: string, ids: string): number | Missing {
  if (rebootFlags.some((flag) => source.exists(flag))) return 1;
  // Packages do not bring the kernel of a container or of WSL.
  if (isContainer(source) || /microsoft/i.test(kernel)) return missing('the kernel is not one of this system');
  // The kernel was replaced if its own folder of modules is missing while others exist.
  const installed = source.list('/lib/modules');
  const isOwn = installed.length === 0 || installed.some((name) => flavourOf(name) === flavourOf(kernel));
  if (!isOwn && !installed.includes(kernel)) return missing('the running kernel is not one of its packages');
  const isReplaced =
    installed.length > 0 && !installed.includes(kernel) && (source.readOptional('/proc/modules') ?? '') !== '';
  if (isReplaced || hasNewer(source, kernel, installed)) return 1;
  const kinds = ids.split(' ');
  return ['debian', 'ubuntu', 'arch', 'alpine', 'suse', 'opensuse'].some((kind) => kinds.includes(kind))
    ? 0
    : missing('this system does not tell');
}
