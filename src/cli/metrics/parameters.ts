import { many, selection, text } from '../command/define-command.ts';

export const exportParameters = {
  format: text(
    '<format>',
    'openmetrics (for promtool), csv (for spreadsheets), jsonl (a line for each report) or pattoo',
  ),
  clients: many(text('[client...]', 'only these clients or patterns')),
  group: selection.group,
  label: selection.label,
  families: text('--families <list>', 'some of client, check, disk, network, series (default: all; csv: one)'),
  file: text('-o, --output <file>', 'the file (default: standard output)'),
  since: text(
    '--since <time>',
    'the beginning: 1y ago, yesterday, 2026-12-01 (default: 1y; for the first export to pattoo 1h)',
  ),
  until: text('--until <time>', 'the end (default: now)'),
  to: text('--to <url>', 'the pattoo server; unacknowledged documents go to receive/AGENT_ID below this URL'),
} as const;
