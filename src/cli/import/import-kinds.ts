import type { Reader } from './imported.ts';

const readPrometheus = async (): Promise<Reader> => (await import('./readers/prometheus.ts')).readPrometheus;

/** The kinds of lists that can be imported, in the order of the help. A reader is loaded when it is needed. */
const readers = {
  ansible: async () => (await import('./readers/ansible.ts')).readAnsible,
  nagios: async () => (await import('./readers/nagios.ts')).readNagios,
  'ssh-config': async () => (await import('./readers/ssh-config.ts')).readSshConfig,
  'known-hosts': async () => (await import('./readers/known-hosts.ts')).readKnownHosts,
  csv: async () => (await import('./readers/csv.ts')).readCsv,
  hosts: async () => (await import('./readers/hosts-file.ts')).readHostsFile,
  'http-sd': readPrometheus,
  prometheus: readPrometheus,
  pattoo: async () => (await import('./readers/pattoo.ts')).readPattoo,
} as const satisfies Readonly<Record<string, () => Promise<Reader>>>;

export type ImportKind = keyof typeof readers;

export const importKinds = Object.keys(readers) as readonly ImportKind[];

export function loadReader(kind: ImportKind): Promise<Reader> {
  return readers[kind]();
}
