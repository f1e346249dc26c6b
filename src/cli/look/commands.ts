import { defineCommand, many, selection, text, withDefault } from '../command/define-command.ts';

export const report = defineCommand({
  name: 'report',
  help: 'write the fleet into one HTML file to open, mail or print',
  example: "fleet-health report 'web-*' --since 7d -o fleet.html",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    file: text('-o, --output <file>', 'the file (default: report-YYYYMMDD.html, or standard output in a pipe)'),
    split: text('--split <folder>', 'a folder for an index and a file of each group, instead of one file'),
    since: withDefault(text('--since <time>', 'the beginning: 30d ago, yesterday, 2026-12-01'), '30d'),
    until: text('--until <time>', 'the end (default: now)'),
    maxSize: withDefault(text('--max-size <size>', 'the size above which plots become coarser or are omitted'), '8MiB'),
  },
  run: async (context, options) => (await import('./report.ts')).reportCommand(context, options),
});

export const show = defineCommand({
  name: 'show',
  help: 'print alerts, figures, disks, visits, the last day and mails of one client',
  example: 'fleet-health show web-1',
  parameters: { client: text('<client>', 'the name, or a pattern that matches one client') },
  run: async (context, { client }) => (await import('./show.ts')).showCommand(context, client),
});

export const forecast = defineCommand({
  name: 'forecast',
  help: 'list file systems that will be full soon, and when',
  example: "fleet-health forecast 'db-*' --within 14d",
  parameters: {
    clients: many(text('[client...]', 'only these clients or patterns')),
    group: selection.group,
    label: selection.label,
    within: withDefault(text('--within <duration>', 'the time limit, 90d at most'), '30d'),
    backtest: text(
      '--backtest <days>',
      'compare the forecasts of so many past days with what happened instead; 90 at most',
    ),
  },
  run: async (context, options) => (await import('./forecast.ts')).forecastCommand(context, options),
});

export const outliers = defineCommand({
  name: 'outliers',
  help: 'list members of a group that differ from the others',
  example: 'fleet-health outliers web',
  parameters: {
    groups: many(text('[group...]', 'only these groups or patterns, with all their members')),
  },
  run: async (context, options) => (await import('./outliers.ts')).outliersCommand(context, options),
});
