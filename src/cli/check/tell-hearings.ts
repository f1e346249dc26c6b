import type { Config } from '../../config/config.ts';
import { escapeControls } from '../../log.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import type { Hearing, NextWindow } from './who-hears.ts';

/** Prints who is told of what, and when windows are open next. */
export function tellHearings(
  output: Output,
  config: Config,
  hearings: readonly Hearing[],
  windows: readonly NextWindow[],
): void {
  const columns = [
    { title: 'who is told' },
    { title: 'from' },
    { title: 'clients' },
    { title: 'rules', shrinks: true },
  ];
  const rows = hearings.map(({ recipient, severity, within_hours: hours, rules, clients }) => [
    escapeControls(recipient),
    `${severity}${hours ? ', in hours' : ''}`,
    clients === 0 ? 'the fleet' : String(clients),
    rules.length === 0 ? 'all' : escapeControls(rules.join(', ')),
  ]);
  if (rows.length > 0) output.print(`${renderTable(output, columns, rows)}\n`);
  const time = readerTime(config, Date.now());
  for (const { clients, severity, rules, next } of windows) {
    const what = `${severity === null ? 'everything' : 'warnings'}${rules.length === 0 ? '' : ` of ${rules.join(', ')}`}`;
    const when = next.map(
      (one) => `${time.moment(Date.parse(one.starts_at))} to ${time.moment(Date.parse(one.ends_at))}`,
    );
    const of = clients === 0 ? 'the fleet' : clients === 1 ? '1 client' : `${clients} clients`;
    output.print(escapeControls(`window for ${what} of ${of}: ${when.length === 0 ? 'never again' : when.join(', ')}`));
  }
}
