/** Lists of machines of other programs, made into clients of config.xml: docs/import.md. */
import { FleetError, messageOf } from '../errors.ts';
import { readAnsible } from './readers/ansible.ts';
import { readCsv } from './readers/csv.ts';
import type { ImportKind } from './import-kinds.ts';
import type { Imported, SourceText } from './imported.ts';
import { readHostsFile } from './readers/hosts-file.ts';
import { readPrometheus } from './readers/prometheus.ts';
import { readKnownHosts } from './readers/known-hosts.ts';
import { readNagios } from './readers/nagios.ts';
import { readPattoo } from './readers/pattoo.ts';
import { readSshConfig } from './readers/ssh-config.ts';
import { takeHosts } from './take-hosts.ts';
import { unreadable } from './unreadable.ts';

const readers: Readonly<Record<ImportKind, (source: SourceText) => Imported>> = {
  ansible: readAnsible,
  nagios: readNagios,
  'ssh-config': readSshConfig,
  'known-hosts': readKnownHosts,
  csv: readCsv,
  hosts: readHostsFile,
  prometheus: readPrometheus,
  pattoo: readPattoo,
};

/**
 * Reads a list of machines. Omits and reports every machine that config.xml could not name. Throws FleetError
 * `import-unreadable` if the text is no list of that kind.
 */
export function importHosts(kind: ImportKind, source: SourceText): Imported {
  try {
    const { hosts, skipped } = readers[kind](source);
    return takeHosts({ hosts, skipped: [...(source.warnings ?? []), ...skipped] });
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    throw unreadable(source, `it cannot be read: ${messageOf(thrown)}`, 'Leave out what no such list has.');
  }
}
