/** src/collector/schedule: when a client is visited, and by which of several collectors. */
import { namedUpTo } from '../../text/numbers.ts';
import { printable } from '../agent/agent-faults.ts';
import type { AgentResult } from '../agent/agent-stream.ts';

const namedInNote = 5;

/**
 * Collects the lines of one run about agents whose visits succeeded. The digests are those of this version's agents.
 */
export function createAgentNotes(digests: Readonly<Record<'node' | 'shell', string>>) {
  const outdated = new Set<string>();
  /** Clients whose `<check>` elements do not run. */
  const unchecked = new Set<string>();
  /** The reason why a client's agent cannot keep everything, by client. */
  const withoutPlace = new Map<string, string>();
  /** The number of reports that a client's spool has lost since its last visit, by client. */
  const dropped = new Map<string, number>();
  return {
    /** Adds the facts of an agent. `asksChecks` is true if config.xml has a `<check>` for the client. */
    saw: (client: string, { hello, end, reader }: AgentResult, asksChecks = false): void => {
      const own = reader === 'shell' ? digests.shell : digests.node;
      if (hello?.pinned !== undefined && hello.pinned !== own) outdated.add(client);
      if (hello?.pinned !== undefined && asksChecks) unchecked.add(client);
      if (end === null) return;
      if (end.dropped !== undefined && end.dropped > 0) dropped.set(client, end.dropped);
      const keepsReports = reader !== 'shell';
      if (end.place === null || (keepsReports && end.spool_error !== null)) {
        withoutPlace.set(client, end.spool_error ?? 'no folder can be used');
      }
    },
    lines: (): readonly string[] => {
      const lines: string[] = [];
      if (outdated.size > 0) {
        const run = outdated.size === 1 ? 'runs' : 'run';
        lines.push(
          `${named(outdated)} ${run} the agent of another version under a restricted key; see fleet-health authorize`,
        );
      }
      if (unchecked.size > 0) {
        const run = unchecked.size === 1 ? 'runs' : 'run';
        lines.push(
          `${named(unchecked)} ${run} no <check> of config.xml, for the key is restricted; ` +
            'fleet-health check names the lines for conf files there',
        );
      }
      if (dropped.size > 0) {
        const count = [...dropped.values()].reduce((sum, one) => sum + one, 0);
        const reports = count === 1 ? '1 report that waited there' : `${count} reports that waited there`;
        lines.push(`${named(dropped.keys())} lost ${reports}: damaged, or too many or too old to be kept`);
      }
      const [first] = withoutPlace;
      if (first !== undefined) {
        const [client, why] = first;
        const whose = withoutPlace.size === 1 ? '' : `${client}: `;
        const who = named(withoutPlace.keys());
        lines.push(`${who} cannot keep what the agent needs to; ${whose}${printable(why)}`);
      }
      return lines;
    },
  };
}

function named(clients: Iterable<string>): string {
  return namedUpTo(namedInNote, [...clients].sort());
}
