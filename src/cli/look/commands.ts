import { defineCommand, many, selection, text, withDefault } from '../command/define-command.ts';

export const report = defineCommand({
  name: 'report',
  help: 'the fleet as one HTML file to open, mail or print',
  example: "fleet-health report 'web-*' --since 7d -o fleet.html",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    file: text('-o, --output <file>', 'where to (default: report-YYYYMMDD.html, or into the pipe)'),
    split: text('--split <folder>', 'an index and a file for each group there, in place of one file'),
    since: withDefault(text('--since <time>', 'the beginning: 30d ago, yesterday, 2026-12-01'), '30d'),
    until: text('--until <time>', 'the end (default: now)'),
    maxSize: withDefault(text('--max-size <size>', 'above it plots are made coarser and left out'), '8MiB'),
  },
  run: async (context, options) => (await import('./report.ts')).reportCommand(context, options),
});

export const show = defineCommand({
  name: 'show',
  help: 'one client: alerts, figures, disks, visits, the last day, mails',
  example: 'fleet-health show web-1',
  parameters: { client: text('<client>', 'its name, or a pattern that fits it alone') },
  run: async (context, { client }) => (await import('./show.ts')).showCommand(context, client),
});

export const forecast = defineCommand({
  name: 'forecast',
  help: 'file systems that will be full soon, and when',
  example: "fleet-health forecast 'db-*' --within 14d",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    within: withDefault(text('--within <duration>', 'leave out what is full later; 90d at most'), '30d'),
    backtest: text('--backtest <days>', 'instead, how forecasts of so many past days turned out: 90d at most'),
  },
  run: async (context, options) => (await import('./forecast.ts')).forecastCommand(context, options),
});

export const outliers = defineCommand({
  name: 'outliers',
  help: 'members of a group that differ from the others',
  example: 'fleet-health outliers web',
  parameters: {
    groups: many(text('[group...]', 'only these groups or patterns; all of their members are compared')),
  },
  run: async (context, options) => (await import('./outliers.ts')).outliersCommand(context, options),
});
