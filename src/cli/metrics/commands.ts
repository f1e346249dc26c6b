import { defineCommand, flag, many, selection, text } from '../command/define-command.ts';

export const metrics = defineCommand({
  name: 'metrics',
  help: 'print the newest figures for Prometheus',
  example: 'fleet-health metrics --families client,alerts',
  parameters: {
    families: text('--families <list>', 'some of client, alerts, self, check, disk, network, series (default: all)'),
    openmetrics: flag('--openmetrics', 'OpenMetrics 1.0 instead of the text format 0.0.4'),
  },
  run: async (context, options) => (await import('./metrics.ts')).metricsCommand(context, options),
});

export const exportHistory = defineCommand({
  name: 'export',
  help: 'print the history as openmetrics, csv or jsonl, or post it to a pattoo server',
  example: 'fleet-health export csv web-1 --since 30d -o web-1.csv',
  parameters: {
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
  },
  run: async (context, options) => (await import('./export.ts')).exportCommand(context, options),
});
