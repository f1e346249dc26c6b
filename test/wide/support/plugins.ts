/** Debian's plugins, and packages that test/setup.sh unpacks without installing them. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const pluginFolder = '/usr/lib/nagios/plugins';
const unpackedFolder = '/var/tmp/fleet-health-tests/packages';

/** The names of all plugins. Empty if monitoring-plugins-basic or -contrib is missing. */
export const plugins: readonly string[] = ['check_disk', 'check_cpu'].every((name) =>
  existsSync(path.join(pluginFolder, name)),
)
  ? readdirSync(pluginFolder).filter((name) => !name.startsWith('utils.'))
  : [];

export const skipWithoutPlugins =
  plugins.length === 0 ? 'monitoring-plugins-basic and monitoring-plugins-contrib are missing' : false;

/** Returns the root of an unpacked package. */
export const unpacked = (name: string): string => path.join(unpackedFolder, name);

/** Returns the reason to skip a test that needs these packages; false if they are there. */
export function skipWithoutUnpacked(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !existsSync(unpacked(name)));
  return missing.length === 0 ? false : `not unpacked: ${missing.join(' ')}`;
}

/** A plugin with harmless arguments, and its answer on any machine. */
export interface PluginRun {
  readonly command: string;
  readonly states: string;
  readonly text: RegExp;
  /** The required labels. Others are refused unless the value contains `*`. */
  readonly labels?: string;
}

const run = (command: string, states: string, text: RegExp, labels = ''): PluginRun => ({
  command,
  states,
  text,
  labels,
});

/** To read the package lists of a machine that was not upgraded for a year takes seconds of CPU. */
const noUpgrades = '-o Debug::NoLocking=true -s -qq -o Dir::State::Lists=FILE/lists';

/** Runs of plugins of both packages. `FILE` is a folder for the plugins' own files. */
export const pluginRuns: readonly PluginRun[] = [
  run('check_disk -w 1% -c 0% -p /', '012', /^DISK \w+/, '/'),
  run('check_disk -w 0% -c 0% -X overlay', '012', /^DISK \w+/, '*'),
  run('check_load -w 1000,1000,1000 -c 2000,2000,2000', '0', /load average: [\d.]+/, 'load1 load5 load15'),
  run(
    'check_load -r -w 1000 -c 2000',
    '0',
    /load average/,
    'load1 scaled_load1 load5 scaled_load5 load15 scaled_load15',
  ),
  run('check_procs -w 100000 -c 200000', '0', /^PROCS OK: \d+ process/, 'procs'),
  run('check_procs -w 100000 -c 200000 --metric=VSZ', '012', /^VSZ \w+/, 'procs procs_warn procs_crit'),
  run('check_users -w 1000 -c 2000', '03', /^USERS \w+|user/, '*'),
  run('check_swap -w 1% -c 0%', '012', /^SWAP \w+/, 'swap'),
  run('check_dummy 1 word', '1', /^WARNING: word$/),
  run('check_dummy 3 "a | b=1"', '3', /^UNKNOWN: a$/, 'b'),
  run('check_file_age -f /etc/passwd -w 999999999 -c 9999999999', '0', /^FILE_AGE OK/, 'age size'),
  run('check_log -F /etc/passwd -O FILE/old -q nosuch', '0', /initialized/),
  run('check_cluster -s -l three -d 0,1,2 -w @1: -c @2:', '012', /^CLUSTER \w+: three/),
  run('check_cluster -h -d 0,0 -c @1:', '0', /^CLUSTER OK/),
  run(`negate -w CRITICAL ${pluginFolder}/check_dummy 1 x`, '2', /x$/),
  run('urlize http://www.example.org check_dummy 0 x', '0', /^<A href=/i),
  run('check_ping -H 127.0.0.1 -w 1000,50% -c 2000,90% -p 1', '0', /^PING OK/, 'rta pl'),
  run('check_icmp -H 127.0.0.1 -n 1', '03', /127\.0\.0\.1|permitted|socket/i, '*'),
  run('check_host -H 127.0.0.1 -n 1', '03', /127\.0\.0\.1|permitted|socket/i, '*'),
  run('check_tcp -H 127.0.0.1 -p 1', '2', /refused/),
  run('check_ssh -p 1 127.0.0.1', '2', /refused/),
  run('check_http -H 127.0.0.1 -p 1', '2', /refused/),
  run('check_real -H 127.0.0.1 -p 1', '2', /refused/),
  run('check_time -H 127.0.0.1 -p 1', '3', /refused/),
  run('check_nagios -F /etc/passwd -C x -e 5', '2', /^NAGIOS CRITICAL/),
  run('check_ide_smart -d /dev/null', '23', /CRITICAL|UNKNOWN/),
  run('check_sensors', '0123', /^SENSORS|sensor/i, '*'),
  run(`check_apt --upgrade="${noUpgrades}"`, '0', /^APT OK: 0 packages/, 'available_upgrades critical_updates'),
  run('check_cpu', '0', /^cpu .*user/, 'cpu_user cpu_system cpu_idle cpu_iowait cpu_steal'),
  run('check_iowait', '0', /^iowait /, 'cpu_user cpu_system cpu_idle cpu_iowait cpu_steal'),
  run('check_memory', '0', /^memory OK/, 'mem_total mem_used *'),
  run('check_memory -b -w 101%', '0', /^memory OK/, 'mem_total mem_used *'),
  run('check_pressure --io 1', '0123', /^pressure|pressure/, '*'),
  run('check_network', '0', /^network OK/, 'lo_txbyte/s *'),
  run('check_network_errors', '0', /^network errors OK/, 'lo_txerr/s *'),
  run('check_clock --refclock 0', '0', /^clock OK/, 'clock_delta'),
  run('check_madrisan_load --load1=1000,2000', '0', /^madrisan_load OK/, 'load1 load5 load15'),
  run('check_madrisan_uptime -w 1: -c 0:', '0', /^madrisan_uptime OK/, 'uptime'),
  run('check_madrisan_swap', '0', /^madrisan_swap OK/, 'swap_total swap_used swap_free swap_cached *'),
  run('check_madrisan_users', '0', /^madrisan_users OK/, 'logged_users'),
  run('check_tcpcount', '0', /^tcpcount OK/, 'tcp_established tcp_syn_sent *'),
  run('check_nbprocs', '0', /^nbprocs OK/, '*'),
  run('check_intr', '0', /^intr OK/, 'intr/s *'),
  run('check_cswch', '0', /^cswch OK/, 'cswch/s'),
  run('check_paging', '0', /^paging OK/, 'vmem_pgpgin/s *'),
  run('check_uptime', '0123', /up|Linux/, '*'),
  run('check_raid', '0123', /^check_raid \w+/, '*'),
  run('check_checksums /etc/passwd', '0123', /OK|UNKNOWN|CRITICAL/, '*'),
  run('check_entropy', '012', /entropy/, 'entropy'),
  run('check_statusfile FILE/status', '0', /^all is well$/),
  run('check_cert_expire /etc/ssl/certs/ca-certificates.crt', '012', /notAfter/),
  run('check_readonlyfs /', '02', /^readonlyfs \w+/),
  run('check_ifmountfs /', '02', /^filesystems \w+/),
  run('check_temperature -l', '03', /thermal/i),
  run('check_etc_hosts', '012', /hosts/),
  run('check_drbd', '03', /^DRBD \w+/, '*'),
  run('check_running_kernel', '0123', /kernel/i),
  run('check_packages', '0123', /ok|OK/, '*'),
  // The plugin gives up if a process ends or closes a file during its look at that process. Processes beside the tests
  // do.
  run('check_libs', '0123', /lib|^Exception: \[Errno [23]\]/i),
  run('pmp-check-unix-memory -w 101 -c 102', '0', /^OK Memory/, 'memory_used'),
  run('pmp-check-lvm-snapshots', '0123', /LVM/),
  run('check_haproxy_stats', '0123', /haproxy/, '*'),
];
