/** src/cli/metrics: `metrics`, `export`. */
import { defineCommand, flag, text } from '../command/define-command.ts';
import { exportParameters } from './parameters.ts';

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
  parameters: exportParameters,
  run: async (context, options) => (await import('./export.ts')).exportCommand(context, options),
});
