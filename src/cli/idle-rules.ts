import type { Client, Rule } from '../config/config.ts';
import { globMatcher } from '../config/globs.ts';
import type { History } from '../storage/storage.ts';

/** A rule for mounts that fits none of any client that has it: misspelt, perhaps. */
export interface IdleRule {
  readonly name: string;
  /** Line of config.xml. */
  readonly line: number | null;
  /** Clients that have the rule and have reported their mounts. */
  readonly clients: number;
}

const mountTypes: readonly (string | null)[] = ['disk', 'disk-free', 'inodes', 'mount'];

/** Rules written for mounts that match nothing stored so far, in the file's order. */
export async function findIdleRules(clients: readonly Client[], history: History): Promise<readonly IdleRule[]> {
  const rows = await history.query(
    'SELECT l.client, d.mount FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id',
  );
  const mounts = new Map<string, string[]>();
  for (const { client, mount } of rows) {
    const name = String(client);
    const known = mounts.get(name);
    if (known === undefined) mounts.set(name, [String(mount)]);
    else known.push(String(mount));
  }
  const seen = new Map<Rule, { clients: number; matched: boolean; readonly matches: (mount: string) => boolean }>();
  for (const client of clients) {
    const stored = mounts.get(client.name);
    if (stored === undefined) continue;
    for (const rule of client.rules) {
      const pattern = rule.selectors['mount'];
      if (rule.origin !== 'file' || pattern === undefined || !mountTypes.includes(rule.type)) continue;
      const found = seen.get(rule) ?? { clients: 0, matched: false, matches: globMatcher(pattern) };
      found.clients += 1;
      found.matched ||= stored.some(found.matches);
      seen.set(rule, found);
    }
  }
  return [...seen]
    .filter(([, { matched }]) => !matched)
    .map(([{ name, line }, { clients: count }]) => ({ name, line, clients: count }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
