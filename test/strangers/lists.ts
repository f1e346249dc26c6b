/** Lists of machines as people have them: each name is imported or reported, and the result passes `check`. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { clientsXml } from '../../src/cli/import/clients-xml.ts';
import { importHosts } from '../../src/cli/import/import.ts';
import { loadReader, type ImportKind } from '../../src/cli/import/import-kinds.ts';
import type { SourceText } from '../../src/cli/import/imported.ts';
import { readList } from '../../src/cli/set-up/read-list.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { thrownWords, type Case, type Subject } from './subject.ts';

interface ListKind {
  readonly kind: ImportKind;
  readonly packages: readonly string[];
  readonly files: RegExp;
  /** Returns the names of machines in a text, by an independent rule. */
  readonly names: (text: string) => readonly string[];
}

const all = (text: string, pattern: RegExp): readonly string[] =>
  Array.from(text.matchAll(pattern), ([, name = '']) => name);

const kinds: readonly ListKind[] = [
  {
    kind: 'ansible',
    packages: ['ansible', 'ansible-core', 'ansible-lint', 'python-mitogen'],
    files:
      /\/(?:inventor(?:y|ies)[^/]*\/)?(?:inventory|hosts)[^/]*(?:\.ini|\.ya?ml|\.json|\/hosts|inventory|hosts)$|\/inventor(?:y|ies)\/[\w.-]+$/i,
    // ansible-inventory itself makes the list that is read.
    names: (text) => {
      const { _meta: meta, ...groups } = JSON.parse(text) as Record<string, { hostvars?: object; hosts?: string[] }>;
      return [...Object.keys(meta?.hostvars ?? {}), ...Object.values(groups).flatMap(({ hosts = [] }) => hosts)];
    },
  },
  {
    kind: 'prometheus',
    packages: ['prometheus'],
    files:
      /\/(?:config\/testdata|documentation\/examples|cmd\/promtool\/testdata|discovery\/file\/fixtures)\/.*\.(?:ya?ml|json)$/,
    // The targets in lines of their own, or in one line of brackets, of groups that are no alertmanagers'.
    names: (text) =>
      text.includes('alertmanagers:') || text.includes('_sd_configs:')
        ? []
        : all(text, /^[ \t-]*"?targets"?:[ \t]*\[[ \t]*["']?([\w.-]+):\d+["']?[ \t]*\]/gm),
  },
  {
    kind: 'nagios',
    packages: ['nagios4', 'nagios-plugins-contrib'],
    files: /\.cfg(?:\.in)?$/,
    names: (text) =>
      (text.match(/^[ \t]*define[ \t]+host[ \t]*\{[^}]*\}/gm) ?? [])
        .filter((block) => !/^[ \t]*register[ \t]+0/m.test(block))
        .flatMap((block) => all(block, /^[ \t]*host_name[ \t]+([^;\s]+)/gm)),
  },
  {
    kind: 'hosts',
    packages: ['systemd', 'ansible'],
    files: /\/etc\/hosts$|\/fuzz-etc-hosts\/[^/]+$|\/(?:etc_)?hosts$/,
    names: () => [],
  },
  {
    kind: 'ssh-config',
    packages: ['golang-github-kevinburke-ssh-config', 'jsch'],
    files: /\/testdata\/[\w-]+$|\/resources\/config$/,
    names: () => [],
  },
  {
    kind: 'known-hosts',
    packages: ['openssh'],
    files: /\/(?:ssh_)?known_hosts\w*$/,
    names: () => [],
  },
];

export const lists: Subject = {
  name: 'lists',
  packages: [...new Set(kinds.flatMap(({ packages }) => packages))],
  cases: async function* (corpora) {
    const folder = tempFolder();
    for (const list of kinds) {
      const reader = await loadReader(list.kind);
      for (const corpus of corpora.filter(({ name }) => list.packages.includes(name))) {
        for (const file of filesIn(corpus.folder, list.files)) {
          if (file.includes('/plugins/inventory/') || /\.(?:py|rst|j2|md)$/.test(file)) continue;
          yield await caseOf({ list, corpus, file, reader, folder });
        }
      }
    }
  },
};

interface Given {
  readonly list: ListKind;
  readonly corpus: Corpus;
  readonly file: string;
  readonly reader: Awaited<ReturnType<typeof loadReader>>;
  readonly folder: string;
}

async function caseOf({ list, corpus, file, reader, folder }: Given): Promise<Case> {
  const placed = { corpus, name: `${list.kind}: ${path.relative(corpus.folder, file)}` };
  try {
    const signal = new AbortController().signal;
    const source: SourceText =
      list.kind === 'ansible'
        ? await readList('ansible', file, { passwordFile: null }, signal)
        : { file, text: readFileSync(file, 'utf8') };
    const { hosts, skipped } = importHosts(reader, source);
    const words = `${hosts.length} hosts: ${hosts
      .slice(0, 6)
      .map(({ name }) => name)
      .join(' ')}; left: ${skipped
      .slice(0, 6)
      .map(({ where, why }) => `${where}: ${why}`)
      .join('; ')}`;
    const known = new Set(hosts.map(({ name }) => name));
    const reported = skipped.map(({ where, why }) => `${where} ${why}`).join('\n');
    const lost = list.names(source.text).filter((name) => !known.has(name) && !reported.includes(name));
    const faults =
      lost.length > 0 ? [`lost: ${[...new Set(lost)].join(' ')}`] : faultsOfCheck(clientsXml(hosts), known, folder);
    if (faults.length > 0) return { ...placed, outcome: 'wrong', words: `${faults.join('; ')}; ${words}` };
    return { ...placed, outcome: hosts.length > 0 ? 'read' : 'refused', words };
  } catch (thrown) {
    const isRefused = thrown instanceof FleetError && ['import-unreadable', 'config-invalid'].includes(thrown.code);
    return { ...placed, outcome: isRefused ? 'refused' : 'wrong', words: thrownWords(thrown) };
  }
}

/** Returns the faults that `check` finds in written clients. */
function faultsOfCheck(clients: string, names: ReadonlySet<string>, folder: string): readonly string[] {
  if (names.size === 0) return [];
  const file = path.join(folder, 'config.xml');
  writeFileSync(file, `<config>\n${clients}</config>\n`, { mode: 0o600 });
  try {
    const read = loadConfig({ file }).clients.map(({ name }) => name);
    const missing = [...names].filter((name) => !read.includes(name));
    return missing.length > 0 ? [`not in config.xml: ${missing.join(' ')}`] : [];
  } catch (thrown) {
    return [`check: ${thrownWords(thrown)}`];
  }
}
