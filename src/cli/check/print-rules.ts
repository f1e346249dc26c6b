import type { WrittenRule } from '../../config/describe-defaults.ts';
import type { Output } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

const mostRules = 20;

/** Prints the rules that config.xml writes, with their levels and their `for`. */
export function printRules(output: Output, rules: readonly WrittenRule[]): void {
  if (rules.length === 0) return;
  const table = renderTable(
    output,
    [
      { title: 'rule', shrinks: true, cell: ({ rule }) => rule },
      { title: 'limit', shrinks: true, cell: (one) => one.limit_text },
      { title: 'clients', cell: ({ clients }) => (clients === 0 ? 'the fleet' : String(clients)) },
    ],
    rules.slice(0, mostRules),
  );
  const more = rules.length - mostRules;
  output.print(`${table}\n${more > 0 ? `and ${more} more; check CLIENT shows them\n` : ''}`);
}
