/** Lists of machines of other programs, made into clients of config.xml: docs/import.md. */
import { FleetError, messageOf } from '../errors.ts';
import { readAnsible } from './ansible.ts';
import { readCsv } from './csv.ts';
import type { ImportKind } from './import-kinds.ts';
import type { Imported, SourceText } from './imported.ts';
import { readKnownHosts } from './known-hosts.ts';
import { readNagios } from './nagios.ts';
import { readPattoo } from './pattoo.ts';
import { readSshConfig } from './ssh-config.ts';
import { takeHosts } from './take-hosts.ts';
import { unreadable } from './unreadable.ts';

const readers: Readonly<Record<ImportKind, (source: SourceText) => Imported>> = {
  ansible: readAnsible,
  nagios: readNagios,
  'ssh-config': readSshConfig,
  'known-hosts': readKnownHosts,
  csv: readCsv,
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
