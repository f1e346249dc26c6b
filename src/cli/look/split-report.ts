import path from 'node:path';

import type { Client } from '../../config/config.ts';
import type { FleetPage } from '../../look/page/page.ts';
import { renderFleetPage } from '../../look/page/fleet-page.ts';
import { type IndexPart, indexPart, renderIndexPage } from '../../look/page/index-page.ts';
import { groupBy } from '../../platform/group-by.ts';
import { compareText } from '../../text/compare-text.ts';

export interface SplitReportOptions {
  readonly dir: string;
  readonly clients: readonly Client[];
  readonly title: string;
  readonly readPage: (clients: readonly Client[], title: string) => Promise<FleetPage>;
  readonly write: (file: string, html: string) => void;
}

interface SplitFile extends IndexPart, Pick<FleetPage, 'omissions'> {
  readonly bytes: number;
}

interface SplitReport {
  readonly files: readonly SplitFile[];
  /** The span of all pages; null if there are no clients. */
  readonly span: Pick<FleetPage, 'sinceMs' | 'untilMs'> | null;
}

/**
 * Writes the report of each group of clients, and then an index of them. A client is in the file of its innermost
 * group. Returns the files of the groups.
 */
export async function writeSplitReport(options: SplitReportOptions): Promise<SplitReport> {
  const { dir, clients, title, readPage, write } = options;
  const groups = [...groupBy(clients, (client) => client.groups.at(-1) ?? null)].sort(([one], [other]) =>
    one === null || other === null ? Number(one === null) - Number(other === null) : compareText(one, other),
  );
  const names = fileNames(groups.map(([group]) => group));
  const files: SplitFile[] = [];
  let span: FleetPage | null = null;
  for (const [index, [group, members]] of groups.entries()) {
    const page = await readPage(members, group ?? 'Clients without a group');
    const name = names[index] ?? '';
    const html = renderFleetPage(page);
    write(path.join(dir, name), html);
    span = page;
    const { omissions } = page;
    files.push({ ...indexPart(group, name, page), bytes: Buffer.byteLength(html), omissions });
  }
  const { zone = null, sinceMs = 0, untilMs = 0 } = span ?? {};
  write(path.join(dir, 'index.html'), renderIndexPage({ title, zone, sinceMs, untilMs, parts: files }));
  return { files, span };
}

/** Returns a different name for each group, which is valid for any file system and web server. */
function fileNames(groups: readonly (string | null)[]): readonly string[] {
  const taken = new Set<string>();
  return groups.map((group) => {
    const plain =
      group === null
        ? 'no-group'
        : `group-${group
            .toLowerCase()
            .replace(/[^a-z0-9.-]/g, '_')
            .slice(0, 100)}`;
    let name = plain;
    for (let count = 2; taken.has(name); count += 1) name = `${plain}-${count}`;
    taken.add(name);
    return `${name}.html`;
  });
}
